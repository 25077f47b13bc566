//! The inbox: what providers post, and answers of our own that came too late. Each is stored once, claimed by one at a
//! time, and told to the payout whose reference it names.

use super::lane::{LEASE, RECEIPT_DEATHS_MAX, SUSPECT};
use super::news::Words;
use super::rules::*;
use crate::support::walks::Wrong;
use gaba::rail::Outcome;
use gaba::receipt::ClaimedReceipt;
use std::collections::BTreeSet;

impl Model {
    /// Puts a letter into the inbox, unless the same came before.
    pub fn post(&mut self, letter: Letter, fingerprint: String) {
        if self.post_known.insert(fingerprint) {
            self.tell(if letter.nonce.is_some() { "a receipt" } else { "an answer that was kept" });
            self.letters.push(letter);
        }
    }

    /// A definitive answer that came too late to be recorded is kept, and applied by its reference.
    pub fn keep(&mut self, at: At, attempt: u32, hand: u64, outcome: &Outcome, by: By) {
        let telling = match outcome {
            Outcome::Paid(_) | Outcome::Failed { .. } => true,
            Outcome::Accepted { .. } => by == By::Answer,
            _ => false,
        };
        if !telling {
            return;
        }
        let row = &self.batches[at.0].rows[at.1];
        let letter = Letter {
            id: None,
            nonce: None,
            lane: row.lane,
            reference: row.attempts[attempt as usize - 1].reference,
            outcome: outcome.clone(),
            by,
            readable: true,
            due: Some(self.now),
            version: 0,
            claims: 0,
        };
        self.post(letter, format!("kept {hand} {by:?} {outcome:?}"));
    }

    fn is_due(&self, letter: &Letter) -> bool {
        letter.due.is_some_and(|due| due <= self.now)
    }

    /// How many can be claimed now.
    pub fn letters_due(&self) -> usize {
        let due = self.letters.iter().filter(|l| self.is_due(l) && l.claims < SUSPECT).count();
        due + usize::from(self.suspect_letter().is_some())
    }

    /// The letter that is claimed alone, because others died of it; one at a time.
    fn suspect_letter(&self) -> Option<usize> {
        let in_hand = |l: &Letter| l.claims > SUSPECT && l.due.is_some_and(|due| due > self.now);
        if !self.is_steady() || self.letters.iter().any(in_hand) {
            return None;
        }
        let suspects = self.letters.iter().enumerate().filter(|(_, l)| self.is_due(l) && l.claims >= SUSPECT);
        suspects.min_by_key(|(which, l)| (l.due, *which)).map(|(which, _)| which)
    }

    /// Letters were claimed; which of ours each is.
    pub fn collect(&mut self, claimed: &[ClaimedReceipt], n: usize) -> Result<Vec<usize>, Wrong> {
        let suspect = self.suspect_letter();
        let due = self.letters.iter().filter(|l| self.is_due(l) && l.claims < SUSPECT).count();
        let all = due + usize::from(suspect.is_some());
        // One that killed too often is put aside by whoever comes to claim it.
        let aside = suspect.filter(|&which| self.letters[which].claims >= RECEIPT_DEATHS_MAX);
        if claimed.len() != all.min(n) - usize::from(aside.is_some()) {
            return Err(format!("{} receipts are claimed of {n}, {all} were due, {aside:?} is aside", claimed.len()));
        }
        if let Some(which) = aside {
            let letter = &mut self.letters[which];
            (letter.due, letter.version) = (None, letter.version + 1);
            self.tell("a receipt put aside");
        }
        let mut found = Vec::with_capacity(claimed.len());
        for receipt in claimed {
            let which = self.letter_of(receipt).ok_or_else(|| format!("not due, or never posted: {receipt:?}"))?;
            let now = self.now;
            let letter = &mut self.letters[which];
            letter.id = Some(receipt.id);
            letter.version += 1;
            letter.claims += 1;
            letter.due = Some(now + LEASE);
            found.push(which);
        }
        Ok(found)
    }

    fn letter_of(&self, receipt: &ClaimedReceipt) -> Option<usize> {
        let nonce = receipt.raw.header("nonce").and_then(|n| n.parse::<u64>().ok());
        let same = |l: &Letter| match (&receipt.kept, l.id) {
            (_, Some(id)) => id == receipt.id,
            (Some(kept), None) => {
                let by = if kept.source == "submit" { By::Answer } else { By::Query };
                l.nonce.is_none() && l.reference == kept.reference && l.by == by && l.outcome == kept.outcome
            }
            (None, None) => l.nonce.is_some() && l.nonce == nonce,
        };
        let fits = self.letters.iter().enumerate().filter(|(_, l)| self.is_due(l) && same(l));
        // Of equal answers that were kept, any is as good: the first is taken.
        fits.min_by_key(|(_, l)| (l.id.is_none(), l.due)).map(|(which, _)| which)
    }

    /// Claimed letters are applied; under a claim that has lapsed since, nothing happens. Several of one payout are applied one
    /// after the other, each round of them wholly before the next.
    pub fn open(&mut self, claimed: Vec<(usize, u64)>) {
        let ours = |l: &Letter, version| l.version == version && l.due.is_some();
        let mut left: Vec<usize> =
            claimed.into_iter().filter(|&(which, version)| ours(&self.letters[which], version)).map(|c| c.0).collect();
        for &which in &left {
            let letter = &mut self.letters[which];
            (letter.due, letter.version) = (None, letter.version + 1);
        }
        while !left.is_empty() {
            let mut told = BTreeSet::new();
            left.retain(|&which| match self.addressee(&self.letters[which]) {
                None => false,
                Some((at, _)) if !told.insert(at) => true,
                Some((at, attempt)) => {
                    let Letter { outcome, by, .. } = self.letters[which].clone();
                    self.hear(at, Words { outcome: &outcome, by, attempt, asked: false });
                    false
                }
            });
            self.end_act();
        }
    }

    /// The payout and attempt that a letter speaks of, if it came in through that payout's lane.
    fn addressee(&self, letter: &Letter) -> Option<(At, u32)> {
        let known = self.by_reference.get(&letter.reference).filter(|_| letter.readable)?;
        (self.batches[known.0.0].rows[known.0.1].lane == letter.lane).then_some(*known)
    }
}
