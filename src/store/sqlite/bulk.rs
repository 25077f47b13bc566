//! Lists of SMS: which of their messages are sent next, and the counters and the money that follow a message's steps.
//!
//! A message of a list is counted in its batch and has its cost in the batch's hold; a notice or a test is and has neither.
//! Whatever moves a message of a list goes through [`settle`], in the transaction that moves it.

use super::books::{Books, Moves, Of};
use super::claims::{BATCHES_MAX, Shares, shuffle};
use super::record::Swept;
use super::rows::{self, get, hex};
use super::{Result, Tx, batches, error, own};
use crate::batch::{self, RowState};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::sms::cost::{Bill, bill};
use crate::sms::{DueMessage, PURPOSE_BULK, State};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A message pays or is released once: there are no further attempts.
const ATTEMPT: u32 = 1;

/// A step of one message of a list.
pub(super) struct Moved {
    of: Of,
    from: State,
    to: State,
    cost: i64,
}

/// The messages of `claim_message_batches`, fairly over organisations and batches.
pub(super) async fn pick(tx: &mut Tx, lane: &str, n: u32, now: Time) -> Result<Vec<SqliteRow>> {
    let mut picked = Vec::new();
    if n == 0 {
        return Ok(picked);
    }
    let running = own!("claim_message_batches").bind(lane).bind(now.micros()).bind(BATCHES_MAX).bind(shuffle());
    let shares = Shares::of(&running.fetch_all(&mut *tx).await.map_err(error)?, n)?;
    for pass in 0..2 {
        for (batch, quota) in shares.batches() {
            let left = shares.wanted - picked.len() as i64;
            if left <= 0 {
                return Ok(picked);
            }
            let (limit, offset) = if pass == 0 { (quota.min(left), 0) } else { (left, quota) };
            let rows = own!("claim_message_rows").bind(batch).bind(lane).bind(now.micros());
            picked.extend(rows.bind(limit).bind(offset).fetch_all(&mut *tx).await.map_err(error)?);
        }
    }
    Ok(picked)
}

/// The step of a message that was claimed; `None` when it is of no list.
pub(super) fn begun(message: &DueMessage) -> Option<Moved> {
    let of = Of {
        organisation: message.organisation,
        batch: message.batch,
        currency: message.amount.currency,
        row: message.row,
        payout: message.id,
        attempt: ATTEMPT,
    };
    let moved = Moved { of, from: State::Queued, to: State::Sending, cost: message.amount.minor };
    (message.purpose == PURPOSE_BULK).then_some(moved)
}

/// The steps of those of `rows` that are of a list.
pub(super) fn moved(rows: &[SqliteRow], from: State, to: State) -> Result<Vec<Moved>> {
    let mut moved = Vec::new();
    for row in rows {
        if get::<&str>(row, "purpose")? == PURPOSE_BULK {
            moved.push(Moved { of: of(row)?, from, to, cost: get(row, "cost")? });
        }
    }
    Ok(moved)
}

/// The step of a queued message that cannot be written; `None` when it is of no list.
pub(super) fn given_up(row: &SqliteRow) -> Result<Option<Moved>> {
    if get::<&str>(row, "purpose")? != PURPOSE_BULK {
        return Ok(None);
    }
    Ok(Some(Moved { of: of(row)?, from: State::Queued, to: State::Cancelled, cost: get(row, "amount")? }))
}

fn of(row: &SqliteRow) -> Result<Of> {
    Ok(Of {
        organisation: get(row, "organisation_id")?,
        batch: get(row, "batch_id")?,
        currency: rows::currency(row)?,
        row: rows::number(row, "row")?,
        payout: get(row, "id")?,
        attempt: ATTEMPT,
    })
}

/// Counters, money, and whether a batch ends with its last message.
pub(super) async fn settle(tx: &mut Tx, moved: &[Moved], now: Time) -> Result<()> {
    let (mut moves, mut books) = (Moves::default(), Books::default());
    let mut ended: BTreeSet<(BatchId, OrganisationId)> = BTreeSet::new();
    for step in moved {
        let (batch, cost) = (step.of.batch, step.cost);
        moves.count(batch, step.from, -1, -cost, -cost);
        moves.count(batch, step.to, 1, cost, cost);
        match bill(step.from, step.to) {
            Some(Bill::Charge) if cost > 0 => books.charged(&step.of, cost),
            Some(Bill::Release) if cost > 0 => books.released(&step.of, cost),
            _ => {}
        }
        if RowState::from(step.from).is_open() && !RowState::from(step.to).is_open() {
            ended.insert((batch, step.of.organisation));
        }
    }
    moves.apply(tx).await?;
    books.write(tx, now).await?;
    for (batch, organisation) in ended {
        batches::close(tx, batch, organisation, now).await?;
    }
    Ok(())
}

/// The messages of lists in a group of records, as they were before it.
pub(super) struct Before(HashMap<Uuid, (Of, State, i64, batch::State)>);

impl Before {
    pub async fn read(tx: &mut Tx, messages: impl Iterator<Item = Uuid>) -> Result<Before> {
        let ids = Value::from_iter(messages.map(hex)).to_string();
        let found = own!("messages_before").bind(ids).fetch_all(tx).await.map_err(error)?;
        let mut before = HashMap::with_capacity(found.len());
        for row in &found {
            let state = (rows::state(row, "state")?, rows::state(row, "batch_state")?);
            before.insert(get(row, "id")?, (of(row)?, state.0, get(row, "cost")?, state.1));
        }
        Ok(Before(before))
    }

    /// Moves counters and money of the messages that were recorded. One that would wait to be sent again in a batch that is
    /// being cancelled is cancelled instead.
    pub async fn follow(mut self, tx: &mut Tx, recorded: impl Iterator<Item = (Uuid, State)>, now: Time) -> Result<()> {
        let (mut moved, mut cancelled) = (Vec::new(), Vec::new());
        for (message, to) in recorded {
            let Some((of, from, cost, batch)) = self.0.remove(&message) else { continue };
            let gives_up = to == State::Queued && batch == batch::State::Cancelling;
            if gives_up {
                cancelled.push(json!(hex(message)));
            }
            moved.push(Moved { of, from, to: if gives_up { State::Cancelled } else { to }, cost });
        }
        if !cancelled.is_empty() {
            let cancelled = Value::Array(cancelled).to_string();
            let record = own!("messages_record_cancelled").bind(cancelled).bind(now.micros());
            record.execute(&mut *tx).await.map_err(error)?;
        }
        settle(tx, &moved, now).await
    }
}

/// Cancels some queued messages of a list; how many. In a batch that is `cancelling` each gives its cost back.
pub(super) async fn cancel_some(tx: &mut Tx, swept: &Swept, rows_max: u32, now: Time) -> Result<usize> {
    let Swept { batch, organisation, currency, releases } = *swept;
    let cancel = own!("messages_cancel_some").bind(batch).bind(i64::from(rows_max)).bind(now.micros());
    let cancelled = cancel.fetch_all(&mut *tx).await.map_err(error)?;
    let (mut moves, mut books) = (Moves::default(), Books::default());
    for row in &cancelled {
        let (payout, cost): (Uuid, i64) = (get(row, "id")?, get(row, "cost")?);
        moves.count(batch, State::Queued, -1, -cost, -cost);
        moves.count(batch, State::Cancelled, 1, cost, cost);
        if releases && cost > 0 {
            let row = rows::number(row, "row")?;
            books.released(&Of { organisation, batch, currency, row, payout, attempt: ATTEMPT }, cost);
        }
    }
    moves.apply(tx).await?;
    books.write(tx, now).await?;
    Ok(cancelled.len())
}
