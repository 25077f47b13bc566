//! A batch: one upload, from the file to the last recipient.

pub mod approval;
pub mod correction;
pub mod declared;
pub mod digest;
pub mod import;
mod kind;
pub mod retry;
pub mod states;

use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::money::{Currency, Money};
use crate::payout;
pub use declared::Declared;
use import::MappingSource;
pub use kind::{Kind, RowState};
use serde::Serialize;
use serde_json::{Map, Value, json};
pub use states::State;
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
    /// What the upload's own mapping is remembered by.
    pub header: import::Fingerprint,
}

/// How far the file of a batch that is `importing` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

    fn counts(&self) -> Value {
        let mut counts = Map::new();
        counts.insert("rows".into(), self.rows.into());
        counts.insert("valid".into(), self.valid.into());
        counts.insert("invalid".into(), self.invalid.into());
        counts.insert("excluded".into(), self.excluded.into());
        counts.insert("duplicates".into(), self.duplicates.into());
        counts.insert("warnings".into(), self.warnings.into());
        for state in self.kind.row_states() {
            counts.insert(state.to_string(), self.tally(state).rows.into());
        }
        Value::Object(counts)
    }

    fn totals(&self) -> Value {
        use payout::State::*;
        // A message is charged when it is sent, and what was paid is what was charged.
        let (out, paid_amount) = match self.kind {
            Kind::Payout => (self.tally(Sending).total + self.tally(Accepted).total, self.tally(Paid).amount),
            Kind::Sms => (self.tally(crate::sms::State::Sending).total, self.paid),
        };
        let money = |minor: i64| Money::new(minor, self.currency).amount();
        json!({
            "amount": money(self.amount),
            "fees": money(self.fees),
            "tax": money(self.tax),
            "reserved": money(self.reserved),
            "paid": money(self.paid),
            "released": money(self.released),
            "held": money(self.held),
            "in_flight": money(out),
            "unknown": money(self.tally(Unknown).total),
            "paid_amount": money(paid_amount),
        })
    }
}

/// The batch as the API shows it.
impl Serialize for Batch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "id": self.id,
            "name": self.name,
            "kind": self.kind.name(),
            "state": self.state,
            "currency": self.currency,
            "digest": self.digest,
            "counts": self.counts(),
            "totals": self.totals(),
            "notify": self.notify,
            "sms_template": self.sms_template,
            "scheduled_at": self.scheduled_at,
            "file_name": self.file_name,
            "source": self.source,
            "mapping": self.mapping.as_deref().and_then(|json| serde_json::from_str::<Value>(json).ok()),
            "mapping_source": self.mapping_source,
            "declared_total": self.declared.total.map(Money::amount),
            "declared_count": self.declared.count,
            "import": self.reading.filter(|_| self.state == State::Importing),
            "rejection": self.rejection,
            "failure": self.failure,
            "created_by": self.created_by,
            "approved_by": self.approved_by,
            "created_at": self.created_at,
            "approved_at": self.approved_at,
            "completed_at": self.completed_at,
        })
        .serialize(serializer)
    }
}
