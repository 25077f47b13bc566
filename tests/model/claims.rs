//! Which rows may be claimed, and what a claim makes of them.

use super::lane::*;
use super::news::Doubt;
use super::rules::*;
use crate::support::walks::Wrong;
use gaba::payout::{Enquiry, Submission};

/// What a lane has to send now.
pub struct Offers {
    /// May be claimed; `true` where it must be, if there is room.
    pub sends: Vec<(At, bool)>,
    /// Resends whose rule no longer holds: whoever comes to claim one asks instead.
    pub asks: Vec<At>,
}

impl Model {
    pub fn offers(&self, lane: &str) -> Offers {
        let mut offers = Offers { sends: Vec::new(), asks: Vec::new() };
        let due = |row: &Row| row.lane == lane && !row.frozen && row.is_due(What::Send, self.now);
        for (at, batch, row) in self.rows().filter(|(_, _, row)| due(row)) {
            match row.stand {
                Stand::Queued if batch.phase == Phase::Running => {
                    offers.sends.push((at, row.due.is_some_and(|due| due.until <= self.now)));
                }
                Stand::Unknown if batch.phase.is_live() && !self.letter_waits(row) => {
                    let holds = batch.phase == Phase::Running && row.may_resend(self.now, self.lane_is_well);
                    if holds { offers.sends.push((at, true)) } else { offers.asks.push(at) }
                }
                _ => {}
            }
        }
        offers
    }

    fn letter_waits(&self, row: &Row) -> bool {
        let Some(attempt) = row.attempts.last() else { return false };
        self.letters.iter().any(|l| l.due.is_some() && l.reference == attempt.reference)
    }

    /// Rows that are due to be asked about, whatever their batch does, but for those that others may have died of.
    pub fn questions(&self, lane: &str) -> Vec<At> {
        let due = |row: &Row| row.lane == lane && row.is_due(What::Ask, self.now) && !row.is_suspect();
        self.rows().filter(|(_, _, row)| due(row)).map(|(at, _, _)| at).collect()
    }

    /// The suspect that is asked about next, alone of its kind over all lanes; any of these, if several fell due together.
    /// Those that killed too often are put aside before.
    pub fn suspects(&mut self, lane: &str) -> Vec<At> {
        let now = self.now;
        let of_lane = |row: &Row| row.lane == lane && row.is_suspect();
        let in_hand = |row: &Row| {
            row.claims > 0 && row.claims + row.deaths > SUSPECT && row.due.is_some_and(|due| due.from > now)
        };
        if !self.is_steady() || self.rows().any(|(_, _, row)| row.is_suspect() && in_hand(row)) {
            return Vec::new();
        }
        loop {
            let due = self.rows().filter(|(_, _, row)| of_lane(row) && row.is_due(What::Ask, now));
            let mut due: Vec<_> = due
                .map(|(at, _, row)| ((row.due.map(|due| due.from), row.number), at, row.claims + row.deaths))
                .collect();
            due.sort();
            let Some(&(first, at, deaths)) = due.first() else { return Vec::new() };
            if deaths < DEATHS_MAX {
                return due.into_iter().take_while(|(key, _, _)| *key == first).map(|(_, at, _)| at).collect();
            }
            self.put_aside(at);
        }
    }

    /// Nothing is done with this row any more until two people have said what.
    fn put_aside(&mut self, at: At) {
        let row = self.row(at);
        if row.stand == Stand::Sending {
            row.stand = Stand::Unknown;
        }
        (row.reached, row.frozen, row.due) = (true, true, None);
        (row.version, row.claims, row.deaths) = (row.version + 1, 0, 0);
        let attempt = row.attempt;
        self.open_case(at, &Doubt { kind: "poison", attempt, words: String::new(), insists: true });
    }

    /// Whether what was claimed is what might be, and as much of it as there was room for.
    pub fn claimed(&self, offers: &Offers, claimed: &[At], n: usize) -> Result<(), Wrong> {
        if let Some(at) = claimed.iter().find(|at| !offers.sends.iter().any(|(offered, _)| offered == *at)) {
            return Err(format!("{at:?} was claimed to be sent and may not be: {:?}", self.batches[at.0].rows[at.1]));
        }
        let must = offers.sends.iter().filter(|(_, must)| *must).count().min(n);
        if claimed.len() < must || claimed.len() > n {
            return Err(format!("{} rows were claimed of {n}, at least {must} were due", claimed.len()));
        }
        let forgotten = offers.sends.iter().find(|(at, must)| *must && claimed.len() < n && !claimed.contains(at));
        forgotten.map_or(Ok(()), |(at, _)| Err(format!("{at:?} was due to be sent and is not claimed")))
    }

    /// A row is claimed to be sent: its intent is written.
    pub fn send(&mut self, at: At, claimed: &Submission) -> Result<(), Wrong> {
        let now = self.now;
        let row = self.row(at);
        let (reference, request) = (claimed.reference, claimed.request.body.clone());
        let (before, mut again) = (row.stand, false);
        match row.attempts.get_mut(row.attempt as usize - 1) {
            Some(before) if before.reference != reference || before.request != request => {
                return Err(format!("attempt {} of {at:?} is sent again as something else", row.attempt));
            }
            Some(before) => {
                before.sends += 1;
                again = true;
            }
            None => row.attempts.push(Attempt { reference, request, state: "open", sends: 1 }),
        }
        row.stand = Stand::Sending;
        row.version += 1;
        row.claims += 1;
        row.intended_at.get_or_insert(now);
        row.sent_at = Some(now);
        (row.denials, row.denied_at) = (0, None);
        row.ask_at(now + LEASE);
        let attempt = row.attempt;
        if again && before == Stand::Unknown {
            self.tell("a resend");
        }
        let known = self.by_reference.insert(reference, (at, attempt));
        match known {
            Some(other) if other != (at, attempt) => Err(format!("{at:?} and {other:?} share a reference")),
            _ => Ok(()),
        }
    }

    /// A resend that came too late, or of a batch that does not run, is asked about instead. When only that its batch is
    /// cancelled speaks against it, two people need not wait until it is overdue.
    pub fn ask_instead(&mut self, at: At) {
        let (now, lane_is_well) = (self.now, self.lane_is_well);
        let cancelling = self.batches[at.0].phase == Phase::Cancelling;
        self.tell("a resend that is asked about instead");
        if cancelling && self.row(at).may_resend(now, lane_is_well) {
            let attempt = self.row(at).attempt;
            let words = "cancelled".to_owned();
            self.open_case(at, &Doubt { kind: "overdue", attempt, words, insists: true });
        }
        let row = self.row(at);
        row.version += 1;
        row.ask_later(now);
    }

    /// Rows are asked about in the order in which they fell due.
    pub fn asked(&self, questions: &[At], suspects: &[At], claimed: &[At], n: usize) -> Result<(), Wrong> {
        let (alone, claimed): (Vec<At>, Vec<At>) = claimed.iter().partition(|at| suspects.contains(at));
        if alone.len() != usize::from(!suspects.is_empty()) {
            return Err(format!("{alone:?} are asked about of the suspects {suspects:?}"));
        }
        let n = n - alone.len();
        let due = |at: &At| self.batches[at.0].rows[at.1].due.map(|due| due.from);
        if let Some(at) = claimed.iter().find(|at| !questions.contains(at)) {
            return Err(format!("{at:?} is asked about and is not due: {:?}", self.batches[at.0].rows[at.1]));
        }
        if claimed.len() != questions.len().min(n) {
            return Err(format!("{} rows are asked about, {} of {n} were due", claimed.len(), questions.len()));
        }
        let last = claimed.iter().map(due).max();
        let earlier = questions.iter().find(|at| !claimed.contains(at) && Some(due(at)) < last);
        earlier.map_or(Ok(()), |at| Err(format!("{at:?} fell due before another that is asked about")))
    }

    /// A row is claimed to be asked about. One whose claim lapsed while it was sent is unknown from now on.
    pub fn ask(&mut self, at: At, claimed: &Enquiry) -> Result<(), Wrong> {
        let now = self.now;
        let row = self.row(at);
        if row.stand == Stand::Sending {
            row.stand = Stand::Unknown;
        }
        row.reached = true;
        row.version += 1;
        row.claims += 1;
        row.ask_at(now + LEASE);
        match row.attempts.last() {
            Some(attempt) if attempt.reference == claimed.reference => Ok(()),
            other => Err(format!("{at:?} is asked about as {}, it was sent as {other:?}", claimed.reference)),
        }
    }
}
