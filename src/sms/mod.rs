//! Messages: one recipient's SMS. At most one per batch, row and purpose; a message that may have been sent is never
//! sent again.

pub mod cost;
pub mod preview;
pub mod resolve;
pub mod segments;
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
/// The purpose of a message that is what its batch is for.
pub const PURPOSE_BULK: &str = "bulk";
/// The purpose of showing a text on somebody's phone before anybody else gets it.
pub const PURPOSE_TEST: &str = "test";

/// Test messages of one batch, which nobody is charged for.
pub const TESTS_MAX: u32 = 10;

/// A message claimed to be written and sent: what its text is made of.
#[derive(Clone, Debug)]
pub struct DueMessage {
    pub id: MessageId,
    pub organisation: OrganisationId,
    pub batch: BatchId,
    pub row: u32,
    pub purpose: String,
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
#[derive(Clone, Debug, Serialize)]
pub struct MessageView {
    pub id: MessageId,
    pub batch_id: BatchId,
    pub row: u32,
    pub purpose: String,
    pub msisdn: String,
    pub lane: String,
    pub state: String,
    pub text: Option<String>,
    /// What it was priced as; `None` for messages that nobody is charged for.
    pub segments: Option<u32>,
    /// A decimal string of the major unit.
    pub cost: String,
    pub currency: String,
    pub gateway_id: Option<String>,
    pub reason: Option<Reason>,
    pub created_at: Time,
    pub sent_at: Option<Time>,
    pub settled_at: Option<Time>,
}
