//! Sending payouts of one lane.

use super::{SUBMIT, TelcoLane, ours};
use crate::clock::Time;
use crate::faults::{self, Guard, Point};
use crate::payout::resolve::{self, Conditions, Source};
use crate::payout::{Action, PANIC, Payout, Submission};
use crate::queue::Work;
use crate::rail::{Outcome, Reason, Transfer};
use crate::store::{AskInstead, PrepareTransfer, StoreError};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

pub struct Submit {
    pub lane: Arc<TelcoLane>,
    name: String,
    prepare: PrepareTransfer,
    ask_instead: AskInstead,
}

impl Submit {
    pub fn new(lane: Arc<TelcoLane>) -> Self {
        let rail = lane.rail.clone();
        let prepare: PrepareTransfer = Arc::new(move |transfer: &Transfer| rail.request(transfer));
        let rule = lane.clone();
        let ask_instead: AskInstead = Arc::new(move |payout: &Payout, now, paused| {
            // The breaker has let this claim through, perhaps as its probe, and is closed behind it.
            let when = Conditions { breaker_closed: true, ..rule.conditions() };
            resolve::ask_instead(payout, now, paused, when)
        });
        Submit { name: format!("submit-{}", lane.config.name), lane, prepare, ask_instead }
    }

    /// Time left on the claim.
    fn lease_left(&self, row: &Submission) -> Duration {
        row.lease_until.saturating_duration_since(self.lane.clock.monotonic())
    }
}

#[async_trait]
impl Work for Submit {
    type Row = Submission;

    fn name(&self) -> &str {
        &self.name
    }

    async fn claim(&self, n: u32) -> Result<Vec<Submission>, StoreError> {
        let (lane, store) = (&self.lane.config, &self.lane.store);
        faults::at(Point::BeforeIntent).await?;
        let claimed =
            store.claim_submissions(&lane.name, n, lane.lease, self.prepare.clone(), self.ask_instead.clone()).await?;
        if !claimed.is_empty() {
            faults::at(Point::AfterIntent).await?;
        }
        Ok(claimed)
    }

    async fn next_due(&self) -> Result<Option<Time>, StoreError> {
        self.lane.store.next_payout_due(&self.lane.config.name, Action::Submit).await
    }

    async fn perform(&self, row: &Submission) {
        // No send starts with less lease left than its own timeout.
        if self.lease_left(row) <= self.lane.config.request_timeout && faults::stands(Guard::LeaseLeft) {
            let reason = Reason::new("claim_too_old", "the claim was too old to send under it");
            return self.lane.record(&row.payout, ours(Outcome::NotSent { reason }), Source::Submit).await;
        }
        let started = self.lane.clock.monotonic();
        let answer = self.lane.rail.submit(row.reference, &row.request).await;
        if faults::at_row(Point::AfterAnswer, row.payout.msisdn.as_str()).await.is_err() {
            return;
        }
        let took = self.lane.clock.monotonic().saturating_duration_since(started);
        metrics::histogram!("gaba_provider_seconds", "lane" => self.lane.config.name.clone())
            .record(took.as_secs_f64());
        self.lane.observe(&answer, SUBMIT);
        self.lane.record(&row.payout, answer, Source::Submit).await;
    }

    async fn give_back(&self, row: &Submission) {
        let reason = Reason::new("stopping", "the process was told to stop before it was sent");
        self.lane.record(&row.payout, ours(Outcome::NotSent { reason }), Source::Submit).await;
    }

    async fn panicked(&self, row: &Submission) {
        let reason = Reason::new(PANIC, "the worker failed while sending");
        self.lane.record(&row.payout, ours(Outcome::Unknown { reason }), Source::Submit).await;
    }
}
