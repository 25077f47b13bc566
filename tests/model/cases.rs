//! What only people can settle, and how two of them do: one proposes, another confirms.

use super::acts::{Answer, ugx};
use super::lane::REISSUE_AFTER;
use super::news::Doubt;
use super::rules::*;
use gaba::clock::Time;
use gaba::payout::exception::Difference;
use gaba::store::Refusal;

/// One exception.
#[derive(Clone, Debug)]
pub struct Case {
    pub at: At,
    pub kind: &'static str,
    pub attempt: u32,
    pub words: String,
    /// By whom, and what.
    pub proposal: Option<(Person, Word)>,
    /// A verdict, or `answered`.
    pub resolution: Option<&'static str>,
}

impl Case {
    pub fn state(&self) -> &'static str {
        match (&self.resolution, &self.proposal) {
            (Some(_), _) => "resolved",
            (None, Some(_)) => "proposed",
            (None, None) => "open",
        }
    }

    fn freezes(&self) -> bool {
        self.resolution.is_none() && self.kind != "overdue"
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Person {
    Maker,
    Checker,
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    Paid,
    NotPaid,
    Reissue,
    Dismiss,
}

impl Say {
    pub const ALL: [Say; 4] = [Say::Paid, Say::NotPaid, Say::Reissue, Say::Dismiss];

    pub fn name(self) -> &'static str {
        match self {
            Say::Paid => "paid",
            Say::NotPaid => "not_paid",
            Say::Reissue => "reissue",
            Say::Dismiss => "dismiss",
        }
    }
}

/// What one person says of a case: a verdict, a note, and perhaps what proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub say: Say,
    pub note: u8,
    pub evidence: Option<u8>,
    pub transaction: Option<u8>,
    pub paid_amount: Option<i64>,
}

impl Word {
    /// Whoever confirms need not prove it again, but must not say something else.
    fn differs(self, earlier: Word) -> Option<Difference> {
        fn other<T: PartialEq>(given: Option<T>, theirs: Option<T>) -> bool {
            given.is_some() && given != theirs
        }
        match () {
            () if self.say != earlier.say => Some(Difference::Verdict),
            () if other(self.evidence, earlier.evidence) => Some(Difference::Evidence),
            () if other(self.transaction, earlier.transaction) => Some(Difference::TransactionId),
            () if self.paid_amount != earlier.paid_amount => Some(Difference::PaidAmount),
            () => None,
        }
    }
}

impl Model {
    /// Whether people have settled just this. What was found true is no news when it is said again; what was dismissed is
    /// news in other words; and of a row that is still out, what the provider says when asked is always news.
    pub fn is_settled(&self, at: At, doubt: &Doubt) -> bool {
        let same = |c: &&Case| c.at == at && c.kind == doubt.kind && c.attempt == doubt.attempt;
        let earlier: Vec<&Case> = self.cases.iter().filter(same).collect();
        let open = earlier.iter().any(|c| c.resolution.is_none());
        !open && !doubt.insists && earlier.iter().any(|c| c.resolution != Some("dismiss") || c.words == doubt.words)
    }

    pub fn open_case(&mut self, at: At, doubt: &Doubt) {
        let Doubt { kind, attempt, words, .. } = doubt.clone();
        let same = |c: &Case| c.at == at && c.kind == kind && c.attempt == attempt && c.resolution.is_none();
        if !self.cases.iter().any(same) {
            self.tell(format!("an exception {kind}"));
            self.cases.push(Case { at, kind, attempt, words, proposal: None, resolution: None });
        }
    }

    /// What was overdue and is answered needs nobody any more.
    pub fn answer_overdue(&mut self, at: At) {
        for case in self.cases.iter_mut().filter(|c| c.at == at && c.kind == "overdue" && c.resolution.is_none()) {
            case.resolution = Some("answered");
        }
    }

    /// Whether something of this batch is in doubt that keeps it open.
    pub fn in_doubt(&self, b: usize) -> bool {
        self.cases.iter().any(|c| c.at.0 == b && c.freezes())
    }

    /// One says what happened, or another confirms it. `label`: what somebody is called.
    pub fn resolve(&mut self, which: usize, by: Person, word: Word, label: impl Fn(Person) -> String) -> Answer {
        let say = word.say;
        let case = self.cases[which].clone();
        let sent = self.batches[case.at.0].rows[case.at.1].amount;
        // What was sent needs no saying.
        let given = word.paid_amount;
        let word = Word { paid_amount: given.filter(|paid| *paid != sent), ..word };
        let against = |(proposer, earlier): (Person, Word)| {
            let difference = word.differs(earlier)?;
            let (proposed, by) = (earlier.say.name().to_owned(), label(proposer));
            Some((difference, Answer::Refused(Refusal::VerdictDiffers { proposed, by, difference })))
        };
        if let Some(resolution) = case.resolution {
            if resolution != say.name() {
                return Answer::Refused(Refusal::InvalidState { state: "resolved".into() });
            }
            let Some((difference, refused)) = case.proposal.and_then(against) else { return Answer::Already };
            self.tell(format!("what is settled is said with another {}", difference.name()));
            return refused;
        }
        let fits = |paid: i64| paid > 0 && (case.kind, say) == ("mismatch", Say::Paid);
        if given.is_some_and(|paid| !fits(paid)) {
            return Answer::Refused(Refusal::PaidAmount(String::new()));
        }
        let row = &self.batches[case.at.0].rows[case.at.1];
        if !self.sensible(&case, say) {
            let possible = Say::ALL.into_iter().filter(|say| self.sensible(&case, *say)).map(Say::name);
            let possible = possible.collect::<Vec<_>>().join(", ");
            return Answer::Refused(Refusal::VerdictNotPossible { payout: row.stand.name().into(), possible });
        }
        let free_at = row.sent_at.map_or(0, |sent| sent + REISSUE_AFTER);
        if say == Say::Reissue && self.now < free_at {
            return Answer::Refused(Refusal::TooEarly { at: Time(free_at) });
        }
        match case.proposal {
            Some((other, earlier)) if other != by => {
                if let Some((difference, refused)) = against((other, earlier)) {
                    self.tell(format!("two differ in the {}", difference.name()));
                    return refused;
                }
                self.cases[which].resolution = Some(say.name());
                self.tell(format!("{} is settled as {}", case.kind, say.name()));
                self.carry_out(&case, earlier);
            }
            Some(before) if before == (by, word) => return Answer::Already,
            _ => self.cases[which].proposal = Some((by, word)),
        }
        Answer::Applied
    }

    fn sensible(&self, case: &Case, say: Say) -> bool {
        let row = &self.batches[case.at.0].rows[case.at.1];
        let contradicted = row.stand == Stand::Paid && self.has_paid(case);
        let known = matches!(row.stand, Stand::Accepted | Stand::Unknown) && case.attempt == row.attempt;
        match (case.kind, say) {
            ("overdue", Say::Dismiss) => false,
            (_, Say::Dismiss) | ("late_success", Say::Paid) => true,
            // What was corrected once, or came back, stands.
            ("mismatch", Say::Paid) if contradicted => row.paid_amount.is_none() && !row.reversed,
            ("mismatch", Say::Paid) => row.stand != Stand::Paid || !row.surplus.contains_key(&case.attempt),
            ("overdue" | "poison", Say::Paid) => row.stand.is_out(),
            ("mismatch" | "reversal", Say::NotPaid) if contradicted => true,
            ("overdue" | "mismatch" | "poison", Say::NotPaid | Say::Reissue) => known,
            _ => false,
        }
    }

    /// The attempt that a case speaks of is recorded as the one that paid.
    fn has_paid(&self, case: &Case) -> bool {
        let row = &self.batches[case.at.0].rows[case.at.1];
        row.attempts.get(case.attempt as usize - 1).is_some_and(|a| a.state == "succeeded")
    }

    fn carry_out(&mut self, case: &Case, Word { say, paid_amount, .. }: Word) {
        let (at, now) = (case.at, self.now);
        let frozen = self.cases.iter().any(|c| c.at == at && c.freezes());
        let cancelling = self.batches[at.0].phase == Phase::Cancelling;
        let has_paid = self.has_paid(case);
        self.row(at).frozen = frozen;
        self.row(at).judged = true;
        let mut row = self.row(at).clone();
        let before = row.stand;
        match say {
            Say::Paid if before == Stand::Paid && has_paid => self.came_otherwise(at, paid_amount),
            // What went out twice is claimed back elsewhere.
            Say::Paid if before == Stand::Paid => {
                let paid = paid_amount.unwrap_or(row.amount);
                self.tell(if paid == row.amount { "a surplus" } else { "a surplus of another amount" });
                self.row(at).surplus.entry(case.attempt).or_insert(paid);
            }
            Say::Paid => {
                row.stand = Stand::Paid;
                row.attempt = case.attempt;
                row.attempts[case.attempt as usize - 1].state = "succeeded";
                if before.is_over() {
                    self.set_aside_again(at);
                }
                self.change(at, row);
                self.came_otherwise(at, paid_amount);
            }
            Say::NotPaid if before == Stand::Paid && has_paid => self.came_back(at),
            Say::NotPaid => {
                row.retry_from = row.sent_at.map_or(0, |sent| sent + REISSUE_AFTER);
                row.stand = Stand::Failed;
                row.attempts.last_mut().unwrap().state = "failed";
                self.change(at, row);
            }
            Say::Reissue => {
                row.attempts.last_mut().unwrap().state = "failed";
                row.tries = 0;
                if cancelling && !frozen {
                    row.stand = Stand::Cancelled;
                } else {
                    row.stand = Stand::Queued;
                    row.due = Some(Due { what: What::Send, from: now, until: now });
                    row.begin_attempt();
                }
                self.change(at, row);
            }
            Say::Dismiss if before.is_over() => {}
            Say::Dismiss => {
                if before == Stand::Queued {
                    row.due = Some(Due { what: What::Send, from: now, until: now });
                    // What waits to be sent is given up with its batch, unless it is still in doubt.
                    if cancelling && !frozen {
                        row.stand = Stand::Cancelled;
                    }
                } else {
                    row.ask_at(now);
                }
                self.change(at, row);
            }
        }
        self.settle(at, before);
        self.ending.insert(at.0);
        self.end_act();
    }

    /// The money of a payout that was given up is taken again: from the wallet, or as a receivable if that is short.
    fn set_aside_again(&mut self, at: At) {
        let batch = &mut self.batches[at.0];
        let total = batch.rows[at.1].total;
        batch.reserved += total;
        batch.paid += total;
        let org = &mut self.orgs[batch.org];
        let short = org.wallet < total;
        if !short {
            org.wallet -= total;
        }
        self.tell(if short { "a correction as a receivable" } else { "a correction from the wallet" });
    }

    /// A payment was of another amount. What never left comes back to the wallet; what went out beyond the amount is not its.
    fn came_otherwise(&mut self, at: At, paid_amount: Option<i64>) {
        let row = self.row(at);
        let Some(paid) = paid_amount.filter(|paid| *paid != row.amount) else { return };
        row.paid_amount = Some(paid);
        row.version += 1;
        let never_left = (row.amount - paid).max(0);
        let org = self.batches[at.0].org;
        self.orgs[org].wallet += never_left;
        self.tell(if never_left > 0 { "less was paid" } else { "more was paid" });
    }

    /// A payment came back, once: the wallet gets what it was charged for it.
    fn came_back(&mut self, at: At) {
        let row = self.row(at);
        if !row.reversed {
            row.reversed = true;
            row.version += 1;
            let (amount, otherwise) = (row.came_to().min(row.amount), row.paid_amount.is_some());
            let org = self.batches[at.0].org;
            self.orgs[org].wallet += amount;
            if otherwise {
                self.tell("what was paid in another amount came back");
            }
        }
    }

    /// The failed are paid again, each under a new reference; all of them or none. Gives how many, and whom it skipped.
    pub fn retry(&mut self, b: usize, by: Person) -> Result<(usize, Vec<u32>), Answer> {
        let now = self.now;
        let batch = &mut self.batches[b];
        if !matches!(batch.phase, Phase::Running | Phase::Completed) {
            return Err(Answer::Refused(Refusal::InvalidState { state: batch.phase.name().into() }));
        }
        if batch.is_of(by) {
            return Err(Answer::Refused(Refusal::SelfApproval));
        }
        let failed = |row: &&mut Row| row.stand == Stand::Failed;
        // In doubt, or found unpaid while the provider may still act on it.
        let left = |row: &Row| row.frozen || row.retry_from > now;
        let skipped = batch.rows.iter_mut().filter(failed).filter(|r| left(r)).map(|r| r.number).collect();
        let needed: i64 = batch.rows.iter_mut().filter(failed).filter(|r| !left(r)).map(|r| r.total).sum();
        let org = &mut self.orgs[batch.org];
        if org.wallet < needed {
            let available = ugx(org.wallet);
            return Err(Answer::Refused(Refusal::InsufficientFunds { available, needed: ugx(needed) }));
        }
        org.wallet -= needed;
        batch.reserved += needed;
        batch.held += needed;
        let mut retried = 0;
        for row in batch.rows.iter_mut().filter(failed).filter(|r| !left(r)) {
            row.stand = Stand::Queued;
            row.due = Some(Due { what: What::Send, from: now, until: now });
            row.begin_attempt();
            row.first_attempt = row.attempt;
            (row.version, row.claims, row.tries) = (row.version + 1, 0, 0);
            retried += 1;
        }
        if retried > 0 {
            batch.phase = Phase::Running;
            self.tell("a retry");
        }
        Ok((retried, skipped))
    }
}
