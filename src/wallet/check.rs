//! What `gaba ledger check` finds: the trial balance and every place where the books differ.

use serde::Serialize;

/// One broken rule with the numbers that break it.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Difference {
    /// The invariant, as numbered in the documentation (`I5`).
    pub invariant: String,
    pub what: String,
}

/// One line of the trial balance, in minor units.
#[derive(Clone, Debug, Serialize)]
pub struct TrialBalanceLine {
    pub account: String,
    pub currency: String,
    pub debits: i64,
    pub credits: i64,
}

#[derive(Clone, Debug, Serialize)]
pub struct LedgerCheck {
    /// Position of the last transfer that was looked at.
    pub position: i64,
    pub transfers: i64,
    pub trial_balance: Vec<TrialBalanceLine>,
    pub differences: Vec<Difference>,
}

impl LedgerCheck {
    pub fn balances(&self) -> bool {
        self.differences.is_empty()
    }
}
