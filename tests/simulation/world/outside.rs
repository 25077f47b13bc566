//! What happens at the provider and the gateway, and what they post.

use super::super::board::Told;
use super::super::command::Tale;
use super::super::process::{LANES, Ran, SMS_LANE};
use super::super::provider::{Fate, unknown};
use super::engine::alive;
use super::{World, pick};
use crate::support::walks::Wrong;
use gaba::clock::Clock;
use gaba::rail::{Outcome, Payment, RawReceipt, Reason, SmsOutcome};
use gaba::receipt::NewReceipt;
use serde::Serialize;
use uuid::Uuid;

/// Receipts that may come again.
const POSTED_MAX: usize = 16;

impl World {
    pub(super) fn arrive(&mut self, which: usize, fate: Fate) -> Result<Ran<()>, Wrong> {
        let Some(which) = pick(which, self.provider.transit.len()) else { return Ok(Ran::Done(())) };
        let request = self.provider.transit.remove(which);
        // Whatever became of us since, the intent is there.
        self.auditor.committed(request.reference, Some(&request.body))?;
        let now = self.clock.passed();
        self.provider.arrive(request, fate, true, now)?;
        Ok(Ran::Done(()))
    }

    pub(super) fn settle(&mut self, which: usize) -> Result<Ran<()>, Wrong> {
        let mut pending = self.provider.book.iter_mut().filter(|e| !e.settled).collect::<Vec<_>>();
        if let Some(which) = pick(which, pending.len()) {
            pending[which].settled = true;
        }
        Ok(Ran::Done(()))
    }

    pub(super) fn contradict(&mut self, which: usize) -> Result<Ran<()>, Wrong> {
        if let Some(which) = pick(which, self.provider.book.len())
            && self.provider.contradict(which)
        {
            self.tell("a payment that had failed");
        }
        Ok(Ran::Done(()))
    }

    pub(super) fn receipt(&mut self, which: usize, tale: Tale) -> Result<Ran<()>, Wrong> {
        let entry = pick(which, self.provider.book.len());
        let Some(entry) = entry.filter(|_| !matches!(tale, Tale::Stray | Tale::Unreadable)) else {
            let reference = Uuid::from_u128(u128::from(self.next()));
            let known = entry.map_or(reference, |e| self.provider.book[e].reference);
            let stray = Outcome::Paid(Payment::default());
            return match tale {
                Tale::Unreadable => self.post(LANES[0], Some(known), known, b"<html>".to_vec()),
                Tale::Stray => self.post_news(LANES[0], Some(reference), reference, stray),
                _ => Ok(Ran::Done(())),
            };
        };
        let told = self.provider.book[entry].clone();
        let paid = |change: fn(&mut Payment)| {
            let mut payment = told.payment();
            change(&mut payment);
            Outcome::Paid(payment)
        };
        let outcome = match tale {
            Tale::Incomplete if told.paid() && which.is_multiple_of(2) => paid(|p| p.amount_minor = None),
            Tale::Incomplete if told.paid() => paid(|p| p.msisdn = None),
            Tale::OtherAmount => paid(|p| p.amount_minor = p.amount_minor.map(|minor| minor + 1)),
            Tale::OtherNumber => paid(|p| p.msisdn = Some("256772999999".into())),
            Tale::Forged | Tale::OtherAddress if which.is_multiple_of(2) => paid(|_| {}),
            Tale::Forged | Tale::OtherAddress => {
                Outcome::Failed { reason: Reason::new("FORGED", "give it back"), retryable: which % 4 == 1 }
            }
            Tale::Unclear => unknown("unclear"),
            Tale::Denied => self.provider.deny(entry, which.is_multiple_of(2)),
            _ => self.provider.tell(entry),
        };
        let (reference, lane) = (told.reference, told.lane.as_str());
        let token = match tale {
            Tale::Forged => None,
            Tale::OtherAddress => Some(Uuid::from_u128(7)),
            _ => Some(reference),
        };
        let other = LANES.iter().copied().find(|other| *other != lane).unwrap_or(LANES[0]);
        let lane = if matches!(tale, Tale::OtherLane) { other } else { lane };
        self.post_news(lane, token, reference, outcome)
    }

    fn post_news<O: Serialize>(
        &mut self,
        lane: &str,
        token: Option<Uuid>,
        reference: Uuid,
        outcome: O,
    ) -> Result<Ran<()>, Wrong> {
        let body = serde_json::to_vec(&Told { reference, outcome, nonce: self.next() }).unwrap();
        self.post(lane, token, reference, body)
    }

    fn post(&mut self, lane: &str, token: Option<Uuid>, reference: Uuid, body: Vec<u8>) -> Result<Ran<()>, Wrong> {
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&self.next().to_be_bytes());
        let raw = RawReceipt { token_reference: token, headers: Vec::new(), body, received_at: self.clock.now() };
        let (vouched, reference) = (token.is_some(), Some(token.unwrap_or(reference)));
        let receipt = NewReceipt { lane: lane.into(), raw, reference, fingerprint, vouched };
        self.posted.push(receipt.clone());
        let over = self.posted.len().saturating_sub(POSTED_MAX);
        self.posted.drain(..over);
        self.deliver(vec![receipt])
    }

    pub(super) fn receipt_again(&mut self, which: usize) -> Result<Ran<()>, Wrong> {
        let Some(which) = pick(which, self.posted.len()) else { return Ok(Ran::Done(())) };
        let receipt = self.posted[which].clone();
        self.deliver(vec![receipt.clone(), receipt])
    }

    /// Receipts come in by the inbox, at the same time. One that is not answered comes again until it is.
    fn deliver(&mut self, receipts: Vec<NewReceipt>) -> Result<Ran<()>, Wrong> {
        for _ in 0..2 {
            let inbox = self.process().life().inbox.clone();
            let stored = receipts.iter().map(|receipt| inbox.store(receipt.clone()));
            let stored = futures::future::join_all(stored);
            for told in alive!(self.process().run(stored)) {
                if let Err(e) = told {
                    self.trouble("storing a receipt", &e)?;
                }
            }
            if !self.faults.fired() {
                break;
            }
        }
        Ok(Ran::Done(()))
    }

    pub(super) fn shown(&mut self, which: usize, delivered: bool, forged: bool) -> Result<Ran<()>, Wrong> {
        let Some(which) = pick(which, self.gateway.order.len()) else { return Ok(Ran::Done(())) };
        let message = self.gateway.order[which];
        let outcome = match delivered {
            true => SmsOutcome::Delivered,
            false => SmsOutcome::Undelivered { reason: Reason::new("absent", "the phone is off") },
        };
        self.post_news(SMS_LANE, (!forged).then_some(message), message, outcome)
    }
}
