//! Payouts: the port's acts, over `claims` and `record`, and what the API reads.

use super::claims::{self, Claim};
use super::rows::{self, get, time, time_opt};
use super::{Result, SqliteStore, error, sql};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId, PayoutId};
use crate::machine::State as _;
use crate::payout::attempt::AttemptView;
use crate::payout::{Action, Enquiry, EventView, PayoutTimeline, PayoutView, State, Submission};
use crate::rail::Request;
use crate::store::{
    AskInstead, Batches, Page, PageRequest, PayoutRecord, Payouts, PrepareTransfer, Recorded, StoreError,
};
use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use std::time::Duration;

#[async_trait]
impl Payouts for SqliteStore {
    async fn claim_submissions(
        &self,
        lane: &str,
        n: u32,
        lease: Duration,
        prepare: PrepareTransfer,
        ask_instead: AskInstead,
    ) -> Result<Vec<Submission>> {
        let claim = self.claim(lane, n, lease);
        self.write(move |tx| Box::pin(async move { claims::submissions(tx, &claim, &prepare, &ask_instead).await }))
            .await
    }

    async fn claim_enquiries(&self, lane: &str, n: u32, lease: Duration) -> Result<Vec<Enquiry>> {
        let claim = self.claim(lane, n, lease);
        self.write(move |tx| Box::pin(async move { claims::enquiries(tx, &claim).await })).await
    }

    async fn record_payouts(&self, records: Vec<PayoutRecord>) -> Result<Vec<Recorded>> {
        let now = self.now();
        self.write(move |tx| Box::pin(super::record::payouts(tx, records, now))).await
    }

    async fn lanes_in_use(&self) -> Result<Vec<String>> {
        let rows = sql!("lanes_in_use").fetch_all(&self.reader).await.map_err(error)?;
        rows.iter().map(|row| get(row, "lane")).collect()
    }

    async fn next_payout_due(&self, lane: &str, action: Action) -> Result<Option<Time>> {
        let next = match action {
            Action::Submit => sql!("payout_next_submit"),
            Action::Query => sql!("payout_next_query"),
        };
        let row = next.bind(lane).fetch_one(&self.reader).await.map_err(error)?;
        time_opt(&row, "due_at")
    }

    async fn payouts(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        state: Option<State>,
        page: PageRequest,
    ) -> Result<Page<PayoutView>> {
        self.batch(organisation, batch).await?;
        let [after] = rows::cursor(&page)?;
        let list = sql!("payout_list").bind(batch).bind(state.map(State::name)).bind(after);
        let found = list.bind(i64::from(page.limit) + 1).fetch_all(&self.reader).await.map_err(error)?;
        let payouts = found.iter().map(rows::payout_view).collect::<Result<Vec<_>>>()?;
        Ok(rows::page(payouts, &page, |p| p.row.to_string()))
    }

    async fn payout(&self, organisation: OrganisationId, payout: PayoutId) -> Result<PayoutTimeline> {
        let found = sql!("payout_get").bind(organisation).bind(payout).fetch_optional(&self.reader).await;
        let row = found.map_err(error)?.ok_or(StoreError::NotFound)?;
        let payout = rows::payout_view(&row)?;
        let (batch, row) = (payout.batch_id, i64::from(payout.row));
        let attempts = sql!("attempt_list").bind(batch).bind(row).fetch_all(&self.reader).await.map_err(error)?;
        let events = sql!("event_list").bind(batch).bind(row).fetch_all(&self.reader).await.map_err(error)?;
        Ok(PayoutTimeline {
            payout,
            attempts: attempts.iter().map(attempt).collect::<Result<_>>()?,
            events: events.iter().map(event).collect::<Result<_>>()?,
        })
    }
}

impl SqliteStore {
    fn claim(&self, lane: &str, n: u32, lease: Duration) -> Claim {
        Claim { lane: lane.to_owned(), n, lease, clock: self.clock.clone(), steady: self.steady() }
    }
}

fn attempt(row: &SqliteRow) -> Result<AttemptView> {
    let request: Request = serde_json::from_str(get(row, "request")?).map_err(|e| rows::damaged("request", e))?;
    Ok(AttemptView {
        attempt: rows::number(row, "attempt")?,
        reference: get(row, "reference")?,
        lane: get(row, "lane")?,
        state: get(row, "state")?,
        sends: rows::number(row, "sends")?,
        intended_at: time(row, "intended_at")?,
        sent_at: time(row, "sent_at")?,
        answered_at: time_opt(row, "answered_at")?,
        http_status: get::<Option<i64>>(row, "http_status")?.and_then(|s| u16::try_from(s).ok()),
        // The callback address is a capability: only the provider is told.
        request: request.body,
        response: get(row, "response")?,
        outcome: get(row, "outcome")?,
    })
}

fn event(row: &SqliteRow) -> Result<EventView> {
    Ok(EventView { at: time(row, "at")?, kind: get(row, "kind")?, detail: get(row, "detail")? })
}
