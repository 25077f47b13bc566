//! Paying the failed again, because a person says so: funds are reserved anew, every row gets a new attempt under a new
//! reference. All of it or nothing, but for rows that somebody may have been paid for already: those that are in doubt, and
//! those that another list pays.

use super::batches::{fenced, invalid_state};
use super::books::Moves;
use super::organisations::record_act;
use super::rows::{self, get};
use super::{Result, Tx, error, lists, own, sql, wallets};
use crate::batch;
use crate::batch::Kind;
use crate::batch::retry::{Retried, Skipped};
use crate::clock::Time;
use crate::ids::BatchId;
use crate::money::Money;
use crate::org::Principal;
use crate::payout::State;
use crate::store::Refusal;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) async fn retry(
    tx: &mut Tx,
    actor: &Principal,
    id: BatchId,
    since: Option<Time>,
    now: Time,
) -> Result<Retried> {
    let batch = rows::batch(tx, actor.organisation, id).await?;
    if !matches!(batch.state, batch::State::Running | batch::State::Completed) {
        return Err(invalid_state(&batch));
    }
    if batch.kind == Kind::Sms {
        let why = "a message is never sent twice; upload a list of those who shall get another";
        return Err(Refusal::Invalid(why.into()).into());
    }
    // It takes money from the wallet for people that somebody listed: whoever listed them does not decide it alone.
    super::batches::not_ones_own(tx, &batch, actor).await?;
    let skipped = skipped(tx, id, since, now).await?;
    let left = Value::from_iter(skipped.iter().map(|skipped| skipped.row)).to_string();
    let failed = own!("payouts_failed").bind(id).bind(&left).fetch_one(&mut *tx).await.map_err(error)?;
    let (retried, amount, total): (i64, i64, i64) =
        (get(&failed, "rows")?, get(&failed, "amount")?, get(&failed, "total")?);
    if retried > 0 {
        let needed = Money::new(total, batch.currency);
        wallets::reserve(tx, &batch, needed, now).await?;
        let told = format!("{} has it paid again under a new reference", actor.label);
        let events = own!("events_retry").bind(id).bind(now.micros()).bind(told).bind(&left);
        events.execute(&mut *tx).await.map_err(error)?;
        let again = own!("payouts_retry").bind(id).bind(now.micros()).bind(&left);
        again.execute(&mut *tx).await.map_err(error)?;
        let mut moves = Moves::default();
        moves.count(id, State::Failed, -retried, -amount, -total);
        moves.count(id, State::Queued, retried, amount, total);
        moves.apply(tx).await?;
        fenced(sql!("batch_retry").bind(id).bind(total).execute(&mut *tx).await.map_err(error)?)?;
        sql!("quarantine_again").bind(id).execute(&mut *tx).await.map_err(error)?;
        lists::changed(tx, batch.organisation).await?;
        let detail = format!("{} for {retried} rows", needed.display());
        record_act(tx, actor, "batch.retried", Some(id), &detail, now).await?;
    }
    let batch = rows::batch(tx, actor.organisation, id).await?;
    Ok(Retried { batch, retried, skipped })
}

/// What is left as it is, in row order: of several reasons the first.
async fn skipped(tx: &mut Tx, id: BatchId, since: Option<Time>, now: Time) -> Result<Vec<Skipped>> {
    let frozen = sql!("payouts_failed_frozen").bind(id).fetch_all(&mut *tx).await.map_err(error)?;
    let early = sql!("payouts_failed_early").bind(id).bind(now.micros()).fetch_all(&mut *tx).await.map_err(error)?;
    let elsewhere = match since {
        Some(since) => {
            sql!("payouts_failed_elsewhere").bind(id).bind(since.micros()).fetch_all(tx).await.map_err(error)?
        }
        None => Vec::new(),
    };
    let mut skipped = BTreeMap::new();
    for (code, found) in [("frozen", frozen), ("too_early", early), ("paid_elsewhere", elsewhere)] {
        for row in &found {
            skipped.entry(rows::number(row, "row")?).or_insert(code);
        }
    }
    Ok(skipped.into_iter().map(|(row, code)| Skipped { row, code }).collect())
}
