//! What a payout makes of what it hears, by the rules of the design: only a confirmation pays, only a definitive failure
//! of the reference that is out ends it, everything else keeps the money held and asks.

use super::lane::*;
use super::rules::*;
use gaba::rail::{Executed, Outcome, Payment};

/// Words about one attempt.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub outcome: &'a Outcome,
    pub by: By,
    pub attempt: u32,
    /// They answer a question of our own, under the claim that asked it.
    pub asked: bool,
}

/// What only people can settle, as it is first told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub kind: &'static str,
    pub attempt: u32,
    /// Equal for equal words.
    pub words: String,
    /// The provider says so when it is asked about a row that is still out.
    pub insists: bool,
}

/// What hearing something comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    /// Something changed, be it only when it is asked about next.
    Changed,
    /// It says what two people have settled already.
    Settled,
}

impl Model {
    /// A payout hears something.
    pub fn hear(&mut self, at: At, words: Words<'_>) -> Heard {
        let (now, lane_is_well) = (self.now, self.lane_is_well);
        let cancelling = self.batches[at.0].phase == Phase::Cancelling;
        let row = self.row(at);
        let (before, row_claims, row_deaths) = (row.stand, row.claims, row.deaths);
        let Some((heard, doubt)) = listen(row, words, now, lane_is_well, cancelling) else { return Heard::Nothing };
        if doubt.as_ref().is_some_and(|doubt| self.is_settled(at, doubt)) {
            self.tell("what was settled is said again");
            return Heard::Settled;
        }
        let deaths = match words.outcome {
            _ if !words.asked => row_deaths,
            Outcome::Unknown { reason } if reason.code == "panic" => row_deaths + row_claims,
            _ => 0,
        };
        self.change(at, heard);
        self.row(at).deaths = deaths;
        if let Some(doubt) = doubt {
            self.open_case(at, &doubt);
        }
        self.settle(at, before);
        Heard::Changed
    }

    /// A row is recorded as it stands from now on.
    pub fn change(&mut self, at: At, heard: Row) {
        let row = self.row(at);
        let ended = |row: &Row| row.attempts.iter().filter(|a| a.state != "open").count();
        let ends = ended(&heard) > ended(row);
        *row = heard;
        row.version += 1;
        (row.claims, row.deaths) = (0, 0);
        if row.stand.is_over() {
            row.due = None;
        }
        if ends {
            self.answer_overdue(at);
        }
    }
}

/// What a row would be after it heard something, and what only people can settle about that; `None` when it stays.
pub fn listen(
    row: &Row,
    words: Words<'_>,
    now: Micros,
    lane_is_well: bool,
    cancelling: bool,
) -> Option<(Row, Option<Doubt>)> {
    let mut ear = Ear { row: row.clone(), now, lane_is_well, cancelling, doubt: None };
    if !ear.hear(words) {
        return None;
    }
    let insists = words.asked && words.by == By::Query && !row.stand.is_over() && words.attempt == row.attempt;
    let doubt = ear.doubt.map(|(kind, words_of)| Doubt { kind, attempt: words.attempt, words: words_of, insists });
    Some((ear.row, doubt))
}

struct Ear {
    row: Row,
    now: Micros,
    lane_is_well: bool,
    cancelling: bool,
    doubt: Option<(&'static str, String)>,
}

impl Ear {
    fn hear(&mut self, words: Words<'_>) -> bool {
        let present = words.attempt == self.row.attempt;
        if words.by == By::Hint {
            let waits = present && matches!(self.row.stand, Stand::Accepted | Stand::Unknown);
            if waits {
                self.row.ask_at(self.now);
            }
            return waits;
        }
        match words.outcome {
            Outcome::Paid(payment) => self.confirmed(payment, words.by, present),
            Outcome::Failed { .. } if present && self.row.stand == Stand::Paid && words.by != By::Answer => {
                self.taken_back()
            }
            _ if !present || !self.row.stand.is_out() => false,
            outcome if self.row.frozen => {
                self.noted(outcome);
                true
            }
            _ => {
                self.answered(words);
                true
            }
        }
    }

    fn confirmed(&mut self, payment: &Payment, by: By, present: bool) -> bool {
        let other = self.other_money(payment);
        let row = &mut self.row;
        let paid = present && row.stand == Stand::Paid;
        if paid && (row.frozen || other.is_none()) {
            return false;
        }
        let expected = present && row.stand.is_out() && !row.frozen;
        if expected && other.is_none() {
            if by == By::Receipt && (payment.amount_minor.is_none() || payment.msisdn.is_none()) {
                self.wait();
                self.row.ask_at(self.now);
                return true;
            }
            row.stand = Stand::Paid;
            row.attempts.last_mut().unwrap().state = "succeeded";
            return true;
        }
        // Money that contradicts what we recorded: a person decides, nothing moves.
        self.doubt = Some(match other {
            Some(other) if expected || paid || row.frozen => ("mismatch", other),
            _ => ("late_success", format!("{:?} {:?} {}", payment.transaction_id, row.stand, row.attempt)),
        });
        let ask = row.stand.is_out() && !present && !row.frozen;
        if row.stand == Stand::Sending {
            row.stand = Stand::Unknown;
        }
        (row.frozen, row.reached, row.due) = (true, true, None);
        if ask {
            row.ask_at(self.now);
        }
        true
    }

    /// The money that was confirmed, if it is not what we sent.
    fn other_money(&self, payment: &Payment) -> Option<String> {
        let amount = payment.amount_minor.filter(|minor| *minor != self.row.amount).map(|minor| minor.to_string());
        amount.or_else(|| payment.msisdn.clone().filter(|msisdn| *msisdn != self.row.msisdn))
    }

    /// A payment that was confirmed is said to have failed.
    fn taken_back(&mut self) -> bool {
        if self.row.frozen {
            return false;
        }
        self.doubt = Some(("reversal", String::new()));
        (self.row.frozen, self.row.reached) = (true, true);
        true
    }

    /// A frozen payout keeps its state whatever it hears, and is asked about until the provider has an end to tell.
    fn noted(&mut self, outcome: &Outcome) {
        self.row.tries += 1;
        self.row.ask_later(self.now);
        if matches!(outcome, Outcome::Failed { .. }) {
            self.row.due = None;
        }
    }

    fn answered(&mut self, words: Words<'_>) {
        let first = self.row.stand == Stand::Sending;
        match words.outcome {
            Outcome::Accepted { .. } => {
                (self.row.denials, self.row.denied_at) = (0, None);
                if first {
                    (self.row.stand, self.row.tries, self.row.reached) = (Stand::Accepted, 0, true);
                    self.row.ask_later(self.now);
                } else {
                    self.wait();
                }
            }
            // Only this request was refused; what was sent before under the same reference may have arrived.
            Outcome::Failed { .. } if words.by == By::Answer && self.row.reached => self.wait(),
            Outcome::Failed { retryable, .. } => self.ended(*retryable),
            Outcome::NotSent { .. } | Outcome::LaneBlocked { executed: Executed::No, .. } => {
                if words.by == By::Answer && first && !self.row.reached {
                    self.unsent();
                } else {
                    self.wait();
                }
            }
            Outcome::NotFound if words.by == By::Query && self.row.stand == Stand::Unknown => self.denied(),
            Outcome::NotFound | Outcome::Unknown { .. } | Outcome::LaneBlocked { .. } => self.wait(),
            Outcome::Paid(_) => unreachable!("a confirmation is heard elsewhere"),
        }
    }

    /// Nothing definitive: the money stays held, the provider is asked later; after long, a person is told as well.
    fn wait(&mut self) {
        let row = &mut self.row;
        if row.stand == Stand::Sending {
            (row.stand, row.tries) = (Stand::Unknown, 0);
        } else {
            row.tries += 1;
        }
        row.reached = true;
        row.ask_later(self.now);
        if row.intended_at.is_some_and(|at| self.now - at >= OVERDUE_AFTER) {
            row.ask_at(self.now + OVERDUE_POLL);
            self.doubt = Some(("overdue", String::new()));
        }
    }

    fn ended(&mut self, retryable: bool) {
        let row = &mut self.row;
        row.attempts.last_mut().unwrap().state = "failed";
        row.tries = 0;
        let tries = row.attempt - row.first_attempt + 1;
        if !retryable || tries >= ATTEMPTS_MAX {
            row.stand = Stand::Failed;
        } else if self.cancelling {
            row.stand = Stand::Cancelled;
        } else {
            self.queue_after(tries - 1);
            self.row.begin_attempt();
        }
    }

    fn unsent(&mut self) {
        if self.cancelling {
            self.row.stand = Stand::Cancelled;
        } else {
            self.queue_after(self.row.tries);
        }
        self.row.tries += 1;
    }

    /// Doubling from the shortest wait to the longest, up to as much again by chance.
    fn queue_after(&mut self, step: u32) {
        let wait = (BACKOFF_MIN << step.min(20)).min(BACKOFF_MAX);
        self.row.stand = Stand::Queued;
        self.row.due = Some(Due { what: What::Send, from: self.now + wait, until: self.now + 2 * wait });
    }

    /// The provider does not know the reference. Denials in quick succession count as one.
    fn denied(&mut self) {
        let row = &mut self.row;
        let counts = row.denied_at.is_none_or(|at| self.now - at >= POLL_AFTER[0]);
        if counts {
            row.denials += 1;
            row.denied_at = Some(self.now);
        }
        if counts && row.may_resend(self.now, self.lane_is_well) {
            row.reached = true;
            row.due = Some(Due { what: What::Send, from: 0, until: 0 });
        } else {
            self.wait();
        }
    }
}
