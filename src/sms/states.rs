//! The life of one recipient's SMS.

use crate::machine::Transition;
use State::*;

crate::states! {
    /// State of a message.
    State {
        Queued = "queued",
        Sending = "sending",
        Submitted = "submitted",
        Delivered = "delivered",
        Undelivered = "undelivered",
        Expired = "expired",
        Rejected = "rejected",
        /// It may have been sent: final, because a person told twice is worse than one told by other means.
        Unknown = "unknown",
        Cancelled = "cancelled",
    }
    &[
        Transition { from: &[Queued], to: Sending, why: "claimed, intent committed" },
        Transition { from: &[Sending], to: Queued, why: "surely not sent" },
        Transition { from: &[Sending], to: Submitted, why: "the gateway took it" },
        Transition { from: &[Sending], to: Rejected, why: "the gateway refused it" },
        Transition { from: &[Sending], to: Unknown, why: "the outcome is ambiguous: never resent" },
        Transition { from: &[Sending, Submitted], to: Delivered, why: "delivery receipt" },
        Transition { from: &[Sending, Submitted], to: Undelivered, why: "delivery receipt" },
        Transition { from: &[Submitted], to: Expired, why: "no receipt by the deadline" },
        Transition { from: &[Queued], to: Cancelled, why: "its batch was cancelled" },
    ]
}
