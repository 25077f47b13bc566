//! The installation: its keys, its owner, its health.

use super::rows::get;
use super::{MIGRATIONS, Result, SqliteStore, error, sql};
use crate::store::backup::{Backup, BackupError};
use crate::store::{Installation, StoreError};
use async_trait::async_trait;
use rand::Rng;
use std::fs::TryLockError;
use std::path::Path;

const CAPABILITY_KEY: &str = "capability_key";

#[async_trait]
impl Installation for SqliteStore {
    async fn capability_key(&self) -> Result<[u8; 32]> {
        let mut fresh = [0_u8; 32];
        rand::rng().fill_bytes(&mut fresh);
        self.write(move |tx| {
            Box::pin(async move {
                let insert = sql!("setting_insert").bind(CAPABILITY_KEY).bind(fresh.to_vec());
                insert.execute(&mut *tx).await.map_err(error)?;
                let row = sql!("setting_get").bind(CAPABILITY_KEY).fetch_one(tx).await.map_err(error)?;
                let key: Vec<u8> = get(&row, "value")?;
                key.try_into().map_err(|_| StoreError::Rejected("the stored capability key is damaged".into()))
            })
        })
        .await
    }

    async fn take_over(&self) -> Result<()> {
        let path = self.path.with_extension("lock");
        let unavailable = |why: String| StoreError::Unavailable(format!("{}: {why}", path.display()));
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|e| unavailable(e.to_string()))?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => StoreError::Unavailable(format!(
                "another process already works on {}; stop it first, or run this one with workers = \"none\"",
                self.path.display()
            )),
            TryLockError::Error(e) => unavailable(e.to_string()),
        })?;
        *self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(file);
        let _ = self.began.set(self.clock.monotonic());
        let now = self.now();
        // Nobody else holds the database, so every claim still open belongs to a process that is gone.
        self.write(move |tx| {
            Box::pin(async move {
                for statement in [
                    sql!("void_leases_payouts"),
                    sql!("void_leases_messages"),
                    sql!("void_leases_receipts"),
                    sql!("void_leases_imports"),
                    sql!("undate_unclear_ages"),
                    sql!("undate_payouts"),
                    sql!("undate_messages"),
                    sql!("undate_batches"),
                    sql!("undate_enquiries"),
                ] {
                    statement.bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn ready(&self) -> Result<()> {
        self.write(|tx| {
            Box::pin(async move {
                // A write that is rolled back nowhere: the row is always the same.
                sql!("setting_touch").execute(&mut *tx).await.map_err(error)?;
                let row = sql!("schema_version").fetch_one(tx).await.map_err(error)?;
                let (found, wanted) = (get::<i64>(&row, "version")?, MIGRATIONS.iter().map(|m| m.0).max());
                if Some(found) != wanted {
                    let why =
                        format!("the schema is at version {found}, this program needs {wanted:?}: run `gaba migrate`");
                    return Err(StoreError::Rejected(why));
                }
                Ok(())
            })
        })
        .await
    }

    async fn backup(&self, to: &Path) -> Result<Backup, BackupError> {
        self.back_up(to).await
    }
}
