//! The provider: it pays each reference at most once while it remembers it, and keeps the book that says who has money.
//! It may be slow, silent, behind, forgetful, and take back what it said; its book is the judge.

use super::board::Order;
use super::clock::{DAY, Micros};
use super::process::LANES;
use crate::support::walks::Wrong;
use gaba::money::Currency;
use gaba::rail::{Outcome, Payment, Reason};
use uuid::Uuid;

/// How long it knows a reference again.
pub const REMEMBERED: Micros = DAY;
/// A request does not wander about for longer than this.
const WANDERS: Micros = REMEMBERED / 2;

/// How a transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pays,
    Refuses { retryable: bool },
}

/// What it has under one reference. One that was forgotten and came again is an entry of its own.
#[derive(Clone, Debug)]
pub struct Entry {
    pub reference: Uuid,
    pub lane: String,
    pub order: Order,
    body: String,
    seen_at: Micros,
    /// In the order of everything that happened to the provider.
    pub seen: u64,
    pub fate: Fate,
    pub settled: bool,
    /// When it first said that this one failed.
    pub denied: Option<u64>,
}

impl Entry {
    pub fn paid(&self) -> bool {
        self.settled && self.fate == Fate::Pays
    }

    pub fn payment(&self) -> Payment {
        Payment {
            transaction_id: Some(format!("T-{}", self.seen)),
            amount_minor: Some(self.order.amount),
            currency: Some(Currency::Ugx),
            msisdn: Some(self.order.msisdn.clone()),
            payout_id: Some(self.order.payout.to_string()),
        }
    }
}

/// A request on its way.
pub struct Transit {
    pub lane: String,
    pub reference: Uuid,
    pub body: String,
    pub sent_at: Micros,
}

#[derive(Default)]
pub struct Provider {
    pub book: Vec<Entry>,
    pub transit: Vec<Transit>,
    pub forgets: bool,
    pub events: u64,
}

impl Provider {
    fn next(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    /// What it has under a reference, unless that was forgotten.
    fn known(&self, reference: Uuid, now: Micros) -> Option<usize> {
        let last = self.book.iter().rposition(|e| e.reference == reference)?;
        (!self.forgets || now - self.book[last].seen_at < REMEMBERED).then_some(last)
    }

    /// Whether a request that comes again is the same transfer. Only one lane's provider says that it looks.
    fn recognises(&self, lane: &str) -> bool {
        lane == LANES[0]
    }

    /// A request arrives; `None` when it was on its way for too long.
    pub fn arrive(
        &mut self,
        request: Transit,
        fate: Fate,
        settled: bool,
        now: Micros,
    ) -> Result<Option<Outcome>, Wrong> {
        let Transit { lane, reference, body, sent_at } = request;
        if now - sent_at >= WANDERS {
            return Ok(None);
        }
        if let Some(which) = self.known(reference, now).filter(|_| self.recognises(&lane)) {
            if self.book[which].body != body {
                return Err(format!("resend: {reference} came again with another body: {body}"));
            }
            // "Duplicate reference" says that it had arrived, not how it ended.
            return Ok(Some(Outcome::Accepted { provider_id: None }));
        }
        let order = serde_json::from_str(&body).map_err(|e| format!("the provider cannot read {body}: {e}"))?;
        let seen = self.next();
        self.book.push(Entry { reference, lane, order, body, seen_at: now, seen, fate, settled, denied: None });
        let which = self.book.len() - 1;
        Ok(Some(self.tell(which)))
    }

    /// What it answers to a question. `behind`: as a part of it that has not heard of anything new.
    pub fn asked(&mut self, reference: Uuid, behind: bool, now: Micros) -> Outcome {
        match self.known(reference, now) {
            Some(which) if !behind => self.tell(which),
            _ => Outcome::NotFound,
        }
    }

    /// What it says of an entry now.
    pub fn tell(&mut self, which: usize) -> Outcome {
        let entry = &self.book[which];
        match entry.fate {
            _ if !entry.settled => Outcome::Accepted { provider_id: None },
            Fate::Pays => Outcome::Paid(entry.payment()),
            Fate::Refuses { retryable } => self.deny(which, retryable),
        }
    }

    /// It says that an entry failed, whether that is true or not.
    pub fn deny(&mut self, which: usize, retryable: bool) -> Outcome {
        let event = self.next();
        self.book[which].denied.get_or_insert(event);
        Outcome::Failed { reason: Reason::new("PAYEE_NOT_FOUND", "there is no such number"), retryable }
    }

    /// It pays what it had said failed.
    pub fn contradict(&mut self, which: usize) -> bool {
        let entry = &mut self.book[which];
        let contradicts = entry.settled && entry.denied.is_some() && entry.fate != Fate::Pays;
        if contradicts {
            entry.fate = Fate::Pays;
        }
        contradicts
    }
}

pub fn unknown(code: &str) -> Outcome {
    Outcome::Unknown { reason: Reason::new(code, "it is not known how it ended") }
}
