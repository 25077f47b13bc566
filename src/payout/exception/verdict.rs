//! What two people can say, and what follows from it: a pure table.

use super::Kind;
use crate::money::Money;
use crate::payout::State;
use std::cmp::Ordering;

/// A statement about the money of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It went out: as we sent it, or in the amount that is said.
    Paid,
    /// It did not go out, or it came back.
    NotPaid,
    /// It did not go out, and shall be sent again under a new reference.
    Reissue,
    /// What opened the exception was wrong: go on as if it had not been said.
    Dismiss,
}

impl Verdict {
    pub const ALL: [Verdict; 4] = [Verdict::Paid, Verdict::NotPaid, Verdict::Reissue, Verdict::Dismiss];

    pub fn name(self) -> &'static str {
        match self {
            Verdict::Paid => "paid",
            Verdict::NotPaid => "not_paid",
            Verdict::Reissue => "reissue",
            Verdict::Dismiss => "dismiss",
        }
    }

    pub fn parse(name: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// What a confirmed verdict does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Hold → settlement: the payout becomes paid.
    Pay,
    /// Wallet (or, if short, suspense) → hold → settlement: a payout given up before becomes paid.
    Correct,
    /// Hold → wallet: the payout becomes failed.
    Release,
    /// The payout is queued for a new attempt under a new reference; the hold stays.
    Reissue,
    /// Suspense → settlement: the recipient has it twice, somebody owes it. The payout stays paid.
    Surplus,
    /// The payout stays paid; only what was paid more or less than we sent is posted ([`difference`]).
    Amend,
    /// Settlement → suspense → wallet: the money came back. The payout stays paid, and says so.
    Reverse,
    /// No money moves; the payout goes on where it stood.
    GoOn,
    /// No money moves and nothing is left to do.
    Stand,
}

impl Act {
    /// For whoever decides, before deciding.
    pub fn effect(self) -> &'static str {
        match self {
            Act::Pay => "the payout becomes paid: its money goes from the hold to settlement",
            Act::Correct => {
                "the payout becomes paid after all: its money is taken from the wallet again, or from suspense when the \
                 wallet has too little"
            }
            Act::Release => "the payout becomes failed: its money goes from the hold back to the wallet",
            Act::Reissue => "the payout is sent again under a new reference; its money stays held",
            Act::Surplus => "the recipient was paid twice: the surplus is posted from suspense, to be claimed back",
            Act::Amend => "the payout stays paid: only what paid_amount is more or less than what was sent is posted",
            Act::Reverse => "the money came back: it is posted from settlement over suspense to the wallet",
            Act::GoOn => "no money moves; the payout goes on as if it had not been said",
            Act::Stand => "no money moves; what is recorded stands",
        }
    }
}

/// What an exception speaks of, as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub kind: Kind,
    pub payout: State,
    /// Whether it speaks of the payout's present attempt.
    pub present: bool,
    /// Whether the attempt that it speaks of is already recorded as the one that paid.
    pub attempt_paid: bool,
    /// Whether the payment is already recorded as taken back.
    pub reversed: bool,
    /// Whether what the attempt paid beside, or instead of, the amount is already posted: as a surplus or a difference.
    pub posted: bool,
}

/// What `verdict` does in this case; `None` where it makes no sense.
pub fn act(case: Case, verdict: Verdict) -> Option<Act> {
    use {Kind::*, State as P};
    let in_flight = matches!(case.payout, P::Sending | P::Accepted | P::Unknown);
    // While a request is being sent nobody can know that it does not pay; and what is known of an earlier attempt says
    // nothing against the present one.
    let settled = matches!(case.payout, P::Accepted | P::Unknown) && case.present;
    Some(match (case.kind, verdict) {
        (Overdue, Verdict::Dismiss) => return None,
        (Overdue | Poison | Mismatch, Verdict::Paid) if in_flight => Act::Pay,
        // It speaks of an earlier attempt, or of one that was given up: what is dismissed would be sent, or kept, a second time.
        (Mismatch, Verdict::Paid) if case.payout == P::Queued => Act::Pay,
        (Mismatch, Verdict::Paid) if matches!(case.payout, P::Failed | P::Cancelled) => Act::Correct,
        // What was corrected once, or came back, stands.
        (Mismatch, Verdict::Paid) if case.payout == P::Paid => match case.attempt_paid {
            _ if case.posted => return None,
            true if case.reversed => return None,
            true => Act::Amend,
            false => Act::Surplus,
        },
        (Overdue | Poison | Mismatch, Verdict::NotPaid) if settled => Act::Release,
        (Overdue | Poison | Mismatch, Verdict::Reissue) if settled => Act::Reissue,
        (Mismatch | Reversal, Verdict::NotPaid) if case.payout == P::Paid && case.attempt_paid => {
            if case.reversed {
                Act::Stand
            } else {
                Act::Reverse
            }
        }
        (LateSuccess, Verdict::Paid) => match case.payout {
            _ if case.attempt_paid || case.posted => Act::Stand,
            P::Paid => Act::Surplus,
            P::Failed | P::Cancelled => Act::Correct,
            P::Queued | P::Sending | P::Accepted | P::Unknown => Act::Pay,
        },
        (_, Verdict::Dismiss) if case.payout.is_final() => Act::Stand,
        (_, Verdict::Dismiss) => Act::GoOn,
        _ => return None,
    })
}

/// What is posted beside a payment that came to `paid` and not to what was `sent`, in words; `None` when it is the same.
pub fn difference(sent: Money, paid: Money) -> Option<String> {
    let by = Money::new((paid.minor - sent.minor).abs(), sent.currency).display();
    match paid.minor.cmp(&sent.minor) {
        Ordering::Less => Some(format!("{by} never left: they go from settlement back to the wallet")),
        Ordering::Equal => None,
        Ordering::Greater => Some(format!("{by} too much went out: they are posted from suspense, to be claimed back")),
    }
}

/// The verdicts that make sense, each with what it does.
pub fn choices(case: Case) -> Vec<(Verdict, Act)> {
    Verdict::ALL.into_iter().filter_map(|verdict| Some((verdict, act(case, verdict)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::State as _;
    use crate::money::Currency;

    fn every_case() -> impl Iterator<Item = (Case, Verdict)> {
        Kind::ALL.into_iter().flat_map(|kind| {
            State::ALL.iter().flat_map(move |&payout| {
                (0..16_u8).flat_map(move |bits| {
                    let [present, attempt_paid, reversed, posted] = [1, 2, 4, 8].map(|bit| bits & bit > 0);
                    let case = Case { kind, payout, present, attempt_paid, reversed, posted };
                    Verdict::ALL.map(move |verdict| (case, verdict))
                })
            })
        })
    }

    #[test]
    fn money_moves_only_from_where_it_is() {
        for (case, verdict) in every_case() {
            let Some(act) = act(case, verdict) else { continue };
            let held = !case.payout.is_final();
            match act {
                Act::Pay | Act::Release | Act::Reissue | Act::GoOn => assert!(held, "{case:?} {verdict:?} {act:?}"),
                Act::Correct => assert!(matches!(case.payout, State::Failed | State::Cancelled), "{case:?}"),
                Act::Surplus => {
                    assert!(case.payout == State::Paid && !case.attempt_paid && !case.posted, "{case:?}");
                }
                Act::Amend => {
                    let stands = case.payout == State::Paid && case.attempt_paid && !case.reversed && !case.posted;
                    assert!(stands && case.kind == Kind::Mismatch, "{case:?}");
                }
                Act::Reverse => assert!(case.payout == State::Paid && case.attempt_paid, "{case:?}"),
                Act::Stand => {
                    assert!(!held || case.attempt_paid || case.reversed || case.posted, "{case:?} {verdict:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_given_up_or_sent_anew_while_a_request_is_on_its_way() {
        for (case, verdict) in every_case().filter(|(case, _)| case.payout == State::Sending) {
            let act = act(case, verdict);
            assert!(!matches!(act, Some(Act::Release | Act::Reissue)), "{case:?} {verdict:?}");
        }
        for (case, verdict) in every_case().filter(|(case, _)| !case.present) {
            let act = act(case, verdict);
            assert!(!matches!(act, Some(Act::Release | Act::Reissue)), "{case:?} {verdict:?}");
        }
    }

    #[test]
    fn every_open_exception_can_be_settled() {
        for (case, _) in every_case() {
            let possible = match case.kind {
                // Answered by the provider, which closes it.
                Kind::Overdue => matches!(case.payout, State::Sending | State::Accepted | State::Unknown),
                _ => true,
            };
            assert_eq!(!choices(case).is_empty(), possible, "{case:?}");
        }
    }

    const PAID_ELSEWHERE: Case = Case {
        kind: Kind::Mismatch,
        payout: State::Paid,
        present: false,
        attempt_paid: false,
        reversed: false,
        posted: false,
    };

    #[test]
    fn what_was_paid_with_another_amount_is_not_only_to_be_dismissed() {
        let said = |case| act(case, Verdict::Paid);
        let case = |payout| Case { payout, ..PAID_ELSEWHERE };
        assert_eq!(said(case(State::Queued)), Some(Act::Pay), "else it is sent again");
        for given_up in [State::Failed, State::Cancelled] {
            assert_eq!(said(case(given_up)), Some(Act::Correct));
        }
        assert_eq!(said(PAID_ELSEWHERE), Some(Act::Surplus), "it is paid under another attempt");
        let recorded = Case { attempt_paid: true, ..PAID_ELSEWHERE };
        assert_eq!(said(recorded), Some(Act::Amend));
        assert_eq!(said(Case { reversed: true, ..recorded }), None, "it came back");
    }

    #[test]
    fn a_payment_known_already_is_never_posted_again() {
        let known = Case { kind: Kind::LateSuccess, attempt_paid: true, ..PAID_ELSEWHERE };
        assert_eq!(act(known, Verdict::Paid), Some(Act::Stand));
        let other = Case { attempt_paid: false, ..known };
        assert_eq!(act(other, Verdict::Paid), Some(Act::Surplus));
        assert_eq!(act(Case { posted: true, ..other }, Verdict::Paid), Some(Act::Stand), "told by a mismatch before");
        for attempt_paid in [false, true] {
            let corrected = Case { attempt_paid, posted: true, ..PAID_ELSEWHERE };
            assert_eq!(act(corrected, Verdict::Paid), None, "corrected once");
            assert_eq!(act(corrected, Verdict::Dismiss), Some(Act::Stand));
        }
        let back = Case { kind: Kind::Reversal, present: true, ..known };
        assert_eq!(act(back, Verdict::NotPaid), Some(Act::Reverse));
        assert_eq!(act(Case { reversed: true, ..back }, Verdict::NotPaid), Some(Act::Stand));
    }

    #[test]
    fn a_difference_is_told_with_its_way() {
        let told = |paid| difference(Money::new(1_000, Currency::Ugx), Money::new(paid, Currency::Ugx));
        assert_eq!(told(1_000), None);
        assert!(told(700).is_some_and(|told| told.contains("UGX 300") && told.contains("wallet")));
        assert!(told(1_400).is_some_and(|told| told.contains("UGX 400") && told.contains("suspense")));
    }

    #[test]
    fn names_are_read_back() {
        assert!(Verdict::ALL.into_iter().all(|v| Verdict::parse(v.name()) == Some(v)));
    }
}
