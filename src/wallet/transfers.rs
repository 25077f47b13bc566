//! Which money moves when: the table of design §4.

use super::AccountKind;

/// Why a transfer was posted. Unique per payout and attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    Funding,
    Reserve,
    Paid,
    Fee,
    Tax,
    Release,
    /// A message of a list was sent, or may have been.
    Sms,
}

impl TransferKind {
    pub fn name(self) -> &'static str {
        match self {
            TransferKind::Funding => "funding",
            TransferKind::Reserve => "reserve",
            TransferKind::Paid => "paid",
            TransferKind::Fee => "fee",
            TransferKind::Tax => "tax",
            TransferKind::Release => "release",
            TransferKind::Sms => "sms",
        }
    }

    /// From which kind of account to which.
    pub fn accounts(self) -> (AccountKind, AccountKind) {
        use AccountKind::*;
        match self {
            TransferKind::Funding => (Funding, Wallet),
            TransferKind::Reserve => (Wallet, Hold),
            TransferKind::Paid => (Hold, Settlement),
            TransferKind::Fee => (Hold, Fees),
            TransferKind::Tax => (Hold, Tax),
            TransferKind::Release => (Hold, Wallet),
            TransferKind::Sms => (Hold, Fees),
        }
    }
}
