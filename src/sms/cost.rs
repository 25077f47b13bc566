//! What messages of a list cost, and when the money of one moves.
//!
//! The cost of a message is fixed at the import: segments × price. It is charged once the message is, or may be, out, and
//! goes back to the wallet only when it surely was not sent.

use super::State;
use super::segments::Size;
use crate::money::{Money, MoneyError};

/// Longest message of a list, in segments.
pub const SEGMENTS_MAX: u32 = 10;

/// What a message of this size costs.
pub fn of(size: Size, price: Money) -> Result<Money, MoneyError> {
    let too_large = || MoneyError::TooLarge(format!("{} × {}", size.segments, price.amount()));
    let minor = price.minor.checked_mul(i64::from(size.segments)).ok_or_else(too_large)?;
    Ok(Money::new(minor, price.currency))
}

/// How the money held for a message moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bill {
    /// Hold → fees: it was sent, or may have been.
    Charge,
    /// Hold → wallet: it surely was not sent, and never will be.
    Release,
}

/// What a step of a message does to its money.
pub fn bill(from: State, to: State) -> Option<Bill> {
    match (from, to) {
        (State::Queued | State::Sending, State::Rejected | State::Cancelled) => Some(Bill::Release),
        (State::Sending, State::Submitted | State::Delivered | State::Undelivered | State::Unknown) => {
            Some(Bill::Charge)
        }
        _ => None,
    }
}

/// Whether a message in this state was charged: it is out, or may be.
pub fn is_charged(state: State) -> bool {
    use State::*;
    matches!(state, Submitted | Delivered | Undelivered | Expired | Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::State as _;
    use crate::money::Currency;
    use crate::sms::segments::measure;

    #[test]
    fn a_message_costs_its_segments() {
        let price = |minor| Money::new(minor, Currency::Ugx);
        assert_eq!(of(measure(&"a".repeat(161)), price(35)), Ok(price(70)));
        assert_eq!(of(measure("a"), price(0)), Ok(price(0)));
        assert!(of(measure(&"a".repeat(161)), price(i64::MAX)).is_err());
    }

    /// Every walk through the machine moves the money exactly once, on its way out of what is held.
    #[test]
    fn the_money_of_a_message_moves_exactly_once_on_every_walk() {
        fn walk(state: State, steps: u32, moved: &[Bill]) {
            let held = matches!(state, State::Queued | State::Sending);
            assert_eq!(moved.len(), usize::from(!held), "{state}");
            assert_eq!(moved == [Bill::Charge], is_charged(state), "{state}");
            if steps == 0 {
                return;
            }
            for next in State::ALL.iter().filter(|next| state.may_become(**next)) {
                let moved: Vec<Bill> = moved.iter().copied().chain(bill(state, *next)).collect();
                walk(*next, steps - 1, &moved);
            }
        }
        walk(State::Queued, 7, &[]);
    }
}
