//! The inbox: raw receipts in, judged receipts applied.

use super::rows::{self, get, hex, time};
use super::{Result, SqliteStore, Tx, error, own, sql};
use crate::clock::Time;
use crate::ids;
use crate::payout::resolve::{Observation, Source};
use crate::rail::{Answer, News, Outcome, RawReceipt, SmsOutcome};
use crate::receipt::{ClaimedReceipt, JudgedReceipt, NewReceipt, Verdict};
use crate::store::{DecideMessage, DecidePayout, MessageRecord, PayoutRecord, Receipts};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::time::Duration;
use uuid::Uuid;

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
                Ok(())
            })
        })
        .await
    }

    async fn claim_receipts(&self, n: u32, lease: Duration) -> Result<Vec<ClaimedReceipt>> {
        let now = self.now();
        self.write(move |tx| {
            Box::pin(async move {
                let claim = own!("receipts_claim").bind(now.micros()).bind(i64::from(n)).bind((now + lease).micros());
                let rows = claim.fetch_all(tx).await.map_err(error)?;
                rows.iter().map(claimed).collect()
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
        self.write(move |tx| {
            Box::pin(async move {
                for receipt in receipts {
                    apply(tx, receipt, &payout, &message, now).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

fn stored(receipt: &NewReceipt) -> Value {
    json!({
        "id": hex(ids::fresh()),
        "lane": receipt.lane,
        "fingerprint": hex::encode(receipt.fingerprint),
        "reference": receipt.reference.map(hex),
        "token_reference": receipt.raw.token_reference.map(hex),
        "headers": serde_json::to_string(&receipt.raw.headers).unwrap_or_default(),
        "body": String::from_utf8_lossy(&receipt.raw.body),
        "received_at": receipt.raw.received_at.micros(),
    })
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

/// One receipt; that it was applied and what it changed are one transaction, so that a repeat finds it done.
async fn apply(
    tx: &mut Tx,
    receipt: JudgedReceipt,
    payout: &DecidePayout,
    message: &DecideMessage,
    now: Time,
) -> Result<()> {
    let fence = sql!("receipt_fence").bind(receipt.id).bind(receipt.claim);
    if fence.fetch_optional(&mut *tx).await.map_err(error)?.is_none() {
        return Ok(());
    }
    let (state, result) = match &receipt.verdict {
        Verdict::Ignored(why) => ("ignored", why.clone()),
        Verdict::Payout { news, source } => tell_payout(tx, &receipt, news, *source, payout, now).await?,
        Verdict::Message(news) => tell_message(tx, &receipt, news, message).await?,
    };
    let done = sql!("receipt_done").bind(receipt.id).bind(state).bind(result);
    done.execute(tx).await.map_err(error)?;
    Ok(())
}

async fn tell_payout(
    tx: &mut Tx,
    receipt: &JudgedReceipt,
    news: &News<Outcome>,
    source: Source,
    decide: &DecidePayout,
    now: Time,
) -> Result<(&'static str, String)> {
    let found = sql!("payout_by_reference").bind(news.reference).bind(&receipt.lane);
    let Some(row) = found.fetch_optional(&mut *tx).await.map_err(error)? else {
        return Ok(("ignored", "no payout of this lane was ever sent under this reference".into()));
    };
    let payout = rows::payout(&row)?;
    let seen =
        Observation { outcome: &news.outcome, source, attempt: rows::number(&row, "of_attempt")?, at: receipt.at };
    let (Some(change), sms_lane) = decide(&payout, seen) else {
        return Ok(("ignored", format!("the payout is {} and stays so", payout.state)));
    };
    let result = format!("{} → {}", payout.state, change.to);
    let answer = Answer { outcome: news.outcome.clone(), http_status: None, response: None };
    let record = PayoutRecord { payout, change, answer: Some(answer), source: "receipt", at: receipt.at, sms_lane };
    super::record::payouts(tx, vec![record], now).await?;
    Ok(("applied", result))
}

async fn tell_message(
    tx: &mut Tx,
    receipt: &JudgedReceipt,
    news: &News<SmsOutcome>,
    decide: &DecideMessage,
) -> Result<(&'static str, String)> {
    if !news.verified {
        return Ok(("ignored", "nobody vouches for this receipt".into()));
    }
    let found = sql!("message_by_id").bind(news.reference).bind(&receipt.lane);
    let Some(row) = found.fetch_optional(&mut *tx).await.map_err(error)? else {
        return Ok(("ignored", "no message of this lane has this id".into()));
    };
    let state = rows::state::<crate::sms::State>(&row, "state")?;
    let step = rows::number(&row, "step")?;
    let Some(change) = decide(state, step, &news.outcome, receipt.at, &receipt.lane) else {
        return Ok(("ignored", format!("the message is {state} and stays so")));
    };
    let result = format!("{state} → {}", change.to);
    let (organisation, claim): (Uuid, i64) = (get(&row, "organisation_id")?, get(&row, "claim")?);
    let record = MessageRecord { message: news.reference, organisation, claim, change, at: receipt.at };
    super::messages::record(tx, &[record]).await?;
    Ok(("applied", result))
}
