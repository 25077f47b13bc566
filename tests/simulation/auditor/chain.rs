//! The audit trail: one chain of hashes per organisation, reckoned anew entry by entry.

use crate::support::walks::Wrong;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How far each chain was followed: the last sequence and its hash.
#[derive(Default)]
pub struct Chain(BTreeMap<Uuid, (i64, Vec<u8>)>);

impl Chain {
    /// Follows each chain from where it was left.
    pub async fn check(&mut self, connection: &mut SqliteConnection) -> Result<(), Wrong> {
        let known = self.0.values().map(|(sequence, _)| *sequence).min().unwrap_or(0);
        let entries = sqlx::query(
            "SELECT organisation_id, sequence, at, actor, act, subject, detail, hash FROM audit WHERE sequence > $1 \
             ORDER BY organisation_id, sequence",
        );
        let entries = entries.bind(known).fetch_all(connection).await.map_err(|e| e.to_string())?;
        for entry in &entries {
            let (organisation, sequence): (Uuid, i64) = (entry.get(0), entry.get(1));
            let last = self.0.entry(organisation).or_insert_with(|| (0, vec![0; 32]));
            if sequence <= last.0 {
                continue;
            }
            if sequence != last.0 + 1 {
                return Err(format!("I10: after entry {} of the audit trail comes {sequence}", last.0));
            }
            let subject = entry.get::<Option<Uuid>, _>(5).map(|s| s.to_string()).unwrap_or_default();
            let fields = [
                sequence.to_string(),
                organisation.to_string(),
                entry.get::<i64, _>(2).to_string(),
                entry.get(3),
                entry.get(4),
                subject,
                entry.get(6),
            ];
            let mut hash = Sha256::new();
            hash.update(&last.1);
            for field in fields {
                hash.update((field.len() as u64).to_be_bytes());
                hash.update(field);
            }
            let (wanted, stored) = (hash.finalize().to_vec(), entry.get::<Vec<u8>, _>(7));
            if wanted != stored {
                return Err(format!("I10: the audit trail breaks at entry {sequence} of {organisation}"));
            }
            *last = (sequence, stored);
        }
        Ok(())
    }
}
