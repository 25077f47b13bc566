//! What people decide about a batch, approving it apart: each finds itself done when it is asked for again.

use super::batches::{close, invalid_state, set_state};
use super::organisations::record_act;
use super::{Result, Tx, error, import, rows, sql, wallets};
use crate::batch::{Batch, State};
use crate::clock::Time;
use crate::ids::BatchId;
use crate::machine::State as _;
use crate::org::Principal;
use crate::store::{Done, Refusal, StoreError};

pub(super) async fn submit(
    tx: &mut Tx,
    actor: &Principal,
    id: BatchId,
    exclude_invalid: bool,
    now: Time,
) -> Result<Done<Batch>> {
    let found = rows::batch(tx, actor.organisation, id).await?;
    if found.state == State::AwaitingApproval {
        return Ok(Done::AlreadyApplied(found));
    }
    may_become(&found, State::AwaitingApproval)?;
    if found.digest.is_none() {
        // Corrected since the digest was reckoned.
        return Err(StoreError::Fenced);
    }
    if found.valid == 0 {
        return Err(Refusal::NothingToPay.into());
    }
    if found.invalid > 0 && !exclude_invalid {
        return Err(Refusal::RowsInvalid { invalid: found.invalid }.into());
    }
    import::agrees_with_declared(&found)?;
    sql!("batch_submit").bind(id).bind(actor.id).execute(&mut *tx).await.map_err(error)?;
    let detail = format!(
        "{} rows to pay; left out: {} that cannot be paid, {} set aside",
        found.valid, found.invalid, found.excluded
    );
    done(tx, actor, id, "batch.submitted", &detail, now).await
}

pub(super) async fn reject(
    tx: &mut Tx,
    actor: &Principal,
    id: BatchId,
    reason: &str,
    now: Time,
) -> Result<Done<Batch>> {
    let found = rows::batch(tx, actor.organisation, id).await?;
    if found.state == State::Ready && found.rejection.as_deref() == Some(reason) {
        return Ok(Done::AlreadyApplied(found));
    }
    if found.state != State::AwaitingApproval {
        return Err(invalid_state(&found));
    }
    sql!("batch_reject").bind(id).bind(reason).execute(&mut *tx).await.map_err(error)?;
    done(tx, actor, id, "batch.rejected", reason, now).await
}

pub(super) async fn withdraw(tx: &mut Tx, actor: &Principal, id: BatchId, now: Time) -> Result<Done<Batch>> {
    let found = rows::batch(tx, actor.organisation, id).await?;
    if found.state == State::Ready {
        return Ok(Done::AlreadyApplied(found));
    }
    if found.state != State::AwaitingApproval {
        return Err(invalid_state(&found));
    }
    set_state(tx, id, State::Ready, None).await?;
    done(tx, actor, id, "batch.withdrawn", "", now).await
}

pub(super) async fn pause(tx: &mut Tx, actor: &Principal, id: BatchId, now: Time) -> Result<Done<Batch>> {
    let found = rows::batch(tx, actor.organisation, id).await?;
    if found.state == State::Paused {
        return Ok(Done::AlreadyApplied(found));
    }
    may_become(&found, State::Paused)?;
    set_state(tx, id, State::Paused, None).await?;
    done(tx, actor, id, "batch.paused", "", now).await
}

pub(super) async fn resume(tx: &mut Tx, actor: &Principal, id: BatchId, now: Time) -> Result<Done<Batch>> {
    let found = rows::batch(tx, actor.organisation, id).await?;
    if matches!(found.state, State::Running | State::Completed) {
        return Ok(Done::AlreadyApplied(found));
    }
    if found.state != State::Paused {
        return Err(invalid_state(&found));
    }
    set_state(tx, id, State::Running, None).await?;
    // What was out when it was paused may all have come home meanwhile.
    close(tx, id, found.organisation, now).await?;
    done(tx, actor, id, "batch.resumed", "", now).await
}

/// O(1) rows: the payouts are swept later, a thousand at a time.
pub(super) async fn cancel(tx: &mut Tx, actor: &Principal, id: BatchId, now: Time) -> Result<Done<Batch>> {
    let found = rows::batch(tx, actor.organisation, id).await?;
    match found.state {
        State::Cancelled | State::Cancelling => return Ok(Done::AlreadyApplied(found)),
        // It may have run since the backup was taken: then its hold is not free.
        State::Scheduled if sql!("quarantine_standing").fetch_optional(&mut *tx).await.map_err(error)?.is_some() => {
            return Err(Refusal::InQuarantine.into());
        }
        State::Ready | State::AwaitingApproval | State::Scheduled => {
            set_state(tx, id, State::Cancelled, Some(now)).await?;
            // Nothing was sent: the hold, if there is one, goes back as a whole.
            if found.held > 0 {
                wallets::release_all(tx, &found, found.held, now).await?;
            }
        }
        State::Running | State::Paused => set_state(tx, id, State::Cancelling, Some(now)).await?,
        _ => return Err(invalid_state(&found)),
    }
    done(tx, actor, id, "batch.cancelled", "", now).await
}

fn may_become(batch: &Batch, to: State) -> Result<()> {
    if batch.state.may_become(to) { Ok(()) } else { Err(invalid_state(batch)) }
}

/// Writes down who did it, and shows the batch as it is now.
async fn done(tx: &mut Tx, actor: &Principal, id: BatchId, act: &str, detail: &str, now: Time) -> Result<Done<Batch>> {
    record_act(tx, actor, act, Some(id), detail, now).await?;
    Ok(Done::Applied(rows::batch(tx, actor.organisation, id).await?))
}
