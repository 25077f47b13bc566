//! The provider: it knows each reference it was ever shown, pays each at most once while it remembers it, and keeps the
//! book that says who has money. It may be slow, silent and forgetful; what it says of an end is true when it says it.

use super::lane::REMEMBERED;
use super::rules::{At, Micros};
use crate::support::walks::Wrong;
use gaba::money::Currency;
use gaba::payout::Payout;
use gaba::rail::{Outcome, Payment, Reason};
use std::collections::HashMap;
use uuid::Uuid;

/// How a transfer ends at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pays,
    Refuses { retryable: bool },
}

/// What the provider has under one reference.
#[derive(Clone, Debug)]
pub struct Entry {
    pub reference: Uuid,
    pub at: At,
    pub payout: Payout,
    seen_at: Micros,
    pub fate: Fate,
    pub settled: bool,
    /// It has said that this one failed.
    pub said_failed: bool,
    /// It paid after all what it had said failed.
    pub contradicted: bool,
    /// Two people decided that it had not paid and would not.
    given_up: bool,
}

impl Entry {
    pub fn paid(&self) -> bool {
        self.settled && self.fate == Fate::Pays
    }

    pub fn payment(&self) -> Payment {
        Payment {
            transaction_id: Some(format!("T-{}", self.reference)),
            amount_minor: Some(self.payout.amount.minor),
            currency: Some(Currency::Ugx),
            msisdn: Some(self.payout.msisdn.as_str().to_owned()),
            payout_id: Some(self.payout.id.to_string()),
        }
    }
}

#[derive(Default)]
pub struct Provider {
    pub book: Vec<Entry>,
    pub by_reference: HashMap<Uuid, usize>,
    /// Requests that are still on their way, with how they will end.
    pub transit: Vec<(At, Payout, Fate)>,
    pub forgets: bool,
}

impl Provider {
    /// A request arrives. One with a known reference is the same transfer; one that was forgotten is executed again.
    pub fn arrive(
        &mut self,
        at: At,
        payout: &Payout,
        fate: Fate,
        settled: bool,
        now: Micros,
    ) -> Result<Outcome, Wrong> {
        let reference = payout.reference();
        if let Some(which) = self.find(reference) {
            if !self.forgotten(which, now) {
                // "Duplicate reference" says that it had arrived, not how it ended.
                return Ok(unknown());
            }
            if self.book[which].paid() {
                return Err(format!("{at:?} was sent again after its provider had forgotten that it paid"));
            }
        }
        let payout = payout.clone();
        let entry = Entry {
            reference,
            at,
            payout,
            seen_at: now,
            fate,
            settled: false,
            said_failed: false,
            contradicted: false,
            given_up: false,
        };
        self.by_reference.insert(reference, self.book.len());
        self.book.push(entry);
        let which = self.book.len() - 1;
        if settled {
            self.settle(which)?;
            return Ok(self.tell(which));
        }
        Ok(Outcome::Accepted { provider_id: None })
    }

    fn find(&self, reference: Uuid) -> Option<usize> {
        self.by_reference.get(&reference).copied()
    }

    fn forgotten(&self, which: usize, now: Micros) -> bool {
        self.forgets && now - self.book[which].seen_at >= REMEMBERED
    }

    /// What two people decided of the transfers of a row, right or not: whoever is paid twice then is so by their word.
    pub fn give_up(&mut self, at: At) {
        self.book.iter_mut().filter(|e| e.at == at).for_each(|e| e.given_up = true);
    }

    /// The transfer ends. Nobody gets money twice, but where the provider itself had said that the first time failed, or two
    /// people had.
    pub fn settle(&mut self, which: usize) -> Result<(), Wrong> {
        self.book[which].settled = true;
        self.nobody_is_paid_twice(self.book[which].at)
    }

    /// The provider pays what it had said failed.
    pub fn contradict(&mut self, which: usize) {
        let entry = &mut self.book[which];
        if entry.settled && entry.said_failed {
            (entry.fate, entry.contradicted) = (Fate::Pays, true);
        }
    }

    fn nobody_is_paid_twice(&self, at: At) -> Result<(), Wrong> {
        let paid = self.book.iter().filter(|e| e.at == at && e.paid() && !e.contradicted && !e.given_up).count();
        if paid > 1 { Err(format!("I1: {at:?} was paid {paid} times")) } else { Ok(()) }
    }

    /// What it says of an entry now.
    pub fn tell(&mut self, which: usize) -> Outcome {
        let entry = &mut self.book[which];
        match entry.fate {
            _ if !entry.settled => Outcome::Accepted { provider_id: None },
            Fate::Pays => Outcome::Paid(entry.payment()),
            Fate::Refuses { retryable } => {
                entry.said_failed = true;
                Outcome::Failed { reason: Reason::new("PAYEE_NOT_FOUND", "there is no such number"), retryable }
            }
        }
    }

    /// What it answers to a question.
    pub fn asked(&mut self, reference: Uuid, now: Micros) -> Outcome {
        match self.find(reference) {
            Some(which) if !self.forgotten(which, now) => self.tell(which),
            _ => Outcome::NotFound,
        }
    }

    /// Whether anybody was paid for this row.
    pub fn has_paid(&self, at: At) -> bool {
        self.book.iter().any(|e| e.at == at && e.paid())
    }
}

pub fn unknown() -> Outcome {
    Outcome::Unknown { reason: Reason::new("timeout", "no answer in time") }
}

pub fn not_sent() -> Outcome {
    Outcome::NotSent { reason: Reason::new("connect", "nobody listens") }
}
