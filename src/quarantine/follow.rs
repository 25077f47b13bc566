//! What becomes of a payout when its provider knows an attempt of it: pure.
//!
//! The rule behind it: a reference of ours is sent only after every earlier one had definitively ended. So a provider that
//! knows attempt *n* proves that this installation once was at attempt *n* at least, whatever the restored database says.

use crate::payout::{Payout, State};

/// Where the payout stands after the news that attempt `attempt` is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It goes back to that attempt as `unknown`; the answer then settles it like that of any query.
    Resume,
    /// It has ended here, and another attempt was made since: that becomes its last one, so that a retry does not use
    /// its reference again. Whether it paid is for two people.
    Raise,
    /// It stays where it is: the attempt is its present one, or an earlier one.
    Stay,
}

pub fn follow(payout: &Payout, attempt: u32) -> Follow {
    let later = attempt > payout.attempt;
    match payout.state {
        _ if payout.frozen => Follow::Stay,
        State::Failed | State::Cancelled if later => Follow::Raise,
        State::Paid | State::Failed | State::Cancelled => Follow::Stay,
        State::Queued if attempt == payout.attempt => Follow::Resume,
        _ if later => Follow::Resume,
        State::Queued | State::Sending | State::Accepted | State::Unknown => Follow::Stay,
    }
}

/// Attempts to ask about at first: those of the present try. A person's retry in the gap goes beyond them; then the last one is
/// known and the questions go on from there.
pub fn attempts_to_ask(attempt: u32, first_attempt: u32, attempts_max: u32) -> u32 {
    (first_attempt.saturating_sub(1) + attempts_max.max(1)).max(attempt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};
    use crate::phone::Msisdn;
    use uuid::Uuid;

    fn payout(state: State, attempt: u32) -> Payout {
        let money = |minor| Money::new(minor, Currency::Ugx);
        Payout {
            id: Uuid::from_u128(1),
            organisation: Uuid::from_u128(2),
            batch: Uuid::from_u128(3),
            row: 2,
            lane: "mtn-ug".into(),
            msisdn: Msisdn::from_digits("256772000001".to_owned()).unwrap(),
            amount: money(1_000),
            fee: money(0),
            tax: money(0),
            state,
            claim: 1,
            attempt,
            first_attempt: 1,
            step: 0,
            exposed: false,
            not_found: 0,
            not_found_at: None,
            intended_at: None,
            sent_at: None,
            frozen: false,
        }
    }

    #[test]
    fn what_was_never_sent_here_goes_back_to_the_attempt_that_the_provider_knows() {
        for (attempt, known) in [(1, 1), (1, 2), (2, 2), (2, 5)] {
            assert_eq!(follow(&payout(State::Queued, attempt), known), Follow::Resume, "{attempt} {known}");
        }
        assert_eq!(follow(&payout(State::Queued, 2), 1), Follow::Stay, "an earlier attempt had ended");
    }

    #[test]
    fn what_is_under_way_moves_on_only_to_a_later_attempt() {
        for state in [State::Sending, State::Accepted, State::Unknown] {
            assert_eq!(follow(&payout(state, 2), 3), Follow::Resume);
            assert_eq!(follow(&payout(state, 2), 2), Follow::Stay);
            assert_eq!(follow(&payout(state, 2), 1), Follow::Stay);
        }
    }

    #[test]
    fn what_has_ended_or_is_frozen_is_never_opened_again() {
        for state in [State::Failed, State::Cancelled] {
            assert_eq!(follow(&payout(state, 1), 2), Follow::Raise);
            assert_eq!(follow(&payout(state, 2), 2), Follow::Stay);
        }
        assert_eq!(follow(&payout(State::Paid, 1), 2), Follow::Stay);
        for state in [State::Queued, State::Unknown, State::Failed] {
            assert_eq!(follow(&Payout { frozen: true, ..payout(state, 1) }, 2), Follow::Stay);
        }
    }

    #[test]
    fn a_retry_of_a_person_has_attempts_of_its_own() {
        assert_eq!(attempts_to_ask(1, 1, 5), 5);
        assert_eq!(attempts_to_ask(3, 3, 5), 7);
        assert_eq!(attempts_to_ask(9, 1, 5), 9, "the present one in any case");
        assert_eq!(attempts_to_ask(1, 1, 0), 1);
    }
}
