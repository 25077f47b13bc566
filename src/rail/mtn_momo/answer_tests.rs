use super::super::codes::CODES;
use super::*;
use crate::rail::Payment;
use proptest::prelude::*;
use serde_json::json;

const UGX: Option<Currency> = Some(Currency::Ugx);

fn reply(status: u16, body: impl ToString) -> Reply {
    Reply { status, body: body.to_string().into_bytes(), retry_after: None }
}

/// An outcome in a word, as the tables here write it.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Paid(_) => "paid",
        Outcome::Accepted { .. } => "accepted",
        Outcome::Failed { retryable: true, .. } => "retry",
        Outcome::Failed { retryable: false, .. } => "final",
        Outcome::NotSent { .. } => "not sent",
        Outcome::Unknown { .. } => "unknown",
        Outcome::NotFound => "not found",
        Outcome::LaneBlocked { executed: Executed::No, .. } => "blocked",
        Outcome::LaneBlocked { executed: Executed::Perhaps, .. } => "blocked, perhaps executed",
    }
}

/// code, as the reason of FAILED, as the code of a 500, of a 400
const EXPECTED: [(&str, &str, &str, &str); 24] = [
    ("PAYEE_NOT_FOUND", "final", "unknown", "unknown"),
    ("PAYEE_NOT_ALLOWED_TO_RECEIVE", "final", "unknown", "unknown"),
    ("PAYEE_LIMIT_REACHED", "final", "unknown", "unknown"),
    ("NOT_ALLOWED", "final", "unknown", "unknown"),
    ("APPROVAL_REJECTED", "final", "unknown", "unknown"),
    ("PAYMENT_NOT_APPROVED", "final", "unknown", "unknown"),
    ("TRANSACTION_CANCELED", "final", "unknown", "unknown"),
    ("VALIDATION_ERROR", "final", "unknown", "final"),
    ("NOT_ENOUGH_FUNDS", "retry", "unknown", "unknown"),
    ("LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED", "retry", "unknown", "unknown"),
    ("PAYER_LIMIT_REACHED", "retry", "unknown", "unknown"),
    ("PAYER_NOT_FOUND", "retry", "unknown", "unknown"),
    ("SENDER_ACCOUNT_NOT_ACTIVE", "retry", "unknown", "unknown"),
    ("EXPIRED", "retry", "unknown", "unknown"),
    ("INTERNAL_PROCESSING_ERROR", "retry", "unknown", "unknown"),
    ("SERVICE_UNAVAILABLE", "retry", "unknown", "unknown"),
    ("COULD_NOT_PERFORM_TRANSACTION", "retry", "unknown", "unknown"),
    ("NOT_ALLOWED_TARGET_ENVIRONMENT", "retry", "blocked", "blocked"),
    ("INVALID_CALLBACK_URL_HOST", "retry", "blocked", "blocked"),
    ("INVALID_CURRENCY", "retry", "blocked", "blocked"),
    ("RESOURCE_ALREADY_EXIST", "unknown", "accepted", "accepted"),
    ("RESOURCE_NOT_FOUND", "unknown", "unknown", "unknown"),
    ("TRANSACTION_NOT_FOUND", "unknown", "unknown", "unknown"),
    ("A_CODE_OF_NEXT_YEAR", "unknown", "unknown", "unknown"),
];

#[test]
fn every_code_means_what_the_table_says() {
    for (code, failed, at_500, at_400) in EXPECTED {
        for reason in [json!(code), json!({"code": code, "message": "why"})] {
            let status = reply(200, json!({"status": "FAILED", "reason": reason}));
            assert_eq!(word(&of_query(&status, UGX)), failed, "{code}");
        }
        let error = json!({"code": code, "message": "why"});
        assert_eq!(word(&of_submit(&reply(500, &error))), at_500, "{code} with 500");
        assert_eq!(word(&of_submit(&reply(400, &error))), at_400, "{code} with 400");
        assert_eq!(word(&of_submit(&reply(503, &error))), "unknown", "{code} with 503");
        assert_eq!(word(&of_submit(&reply(202, &error))), "accepted", "{code} with 202");
    }
    assert!(CODES.iter().all(|row| EXPECTED.iter().any(|e| e.0 == row.code)), "a row without a test");
}

#[test]
fn answers_to_a_transfer() {
    for (status, body, expected) in [
        (202, "", "accepted"),
        (200, "", "unknown"),
        (200, r#"{"status":"SUCCESSFUL","financialTransactionId":"1"}"#, "unknown"),
        (201, "{}", "unknown"),
        (400, "", "final"),
        (400, r#"{"message":"bad"}"#, "final"),
        (400, r#"{"statusCode":400,"message":"bad"}"#, "final"),
        (400, "<html>", "unknown"),
        (400, "[]", "unknown"),
        (401, "", "blocked"),
        (403, "<html>", "blocked"),
        (404, "", "unknown"),
        (409, "", "unknown"),
        (409, r#"{"code":"RESOURCE_ALREADY_EXIST"}"#, "accepted"),
        (409, r#"{"code":"VALIDATION_ERROR"}"#, "unknown"),
        (422, r#"{"code":"VALIDATION_ERROR"}"#, "unknown"),
        (429, "", "unknown"),
        (500, "", "unknown"),
        (500, "{}", "unknown"),
        (502, "Bad Gateway", "unknown"),
        (504, r#"{"code":"NOT_ALLOWED_TARGET_ENVIRONMENT"}"#, "unknown"),
    ] {
        assert_eq!(word(&of_submit(&reply(status, body))), expected, "{status} {body}");
    }
}

#[test]
fn answers_to_a_query() {
    for (status, body, expected) in [
        (200, r#"{"status":"PENDING"}"#, "accepted"),
        (200, r#"{"status":"CREATED"}"#, "accepted"),
        (200, r#"{"status":"SUCCESSFUL","financialTransactionId":"1"}"#, "paid"),
        (200, r#"{"status":"SUCCESSFUL"}"#, "unknown"),
        (200, r#"{"status":"SUCCESSFUL","financialTransactionId":"1","amount":"5x"}"#, "unknown"),
        (200, r#"{"status":"FAILED"}"#, "final"),
        (200, r#"{"status":"FAILED","reason":null}"#, "final"),
        (200, r#"{"status":"FAILED","reason":{}}"#, "unknown"),
        (200, r#"{"status":"FAILED","reason":7}"#, "unknown"),
        (200, r#"{"status":"successful","financialTransactionId":"1"}"#, "unknown"),
        (200, r#"{"status":"REVERSED"}"#, "unknown"),
        (200, r#"{"status":"PENDING","status":"FAILED"}"#, "unknown"),
        (200, "", "unknown"),
        (200, "<html>", "unknown"),
        (202, r#"{"status":"SUCCESSFUL","financialTransactionId":"1"}"#, "unknown"),
        (404, r#"{"code":"RESOURCE_NOT_FOUND","message":"Requested resource was not found."}"#, "not found"),
        (404, r#"{"code":"TRANSACTION_NOT_FOUND"}"#, "not found"),
        (404, "", "unknown"),
        (404, r#"{"statusCode":404,"message":"Resource not found"}"#, "unknown"),
        (404, r#"{"code":"PAYEE_NOT_FOUND"}"#, "unknown"),
        (500, r#"{"code":"RESOURCE_NOT_FOUND"}"#, "unknown"),
        (500, r#"{"code":"PAYEE_NOT_FOUND"}"#, "unknown"),
        (500, r#"{"code":"NOT_ALLOWED_TARGET_ENVIRONMENT"}"#, "blocked, perhaps executed"),
        (401, "", "blocked, perhaps executed"),
        (403, "", "blocked, perhaps executed"),
        (429, "", "unknown"),
        (503, "", "unknown"),
    ] {
        assert_eq!(word(&of_query(&reply(status, body), UGX)), expected, "{status} {body}");
    }
}

#[test]
fn a_success_is_read_whole() {
    let body = json!({
        "amount": "12.50", "currency": "EUR", "financialTransactionId": 363_440_463, "externalId": "p",
        "payee": {"partyIdType": "MSISDN", "partyId": "256772123456"}, "status": "SUCCESSFUL", "payeeNote": "x",
    });
    let paid = Payment {
        transaction_id: Some("363440463".into()),
        amount_minor: Some(1_250),
        currency: Some(Currency::Eur),
        msisdn: Some("256772123456".into()),
        payout_id: Some("p".into()),
    };
    assert_eq!(of_query(&reply(200, body), UGX), Outcome::Paid(paid));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<f64>().prop_map(|n| json!(n)),
        any::<i64>().prop_map(|n| json!(n)),
        "[A-Z_]{0,12}|.{0,12}".prop_map(|s| json!(s)),
        prop::sample::select(EXPECTED.map(|e| e.0).to_vec()).prop_map(|s| json!(s)),
        prop::sample::select(vec!["SUCCESSFUL", "FAILED", "PENDING", "500", "UGX"]).prop_map(|s| json!(s)),
    ];
    let key = prop::sample::select(vec![
        "status",
        "amount",
        "currency",
        "financialTransactionId",
        "externalId",
        "payee",
        "partyId",
        "reason",
        "code",
        "message",
        "referenceId",
    ]);
    leaf.prop_recursive(3, 32, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::hash_map(key.clone().prop_map(str::to_owned), inner, 0..8).prop_map(|m| json!(m)),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_is_paid_without_the_status_successful(status in prop_oneof![Just(200u16), 100u16..600], body in any_json()) {
        let reply = reply(status, &body);
        prop_assert!(!["paid", "not sent", "not found"].contains(&word(&of_submit(&reply))));
        let asked = word(&of_query(&reply, UGX));
        let says = |told: &str| status == 200 && body["status"] == told;
        prop_assert!(asked != "paid" || says("SUCCESSFUL"));
        prop_assert!(!["final", "retry"].contains(&asked) || says("FAILED"));
    }

    #[test]
    fn no_bytes_panic(status in prop_oneof![Just(200u16), 100u16..600], body in prop::collection::vec(any::<u8>(), 0..300)) {
        let reply = Reply { status, body, retry_after: None };
        let (submitted, asked) = (of_submit(&reply), of_query(&reply, None));
        prop_assert!(!matches!(submitted, Outcome::Paid(_)) && !matches!(asked, Outcome::Paid(_)));
    }
}
