//! What the tests know of a database engine: where it keeps its data, and what the judge asks it behind the server's back.
//! Another engine is added here and nowhere else.

use super::Folder;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row};
use std::collections::HashSet;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
}

/// The engine that the installations of this run stand on.
pub const ENGINE: Engine = Engine::Sqlite;

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "SQLite",
        }
    }

    /// The address of a database in this folder.
    pub fn url(self, folder: &std::path::Path) -> String {
        match self {
            Engine::Sqlite => format!("sqlite://{}/gaba.db", folder.display()),
        }
    }

    /// Puts the data that this folder is going to hold on another disk, which is mounted at `disk`.
    pub fn place_on(self, disk: &std::path::Path, folder: &Folder) {
        match self {
            // SQLite follows the link and keeps its log beside the file itself.
            Engine::Sqlite => {
                std::fs::write(disk.join("gaba.db"), "").unwrap();
                std::os::unix::fs::symlink(disk.join("gaba.db"), folder.file("gaba.db")).unwrap();
            }
        }
    }

    /// Whether several processes may work on one database at once.
    pub fn is_shared(self) -> bool {
        match self {
            Engine::Sqlite => false,
        }
    }

    pub async fn open(self, folder: &Folder) -> Database {
        Database::Sqlite { path: folder.file("gaba.db") }
    }
}

/// A database, looked at from beside.
pub enum Database {
    Sqlite { path: PathBuf },
}

impl Database {
    /// Able to write, as whoever comes first after a crash must be: the log is to be recovered.
    async fn pool(&self) -> SqlitePool {
        let Database::Sqlite { path } = self;
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
        SqlitePool::connect_with(options.busy_timeout(std::time::Duration::from_secs(30))).await.unwrap()
    }

    async fn count(&self, sql: &str) -> i64 {
        let pool = self.pool().await;
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&pool).await.unwrap();
        pool.close().await;
        row.get(0)
    }

    /// Every reference that was ever committed, as 32 hexadecimal digits.
    pub async fn references(&self) -> HashSet<String> {
        let pool = self.pool().await;
        let rows = sqlx::query("SELECT lower(hex(reference)) FROM attempts").fetch_all(&pool).await.unwrap();
        pool.close().await;
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// Payouts with two successes or two open attempts.
    pub async fn doubled_attempts(&self) -> i64 {
        self.count(
            "SELECT COUNT(*) FROM (SELECT 1 FROM attempts GROUP BY batch_id, row
                                   HAVING SUM(state = 'succeeded') > 1 OR SUM(state = 'open') > 1)",
        )
        .await
    }

    /// Payouts of which the log of events says that something followed a payment; or another final state, but what people
    /// said: a retry of the failed, or a verdict on a late success.
    pub async fn left_a_final_state(&self) -> i64 {
        self.count(
            "SELECT COUNT(*)
             FROM payout_events a
             JOIN payout_events b ON b.batch_id = a.batch_id AND b.row = a.row AND b.claim > a.claim
             WHERE a.kind IN ('paid', 'failed', 'cancelled') AND b.kind NOT LIKE 'exception.%'
               AND NOT (a.kind <> 'paid' AND EXISTS (
                     SELECT 1 FROM payout_events c
                     WHERE c.batch_id = a.batch_id AND c.row = a.row AND c.claim > a.claim AND c.claim <= b.claim
                       AND ((c.kind = 'queued' AND c.detail LIKE '%paid again under a new reference')
                            OR c.kind = 'exception.late_success.resolved')))",
        )
        .await
    }

    /// Rows that still wait for something although their batch is closed.
    pub async fn due_in_closed_batches(&self) -> i64 {
        self.count(
            "SELECT COUNT(*) FROM payouts p JOIN batches b ON b.id = p.batch_id
             WHERE b.state IN ('completed', 'cancelled') AND p.due_at IS NOT NULL AND p.frozen_by IS NULL",
        )
        .await
    }

    /// Payouts in a state.
    pub async fn payouts_in(&self, state: &str) -> i64 {
        self.count(&format!("SELECT COUNT(*) FROM payouts WHERE state = '{state}'")).await
    }

    /// The greatest number of attempts that any payout had.
    pub async fn attempts_max(&self) -> i64 {
        self.count("SELECT COALESCE(MAX(n), 0) FROM (SELECT COUNT(*) AS n FROM attempts GROUP BY batch_id, row)").await
    }

    /// What the engine itself finds wrong with its files; nothing when they are sound.
    pub async fn damage(&self) -> Option<String> {
        let pool = self.pool().await;
        let row = sqlx::query("PRAGMA integrity_check").fetch_one(&pool).await;
        pool.close().await;
        match row.map(|row| row.get::<String, _>(0)) {
            Ok(told) if told == "ok" => None,
            Ok(told) => Some(told),
            Err(why) => Some(why.to_string()),
        }
    }

    /// The same of what a process that was killed has left, without doing for it what its next start has to do.
    pub async fn damage_after_a_crash(&self) -> Option<String> {
        let Database::Sqlite { path } = self;
        let copy = Folder::new("crashed");
        for file in ["gaba.db", "gaba.db-wal"] {
            let left = path.with_file_name(file);
            if left.exists() {
                std::fs::copy(left, copy.file(file)).unwrap();
            }
        }
        Database::Sqlite { path: copy.file("gaba.db") }.damage().await
    }

    /// Writes something into a payout that nobody can read: what a bit that flips, or a version to come, might leave.
    pub async fn make_unreadable(&self, payout: &Value) {
        self.set_not_found(payout, -7).await;
    }

    pub async fn mend(&self, payout: &Value) {
        self.set_not_found(payout, 0).await;
    }

    async fn set_not_found(&self, payout: &Value, to: i64) {
        let pool = self.pool().await;
        let id = payout["id"].as_str().unwrap().replace('-', "");
        let sql = format!("UPDATE payouts SET not_found = {to} WHERE id = unhex('{id}')");
        let done = sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
        pool.close().await;
    }
}
