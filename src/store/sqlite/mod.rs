//! The embedded engine: SQLite with one writer and several readers.
//!
//! - Every connection is set to WAL, `synchronous=FULL` and `foreign_keys`, and the settings are read back before the
//!   store is used: a commit that was reported is on the disk.
//! - There is one writing connection, and every transaction on it begins `IMMEDIATE`: acts are serial, so what an act
//!   read is still true when it writes.
//! - An act runs in a task of its own. A request that is dropped in the middle cannot leave a transaction open.
//! - Bulk writes are one statement over `json_each`, never row by row.

mod answers;
mod backup;
mod batches;
mod books;
mod bulk;
mod claims;
mod decisions;
mod doubts;
mod enquiries;
mod exceptions;
mod import;
mod installation;
mod ledger_check;
mod lists;
mod mappings;
mod messages;
mod organisations;
mod payouts;
mod quarantine;
mod receipts;
mod record;
mod repeats;
mod reports;
mod retries;
mod rows;
mod standstill;
mod statement;
mod wallets;

pub use backup::restore;

use super::{Result, StoreError};
use crate::clock::{SharedClock, Time};
use crate::faults::{self, Guard, Point};
use futures::future::BoxFuture;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, Execute, Row, SqlSafeStr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// A statement that every engine runs as it stands.
macro_rules! sql {
    ($name:literal) => {
        sqlx::query(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sql/", $name, ".sql")))
    };
}
/// A statement of this engine alone.
macro_rules! own {
    ($name:literal) => {
        sqlx::query(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/sql/", $name, ".sql")))
    };
}
use {own, sql};

/// A statement without the words in which a guard stands, where a test takes it away; `instead` is what it says then.
fn but<'q>(
    guard: Guard,
    statement: Query<'q, Sqlite, SqliteArguments>,
    words: &str,
    instead: &str,
) -> Query<'q, Sqlite, SqliteArguments> {
    if faults::stands(guard) {
        return statement;
    }
    let sql = Execute::sql(statement);
    assert!(sql.as_str().contains(words), "{} does not stand in {}", guard.name(), sql.as_str());
    sqlx::query(AssertSqlSafe(sql.as_str().replace(words, instead)))
}

/// What of the schema is a guard, and how it goes where a test takes it away.
const SCHEMA_GUARDS: [(Guard, &str); 3] = [
    (Guard::SameReference, "DROP INDEX IF EXISTS attempts_one_open"),
    (Guard::SameReference, "DROP INDEX IF EXISTS attempts_one_success"),
    (Guard::WalletFloor, "PRAGMA ignore_check_constraints = ON"),
];

/// The schema's versions, in order; a test compares them with the folder.
const MIGRATIONS: [(i64, &str, &str); 9] = [
    (1, "main job", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0001_main_job.sql"))),
    (2, "quarantine", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0002_quarantine.sql"))),
    (
        3,
        "vouched receipts",
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0003_vouched_receipts.sql")),
    ),
    (4, "headers", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0004_headers.sql"))),
    (5, "repeats", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0005_repeats.sql"))),
    (6, "paid amounts", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0006_paid_amounts.sql"))),
    (7, "correctors", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0007_correctors.sql"))),
    (8, "retry from", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0008_retry_from.sql"))),
    (
        9,
        "mappings by kind",
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/0009_mappings_by_kind.sql")),
    ),
];

fn migrator() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect())
}

const READERS_MAX: u32 = 4;
/// Page caches, in SQLite's words (negative: KiB). The writer comes back to the same pages again and again; what readers
/// look at a second time is in the system's cache, and a report of a million rows must not fill ours with each of them.
const WRITER_CACHE: &str = "-65536";
const READER_CACHE: &str = "-8192";
/// How long a process must have lived before it takes up a suspect; see [`quarantine`].
const STEADY: Duration = Duration::from_secs(5);
/// How long a statement waits for another process (a command beside the server) to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection inside a writing transaction.
pub(super) type Tx = SqliteConnection;

/// The store on one SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
    clock: SharedClock,
    path: PathBuf,
    /// Held by the process whose workers drive this database.
    lock: Arc<Mutex<Option<std::fs::File>>>,
    /// When this process began to drive it.
    began: Arc<OnceLock<Instant>>,
}

/// Who is paid how much is nobody's to read but the server's. SQLite gives its other files the mode of this one.
fn make_private(path: &Path) -> std::io::Result<()> {
    match std::fs::File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

impl SqliteStore {
    /// Opens (and creates) the database of a `sqlite://path` URL, brings its schema up to date and checks the settings
    /// that durability rests on.
    pub async fn open(url: &str, clock: SharedClock) -> Result<SqliteStore> {
        let path = Self::path_of(url);
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|e| StoreError::Unavailable(format!("cannot create the folder {}: {e}", folder.display())))?;
        }
        make_private(&path).map_err(|e| StoreError::Unavailable(format!("cannot create {}: {e}", path.display())))?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(256)
            .pragma("cache_size", WRITER_CACHE)
            .pragma("temp_store", "MEMORY")
            // Pages are written back in fewer, larger rounds: 16 MiB of log instead of 4.
            .pragma("wal_autocheckpoint", "4000");
        let pool = |max| PoolOptions::new().max_connections(max).after_connect(|c, _| Box::pin(check_settings(c)));
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(|e| StoreError::Unavailable(format!("cannot open {}: {e}", path.display())))?;
        migrator().run(&writer).await.map_err(|e| {
            StoreError::Rejected(format!("cannot bring the schema of {} up to date: {e}", path.display()))
        })?;
        for (_, gone) in SCHEMA_GUARDS.iter().filter(|(guard, _)| !faults::stands(*guard)) {
            sqlx::query(*gone).execute(&writer).await.map_err(error)?;
        }
        let options = options.read_only(true).pragma("cache_size", READER_CACHE);
        let reader = pool(READERS_MAX).connect_with(options).await.map_err(error)?;
        Ok(SqliteStore { writer, reader, clock, path, lock: Arc::default(), began: Arc::default() })
    }

    /// The file of a `sqlite://path` URL.
    pub fn path_of(url: &str) -> PathBuf {
        PathBuf::from(url.strip_prefix("sqlite://").unwrap_or(url))
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    /// Whether this process has lived long enough to be trusted with what others died of: one that is killed again and
    /// again from outside must not blame it on whatever it had in hand.
    fn steady(&self) -> bool {
        self.began.get().is_none_or(|began| self.clock.monotonic().saturating_duration_since(*began) >= STEADY)
    }

    /// Runs one act in one transaction, in a task of its own.
    async fn write<T, F>(&self, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let writer = self.writer.clone();
        let task = tokio::spawn(async move {
            let mut connection = writer.acquire().await.map_err(error)?;
            let done = transact(&mut connection, act).await;
            if matches!(done, Err(StoreError::Unavailable(_))) {
                // SQLite may have rolled back by itself (a full disk, an error of the device), of which sqlx knows nothing: it
                // would believe this connection to be inside a transaction for ever.
                connection.close_on_drop();
            }
            done
        });
        task.await.unwrap_or_else(|e| {
            let why = format!("the act did not finish: {e}");
            // A panic would come again: it must not be taken for a database that is away.
            Err(if e.is_panic() { StoreError::Rejected(why) } else { StoreError::Unavailable(why) })
        })
    }
}

async fn transact<T, F>(connection: &mut SqliteConnection, act: F) -> Result<T>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>>,
{
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(error)?;
    faults::at(Point::StoreBegin).await?;
    let done = act(&mut transaction).await?;
    faults::at(Point::StoreCommit).await?;
    transaction.commit().await.map_err(error)?;
    faults::at(Point::StoreCommitted).await?;
    Ok(done)
}

/// A connection that would not keep what it reported is refused.
async fn check_settings(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for (pragma, wanted) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
        let row = sqlx::query(AssertSqlSafe(format!("PRAGMA {pragma}"))).fetch_one(&mut *connection).await?;
        let found = row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()))?;
        if found != wanted {
            return Err(sqlx::Error::Configuration(
                format!("PRAGMA {pragma} is {found}, not {wanted}: the file system may not support it").into(),
            ));
        }
    }
    Ok(())
}

/// Trouble with the database, sorted by whether trying again can help.
fn error(e: sqlx::Error) -> StoreError {
    match &e {
        sqlx::Error::RowNotFound => StoreError::NotFound,
        sqlx::Error::Database(d) => {
            // SQLite's primary result codes: 19 constraint (and RAISE), 1 SQL error, 20 mismatch, 25 range.
            let primary = d.code().and_then(|c| c.parse::<i64>().ok()).map(|c| c & 0xff);
            match primary {
                Some(19 | 1 | 20 | 25) => StoreError::Rejected(d.message().to_owned()),
                _ => StoreError::Unavailable(d.message().to_owned()),
            }
        }
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => StoreError::Rejected(e.to_string()),
        _ => StoreError::Unavailable(e.to_string()),
    }
}

#[cfg(test)]
mod tests;
