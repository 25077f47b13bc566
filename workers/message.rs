//! Sending the messages of one SMS lane.

use crate::chance;
use crate::clock::SharedClock;
use crate::config::LaneConfig;
use crate::faults::{self, Point};
use crate::queue::Work;
use crate::queue::group_commit::GroupCommit;
use crate::rail::{Reason, Sms, SmsOutcome, SmsRail};
use crate::sms::{Dispatch, State, resolve, template};
use crate::store::{MessageRecord, PrepareText, Recorded, SharedStore, StoreError};
use async_trait::async_trait;
use std::sync::Arc;

pub struct Message {
    pub config: LaneConfig,
    pub rail: Arc<dyn SmsRail>,
    pub store: SharedStore,
    pub clock: SharedClock,
    pub recorder: GroupCommit<MessageRecord, Recorded>,
    name: String,
    prepare: PrepareText,
}

impl Message {
    pub fn new(
        config: LaneConfig,
        rail: Arc<dyn SmsRail>,
        store: SharedStore,
        clock: SharedClock,
        recorder: GroupCommit<MessageRecord, Recorded>,
    ) -> Self {
        let prepare: PrepareText = Arc::new(template::text);
        Message { name: format!("message-{}", config.name), config, rail, store, clock, recorder, prepare }
    }

    async fn record(&self, row: &Dispatch, outcome: SmsOutcome) {
        let (at, message) = (self.clock.now(), &row.message);
        let change = resolve::decide(State::Sending, message.step, &outcome, at, &self.config, chance::draw());
        let Some(change) = change else { return };
        let record =
            MessageRecord { message: message.id, organisation: message.organisation, claim: message.claim, change, at };
        if let Err(e) = self.recorder.commit(record).await {
            tracing::error!(message = %message.id, error = %e, "the outcome of a message could not be recorded");
        }
    }
}

#[async_trait]
impl Work for Message {
    type Row = Dispatch;

    fn name(&self) -> &str {
        &self.name
    }

    async fn claim(&self, n: u32) -> Result<Vec<Dispatch>, StoreError> {
        self.store.claim_messages(&self.config.name, n, self.config.lease, self.prepare.clone()).await
    }

    async fn perform(&self, row: &Dispatch) {
        if row.lease_until.saturating_duration_since(self.clock.monotonic()) <= self.config.request_timeout {
            return self.give_back(row).await;
        }
        let sms = Sms { id: row.message.id, msisdn: row.message.msisdn.clone(), text: row.text.clone() };
        let outcome = self.rail.send(&sms).await;
        if faults::at(Point::AfterSms).await.is_err() {
            return;
        }
        self.record(row, outcome).await;
    }

    async fn give_back(&self, row: &Dispatch) {
        let reason = Reason::new("not_begun", "it was given back before it was sent");
        self.record(row, SmsOutcome::NotSent { reason }).await;
    }

    async fn panicked(&self, row: &Dispatch) {
        let reason = Reason::new("panic", "the worker failed while sending");
        self.record(row, SmsOutcome::Unknown { reason }).await;
    }
}
