//! What people may do with a batch, and what comes of it.

use super::cases::Person;
use super::list::Standing;
use super::rules::*;
use gaba::money::{Currency, Money};
use gaba::store::Refusal;

/// What an act answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Applied,
    Already,
    Refused(Refusal),
    Fenced,
    NotFound,
    /// The database refuses it.
    Rejected,
}

pub fn ugx(minor: i64) -> Money {
    Money::new(minor, Currency::Ugx)
}

/// Most that a wallet holds, what is set aside included.
const WALLET_MAX: i64 = 1_000_000_000_000_000;

impl Model {
    fn phase(&self, b: usize) -> Phase {
        self.batches[b].phase
    }

    pub fn refuse(&self, b: usize) -> Answer {
        Answer::Refused(Refusal::InvalidState { state: self.phase(b).name().into() })
    }

    pub fn fund(&mut self, org: usize, amount: i64, reference: u32) -> Answer {
        let of = self.batches.iter().filter(|b| b.org == org);
        let held: i64 = of.map(|b| b.held).sum();
        let org = &mut self.orgs[org];
        if amount <= 0 {
            return Answer::Refused(Refusal::Invalid(String::new()));
        }
        if org.references.contains(&reference) {
            return Answer::Refused(Refusal::ReferenceUsed(format!("bank-{reference}")));
        }
        if org.wallet + held + amount > WALLET_MAX {
            return Answer::Refused(Refusal::Invalid(String::new()));
        }
        org.references.insert(reference);
        org.wallet += amount;
        Answer::Applied
    }

    pub fn submit(&mut self, b: usize, by: Person, exclude: bool) -> Answer {
        let batch = &mut self.batches[b];
        let invalid = batch.lines_that(Standing::Refused);
        match batch.phase {
            Phase::Awaiting => Answer::Already,
            // Corrected, and nobody has reckoned since what would be approved.
            Phase::Ready if batch.digest.is_none() => {
                self.tell("a list is submitted without a digest");
                Answer::Fenced
            }
            Phase::Ready if batch.rows.is_empty() => Answer::Refused(Refusal::NothingToPay),
            Phase::Ready if invalid > 0 && !exclude => Answer::Refused(Refusal::RowsInvalid { invalid }),
            Phase::Ready => {
                (batch.phase, batch.rejection, batch.submitted_by) = (Phase::Awaiting, None, Some(by));
                Answer::Applied
            }
            _ => self.refuse(b),
        }
    }

    pub fn reject(&mut self, b: usize, reason: &str) -> Answer {
        let batch = &mut self.batches[b];
        match batch.phase {
            Phase::Ready if batch.rejection.as_deref() == Some(reason) => Answer::Already,
            Phase::Awaiting => {
                (batch.phase, batch.rejection) = (Phase::Ready, Some(reason.to_owned()));
                Answer::Applied
            }
            _ => self.refuse(b),
        }
    }

    pub fn withdraw(&mut self, b: usize) -> Answer {
        let batch = &mut self.batches[b];
        match batch.phase {
            Phase::Ready => Answer::Already,
            Phase::Awaiting => {
                batch.phase = Phase::Ready;
                self.tell("a list is withdrawn");
                Answer::Applied
            }
            _ => self.refuse(b),
        }
    }

    /// `seen`: whoever approves has seen the organisation's other lists as they stand.
    pub fn approve(&mut self, b: usize, by: Person, digest: &str, seen: bool, key: Option<u8>) -> Answer {
        let now = self.now;
        let batch = &mut self.batches[b];
        if key.is_some_and(|key| batch.keys.contains(&(by, key))) {
            return Answer::Already;
        }
        if batch.phase != Phase::Awaiting {
            return self.refuse(b);
        }
        if batch.is_of(by) {
            return Answer::Refused(Refusal::SelfApproval);
        }
        if batch.digest.as_deref() != Some(digest) {
            let (current, known) = (batch.digest.clone().unwrap_or_default(), batch.was(digest));
            if known {
                self.tell("an approval of what was corrected since");
            }
            return Answer::Refused(Refusal::DigestMismatch { current });
        }
        if !seen {
            return Answer::Fenced;
        }
        let (needed, org) = (batch.needs(), &mut self.orgs[batch.org]);
        if org.wallet < needed {
            let available = ugx(org.wallet);
            return Answer::Refused(Refusal::InsufficientFunds { available, needed: ugx(needed) });
        }
        org.wallet -= needed;
        batch.reserved += needed;
        batch.held += needed;
        batch.keys.extend(key.map(|key| (by, key)));
        let later = batch.scheduled_at.filter(|at| *at > now);
        (batch.phase, batch.due) = (if later.is_some() { Phase::Scheduled } else { Phase::Running }, later);
        Answer::Applied
    }

    pub fn pause(&mut self, b: usize) -> Answer {
        match self.phase(b) {
            Phase::Paused => Answer::Already,
            Phase::Running => {
                self.batches[b].phase = Phase::Paused;
                Answer::Applied
            }
            _ => self.refuse(b),
        }
    }

    pub fn resume(&mut self, b: usize) -> Answer {
        match self.phase(b) {
            Phase::Running | Phase::Completed => Answer::Already,
            Phase::Paused => {
                self.batches[b].phase = Phase::Running;
                self.close(b);
                Answer::Applied
            }
            _ => self.refuse(b),
        }
    }

    pub fn cancel(&mut self, b: usize) -> Answer {
        let now = self.now;
        let batch = &mut self.batches[b];
        match batch.phase {
            Phase::Cancelling | Phase::Cancelled => Answer::Already,
            // Nothing was sent: the money goes back as a whole.
            Phase::Ready | Phase::Awaiting | Phase::Scheduled => {
                (batch.phase, batch.due) = (Phase::Cancelled, Some(now));
                self.orgs[batch.org].wallet += batch.held;
                batch.released += batch.held;
                batch.held = 0;
                Answer::Applied
            }
            Phase::Running | Phase::Paused => {
                (batch.phase, batch.due) = (Phase::Cancelling, Some(now));
                Answer::Applied
            }
            _ => self.refuse(b),
        }
    }

    /// Everything starts whose time has come.
    pub fn start_scheduled(&mut self) -> bool {
        let mut started = false;
        for (b, batch) in self.batches.iter_mut().enumerate() {
            if batch.phase == Phase::Scheduled && batch.due.is_some_and(|due| due <= self.now) {
                (batch.phase, batch.due) = (Phase::Running, None);
                self.touched.insert(b);
                started = true;
            }
        }
        started
    }

    /// The cancelled batch that a sweep takes next.
    pub fn to_sweep(&self) -> Option<usize> {
        let swept = |batch: &Batch| matches!(batch.phase, Phase::Cancelling | Phase::Cancelled);
        let due = self.batches.iter().enumerate().filter(|(_, batch)| swept(batch));
        due.filter_map(|(b, batch)| Some((batch.due.filter(|due| *due <= self.now)?, b))).min().map(|(_, b)| b)
    }

    /// Rows of a cancelled batch that were never sent, or surely not, and that nobody has to decide about.
    pub fn sweepable(&self, b: usize) -> Vec<usize> {
        let may = |row: &Row| row.stand == Stand::Queued && !row.frozen;
        let rows = self.batches[b].rows.iter().enumerate();
        rows.filter(|(_, row)| may(row)).map(|(r, _)| r).collect()
    }

    /// The sweep took these rows, of at most `n`.
    pub fn sweep(&mut self, b: usize, taken: &[usize], n: usize) {
        for &r in taken {
            let cancelling = self.phase(b) == Phase::Cancelling;
            let row = self.row((b, r));
            (row.stand, row.due) = (Stand::Cancelled, None);
            row.version += 1;
            if cancelling {
                self.settle((b, r), Stand::Queued);
            }
        }
        self.touched.insert(b);
        if taken.len() < n {
            self.batches[b].due = None;
        }
        self.ending.insert(b);
        self.end_act();
    }
}
