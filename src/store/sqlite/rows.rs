//! From database rows to domain types.

use super::{Result, Tx, error, sql};
use crate::batch::{self, Batch, Declared, Kind, Reading, Tally};
use crate::clock::Time;
use crate::money::{Currency, Money};
use crate::payout::{Payout, PayoutView};
use crate::phone::Msisdn;
use crate::rail::Reason;
use crate::store::{IssueView, Page, PageRequest, Refusal, StoreError};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(error)
}

pub(super) fn time(row: &SqliteRow, column: &str) -> Result<Time> {
    get::<i64>(row, column).map(Time)
}

pub(super) fn time_opt(row: &SqliteRow, column: &str) -> Result<Option<Time>> {
    Ok(get::<Option<i64>>(row, column)?.map(Time))
}

pub(super) fn number(row: &SqliteRow, column: &str) -> Result<u32> {
    u32::try_from(get::<i64>(row, column)?).map_err(|e| damaged(column, e))
}

pub(super) fn currency(row: &SqliteRow) -> Result<Currency> {
    get::<&str>(row, "currency")?.parse().map_err(|e| damaged("currency", e))
}

pub(super) fn money_opt(row: &SqliteRow, column: &str, currency: Currency) -> Result<Option<Money>> {
    Ok(get::<Option<i64>>(row, column)?.map(|minor| Money::new(minor, currency)))
}

pub(super) fn kind(row: &SqliteRow) -> Result<Kind> {
    let name = get::<&str>(row, "kind")?;
    Kind::parse(name).ok_or_else(|| damaged("kind", name))
}

pub(super) fn state<S: crate::machine::State>(row: &SqliteRow, column: &str) -> Result<S> {
    let name = get::<&str>(row, column)?;
    S::parse(name).ok_or_else(|| damaged(column, name))
}

pub(super) fn damaged(column: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Rejected(format!("the stored {column} cannot be read: {why}"))
}

pub(super) fn reason(row: &SqliteRow) -> Result<Option<Reason>> {
    let code: Option<String> = get(row, "reason_code")?;
    let message: Option<String> = get(row, "reason")?;
    Ok(code.map(|c| Reason::new(c, message.unwrap_or_default())))
}

/// The columns that deciding needs.
pub(super) fn payout(row: &SqliteRow) -> Result<Payout> {
    let currency = currency(row)?;
    let money = |column| get::<i64>(row, column).map(|minor| Money::new(minor, currency));
    let msisdn = get::<String>(row, "msisdn")?;
    Ok(Payout {
        id: get(row, "id")?,
        organisation: get(row, "organisation_id")?,
        batch: get(row, "batch_id")?,
        row: number(row, "row")?,
        lane: get(row, "lane")?,
        msisdn: Msisdn::from_digits(msisdn).ok_or_else(|| damaged("msisdn", "not E.164 digits"))?,
        amount: money("amount")?,
        fee: money("fee")?,
        tax: money("tax")?,
        state: state(row, "state")?,
        claim: get(row, "claim")?,
        attempt: number(row, "attempt")?,
        first_attempt: number(row, "first_attempt")?,
        step: number(row, "step")?,
        exposed: get(row, "exposed")?,
        not_found: number(row, "not_found")?,
        not_found_at: time_opt(row, "not_found_at")?,
        intended_at: time_opt(row, "intended_at")?,
        sent_at: time_opt(row, "sent_at")?,
        frozen: get::<Option<Uuid>>(row, "frozen_by")?.is_some(),
    })
}

pub(super) fn payout_view(row: &SqliteRow) -> Result<PayoutView> {
    let currency = currency(row)?;
    Ok(PayoutView {
        id: get(row, "id")?,
        batch_id: get(row, "batch_id")?,
        row: number(row, "row")?,
        reference: get(row, "reference")?,
        name: get(row, "name")?,
        msisdn: get(row, "msisdn")?,
        amount: Money::new(get(row, "amount")?, currency).amount(),
        paid_amount: money_opt(row, "paid_amount", currency)?.map(Money::amount),
        currency: currency.to_string(),
        lane: get(row, "lane")?,
        state: get(row, "state")?,
        frozen_by: get(row, "frozen_by")?,
        reason: reason(row)?,
        provider_reference: get(row, "provider_reference")?,
        provider_transaction_id: get(row, "transaction_id")?,
        attempt: number(row, "attempt")?,
        created_at: time(row, "created_at")?,
        sent_at: time_opt(row, "sent_at")?,
        settled_at: time_opt(row, "settled_at")?,
    })
}

fn json(row: &SqliteRow, column: &str) -> Result<Option<serde_json::Value>> {
    let text: Option<&str> = get(row, column)?;
    text.map(serde_json::from_str).transpose().map_err(|e| damaged(column, e))
}

fn reading(row: &SqliteRow) -> Result<Option<Reading>> {
    let (read, of) = (get(row, "read_bytes")?, get(row, "file_bytes")?);
    Ok(Option::zip(read, of).map(|(read_bytes, file_bytes)| Reading { read_bytes, file_bytes }))
}

pub(super) fn issue(row: &SqliteRow) -> Result<IssueView> {
    Ok(IssueView {
        row: number(row, "row")?,
        column: get(row, "column_name")?,
        code: get(row, "code")?,
        severity: get(row, "severity")?,
        message: get(row, "message")?,
        value: get(row, "value")?,
        other_row: get::<Option<i64>>(row, "other_row")?.map(|row| row as u32),
    })
}

/// A batch without its tallies; see [`with_tallies`].
fn bare_batch(row: &SqliteRow) -> Result<Batch> {
    let currency = currency(row)?;
    Ok(Batch {
        id: get(row, "id")?,
        organisation: get(row, "organisation_id")?,
        kind: kind(row)?,
        name: get(row, "name")?,
        currency,
        state: state::<batch::State>(row, "state")?,
        claim: get(row, "claim")?,
        notify: get(row, "notify")?,
        sms_template: get(row, "sms_template")?,
        mapping: get(row, "mapping")?,
        mapping_source: get(row, "mapping_source")?,
        source: json(row, "source")?,
        reading: reading(row)?,
        declared: Declared {
            total: get::<Option<i64>>(row, "declared_total")?.map(|minor| Money::new(minor, currency)),
            count: get(row, "declared_count")?,
        },
        scheduled_at: time_opt(row, "scheduled_at")?,
        file_name: get(row, "file_name")?,
        upload: get(row, "upload_id")?,
        file_hash: get(row, "file_hash")?,
        digest: get(row, "digest")?,
        revision: get(row, "revision")?,
        rows: get(row, "rows")?,
        valid: get(row, "valid")?,
        invalid: get(row, "invalid")?,
        excluded: get(row, "excluded")?,
        duplicates: get(row, "duplicates")?,
        warnings: get(row, "warnings")?,
        amount: get(row, "amount")?,
        fees: get(row, "fees")?,
        tax: get(row, "tax")?,
        reserved: get(row, "reserved")?,
        paid: get(row, "paid")?,
        released: get(row, "released")?,
        held: get(row, "held")?,
        tallies: Vec::new(),
        rejection: get(row, "rejection")?,
        failure: get(row, "failure")?,
        created_by: get(row, "created_by")?,
        created_by_label: get(row, "created_by_label")?,
        submitted_by: get(row, "submitted_by")?,
        approved_by: get(row, "approved_by")?,
        approved_by_label: get(row, "approved_by_label")?,
        created_at: time(row, "created_at")?,
        approved_at: time_opt(row, "approved_at")?,
        completed_at: time_opt(row, "completed_at")?,
    })
}

/// Batches from the columns of `batch_*.sql`, each with its counters.
pub(super) async fn batches(connection: &mut Tx, rows: &[SqliteRow]) -> Result<Vec<Batch>> {
    let mut batches = Vec::with_capacity(rows.len());
    for row in rows {
        let mut batch = bare_batch(row)?;
        let tallies = sql!("batch_tallies").bind(batch.id).fetch_all(&mut *connection).await.map_err(error)?;
        for tally in &tallies {
            let counted =
                Tally { rows: get(tally, "rows")?, amount: get(tally, "amount")?, total: get(tally, "total")? };
            let name = get::<&str>(tally, "state")?;
            let state = batch.kind.row_state(name).ok_or_else(|| damaged("state", name))?;
            batch.tallies.push((state, counted));
        }
        batches.push(batch);
    }
    Ok(batches)
}

/// One batch of an organisation, or [`StoreError::NotFound`].
pub(super) async fn batch(connection: &mut Tx, organisation: Uuid, id: Uuid) -> Result<Batch> {
    let row = sql!("batch_get").bind(organisation).bind(id).fetch_optional(&mut *connection).await.map_err(error)?;
    let row = row.ok_or(StoreError::NotFound)?;
    let mut found = batches(connection, std::slice::from_ref(&row)).await?;
    found.pop().ok_or(StoreError::NotFound)
}

/// Cuts a list fetched with one row more than asked into a page; `key` gives the cursor that follows an item.
pub(super) fn page<T>(mut items: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > request.limit as usize;
    items.truncate(request.limit as usize);
    let next_cursor = if more { items.last().map(key) } else { None };
    Page { items, next_cursor }
}

/// A cursor of numbers, as [`page`] made it; -1 each before the first page.
pub(super) fn cursor<const N: usize>(request: &PageRequest) -> Result<[i64; N]> {
    let Some(text) = &request.cursor else { return Ok([-1; N]) };
    let numbers = text.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<i64>>>();
    numbers.and_then(|n| n.try_into().ok()).ok_or_else(not_a_cursor)
}

/// A cursor of a time in microseconds and an id; -1 and nothing before the first page.
pub(super) fn time_and_id(request: &PageRequest) -> Result<(i64, Vec<u8>)> {
    let Some(text) = &request.cursor else { return Ok((-1, Vec::new())) };
    let parsed = text
        .split_once('.')
        .and_then(|(at, id)| Some((at.parse().ok()?, id.parse::<Uuid>().ok()?.as_bytes().to_vec())));
    parsed.ok_or_else(not_a_cursor)
}

fn not_a_cursor() -> StoreError {
    Refusal::Invalid("the cursor is not one that a list returned".into()).into()
}

/// The number of hexadecimal digits `json_each` statements take for an id.
pub(super) fn hex(id: Uuid) -> String {
    id.simple().to_string()
}
