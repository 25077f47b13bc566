//! What a wallet's statement reads.

use super::rows::{self, get, time};
use super::{Result, SqliteStore, error, sql};
use crate::ids::{AccountId, OrganisationId};
use crate::money::{Currency, Money};
use crate::report::statement::{Head, Movement, Span};
use crate::store::{Statements, StoreError, Wallets};
use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

#[async_trait]
impl Statements for SqliteStore {
    async fn statement_head(&self, organisation: OrganisationId, wallet: AccountId, span: Span) -> Result<Head> {
        let currency = self.wallet_currency(organisation, wallet).await?;
        let money = |minor| Money::new(minor, currency);
        // One transaction, so that the sums are of the same moment.
        let mut tx = self.reader.begin().await.map_err(error)?;
        let after = match span.from {
            Some(from) => edge(&mut tx, wallet, from.micros()).await?.map_or(i64::MAX, |first| first - 1),
            None => 0,
        };
        let end = match span.to {
            Some(to) => edge(&mut tx, wallet, to.micros()).await?.map_or(i64::MAX, |beyond| beyond - 1),
            None => i64::MAX,
        };
        let before = sums(&mut tx, wallet, 0, after.min(end)).await?;
        let within = sums(&mut tx, wallet, after, end).await?;
        tx.rollback().await.map_err(error)?;
        let last = |sums: &Sums| sums.position.unwrap_or_default();
        let position = last(&before).max(last(&within));
        Ok(Head {
            wallet,
            currency,
            from: span.from,
            to: span.to,
            after: after.min(position),
            position,
            opening: money(before.incoming - before.outgoing),
            incoming: money(within.incoming),
            outgoing: money(within.outgoing),
        })
    }

    async fn statement_lines(
        &self,
        organisation: OrganisationId,
        wallet: AccountId,
        after: i64,
        until: i64,
        limit: u32,
    ) -> Result<Vec<Movement>> {
        let currency = self.wallet_currency(organisation, wallet).await?;
        let list = sql!("statement_lines").bind(wallet).bind(after).bind(until).bind(i64::from(limit));
        let found = list.fetch_all(&self.reader).await.map_err(error)?;
        found.iter().map(|row| movement(row, currency)).collect()
    }
}

impl SqliteStore {
    async fn wallet_currency(&self, organisation: OrganisationId, wallet: AccountId) -> Result<Currency> {
        let wallet = self.wallet(organisation, wallet).await?;
        wallet.currency.parse().map_err(|e| rows::damaged("currency", e))
    }
}

/// The position of the first transfer of the wallet that is not older than `time`.
async fn edge(tx: &mut SqliteConnection, wallet: AccountId, time: i64) -> Result<Option<i64>> {
    let row = sql!("statement_edge").bind(wallet).bind(time).fetch_one(tx).await.map_err(error)?;
    get(&row, "position")
}

struct Sums {
    incoming: i64,
    outgoing: i64,
    position: Option<i64>,
}

async fn sums(tx: &mut SqliteConnection, wallet: AccountId, after: i64, until: i64) -> Result<Sums, StoreError> {
    let sums = sql!("statement_sums").bind(wallet).bind(after).bind(until);
    let row = sums.fetch_one(tx).await.map_err(error)?;
    Ok(Sums { incoming: get(&row, "incoming")?, outgoing: get(&row, "outgoing")?, position: get(&row, "position")? })
}

fn movement(row: &SqliteRow, currency: Currency) -> Result<Movement> {
    let of_row = get::<Option<i64>>(row, "row")?;
    Ok(Movement {
        position: get(row, "position")?,
        at: time(row, "created_at")?,
        kind: get(row, "kind")?,
        reference: get(row, "reference")?,
        batch: get(row, "batch_id")?,
        batch_name: get(row, "batch_name")?,
        row: of_row.and_then(|row| u32::try_from(row).ok()),
        payout: get(row, "payout_id")?,
        amount: Money::new(get(row, "amount")?, currency),
    })
}
