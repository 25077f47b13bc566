//! Messages: claimed with their text committed, recorded under their fence.

use super::rows::{self, get, hex, reason, state, time, time_opt};
use super::{Result, SqliteStore, Tx, error, own, quarantine, sql};
use crate::clock::{SharedClock, Time};
use crate::ids::{BatchId, OrganisationId};
use crate::machine::State as _;
use crate::money::Money;
use crate::phone::Msisdn;
use crate::sms::{Dispatch, DueMessage, MessageView, State};
use crate::store::{Batches, MessageRecord, Messages, Page, PageRequest, PrepareText, Recorded, StoreError};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

#[async_trait]
impl Messages for SqliteStore {
    async fn claim_messages(&self, lane: &str, n: u32, lease: Duration, prepare: PrepareText) -> Result<Vec<Dispatch>> {
        let (clock, lane) = (self.clock.clone(), lane.to_owned());
        self.write(move |tx| Box::pin(async move { claim(tx, &clock, &lane, n, lease, &prepare).await })).await
    }

    async fn record_messages(&self, records: Vec<MessageRecord>) -> Result<Vec<Recorded>> {
        self.write(move |tx| Box::pin(async move { record(tx, &records).await })).await
    }

    async fn messages(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        state: Option<State>,
        page: PageRequest,
    ) -> Result<Page<MessageView>> {
        self.batch(organisation, batch).await?;
        let [after] = rows::cursor(&page)?;
        let list = sql!("message_list").bind(batch).bind(state.map(State::name)).bind(after);
        let found = list.bind(i64::from(page.limit) + 1).fetch_all(&self.reader).await.map_err(error)?;
        let messages = found.iter().map(view).collect::<Result<Vec<_>>>()?;
        Ok(rows::page(messages, &page, |m| m.row.to_string()))
    }

    async fn message(&self, organisation: OrganisationId, message: Uuid) -> Result<MessageView> {
        let found = sql!("message_get").bind(organisation).bind(message).fetch_optional(&self.reader).await;
        view(&found.map_err(error)?.ok_or(StoreError::NotFound)?)
    }
}

async fn claim(
    tx: &mut Tx,
    clock: &SharedClock,
    lane: &str,
    n: u32,
    lease: Duration,
    prepare: &PrepareText,
) -> Result<Vec<Dispatch>> {
    let (now, lease_until) = (clock.now(), clock.monotonic() + lease);
    // Whoever was sending and is gone may have sent it; whoever waits for a receipt past its deadline gets none.
    sql!("messages_lapse").bind(lane).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
    sql!("messages_expire").bind(lane).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
    let due = sql!("messages_due").bind(lane).bind(now.micros()).bind(i64::from(n));
    let due = due.fetch_all(&mut *tx).await.map_err(error)?;
    let mut claimed = Vec::with_capacity(due.len());
    for row in &due {
        let (mut message, text) = match written(row, prepare) {
            Ok(written) => written,
            Err(StoreError::Rejected(why)) => {
                // One that cannot be written must not keep all others of its lane from being sent.
                let id: Uuid = get(row, "id")?;
                tracing::error!(message = %id, why, "a message cannot be written; it is given up");
                let aside = sql!("message_set_aside").bind(id).bind(now.micros()).bind(why);
                aside.execute(&mut *tx).await.map_err(error)?;
                continue;
            }
            Err(e) => return Err(e),
        };
        message.claim += 1;
        claimed.push(Dispatch { message, text, lease_until });
    }
    if !claimed.is_empty() {
        let intents: Vec<Value> = claimed.iter().map(|d| json!({"id": hex(d.message.id), "text": d.text})).collect();
        let intents = Value::Array(intents).to_string();
        let take = own!("messages_claim").bind(intents).bind(now.micros()).bind((now + lease).micros());
        take.execute(tx).await.map_err(error)?;
    }
    Ok(claimed)
}

/// A message with its text: the one that was committed before, or a new one.
fn written(row: &SqliteRow, prepare: &PrepareText) -> Result<(DueMessage, String)> {
    let message = due_message(row)?;
    let text = match get::<Option<String>>(row, "text")? {
        Some(text) => text,
        None => quarantine::survive(|| prepare(&message))?,
    };
    Ok((message, text))
}

fn due_message(row: &SqliteRow) -> Result<DueMessage> {
    let variables = get::<Option<&str>>(row, "variables")?.unwrap_or("{}");
    let msisdn = get::<String>(row, "msisdn")?;
    Ok(DueMessage {
        id: get(row, "id")?,
        organisation: get(row, "organisation_id")?,
        batch: get(row, "batch_id")?,
        row: rows::number(row, "row")?,
        msisdn: Msisdn::from_digits(msisdn).ok_or_else(|| rows::damaged("msisdn", "not E.164 digits"))?,
        template: get(row, "sms_template")?,
        name: get::<Option<String>>(row, "name")?.unwrap_or_default(),
        amount: Money::new(get::<Option<i64>>(row, "amount")?.unwrap_or_default(), rows::currency(row)?),
        reference: get(row, "reference")?,
        organisation_name: get(row, "organisation_name")?,
        batch_name: get(row, "batch_name")?,
        transaction_id: get(row, "transaction_id")?,
        variables: serde_json::from_str(variables).map_err(|e| rows::damaged("variables", e))?,
        step: rows::number(row, "step")?,
        claim: get(row, "claim")?,
    })
}

/// Records under the fence; which of them applied, in their order. Of one claim the first record counts.
pub(super) async fn record(tx: &mut Tx, records: &[MessageRecord]) -> Result<Vec<Recorded>> {
    let key = |r: &MessageRecord| (r.message, r.claim);
    let mut seen = HashSet::with_capacity(records.len());
    let first: Vec<bool> = records.iter().map(|r| seen.insert(key(r))).collect();
    let changes = records.iter().zip(&first).filter(|(_, first)| **first).map(|(r, _)| change(r));
    let changes = Value::Array(changes.collect()).to_string();
    let rows = own!("messages_record").bind(changes).fetch_all(tx).await.map_err(error)?;
    let claims = rows.iter().map(|row| Ok((get(row, "id")?, get(row, "claimed")?)));
    let claims = claims.collect::<Result<HashSet<(Uuid, i64)>>>()?;
    let recorded = |(r, first): (&MessageRecord, &bool)| {
        if *first && claims.contains(&key(r)) { Recorded::Applied } else { Recorded::Fenced }
    };
    Ok(records.iter().zip(&first).map(recorded).collect())
}

fn change(record: &MessageRecord) -> Value {
    let change = &record.change;
    let settled = !matches!(change.to, State::Queued | State::Sending | State::Submitted);
    json!({
        "id": hex(record.message),
        "claim": record.claim,
        "to": change.to,
        "due_at": change.due_at.map(Time::micros),
        "step": change.step,
        "gateway_id": change.gateway_id,
        "reason_code": change.reason.as_ref().map(|r| &r.code),
        "reason": change.reason.as_ref().map(|r| &r.message),
        "settled_at": settled.then_some(record.at.micros()),
    })
}

fn view(row: &SqliteRow) -> Result<MessageView> {
    Ok(MessageView {
        id: get(row, "id")?,
        batch_id: get(row, "batch_id")?,
        row: rows::number(row, "row")?,
        purpose: get(row, "purpose")?,
        msisdn: get(row, "msisdn")?,
        lane: get(row, "lane")?,
        state: state::<State>(row, "state")?.to_string(),
        text: get(row, "text")?,
        gateway_id: get(row, "gateway_id")?,
        reason: reason(row)?,
        created_at: time(row, "created_at")?,
        sent_at: time_opt(row, "sent_at")?,
        settled_at: time_opt(row, "settled_at")?,
    })
}
