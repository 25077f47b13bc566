//! Backups and restores, as the commands tell them.

use super::StoreError;
use crate::clock::Time;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A backup that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Backup {
    pub file: PathBuf,
    /// Everything that was committed by then is in it.
    pub taken_at: Time,
    /// The last transfer that it knows.
    pub position: i64,
    pub bytes: u64,
}

/// A backup that was put in place.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    pub database: PathBuf,
    pub taken_at: Time,
    pub position: i64,
    /// Where the database is now that stood there before.
    pub kept: Option<PathBuf>,
}

/// Why there is no backup, or why it was not put in place.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0}")]
    Refused(String),
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
        let path = path.to_owned();
        move |why| BackupError::File { path, why }
    }
}
