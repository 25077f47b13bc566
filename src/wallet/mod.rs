//! The ledger: append-only transfers between accounts, double entry by construction.
//!
//! A transfer takes `amount` minor units from its debit account and puts them on its credit account. The balances of
//! wallets and holds are folded in the same transaction and kept from going negative by the database; all others are
//! sums. Corrections are new transfers.

pub mod check;
pub mod transfers;

use crate::ids::{self, AccountId, BatchId, OrganisationId};
use crate::money::Currency;
use serde::Serialize;

/// Most that a wallet holds, in minor units, with what is held for its batches: thousands of full wallets can still be added
/// up in 64 bits.
pub const WALLET_MINOR_MAX: i64 = 1_000_000_000_000_000;

/// The kinds of account, each with an organisation and a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// The outside that money comes from.
    Funding,
    /// What an organisation may still spend.
    Wallet,
    /// What is set aside for the unpaid recipients of one batch.
    Hold,
    /// What has gone out through one lane.
    Settlement,
    Fees,
    Tax,
    /// What somebody owes us, or we owe somebody, until it is settled outside.
    Suspense,
}

impl AccountKind {
    /// Whether its balance is kept, and never below zero.
    pub fn is_folded(self) -> bool {
        matches!(self, AccountKind::Wallet | AccountKind::Hold)
    }

    pub fn name(self) -> &'static str {
        match self {
            AccountKind::Funding => "funding",
            AccountKind::Wallet => "wallet",
            AccountKind::Hold => "hold",
            AccountKind::Settlement => "settlement",
            AccountKind::Fees => "fees",
            AccountKind::Tax => "tax",
            AccountKind::Suspense => "suspense",
        }
    }
}

pub fn wallet_account(organisation: OrganisationId, currency: Currency) -> AccountId {
    ids::account("wallet", organisation, &[currency.code()])
}

pub fn hold_account(organisation: OrganisationId, batch: BatchId) -> AccountId {
    ids::account("hold", organisation, &[&batch.to_string()])
}

/// `kind` is funding, fees, tax or suspense: one account per organisation and currency.
pub fn common_account(kind: AccountKind, organisation: OrganisationId, currency: Currency) -> AccountId {
    ids::account(kind.name(), organisation, &[currency.code()])
}

pub fn settlement_account(organisation: OrganisationId, lane: &str, currency: Currency) -> AccountId {
    ids::account("settlement", organisation, &[lane, currency.code()])
}

/// Money that came in, as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Funding)]
pub struct FundingView {
    /// The bank's or provider's own.
    pub reference: String,
    pub amount: String,
    pub currency: Currency,
    pub wallet: WalletView,
}

/// A wallet as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Wallet)]
pub struct WalletView {
    #[schema(value_type = Uuid)]
    pub id: AccountId,
    #[schema(value_type = Currency)]
    pub currency: String,
    /// Decimal strings of the major unit.
    pub available: String,
    pub held: String,
}
