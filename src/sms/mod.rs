//! Messages: one recipient's SMS. At most one per batch, row and purpose; a message that may have been sent is never
//! sent again.

pub mod resolve;
pub mod states;
pub mod template;

use crate::clock::Time;
use crate::ids::{BatchId, MessageId, OrganisationId};
use crate::money::Money;
use crate::phone::Msisdn;
use crate::rail::Reason;
use serde::Serialize;
pub use states::State;
use std::collections::BTreeMap;
use std::time::Instant;

/// The purpose of telling somebody that they were paid.
pub const PURPOSE_PAID: &str = "paid";

/// A message claimed to be written and sent: what its text is made of.
#[derive(Clone, Debug)]
pub struct DueMessage {
    pub id: MessageId,
    pub organisation: OrganisationId,
    pub batch: BatchId,
    pub row: u32,
    pub msisdn: Msisdn,
    pub template: Option<String>,
    pub name: String,
    pub amount: Money,
    pub reference: Option<String>,
    pub organisation_name: String,
    pub batch_name: String,
    pub transaction_id: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub step: u32,
    pub claim: i64,
}

/// A message whose intent (with its text) is committed.
#[derive(Clone, Debug)]
pub struct Dispatch {
    pub message: DueMessage,
    pub text: String,
    pub lease_until: Instant,
}

/// A message as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    #[schema(value_type = Uuid)]
    pub id: MessageId,
    #[schema(value_type = Uuid)]
    pub batch_id: BatchId,
    pub row: u32,
    pub purpose: String,
    pub msisdn: String,
    pub lane: String,
    #[schema(value_type = State)]
    pub state: String,
    pub text: Option<String>,
    pub gateway_id: Option<String>,
    pub reason: Option<Reason>,
    pub created_at: Time,
    pub sent_at: Option<Time>,
    pub settled_at: Option<Time>,
}
