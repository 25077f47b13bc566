//! Repeats inside one file.
//!
//! The only part of an import that grows with the number of rows: about 60 bytes a row, a million rows in well under
//! 100 MiB. Numbers and amounts are compared exactly. References are compared by a 64-bit keyed hash: among a million
//! references the chance that any two differing ones meet is below one in thirty million, and then a row is refused
//! that a person can correct; nothing is paid wrongly.

use crate::money::Money;
use crate::phone::Msisdn;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

/// An earlier row like this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Earlier {
    /// The same number and the same amount.
    Payment { row: u32 },
    /// The same number with another amount.
    Number { row: u32 },
}

#[derive(Default)]
pub(super) struct Duplicates {
    keys: RandomState,
    references: HashMap<u64, u32>,
    /// Number → amount and row of its first payment.
    first_payments: HashMap<u64, (i64, u32)>,
    /// Payments to a number that had been seen with another amount: few.
    further_payments: HashMap<(u64, i64), u32>,
}

impl Duplicates {
    /// The first row with this reference, when it is not this one.
    pub fn reference(&mut self, reference: &str, row: u32) -> Option<u32> {
        match self.references.entry(self.keys.hash_one(reference)) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(slot) => {
                slot.insert(row);
                None
            }
        }
    }

    pub fn payment(&mut self, msisdn: &Msisdn, amount: Money, row: u32) -> Option<Earlier> {
        self.earlier(msisdn, amount.minor, row)
    }

    /// The same for texts, which are compared by their hash: it only ever warns.
    pub fn message(&mut self, msisdn: &Msisdn, text: &str, row: u32) -> Option<Earlier> {
        let text = self.keys.hash_one(text).cast_signed();
        self.earlier(msisdn, text, row)
    }

    fn earlier(&mut self, msisdn: &Msisdn, amount: i64, row: u32) -> Option<Earlier> {
        let number = msisdn.as_u64();
        let (first_amount, first_row) = match self.first_payments.entry(number) {
            Entry::Occupied(first) => *first.get(),
            Entry::Vacant(slot) => {
                slot.insert((amount, row));
                return None;
            }
        };
        if first_amount == amount {
            return Some(Earlier::Payment { row: first_row });
        }
        match self.further_payments.entry((number, amount)) {
            Entry::Occupied(first) => Some(Earlier::Payment { row: *first.get() }),
            Entry::Vacant(slot) => {
                slot.insert(row);
                Some(Earlier::Number { row: first_row })
            }
        }
    }
}
