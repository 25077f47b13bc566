//! From a list that was read to a batch that is paid: what is checked again on the way.
//!
//! * The digest is that of the rows as they stand. A correction makes the stored one stale; it is reckoned anew from the
//!   rows, outside of any transaction, and fenced by the batch's revision.
//! * Rows that pay the same amount to the same number as another batch are told. What was told is accepted by submitting;
//!   what has become a duplicate since stops the approval. References of somebody else are only told ([`references`]).

use super::digest::{DigestRow, DigestTerms, Digester};
use super::{Batch, State, references};
use crate::clock::Time;
use crate::ids::BatchId;
use crate::org::Principal;
use crate::phone::Msisdn;
use crate::store::{Compared, Done, Duplicate, Idempotency, Refusal, Result, SharedStore, StoreError};
use serde_json::Value;

/// Rows read at a time.
const ROWS_AT_ONCE: u32 = 5_000;
/// Rows compared with other lists at a time, which bounds the transaction that tells what was found.
const COMPARED_AT_ONCE: u32 = 1_000;
/// Of the rows that stop an approval, how many are named.
const DUPLICATES_NAMED: usize = 100;
/// A batch of so many rows is short: its digest is reckoned at once after a correction, not at its submission only.
pub const DIGEST_AT_ONCE_ROWS: i64 = 10_000;
/// How often an approval is tried while other lists of the organisation change.
const TRIES: u32 = 5;

/// The terms of a batch as its digest has them.
pub fn terms(batch: &Batch) -> DigestTerms<'_> {
    DigestTerms {
        organisation: batch.organisation,
        batch: batch.id,
        kind: batch.kind.name(),
        currency: batch.currency,
        sms_template: batch.sms_template.as_deref(),
        notify: batch.notify,
        scheduled_at: batch.scheduled_at.map(Time::micros),
    }
}

/// The digest over the rows as they stand.
pub async fn digest(store: &SharedStore, batch: &Batch) -> Result<String> {
    let mut digester = Digester::new(&terms(batch));
    let mut after = 0;
    loop {
        let rows = store.digest_rows(batch, after, ROWS_AT_ONCE).await?;
        let Some(last) = rows.last() else { break };
        after = last.row;
        for row in &rows {
            let damaged = || StoreError::Rejected(format!("the number of row {} cannot be read", row.row));
            let msisdn = Msisdn::from_digits(row.msisdn.clone()).ok_or_else(damaged)?;
            digester.row(&DigestRow {
                row: row.row,
                msisdn: &msisdn,
                amount: row.amount,
                fee: row.fee,
                tax: row.tax,
                name: &row.name,
                reference: row.reference.as_deref(),
                note: row.note.as_deref(),
                variables: &row.variables,
            });
        }
    }
    let mut after = 0;
    loop {
        let rows = store.excluded_rows(batch, after, ROWS_AT_ONCE).await?;
        let Some(last) = rows.last() else { break };
        after = *last;
        rows.iter().for_each(|row| digester.excluded(*row));
    }
    Ok(digester.finish())
}

/// The batch with a digest of what it is now.
pub async fn with_digest(store: &SharedStore, batch: Batch) -> Result<Batch> {
    if batch.digest.is_some() {
        return Ok(batch);
    }
    let digest = digest(store, &batch).await?;
    store.set_digest(&batch, &digest).await?;
    store.batch(batch.organisation, batch.id).await
}

/// Finds the rows that repeat another batch's and are not told yet, and tells them. Gives how many are told of a reference.
pub async fn tell_duplicates(store: &SharedStore, batch: &Batch, since: Option<Time>) -> Result<i64> {
    let Some(since) = since else { return Ok(0) };
    let mut next = Some(0);
    while let Some(after) = next {
        let looked = store.duplicates(batch, since, after, COMPARED_AT_ONCE).await?;
        next = looked.last;
        if !looked.found.is_empty() {
            store.tell_duplicates(batch, looked.found).await?;
        }
    }
    references::tell(store, batch, since).await
}

/// The first rows that repeat another batch's and are not told of it yet.
async fn untold(store: &SharedStore, batch: &Batch, since: Time) -> Result<Vec<Duplicate>> {
    let (mut found, mut next) = (Vec::new(), Some(0));
    while let Some(after) = next.filter(|_| found.len() < DUPLICATES_NAMED) {
        let looked = store.duplicates(batch, since, after, COMPARED_AT_ONCE).await?;
        next = looked.last;
        found.extend(looked.found);
    }
    found.truncate(DUPLICATES_NAMED);
    Ok(found)
}

/// `ready` → `awaiting_approval`, with everything that the approver must see. Given again, it accepts what has become a
/// duplicate since; but not when it is the same request that only comes again.
pub async fn submit(
    store: &SharedStore,
    actor: &Principal,
    batch: BatchId,
    exclude_invalid: bool,
    since: Option<Time>,
    idempotency: Option<Idempotency>,
) -> Result<Done<Value>> {
    if let Some(key) = &idempotency
        && let Some(stored) = store.answered(actor, key).await?
    {
        return Ok(Done::AlreadyApplied(stored));
    }
    let found = store.batch(actor.organisation, batch).await?;
    if matches!(found.state, State::Ready | State::AwaitingApproval) {
        let found = with_digest(store, found).await?;
        tell_duplicates(store, &found, since).await?;
    }
    store.submit(actor, batch, exclude_invalid, idempotency).await
}

/// Approves what was looked at, or refuses because another list has become its double.
pub async fn approve(
    store: &SharedStore,
    actor: &Principal,
    batch: BatchId,
    digest: &str,
    since: Option<Time>,
    idempotency: Option<Idempotency>,
) -> Result<Done<Value>> {
    for left in (0..TRIES).rev() {
        let found = store.batch(actor.organisation, batch).await?;
        // Whatever refuses it anyhow is told first.
        let due = found.state == State::AwaitingApproval && found.digest.as_deref() == Some(digest);
        let compared = match since.filter(|_| due) {
            None => Compared::Not,
            Some(since) => {
                let seen = store.lists_seen(actor.organisation).await?;
                let new = untold(store, &found, since).await?;
                if !new.is_empty() {
                    return Err(Refusal::DuplicatesChanged { rows: new.iter().map(Duplicate::said).collect() }.into());
                }
                // A short list is compared again in the transaction itself. So is a long one in the end, rather than to be
                // kept waiting for as long as others upload theirs.
                match found.valid <= DIGEST_AT_ONCE_ROWS || left == 0 {
                    true => Compared::SeenOrAgain(seen, since),
                    false => Compared::Seen(seen),
                }
            }
        };
        match store.approve(actor, batch, digest, compared, idempotency.clone()).await {
            // Another list of the organisation changed meanwhile: its rows are looked at as well.
            Err(StoreError::Fenced) if left > 0 => {}
            done => return done,
        }
    }
    Err(StoreError::Fenced)
}
