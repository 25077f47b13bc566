//! What the gateway's answers mean: pure functions from what came back to an [`Outcome`]. Source: the table in
//! `docs/RAILS.md`; what stands not in it is unknown.

use super::codes;
use crate::money::Currency;
use crate::rail::client::Reply;
use crate::rail::wire::{ErrorBody, Stated, unknown};
use crate::rail::{Executed, Outcome, Reason};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// A transfer as the gateway tells it: in answers, and without `id` in receipts.
#[derive(Debug, Deserialize)]
pub struct Told {
    pub id: Option<String>,
    pub reference: Option<String>,
    pub status: Option<String>,
    transaction_id: Option<Value>,
    payout_id: Option<Value>,
    msisdn: Option<Value>,
    amount: Option<Value>,
    currency: Option<Value>,
    code: Option<String>,
    message: Option<String>,
}

impl Told {
    pub fn reference(&self) -> Option<Uuid> {
        Uuid::try_parse(self.reference.as_deref()?).ok()
    }

    pub fn outcome(self, lane_currency: Option<Currency>) -> Outcome {
        match self.status.as_deref() {
            Some("pending") => Outcome::Accepted { provider_id: self.id },
            Some("success") => {
                let stated = Stated {
                    transaction_id: self.transaction_id,
                    amount: self.amount,
                    currency: self.currency,
                    msisdn: self.msisdn,
                    payout_id: self.payout_id,
                };
                stated.paid(lane_currency)
            }
            Some("failed") => {
                let body = ErrorBody { code: self.code, message: self.message };
                failed(&body, "failed", "the gateway says the transfer failed")
            }
            status => Outcome::Unknown {
                reason: Reason::told("unknown_status", &format!("the gateway says status {status:?}")),
            },
        }
    }
}

fn failed(body: &ErrorBody, code_default: &str, message_default: &str) -> Outcome {
    let code = body.code.as_deref().unwrap_or(code_default);
    let reason = Reason::told(code, body.message.as_deref().unwrap_or(message_default));
    match codes::retryable(code) {
        Some(retryable) => Outcome::Failed { reason, retryable },
        None => Outcome::Unknown { reason },
    }
}

/// The answer to a submit.
pub fn of_submit(reply: &Reply, reference: Uuid, lane_currency: Option<Currency>) -> Outcome {
    let body = ErrorBody::of(reply);
    match (reply.status, body.code.as_deref()) {
        (200 | 202, _) => transfer(reply, reference, lane_currency),
        (409, Some("DUPLICATE_REFERENCE")) => Outcome::Accepted { provider_id: None },
        (400 | 422, Some(_)) => failed(&body, "", "the gateway refused the transfer"),
        (401, Some("UNAUTHORIZED")) | (403, Some("FORBIDDEN")) => blocked(reply, Executed::No),
        (401 | 403, _) => blocked(reply, Executed::Perhaps),
        (429, Some("RATE_LIMITED")) => Outcome::NotSent { reason: rate_limited(reply, &body) },
        _ => unknown(reply),
    }
}

/// The answer to a query.
pub fn of_query(reply: &Reply, reference: Uuid, lane_currency: Option<Currency>) -> Outcome {
    match (reply.status, ErrorBody::of(reply).code.as_deref()) {
        (200, _) => transfer(reply, reference, lane_currency),
        (404, Some("NOT_FOUND")) => Outcome::NotFound,
        (401 | 403, _) => blocked(reply, Executed::Perhaps),
        _ => unknown(reply),
    }
}

fn transfer(reply: &Reply, reference: Uuid, lane_currency: Option<Currency>) -> Outcome {
    let unreadable = |why: &str| Outcome::Unknown { reason: Reason::new("unreadable_answer", why) };
    match reply.json::<Told>() {
        None => unreadable("the answer is no transfer"),
        Some(told) if told.reference() != Some(reference) => unreadable("the answer is about another reference"),
        Some(told) if told.id.as_deref().is_none_or(str::is_empty) => unreadable("the answer lacks the gateway's id"),
        Some(told) => told.outcome(lane_currency),
    }
}

fn blocked(reply: &Reply, executed: Executed) -> Outcome {
    Outcome::LaneBlocked { reason: ErrorBody::of(reply).reason(reply.status), executed }
}

fn rate_limited(reply: &Reply, body: &ErrorBody) -> Reason {
    match &reply.retry_after {
        Some(after) => Reason::told("RATE_LIMITED", &format!("the gateway asks to come back after {after}")),
        None => body.reason(reply.status),
    }
}
