//! Asking about everything that may have been sent since a backup, while a quarantine stands.

use super::{QUERY, TelcoLane};
use crate::clock::Time;
use crate::lane::gate::{Gate, LaneGate};
use crate::quarantine::{AttemptAnswer, AttemptEnquiry, AttemptsMax};
use crate::queue::group_commit::GroupCommit;
use crate::queue::{IDLE_MAX, Wake, Work};
use crate::rail::{Answer, Outcome, Reason, Request, Transfer};
use crate::store::{SharedStore, StoreError};
use async_trait::async_trait;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Rows of payouts that are gone through in one transaction, which bounds how long the writer is held.
const LIST_ROWS: u32 = 2_000;

pub struct Enquire {
    pub lane: Arc<TelcoLane>,
    pub recorder: GroupCommit<AttemptAnswer, ()>,
    name: String,
}

impl Enquire {
    pub fn new(lane: Arc<TelcoLane>, recorder: GroupCommit<AttemptAnswer, ()>) -> Self {
        Enquire { name: format!("enquiry-{}", lane.config.name), lane, recorder }
    }

    /// The request as it must have been: it is a function of the payout and the attempt.
    fn request(&self, row: &AttemptEnquiry) -> Request {
        let payout = &row.payout;
        let reference = crate::ids::attempt_reference(payout.id, row.attempt);
        let (msisdn, amount, note) = (payout.msisdn.clone(), payout.amount, row.note.clone());
        self.lane.rail.request(&Transfer { payout: payout.id, reference, msisdn, amount, note })
    }

    async fn record(&self, row: &AttemptEnquiry, answer: Answer, request: Option<Request>) {
        let (payout, config) = (&row.payout, &self.lane.config);
        let answer = AttemptAnswer {
            enquiry: row.clone(),
            answer,
            request,
            at: self.lane.clock.now(),
            again: config.poll_after[0],
            attempts_max: config.attempts_max,
        };
        if let Err(e) = self.recorder.commit(answer).await {
            tracing::error!(payout = %payout.id, error = %e, "what a provider said could not be recorded; it is asked again");
        }
    }

    async fn learnt_nothing(&self, row: &AttemptEnquiry, code: &str, message: &str) {
        let outcome = Outcome::Unknown { reason: Reason::new(code, message) };
        self.record(row, super::ours(outcome), None).await;
    }
}

#[async_trait]
impl Work for Enquire {
    type Row = AttemptEnquiry;

    fn name(&self) -> &str {
        &self.name
    }

    async fn claim(&self, n: u32) -> Result<Vec<AttemptEnquiry>, StoreError> {
        let lane = &self.lane.config;
        self.lane.store.claim_attempt_enquiries(&lane.name, n, lane.lease).await
    }

    async fn next_due(&self) -> Result<Option<Time>, StoreError> {
        self.lane.store.next_attempt_enquiry(&self.lane.config.name).await
    }

    async fn perform(&self, row: &AttemptEnquiry) {
        let answer = self.lane.rail.query(crate::ids::attempt_reference(row.payout.id, row.attempt)).await;
        self.lane.observe(&answer, QUERY);
        self.record(row, answer, Some(self.request(row))).await;
    }

    async fn give_back(&self, row: &AttemptEnquiry) {
        self.learnt_nothing(row, "stopping", "the process was told to stop before it asked").await;
    }

    async fn panicked(&self, row: &AttemptEnquiry) {
        self.learnt_nothing(row, crate::payout::PANIC, "the worker failed while asking").await;
    }
}

/// Passed only while a quarantine stands; then it shares the query rate of its lane with the other questions.
pub struct WhileInQuarantine {
    pub store: SharedStore,
    pub rate: Arc<LaneGate>,
}

#[async_trait]
impl Gate for WhileInQuarantine {
    async fn pass(&self, wanted: usize) -> usize {
        // A database that is away is told by those who work.
        while !matches!(self.store.quarantine().await, Ok(Some(_))) {
            tokio::time::sleep(IDLE_MAX).await;
        }
        self.rate.pass(wanted).await
    }

    fn used(&self, asked: usize, got: usize) {
        self.rate.used(asked, got);
    }
}

/// Goes through approved batches for what to ask, until told to stop.
pub async fn drive(store: SharedStore, attempts: AttemptsMax, wake: Wake, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match store.list_enquiries(LIST_ROWS, &attempts).await {
            Ok(true) => {
                wake.poke();
                continue;
            }
            Ok(false) => {}
            Err(e) => tracing::error!(error = %e, "listing what to ask about failed; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(IDLE_MAX) => {}
            () = stop.cancelled() => {}
        }
    }
}
