//! Asking what became of payouts of one lane.

use super::{QUERY, TelcoLane, ours};
use crate::clock::Time;
use crate::faults::{self, Point};
use crate::payout::resolve::Source;
use crate::payout::{Action, Enquiry, PANIC};
use crate::queue::Work;
use crate::rail::{Outcome, Reason};
use crate::store::StoreError;
use async_trait::async_trait;
use std::sync::Arc;

pub struct Query {
    pub lane: Arc<TelcoLane>,
    name: String,
}

impl Query {
    pub fn new(lane: Arc<TelcoLane>) -> Self {
        Query { name: format!("query-{}", lane.config.name), lane }
    }

    async fn learnt_nothing(&self, row: &Enquiry, code: &str, message: &str) {
        let outcome = Outcome::Unknown { reason: Reason::new(code, message) };
        self.lane.record(&row.payout, ours(outcome), Source::Query).await;
    }
}

#[async_trait]
impl Work for Query {
    type Row = Enquiry;

    fn name(&self) -> &str {
        &self.name
    }

    async fn claim(&self, n: u32) -> Result<Vec<Enquiry>, StoreError> {
        let lane = &self.lane.config;
        self.lane.store.claim_enquiries(&lane.name, n, lane.lease).await
    }

    async fn next_due(&self) -> Result<Option<Time>, StoreError> {
        self.lane.store.next_payout_due(&self.lane.config.name, Action::Query).await
    }

    async fn perform(&self, row: &Enquiry) {
        let answer = self.lane.rail.query(row.reference).await;
        if faults::at_row(Point::AfterAnswer, row.payout.msisdn.as_str()).await.is_err() {
            return;
        }
        self.lane.observe(&answer, QUERY);
        self.lane.record(&row.payout, answer, Source::Query).await;
    }

    async fn give_back(&self, row: &Enquiry) {
        self.learnt_nothing(row, "stopping", "the process was told to stop before it asked").await;
    }

    async fn panicked(&self, row: &Enquiry) {
        self.learnt_nothing(row, PANIC, "the worker failed while asking").await;
    }
}
