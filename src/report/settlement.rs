//! The settlement report: what was asked for, what became of it, and totals that tie to the ledger.

use crate::clock::Time;
use crate::ids::{BatchId, PayoutId};
use serde::Serialize;
use uuid::Uuid;

/// One line. Amounts are decimal strings of the major unit; `None` where there is nothing to tell.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SettlementLine)]
pub struct Line {
    #[schema(value_type = Uuid)]
    pub batch_id: BatchId,
    pub batch_name: String,
    pub row: u32,
    pub reference: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    pub payout_id: Option<PayoutId>,
    pub provider_reference: Option<Uuid>,
    pub provider_transaction_id: Option<String>,
    pub name: Option<String>,
    pub msisdn: Option<String>,
    pub network: Option<String>,
    pub currency: String,
    pub amount: Option<String>,
    pub fee: Option<String>,
    pub tax: Option<String>,
    pub total: Option<String>,
    pub state: String,
    pub reason_code: Option<String>,
    pub reason: Option<String>,
    pub attempts: u32,
    pub approved_at: Option<Time>,
    pub sent_at: Option<Time>,
    pub settled_at: Option<Time>,
    pub approved_by: Option<String>,
}

/// The columns, in the order of the contract.
pub const COLUMNS: [&str; 23] = [
    "batch_id",
    "batch_name",
    "row",
    "reference",
    "payout_id",
    "provider_reference",
    "provider_transaction_id",
    "name",
    "msisdn",
    "network",
    "currency",
    "amount",
    "fee",
    "tax",
    "total",
    "state",
    "reason_code",
    "reason",
    "attempts",
    "approved_at",
    "sent_at",
    "settled_at",
    "approved_by",
];
