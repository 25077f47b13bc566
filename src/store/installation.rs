//! The installation itself.

use super::Result;
use super::backup::{Backup, BackupError};
use async_trait::async_trait;
use std::path::Path;

/// The installation itself.
#[async_trait]
pub trait Installation: Send + Sync {
    /// The key that signs capability addresses, made at the first start.
    async fn capability_key(&self) -> Result<[u8; 32]>;
    /// Takes the database for this process's workers and voids the leases of the process before. SQLite only lets one
    /// process have it; the error says which.
    async fn take_over(&self) -> Result<()>;
    /// Whether the database can be written and has the schema of this program.
    async fn ready(&self) -> Result<()>;
    /// Operator: copies one moment of the database to the new file `to`, beside whoever works on it.
    async fn backup(&self, to: &Path) -> Result<Backup, BackupError>;
}
