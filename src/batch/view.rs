//! A batch as the API shows it.

use super::{Batch, Kind, Reading, State};
use crate::clock::Time;
use crate::ids::BatchId;
use crate::money::{Currency, Money};
use crate::{payout, sms};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub struct BatchView {
    #[schema(value_type = Uuid)]
    pub id: BatchId,
    pub name: String,
    #[schema(value_type = String, pattern = "^(payout|sms)$")]
    pub kind: &'static str,
    pub state: State,
    pub currency: Currency,
    /// `sha256:` and 64 hexadecimal digits over everything that an approval is bound to; null until the list is read, and
    /// when a correction has made it stale.
    pub digest: Option<String>,
    pub counts: Counts,
    pub totals: Totals,
    pub notify: bool,
    pub sms_template: Option<String>,
    pub scheduled_at: Option<Time>,
    pub file_name: String,
    /// How the file was understood; null until it was read.
    pub source: Option<Value>,
    /// Our column → theirs: every field that was found.
    pub mapping: Option<Value>,
    /// Who said so: `given`, `remembered` from an earlier list of the same kind, or `recognised` by the names of the columns.
    pub mapping_source: Option<String>,
    pub declared_total: Option<String>,
    pub declared_count: Option<i64>,
    /// How far the file was read, while it is.
    pub import: Option<Reading>,
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

/// Rows of a batch: of the file, and by what became of them. Those of a batch of kind `sms` have states of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub rows: i64,
    pub valid: i64,
    pub invalid: i64,
    /// Rows that a maker set aside.
    pub excluded: i64,
    /// Rows that pay the same amount to the same number as another batch.
    pub duplicates: i64,
    pub warnings: i64,
    /// Before approval: the valid rows.
    pub queued: i64,
    pub sending: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub accepted: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub submitted: Option<i64>,
    pub unknown: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub paid: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub delivered: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub undelivered: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expired: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rejected: Option<i64>,
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
    /// What was approved for the paid, without fees and tax; of whom two people found that another amount was paid, the payout
    /// and the settlement report tell it.
    pub paid_amount: String,
}

impl From<&Batch> for BatchView {
    fn from(batch: &Batch) -> BatchView {
        BatchView {
            id: batch.id,
            name: batch.name.clone(),
            kind: batch.kind.name(),
            state: batch.state,
            currency: batch.currency,
            digest: batch.digest.clone(),
            counts: batch.into(),
            totals: batch.into(),
            notify: batch.notify,
            sms_template: batch.sms_template.clone(),
            scheduled_at: batch.scheduled_at,
            file_name: batch.file_name.clone(),
            source: batch.source.clone(),
            mapping: batch.mapping.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            mapping_source: batch.mapping_source.clone(),
            declared_total: batch.declared.total.map(Money::amount),
            declared_count: batch.declared.count,
            import: batch.reading.filter(|_| batch.state == State::Importing),
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
        use {payout::State as P, sms::State as S};
        let paid = |state: P| (batch.kind == Kind::Payout).then(|| batch.tally(state).rows);
        let told = |state: S| (batch.kind == Kind::Sms).then(|| batch.tally(state).rows);
        let either = |p: P, s: S| paid(p).or(told(s)).unwrap_or_default();
        Counts {
            rows: batch.rows,
            valid: batch.valid,
            invalid: batch.invalid,
            excluded: batch.excluded,
            duplicates: batch.duplicates,
            warnings: batch.warnings,
            queued: either(P::Queued, S::Queued),
            sending: either(P::Sending, S::Sending),
            accepted: paid(P::Accepted),
            submitted: told(S::Submitted),
            unknown: either(P::Unknown, S::Unknown),
            paid: paid(P::Paid),
            failed: paid(P::Failed),
            delivered: told(S::Delivered),
            undelivered: told(S::Undelivered),
            expired: told(S::Expired),
            rejected: told(S::Rejected),
            cancelled: either(P::Cancelled, S::Cancelled),
        }
    }
}

impl From<&Batch> for Totals {
    fn from(batch: &Batch) -> Totals {
        use payout::State::*;
        let money = |minor: i64| Money::new(minor, batch.currency).amount();
        // A message is charged when it is sent, and what was paid is what was charged.
        let (out, paid_amount) = match batch.kind {
            Kind::Payout => (batch.tally(Sending).total + batch.tally(Accepted).total, batch.tally(Paid).amount),
            Kind::Sms => (batch.tally(sms::State::Sending).total, batch.paid),
        };
        let unknown = if batch.kind == Kind::Payout { batch.tally(Unknown).total } else { 0 };
        Totals {
            amount: money(batch.amount),
            fees: money(batch.fees),
            tax: money(batch.tax),
            reserved: money(batch.reserved),
            paid: money(batch.paid),
            released: money(batch.released),
            held: money(batch.held),
            in_flight: money(out),
            unknown: money(unknown),
            paid_amount: money(paid_amount),
        }
    }
}

/// Wherever a batch is written, it is written like this.
impl Serialize for Batch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BatchView::from(self).serialize(serializer)
    }
}
