//! What follows from what was observed of a message.

use super::State;
use crate::clock::Time;
use crate::config::LaneConfig;
use crate::payout::backoff;
use crate::rail::{Reason, SmsOutcome};

/// The change to record on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub to: State,
    pub due_at: Option<Time>,
    pub step: u32,
    pub gateway_id: Option<String>,
    pub reason: Option<Reason>,
}

/// Decides what follows; `None` when nothing changes. A message is sent again only when it surely was not sent.
pub fn decide(state: State, step: u32, outcome: &SmsOutcome, at: Time, lane: &LaneConfig, seed: u64) -> Option<Change> {
    let change =
        |to, reason: Option<&Reason>| Change { to, due_at: None, step, gateway_id: None, reason: reason.cloned() };
    match (state, outcome) {
        (State::Sending, SmsOutcome::Submitted { gateway_id }) => Some(Change {
            due_at: Some(at + lane.receipt_deadline),
            gateway_id: gateway_id.clone(),
            ..change(State::Submitted, None)
        }),
        (State::Sending, SmsOutcome::NotSent { reason }) => Some(Change {
            due_at: Some(at + backoff::delay(step, lane.backoff_min, lane.backoff_max, seed)),
            step: step + 1,
            ..change(State::Queued, Some(reason))
        }),
        (State::Sending, SmsOutcome::Rejected { reason }) => Some(change(State::Rejected, Some(reason))),
        (State::Sending, SmsOutcome::Unknown { reason }) => Some(change(State::Unknown, Some(reason))),
        (State::Sending | State::Submitted, SmsOutcome::Delivered) => Some(change(State::Delivered, None)),
        (State::Sending | State::Submitted, SmsOutcome::Undelivered { reason }) => {
            Some(change(State::Undelivered, Some(reason)))
        }
        _ => None,
    }
}
