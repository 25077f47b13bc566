//! A batch: one upload, from the file to the last recipient.

pub mod digest;
pub mod import;
pub mod states;
pub mod view;

use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::money::Currency;
use crate::payout;
pub use states::State;
use uuid::Uuid;

/// What an upload asks for, fixed when it is created. Rows and money come from the file.
#[derive(Clone, Debug)]
pub struct NewBatch {
    pub id: BatchId,
    pub organisation: OrganisationId,
    pub name: String,
    pub currency: Currency,
    /// Tell the paid by SMS.
    pub notify: bool,
    pub sms_template: Option<String>,
    /// Our column → theirs, as JSON.
    pub mapping: Option<String>,
    pub scheduled_at: Option<Time>,
    pub file_name: String,
    /// SHA-256 of file and fields: the same Idempotency-Key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
    pub upload: Uuid,
    pub created_by: Uuid,
    pub created_by_label: String,
}

/// Rows and money of one payout state within a batch.
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
    pub name: String,
    pub currency: Currency,
    pub state: State,
    pub claim: i64,
    pub notify: bool,
    pub sms_template: Option<String>,
    pub mapping: Option<String>,
    pub scheduled_at: Option<Time>,
    pub file_name: String,
    pub upload: Uuid,
    pub digest: Option<String>,
    pub rows: i64,
    pub valid: i64,
    pub invalid: i64,
    pub warnings: i64,
    pub amount: i64,
    pub fees: i64,
    pub tax: i64,
    pub reserved: i64,
    pub paid: i64,
    pub released: i64,
    pub held: i64,
    /// In the order of [`payout::State`].
    pub tallies: Vec<(payout::State, Tally)>,
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
    pub fn tally(&self, state: payout::State) -> Tally {
        self.tallies.iter().find(|(s, _)| *s == state).map(|(_, t)| *t).unwrap_or_default()
    }

    /// Rows that are not final.
    pub fn unfinished(&self) -> i64 {
        self.tallies.iter().filter(|(s, _)| !s.is_final()).map(|(_, t)| t.rows).sum()
    }
}
