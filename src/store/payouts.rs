//! Payouts: claims and records.

use super::{Page, PageRequest, Recorded, Result};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId, PayoutId};
use crate::payout::resolve::{Change, Observation};
use crate::payout::{Enquiry, Payout, PayoutTimeline, PayoutView, Submission};
use crate::rail::{Answer, Request, Transfer};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// A payout outcome to be recorded under its claim.
#[derive(Clone, Debug)]
pub struct PayoutRecord {
    pub payout: Payout,
    pub change: Change,
    /// The attempt that the answer speaks of; the present one unless a receipt names an earlier reference.
    pub of_attempt: u32,
    /// The answer behind it, for the attempt's audit trail.
    pub answer: Option<Answer>,
    /// `submit` or `query`: how the answer is kept should it come too late.
    pub source: &'static str,
    /// When the answer came.
    pub at: Time,
    /// The SMS lane that tells the recipient, should the batch want that and this be the payment.
    pub sms_lane: Option<String>,
}

/// Decides, inside the store's transaction, what news mean for the payout it found.
pub type DecidePayout = Arc<dyn Fn(&Payout, Observation<'_>) -> (Option<Change>, Option<String>) + Send + Sync>;

/// Writes the request of an attempt: pure.
pub type PrepareTransfer = Arc<dyn Fn(&Transfer) -> Request + Send + Sync>;

/// Whether a resend that is about to be claimed must be asked about instead, and when: `(payout, now, its batch
/// sends nothing)`. See [`crate::payout::resolve::ask_instead`].
pub type AskInstead = Arc<dyn Fn(&Payout, Time, bool) -> Option<Time> + Send + Sync>;

/// Payouts: claims and records.
#[async_trait]
pub trait Payouts: Send + Sync {
    /// Engine: claims up to `n` payouts of `lane` to be sent, driven from the running batches, fairly over
    /// organisations and batches; commits the intent (attempt, reference, request) of each. A resend for which the rule
    /// no longer holds is not claimed but becomes due to be asked about.
    async fn claim_submissions(
        &self,
        lane: &str,
        n: u32,
        lease: Duration,
        prepare: PrepareTransfer,
        ask_instead: AskInstead,
    ) -> Result<Vec<Submission>>;
    /// Engine: claims up to `n` payouts of `lane` to be asked about. Those found `sending` become `unknown`.
    async fn claim_enquiries(&self, lane: &str, n: u32, lease: Duration) -> Result<Vec<Enquiry>>;
    /// Engine: records outcomes together in one transaction: states, ledger, counters, messages, events. Answers in
    /// the order of `records`.
    async fn record_payouts(&self, records: Vec<PayoutRecord>) -> Result<Vec<Recorded>>;
    /// Engine: the lanes that still have something to do, whether they are configured or not.
    async fn lanes_in_use(&self) -> Result<Vec<String>>;
    /// Engine: when the next payout of `lane` falls due, for either action.
    async fn next_payout_due(&self, lane: &str, action: crate::payout::Action) -> Result<Option<Time>>;
    async fn payouts(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        state: Option<crate::payout::State>,
        page: PageRequest,
    ) -> Result<Page<PayoutView>>;
    async fn payout(&self, organisation: OrganisationId, payout: PayoutId) -> Result<PayoutTimeline>;
}
