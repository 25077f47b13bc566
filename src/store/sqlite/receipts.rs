//! The inbox: raw receipts in, judged receipts applied.

use super::rows::{self, get, hex, time};
use super::{Result, SqliteStore, Tx, error, own, sql};
use crate::clock::Time;
use crate::ids;
use crate::payout::resolve::{Observation, Source};
use crate::rail::{Answer, News, Outcome, RawReceipt, SmsOutcome};
use crate::receipt::{ClaimedReceipt, JudgedReceipt, NewReceipt, Verdict};
use crate::store::{DecideMessage, DecidePayout, MessageRecord, PayoutRecord, Receipts, StoreError};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

/// Deaths after which a receipt is set aside: two in company, one alone. The provider is asked about its payout all the same.
const DEATHS_MAX: i64 = 3;
/// Receipts of a lane that are kept though nobody vouches for them.
const UNVOUCHED_MAX: i64 = 10_000;

#[async_trait]
impl Receipts for SqliteStore {
    async fn store_receipts(&self, receipts: Vec<NewReceipt>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let rows: Vec<Value> = receipts.iter().map(stored).collect();
                let insert = own!("receipts_insert").bind(Value::Array(rows).to_string());
                insert.execute(&mut *tx).await.map_err(error)?;
                // JSON has no bytes: bodies that are not text are put in one by one, and are hardly ever there.
                for receipt in receipts.iter().filter(|r| std::str::from_utf8(&r.raw.body).is_err()) {
                    let body = sql!("receipt_set_body").bind(&receipt.lane).bind(receipt.fingerprint.to_vec());
                    body.bind(&receipt.raw.body).execute(&mut *tx).await.map_err(error)?;
                }
                prune(tx, &receipts).await
            })
        })
        .await
    }

    async fn claim_receipts(&self, n: u32, lease: Duration) -> Result<Vec<ClaimedReceipt>> {
        let (now, steady) = (self.now(), self.steady());
        self.write(move |tx| {
            Box::pin(async move {
                let claim = own!("receipts_claim").bind(now.micros()).bind(i64::from(n)).bind((now + lease).micros());
                let claim = claim.bind(steady);
                let rows = claim.fetch_all(&mut *tx).await.map_err(error)?;
                let (mut receipts, mut aside) = (Vec::with_capacity(rows.len()), Vec::new());
                for row in &rows {
                    match readable(row) {
                        Ok(receipt) => receipts.push(receipt),
                        Err(StoreError::Rejected(why)) => aside.push(set_aside(get(row, "id")?, why)),
                        Err(e) => return Err(e),
                    }
                }
                finish(tx, &aside).await?;
                Ok(receipts)
            })
        })
        .await
    }

    async fn apply_receipts(
        &self,
        receipts: Vec<JudgedReceipt>,
        payout: DecidePayout,
        message: DecideMessage,
    ) -> Result<()> {
        let now = self.now();
        self.write(move |tx| Box::pin(async move { apply(tx, receipts, &payout, &message, now).await })).await
    }
}

/// Makes room in the lanes that just got something that nobody vouches for.
async fn prune(tx: &mut Tx, stored: &[NewReceipt]) -> Result<()> {
    let lanes: HashSet<&str> = stored.iter().filter(|r| !r.vouched).map(|r| r.lane.as_str()).collect();
    for lane in lanes {
        let prune = sql!("receipts_prune").bind(lane).bind(UNVOUCHED_MAX).execute(&mut *tx).await.map_err(error)?;
        metrics::counter!("gaba_receipts_pruned_total", "lane" => lane.to_owned()).increment(prune.rows_affected());
    }
    Ok(())
}

fn stored(receipt: &NewReceipt) -> Value {
    json!({
        "id": hex(ids::fresh()),
        "lane": receipt.lane,
        "fingerprint": hex::encode(receipt.fingerprint),
        "reference": receipt.reference.map(hex),
        "vouched": i64::from(receipt.vouched),
        "token_reference": receipt.raw.token_reference.map(hex),
        "headers": serde_json::to_string(&receipt.raw.headers).unwrap_or_default(),
        "body": String::from_utf8_lossy(&receipt.raw.body),
        "received_at": receipt.raw.received_at.micros(),
    })
}

/// A receipt as it was claimed, unless it is beyond reading.
fn readable(row: &SqliteRow) -> Result<ClaimedReceipt> {
    let died: i64 = get(row, "died")?;
    if died >= DEATHS_MAX {
        return Err(StoreError::Rejected(format!("whoever applied it ended {died} times")));
    }
    claimed(row)
}

fn set_aside(id: Uuid, why: String) -> Done {
    tracing::error!(receipt = %id, why, "a receipt is set aside; ask the provider what it said");
    metrics::counter!("gaba_quarantined_total", "what" => "receipt").increment(1);
    Done { id, state: "ignored", result: format!("set aside: {why}") }
}

fn claimed(row: &SqliteRow) -> Result<ClaimedReceipt> {
    let kept = get::<Option<&str>>(row, "kept")?.map(serde_json::from_str).transpose();
    Ok(ClaimedReceipt {
        id: get(row, "id")?,
        lane: get(row, "lane")?,
        claim: get(row, "claim")?,
        kept: kept.map_err(|e| rows::damaged("answer", e))?,
        raw: RawReceipt {
            token_reference: get(row, "token_reference")?,
            headers: serde_json::from_str(get(row, "headers")?).map_err(|e| rows::damaged("headers", e))?,
            body: get(row, "body")?,
            received_at: time(row, "received_at")?,
        },
    })
}

/// What is written of a receipt once it is dealt with.
struct Done {
    id: Uuid,
    state: &'static str,
    result: String,
}

/// Receipts of one transaction. That they were applied and what they changed are one commit, so that a repeat finds it done.
async fn apply(
    tx: &mut Tx,
    receipts: Vec<JudgedReceipt>,
    payout: &DecidePayout,
    message: &DecideMessage,
    now: Time,
) -> Result<()> {
    let claims: Vec<Value> = receipts.iter().map(|r| json!({"id": hex(r.id), "claim": r.claim})).collect();
    let ours =
        own!("receipts_fence").bind(Value::Array(claims).to_string()).fetch_all(&mut *tx).await.map_err(error)?;
    let ours = ours.iter().map(|row| Ok((get(row, "id")?, get(row, "claim")?)));
    let mut ours = ours.collect::<Result<HashSet<(Uuid, i64)>>>()?;
    let (mut done, mut payouts, mut messages) = (Vec::with_capacity(ours.len()), Vec::new(), Vec::new());
    // By its claim, not by its id alone: an old claim and the present one may stand in one group.
    for receipt in receipts.into_iter().filter(|r| ours.remove(&(r.id, r.claim))) {
        match &receipt.verdict {
            Verdict::Ignored(why) => done.push(Done { id: receipt.id, state: "ignored", result: why.clone() }),
            Verdict::Payout { .. } => payouts.push(receipt),
            Verdict::Message(_) => messages.push(receipt),
        }
    }
    // Several receipts of one payout are applied one after the other, each to the row as the one before left it.
    while !payouts.is_empty() {
        payouts = tell_payouts(tx, payouts, payout, now, &mut done).await?;
    }
    while !messages.is_empty() {
        messages = tell_messages(tx, messages, message, now, &mut done).await?;
    }
    finish(tx, &done).await
}

/// Nothing is left to do with these receipts.
async fn finish(tx: &mut Tx, done: &[Done]) -> Result<()> {
    if done.is_empty() {
        return Ok(());
    }
    let done: Vec<Value> =
        done.iter().map(|d| json!({"id": hex(d.id), "state": d.state, "result": d.result})).collect();
    own!("receipts_done").bind(Value::Array(done).to_string()).execute(tx).await.map_err(error)?;
    Ok(())
}

/// The rows that references (or ids) name, by what names them.
fn by_reference(rows: Vec<SqliteRow>) -> Result<HashMap<Uuid, SqliteRow>> {
    rows.into_iter().map(|row| Ok((get(&row, "reference")?, row))).collect()
}

/// Tells each payout the first of its news; gives back what has to wait for the next round.
async fn tell_payouts(
    tx: &mut Tx,
    receipts: Vec<JudgedReceipt>,
    decide: &DecidePayout,
    now: Time,
    done: &mut Vec<Done>,
) -> Result<Vec<JudgedReceipt>> {
    let named: Vec<Value> = receipts.iter().filter_map(|r| Some(json!(hex(payout_news(r)?.0.reference)))).collect();
    let found = own!("payouts_by_reference").bind(Value::Array(named).to_string());
    let found = by_reference(found.fetch_all(&mut *tx).await.map_err(error)?)?;
    let (mut records, mut told, mut later) = (Vec::new(), HashSet::new(), Vec::new());
    for receipt in receipts {
        let Some((news, source)) = payout_news(&receipt) else { continue };
        let row = found.get(&news.reference).filter(|row| get::<&str>(row, "lane").is_ok_and(|l| l == receipt.lane));
        let Some(row) = row else {
            let result = "no payout of this lane was ever sent under this reference".to_owned();
            done.push(Done { id: receipt.id, state: "ignored", result });
            continue;
        };
        let payout = rows::payout(row)?;
        if !told.insert(payout.id) {
            later.push(receipt);
            continue;
        }
        let (attempt, at) = (rows::number(row, "of_attempt")?, receipt.at);
        let (change, sms_lane) = decide(&payout, Observation { outcome: &news.outcome, source, attempt, at });
        let Some(change) = change else {
            let result = format!("the payout is {} and stays so", payout.state);
            done.push(Done { id: receipt.id, state: "ignored", result });
            continue;
        };
        let result = format!("{} → {}", payout.state, change.to);
        done.push(Done { id: receipt.id, state: "applied", result });
        let answer = Answer { outcome: news.outcome.clone(), http_status: None, response: None };
        let record =
            PayoutRecord { payout, change, of_attempt: attempt, answer: Some(answer), source: "receipt", at, sms_lane };
        records.push(record);
    }
    super::record::payouts(tx, records, now).await?;
    Ok(later)
}

fn payout_news(receipt: &JudgedReceipt) -> Option<(&News<Outcome>, Source)> {
    match &receipt.verdict {
        Verdict::Payout { news, source } => Some((news, *source)),
        _ => None,
    }
}

/// The same for messages.
async fn tell_messages(
    tx: &mut Tx,
    receipts: Vec<JudgedReceipt>,
    decide: &DecideMessage,
    now: Time,
    done: &mut Vec<Done>,
) -> Result<Vec<JudgedReceipt>> {
    let named: Vec<Value> = receipts.iter().filter_map(|r| Some(json!(hex(message_news(r)?.reference)))).collect();
    let found = own!("messages_by_id").bind(Value::Array(named).to_string());
    let found = by_reference(found.fetch_all(&mut *tx).await.map_err(error)?)?;
    let (mut records, mut told, mut later) = (Vec::new(), HashSet::new(), Vec::new());
    for receipt in receipts {
        let Some(news) = message_news(&receipt) else { continue };
        let row = found.get(&news.reference).filter(|row| get::<&str>(row, "lane").is_ok_and(|l| l == receipt.lane));
        let (state, result) = match row {
            _ if !news.verified => ("ignored", "nobody vouches for this receipt".to_owned()),
            None => ("ignored", "no message of this lane has this id".to_owned()),
            Some(_) if !told.insert(news.reference) => {
                later.push(receipt);
                continue;
            }
            Some(row) => match message_record(row, &receipt, news, decide)? {
                Ok(record) => {
                    let result = format!("→ {}", record.change.to);
                    records.push(record);
                    ("applied", result)
                }
                Err(unmoved) => ("ignored", unmoved),
            },
        };
        done.push(Done { id: receipt.id, state, result });
    }
    super::messages::record(tx, &records, now).await?;
    Ok(later)
}

fn message_news(receipt: &JudgedReceipt) -> Option<&News<SmsOutcome>> {
    match &receipt.verdict {
        Verdict::Message(news) => Some(news),
        _ => None,
    }
}

/// What to record of a message, or why nothing.
fn message_record(
    row: &SqliteRow,
    receipt: &JudgedReceipt,
    news: &News<SmsOutcome>,
    decide: &DecideMessage,
) -> Result<Result<MessageRecord, String>> {
    let state = rows::state::<crate::sms::State>(row, "state")?;
    let change = decide(state, rows::number(row, "step")?, &news.outcome, receipt.at, &receipt.lane);
    let Some(change) = change else { return Ok(Err(format!("the message is {state} and stays so"))) };
    let (organisation, claim): (Uuid, i64) = (get(row, "organisation_id")?, get(row, "claim")?);
    Ok(Ok(MessageRecord { message: news.reference, organisation, claim, change, at: receipt.at }))
}
