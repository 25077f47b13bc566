//! A batch as the API shows it.

use super::{Batch, State};
use crate::clock::Time;
use crate::ids::BatchId;
use crate::money::{Currency, Money};
use crate::payout;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub struct BatchView {
    #[schema(value_type = Uuid)]
    pub id: BatchId,
    pub name: String,
    pub kind: Kind,
    pub state: State,
    pub currency: Currency,
    /// `sha256:` and 64 hexadecimal digits over everything that an approval is bound to; null until the list is read.
    pub digest: Option<String>,
    pub counts: Counts,
    pub totals: Totals,
    pub notify: bool,
    pub sms_template: Option<String>,
    pub scheduled_at: Option<Time>,
    pub file_name: String,
    /// Why it was sent back to its maker.
    pub rejection: Option<String>,
    /// Why the file could not be read as a list.
    pub failure: Option<String>,
    pub created_by: Uuid,
    pub approved_by: Option<Uuid>,
    pub created_at: Time,
    pub approved_at: Option<Time>,
    pub completed_at: Option<Time>,
}

/// What a batch does for each row.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BatchKind)]
pub enum Kind {
    Payout,
}

/// Rows of a batch: of the file, and by what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub rows: i64,
    pub valid: i64,
    pub invalid: i64,
    pub warnings: i64,
    /// Before approval: the rows that would be paid.
    pub queued: i64,
    pub sending: i64,
    pub accepted: i64,
    pub unknown: i64,
    pub paid: i64,
    pub failed: i64,
    pub cancelled: i64,
}

/// Money of a batch, in decimal strings of its currency. `reserved = paid + released + held`, all with fees and tax;
/// `in_flight` and `unknown` are parts of `held`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    pub amount: String,
    pub fees: String,
    pub tax: String,
    pub reserved: String,
    pub paid: String,
    pub released: String,
    pub held: String,
    pub in_flight: String,
    pub unknown: String,
    /// What the paid received, without fees and tax.
    pub paid_amount: String,
}

impl From<&Batch> for BatchView {
    fn from(batch: &Batch) -> BatchView {
        BatchView {
            id: batch.id,
            name: batch.name.clone(),
            kind: Kind::Payout,
            state: batch.state,
            currency: batch.currency,
            digest: batch.digest.clone(),
            counts: batch.into(),
            totals: batch.into(),
            notify: batch.notify,
            sms_template: batch.sms_template.clone(),
            scheduled_at: batch.scheduled_at,
            file_name: batch.file_name.clone(),
            rejection: batch.rejection.clone(),
            failure: batch.failure.clone(),
            created_by: batch.created_by,
            approved_by: batch.approved_by,
            created_at: batch.created_at,
            approved_at: batch.approved_at,
            completed_at: batch.completed_at,
        }
    }
}

impl From<&Batch> for Counts {
    fn from(batch: &Batch) -> Counts {
        use payout::State::*;
        let rows = |state| batch.tally(state).rows;
        Counts {
            rows: batch.rows,
            valid: batch.valid,
            invalid: batch.invalid,
            warnings: batch.warnings,
            queued: rows(Queued),
            sending: rows(Sending),
            accepted: rows(Accepted),
            unknown: rows(Unknown),
            paid: rows(Paid),
            failed: rows(Failed),
            cancelled: rows(Cancelled),
        }
    }
}

impl From<&Batch> for Totals {
    fn from(batch: &Batch) -> Totals {
        use payout::State::*;
        let money = |minor: i64| Money::new(minor, batch.currency).amount();
        Totals {
            amount: money(batch.amount),
            fees: money(batch.fees),
            tax: money(batch.tax),
            reserved: money(batch.reserved),
            paid: money(batch.paid),
            released: money(batch.released),
            held: money(batch.held),
            in_flight: money(batch.tally(Sending).total + batch.tally(Accepted).total),
            unknown: money(batch.tally(Unknown).total),
            paid_amount: money(batch.tally(Paid).amount),
        }
    }
}

/// Wherever a batch is written, it is written like this.
impl Serialize for Batch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BatchView::from(self).serialize(serializer)
    }
}
