//! The audit trail: one hash chain per organisation. Each entry's hash covers the entry before it, so that nothing can be
//! changed, left out or put in between without the chain breaking at that place.

use crate::clock::Time;
use crate::ids::OrganisationId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The hash before the first entry.
pub const GENESIS: [u8; 32] = [0; 32];

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuditEntry)]
pub struct Entry {
    pub sequence: i64,
    #[schema(value_type = Uuid)]
    pub organisation_id: OrganisationId,
    pub at: Time,
    /// Who: a principal's id and label, or `operator` for the command line.
    pub actor: String,
    /// What: `batch.approved`, `wallet.funded`, ….
    pub act: String,
    pub subject: Option<Uuid>,
    pub detail: String,
}

/// The hash of `entry` that follows `previous`. Every field is preceded by its length.
pub fn chain(previous: &[u8; 32], entry: &Entry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    let subject = entry.subject.map(|s| s.to_string()).unwrap_or_default();
    let at = entry.at.micros().to_string();
    let sequence = entry.sequence.to_string();
    let organisation = entry.organisation_id.to_string();
    for field in [&sequence, &organisation, &at, &entry.actor, &entry.act, &subject, &entry.detail] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    hash.finalize().into()
}
