//! Backups that are whole, and restores that refuse whatever is not.

use super::*;
use crate::clock::SystemClock;
use crate::money::{Currency, Money};
use crate::org::Principal;
use crate::store::{Installation, Organisations, Quarantines, Wallets};
use std::sync::Arc;

struct Home(PathBuf);

impl Home {
    fn new() -> Home {
        let path = std::env::temp_dir().join(format!("gaba-backup-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        Home(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.file(name).display())
    }

    async fn open(&self, name: &str) -> SqliteStore {
        SqliteStore::open(&self.url(name), clock()).await.unwrap()
    }

    /// A database with an organisation that has some money, and its backup.
    async fn backed_up(&self) -> (SqliteStore, Principal, Backup) {
        let store = self.open("gaba.db").await;
        let organisation = store.create_organisation("one", Currency::Ugx).await.unwrap();
        let operator = Principal::operator(organisation.id);
        store.fund(&operator, Money::new(1_000, Currency::Ugx), "bank-1", None).await.unwrap();
        let backup = store.back_up(&self.file("backup.db")).await.unwrap();
        (store, operator, backup)
    }

    async fn refused(&self, from: &str, to: &str, replace: bool, told: &str) {
        let error = restore(&self.url(to), &self.file(from), replace, clock()).await.unwrap_err().to_string();
        assert!(error.contains(told), "{told:?} in {error:?}");
        assert!(!self.file(&format!("{to}.restoring")).exists(), "nothing is left behind");
    }

    /// Changes a copy of the backup.
    async fn harmed(&self, sql: &'static str) {
        std::fs::copy(self.file("backup.db"), self.file("harmed.db")).unwrap();
        let mut connection = super::open(&self.file("harmed.db")).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

#[tokio::test]
async fn a_backup_is_one_moment_and_comes_back_in_quarantine() {
    let home = Home::new();
    let (store, operator, backup) = home.backed_up().await;
    assert_eq!(backup.position, 1);
    store.fund(&operator, Money::new(500, Currency::Ugx), "bank-2", None).await.unwrap();
    let again = store.back_up(&home.file("backup.db")).await.unwrap_err().to_string();
    assert!(again.contains("exists"), "{again}");

    let restored = restore(&home.url("other.db"), &home.file("backup.db"), false, clock()).await.unwrap();
    assert_eq!((restored.position, restored.taken_at, restored.kept), (1, backup.taken_at, None));
    for end in ["-wal", "-shm", "-journal", ".restoring"] {
        assert!(!home.file(&format!("other.db{end}")).exists(), "{end}");
    }
    let other = home.open("other.db").await;
    let quarantine = other.quarantine().await.unwrap().expect("in quarantine before anybody could open it");
    assert_eq!((quarantine.gap_from, quarantine.backup_position), (backup.taken_at, Some(1)));
    assert_eq!(other.wallets(operator.organisation).await.unwrap()[0].available, "1000");
    assert!(other.verify_audit().await.unwrap().is_empty());
    assert!(store.quarantine().await.unwrap().is_none(), "whoever is backed up goes on");
}

#[tokio::test]
async fn the_database_that_is_replaced_is_kept_whole() {
    let home = Home::new();
    let (store, operator, _) = home.backed_up().await;
    store.fund(&operator, Money::new(500, Currency::Ugx), "bank-2", None).await.unwrap();
    store.take_over().await.unwrap();
    home.refused("backup.db", "gaba.db", true, "a process works on").await;
    store.reader.close().await;
    store.writer.close().await;
    drop(store);
    home.refused("backup.db", "gaba.db", false, "--replace").await;
    let restored = restore(&home.url("gaba.db"), &home.file("backup.db"), true, clock()).await.unwrap();
    let kept = restored.kept.unwrap();
    let kept = home.open(kept.file_name().unwrap().to_str().unwrap()).await;
    assert_eq!(kept.wallets(operator.organisation).await.unwrap()[0].available, "1500");
    let now = home.open("gaba.db").await;
    assert_eq!(now.wallets(operator.organisation).await.unwrap()[0].available, "1000");
}

#[tokio::test]
async fn a_backup_that_was_taken_in_quarantine_begins_a_longer_one() {
    let home = Home::new();
    let (_store, _, backup) = home.backed_up().await;
    restore(&home.url("second.db"), &home.file("backup.db"), false, clock()).await.unwrap();
    let second = home.open("second.db").await;
    second.back_up(&home.file("later.db")).await.unwrap();
    restore(&home.url("third.db"), &home.file("later.db"), false, clock()).await.unwrap();
    let third = home.open("third.db").await.quarantine().await.unwrap().unwrap();
    assert_eq!(third.gap_from, backup.taken_at, "what was not known then is not known now");
    assert_ne!(third.id, second.quarantine().await.unwrap().unwrap().id);
}

#[tokio::test]
async fn what_is_no_sound_backup_is_refused_and_changes_nothing() {
    let home = Home::new();
    let (_store, _, _) = home.backed_up().await;
    home.refused("absent.db", "new.db", false, "absent.db").await;
    std::fs::write(home.file("text.db"), "a list of people").unwrap();
    home.refused("text.db", "new.db", false, "no database").await;
    home.refused("gaba.db", "new.db", false, "a log beside it").await;
    home.refused("backup.db", "backup.db", true, "the database itself").await;
    home.harmed("UPDATE _sqlx_migrations SET version = version + 1000").await;
    home.refused("harmed.db", "new.db", false, "newer program").await;
    home.harmed("UPDATE accounts SET balance = balance + 1 WHERE kind = 'wallet'").await;
    home.refused("harmed.db", "new.db", false, "the books of the backup differ").await;
    home.harmed("DROP TABLE _sqlx_migrations").await;
    home.refused("harmed.db", "new.db", false, "no database of Gaba").await;
    assert!(!home.file("new.db").exists());
    // A page in the middle is gone.
    let mut bytes = std::fs::read(home.file("backup.db")).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(home.file("torn.db"), bytes).unwrap();
    home.refused("torn.db", "new.db", false, "").await;
}
