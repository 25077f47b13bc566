//! Recording: what follows from outcomes, receipts and cancellations, many rows in one transaction.
//!
//! [`payouts`] is the only place where a payout that was claimed changes and where the money of a payout moves. Which
//! rows apply is decided by the fence alone (`claim` as it was claimed or read); everything else in the transaction
//! follows from the rows that the fenced statement says it changed.

use super::books::{Books, Moves, Of};
use super::doubts::{self, Doubts};
use super::rows::{self, get, hex};
use super::{Result, Tx, batches, but, error, own, sql, wallets};
use crate::clock::Time;
use crate::faults::{Guard, stands};
use crate::ids::{self, BatchId, OrganisationId, PayoutId};
use crate::money::Currency;
use crate::payout::resolve::Change;
use crate::payout::{Action, PANIC, Payout, State};
use crate::rail::{Answer, Outcome};
use crate::receipt::KeptAnswer;
use crate::store::{PayoutRecord, Recorded};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// What the batches of the records allow and want.
struct BatchTerms {
    cancelling: bool,
    notify: bool,
}

pub(super) async fn payouts(tx: &mut Tx, records: Vec<PayoutRecord>, now: Time) -> Result<Vec<Recorded>> {
    let terms = batch_terms(tx, &records).await?;
    let records: Vec<PayoutRecord> = records.into_iter().map(|r| converge(r, &terms)).collect();
    let doubts = doubts::weigh(tx, &records).await?;
    let applied = fence(tx, &records, &doubts, now).await?;
    let of = |wanted| records.iter().zip(&applied).filter(move |(_, a)| **a == wanted).map(|(record, _)| record);
    let (done, late): (Vec<&PayoutRecord>, Vec<&PayoutRecord>) =
        (of(Recorded::Applied).collect(), of(Recorded::Fenced).filter(|r| !doubts.settled(r)).collect());
    keep_late(tx, &late, now).await?;
    end_attempts(tx, &done).await?;
    move_money(tx, &done, now).await?;
    tell(tx, &done, &terms, now).await?;
    doubts.open(tx, &done, now).await?;
    close_answered(tx, &done, now).await?;
    write_events(tx, &done, &doubts, now).await?;
    let closed: BTreeSet<(BatchId, OrganisationId)> = done
        .iter()
        .filter(|r| r.change.to.is_final() && !r.payout.state.is_final())
        .map(|r| (r.payout.batch, r.payout.organisation))
        .collect();
    for (batch, organisation) in closed {
        batches::close(tx, batch, organisation, now).await?;
    }
    Ok(applied)
}

async fn batch_terms(tx: &mut Tx, records: &[PayoutRecord]) -> Result<HashMap<BatchId, BatchTerms>> {
    let batches: BTreeSet<BatchId> = records.iter().map(|r| r.payout.batch).collect();
    let mut terms = HashMap::with_capacity(batches.len());
    for batch in batches {
        let row = sql!("batch_terms").bind(batch).fetch_one(&mut *tx).await.map_err(error)?;
        let cancelling = get::<&str>(&row, "state")? == "cancelling";
        terms.insert(batch, BatchTerms { cancelling, notify: get(&row, "notify")? });
    }
    Ok(terms)
}

/// A row that would wait for another send in a batch that is being cancelled is cancelled instead; but not one that is
/// frozen, be it by this very record: its money is in doubt.
fn converge(record: PayoutRecord, terms: &HashMap<BatchId, BatchTerms>) -> PayoutRecord {
    let cancelling = terms.get(&record.payout.batch).is_some_and(|t| t.cancelling);
    let frozen = record.payout.frozen || record.change.exception.is_some_and(|e| e.freezes());
    if record.change.to != State::Queued || !cancelling || frozen {
        return record;
    }
    let change = Change { to: State::Cancelled, next: None, new_attempt: false, ..record.change };
    PayoutRecord { change, ..record }
}

/// The fenced update. A row is told apart by its claim, not by its id alone: an old claim and the present one may stand in
/// one group, and so may the same record twice.
async fn fence(tx: &mut Tx, records: &[PayoutRecord], doubts: &Doubts, now: Time) -> Result<Vec<Recorded>> {
    let key = |r: &PayoutRecord| (r.payout.id, r.payout.claim);
    let mut seen = HashSet::with_capacity(records.len());
    let first: Vec<bool> = records.iter().map(|r| !doubts.settled(r) && seen.insert(key(r))).collect();
    let changes = records.iter().zip(&first).filter(|(_, first)| **first).map(|(r, _)| change(r, doubts, now));
    let changes = Value::Array(changes.collect()).to_string();
    let record = but(Guard::Fence, own!("payouts_record"), " AND payouts.claim = c.claimed", "");
    let rows = record.bind(&changes).fetch_all(&mut *tx).await.map_err(error)?;
    let claims = rows.iter().map(|row| Ok((get(row, "id")?, get(row, "claimed")?)));
    let claims = claims.collect::<Result<HashSet<(Uuid, i64)>>>()?;
    let recorded = |(r, first): (&PayoutRecord, &bool)| {
        let ours = claims.contains(&key(r)) || !stands(Guard::Fence);
        if *first && ours { Recorded::Applied } else { Recorded::Fenced }
    };
    let applied: Vec<Recorded> = records.iter().zip(&first).map(recorded).collect();
    let cancelled: Vec<Value> = records
        .iter()
        .zip(&applied)
        .filter(|(r, applied)| r.change.to == State::Cancelled && **applied == Recorded::Applied)
        .map(|(r, _)| json!({"id": hex(r.payout.id)}))
        .collect();
    if !cancelled.is_empty() {
        let cancelled = Value::Array(cancelled).to_string();
        own!("payouts_record_cancelled").bind(cancelled).execute(&mut *tx).await.map_err(error)?;
    }
    Ok(applied)
}

fn change(record: &PayoutRecord, doubts: &Doubts, now: Time) -> Value {
    let PayoutRecord { payout, change, .. } = record;
    // How and when a final payout ended stays as it is, whatever is heard of it later.
    let ends = change.to.is_final() && change.to != payout.state;
    // Through `queued`, because the machine knows no step from on the way to cancelled.
    let steps = change.to == State::Cancelled && !payout.state.is_final();
    let to = if steps { State::Queued } else { change.to };
    json!({
        "id": hex(payout.id),
        "claim": payout.claim,
        "to": to,
        "action": change.next.map_or(Action::Query, |(action, _)| action).name(),
        "due_at": change.next.map(|(_, at)| at.micros()),
        "attempt": attempt_after(record),
        "new_attempt": i32::from(change.new_attempt),
        "deaths": deaths(record),
        "step": change.step,
        "exposed": i32::from(change.exposed),
        "not_found": change.not_found,
        "not_found_at": change.not_found_at.map(Time::micros),
        "reason_code": change.reason.as_ref().map(|r| &r.code),
        "reason": change.reason.as_ref().map(|r| &r.message),
        "transaction_id": change.transaction_id.as_ref().filter(|_| ends),
        "settled_at": ends.then_some(now.micros()),
        "frozen_by": doubts.freezes(record).map(hex),
    })
}

/// Whoever records has survived; unless it is somebody else who tells how it ended. News from outside prove neither.
fn deaths(record: &PayoutRecord) -> &'static str {
    let died = |answer: &Answer| matches!(&answer.outcome, Outcome::Unknown { reason } if reason.code == PANIC);
    match record.source {
        "receipt" => "keep",
        _ if record.answer.as_ref().is_some_and(died) => "add",
        _ => "clear",
    }
}

/// A payout that is paid stands at the attempt that paid it, which two people may have found to be an earlier one: what is
/// heard of any other attempt is a payment too many, not a repetition.
fn attempt_after(record: &PayoutRecord) -> u32 {
    let PayoutRecord { payout, change, of_attempt, .. } = record;
    if change.to == State::Paid && payout.state != State::Paid {
        *of_attempt
    } else {
        payout.attempt + u32::from(change.new_attempt)
    }
}

/// A definitive answer whose claim had lapsed is kept like a receipt, and applied by its reference.
async fn keep_late(tx: &mut Tx, late: &[&PayoutRecord], now: Time) -> Result<()> {
    for record in late {
        let Some(answer) = &record.answer else { continue };
        let telling = match answer.outcome {
            Outcome::Paid(_) | Outcome::Failed { .. } => true,
            // That the provider has it speaks against whoever says that it does not know it.
            Outcome::Accepted { .. } => record.source == "submit",
            _ => false,
        };
        if !telling {
            continue;
        }
        let reference = record.payout.reference();
        let kept = KeptAnswer { reference, source: record.source.to_owned(), outcome: answer.outcome.clone() };
        let kept = serde_json::to_string(&kept).map_err(|e| rows::damaged("answer", e))?;
        let mut fingerprint = Sha256::new();
        fingerprint.update(record.payout.id);
        fingerprint.update(record.payout.claim.to_be_bytes());
        fingerprint.update(kept.as_bytes());
        let insert = sql!("receipt_keep")
            .bind(ids::fresh())
            .bind(&record.payout.lane)
            .bind(fingerprint.finalize().to_vec())
            .bind(reference)
            .bind(kept)
            .bind(now.micros());
        insert.execute(&mut *tx).await.map_err(error)?;
    }
    Ok(())
}

/// What the attempts' audit trail keeps of the answers.
async fn end_attempts(tx: &mut Tx, done: &[&PayoutRecord]) -> Result<()> {
    let ends: Vec<Value> = done
        .iter()
        .filter(|r| r.answer.is_some() || r.change.attempt.is_some())
        .map(|r| {
            let answer = r.answer.as_ref();
            json!({
                "batch": hex(r.payout.batch),
                "row": r.payout.row,
                "attempt": r.of_attempt,
                "state": r.change.attempt.map(|a| a.name()),
                "answered_at": r.at.micros(),
                "http_status": answer.and_then(|a| a.http_status),
                "response": answer.and_then(|a| a.response.as_deref()),
                "outcome": answer.map(|a| outcome_text(&a.outcome)),
            })
        })
        .collect();
    if !ends.is_empty() {
        own!("attempts_end").bind(Value::Array(ends).to_string()).execute(tx).await.map_err(error)?;
    }
    Ok(())
}

fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Paid(_) => "paid".into(),
        Outcome::Accepted { .. } => "accepted".into(),
        Outcome::NotFound => "not_found".into(),
        Outcome::Failed { reason, .. } => format!("failed: {}", reason.code),
        Outcome::NotSent { reason } => format!("not_sent: {}", reason.code),
        Outcome::Unknown { reason } => format!("unknown: {}", reason.code),
        Outcome::LaneBlocked { reason, .. } => format!("lane_blocked: {}", reason.code),
    }
}

/// Money of rows that became final: transfers, folded balances, the batch's sums and its tallies.
async fn move_money(tx: &mut Tx, done: &[&PayoutRecord], now: Time) -> Result<()> {
    let mut books = Books::default();
    let mut moves = Moves::default();
    for record in done {
        let payout = &record.payout;
        moves.add(payout, record.change.to);
        match record.change.to {
            State::Paid if payout.state == State::Paid => {}
            State::Paid => {
                if payout.state.is_final() {
                    // Its money went back to the wallet when it was given up: it is set aside once more first.
                    let of = Of { attempt: record.of_attempt, ..Of::from(payout) };
                    let total = payout.reserved_minor();
                    books.reserved_again(&of, total, wallets::has(tx, payout, total).await?);
                }
                books.paid(payout, record.of_attempt);
            }
            State::Failed | State::Cancelled if !payout.state.is_final() => {
                books.released(&Of::from(payout), payout.reserved_minor());
            }
            _ => {}
        }
    }
    moves.apply(tx).await?;
    books.write(tx, now).await
}

/// The paid of batches that want it get a message: the row that will be sent, in the transaction that says they are paid.
async fn tell(tx: &mut Tx, done: &[&PayoutRecord], terms: &HashMap<BatchId, BatchTerms>, now: Time) -> Result<()> {
    let wanted =
        |r: &&&PayoutRecord| r.change.to == State::Paid && terms.get(&r.payout.batch).is_some_and(|t| t.notify);
    let messages: Vec<Value> = done
        .iter()
        .filter(wanted)
        .filter_map(|r| {
            let payout = &r.payout;
            Some(json!({
                "id": hex(ids::message(payout.batch, payout.row, crate::sms::PURPOSE_PAID)),
                "organisation": hex(payout.organisation),
                "batch": hex(payout.batch),
                "row": payout.row,
                "purpose": crate::sms::PURPOSE_PAID,
                "lane": r.sms_lane.as_ref()?,
                "msisdn": payout.msisdn,
                "currency": payout.amount.currency.code(),
            }))
        })
        .collect();
    if !messages.is_empty() {
        let messages = Value::Array(messages).to_string();
        own!("messages_insert").bind(messages).bind(now.micros()).execute(tx).await.map_err(error)?;
    }
    Ok(())
}

/// Whatever is overdue needs nobody any more once its attempt has ended.
async fn close_answered(tx: &mut Tx, done: &[&PayoutRecord], now: Time) -> Result<()> {
    let ended = done.iter().filter(|r| r.change.attempt.is_some());
    let mut by_batch: HashMap<BatchId, Vec<Value>> = HashMap::new();
    for record in ended {
        by_batch.entry(record.payout.batch).or_default().push(json!({"id": hex(record.payout.id)}));
    }
    for (batch, ended) in by_batch {
        let any = sql!("exceptions_any_overdue").bind(batch).fetch_one(&mut *tx).await.map_err(error)?;
        if get::<bool>(&any, "found")? {
            let answered = own!("exceptions_answered").bind(Value::Array(ended).to_string()).bind(now.micros());
            answered.execute(&mut *tx).await.map_err(error)?;
        }
    }
    Ok(())
}

/// Something that happened to a payout, under the claim it has now.
pub(super) fn event(payout: &Payout, kind: &str, detail: Option<&str>) -> Value {
    json!({"batch": hex(payout.batch), "row": payout.row, "claim": payout.claim, "kind": kind, "detail": detail})
}

/// One event per change of state (a poll that learnt nothing is none), and per exception.
async fn write_events(tx: &mut Tx, done: &[&PayoutRecord], doubts: &Doubts, at: Time) -> Result<()> {
    let mut events = Vec::with_capacity(done.len());
    for record in done {
        let reason = record.change.reason.as_ref().map(|r| format!("{}: {}", r.code, r.message));
        let now = Payout { claim: record.payout.claim + 1, ..record.payout.clone() };
        if record.change.to != record.payout.state {
            let detail = if record.change.new_attempt {
                Some(format!("a new attempt follows; {}", reason.as_deref().unwrap_or_default()))
            } else {
                reason
            };
            events.push(event(&now, crate::machine::State::name(record.change.to), detail.as_deref()));
        }
        let exception = record.change.exception.filter(|_| doubts.opens(record));
        if let Some(exception) = exception {
            events.push(event(&now, &format!("exception.{}", exception.name()), None));
        }
    }
    if !events.is_empty() {
        let events = Value::Array(events).to_string();
        own!("events_insert").bind(events).bind(at.micros()).execute(tx).await.map_err(error)?;
    }
    Ok(())
}

/// The batch of a sweep.
pub(super) struct Swept {
    pub batch: BatchId,
    pub organisation: OrganisationId,
    pub currency: Currency,
    /// Whether each row still holds its part of the money.
    pub releases: bool,
}

/// Rows that a sweep has cancelled.
pub(super) async fn cancelled(tx: &mut Tx, of: &Swept, swept: &[SqliteRow], now: Time) -> Result<()> {
    let Swept { batch, organisation, currency, releases } = *of;
    let (mut moves, mut books) = (Moves::default(), Books::default());
    let mut events = Vec::with_capacity(swept.len());
    for row in swept {
        let payout: PayoutId = get(row, "id")?;
        let (number, attempt) = (rows::number(row, "row")?, rows::number(row, "attempt")?);
        let (amount, total): (i64, i64) = (get(row, "amount")?, get(row, "total")?);
        moves.count(batch, State::Queued, -1, -amount, -total);
        moves.count(batch, State::Cancelled, 1, amount, total);
        if releases {
            books.released(&Of { organisation, batch, currency, row: number, payout, attempt }, total);
        }
        events.push(json!({
            "batch": hex(batch), "row": number, "claim": get::<i64>(row, "claim")?, "kind": State::Cancelled,
            "detail": "its batch was cancelled",
        }));
    }
    moves.apply(tx).await?;
    books.write(tx, now).await?;
    let events = Value::Array(events).to_string();
    own!("events_insert").bind(events).bind(now.micros()).execute(tx).await.map_err(error)?;
    Ok(())
}
