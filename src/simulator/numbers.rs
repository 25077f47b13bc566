//! Numbers with an outcome of their own; every other number is paid.
//!
//! | ending | `http` | `mtn-momo`, live targets | `sms-http` |
//! |---|---|---|---|
//! | 000001 | `PAYEE_NOT_FOUND` | `PAYEE_NOT_FOUND`, look-up 404 | undelivered |
//! | 000002 | `PAYEE_BARRED` | `PAYEE_NOT_ALLOWED_TO_RECEIVE`, look-up not active | refused with 422 `REJECTED` |
//! | 000003 | `LIMIT_REACHED` | `PAYEE_LIMIT_REACHED` | |
//! | 000004 | `EXPIRED` (a new attempt may succeed; here it expires again) | `EXPIRED` | |
//! | 000005 | pending forever | pending forever | submitted forever |
//!
//! On MTN's target `sandbox` the published numbers 46733123450 … 46733123463 end as MTN's page says, and the endings above
//! mean nothing.

use super::entry::Ending;
use std::borrow::Cow;

fn failed(code: &'static str) -> Ending {
    Ending::Failed(Cow::Borrowed(code))
}

pub(super) fn http(msisdn: &str) -> Ending {
    match ending(msisdn) {
        "000001" => failed("PAYEE_NOT_FOUND"),
        "000002" => failed("PAYEE_BARRED"),
        "000003" => failed("LIMIT_REACHED"),
        "000004" => failed("EXPIRED"),
        "000005" => Ending::Never,
        _ => Ending::Paid,
    }
}

pub(super) fn sms(msisdn: &str) -> Ending {
    match ending(msisdn) {
        "000001" => failed("UNDELIVERED"),
        "000002" => Ending::Rejected(Cow::Borrowed("REJECTED")),
        "000005" => Ending::Never,
        _ => Ending::Paid,
    }
}

pub(super) fn mtn_live(msisdn: &str) -> Ending {
    match ending(msisdn) {
        "000001" => failed("PAYEE_NOT_FOUND"),
        "000002" => failed("PAYEE_NOT_ALLOWED_TO_RECEIVE"),
        "000003" => failed("PAYEE_LIMIT_REACHED"),
        "000004" => failed("EXPIRED"),
        "000005" => Ending::Never,
        _ => Ending::Paid,
    }
}

pub(super) fn mtn_sandbox(msisdn: &str) -> Ending {
    match msisdn.strip_prefix("46733123").unwrap_or_default() {
        "450" | "462" => failed("INTERNAL_PROCESSING_ERROR"),
        "451" => failed("APPROVAL_REJECTED"),
        "452" => failed("EXPIRED"),
        "453" | "454" => Ending::Never,
        "455" => failed("NOT_ENOUGH_FUNDS"),
        "456" => failed("PAYER_LIMIT_REACHED"),
        "457" => failed("PAYEE_NOT_FOUND"),
        "458" => failed("NOT_ALLOWED"),
        "459" => failed("NOT_ALLOWED_TARGET_ENVIRONMENT"),
        "460" => failed("INVALID_CALLBACK_URL_HOST"),
        "461" => failed("INVALID_CURRENCY"),
        "463" => failed("SERVICE_UNAVAILABLE"),
        _ => Ending::Paid,
    }
}

/// Whether MTN knows the number as an account (`None`: not at all).
pub(super) fn mtn_active(msisdn: &str, sandbox: bool) -> Option<bool> {
    let key = if sandbox { msisdn.strip_prefix("46733123").unwrap_or_default() } else { ending(msisdn) };
    match key {
        "450" | "000001" => None,
        "451" | "000002" => Some(false),
        _ => Some(true),
    }
}

/// E.164 digits, without `+`.
pub(super) fn is_msisdn(text: &str) -> bool {
    (8..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0')
}

fn ending(msisdn: &str) -> &str {
    msisdn.get(msisdn.len().saturating_sub(6)..).unwrap_or_default()
}
