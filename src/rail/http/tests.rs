use super::*;
use crate::clock::Time;
use crate::money::Currency;
use crate::phone::Msisdn;
use crate::rail::testing::{self, PAYOUT, REFERENCE, SECRET, Server, receipt};
use crate::rail::{Executed, Payment, client::Reply};
use proptest::prelude::*;
use std::time::Duration;

const UGX: Option<Currency> = Some(Currency::Ugx);

fn rail(url: &str) -> HttpGateway {
    let mut lane = testing::lane("http", url);
    lane.request_timeout = Duration::from_secs(10);
    HttpGateway::new(&lane, &testing::context())
}

fn transfer() -> Transfer {
    Transfer {
        payout: PAYOUT,
        reference: REFERENCE,
        msisdn: Msisdn::from_digits("256701234567").unwrap(),
        amount: Money::new(50_000, Currency::Ugx),
        note: Some(" March\npayroll ".into()),
    }
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status,
        body: body.replace(r#""REF""#, &format!("\"{REFERENCE}\"")).into_bytes(),
        retry_after: Some("30".into()),
    }
}

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

#[test]
fn answers_to_a_transfer_and_to_a_query() {
    // status, body, as the answer to the transfer, to a query
    for (status, body, submitted, asked) in [
        (202, r#"{"id":"g1","reference":"REF","status":"pending"}"#, "accepted", "unknown"),
        (200, r#"{"id":"g1","reference":"REF","status":"pending"}"#, "accepted", "accepted"),
        (200, r#"{"id":"g1","reference":"REF","status":"success","transaction_id":"t"}"#, "paid", "paid"),
        (200, r#"{"id":"g1","reference":"REF","status":"success"}"#, "unknown", "unknown"),
        (
            200,
            r#"{"id":"g1","reference":"REF","status":"success","transaction_id":"t","amount":"x"}"#,
            "unknown",
            "unknown",
        ),
        (200, r#"{"id":"g1","reference":"REF","status":"reversed"}"#, "unknown", "unknown"),
        (200, r#"{"id":"","reference":"REF","status":"pending"}"#, "unknown", "unknown"),
        (200, r#"{"reference":"REF","status":"pending"}"#, "unknown", "unknown"),
        (200, r#"{"id":"g1","status":"pending"}"#, "unknown", "unknown"),
        (
            200,
            r#"{"id":"g1","reference":"00000000-0000-0000-0000-000000000001","status":"success","transaction_id":"t"}"#,
            "unknown",
            "unknown",
        ),
        (200, r#"{"id":"g1","reference":"REF","status":"failed","code":"PAYEE_BARRED"}"#, "final", "final"),
        (200, r#"{"id":"g1","reference":"REF","status":"failed","code":"EXPIRED"}"#, "retry", "retry"),
        (200, r#"{"id":"g1","reference":"REF","status":"failed","code":"NEW"}"#, "unknown", "unknown"),
        (200, r#"{"id":"g1","reference":"REF","status":"failed"}"#, "unknown", "unknown"),
        (200, "<html>", "unknown", "unknown"),
        (201, r#"{"id":"g1","reference":"REF","status":"pending"}"#, "unknown", "unknown"),
        (409, r#"{"code":"DUPLICATE_REFERENCE"}"#, "accepted", "unknown"),
        (409, "", "unknown", "unknown"),
        (400, r#"{"code":"INVALID_AMOUNT","message":"m"}"#, "final", "unknown"),
        (422, r#"{"code":"INSUFFICIENT_FLOAT"}"#, "retry", "unknown"),
        (422, r#"{"code":"NEW"}"#, "unknown", "unknown"),
        (400, "", "unknown", "unknown"),
        (401, r#"{"code":"UNAUTHORIZED"}"#, "blocked", "blocked, perhaps executed"),
        (403, r#"{"code":"FORBIDDEN"}"#, "blocked", "blocked, perhaps executed"),
        (401, "", "blocked, perhaps executed", "blocked, perhaps executed"),
        (403, "<html>", "blocked, perhaps executed", "blocked, perhaps executed"),
        (429, r#"{"code":"RATE_LIMITED"}"#, "not sent", "unknown"),
        (429, "", "unknown", "unknown"),
        (404, r#"{"code":"NOT_FOUND","message":"m"}"#, "unknown", "not found"),
        (404, "", "unknown", "unknown"),
        (500, r#"{"code":"PAYEE_NOT_FOUND"}"#, "unknown", "unknown"),
        (502, "Bad Gateway", "unknown", "unknown"),
    ] {
        let reply = reply(status, body);
        assert_eq!(word(&answer::of_submit(&reply, REFERENCE, UGX)), submitted, "submit {status} {body}");
        assert_eq!(word(&answer::of_query(&reply, REFERENCE, UGX)), asked, "query {status} {body}");
    }
}

#[test]
fn every_documented_code_is_known() {
    for code in ["PAYEE_NOT_FOUND", "PAYEE_BARRED", "LIMIT_REACHED", "INVALID_MSISDN", "INVALID_AMOUNT", "NOT_ALLOWED"]
    {
        assert_eq!(codes::retryable(code), Some(false), "{code}");
    }
    for code in ["INSUFFICIENT_FLOAT", "TEMPORARILY_UNAVAILABLE", "EXPIRED"] {
        assert_eq!(codes::retryable(code), Some(true), "{code}");
    }
    assert_eq!(codes::retryable("payee_not_found"), None);
}

#[tokio::test]
async fn a_transfer_is_sent_as_the_page_says() {
    let accepted = format!(r#"{{"id":"g1","reference":"{REFERENCE}","status":"pending"}}"#);
    let server = Server::start(move |_| Some((202, accepted.clone()))).await;
    let rail = rail(&format!("{}/", server.url));
    let request = rail.request(&transfer());
    assert_eq!(
        request.body,
        format!(
            r#"{{"reference":"{REFERENCE}","payout_id":"{PAYOUT}","msisdn":"256701234567","amount":"50000","currency":"UGX","narration":"March payroll","callback_url":"https://gaba.example/hooks/test-lane"}}"#
        )
    );
    let answer = rail.submit(REFERENCE, &request).await;
    assert_eq!(answer.outcome, Outcome::Accepted { provider_id: Some("g1".into()) });
    assert_eq!(answer.http_status, Some(202));
    let sent = server.requests("POST /transfers ").remove(0);
    assert!(sent.contains(&format!("\r\nauthorization: Bearer {SECRET}\r\n")));
    assert!(sent.contains(&format!("\r\nidempotency-key: {REFERENCE}\r\n")));
    assert!(sent.ends_with(&request.body));
}

#[tokio::test]
async fn a_query_and_the_balance_are_asked_as_the_page_says() {
    let server = Server::start(|r| {
        Some(if r.starts_with("GET /balance ") {
            (200, r#"{"available":"1000000","currency":"UGX"}"#.into())
        } else {
            (404, r#"{"code":"NOT_FOUND","message":"never seen"}"#.into())
        })
    })
    .await;
    let rail = rail(&server.url);
    assert_eq!(rail.query(REFERENCE).await.outcome, Outcome::NotFound);
    assert_eq!(server.requests(&format!("GET /transfers/{REFERENCE} ")).len(), 1);
    assert_eq!(rail.balance().await, Some(Ok(Money::new(1_000_000, Currency::Ugx))));
}

#[tokio::test]
async fn a_gateway_that_cannot_be_reached_was_sent_nothing_and_told_nothing() {
    let rail = rail("http://127.0.0.1:1");
    assert_eq!(word(&rail.submit(REFERENCE, &rail.request(&transfer())).await.outcome), "not sent");
    assert_eq!(word(&rail.query(REFERENCE).await.outcome), "unknown");
    assert!(rail.balance().await.unwrap().is_err());
}

fn signed(body: &str, received_after: i64) -> RawReceipt {
    let receipt = receipt(body.replace(r#""REF""#, &format!("\"{REFERENCE}\"")));
    let sent = receipt.received_at.micros() / 1_000_000;
    let signature = SigningKey::parse(SECRET).unwrap().sign("m1", sent, &receipt.body);
    let headers = [("webhook-id", "m1"), ("webhook-timestamp", &sent.to_string()), ("webhook-signature", &signature)];
    RawReceipt {
        headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        received_at: Time((sent + received_after) * 1_000_000),
        ..receipt
    }
}

const SUCCESS: &str = r#"{"reference":"REF","payout_id":"p","status":"success","transaction_id":"t","msisdn":"256701234567","amount":"50000","currency":"UGX","code":null,"message":null}"#;

#[test]
fn a_signed_receipt_is_verified_and_read_whole() {
    let news = rail("http://x").parse_receipt(&signed(SUCCESS, 0)).unwrap();
    assert!(news.verified && news.reference == REFERENCE);
    let paid = Payment {
        transaction_id: Some("t".into()),
        amount_minor: Some(50_000),
        currency: UGX,
        msisdn: Some("256701234567".into()),
        payout_id: Some("p".into()),
    };
    assert_eq!(news.outcome, Outcome::Paid(paid));
    let failed = r#"{"reference":"REF","status":"failed","code":"PAYEE_BARRED","message":"barred"}"#;
    assert_eq!(word(&rail("http://x").parse_receipt(&signed(failed, 0)).unwrap().outcome), "final");
}

#[test]
fn a_receipt_that_is_forged_late_or_unsigned_is_a_hint() {
    let verified = |rail: &HttpGateway, receipt: &RawReceipt| rail.parse_receipt(receipt).unwrap().verified;
    let gateway = rail("http://x");
    assert!(!verified(&gateway, &signed(SUCCESS, 301)));
    let mut forged = signed(SUCCESS, 0);
    forged.body = String::from_utf8(forged.body).unwrap().replace("50000", "90000").into_bytes();
    assert!(!verified(&gateway, &forged));
    assert!(!verified(&gateway, &RawReceipt { headers: Vec::new(), ..signed(SUCCESS, 0) }));
    let by_token = RawReceipt { headers: Vec::new(), token_reference: Some(REFERENCE), ..signed(SUCCESS, 0) };
    assert!(!verified(&gateway, &by_token), "this rail gives out no capability addresses");
    let mut lane = testing::lane("http", "http://x");
    lane.secrets.secret = None;
    let without_secret = HttpGateway::new(&lane, &testing::context());
    assert!(!verified(&without_secret, &signed(SUCCESS, 0)));
}

#[test]
fn a_receipt_without_our_reference_is_refused() {
    let rail = rail("http://x");
    assert_eq!(rail.parse_receipt(&receipt(r#"{"status":"success"}"#)), Err(ReceiptError::NoReference));
    assert_eq!(rail.parse_receipt(&receipt(r#"{"reference":"x"}"#)), Err(ReceiptError::NoReference));
    assert!(matches!(rail.parse_receipt(&receipt("[")), Err(ReceiptError::Malformed(_))));
}

proptest! {
    #[test]
    fn nothing_posted_panics_or_is_verified_unsigned(body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(news) = rail("http://x").parse_receipt(&receipt(body)) {
            prop_assert!(!news.verified);
        }
    }

    #[test]
    fn nothing_is_paid_without_the_status_success(status in prop_oneof![Just(200u16), 100u16..600], told in "success|failed|[a-z]{0,8}", code in "[A-Z_]{0,8}") {
        let body = format!(r#"{{"id":"g","reference":"REF","status":"{told}","transaction_id":"t","code":"{code}"}}"#);
        let reply = reply(status, &body);
        for outcome in [answer::of_submit(&reply, REFERENCE, UGX), answer::of_query(&reply, REFERENCE, UGX)] {
            prop_assert!(told == "success" || !matches!(outcome, Outcome::Paid(_)));
        }
    }
}
