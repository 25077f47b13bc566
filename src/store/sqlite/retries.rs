//! Paying the failed again, because a person says so: funds are reserved anew, every row gets a new attempt under a new
//! reference. All of it or nothing.

use super::batches::{fenced, invalid_state};
use super::books::Moves;
use super::organisations::record_act;
use super::rows::{self, get};
use super::{Result, Tx, error, lists, sql, wallets};
use crate::batch;
use crate::batch::Kind;
use crate::batch::retry::{Retried, Skipped};
use crate::clock::Time;
use crate::ids::BatchId;
use crate::money::Money;
use crate::org::Principal;
use crate::payout::State;
use crate::store::Refusal;

pub(super) async fn retry(tx: &mut Tx, actor: &Principal, id: BatchId, now: Time) -> Result<Retried> {
    let batch = rows::batch(tx, actor.organisation, id).await?;
    if !matches!(batch.state, batch::State::Running | batch::State::Completed) {
        return Err(invalid_state(&batch));
    }
    if batch.kind == Kind::Sms {
        let why = "a message is never sent twice; upload a list of those who shall get another";
        return Err(Refusal::Invalid(why.into()).into());
    }
    // It takes money from the wallet for people that somebody listed: whoever listed them does not decide it alone.
    if batch.submitted_by == Some(actor.id) || batch.created_by == actor.id {
        return Err(Refusal::SelfApproval.into());
    }
    let frozen = sql!("payouts_failed_frozen").bind(id).fetch_all(&mut *tx).await.map_err(error)?;
    let skipped = frozen.iter().map(|row| Ok(Skipped { row: rows::number(row, "row")?, code: "frozen" }));
    let skipped = skipped.collect::<Result<Vec<_>>>()?;
    let failed = sql!("payouts_failed").bind(id).fetch_one(&mut *tx).await.map_err(error)?;
    let (retried, amount, total): (i64, i64, i64) =
        (get(&failed, "rows")?, get(&failed, "amount")?, get(&failed, "total")?);
    if retried > 0 {
        let needed = Money::new(total, batch.currency);
        wallets::reserve(tx, &batch, needed, now).await?;
        let told = format!("{} has it paid again under a new reference", actor.label);
        let events = sql!("events_retry").bind(id).bind(now.micros()).bind(told);
        events.execute(&mut *tx).await.map_err(error)?;
        sql!("payouts_retry").bind(id).bind(now.micros()).execute(&mut *tx).await.map_err(error)?;
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
