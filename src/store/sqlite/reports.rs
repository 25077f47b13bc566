//! What reports read, page by page: no long snapshot is held.

use super::rows::{self, get, time_opt};
use super::{Result, SqliteStore, error, sql};
use crate::batch::{Batch, Kind};
use crate::ids::{BatchId, OrganisationId};
use crate::money::Money;
use crate::report::settlement::Line;
use crate::store::{Batches, Reports};
use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

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

    async fn ledger_position(&self) -> Result<i64> {
        let row = sql!("ledger_position").fetch_one(&self.reader).await.map_err(error)?;
        get(&row, "position")
    }
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
    })
}
