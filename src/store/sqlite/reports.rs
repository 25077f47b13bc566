//! What reports read, page by page: no long snapshot is held.

use super::rows::{self, get, time_opt};
use super::{Result, SqliteStore, error, sql};
use crate::batch::{Batch, Kind};
use crate::ids::{BatchId, OrganisationId};
use crate::money::Money;
use crate::report::settlement::{Head, LedgerSum, Line};
use crate::store::{Batches, Reports};
use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;

#[async_trait]
impl Reports for SqliteStore {
    async fn report_lines(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Line>> {
        let batch = self.batch(organisation, batch).await?;
        let list = match batch.kind {
            Kind::Payout => sql!("report_lines"),
            Kind::Sms => sql!("report_messages"),
        };
        let list = list.bind(batch.id).bind(i64::from(after)).bind(i64::from(limit));
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        found.iter().map(|row| line(&batch, row)).collect()
    }

    async fn report_head(&self, organisation: OrganisationId, batch: BatchId) -> Result<Head> {
        let mut tx = self.reader.begin().await.map_err(error)?;
        let batch = rows::batch(&mut tx, organisation, batch).await?;
        let found = sql!("report_ledger").bind(batch.id).fetch_all(&mut *tx).await.map_err(error)?;
        tx.rollback().await.map_err(error)?;
        head(batch, &found)
    }

    async fn ledger_position(&self) -> Result<i64> {
        let row = sql!("ledger_position").fetch_one(&self.reader).await.map_err(error)?;
        get(&row, "position")
    }
}

/// A batch may be paid through several lanes, each with an account of its own: the report adds them up.
fn head(batch: Batch, found: &[SqliteRow]) -> Result<Head> {
    let (mut position, mut sums) = (0, BTreeMap::new());
    for row in found {
        position = position.max(get(row, "position")?);
        let key: (String, String, String) = (get(row, "kind")?, get(row, "debit_kind")?, get(row, "credit_kind")?);
        let sum: &mut (i64, i64) = sums.entry(key).or_default();
        sum.0 += get::<i64>(row, "transfers")?;
        sum.1 += get::<i64>(row, "amount")?;
    }
    let sum = |((kind, from, to), (transfers, minor))| LedgerSum {
        kind,
        from,
        to,
        transfers,
        amount: Money::new(minor, batch.currency),
    };
    let ledger = sums.into_iter().map(sum).collect();
    Ok(Head { batch, position, ledger })
}

fn line(batch: &Batch, row: &SqliteRow) -> Result<Line> {
    let money = |column| -> Result<Option<String>> {
        Ok(get::<Option<i64>>(row, column)?.map(|minor| Money::new(minor, batch.currency).amount()))
    };
    Ok(Line {
        batch_id: batch.id,
        batch_name: batch.name.clone(),
        row: rows::number(row, "row")?,
        reference: get(row, "reference")?,
        payout_id: get(row, "payout_id")?,
        provider_reference: get(row, "provider_reference")?,
        provider_transaction_id: get(row, "transaction_id")?,
        name: get(row, "name")?,
        msisdn: get(row, "msisdn")?,
        network: get(row, "network")?,
        currency: batch.currency.to_string(),
        // Of a row that was left out, as uploaded.
        amount: money("amount")?.map_or_else(|| get(row, "amount_text"), |amount| Ok(Some(amount)))?,
        fee: money("fee")?,
        tax: money("tax")?,
        total: money("total")?,
        state: get(row, "state")?,
        reason_code: get(row, "reason_code")?,
        reason: get(row, "reason")?,
        attempts: rows::number(row, "attempts")?,
        approved_at: batch.approved_at,
        sent_at: time_opt(row, "sent_at")?,
        settled_at: time_opt(row, "settled_at")?,
        approved_by: batch.approved_by_label.clone(),
        paid_amount: money("paid_amount")?,
    })
}
