//! MTN's codes: what each means as the `reason` of a transfer whose status is FAILED, and as the `code` of an error
//! answer to the transfer itself.
//!
//! Both columns answer one question each: may a *new reference* be tried after FAILED? And: did the refused call surely
//! not execute? MTN sends refusals and accidents alike as HTTP 500, so the second is yes only for codes about the
//! request or our account that are checked before any money moves; everything else is settled by a status query. A code
//! that is not in the table is unknown, in both columns.
//!
//! Source: the MoMo Open API's list of reason codes and public integrations (crate `mtnmomo` 0.1.9, npm `mtn-momo`
//! 2.0.0). Not run against the live API.

/// What the code says as the reason of a transfer whose status is FAILED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// A new attempt may succeed.
    Retryable,
    /// A new attempt would fail as this one did.
    Final,
    /// Contradicts FAILED: nothing is settled.
    Unsettled,
}

/// What the code says as the code of an error answer (HTTP 400, 409, 500) to a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Our account or configuration, checked before anything is executed: the lane is blocked.
    LaneBlocked,
    /// The reference was there before.
    Arrived,
    /// The request is malformed; believed with HTTP 400 only, where MTN documents it.
    Invalid,
    /// It may have been executed: a status query settles it.
    Unsettled,
}

/// One row of the table.
#[derive(Debug)]
pub struct Code {
    pub code: &'static str,
    pub meaning: &'static str,
    pub failed: Failed,
    pub refused: Refused,
    pub why: &'static str,
}

const fn row(code: &'static str, meaning: &'static str, failed: Failed, refused: Refused, why: &'static str) -> Code {
    Code { code, meaning, failed, refused, why }
}

use Failed::{Final, Retryable};
use Refused::{Arrived, Invalid, LaneBlocked};
const OPEN: Refused = Refused::Unsettled;
const CONTRADICTION: Failed = Failed::Unsettled;

#[rustfmt::skip]
pub const CODES: [Code; 23] = [
    row("PAYEE_NOT_FOUND", "the number has no mobile money account", Final, OPEN, "the number will not become a wallet by asking again"),
    row("PAYEE_NOT_ALLOWED_TO_RECEIVE", "the payee's account may not receive", Final, OPEN, "barred or unverified: the payee must go to MTN"),
    row("PAYEE_LIMIT_REACHED", "the payee's account has reached its limit", Final, OPEN, "a daily or balance limit outlasts our backoff; a person retries another day"),
    row("NOT_ALLOWED", "the operation is not allowed", Final, OPEN, "payee's or account's, MTN does not say: parking a payroll for one payee, or failing what ran, would be worse than asking"),
    row("APPROVAL_REJECTED", "the transfer was rejected", Final, OPEN, "somebody said no"),
    row("PAYMENT_NOT_APPROVED", "the transfer was not approved", Final, OPEN, "somebody did not say yes"),
    row("TRANSACTION_CANCELED", "the transfer was cancelled", Final, OPEN, "cancelled on purpose"),
    row("VALIDATION_ERROR", "the request is malformed", Final, Invalid, "the same request would be malformed again"),
    row("NOT_ENOUGH_FUNDS", "our float is short, or the payee's limit is reached", Retryable, OPEN, "the float may be topped up; the balance tells which it was"),
    row("LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED", "our float is short, or the payee cannot receive it", Retryable, OPEN, "the likeliest of its three causes passes"),
    row("PAYER_LIMIT_REACHED", "our account has reached its limit", Retryable, OPEN, "ours to lift; the payee is not at fault"),
    row("PAYER_NOT_FOUND", "our account was not found", Retryable, OPEN, "ours to repair; the payee is not at fault"),
    row("SENDER_ACCOUNT_NOT_ACTIVE", "our account is not active", Retryable, OPEN, "ours to repair; the payee is not at fault"),
    row("EXPIRED", "the transfer expired", Retryable, OPEN, "it ran out of time, not of permission"),
    row("INTERNAL_PROCESSING_ERROR", "an error inside MTN, often short funds", Retryable, OPEN, "with FAILED it is over and may go well next time; as an answer it is MTN's catch-all and may have executed"),
    row("SERVICE_UNAVAILABLE", "MTN's platform is unavailable", Retryable, OPEN, "with FAILED it is over and passes; as an answer it may have executed"),
    row("COULD_NOT_PERFORM_TRANSACTION", "MTN could not perform the transfer", Retryable, OPEN, "a catch-all: with FAILED it is over, as an answer it may have executed"),
    row("NOT_ALLOWED_TARGET_ENVIRONMENT", "our account may not use this target environment", Retryable, LaneBlocked, "target_environment is wrong: ours to repair"),
    row("INVALID_CALLBACK_URL_HOST", "our callback host is not registered", Retryable, LaneBlocked, "public_url is not the registered host: ours to repair"),
    row("INVALID_CURRENCY", "the currency is not this environment's", Retryable, LaneBlocked, "the lane's currency is wrong (the sandbox takes EUR only): ours to repair"),
    row("RESOURCE_ALREADY_EXIST", "the reference was used before", CONTRADICTION, Arrived, "it arrived earlier; how that ended is told by a query"),
    row("RESOURCE_NOT_FOUND", "MTN does not know the transfer", CONTRADICTION, OPEN, "a transfer that is unknown cannot have failed"),
    row("TRANSACTION_NOT_FOUND", "MTN does not know the transfer", CONTRADICTION, OPEN, "a transfer that is unknown cannot have failed"),
];

/// Codes of a 404 by which MTN itself says that it never saw a reference.
pub const NOT_FOUND: [&str; 2] = ["RESOURCE_NOT_FOUND", "TRANSACTION_NOT_FOUND"];

pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|c| c.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_says_why() {
        for (i, row) in CODES.iter().enumerate() {
            assert!(CODES[..i].iter().all(|other| other.code != row.code), "{} twice", row.code);
            assert!(!row.meaning.is_empty() && !row.why.is_empty(), "{}", row.code);
        }
        assert!(find("payee_not_found").is_none() && find("").is_none());
    }

    #[test]
    fn only_what_is_checked_before_money_moves_counts_as_not_executed() {
        let not_executed: Vec<_> =
            CODES.iter().filter(|c| matches!(c.refused, LaneBlocked | Invalid)).map(|c| c.code).collect();
        assert_eq!(
            not_executed,
            ["VALIDATION_ERROR", "NOT_ALLOWED_TARGET_ENVIRONMENT", "INVALID_CALLBACK_URL_HOST", "INVALID_CURRENCY"]
        );
    }
}
