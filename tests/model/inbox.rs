//! The inbox: what providers post, and answers of our own that came too late. Each is stored once, claimed by one at a
//! time, and told to the payout whose reference it names.

use super::Wrong;
use super::lane::LEASE;
use super::news::Words;
use super::rules::*;
use gaba::rail::Outcome;
use gaba::receipt::ClaimedReceipt;

impl Model {
    /// Puts a letter into the inbox, unless the same came before.
    pub fn post(&mut self, letter: Letter, fingerprint: String) {
        if self.post_known.insert(fingerprint) {
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
        };
        self.post(letter, format!("kept {hand} {by:?} {outcome:?}"));
    }

    pub fn letters_due(&self) -> usize {
        self.letters.iter().filter(|l| l.due.is_some_and(|due| due <= self.now)).count()
    }

    /// Letters were claimed; which of ours each is.
    pub fn collect(&mut self, claimed: &[ClaimedReceipt], n: usize) -> Result<Vec<usize>, Wrong> {
        let due = self.letters_due();
        if claimed.len() != due.min(n) {
            return Err(format!("{} receipts are claimed of {n}, {due} were due", claimed.len()));
        }
        let mut found = Vec::with_capacity(claimed.len());
        for receipt in claimed {
            let which = self.letter_of(receipt).ok_or_else(|| format!("not due, or never posted: {receipt:?}"))?;
            let now = self.now;
            let letter = &mut self.letters[which];
            letter.id = Some(receipt.id);
            letter.version += 1;
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
        let due = |l: &Letter| l.due.is_some_and(|due| due <= self.now);
        let fits = self.letters.iter().enumerate().filter(|(_, l)| due(l) && same(l));
        // Of equal answers that were kept, any is as good: the first is taken.
        fits.min_by_key(|(_, l)| (l.id.is_none(), l.due)).map(|(which, _)| which)
    }

    /// A claimed letter is applied; under a claim that has lapsed since, nothing happens.
    pub fn open(&mut self, which: usize, version: u64) {
        let letter = &mut self.letters[which];
        if letter.version != version || letter.due.is_none() {
            return;
        }
        letter.due = None;
        letter.version += 1;
        let letter = letter.clone();
        let known = self.by_reference.get(&letter.reference).copied();
        let Some((at, attempt)) = known.filter(|_| letter.readable) else { return };
        if self.batches[at.0].rows[at.1].lane == letter.lane {
            self.hear(at, Words { outcome: &letter.outcome, by: letter.by, attempt, asked: false });
        }
    }
}
