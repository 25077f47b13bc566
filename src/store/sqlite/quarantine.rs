//! Rows that whoever works on them does not survive.
//!
//! A crowd in flight dies together, so a death alone proves nothing. A row that was claimed and not recorded twice is a
//! *suspect*: of those one is in hand at a time, over all lanes, and only in a process that has lived for a while. An
//! innocent one is recorded and no suspect any more; one whose workers go on dying is put in quarantine: frozen, with an
//! exception for two people. What cannot even be read goes there at once, because it would keep every other row of its lane
//! from being claimed.

use super::books::Moves;
use super::doubts::{self, About};
use super::rows::{self, get, hex};
use super::{Result, Tx, error, own, sql};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId, PayoutId};
use crate::payout::State;
use crate::payout::exception::Kind;
use crate::store::StoreError;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Deaths after which a payout is left to two people: two in company, three alone.
const DEATHS_MAX: i64 = 5;

/// What must be readable of a row so that it can be put aside.
struct Row {
    id: PayoutId,
    organisation: OrganisationId,
    batch: BatchId,
    row: u32,
    attempt: u32,
    claim: i64,
    state: State,
    amount: i64,
    total: i64,
}

fn read(row: &SqliteRow) -> Result<Row> {
    let (amount, fee, tax): (i64, i64, i64) = (get(row, "amount")?, get(row, "fee")?, get(row, "tax")?);
    Ok(Row {
        id: get(row, "id")?,
        organisation: get(row, "organisation_id")?,
        batch: get(row, "batch_id")?,
        row: rows::number(row, "row")?,
        attempt: rows::number(row, "attempt")?,
        claim: get(row, "claim")?,
        state: rows::state(row, "state")?,
        amount,
        total: amount + fee + tax,
    })
}

/// The suspect of this lane to be asked about next, if none is in hand. Those that have had their chances are put aside.
pub(super) async fn suspect(tx: &mut Tx, lane: &str, now: Time) -> Result<Option<SqliteRow>> {
    loop {
        let found = own!("claim_query_suspect").bind(lane).bind(now.micros()).fetch_optional(&mut *tx).await;
        let Some(row) = found.map_err(error)? else { return Ok(None) };
        let deaths: i64 = get(&row, "died")?;
        if deaths < DEATHS_MAX {
            return Ok(Some(row));
        }
        let why = format!("whoever worked on it ended {deaths} times without saying what came of it");
        payout(tx, &row, &why, now).await?;
    }
}

/// What a row decodes to; a row that cannot be read is put aside and `None`.
pub(super) async fn unless_unreadable<T>(
    tx: &mut Tx,
    row: &SqliteRow,
    decoded: Result<T>,
    now: Time,
) -> Result<Option<T>> {
    match decoded {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Rejected(why)) => {
            payout(tx, row, &why, now).await?;
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// Puts a payout aside for two people.
async fn payout(tx: &mut Tx, row: &SqliteRow, why: &str, now: Time) -> Result<()> {
    let row = read(row)?;
    tracing::error!(payout = %row.id, batch = %row.batch, row = row.row, why, "a payout is put in quarantine");
    metrics::counter!("gaba_quarantined_total", "what" => "payout").increment(1);
    let about = About { organisation: row.organisation, batch: row.batch, payout: row.id, attempt: row.attempt };
    let (exception, fresh) = doubts::raise(tx, &about, Kind::Poison, why, now).await?;
    let quarantine = sql!("payout_quarantine").bind(row.id).bind(exception);
    quarantine.execute(&mut *tx).await.map_err(error)?;
    let mut events = Vec::new();
    let mut tell = |kind: &str, detail: &str| {
        let claim = row.claim + 1;
        events.push(json!({"batch": hex(row.batch), "row": row.row, "claim": claim, "kind": kind, "detail": detail}));
    };
    if row.state == State::Sending {
        let mut moves = Moves::default();
        moves.count(row.batch, State::Sending, -1, -row.amount, -row.total);
        moves.count(row.batch, State::Unknown, 1, row.amount, row.total);
        moves.apply(tx).await?;
        tell("unknown", "the claim lapsed while sending");
    }
    if fresh {
        tell("exception.poison", why);
    }
    let events = Value::Array(events).to_string();
    own!("events_insert").bind(events).bind(now.micros()).execute(tx).await.map_err(error)?;
    Ok(())
}

/// Runs what a rail or a template does with a row: a panic is that row's trouble alone.
pub(super) fn survive<T>(act: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(act))
        .map_err(|_| StoreError::Rejected("its request could not be written; the log says where it broke".into()))
}
