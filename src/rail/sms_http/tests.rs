use super::*;
use crate::phone::Msisdn;
use crate::rail::testing::{self, PAYOUT, SECRET, Server, receipt};
use std::time::Duration;

fn rail(url: &str) -> SmsHttp {
    let mut lane = testing::lane("sms-http", url);
    lane.request_timeout = Duration::from_secs(10);
    SmsHttp::new(&lane, &testing::context())
}

fn sms() -> Sms {
    Sms { id: PAYOUT, msisdn: Msisdn::from_digits("256701234567").unwrap(), text: "Paid \"50,000\" é".into() }
}

fn word(outcome: &SmsOutcome) -> &'static str {
    match outcome {
        SmsOutcome::Submitted { .. } => "submitted",
        SmsOutcome::Delivered => "delivered",
        SmsOutcome::Undelivered { .. } => "undelivered",
        SmsOutcome::Rejected { .. } => "rejected",
        SmsOutcome::NotSent { .. } => "not sent",
        SmsOutcome::Unknown { .. } => "unknown",
    }
}

#[test]
fn answers_to_a_message() {
    for (status, body, expected) in [
        (202, r#"{"id":"g1","status":"submitted"}"#, "submitted"),
        (202, r#"{"status":"submitted"}"#, "unknown"),
        (202, r#"{"id":"g1","status":"queued"}"#, "unknown"),
        (202, "", "unknown"),
        (200, r#"{"id":"g1","status":"submitted"}"#, "unknown"),
        (400, r#"{"code":"INVALID_SENDER","message":"m"}"#, "rejected"),
        (422, r#"{"code":"TOO_LONG"}"#, "rejected"),
        (400, "<html>", "unknown"),
        (401, "", "not sent"),
        (403, "", "not sent"),
        (429, "", "not sent"),
        (500, r#"{"code":"INVALID_SENDER"}"#, "unknown"),
        (502, "", "unknown"),
    ] {
        let reply = Reply { status, body: body.into(), retry_after: None };
        assert_eq!(word(&of_send(&reply)), expected, "{status} {body}");
    }
}

#[tokio::test]
async fn a_message_is_sent_as_the_page_says() {
    let server = Server::start(|_| Some((202, r#"{"id":"g1","status":"submitted"}"#.into()))).await;
    let outcome = rail(&server.url).send(&sms()).await;
    assert_eq!(outcome, SmsOutcome::Submitted { gateway_id: Some("g1".into()) });
    let sent = server.requests("POST /messages ").remove(0);
    assert!(sent.contains(&format!("\r\nauthorization: Bearer {SECRET}\r\n")));
    assert!(sent.contains(&format!("\r\nidempotency-key: {PAYOUT}\r\n")));
    assert!(sent.ends_with(&format!(
        r#"{{"id":"{PAYOUT}","to":"256701234567","from":"GABA","text":"Paid \"50,000\" é","callback_url":"https://gaba.example/hooks/test-lane"}}"#
    )));
}

#[tokio::test]
async fn a_message_that_may_have_gone_out_is_unknown_and_one_that_did_not_is_not_sent() {
    let closing = Server::start(|_| None).await;
    assert_eq!(word(&rail(&closing.url).send(&sms()).await), "unknown");
    assert_eq!(closing.requests("POST /messages ").len(), 1);
    assert_eq!(word(&rail("http://127.0.0.1:1").send(&sms()).await), "not sent");
}

#[test]
fn a_delivery_report_is_verified_by_its_signature() {
    let body = format!(r#"{{"id":"{PAYOUT}","gateway_id":"g1","status":"delivered","code":null,"message":null}}"#);
    let mut report = receipt(body.clone());
    let unsigned = rail("http://x").parse_receipt(&report).unwrap();
    assert_eq!(unsigned, News { reference: PAYOUT, outcome: SmsOutcome::Delivered, verified: false });
    let sent = report.received_at.micros() / 1_000_000;
    let signature = SigningKey::parse(SECRET).unwrap().sign("m1", sent, body.as_bytes());
    let headers = [("webhook-id", "m1"), ("webhook-timestamp", &sent.to_string()), ("webhook-signature", &signature)];
    report.headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
    assert!(rail("http://x").parse_receipt(&report).unwrap().verified);
}

#[test]
fn delivery_reports() {
    let report = |rest: &str| {
        let body = format!(r#"{{"id":"{PAYOUT}"{rest}}}"#);
        rail("http://x").parse_receipt(&receipt(body)).unwrap().outcome
    };
    let undelivered = report(r#","status":"undelivered","code":"ABSENT","message":"phone off""#);
    assert_eq!(undelivered, SmsOutcome::Undelivered { reason: Reason::new("ABSENT", "phone off") });
    assert_eq!(word(&report(r#","status":"undelivered""#)), "undelivered");
    assert_eq!(word(&report(r#","status":"buffered""#)), "unknown");
    assert_eq!(word(&report("")), "unknown");
    assert_eq!(rail("http://x").parse_receipt(&receipt("{}")), Err(ReceiptError::NoReference));
    assert!(matches!(rail("http://x").parse_receipt(&receipt("\0")), Err(ReceiptError::Malformed(_))));
}
