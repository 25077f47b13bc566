//! Which money moves when: the table of design §4.

use super::AccountKind;

/// Why a transfer was posted. Unique per payout and attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    Funding,
    Reserve,
    /// Funds for a payment that was found to have gone out when the wallet had too little left.
    Receivable,
    Paid,
    Fee,
    Tax,
    Release,
    /// A second payment of the same payout, found to have gone out.
    Surplus,
    /// What a payment was found to have come to less, or more, than was sent: one kind in the books, told apart by its
    /// accounts.
    Shortfall,
    Excess,
    /// A payment that the provider took back, and its way to the wallet.
    Reversal,
    Refund,
    /// A message of a list was sent, or may have been.
    Sms,
}

impl TransferKind {
    pub fn name(self) -> &'static str {
        match self {
            TransferKind::Funding => "funding",
            TransferKind::Reserve => "reserve",
            TransferKind::Receivable => "receivable",
            TransferKind::Paid => "paid",
            TransferKind::Fee => "fee",
            TransferKind::Tax => "tax",
            TransferKind::Release => "release",
            TransferKind::Surplus => "surplus",
            TransferKind::Shortfall | TransferKind::Excess => "difference",
            TransferKind::Reversal => "reversal",
            TransferKind::Refund => "refund",
            TransferKind::Sms => "sms",
        }
    }

    /// From which kind of account to which.
    pub fn accounts(self) -> (AccountKind, AccountKind) {
        use AccountKind::*;
        match self {
            TransferKind::Funding => (Funding, Wallet),
            TransferKind::Reserve => (Wallet, Hold),
            TransferKind::Receivable => (Suspense, Hold),
            TransferKind::Paid => (Hold, Settlement),
            TransferKind::Fee => (Hold, Fees),
            TransferKind::Tax => (Hold, Tax),
            TransferKind::Release => (Hold, Wallet),
            TransferKind::Surplus => (Suspense, Settlement),
            TransferKind::Shortfall => (Settlement, Wallet),
            TransferKind::Excess => (Suspense, Settlement),
            TransferKind::Reversal => (Settlement, Suspense),
            TransferKind::Refund => (Suspense, Wallet),
            TransferKind::Sms => (Hold, Fees),
        }
    }
}
