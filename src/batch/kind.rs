//! What a batch is for, and so which machine its rows walk.

use crate::machine::State as _;
use crate::{payout, sms};
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Everybody on the list is paid.
    Payout,
    /// Everybody on the list is told.
    Sms,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Payout => "payout",
            Kind::Sms => "sms",
        }
    }

    pub fn parse(name: &str) -> Option<Kind> {
        [Kind::Payout, Kind::Sms].into_iter().find(|kind| kind.name() == name)
    }

    /// Every state that a row can be in.
    pub fn row_states(self) -> Vec<RowState> {
        match self {
            Kind::Payout => payout::State::ALL.iter().copied().map(RowState::Payout).collect(),
            Kind::Sms => sms::State::ALL.iter().copied().map(RowState::Sms).collect(),
        }
    }

    pub fn row_state(self, name: &str) -> Option<RowState> {
        self.row_states().into_iter().find(|state| state.name() == name)
    }
}

/// The state of a payout or of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum RowState {
    Payout(payout::State),
    Sms(sms::State),
}

impl RowState {
    pub fn name(self) -> &'static str {
        match self {
            RowState::Payout(state) => state.name(),
            RowState::Sms(state) => state.name(),
        }
    }

    /// Whether a row in it keeps its batch open. A message that was sent does not, although a receipt may still tell more.
    pub fn is_open(self) -> bool {
        match self {
            RowState::Payout(state) => !state.is_final(),
            RowState::Sms(state) => matches!(state, sms::State::Queued | sms::State::Sending),
        }
    }
}

impl From<payout::State> for RowState {
    fn from(state: payout::State) -> Self {
        RowState::Payout(state)
    }
}

impl From<sms::State> for RowState {
    fn from(state: sms::State) -> Self {
        RowState::Sms(state)
    }
}

impl fmt::Display for RowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_states_name_means_the_state_of_its_own_kind() {
        assert_eq!(Kind::Payout.row_state("unknown"), Some(RowState::Payout(payout::State::Unknown)));
        assert_eq!(Kind::Sms.row_state("unknown"), Some(RowState::Sms(sms::State::Unknown)));
        assert_eq!(Kind::Sms.row_state("paid"), None);
        assert_eq!(Kind::Payout.row_state("delivered"), None);
        assert!(RowState::from(payout::State::Unknown).is_open() && !RowState::from(sms::State::Unknown).is_open());
    }
}
