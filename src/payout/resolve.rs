//! What follows from what was observed: the pure heart of the engine.
//!
//! [`decide`] takes a payout as it stands and one observation, and answers with the [`Change`] to record, or with
//! nothing. The rules, in the order of their weight:
//!
//! 1. Only a confirmation pays; only a *definitive* failure of the reference in question releases or opens a new
//!    attempt. Everything else leaves the hold and asks the provider.
//! 2. A new reference is made only when the present one has definitively ended ([`Change::new_attempt`]).
//! 3. An unknown payout is sent again only under its own reference, and only by `may_resend`.
//! 4. Money that contradicts what we recorded is never flipped silently: the payout is frozen and an exception opened.
//!
//! Time, chance (jitter) and the breaker's position are arguments, so every rule is tested without a database.

use super::exception::Kind as ExceptionKind;
use super::{Action, Payout, State, attempt::AttemptState, backoff};
use crate::clock::Time;
use crate::config::LaneConfig;
use crate::faults::{Guard, stands};
use crate::rail::{Executed, Outcome, Payment, Reason};
use std::time::Duration;

/// Where an observation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The answer to the transfer request itself.
    Submit,
    /// The answer to a status query.
    Query,
    /// A verified receipt.
    Receipt,
    /// A receipt that nobody vouches for.
    Hint,
}

/// One observation about one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    pub outcome: &'a Outcome,
    pub source: Source,
    /// The attempt whose reference it speaks of.
    pub attempt: u32,
    pub at: Time,
}

/// What else a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    pub lane: &'a LaneConfig,
    /// Or open, and about to let one transfer through to see whether the provider is back.
    pub breaker_closed: bool,
    /// Seed of the backoff's jitter.
    pub seed: u64,
}

/// The change to record. What it does to money follows from the states: to `paid` the hold goes to settlement, to
/// `failed` it goes back to the wallet, else it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub to: State,
    /// What is due next, and when; `None` when nothing is left to do.
    pub next: Option<(Action, Time)>,
    /// How the present attempt ended; `None` leaves it as it is.
    pub attempt: Option<AttemptState>,
    /// The next send is a new attempt under a new reference.
    pub new_attempt: bool,
    pub step: u32,
    pub exposed: bool,
    pub not_found: u32,
    pub not_found_at: Option<Time>,
    pub reason: Option<Reason>,
    pub transaction_id: Option<String>,
    pub exception: Option<ExceptionKind>,
    /// What whoever settles the exception must know.
    pub detail: Option<String>,
}

/// How often a payout that is overdue is still asked about.
const OVERDUE_POLL: Duration = Duration::from_secs(3600);

/// A resend is due before everything that was never sent: the longer it waits, the less the provider remembers.
const RESEND_FIRST: Time = Time(0);

/// Decides what follows. `None`: nothing changes (a replay, a hint, news of no consequence).
pub fn decide(payout: &Payout, seen: Observation<'_>, when: Conditions<'_>) -> Option<Change> {
    if seen.source == Source::Hint && stands(Guard::ReceiptVerified) {
        return hint(payout, seen);
    }
    let paid = matches!(seen.outcome, Outcome::Paid(_));
    if payout.frozen && stands(Guard::FrozenStays) {
        return frozen(payout, paid, seen, when);
    }
    let late_success =
        || (paid && stands(Guard::LateSuccess)).then(|| exception(payout, ExceptionKind::LateSuccess, seen));
    if seen.attempt != payout.attempt && stands(Guard::NewsOfAttempt) {
        return late_success();
    }
    match payout.state {
        State::Paid => contradicted(payout, seen),
        // A queued payout has nothing on the wire under its present reference, or surely nothing that arrived: a payment
        // contradicts that as it contradicts a failure.
        State::Failed | State::Cancelled | State::Queued => late_success(),
        State::Sending | State::Accepted | State::Unknown => Some(in_flight(payout, seen, when)),
    }
}

/// A repeat of the confirmation is nothing new; one that names other money, or takes it back, contradicts what we recorded.
fn contradicted(payout: &Payout, seen: Observation<'_>) -> Option<Change> {
    let payment = match seen.outcome {
        Outcome::Paid(payment) => payment,
        // That a request was refused says nothing about the one before it.
        Outcome::Failed { reason, .. } if seen.source != Source::Submit => {
            let detail = format!("the provider says of a payment it had confirmed: {}", reason.message);
            return Some(Change { detail: Some(detail), ..exception(payout, ExceptionKind::Reversal, seen) });
        }
        _ => return None,
    };
    let difference = mismatch(payout, payment)?;
    Some(Change { detail: Some(difference), ..exception(payout, ExceptionKind::Mismatch, seen) })
}

fn in_flight(payout: &Payout, seen: Observation<'_>, when: Conditions<'_>) -> Change {
    match seen.outcome {
        Outcome::Paid(payment) => paid(payout, payment, seen, when),
        Outcome::Accepted { .. } if !stands(Guard::AcceptedIsNotPaid) => {
            Change { to: State::Paid, attempt: Some(AttemptState::Succeeded), ..Change::unchanged(payout) }
        }
        Outcome::Accepted { .. } => accepted(payout, seen, when),
        Outcome::Failed { reason, retryable } => failed(payout, reason, *retryable, seen, when),
        Outcome::NotSent { reason } => not_sent(payout, reason, seen, when),
        Outcome::Unknown { reason } if !stands(Guard::UnknownIsAsked) => failed(payout, reason, true, seen, when),
        Outcome::Unknown { reason } if !stands(Guard::HoldKept) => failed(payout, reason, false, seen, when),
        Outcome::Unknown { reason } => ask(payout, Some(reason.clone()), seen, when),
        Outcome::NotFound => not_found(payout, seen, when),
        Outcome::LaneBlocked { reason, executed } => match executed {
            Executed::No => not_sent(payout, reason, seen, when),
            Executed::Perhaps => ask(payout, Some(reason.clone()), seen, when),
        },
    }
}

impl Change {
    /// The payout as it stands, to be changed field by field.
    pub fn unchanged(payout: &Payout) -> Change {
        Change {
            to: payout.state,
            next: None,
            attempt: None,
            new_attempt: false,
            step: payout.step,
            exposed: payout.exposed,
            not_found: payout.not_found,
            not_found_at: payout.not_found_at,
            reason: None,
            transaction_id: None,
            exception: None,
            detail: None,
        }
    }
}

fn paid(payout: &Payout, payment: &Payment, seen: Observation<'_>, when: Conditions<'_>) -> Change {
    if let Some(difference) = mismatch(payout, payment).filter(|_| stands(Guard::ReceiptMatches)) {
        return Change { detail: Some(difference), ..exception(payout, ExceptionKind::Mismatch, seen) };
    }
    let complete = payment.amount_minor.is_some() && payment.msisdn.is_some();
    if seen.source == Source::Receipt && !complete {
        // A success that does not say whom and how much is confirmed by a query before it counts.
        return Change { next: Some((Action::Query, seen.at)), ..ask(payout, None, seen, when) };
    }
    Change {
        to: State::Paid,
        attempt: Some(AttemptState::Succeeded),
        step: 0,
        transaction_id: payment.transaction_id.clone(),
        ..Change::unchanged(payout)
    }
}

/// What the provider confirmed that differs from what we sent, in words.
fn mismatch(payout: &Payout, payment: &Payment) -> Option<String> {
    if let Some(minor) = payment.amount_minor.filter(|&m| m != payout.amount.minor) {
        let said = crate::money::Money::new(minor, payout.amount.currency);
        return Some(format!("the provider paid {}, we sent {}", said.display(), payout.amount.display()));
    }
    if let Some(currency) = payment.currency.filter(|&c| c != payout.amount.currency) {
        return Some(format!("the provider paid in {currency}, we sent {}", payout.amount.display()));
    }
    if let Some(other) = payment.msisdn.as_deref().filter(|&m| m != payout.msisdn.as_str()) {
        return Some(format!("the provider paid {other}, we sent to {}", payout.msisdn));
    }
    // MTN's answers name no reference: that they speak of this payout only its own reference says.
    let other = payment.payout_id.as_deref().filter(|&id| id.parse() != Ok(payout.id))?;
    Some(format!("the provider speaks of payout {other}, we asked about {}", payout.id))
}

fn accepted(payout: &Payout, seen: Observation<'_>, when: Conditions<'_>) -> Change {
    if payout.state != State::Sending {
        // It knows the reference: whoever said otherwise before was behind.
        return Change { not_found: 0, not_found_at: None, ..ask(payout, None, seen, when) };
    }
    Change {
        to: State::Accepted,
        next: Some((Action::Query, seen.at + poll_after(when.lane, 0))),
        step: 0,
        exposed: true,
        not_found: 0,
        not_found_at: None,
        ..Change::unchanged(payout)
    }
}

fn failed(payout: &Payout, reason: &Reason, retryable: bool, seen: Observation<'_>, when: Conditions<'_>) -> Change {
    if seen.source == Source::Submit && payout.exposed && stands(Guard::ResendRefused) {
        // Only this request was refused; an earlier send of the same reference may have gone through.
        return ask(payout, Some(reason.clone()), seen, when);
    }
    let ended = Change {
        attempt: Some(AttemptState::Failed),
        reason: Some(reason.clone()),
        step: 0,
        ..Change::unchanged(payout)
    };
    if !retryable || payout.tries() >= when.lane.attempts_max {
        return Change { to: State::Failed, ..ended };
    }
    let wait = backoff::delay(payout.tries() - 1, when.lane.backoff_min, when.lane.backoff_max, when.seed);
    Change {
        to: State::Queued,
        next: Some((Action::Submit, seen.at + wait)),
        new_attempt: true,
        exposed: false,
        not_found: 0,
        not_found_at: None,
        ..ended
    }
}

fn not_sent(payout: &Payout, reason: &Reason, seen: Observation<'_>, when: Conditions<'_>) -> Change {
    if seen.source != Source::Submit || payout.exposed || payout.state != State::Sending {
        // A query that did not get through says nothing; nor does a resend about the send before it.
        return ask(payout, Some(reason.clone()), seen, when);
    }
    let wait = backoff::delay(payout.step, when.lane.backoff_min, when.lane.backoff_max, when.seed);
    Change {
        to: State::Queued,
        next: Some((Action::Submit, seen.at + wait)),
        step: payout.step + 1,
        reason: Some(reason.clone()),
        ..Change::unchanged(payout)
    }
}

/// Nothing definitive was learnt: keep the hold and ask (again) later.
fn ask(payout: &Payout, reason: Option<Reason>, seen: Observation<'_>, when: Conditions<'_>) -> Change {
    let first = payout.state == State::Sending;
    let (to, step) = if first { (State::Unknown, 0) } else { (payout.state, payout.step + 1) };
    let overdue = payout.intended_at.filter(|t| seen.at.since(*t) >= when.lane.unknown_after);
    let wait = if overdue.is_some() { OVERDUE_POLL } else { poll_after(when.lane, step) };
    Change {
        to,
        next: Some((Action::Query, seen.at + wait)),
        step,
        exposed: true,
        reason,
        exception: overdue.map(|_| ExceptionKind::Overdue),
        detail: overdue.map(|t| format!("nobody knows how it ended since {t}; its provider is asked once an hour")),
        ..Change::unchanged(payout)
    }
}

fn not_found(payout: &Payout, seen: Observation<'_>, when: Conditions<'_>) -> Change {
    if payout.state != State::Unknown || seen.source != Source::Query {
        return ask(payout, Some(Reason::new("not_found", "the provider does not know the reference")), seen, when);
    }
    // Answers in quick succession prove no more than one.
    let counts = payout.not_found_at.is_none_or(|t| seen.at.since(t) >= when.lane.poll_after[0]);
    let counted = Payout {
        not_found: payout.not_found + u32::from(counts),
        not_found_at: if counts { Some(seen.at) } else { payout.not_found_at },
        ..payout.clone()
    };
    let reason = Some(Reason::new("not_found", "the provider does not know the reference"));
    if counts && may_resend(&counted, seen.at, when) {
        return Change {
            next: Some((Action::Submit, RESEND_FIRST)),
            reason,
            exposed: true,
            ..Change::unchanged(&counted)
        };
    }
    ask(&counted, reason, seen, when)
}

/// The resend rule: the provider remembers our reference long enough, has twice said that it does not know it, and the
/// last time long enough after the send. (That no receipt waits in the inbox is a condition of the claim.)
fn may_resend(payout: &Payout, now: Time, when: Conditions<'_>) -> bool {
    if !stands(Guard::ResendRule) {
        return true;
    }
    let (Some(remembered), Some(intended), Some(sent)) = (when.lane.idempotent_for, payout.intended_at, payout.sent_at)
    else {
        return false;
    };
    payout.not_found >= 2
        && now.since(intended) < remembered / 2
        && now.since(sent) >= when.lane.resend_after
        && when.breaker_closed
}

/// Asked when a resend is about to be claimed, which can be long after it was decided: `None` when the rule still holds,
/// else when to ask the provider again. `held`: its batch is paused or being cancelled, so nothing is sent now.
pub fn ask_instead(payout: &Payout, now: Time, held: bool, when: Conditions<'_>) -> Option<Time> {
    (held || !may_resend(payout, now, when)).then(|| now + poll_after(when.lane, payout.step))
}

/// A frozen payout is still asked about while something of it is on the wire: what the provider says goes into the
/// record for whoever settles the exception, and moves neither state nor money.
fn frozen(payout: &Payout, paid: bool, seen: Observation<'_>, when: Conditions<'_>) -> Option<Change> {
    if paid && (seen.attempt != payout.attempt || payout.state != State::Paid) {
        // What differed before differs again: that is one exception, not two.
        return match contradicted(payout, seen) {
            Some(change) => Some(Change { next: None, ..change }),
            None => Some(Change { next: None, ..exception(payout, ExceptionKind::LateSuccess, seen) }),
        };
    }
    if payout.state.is_final() || seen.attempt != payout.attempt {
        return None;
    }
    let ended = matches!(seen.outcome, Outcome::Failed { .. });
    let next = (!ended).then(|| (Action::Query, seen.at + poll_after(when.lane, payout.step + 1)));
    Some(Change { next, step: payout.step + 1, ..Change::unchanged(payout) })
}

/// A receipt nobody vouches for may only bring the next query forward.
fn hint(payout: &Payout, seen: Observation<'_>) -> Option<Change> {
    let waits = matches!(payout.state, State::Accepted | State::Unknown) && seen.attempt == payout.attempt;
    waits.then(|| Change { next: Some((Action::Query, seen.at)), ..Change::unchanged(payout) })
}

fn exception(payout: &Payout, kind: ExceptionKind, seen: Observation<'_>) -> Change {
    let to = if payout.state == State::Sending { State::Unknown } else { payout.state };
    // What is still on the wire is asked about, so that whoever decides knows how it ended.
    let in_flight = matches!(payout.state, State::Sending | State::Accepted | State::Unknown);
    let next = (in_flight && seen.attempt != payout.attempt).then_some((Action::Query, seen.at));
    Change {
        to,
        next,
        exposed: true,
        exception: Some(kind),
        detail: Some(told(payout, seen)),
        ..Change::unchanged(payout)
    }
}

/// What the provider said of an attempt, in words.
fn told(payout: &Payout, seen: Observation<'_>) -> String {
    let transaction = match seen.outcome {
        Outcome::Paid(Payment { transaction_id: Some(id), .. }) => format!(" as transaction {id}"),
        _ => String::new(),
    };
    let reference = crate::ids::attempt_reference(payout.id, seen.attempt);
    format!(
        "the provider confirms that attempt {} ({reference}) was paid{transaction}; the payout was {} at attempt {}",
        seen.attempt, payout.state, payout.attempt
    )
}

/// Wait before poll number `step`; the last time given repeats.
fn poll_after(lane: &LaneConfig, step: u32) -> Duration {
    let last = lane.poll_after.len() - 1;
    lane.poll_after[(step as usize).min(last)]
}
#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
