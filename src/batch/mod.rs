//! A batch: one upload, from the file to the last recipient.

pub mod approval;
pub mod correction;
pub mod declared;
pub mod digest;
pub mod import;
mod kind;
pub mod references;
pub mod retry;
pub mod states;
pub mod view;

use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::money::Currency;
use crate::store::Refusal;
pub use declared::Declared;
use import::MappingSource;
pub use kind::{Kind, RowState};
use serde::Serialize;
use serde_json::Value;
pub use states::State;
use std::time::Duration;
use uuid::Uuid;

/// What an upload asks for, fixed when it is created. Rows and money come from the file.
#[derive(Clone, Debug)]
pub struct NewBatch {
    pub id: BatchId,
    pub organisation: OrganisationId,
    pub kind: Kind,
    pub name: String,
    pub currency: Currency,
    /// Tell the paid by SMS.
    pub notify: bool,
    pub sms_template: Option<String>,
    /// Our column → theirs, as JSON.
    pub mapping: Option<String>,
    pub scheduled_at: Option<Time>,
    pub declared: Declared,
    pub file_name: String,
    /// SHA-256 of file and fields: the same Idempotency-Key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
    /// SHA-256 of the file alone.
    pub file_hash: [u8; 32],
    pub upload: Uuid,
    pub created_by: Uuid,
    pub created_by_label: String,
}

/// How an upload was understood, known once it was read to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// Format, encoding, delimiter, sheet, row of the header: for people, as the API shows it.
    pub source: Value,
    /// Our column → theirs, every field that was found, as JSON.
    pub mapping: String,
    pub mapping_source: MappingSource,
    /// What the upload's own mapping is remembered by, for lists of its kind, once the list was approved.
    pub header: import::Fingerprint,
}

/// How far the file of a batch that is `importing` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Reading {
    pub read_bytes: i64,
    pub file_bytes: i64,
}

/// Rows and money of one state within a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub rows: i64,
    pub amount: i64,
    /// Amount, fee and tax together.
    pub total: i64,
}

/// A batch with its counters. Money in minor units of `currency`.
#[derive(Clone, Debug)]
pub struct Batch {
    pub id: BatchId,
    pub organisation: OrganisationId,
    pub kind: Kind,
    pub name: String,
    pub currency: Currency,
    pub state: State,
    pub claim: i64,
    pub notify: bool,
    pub sms_template: Option<String>,
    /// As given until the list was read; then every field that was found.
    pub mapping: Option<String>,
    pub mapping_source: Option<String>,
    pub source: Option<Value>,
    /// While it is imported. The importer sets it for its own progress, and every chunk of rows carries it.
    pub reading: Option<Reading>,
    pub declared: Declared,
    pub scheduled_at: Option<Time>,
    pub file_name: String,
    pub upload: Uuid,
    pub file_hash: Vec<u8>,
    /// `None` while it is imported, and when a correction has made it stale: it is reckoned again at the submission.
    pub digest: Option<String>,
    /// Rises with every correction.
    pub revision: i64,
    pub rows: i64,
    pub valid: i64,
    pub invalid: i64,
    /// Rows that a maker set aside.
    pub excluded: i64,
    /// Rows that pay the same amount to the same number as another batch.
    pub duplicates: i64,
    pub warnings: i64,
    pub amount: i64,
    pub fees: i64,
    pub tax: i64,
    pub reserved: i64,
    pub paid: i64,
    pub released: i64,
    pub held: i64,
    /// Of the states that its kind of row has.
    pub tallies: Vec<(RowState, Tally)>,
    pub rejection: Option<String>,
    pub failure: Option<String>,
    pub created_by: Uuid,
    pub created_by_label: String,
    pub submitted_by: Option<Uuid>,
    pub approved_by: Option<Uuid>,
    pub approved_by_label: Option<String>,
    pub created_at: Time,
    pub approved_at: Option<Time>,
    pub completed_at: Option<Time>,
}

impl Batch {
    /// Of a payout's state or a message's.
    pub fn tally(&self, state: impl Into<RowState>) -> Tally {
        let state = state.into();
        self.tallies.iter().find(|(s, _)| *s == state).map(|(_, t)| *t).unwrap_or_default()
    }

    /// Rows that keep it open.
    pub fn unfinished(&self) -> i64 {
        self.tallies.iter().filter(|(s, _)| s.is_open()).map(|(_, t)| t.rows).sum()
    }
}

/// How long ago the time of a schedule may be: whoever uploads a list at noon may have meant this morning.
const PAST_MAX: Duration = Duration::from_secs(24 * 3600);

/// A schedule of the past would be paid at the approval, and be a slip of the year.
pub(crate) fn refuse_past(scheduled_at: Option<Time>, now: Time) -> Result<(), Refusal> {
    match scheduled_at.filter(|at| *at + PAST_MAX < now) {
        None => Ok(()),
        Some(at) => {
            let message = format!("scheduled_at {at} has passed. Correct it, or leave it out to pay at the approval");
            Err(Refusal::Invalid(message))
        }
    }
}
