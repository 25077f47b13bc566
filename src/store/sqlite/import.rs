//! Rows of an upload on their way in. The claim of the batch fences the importer: one that was overtaken adds nothing.

use super::batches::fenced;
use super::rows::{self, get, hex};
use super::{Result, Tx, error, own, sql};
use crate::batch::{Batch, Declared, Kind};
use crate::clock::Time;
use crate::ids;
use crate::money::Money;
use crate::sms::PURPOSE_BULK;
use crate::store::{IMPORTS_OF_ONE_MAX, ImportTotals, NewRow, Refusal, StoreError};
use serde_json::{Value, json};
use std::time::Duration;

/// Rows of a broken import that one transaction removes, which bounds how long the writer is held.
const CLEARED_ROWS: i64 = 1_000;

/// How long one such step may take.
const CLEAR_LEASE: Duration = Duration::from_secs(60);

/// What one step of claiming an import did.
pub(super) enum Claim {
    Nothing,
    /// Some of what a broken import left behind is gone: the file is read again from its beginning.
    Cleared,
    /// Whoever read this list did not survive it, again and again.
    Deadly(Box<Batch>),
    Batch(Box<Batch>),
}

/// Times an import is begun without being given back. What was begun before is read alone, so whoever dies of it again takes
/// no other list along.
const IMPORTS_MAX: i64 = 3;
pub(super) const DEADLY: &str = "reading this list ended the program three times, so it is not tried again. Save the list \
    as CSV UTF-8, upload it in parts, and tell your operator";

pub(super) async fn claim(tx: &mut Tx, now: Time, lease: Duration) -> Result<Claim> {
    let due = sql!("batch_due_import").bind(now.micros()).bind(IMPORTS_OF_ONE_MAX as i64);
    let due = due.fetch_all(&mut *tx).await.map_err(error)?;
    let Some(batch) = rows::batches(tx, &due).await?.pop() else { return Ok(Claim::Nothing) };
    if !may_begin(tx, get::<i64>(&due[0], "imports")? > 0, now).await? {
        return Ok(Claim::Nothing);
    }
    let cleared = clear(tx, &batch).await?;
    // Every step takes the claim: an importer that wakes up in between must not add to a list that is being cleared.
    let due_at = if cleared { now } else { now + lease };
    let take = sql!("batch_take_claim").bind(batch.id).bind(due_at.micros());
    take.execute(&mut *tx).await.map_err(error)?;
    if cleared {
        return Ok(Claim::Cleared);
    }
    let begun = sql!("import_begun").bind(batch.id).fetch_one(tx).await.map_err(error)?;
    let batch = Box::new(Batch { claim: batch.claim + 1, ..batch });
    if get::<i64>(&begun, "imports")? > IMPORTS_MAX { Ok(Claim::Deadly(batch)) } else { Ok(Claim::Batch(batch)) }
}

/// A list that was begun and neither ended nor given back may be what ended its reader: it is read alone. What is next stays
/// next meanwhile, whatever it is, so that it is not overtaken for ever.
async fn may_begin(tx: &mut Tx, suspect: bool, now: Time) -> Result<bool> {
    let in_hand = sql!("imports_in_hand").bind(now.micros()).fetch_one(tx).await.map_err(error)?;
    let (reading, beside_suspect): (i64, bool) = (get(&in_hand, "reading")?, get(&in_hand, "suspect")?);
    Ok(!beside_suspect && (reading == 0 || !suspect))
}

/// It is read from its beginning when the time has come.
pub(super) async fn give_back(tx: &mut Tx, batch: &Batch, again: Time) -> Result<()> {
    let give_back = sql!("import_give_back").bind(batch.id).bind(batch.claim).bind(again.micros());
    fenced(give_back.execute(tx).await.map_err(error)?)
}

/// Removes some of what was read of a list; whether there was anything.
async fn clear(tx: &mut Tx, batch: &Batch) -> Result<bool> {
    let mut cleared = 0;
    for statement in [
        own!("import_clear_details"),
        own!("import_clear_payouts"),
        own!("import_clear_messages"),
        own!("import_clear_rejected"),
        own!("import_clear_issues"),
        own!("import_clear_told"),
    ] {
        let clear = statement.bind(batch.id).bind(CLEARED_ROWS);
        cleared += clear.execute(&mut *tx).await.map_err(error)?.rows_affected();
    }
    Ok(cleared > 0)
}

/// One step of giving an import up: rows that were read before the file turned out to be no list go first, because they
/// are nobody's payouts. Whether it is done.
pub(super) async fn fail(tx: &mut Tx, batch: &Batch, reason: &str, now: Time) -> Result<bool> {
    let extend = sql!("batch_extend_claim").bind(batch.id).bind(batch.claim).bind((now + CLEAR_LEASE).micros());
    fenced(extend.execute(&mut *tx).await.map_err(error)?)?;
    if clear(tx, batch).await? {
        return Ok(false);
    }
    let fail = sql!("batch_fail_import").bind(batch.id).bind(batch.claim).bind(reason);
    fenced(fail.execute(tx).await.map_err(error)?)?;
    Ok(true)
}

pub(super) async fn add_rows(tx: &mut Tx, batch: &Batch, now: Time, lease: Duration, new: &[NewRow]) -> Result<()> {
    progress(tx, batch, now + lease, new).await?;
    insert_payouts(tx, batch, new, now).await?;
    insert_rejected(tx, batch, new).await?;
    insert_issues(tx, batch, new).await
}

pub(super) async fn insert_payouts(tx: &mut Tx, batch: &Batch, new: &[NewRow], now: Time) -> Result<()> {
    let payouts: Vec<Value> = new.iter().filter_map(|row| payout(batch, row)).collect();
    if payouts.is_empty() {
        return Ok(());
    }
    let payouts = Value::Array(payouts).to_string();
    let insert = match batch.kind {
        Kind::Payout => own!("payouts_insert"),
        Kind::Sms => own!("messages_import"),
    };
    let insert = insert.bind(&payouts).bind(batch.organisation).bind(batch.id);
    let insert = insert.bind(batch.currency.code()).bind(now.micros());
    insert.execute(&mut *tx).await.map_err(error)?;
    own!("payout_details_insert").bind(&payouts).bind(batch.id).execute(tx).await.map_err(error)?;
    Ok(())
}

pub(super) async fn insert_rejected(tx: &mut Tx, batch: &Batch, new: &[NewRow]) -> Result<()> {
    let rejected: Vec<Value> = new.iter().filter_map(rejected).collect();
    if !rejected.is_empty() {
        let insert = own!("rejected_rows_insert").bind(batch.id).bind(Value::Array(rejected).to_string());
        insert.execute(tx).await.map_err(error)?;
    }
    Ok(())
}

pub(super) async fn insert_issues(tx: &mut Tx, batch: &Batch, new: &[NewRow]) -> Result<()> {
    let issues: Vec<Value> = new.iter().flat_map(issues).collect();
    if !issues.is_empty() {
        let insert = own!("issues_insert").bind(batch.id).bind(Value::Array(issues).to_string());
        insert.execute(tx).await.map_err(error)?;
    }
    Ok(())
}

/// Keeps the claim, and lets whoever looks see how far the import is.
async fn progress(tx: &mut Tx, batch: &Batch, until: Time, new: &[NewRow]) -> Result<()> {
    let count = |is: fn(&NewRow) -> bool| new.iter().filter(|row| is(row)).count() as i64;
    let warnings = new.iter().flat_map(|row| &row.issues).filter(|issue| issue.severity == "warning").count() as i64;
    let progress = sql!("batch_import_progress")
        .bind(batch.id)
        .bind(batch.claim)
        .bind(until.micros())
        .bind(count(|row| row.recipient.is_some()))
        .bind(count(|row| row.rejected.is_some()))
        .bind(warnings)
        .bind(batch.reading.map(|reading| reading.read_bytes))
        .bind(batch.reading.map(|reading| reading.file_bytes));
    fenced(progress.execute(tx).await.map_err(error)?)
}

/// Refuses a list that holds something else than its uploader said.
pub(super) fn agrees_with_declared(batch: &Batch) -> Result<()> {
    let amount = Money::new(batch.amount, batch.currency);
    if batch.declared.agrees(batch.valid, amount) {
        return Ok(());
    }
    let found = Declared::found(batch.valid, amount);
    Err(Refusal::DeclaredMismatch { declared: batch.declared.words(), found }.into())
}

/// A recipient's row: of a payout, or in a batch of kind `sms` of a message.
fn payout(batch: &Batch, row: &NewRow) -> Option<Value> {
    let recipient = row.recipient.as_ref()?;
    Some(json!({
        "id": hex(ids::payout(batch.id, row.row)),
        "message": hex(ids::message(batch.id, row.row, PURPOSE_BULK)),
        "segments": recipient.sms.map(|size| size.segments),
        "row": row.row,
        "lane": recipient.lane,
        "msisdn": recipient.msisdn,
        "amount": recipient.amount.minor,
        "fee": recipient.fee.minor,
        "tax": recipient.tax.minor,
        "name": recipient.name,
        "reference": recipient.reference,
        "network": recipient.network,
        "note": recipient.note,
        "variables": recipient.variables,
    }))
}

fn rejected(row: &NewRow) -> Option<Value> {
    let rejected = row.rejected.as_ref()?;
    Some(json!({
        "row": row.row,
        "reference": rejected.reference,
        "name": rejected.name,
        "msisdn": rejected.msisdn,
        "amount": rejected.amount,
        "cells": rejected.cells,
    }))
}

fn issues(row: &NewRow) -> impl Iterator<Item = Value> + '_ {
    row.issues.iter().enumerate().map(|(ordinal, issue)| {
        json!({
            "row": issue.row,
            "ordinal": ordinal,
            "column": issue.column,
            "code": issue.code,
            "severity": issue.severity,
            "message": issue.message,
            "value": issue.value,
            "other_row": issue.other_row,
        })
    })
}

pub(super) async fn finish(tx: &mut Tx, batch: &Batch, totals: &ImportTotals) -> Result<()> {
    let understood = totals.understood.as_ref();
    let finish = sql!("batch_finish_import")
        .bind(batch.id)
        .bind(batch.claim)
        .bind(totals.rows)
        .bind(totals.valid)
        .bind(totals.invalid)
        .bind(totals.warnings)
        .bind(totals.amount)
        .bind(totals.fees)
        .bind(totals.tax)
        .bind(&totals.digest)
        .bind(understood.map(|u| u.source.to_string()))
        .bind(understood.map_or(batch.mapping.as_deref(), |u| Some(&u.mapping)))
        .bind(understood.map(|u| u.mapping_source.name()))
        .bind(understood.map(|u| u.header.as_slice()));
    fenced(finish.execute(&mut *tx).await.map_err(error)?)?;
    let total = totals.amount + totals.fees + totals.tax;
    // The database counts for itself: a row lost on the way would otherwise be forgotten for good. After the fence, so that
    // an importer that was overtaken does not count the rows of another.
    let counted = own!("import_count").bind(batch.id).fetch_one(&mut *tx).await.map_err(error)?;
    let count = |column| get::<i64>(&counted, column);
    let arrived = (count("valid")?, count("invalid")?, count("amount")?, count("fees")?, count("tax")?);
    if arrived != (totals.valid, totals.invalid, totals.amount, totals.fees, totals.tax) {
        return Err(StoreError::Rejected(format!(
            "the file has {} rows to pay and {} to leave out, of {} in all; {} and {} of {} arrived",
            totals.valid,
            totals.invalid,
            total,
            arrived.0,
            arrived.1,
            arrived.2 + arrived.3 + arrived.4
        )));
    }
    let tally = sql!("tally_set").bind(batch.id).bind("queued").bind(totals.valid).bind(totals.amount).bind(total);
    tally.execute(&mut *tx).await.map_err(error)?;
    super::lists::changed(tx, batch.organisation).await
}
