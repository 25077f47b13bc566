//! The gateway's failure codes, as `code` of a failed transfer and of a refusal. Source: `docs/RAILS.md`, which we own.

/// Whether a new attempt may succeed after this code; `None` when the code is unknown, and so is the outcome.
pub fn retryable(code: &str) -> Option<bool> {
    match code {
        // The payee or the request: the next attempt would be the same.
        "PAYEE_NOT_FOUND" | "PAYEE_BARRED" | "LIMIT_REACHED" | "INVALID_MSISDN" | "INVALID_AMOUNT" | "NOT_ALLOWED" => {
            Some(false)
        }
        // Our float, the network or the clock: these pass.
        "INSUFFICIENT_FLOAT" | "TEMPORARILY_UNAVAILABLE" | "EXPIRED" => Some(true),
        _ => None,
    }
}
