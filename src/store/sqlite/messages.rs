//! Messages: claimed with their text committed, recorded under their fence.

use super::rows::{self, get, hex, reason, state, time, time_opt};
use super::{Result, SqliteStore, Tx, bulk, but, error, organisations, own, quarantine, sql};
use crate::batch::{self, Batch, Kind};
use crate::chance;
use crate::clock::{SharedClock, Time};
use crate::faults::{Guard, stands};
use crate::ids::{self, BatchId, OrganisationId};
use crate::machine::State as _;
use crate::money::Money;
use crate::org::Principal;
use crate::phone::Msisdn;
use crate::sms::{Dispatch, DueMessage, MessageView, PURPOSE_TEST, State, TESTS_MAX};
use crate::store::{
    Batches, Done, Idempotency, MessageRecord, Messages, Page, PageRequest, PrepareText, Recorded, Refusal, StoreError,
    TestMessage,
};
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
        let now = self.now();
        self.write(move |tx| Box::pin(async move { record(tx, &records, now).await })).await
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

    async fn message_sources(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<DueMessage>> {
        let mut connection = self.reader.acquire().await.map_err(error)?;
        let batch = rows::batch(&mut connection, organisation, batch).await?;
        sources(&mut connection, &batch, after, limit).await
    }

    async fn send_test(
        &self,
        actor: &Principal,
        batch: BatchId,
        test: TestMessage,
        prepare: PrepareText,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        self.once(actor, idempotency, move |tx, actor, now| {
            Box::pin(async move { queue_test(tx, actor, batch, &test, &prepare, now).await.map(Done::Applied) })
        })
        .await
    }
}

/// What the texts of a batch are made of.
async fn sources(connection: &mut Tx, batch: &Batch, after: u32, limit: u32) -> Result<Vec<DueMessage>> {
    if matches!(batch.state, batch::State::Importing | batch::State::ImportFailed) {
        return Err(Refusal::InvalidState { state: batch.state.to_string() }.into());
    }
    let sources = match batch.kind {
        Kind::Sms => sql!("message_sources"),
        Kind::Payout if batch.notify => sql!("notice_sources"),
        Kind::Payout => return Err(Refusal::NobodyIsTold.into()),
    };
    let sources = sources.bind(batch.id).bind(i64::from(after)).bind(i64::from(limit));
    sources.fetch_all(connection).await.map_err(error)?.iter().map(due_message).collect()
}

/// A test is its own message, and no part of its batch: nobody is charged for it and nothing counts it.
async fn queue_test(
    tx: &mut Tx,
    actor: &Principal,
    id: BatchId,
    test: &TestMessage,
    prepare: &PrepareText,
    now: Time,
) -> Result<MessageView> {
    let batch = rows::batch(tx, actor.organisation, id).await?;
    if !matches!(batch.state, batch::State::Ready | batch::State::AwaitingApproval) {
        return Err(Refusal::InvalidState { state: batch.state.to_string() }.into());
    }
    let after = test.row.map_or(0, |row| row.saturating_sub(1));
    let found = sources(tx, &batch, after, 1).await?.pop();
    let source = match (found, test.row) {
        (Some(source), None) => source,
        (Some(source), Some(row)) if source.row == row => source,
        (None, None) => return Err(Refusal::NothingToPay.into()),
        (_, Some(row)) => {
            let why = format!("row {row} is no row of this batch that is told anything; name one that is, or none");
            return Err(Refusal::Invalid(why).into());
        }
    };
    let row = sql!("message_tests").bind(id).fetch_one(&mut *tx).await.map_err(error)?;
    let copy = rows::number(&row, "tests")? + 1;
    if copy > TESTS_MAX {
        return Err(Refusal::TooManyTests { max: TESTS_MAX }.into());
    }
    let message = ids::message(id, source.row, &format!("{PURPOSE_TEST}-{copy}"));
    let insert =
        sql!("message_insert_test").bind(message).bind(actor.organisation).bind(id).bind(i64::from(source.row));
    let insert = insert.bind(i64::from(copy)).bind(&test.lane).bind(test.msisdn.as_str()).bind(prepare(&source));
    let insert = insert.bind(batch.currency.code()).bind(now.micros());
    insert.execute(&mut *tx).await.map_err(error)?;
    let detail = format!("row {} to +{}", source.row, test.msisdn.as_str());
    organisations::record_act(tx, actor, "batch.test_sent", Some(id), &detail, now).await?;
    let found = sql!("message_get").bind(actor.organisation).bind(message).fetch_one(tx).await.map_err(error)?;
    view(&found)
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
    let lapse = but(Guard::SmsNeverResent, sql!("messages_lapse"), "'unknown', due_at = NULL", "'queued', due_at = $2");
    let lapsed = lapse.bind(lane).bind(now.micros()).fetch_all(&mut *tx).await.map_err(error)?;
    let expired = sql!("messages_expire").bind(lane).bind(now.micros()).fetch_all(&mut *tx).await.map_err(error)?;
    let lapsed_to = if stands(Guard::SmsNeverResent) { State::Unknown } else { State::Queued };
    let mut moved = bulk::moved(&lapsed, State::Sending, lapsed_to)?;
    moved.extend(bulk::moved(&expired, State::Submitted, State::Expired)?);
    bulk::settle(tx, &moved, now).await?;
    let due = pick(tx, lane, n, now).await?;
    let (mut claimed, mut given_up) = (Vec::with_capacity(due.len()), Vec::new());
    for row in &due {
        let (mut message, text) = match written(row, prepare) {
            Ok(written) => written,
            Err(StoreError::Rejected(why)) => {
                // One that cannot be written must not keep all others of its lane from being sent.
                let id: Uuid = get(row, "id")?;
                tracing::error!(message = %id, why, "a message cannot be written; it is given up");
                let aside = sql!("message_set_aside").bind(id).bind(now.micros()).bind(why);
                aside.execute(&mut *tx).await.map_err(error)?;
                given_up.extend(bulk::given_up(row)?);
                continue;
            }
            Err(e) => return Err(e),
        };
        message.claim += 1;
        claimed.push(Dispatch { message, text, lease_until });
    }
    bulk::settle(tx, &given_up, now).await?;
    if !claimed.is_empty() {
        let intents: Vec<Value> = claimed.iter().map(|d| json!({"id": hex(d.message.id), "text": d.text})).collect();
        let intents = Value::Array(intents).to_string();
        let take = own!("messages_claim").bind(intents).bind(now.micros()).bind((now + lease).micros());
        take.execute(&mut *tx).await.map_err(error)?;
        bulk::settle(tx, &claimed.iter().filter_map(|d| bulk::begun(&d.message)).collect::<Vec<_>>(), now).await?;
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

/// Notices and lists share a lane by halves, and each takes what the other leaves: a list of a million does not keep the
/// paid waiting, nor many payments a list.
async fn pick(tx: &mut Tx, lane: &str, n: u32, now: Time) -> Result<Vec<SqliteRow>> {
    let due = sql!("messages_due").bind(lane).bind(now.micros()).bind(i64::from(n));
    let mut notices = due.fetch_all(&mut *tx).await.map_err(error)?;
    // The odd one goes to either by chance, or the lane's only permit would always go to the same.
    let half = n / 2 + u32::from(n % 2 == 1 && chance::draw() % 2 == 1);
    let room = n - u32::try_from(notices.len()).unwrap_or(n).min(half);
    let lists = bulk::pick(tx, lane, room, now).await?;
    notices.truncate(n as usize - lists.len());
    notices.extend(lists);
    Ok(notices)
}

fn due_message(row: &SqliteRow) -> Result<DueMessage> {
    let variables = get::<Option<&str>>(row, "variables")?.unwrap_or("{}");
    let msisdn = get::<String>(row, "msisdn")?;
    Ok(DueMessage {
        id: get(row, "id")?,
        organisation: get(row, "organisation_id")?,
        batch: get(row, "batch_id")?,
        row: rows::number(row, "row")?,
        purpose: get(row, "purpose")?,
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
pub(super) async fn record(tx: &mut Tx, records: &[MessageRecord], now: Time) -> Result<Vec<Recorded>> {
    let before = bulk::Before::read(tx, records.iter().map(|r| r.message)).await?;
    let key = |r: &MessageRecord| (r.message, r.claim);
    let mut seen = HashSet::with_capacity(records.len());
    let first: Vec<bool> = records.iter().map(|r| seen.insert(key(r))).collect();
    let changes = records.iter().zip(&first).filter(|(_, first)| **first).map(|(r, _)| change(r));
    let changes = Value::Array(changes.collect()).to_string();
    let rows = own!("messages_record").bind(changes).fetch_all(&mut *tx).await.map_err(error)?;
    let claims = rows.iter().map(|row| Ok((get(row, "id")?, get(row, "claimed")?)));
    let claims = claims.collect::<Result<HashSet<(Uuid, i64)>>>()?;
    let recorded = |(r, first): (&MessageRecord, &bool)| {
        if *first && claims.contains(&key(r)) { Recorded::Applied } else { Recorded::Fenced }
    };
    let recorded: Vec<Recorded> = records.iter().zip(&first).map(recorded).collect();
    let applied = records.iter().zip(&recorded).filter(|(_, r)| **r == Recorded::Applied);
    before.follow(tx, applied.map(|(r, _)| (r.message, r.change.to)), now).await?;
    Ok(recorded)
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
        segments: get::<Option<i64>>(row, "segments")?.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        cost: Money::new(get(row, "cost")?, rows::currency(row)?).amount(),
        currency: get(row, "currency")?,
        gateway_id: get(row, "gateway_id")?,
        reason: reason(row)?,
        created_at: time(row, "created_at")?,
        sent_at: time_opt(row, "sent_at")?,
        settled_at: time_opt(row, "settled_at")?,
    })
}
