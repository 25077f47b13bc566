//! Backups of the database file, and putting one in place.
//!
//! A backup is made beside the running server: `VACUUM INTO` copies one moment of it into a file of its own, which gets its name
//! only once it is whole and on the disk. A restore works on a copy of the backup beside the database: it is checked, brought up
//! to date and put in quarantine *there*, and only then takes the database's place by one rename. So no database is ever in
//! place that came from a backup and sends.

use super::rows::{get, time, time_opt};
use super::{MIGRATIONS, SqliteStore, StoreError, error, own, sql, standstill};
use crate::clock::{SharedClock, Time};
use crate::store::Wallets;
use crate::store::backup::{Backup, BackupError, Restored};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

type Result<T, E = BackupError> = std::result::Result<T, E>;

/// The setting of a backup that says when it was taken.
const TAKEN_AT: &str = "backup_taken_at";
/// How long a restore waits for somebody who reads the database that it replaces.
const BUSY: Duration = Duration::from_secs(2);

impl SqliteStore {
    pub(super) async fn back_up(&self, to: &Path) -> Result<Backup> {
        refuse_existing(to)?;
        let part = beside(to, ".part");
        let _ = std::fs::remove_file(&part);
        // Recipients, and the key that vouches for receipts, are in it: nobody else reads it, from its first byte on. SQLite
        // copies into an empty file as it is.
        let private = File::options().write(true).create_new(true).mode(0o600).open(&part);
        drop(private.map_err(BackupError::file(&part))?);
        // Before the copy begins: whatever was committed by now is in it.
        let taken_at = self.now();
        let name = part.to_str().ok_or_else(|| BackupError::Refused(format!("{} is no UTF-8", part.display())))?;
        own!("backup_into").bind(name).execute(&self.reader).await.map_err(error)?;
        let position = finish(&part, taken_at).await?;
        on_disk(&part)?;
        let bytes = std::fs::metadata(&part).map_err(BackupError::file(&part))?.len();
        refuse_existing(to)?;
        std::fs::rename(&part, to).map_err(BackupError::file(to))?;
        folder_on_disk(to)?;
        Ok(Backup { file: to.to_owned(), taken_at, position, bytes })
    }
}

/// Writes into a copy when it was taken, and reads it through once.
async fn finish(copy: &Path, taken_at: Time) -> Result<i64> {
    let mut connection = open(copy).await?;
    let stamp = sql!("setting_set").bind(TAKEN_AT).bind(taken_at.micros().to_be_bytes().to_vec());
    stamp.execute(&mut connection).await.map_err(error)?;
    whole(&mut connection).await?;
    let row = sql!("ledger_position").fetch_one(&mut connection).await.map_err(error)?;
    let position = get(&row, "position")?;
    connection.close().await.map_err(error)?;
    Ok(position)
}

/// One connection to a file that nobody else has open, which stays one file.
async fn open(file: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Delete).busy_timeout(BUSY);
    Ok(options.connect().await.map_err(error)?)
}

async fn whole(connection: &mut SqliteConnection) -> Result<()> {
    let found = own!("integrity").fetch_all(connection).await.map_err(error)?;
    let told = found.iter().map(|row| get::<String>(row, "integrity_check")).collect::<Result<Vec<_>, _>>()?;
    match told.first() {
        Some(first) if first == "ok" => Ok(()),
        first => {
            Err(BackupError::Refused(format!("the file is damaged: {}", first.map_or("no answer", String::as_str))))
        }
    }
}

/// Puts the backup `from` in the place of the database of `url`, in quarantine.
pub async fn restore(url: &str, from: &Path, replace: bool, clock: SharedClock) -> Result<Restored> {
    let database = SqliteStore::path_of(url);
    if let Some(folder) = database.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(BackupError::file(folder))?;
    }
    let _lock = lock(&database)?;
    let sides = ["", "-wal", "-shm"].map(|end| beside(&database, end));
    if !replace && let Some(there) = sides.iter().find(|side| side.exists()) {
        return Err(BackupError::Refused(format!(
            "{} exists; --replace keeps it under another name and puts the backup in its place",
            there.display()
        )));
    }
    if from.canonicalize().ok().is_some_and(|from| database.canonicalize().is_ok_and(|there| from == there)) {
        return Err(BackupError::Refused(format!("{} is the database itself", from.display())));
    }
    if std::fs::metadata(beside(from, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(BackupError::Refused(format!(
            "{} is a database with a log beside it, and its last commits may be there alone; make a backup of it with \
             `gaba backup`",
            from.display()
        )));
    }
    let copy = beside(&database, ".restoring");
    for end in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(beside(&copy, end));
    }
    std::fs::copy(from, &copy).map_err(BackupError::file(from))?;
    let prepared = prepare(&copy, &clock).await;
    if prepared.is_err() {
        let _ = std::fs::remove_file(&copy);
    }
    let (taken_at, position) = prepared?;
    on_disk(&copy)?;
    let kept = put_aside(&database, &sides, clock.now()).await?;
    std::fs::rename(&copy, &database).map_err(BackupError::file(&database))?;
    folder_on_disk(&database)?;
    Ok(Restored { database, taken_at, position, kept })
}

/// Refuses while a process works on the database; nobody can begin to before this is dropped.
fn lock(database: &Path) -> Result<File> {
    let path = database.with_extension("lock");
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(BackupError::file(&path))?;
    file.try_lock().map_err(|e| match e {
        TryLockError::WouldBlock => {
            BackupError::Refused(format!("a process works on {}; stop it first", database.display()))
        }
        TryLockError::Error(why) => BackupError::File { path, why },
    })?;
    Ok(file)
}

/// Checks the copy, brings it up to date, and puts it in quarantine.
async fn prepare(copy: &Path, clock: &SharedClock) -> Result<(Time, i64)> {
    let mut connection = open(copy).await.map_err(|e| BackupError::Refused(format!("this is no database: {e}")))?;
    whole(&mut connection).await?;
    let version = sql!("schema_version").fetch_one(&mut connection).await;
    let version = version.map_err(|_| BackupError::Refused("this is no database of Gaba".into()))?;
    let version = get::<Option<i64>>(&version, "version")?.unwrap_or_default();
    let ours = MIGRATIONS.iter().map(|m| m.0).max().unwrap_or_default();
    if version > ours {
        return Err(BackupError::Refused(format!(
            "the backup was made by a newer program (schema {version}, this one has {ours}); restore it with that program"
        )));
    }
    connection.close().await.map_err(error)?;

    let url = format!("sqlite://{}", copy.display());
    let store = SqliteStore::open(&url, clock.clone()).await?;
    let check = store.check_ledger().await?;
    if let Some(first) = check.differences.first() {
        return Err(BackupError::Refused(format!(
            "the books of the backup differ in {} places ({}); restore another one",
            check.differences.len(),
            first.what
        )));
    }
    let taken_at = taken_at(&store).await?;
    let (now, position) = (clock.now(), check.position);
    store
        .write(move |tx| {
            Box::pin(async move {
                let mut gap_from = taken_at;
                if let Some(earlier) = sql!("quarantine_standing").fetch_optional(&mut *tx).await.map_err(error)? {
                    // It was taken in quarantine: what was not known then is not known now. The questions begin anew.
                    gap_from = gap_from.min(time(&earlier, "gap_from")?);
                    sql!("quarantine_supersede").bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
                }
                sql!("setting_delete").bind(TAKEN_AT).execute(&mut *tx).await.map_err(error)?;
                standstill::begin(tx, "a backup was restored", gap_from, Some(position), now).await.map(drop)
            })
        })
        .await?;
    store.reader.close().await;
    store.writer.close().await;
    // Its log goes into the file: one file is renamed, and nothing is left behind.
    let mut connection = open(copy).await?;
    whole(&mut connection).await?;
    connection.close().await.map_err(error)?;
    Ok((taken_at, position))
}

/// When a backup was taken; of a file that does not say, the last that is known to have happened.
async fn taken_at(store: &SqliteStore) -> Result<Time> {
    let stamp = sql!("setting_get").bind(TAKEN_AT).fetch_optional(&store.reader).await.map_err(error)?;
    if let Some(row) = stamp {
        let bytes: Vec<u8> = get(&row, "value")?;
        let bytes = bytes.try_into().map_err(|_| StoreError::Rejected("when it was taken cannot be read".into()))?;
        return Ok(Time(i64::from_be_bytes(bytes)));
    }
    let row = sql!("last_happened").fetch_one(&store.reader).await.map_err(error)?;
    Ok(time_opt(&row, "at")?.unwrap_or(Time(0)))
}

/// Moves what stands there to another name; where it is now.
async fn put_aside(database: &Path, sides: &[PathBuf; 3], now: Time) -> Result<Option<PathBuf>> {
    if sides.iter().all(|side| !side.exists()) {
        return Ok(None);
    }
    if database.exists() {
        match open(database).await {
            // Its log is in it now, and nobody else has it open.
            Ok(connection) => connection.close().await.map_err(error)?,
            Err(BackupError::Store(StoreError::Unavailable(why))) if why.contains("locked") => {
                return Err(BackupError::Refused(format!("a process has {} open; stop it first", database.display())));
            }
            // It may be damaged, which is why it is replaced: it is kept as it is.
            Err(_) => {}
        }
    }
    let stamp: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    let kept = beside(database, &format!(".replaced-{stamp}"));
    refuse_existing(&kept)?;
    for (side, end) in sides.iter().zip(["", "-wal", "-shm"]).skip(1) {
        if side.exists() {
            std::fs::rename(side, beside(&kept, end)).map_err(BackupError::file(side))?;
        }
    }
    // A second name for it, so that there is a database at every moment: a start in between would make an empty one.
    if database.exists() && std::fs::hard_link(database, &kept).is_err() {
        std::fs::rename(database, &kept).map_err(BackupError::file(database))?;
    }
    Ok(Some(kept))
}

fn refuse_existing(path: &Path) -> Result<()> {
    if path.exists() {
        return Err(BackupError::Refused(format!("{} exists; choose another name", path.display())));
    }
    Ok(())
}

/// `path` with something at the end of its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

fn on_disk(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(BackupError::file(path))
}

/// A name is on the disk once its folder is.
fn folder_on_disk(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    on_disk(folder)
}

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
