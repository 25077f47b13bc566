//! One thin file per kind of due row: claim → domain → record.

pub mod batch;
pub mod enquiry;
pub mod import;
pub mod ledger;
pub mod message;
pub mod query;
pub mod receipt;
pub mod submit;

use crate::chance;
use crate::clock::SharedClock;
use crate::config::LaneConfig;
use crate::lane::gate::SharedBreaker;
use crate::payout::Payout;
use crate::payout::resolve::{Conditions, Observation, Source, decide};
use crate::queue::group_commit::GroupCommit;
use crate::rail::{Answer, Outcome, TelcoRail};
use crate::store::{PayoutRecord, Recorded, SharedStore};
use std::sync::Arc;

/// A lane that pays, as its workers share it.
pub struct TelcoLane {
    pub config: LaneConfig,
    pub rail: Arc<dyn TelcoRail>,
    pub breaker: SharedBreaker,
    /// The lane that tells its recipients.
    pub sms_lane: Option<String>,
    pub store: SharedStore,
    pub clock: SharedClock,
    pub recorder: GroupCommit<PayoutRecord, Recorded>,
}

impl TelcoLane {
    pub fn conditions(&self) -> Conditions<'_> {
        Conditions { lane: &self.config, breaker_closed: self.breaker.admits(), seed: chance::draw() }
    }

    /// Decides what an answer means and records it together with whatever else has to be recorded now.
    pub async fn record(&self, payout: &Payout, answer: Answer, source: Source) {
        let at = self.clock.now();
        let seen = Observation { outcome: &answer.outcome, source, attempt: payout.attempt, at };
        let Some(change) = decide(payout, seen, self.conditions()) else { return };
        let record = PayoutRecord {
            payout: payout.clone(),
            change,
            of_attempt: payout.attempt,
            answer: Some(answer),
            source: if source == Source::Submit { SUBMIT } else { QUERY },
            at,
            sms_lane: self.sms_lane.clone(),
        };
        match self.recorder.commit(record).await {
            Ok(Recorded::Applied) => {}
            // A receipt was faster, or the claim lapsed; a definitive answer was kept.
            Ok(Recorded::Fenced) => tracing::debug!(payout = %payout.id, "the row had moved on"),
            // The row stays claimed; when its lease lapses the provider is asked.
            Err(e) => tracing::error!(payout = %payout.id, error = %e, "the outcome could not be recorded"),
        }
    }

    /// Counts an answer. The breaker sees what became of transfers only: that status queries are answered does not
    /// mean that transfers are, nor the other way round.
    pub fn observe(&self, answer: &Answer, call: &'static str) {
        if call == SUBMIT {
            self.breaker.observe(&self.config.name, &answer.outcome);
        }
        let labels =
            [("lane", self.config.name.clone()), ("call", call.into()), ("outcome", class(&answer.outcome).into())];
        metrics::counter!("gaba_provider_calls_total", &labels).increment(1);
    }
}

/// The calls that are counted.
pub const SUBMIT: &str = "submit";
pub const QUERY: &str = "query";

fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Paid(_) => "paid",
        Outcome::Accepted { .. } => "accepted",
        Outcome::Failed { .. } => "failed",
        Outcome::NotSent { .. } => "not_sent",
        Outcome::Unknown { .. } => "unknown",
        Outcome::NotFound => "not_found",
        Outcome::LaneBlocked { .. } => "lane_blocked",
    }
}

/// An answer of our own making.
pub fn ours(outcome: Outcome) -> Answer {
    Answer { outcome, http_status: None, response: None }
}
