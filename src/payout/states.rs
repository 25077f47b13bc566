//! The life of one recipient's transfer.

use crate::machine::Transition;
use State::*;

crate::states! {
    /// State of a payout.
    State {
        /// Waiting to be sent; from import on. That its batch runs is a condition of the claim, not a state.
        Queued = "queued",
        /// An intent is committed and the request may be on the wire.
        Sending = "sending",
        /// The provider has it and has not yet said how it ended.
        Accepted = "accepted",
        /// It may or may not have been paid: the hold stays until the provider, or a person with evidence, says.
        Unknown = "unknown",
        Paid = "paid",
        Failed = "failed",
        Cancelled = "cancelled",
    }
    &[
        Transition { from: &[Queued, Unknown], to: Sending, why: "claimed, intent committed; from unknown only under the resend rule, same reference" },
        Transition { from: &[Sending], to: Accepted, why: "the provider took it and will tell later" },
        Transition { from: &[Sending, Accepted], to: Unknown, why: "the outcome is ambiguous: ask the provider, keep the hold" },
        Transition { from: &[Sending, Accepted, Unknown], to: Paid, why: "the provider confirmed the payment" },
        Transition { from: &[Sending, Accepted, Unknown], to: Queued, why: "surely not sent, or a definitive failure worth a new attempt" },
        Transition { from: &[Sending, Accepted, Unknown], to: Failed, why: "a final failure: the hold is released" },
        Transition { from: &[Queued], to: Cancelled, why: "its batch was cancelled before it was sent" },
        Transition { from: &[Failed], to: Queued, why: "a person retries it: new attempt, funds reserved again" },
        Transition { from: &[Queued, Failed, Cancelled], to: Paid, why: "a late success, confirmed by a verdict of two persons" },
    ]
}

impl State {
    /// Nothing is left to do.
    pub fn is_final(self) -> bool {
        matches!(self, Paid | Failed | Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::State as _;

    #[test]
    fn only_the_listed_pairs_are_allowed() {
        let allowed: Vec<(State, State)> = State::ALL
            .iter()
            .flat_map(|&from| State::ALL.iter().map(move |&to| (from, to)))
            .filter(|&(from, to)| from.may_become(to))
            .collect();
        assert_eq!(allowed.len(), 19);
        for state in State::ALL.iter().copied() {
            assert!(!state.may_become(state), "{state} to itself is no step");
            assert!(!Paid.may_become(state), "paid is the end");
        }
        assert!(!Failed.may_become(Cancelled));
    }
}
