//! Standing still until it is known what happened: see [`crate::quarantine`].

use super::{DecidePayout, Done, Result};
use crate::clock::Time;
use crate::money::Currency;
use crate::quarantine::statement::{Differences, StatementLine};
use crate::quarantine::{AttemptAnswer, AttemptEnquiry, AttemptsMax, Lifting, Matched, Quarantine, Report};
use async_trait::async_trait;
use std::time::Duration;

/// Standing still until it is known what happened: see [`crate::quarantine`].
#[async_trait]
pub trait Quarantines: Send + Sync {
    /// The quarantine that stands.
    async fn quarantine(&self) -> Result<Option<Quarantine>>;
    /// Operator: begins one; from `gap_from` on (absent: now) providers may have done what this database does not know.
    async fn begin_quarantine(&self, reason: &str, gap_from: Option<Time>) -> Result<Done<Quarantine>>;
    /// Engine: goes through up to `rows_max` rows of an approved batch and writes down what to ask. Returns whether there
    /// was such a batch.
    async fn list_enquiries(&self, rows_max: u32, attempts: &AttemptsMax) -> Result<bool>;
    /// Engine: claims up to `n` attempts of `lane` to be asked about.
    async fn claim_attempt_enquiries(&self, lane: &str, n: u32, lease: Duration) -> Result<Vec<AttemptEnquiry>>;
    /// Engine: when the next attempt of `lane` is to be asked about.
    async fn next_attempt_enquiry(&self, lane: &str) -> Result<Option<Time>>;
    /// Engine: records what providers said, with whatever follows for the payouts, in one transaction.
    async fn record_attempt_answers(&self, answers: Vec<AttemptAnswer>, decide: DecidePayout) -> Result<()>;
    /// Operator: how far it is, for the `lanes` that pay and whatever else was asked; `None` when none stands.
    async fn quarantine_report(&self, lanes: &[String]) -> Result<Option<Report>>;
    /// Operator: holds a provider's statement against what we call paid, and remembers how that went.
    async fn match_statement(
        &self,
        lane: &str,
        currency: Currency,
        file_hash: [u8; 32],
        lines: Vec<StatementLine>,
    ) -> Result<(Matched, Differences)>;
    /// Operator: sets aside up to `rows_max` messages that wait and may have been sent; how many there were.
    async fn withhold_messages(&self, rows_max: u32) -> Result<u32>;
    /// Operator: lifts it; refused as [`Refusal::StillInQuarantine`] while anything is not answered for.
    async fn lift_quarantine(&self, lifting: Lifting) -> Result<Quarantine>;
}
