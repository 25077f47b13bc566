//! Messages: claims and records.

use super::{Done, Idempotency, Page, PageRequest, Recorded, Result};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::org::Principal;
use crate::phone::Msisdn;
use crate::sms::{Dispatch, DueMessage, MessageView};
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A text to be shown on one phone.
#[derive(Clone, Debug)]
pub struct TestMessage {
    pub msisdn: Msisdn,
    /// Whose text; the first row's where none is named.
    pub row: Option<u32>,
    pub lane: String,
}

/// A message outcome to be recorded under its claim.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    pub message: Uuid,
    pub organisation: OrganisationId,
    pub claim: i64,
    pub change: crate::sms::resolve::Change,
    pub at: Time,
}

/// The same for a message: `(state, step, outcome, at, lane)`.
pub type DecideMessage = Arc<
    dyn Fn(crate::sms::State, u32, &crate::rail::SmsOutcome, Time, &str) -> Option<crate::sms::resolve::Change>
        + Send
        + Sync,
>;

/// Writes the text of a message: pure.
pub type PrepareText = Arc<dyn Fn(&DueMessage) -> String + Send + Sync>;

/// Messages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Engine: claims up to `n` messages of `lane`, commits the text of each. Those whose claim lapsed while sending
    /// become `unknown`, those without a receipt by their deadline `expired`.
    async fn claim_messages(&self, lane: &str, n: u32, lease: Duration, prepare: PrepareText) -> Result<Vec<Dispatch>>;
    async fn record_messages(&self, records: Vec<MessageRecord>) -> Result<Vec<Recorded>>;
    async fn messages(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        state: Option<crate::sms::State>,
        page: PageRequest,
    ) -> Result<Page<MessageView>>;
    async fn message(&self, organisation: OrganisationId, message: Uuid) -> Result<MessageView>;
    /// What the texts of a batch are made of, in row order after row `after`, at most `limit`: its messages, or for a
    /// batch of payouts what the paid will be told.
    async fn message_sources(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<DueMessage>>;
    /// Queues the text of one row for a phone of the maker's choice, before anybody else gets it. Nobody is charged, it
    /// counts nowhere, and a batch has at most [`crate::sms::TESTS_MAX`] of them.
    async fn send_test(
        &self,
        actor: &Principal,
        batch: BatchId,
        test: TestMessage,
        prepare: PrepareText,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
}
