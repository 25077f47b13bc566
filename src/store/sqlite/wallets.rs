//! Wallets: money in, money set aside, money back.

use super::organisations::{open_account, record_act};
use super::rows::{self, get};
use super::{Result, SqliteStore, Tx, but, error, ledger_check, sql};
use crate::batch::Batch;
use crate::clock::Time;
use crate::faults::Guard;
use crate::ids::{AccountId, OrganisationId};
use crate::money::Money;
use crate::org::Principal;
use crate::store::{Done, Idempotency, Refusal, StoreError, Wallets};
use crate::wallet::check::{Folded, LedgerCheck};
use crate::wallet::transfers::TransferKind;
use crate::wallet::{self, AccountKind, FundingView, WalletView};
use async_trait::async_trait;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

#[async_trait]
impl Wallets for SqliteStore {
    async fn wallets(&self, organisation: OrganisationId) -> Result<Vec<WalletView>> {
        let found = sql!("wallet_list").bind(organisation).fetch_all(&self.reader).await.map_err(error)?;
        found.iter().map(view).collect()
    }

    async fn wallet(&self, organisation: OrganisationId, wallet: AccountId) -> Result<WalletView> {
        let all = self.wallets(organisation).await?;
        all.into_iter().find(|w| w.id == wallet).ok_or(StoreError::NotFound)
    }

    async fn fund(
        &self,
        actor: &Principal,
        amount: Money,
        reference: &str,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>> {
        let reference = reference.trim().to_owned();
        if amount.minor <= 0 {
            return Err(Refusal::Invalid("a funding must be more than zero".into()).into());
        }
        if reference.is_empty() {
            return Err(Refusal::Invalid("a funding needs the reference of the payment that covers it".into()).into());
        }
        self.once(actor, idempotency, move |tx, actor, now| {
            Box::pin(async move { fund(tx, actor, amount, &reference, now).await.map(Done::Applied) })
        })
        .await
    }

    async fn check_ledger_from(&self, folded: Folded) -> Result<(LedgerCheck, Folded)> {
        ledger_check::check(&self.reader, folded, ledger_check::STRETCH).await
    }
}

fn view(row: &SqliteRow) -> Result<WalletView> {
    let currency = rows::currency(row)?;
    Ok(WalletView {
        id: get(row, "id")?,
        currency: currency.to_string(),
        available: Money::new(get(row, "available")?, currency).amount(),
        held: Money::new(get(row, "held")?, currency).amount(),
    })
}

async fn fund(tx: &mut Tx, actor: &Principal, amount: Money, reference: &str, now: Time) -> Result<FundingView> {
    let (organisation, currency) = (actor.organisation, amount.currency);
    let used = sql!("funding_find").bind(organisation).bind(reference).fetch_optional(&mut *tx).await.map_err(error)?;
    if used.is_some() {
        return Err(Refusal::ReferenceUsed(reference.to_owned()).into());
    }
    let wallet = wallet::wallet_account(organisation, currency);
    let funding = wallet::common_account(AccountKind::Funding, organisation, currency);
    has_room(tx, wallet, organisation, amount).await?;
    open_account(tx, AccountKind::Wallet, organisation, currency, wallet).await?;
    open_account(tx, AccountKind::Funding, organisation, currency, funding).await?;
    let posting = Posting { kind: TransferKind::Funding, debit: funding, credit: wallet, amount, batch: None };
    post(tx, organisation, &posting, Some(reference), now).await?;
    fold(tx, wallet, amount.minor).await?;
    let detail = format!("{} by {reference}", amount.display());
    record_act(tx, actor, "wallet.funded", Some(wallet), &detail, now).await?;
    let found = sql!("wallet_list").bind(organisation).fetch_all(&mut *tx).await.map_err(error)?;
    let views = found.iter().map(view).collect::<Result<Vec<_>>>()?;
    let wallet = views.into_iter().find(|w| w.id == wallet).ok_or(StoreError::NotFound)?;
    Ok(FundingView { reference: reference.to_owned(), amount: amount.amount(), currency, wallet })
}

/// Refuses money that a wallet could not count, now or when all that is held comes back to it.
async fn has_room(tx: &mut Tx, wallet: AccountId, organisation: OrganisationId, amount: Money) -> Result<()> {
    let found = sql!("wallet_list").bind(organisation).fetch_all(&mut *tx).await.map_err(error)?;
    let mut sum = i128::from(amount.minor);
    for row in &found {
        if get::<AccountId>(row, "id")? == wallet {
            sum += i128::from(get::<i64>(row, "available")?) + i128::from(get::<i64>(row, "held")?);
        }
    }
    if sum <= i128::from(wallet::WALLET_MINOR_MAX) {
        return Ok(());
    }
    let most = Money::new(wallet::WALLET_MINOR_MAX, amount.currency).display();
    Err(Refusal::Invalid(format!("a wallet holds at most {most}; check the amount")).into())
}

/// One transfer that belongs to no payout.
struct Posting {
    kind: TransferKind,
    debit: AccountId,
    credit: AccountId,
    amount: Money,
    batch: Option<Uuid>,
}

async fn post(tx: &mut Tx, organisation: Uuid, posting: &Posting, reference: Option<&str>, now: Time) -> Result<()> {
    let insert = sql!("transfer_insert")
        .bind(organisation)
        .bind(posting.kind.name())
        .bind(posting.debit)
        .bind(posting.credit)
        .bind(posting.amount.minor)
        .bind(posting.amount.currency.code())
        .bind(posting.batch)
        .bind(reference)
        .bind(now.micros());
    insert.execute(tx).await.map_err(error)?;
    Ok(())
}

/// Adds to a folded balance; the database refuses to let it go below zero.
pub(super) async fn fold(tx: &mut Tx, account: AccountId, by: i64) -> Result<()> {
    sql!("account_fold").bind(account).bind(by).execute(tx).await.map_err(error)?;
    Ok(())
}

/// Whether the wallet that pays this payout has so much.
pub(super) async fn has(tx: &mut Tx, payout: &crate::payout::Payout, total: i64) -> Result<bool> {
    let wallet = wallet::wallet_account(payout.organisation, payout.amount.currency);
    let balance = sql!("account_balance").bind(wallet).fetch_optional(tx).await.map_err(error)?;
    Ok(balance.map_or(Ok(0), |row| get::<i64>(&row, "balance"))? >= total)
}

/// Wallet → hold for a whole batch; refused when the wallet does not have it.
pub(super) async fn reserve(tx: &mut Tx, batch: &Batch, needed: Money, now: Time) -> Result<()> {
    let wallet = wallet::wallet_account(batch.organisation, batch.currency);
    let hold = wallet::hold_account(batch.organisation, batch.id);
    let open = sql!("account_open_hold").bind(hold).bind(batch.organisation).bind(batch.currency.code()).bind(batch.id);
    open.execute(&mut *tx).await.map_err(error)?;
    // A list of SMS that nobody is charged for: there is nothing to move, and its hold is at zero from the beginning.
    if needed.minor == 0 {
        return Ok(());
    }
    let taken = but(Guard::WalletFloor, sql!("account_take"), " AND balance >= $2", "");
    let taken = taken.bind(wallet).bind(needed.minor).execute(&mut *tx).await.map_err(error)?;
    if taken.rows_affected() == 0 {
        let balance = sql!("account_balance").bind(wallet).fetch_optional(&mut *tx).await.map_err(error)?;
        let available = balance.map_or(Ok(0), |row| get::<i64>(&row, "balance"))?;
        let available = Money::new(available, batch.currency);
        return Err(Refusal::InsufficientFunds { available, needed }.into());
    }
    fold(tx, hold, needed.minor).await?;
    let posting =
        Posting { kind: TransferKind::Reserve, debit: wallet, credit: hold, amount: needed, batch: Some(batch.id) };
    post(tx, batch.organisation, &posting, None, now).await
}

/// Hold → wallet for a whole batch of which nothing was sent.
pub(super) async fn release_all(tx: &mut Tx, batch: &Batch, total: i64, now: Time) -> Result<()> {
    let wallet = wallet::wallet_account(batch.organisation, batch.currency);
    let hold = wallet::hold_account(batch.organisation, batch.id);
    fold(tx, hold, -total).await?;
    fold(tx, wallet, total).await?;
    sql!("batch_add_money")
        .bind(batch.id)
        .bind(0_i64)
        .bind(0_i64)
        .bind(total)
        .execute(&mut *tx)
        .await
        .map_err(error)?;
    let amount = Money::new(total, batch.currency);
    let posting = Posting { kind: TransferKind::Release, debit: hold, credit: wallet, amount, batch: Some(batch.id) };
    post(tx, batch.organisation, &posting, None, now).await
}
