//! Claims: which payouts are worked on next, with the intent committed before anything is sent.

use super::books::Moves;
use super::doubts::{self, About};
use super::record::event;
use super::rows::{self, get, hex};
use super::{Result, Tx, but, error, own, quarantine};
use crate::chance;
use crate::clock::{SharedClock, Time};
use crate::faults::{Guard, stands};
use crate::ids;
use crate::payout::exception::Kind;
use crate::payout::{Enquiry, Payout, State, Submission};
use crate::rail::{Request, Transfer};
use crate::store::{AskInstead, PrepareTransfer};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Batches one claim looks at; with more running than that, chance decides which.
pub(super) const BATCHES_MAX: i64 = 256;

/// What orders the batches of one claim.
pub(super) fn shuffle() -> i64 {
    i64::from(chance::draw() as u32 >> 1) | 1
}

/// A lane's claim: how many, until when.
pub(super) struct Claim {
    pub lane: String,
    pub n: u32,
    pub lease: Duration,
    pub clock: SharedClock,
    /// Whether suspects may be taken up.
    pub steady: bool,
}

pub(super) async fn submissions(
    tx: &mut Tx,
    claim: &Claim,
    prepare: &PrepareTransfer,
    ask_instead: &AskInstead,
) -> Result<Vec<Submission>> {
    // The lease is reckoned from before the statement, so that it never ends later than the database thinks.
    let (now, lease_until) = (claim.clock.now(), claim.clock.monotonic() + claim.lease);
    let picked = pick(tx, claim, now).await?;
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let mut claimed = Vec::with_capacity(picked.len());
    let mut moves = Moves::default();
    let mut asked = Vec::new();
    for row in &picked {
        let intended = intend(row, now, lease_until, prepare);
        let Some(submission) = quarantine::unless_unreadable(tx, row, intended, now).await? else { continue };
        let resend = submission.payout.state == State::Unknown;
        let batch = get::<&str>(row, "batch_state")?;
        if let Some(at) = ask_instead(&submission.payout, now, batch != "running").filter(|_| resend) {
            // Whoever cancelled wants nothing sent any more. That it would be, by the rule, is for two people to settle.
            if batch == "cancelling" && ask_instead(&submission.payout, now, false).is_none() {
                hand_over(tx, &submission.payout, now).await?;
            }
            asked.push(json!({"id": hex(submission.payout.id), "due_at": at.micros()}));
            continue;
        }
        moves.add(&submission.payout, State::Sending);
        claimed.push(submission);
    }
    if !asked.is_empty() {
        own!("payouts_ask_instead").bind(Value::Array(asked).to_string()).execute(&mut *tx).await.map_err(error)?;
    }
    if claimed.is_empty() {
        return Ok(claimed);
    }
    let intents: Vec<Value> = claimed.iter().map(intent).collect();
    let intents = Value::Array(intents).to_string();
    let due = (now + claim.lease).micros();
    own!("payouts_claim_submit").bind(&intents).bind(now.micros()).bind(due).execute(&mut *tx).await.map_err(error)?;
    if stands(Guard::IntentFirst) {
        own!("attempts_intend").bind(&intents).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
    }
    own!("events_insert").bind(&intents).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
    moves.apply(tx).await?;
    for submission in &mut claimed {
        taken(&mut submission.payout, State::Sending, now);
    }
    Ok(claimed)
}

/// Opens the exception of a payout that would be sent again, had its batch not been cancelled.
async fn hand_over(tx: &mut Tx, payout: &Payout, now: Time) -> Result<()> {
    let Payout { organisation, batch, id, attempt, .. } = *payout;
    let about = About { organisation, batch, payout: id, attempt };
    let detail =
        "its batch is being cancelled, so it is not sent again, although the provider says that it does not know it";
    let (_, fresh) = doubts::raise(tx, &about, Kind::Overdue, detail, now).await?;
    if fresh {
        let after = Payout { claim: payout.claim + 1, ..payout.clone() };
        let events = Value::Array(vec![event(&after, "exception.overdue", Some(detail))]).to_string();
        own!("events_insert").bind(events).bind(now.micros()).execute(tx).await.map_err(error)?;
    }
    Ok(())
}

/// Which batches are sent, in the words of the statements; and in those of a test that sends whatever was read.
const SENT: &str = "IN ('running', 'cancelling', 'paused')";
const RUNS: &str = "= 'running'";
const ANY: &str = "NOT IN ('importing', 'import_failed')";

/// The rows to claim: a quota per organisation, then per batch, then whatever is left to whoever has more.
async fn pick(tx: &mut Tx, claim: &Claim, now: Time) -> Result<Vec<SqliteRow>> {
    let running = but(Guard::ApprovedFirst, own!("claim_batches"), SENT, ANY);
    let running = but(Guard::ApprovedFirst, running, RUNS, ANY);
    let running = running.bind(&claim.lane).bind(now.micros()).bind(BATCHES_MAX).bind(shuffle());
    let shares = Shares::of(&running.fetch_all(&mut *tx).await.map_err(error)?, claim.n)?;
    let mut picked = Vec::with_capacity(claim.n as usize);
    for pass in 0..2 {
        for (batch, quota) in shares.batches() {
            let left = shares.wanted - picked.len() as i64;
            if left <= 0 {
                return Ok(picked);
            }
            let (limit, offset) = if pass == 0 { (quota.min(left), 0) } else { (left, quota) };
            let rows = but(Guard::ApprovedFirst, own!("claim_submit_rows"), RUNS, ANY);
            let rows = rows.bind(batch).bind(&claim.lane).bind(now.micros());
            let rows = rows.bind(limit).bind(offset).fetch_all(&mut *tx).await.map_err(error)?;
            picked.extend(rows);
        }
        if shares.batches.len() == 1 {
            break;
        }
    }
    Ok(picked)
}

/// How many rows of a claim each batch may have before any may have more: a quota per organisation, then per batch.
pub(super) struct Shares {
    /// Each with its organisation.
    batches: Vec<(Uuid, Uuid)>,
    batches_of: HashMap<Uuid, i64>,
    pub wanted: i64,
}

impl Shares {
    /// Over the rows of `claim_batches` or `claim_message_batches`.
    pub fn of(running: &[SqliteRow], wanted: u32) -> Result<Shares> {
        let mut shares = Shares { batches: Vec::new(), batches_of: HashMap::new(), wanted: i64::from(wanted) };
        for row in running {
            let (batch, organisation) = (get(row, "id")?, get(row, "organisation_id")?);
            shares.batches.push((batch, organisation));
            *shares.batches_of.entry(organisation).or_default() += 1;
        }
        Ok(shares)
    }

    /// Each batch with its quota.
    pub fn batches(&self) -> impl Iterator<Item = (&Uuid, i64)> {
        let organisations = self.batches_of.len().max(1) as i64;
        let share = (self.wanted + organisations - 1) / organisations;
        self.batches.iter().map(move |(batch, organisation)| {
            let of = self.batches_of.get(organisation).copied().unwrap_or(1);
            (batch, ((share + of - 1) / of).max(1))
        })
    }
}

/// The intent for one row: the stored request of its attempt, or a new one.
fn intend(
    row: &SqliteRow,
    now: Time,
    lease_until: std::time::Instant,
    prepare: &PrepareTransfer,
) -> Result<Submission> {
    let mut payout = rows::payout(row)?;
    if payout.state == State::Unknown && !stands(Guard::SameReference) {
        payout.attempt += 1;
    }
    let reference = ids::attempt_reference(payout.id, payout.attempt);
    let request = match get::<Option<&str>>(row, "request")? {
        Some(stored) => serde_json::from_str(stored).map_err(|e| rows::damaged("request", e))?,
        None => {
            let (msisdn, amount, note) = (payout.msisdn.clone(), payout.amount, get(row, "note")?);
            let transfer = Transfer { payout: payout.id, reference, msisdn, amount, note };
            quarantine::survive(|| prepare(&transfer))?
        }
    };
    payout.intended_at = payout.intended_at.or(Some(now));
    Ok(Submission { payout, reference, request, lease_until })
}

fn intent(submission: &Submission) -> Value {
    let payout = &submission.payout;
    let Request { body, callback_url } = &submission.request;
    json!({
        "id": hex(payout.id),
        "batch": hex(payout.batch),
        "row": payout.row,
        "claim": payout.claim + 1,
        "attempt": payout.attempt,
        "reference": hex(submission.reference),
        "lane": payout.lane,
        "request": json!({"body": body, "callback_url": callback_url}).to_string(),
        "kind": State::Sending,
        "detail": format!("attempt {}", payout.attempt),
    })
}

/// The row as the claim left it.
fn taken(payout: &mut Payout, state: State, now: Time) {
    payout.state = state;
    payout.claim += 1;
    if state == State::Sending {
        payout.sent_at = Some(now);
        (payout.not_found, payout.not_found_at) = (0, None);
    }
}

/// What becomes of a row whose claim lapsed while sending, in the words of the statement; and in those of a test that takes it
/// for one that was never sent.
const DOUBT: &str = "'unknown' ELSE state END, exposed = 1,";
const NEVER_SENT: &str = "'queued' ELSE state END, action = 'submit',";

pub(super) async fn enquiries(tx: &mut Tx, claim: &Claim) -> Result<Vec<Enquiry>> {
    let (now, lease_until) = (claim.clock.now(), claim.clock.monotonic() + claim.lease);
    let mut anew = Vec::new();
    let mut due = Vec::new();
    if claim.steady {
        due.extend(quarantine::suspect(tx, &claim.lane, now).await?);
    }
    let left = i64::from(claim.n) - due.len() as i64;
    let others = own!("claim_query_rows").bind(&claim.lane).bind(now.micros()).bind(left);
    due.extend(others.fetch_all(&mut *tx).await.map_err(error)?);
    let mut claimed = Vec::with_capacity(due.len());
    let (mut moves, mut lapsed) = (Moves::default(), Vec::new());
    for row in &due {
        let read = rows::payout(row);
        let Some(mut payout) = quarantine::unless_unreadable(tx, row, read, now).await? else { continue };
        if payout.state == State::Sending && !stands(Guard::LapseIsDoubt) {
            moves.add(&payout, State::Queued);
            anew.push(json!({"id": hex(payout.id)}));
            continue;
        }
        if payout.state == State::Sending {
            // Whoever claimed it is gone, and nobody knows how far it got.
            moves.add(&payout, State::Unknown);
            payout.exposed = true;
            taken(&mut payout, State::Unknown, now);
            lapsed.push(event(&payout, "unknown", Some("the claim lapsed while sending")));
        } else {
            let state = payout.state;
            taken(&mut payout, state, now);
        }
        let reference = payout.reference();
        claimed.push(Enquiry { payout, reference, lease_until });
    }
    if !anew.is_empty() {
        let again = but(Guard::LapseIsDoubt, own!("payouts_claim_query"), DOUBT, NEVER_SENT);
        again.bind(Value::Array(anew).to_string()).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
        moves.apply(tx).await?;
        return Box::pin(enquiries(tx, claim)).await;
    }
    if claimed.is_empty() {
        return Ok(claimed);
    }
    let ids: Vec<Value> = claimed.iter().map(|e| json!({"id": hex(e.payout.id)})).collect();
    let until = (now + claim.lease).micros();
    own!("payouts_claim_query")
        .bind(Value::Array(ids).to_string())
        .bind(until)
        .execute(&mut *tx)
        .await
        .map_err(error)?;
    if !lapsed.is_empty() {
        let events = Value::Array(lapsed).to_string();
        own!("events_insert").bind(events).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
    }
    moves.apply(tx).await?;
    Ok(claimed)
}
