//! Asking providers about everything that may have been sent since a backup: see [`crate::quarantine`].
//!
//! One due row per attempt. They are written down a few thousand rows of payouts at a time, claimed under the lane's query rate,
//! and recorded one by one: each takes the payout as it stands, so that queries and receipts beside it lose nothing.

use super::books::Moves;
use super::record::{self, event};
use super::rows::{self, get, hex, time, time_opt};
use super::{Result, Tx, error, own, sql};
use crate::batch;
use crate::clock::Time;
use crate::ids;
use crate::payout::attempt::AttemptState;
use crate::payout::resolve::{Observation, Source};
use crate::payout::{Payout, State};
use crate::quarantine::follow::{Follow, attempts_to_ask, follow};
use crate::quarantine::{ATTEMPTS_DEFAULT, AttemptAnswer, AttemptEnquiry, AttemptsMax, said};
use crate::rail::Outcome;
use crate::store::{DecidePayout, PayoutRecord, StoreError};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::time::Duration;

/// Goes through the next rows of one approved batch; whether there was one.
pub(super) async fn list(tx: &mut Tx, rows_max: u32, attempts: &AttemptsMax, now: Time) -> Result<bool> {
    let standing = sql!("quarantine_standing").fetch_optional(&mut *tx).await.map_err(error)?;
    let Some(standing) = standing else { return Ok(false) };
    let quarantine: i64 = get(&standing, "id")?;
    let next = sql!("quarantine_next_batch").bind(quarantine).fetch_optional(&mut *tx).await.map_err(error)?;
    let Some(next) = next else { return Ok(false) };
    let (batch, through): (ids::BatchId, i64) = (get(&next, "id")?, get(&next, "through")?);
    let found = sql!("quarantine_rows").bind(batch).bind(through).bind(i64::from(rows_max));
    let found = found.fetch_all(&mut *tx).await.map_err(error)?;
    let mut asked = Vec::with_capacity(found.len());
    for row in &found {
        if rows::state::<State>(row, "state")? == State::Paid {
            continue;
        }
        let lane: &str = get(row, "lane")?;
        let most = attempts.get(lane).copied().unwrap_or(ATTEMPTS_DEFAULT);
        let last = attempts_to_ask(rows::number(row, "attempt")?, rows::number(row, "first_attempt")?, most);
        asked.push(json!({"row": get::<i64>(row, "row")?, "lane": lane, "from": 1, "through": last}));
    }
    write(tx, quarantine, batch, asked, now).await?;
    let reached = found.last().map_or(Ok(through), |row| get(row, "row"))?;
    let swept = found.len() < rows_max as usize;
    let mark = sql!("quarantine_swept").bind(quarantine).bind(batch).bind(reached).bind(i64::from(swept));
    mark.execute(&mut *tx).await.map_err(error)?;
    Ok(true)
}

async fn write(tx: &mut Tx, quarantine: i64, batch: ids::BatchId, asked: Vec<Value>, now: Time) -> Result<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let list = own!("quarantine_list").bind(quarantine).bind(batch);
    list.bind(Value::Array(asked).to_string()).bind(now.micros()).execute(tx).await.map_err(error)?;
    Ok(())
}

pub(super) async fn claim(tx: &mut Tx, lane: &str, n: u32, lease: Duration, now: Time) -> Result<Vec<AttemptEnquiry>> {
    let due = sql!("quarantine_due").bind(lane).bind(now.micros()).bind(i64::from(n));
    let due = due.fetch_all(&mut *tx).await.map_err(error)?;
    let mut claimed = Vec::with_capacity(due.len());
    for row in &due {
        match enquiry(row) {
            Ok(enquiry) => claimed.push(enquiry),
            // It keeps the quarantine up, and nobody else from being asked about.
            Err(StoreError::Rejected(why)) => unreadable(tx, row, &why, now + lease).await?,
            Err(e) => return Err(e),
        }
    }
    if !claimed.is_empty() {
        let taken = claimed.iter().map(|e| {
            json!({"quarantine": e.quarantine, "batch": hex(e.payout.batch), "row": e.payout.row, "attempt": e.attempt})
        });
        let taken = Value::from_iter(taken).to_string();
        let take = own!("quarantine_claim").bind(taken).bind((now + lease).micros());
        take.execute(&mut *tx).await.map_err(error)?;
    }
    Ok(claimed)
}

async fn unreadable(tx: &mut Tx, row: &SqliteRow, why: &str, again: Time) -> Result<()> {
    let set =
        sql!("quarantine_put_off").bind(get::<i64>(row, "quarantine")?).bind(get::<ids::BatchId>(row, "batch_id")?);
    let set = set.bind(get::<i64>(row, "row")?).bind(get::<i64>(row, "asked")?).bind(get::<i64>(row, "enquiry_claim")?);
    set.bind(again.micros()).bind(0_i64).bind(why).execute(tx).await.map_err(error)?;
    Ok(())
}

fn enquiry(row: &SqliteRow) -> Result<AttemptEnquiry> {
    Ok(AttemptEnquiry {
        quarantine: get(row, "quarantine")?,
        payout: rows::payout(row)?,
        note: get(row, "note")?,
        attempt: rows::number(row, "asked")?,
        claim: get::<i64>(row, "enquiry_claim")? + 1,
    })
}

pub(super) async fn record(tx: &mut Tx, answers: &[AttemptAnswer], decide: &DecidePayout, now: Time) -> Result<()> {
    for answer in answers {
        one(tx, answer, decide, now).await?;
    }
    Ok(())
}

async fn one(tx: &mut Tx, answer: &AttemptAnswer, decide: &DecidePayout, now: Time) -> Result<()> {
    let outcome = &answer.answer.outcome;
    let Some(said) = said(outcome) else {
        let why = outcome.reason().map_or_else(String::new, |r| format!("{}: {}", r.code, r.message));
        return put_off(tx, answer, false, &why).await;
    };
    if *outcome == Outcome::NotFound {
        return answered(tx, answer, said, false, now).await;
    }
    let AttemptEnquiry { quarantine, payout: asked, attempt, claim, .. } = &answer.enquiry;
    let key = sql!("quarantine_fence").bind(quarantine).bind(asked.batch).bind(i64::from(asked.row));
    let ours = key.bind(i64::from(*attempt)).bind(claim).fetch_optional(&mut *tx).await.map_err(error)?;
    if ours.is_none() {
        return Ok(());
    }
    let found = sql!("quarantine_payout").bind(asked.id).bind(i64::from(*attempt)).bind(quarantine);
    let row = found.fetch_one(&mut *tx).await.map_err(error)?;
    let payout = rows::payout(&row)?;
    let (have, last): (bool, u32) = (get(&row, "have")?, rows::number(&row, "last_asked")?);
    let ruled: bool = get(&row, "ruled")?;
    let cancelled = rows::state::<batch::State>(&row, "batch_state")? == batch::State::Cancelled;
    if cancelled && payout.state == State::Queued {
        // Its hold went back as a whole: it is swept first, and what is heard of it then is a late success.
        return put_off(tx, answer, false, "its batch is being swept").await;
    }
    if *attempt >= last {
        // Even the last one is known: a person may have had it paid again in the gap.
        let more = json!({"row": payout.row, "lane": payout.lane, "from": attempt + 1, "through": attempt + answer.attempts_max});
        write(tx, *quarantine, payout.batch, vec![more], now).await?;
    }
    let payout = stand(tx, answer, payout, have, time(&row, "gap_from")?, now).await?;
    let watched =
        matches!(payout.state, State::Sending | State::Accepted | State::Unknown) && payout.attempt == *attempt;
    tell(tx, answer, payout, decide, now).await?;
    if matches!(outcome, Outcome::Accepted { .. }) && !watched && !ruled {
        // Nobody else asks how it ends, and no two people have answered for it.
        return put_off(tx, answer, !have, "the provider has not said how it ended").await;
    }
    answered(tx, answer, said, !have, now).await
}

/// Brings the attempt and the payout to where the provider's knowledge puts them; the payout as it stands then.
async fn stand(
    tx: &mut Tx,
    answer: &AttemptAnswer,
    payout: Payout,
    have: bool,
    gap_from: Time,
    now: Time,
) -> Result<Payout> {
    let attempt = answer.enquiry.attempt;
    let step = follow(&payout, attempt);
    if step == Follow::Resume {
        let end = sql!("attempt_end_earlier").bind(payout.batch).bind(i64::from(payout.row)).bind(i64::from(attempt));
        end.execute(&mut *tx).await.map_err(error)?;
    }
    if !have {
        let state = if step == Follow::Resume { AttemptState::Open } else { AttemptState::Failed };
        let (body, callback) = answer.request.as_ref().map_or(("", None), |r| (&r.body, r.callback_url.as_deref()));
        let request = json!({"body": body, "callback_url": callback}).to_string();
        let insert = sql!("attempt_found").bind(payout.batch).bind(i64::from(payout.row)).bind(i64::from(attempt));
        let insert = insert.bind(ids::attempt_reference(payout.id, attempt)).bind(&payout.lane).bind(state.name());
        insert.bind(request).bind(gap_from.micros()).execute(&mut *tx).await.map_err(error)?;
    }
    match step {
        Follow::Stay => Ok(payout),
        Follow::Raise => {
            let raise = sql!("payout_raise").bind(payout.id).bind(i64::from(attempt));
            raise.execute(&mut *tx).await.map_err(error)?;
            Ok(Payout { attempt, claim: payout.claim + 1, ..payout })
        }
        Follow::Resume => resume(tx, payout, attempt, gap_from, now).await,
    }
}

/// The payout is `unknown` at `attempt`, and what was heard settles it like the answer to any query.
async fn resume(tx: &mut Tx, payout: Payout, attempt: u32, gap_from: Time, now: Time) -> Result<Payout> {
    // The earliest that it can have been sent counts against a resend.
    let intended = payout.intended_at.filter(|_| attempt == payout.attempt).unwrap_or(gap_from);
    sql!("payout_step_to_sending").bind(payout.id).execute(&mut *tx).await.map_err(error)?;
    let set = sql!("payout_resume").bind(payout.id).bind(i64::from(attempt)).bind(now.micros());
    set.bind(intended.micros()).execute(&mut *tx).await.map_err(error)?;
    let mut moves = Moves::default();
    moves.add(&payout, State::Unknown);
    moves.apply(tx).await?;
    let resumed = Payout {
        state: State::Unknown,
        claim: payout.claim + 1,
        attempt,
        step: 0,
        exposed: true,
        not_found: 0,
        not_found_at: None,
        intended_at: Some(intended),
        sent_at: Some(now),
        ..payout
    };
    let detail = format!("the provider knows attempt {attempt}, which this database had forgotten");
    let told = Value::Array(vec![event(&resumed, "unknown", Some(&detail))]).to_string();
    own!("events_insert").bind(told).bind(now.micros()).execute(tx).await.map_err(error)?;
    Ok(resumed)
}

/// What the provider said goes the way of any answer to a query.
async fn tell(tx: &mut Tx, answer: &AttemptAnswer, payout: Payout, decide: &DecidePayout, now: Time) -> Result<()> {
    let of_attempt = answer.enquiry.attempt;
    let outcome = &answer.answer.outcome;
    let seen = Observation { outcome, source: Source::Query, attempt: of_attempt, at: answer.at };
    let (Some(change), sms_lane) = decide(&payout, seen) else { return Ok(()) };
    let answer = Some(answer.answer.clone());
    let record = PayoutRecord { payout, change, of_attempt, answer, source: "receipt", at: seen.at, sms_lane };
    record::payouts(tx, vec![record], now).await?;
    Ok(())
}

async fn answered(tx: &mut Tx, answer: &AttemptAnswer, said: &str, missing: bool, now: Time) -> Result<()> {
    let AttemptEnquiry { quarantine, payout, attempt, claim, .. } = &answer.enquiry;
    let set = sql!("quarantine_answered").bind(quarantine).bind(payout.batch).bind(i64::from(payout.row));
    let set = set.bind(i64::from(*attempt)).bind(claim).bind(said).bind(i64::from(missing)).bind(now.micros());
    set.execute(tx).await.map_err(error)?;
    Ok(())
}

/// It is asked again; `why` nothing was learnt.
async fn put_off(tx: &mut Tx, answer: &AttemptAnswer, missing: bool, why: &str) -> Result<()> {
    let AttemptEnquiry { quarantine, payout, attempt, claim, .. } = &answer.enquiry;
    let again = (answer.at + answer.again).micros();
    let set = sql!("quarantine_put_off").bind(quarantine).bind(payout.batch).bind(i64::from(payout.row));
    let set = set.bind(i64::from(*attempt)).bind(claim).bind(again).bind(i64::from(missing)).bind(why);
    set.execute(tx).await.map_err(error)?;
    Ok(())
}

/// When the next attempt of a lane is to be asked about.
pub(super) async fn next(reader: &sqlx::SqlitePool, lane: &str) -> Result<Option<Time>> {
    let row = sql!("quarantine_next_due").bind(lane).fetch_one(reader).await.map_err(error)?;
    time_opt(&row, "due_at")
}
