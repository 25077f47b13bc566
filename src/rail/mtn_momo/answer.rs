//! What MTN's answers mean: pure functions from what came back to an [`Outcome`].
//!
//! Invariants: paid only by status SUCCESSFUL; failed only by status FAILED with a reason of the table (or none at all),
//! or by a documented validation error; not found only by a 404 that carries MTN's own code.

use super::codes::{self, Failed, Refused};
use super::wire::Status;
use crate::money::Currency;
use crate::rail::client::Reply;
use crate::rail::wire::{ErrorBody, unknown};
use crate::rail::{Executed, Outcome, Reason};

/// The answer to a transfer. A 401 that comes here is the second one, after a fresh token.
pub fn of_submit(reply: &Reply) -> Outcome {
    match reply.status {
        202 => Outcome::Accepted { provider_id: None },
        // Documented as not executed: refused by the gateway in front (credentials, our IP address).
        401 | 403 => Outcome::LaneBlocked { reason: ErrorBody::of(reply).reason(reply.status), executed: Executed::No },
        400 | 409 | 500 => refused(reply),
        _ => unknown(reply),
    }
}

fn refused(reply: &Reply) -> Outcome {
    let body = ErrorBody::of(reply);
    let reason = body.reason(reply.status);
    match body.code.as_deref().map(codes::find) {
        Some(Some(code)) => match code.refused {
            Refused::LaneBlocked => Outcome::LaneBlocked { reason, executed: Executed::No },
            Refused::Arrived => Outcome::Accepted { provider_id: None },
            Refused::Invalid if reply.status == 400 => Outcome::Failed { reason, retryable: false },
            Refused::Invalid | Refused::Unsettled => Outcome::Unknown { reason },
        },
        // MTN's own 400 is often empty; a page of some proxy's is not MTN's.
        None if reply.status == 400 && (reply.body.is_empty() || is_object(reply)) => {
            let message = body.message.unwrap_or_else(|| "MTN calls the request malformed and does not say why".into());
            Outcome::Failed { reason: Reason::told("VALIDATION_ERROR", &message), retryable: false }
        }
        _ => Outcome::Unknown { reason },
    }
}

fn is_object(reply: &Reply) -> bool {
    reply.json::<serde_json::Map<String, serde_json::Value>>().is_some()
}

/// The answer to a status query.
pub fn of_query(reply: &Reply, lane_currency: Option<Currency>) -> Outcome {
    let body = ErrorBody::of(reply);
    let code = body.code.as_deref().unwrap_or("");
    let blocked = || Outcome::LaneBlocked { reason: body.reason(reply.status), executed: Executed::Perhaps };
    match reply.status {
        200 => match reply.json::<Status>() {
            Some(status) => of_status(status, lane_currency),
            None => Outcome::Unknown { reason: Reason::new("unreadable_answer", "the answer is no status of MTN's") },
        },
        404 if codes::NOT_FOUND.contains(&code) => Outcome::NotFound,
        401 | 403 => blocked(),
        400 | 500 if code == "NOT_ALLOWED_TARGET_ENVIRONMENT" => blocked(),
        _ => unknown(reply),
    }
}

/// What a status says, in the answer to a query or in a callback.
pub fn of_status(status: Status, lane_currency: Option<Currency>) -> Outcome {
    match status.status.as_str() {
        "SUCCESSFUL" => status.stated().paid(lane_currency),
        // CREATED was seen once in public integrations and is documented nowhere.
        "PENDING" | "CREATED" => Outcome::Accepted { provider_id: None },
        "FAILED" => failed(status.reason()),
        other => Outcome::Unknown { reason: Reason::told("unknown_status", &format!("MTN says status {other:?}")) },
    }
}

/// FAILED without a reason is MTN's plain, documented word. FAILED with a reason that we do not know is not: a code may
/// be added to say "perhaps" (as other networks have), and a wrong guess pays twice. It stays unknown until a person has
/// looked and the table has a new row.
fn failed(reason: Option<Reason>) -> Outcome {
    let Some(reason) = reason else {
        let reason = Reason::new("FAILED", "MTN says the transfer failed and does not say why");
        return Outcome::Failed { reason, retryable: false };
    };
    let Some(code) = codes::find(&reason.code) else {
        return Outcome::Unknown { reason };
    };
    let message = if reason.message.is_empty() { code.meaning.to_owned() } else { reason.message };
    let reason = Reason { message, ..reason };
    match code.failed {
        Failed::Retryable => Outcome::Failed { reason, retryable: true },
        Failed::Final => Outcome::Failed { reason, retryable: false },
        Failed::Unsettled => Outcome::Unknown { reason },
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
