//! What two people can say, and what follows from it: a pure table.

use super::Kind;
use crate::payout::State;

/// A statement about the money of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It went out, as we sent it.
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
            _ if case.attempt_paid => Act::Stand,
            P::Paid => Act::Surplus,
            P::Failed | P::Cancelled => Act::Correct,
            P::Queued | P::Sending | P::Accepted | P::Unknown => Act::Pay,
        },
        (_, Verdict::Dismiss) if case.payout.is_final() => Act::Stand,
        (_, Verdict::Dismiss) => Act::GoOn,
        _ => return None,
    })
}

/// The verdicts that make sense, each with what it does.
pub fn choices(case: Case) -> Vec<(Verdict, Act)> {
    Verdict::ALL.into_iter().filter_map(|verdict| Some((verdict, act(case, verdict)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::State as _;

    fn every_case() -> impl Iterator<Item = (Case, Verdict)> {
        Kind::ALL.into_iter().flat_map(|kind| {
            State::ALL.iter().flat_map(move |&payout| {
                (0..8_u8).flat_map(move |bits| {
                    let [present, attempt_paid, reversed] = [1, 2, 4].map(|bit| bits & bit > 0);
                    let case = Case { kind, payout, present, attempt_paid, reversed };
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
                Act::Surplus => assert!(case.payout == State::Paid && !case.attempt_paid, "{case:?}"),
                Act::Reverse => assert!(case.payout == State::Paid && case.attempt_paid, "{case:?}"),
                Act::Stand => assert!(!held || case.attempt_paid || case.reversed, "{case:?} {verdict:?}"),
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

    #[test]
    fn what_was_paid_with_another_amount_is_not_only_to_be_dismissed() {
        let case = |payout| Case { kind: Kind::Mismatch, payout, present: false, attempt_paid: false, reversed: false };
        assert_eq!(act(case(State::Queued), Verdict::Paid), Some(Act::Pay), "else it is sent again");
        for given_up in [State::Failed, State::Cancelled] {
            assert_eq!(act(case(given_up), Verdict::Paid), Some(Act::Correct));
        }
        assert_eq!(act(case(State::Paid), Verdict::Paid), None);
    }

    #[test]
    fn a_payment_known_already_is_never_posted_again() {
        let known =
            Case { kind: Kind::LateSuccess, payout: State::Paid, present: false, attempt_paid: true, reversed: false };
        assert_eq!(act(known, Verdict::Paid), Some(Act::Stand));
        let other = Case { attempt_paid: false, ..known };
        assert_eq!(act(other, Verdict::Paid), Some(Act::Surplus));
        let back = Case { kind: Kind::Reversal, present: true, ..known };
        assert_eq!(act(back, Verdict::NotPaid), Some(Act::Reverse));
        assert_eq!(act(Case { reversed: true, ..back }, Verdict::NotPaid), Some(Act::Stand));
    }

    #[test]
    fn names_are_read_back() {
        assert!(Verdict::ALL.into_iter().all(|v| Verdict::parse(v.name()) == Some(v)));
    }
}
