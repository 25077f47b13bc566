//! Wallets and the ledger.

use super::{Done, Idempotency, Result};
use crate::ids::{AccountId, OrganisationId};
use crate::money::Money;
use crate::org::Principal;
use crate::wallet::WalletView;
use crate::wallet::check::{Folded, LedgerCheck};
use async_trait::async_trait;
use serde_json::Value;

/// Wallets and the ledger.
#[async_trait]
pub trait Wallets: Send + Sync {
    async fn wallets(&self, organisation: OrganisationId) -> Result<Vec<WalletView>>;
    async fn wallet(&self, organisation: OrganisationId, wallet: AccountId) -> Result<WalletView>;
    /// Loads the wallet of `amount`'s currency: funding → wallet. `reference` is unique in the organisation.
    async fn fund(
        &self,
        actor: &Principal,
        amount: Money,
        reference: &str,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    /// Trial balance, and every difference between transfers, balances, counters and rows.
    async fn check_ledger(&self) -> Result<LedgerCheck> {
        Ok(self.check_ledger_from(Folded::default()).await?.0)
    }
    /// The same, going on from an earlier check: what moved since, every balance, and the batches that run.
    async fn check_ledger_from(&self, folded: Folded) -> Result<(LedgerCheck, Folded)>;
}
