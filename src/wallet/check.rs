//! What `gaba ledger check` finds: the trial balance and every place where the books differ.

use crate::ids::{AccountId, BatchId};
use serde::Serialize;
use std::collections::HashMap;

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

/// The ledger added up as far as a check has come: what the next check goes on from. Transfers never change, so what was added up
/// once stays true; the whole ledger is added up anew from [`Folded::default`].
#[derive(Clone, Debug, Default)]
pub struct Folded {
    pub position: i64,
    pub transfers: i64,
    pub accounts: HashMap<AccountId, Sides>,
    pub batches: HashMap<BatchId, Sums>,
}

/// The two sides of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sides {
    pub debits: i64,
    pub credits: i64,
}

impl Sides {
    pub fn balance(self) -> i64 {
        self.credits - self.debits
    }
}

/// What the transfers of a batch add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub reserved: i64,
    pub paid: i64,
    pub released: i64,
}
