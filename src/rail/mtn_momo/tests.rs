//! The transfer on the wire and the token's part in it; the meaning of answers is tested in `answer_tests.rs`.

use super::*;
use crate::money::Currency;
use crate::phone::Msisdn;
use crate::rail::testing::{self, PAYOUT, REFERENCE, Server, receipt};
use crate::receipt::verify::verify_capability_token;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const TOKEN: &str = r#"{"access_token":"the-access-token","token_type":"access_token","expires_in":3600}"#;

fn rail(url: &str) -> MtnMomo {
    let mut lane = testing::lane("mtn-momo", url);
    lane.request_timeout = Duration::from_secs(10);
    MtnMomo::new(&lane, &testing::context())
}

fn transfer(note: Option<&str>) -> Transfer {
    Transfer {
        payout: PAYOUT,
        reference: REFERENCE,
        msisdn: Msisdn::from_digits("256772123456").unwrap(),
        amount: Money::new(50_000, Currency::Ugx),
        note: note.map(str::to_owned),
    }
}

async fn submit(rail: &MtnMomo) -> Outcome {
    rail.submit(REFERENCE, &rail.request(&transfer(None))).await.outcome
}

fn answer(status: u16, body: &str) -> Option<(u16, String)> {
    Some((status, body.to_owned()))
}

fn is_token(request: &str) -> bool {
    request.starts_with("POST /disbursement/token/")
}

#[test]
fn a_transfer_is_written_the_same_way_every_time() {
    let request = rail("http://x").request(&transfer(Some("O'Brien's March pay: café & co")));
    assert_eq!(
        request.body,
        r#"{"amount":"50000","currency":"UGX","externalId":"00000000-0000-0000-0000-000000000077","payee":{"partyIdType":"MSISDN","partyId":"256772123456"},"payerMessage":"O Brien s March pay cafe co","payeeNote":"O Brien s March pay cafe co"}"#
    );
    assert_eq!(request, rail("http://x").request(&transfer(Some("O'Brien's March pay: café & co"))));
    assert!(!rail("http://x").request(&transfer(Some(" '' "))).body.contains("Note"));
}

#[test]
fn a_note_is_cut_to_what_mtn_takes() {
    assert_eq!(wire::clean_note(&"é'".repeat(500)).len(), wire::NOTE_CHARS_MAX - 1);
    assert_eq!(wire::clean_note(&"ab ".repeat(500)).chars().count(), wire::NOTE_CHARS_MAX);
    assert_eq!(wire::clean_note("\u{202e}１２ \0\r\n😀 ok-1.2,3"), "ok-1.2,3");
}

#[test]
fn the_callback_address_vouches_for_the_reference_unless_callbacks_are_hints() {
    let mut lane = testing::lane("mtn-momo", "http://x/");
    let context = testing::context();
    let url = MtnMomo::new(&lane, &context).request(&transfer(None)).callback_url.unwrap();
    let token = url.strip_prefix("https://gaba.example/hooks/test-lane/").unwrap();
    assert_eq!(verify_capability_token(&context.capability_key, "test-lane", token), Some(REFERENCE));
    lane.callbacks = Some(Callbacks::Hint);
    assert_eq!(MtnMomo::new(&lane, &context).request(&transfer(None)).callback_url, None);
}

#[tokio::test]
async fn a_transfer_carries_what_mtn_asks_for() {
    let server = Server::start(|r| if is_token(r) { answer(200, TOKEN) } else { answer(202, "") }).await;
    let rail = rail(&format!("{}/", server.url));
    assert_eq!(submit(&rail).await, Outcome::Accepted { provider_id: None });

    let token = server.requests("POST /disbursement/token/").remove(0);
    assert!(token.contains(&format!("\r\nauthorization: Basic {}\r\n", STANDARD.encode("user:the-api-key"))));
    assert!(token.contains("\r\ncontent-length: 0\r\n"));
    assert!(token.contains("\r\nocp-apim-subscription-key: the-subscription-key\r\n"));

    let sent = server.requests("POST /disbursement/v1_0/transfer ").remove(0);
    let request = rail.request(&transfer(None));
    for header in [
        "authorization: Bearer the-access-token".to_owned(),
        format!("x-reference-id: {REFERENCE}"),
        "x-target-environment: mtnuganda".into(),
        "ocp-apim-subscription-key: the-subscription-key".into(),
        format!("x-callback-url: {}", request.callback_url.as_ref().unwrap()),
        "content-type: application/json".into(),
    ] {
        assert!(sent.contains(&format!("\r\n{header}\r\n")), "{header} is missing in {sent}");
    }
    assert!(sent.ends_with(&format!("\r\n\r\n{}", request.body)));
}

#[tokio::test]
async fn a_hundred_transfers_need_one_token() {
    let server = Server::start(|r| if is_token(r) { answer(200, TOKEN) } else { answer(202, "") }).await;
    let rail = rail(&server.url);
    let outcomes = futures::future::join_all((0..100).map(|_| submit(&rail))).await;
    assert!(outcomes.iter().all(|o| *o == Outcome::Accepted { provider_id: None }));
    assert_eq!(server.requests("POST /disbursement/token/").len(), 1);
    assert_eq!(server.requests("POST /disbursement/v1_0/transfer").len(), 100);
}

#[tokio::test]
async fn after_a_401_it_sends_once_more_with_a_fresh_token() {
    let tokens = AtomicUsize::new(0);
    let server = Server::start(move |r| {
        if is_token(r) {
            let n = tokens.fetch_add(1, Ordering::SeqCst);
            return answer(200, &TOKEN.replace("the-access-token", &format!("token-number-{n}")));
        }
        if r.contains("token-number-0") { answer(401, "") } else { answer(202, "") }
    })
    .await;
    assert_eq!(submit(&rail(&server.url)).await, Outcome::Accepted { provider_id: None });
    let sent = server.requests("POST /disbursement/v1_0/transfer");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].replace("token-number-0", "token-number-1"), sent[1]);
}

#[tokio::test]
async fn a_401_that_repeats_blocks_the_lane() {
    let server = Server::start(|r| if is_token(r) { answer(200, TOKEN) } else { answer(401, "{}") }).await;
    let rail = rail(&server.url);
    assert!(matches!(submit(&rail).await, Outcome::LaneBlocked { executed: Executed::No, .. }));
    assert_eq!(server.requests("POST /disbursement/v1_0/transfer").len(), 2);
    let asked = rail.query(REFERENCE).await.outcome;
    assert!(matches!(asked, Outcome::LaneBlocked { executed: Executed::Perhaps, .. }), "{asked:?}");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let cases = [(500, "{}"), (200, "<html>"), (200, "{}"), (429, ""), (302, ""), (404, "")];
    for (status, body) in cases {
        let server = Server::start(move |_| answer(status, body)).await;
        let rail = rail(&server.url);
        assert!(matches!(submit(&rail).await, Outcome::NotSent { .. }), "{status} {body}");
        assert!(matches!(rail.query(REFERENCE).await.outcome, Outcome::Unknown { .. }), "{status} {body}");
        assert!(server.requests("POST /disbursement/v1_0").is_empty());
    }
    let closed = Server::start(|_| None).await;
    assert!(
        matches!(submit(&rail(&closed.url)).await, Outcome::NotSent { .. }),
        "an unanswered token request pays nobody"
    );
    for status in [401, 403] {
        let server = Server::start(move |_| answer(status, "{}")).await;
        let rail = rail(&server.url);
        assert!(matches!(submit(&rail).await, Outcome::LaneBlocked { executed: Executed::No, .. }));
        assert!(matches!(
            rail.query(REFERENCE).await.outcome,
            Outcome::LaneBlocked { executed: Executed::Perhaps, .. }
        ));
    }
}

#[tokio::test]
async fn a_transfer_that_was_not_answered_is_unknown_and_sent_once() {
    let server = Server::start(|r| if is_token(r) { answer(200, TOKEN) } else { None }).await;
    assert!(matches!(submit(&rail(&server.url)).await, Outcome::Unknown { .. }));
    assert_eq!(server.requests("POST /disbursement/v1_0/transfer").len(), 1);
}

#[tokio::test]
async fn what_mtn_echoes_of_our_secrets_is_not_kept() {
    let server = Server::start(|r| {
        if is_token(r) {
            return answer(200, TOKEN);
        }
        let address = r.lines().find_map(|l| l.strip_prefix("x-callback-url: ")).unwrap_or("");
        let message = format!("{address} the-access-token the-api-key the-subscription-key");
        answer(500, &format!(r#"{{"code":"INVALID_CALLBACK_URL_HOST","message":"{message}"}}"#))
    })
    .await;
    let rail = rail(&server.url);
    let request = rail.request(&transfer(None));
    let answer = rail.submit(REFERENCE, &request).await;
    let capability = request.callback_url.unwrap().rsplit_once('/').unwrap().1.to_owned();
    let kept = format!("{:?}", answer);
    assert_eq!(answer.http_status, Some(500));
    for secret in ["the-access-token", "the-api-key", "the-subscription-key", &capability] {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
}

#[tokio::test]
async fn the_balance_is_read_or_refused_with_a_reason() {
    let balance = async |status, body: &'static str| {
        let server = Server::start(move |r| if is_token(r) { answer(200, TOKEN) } else { answer(status, body) }).await;
        rail(&server.url).balance().await.unwrap()
    };
    let read = balance(200, r#"{"availableBalance":"1000","currency":"UGX"}"#).await;
    assert_eq!(read, Ok(Money::new(1_000, Currency::Ugx)));
    assert_eq!(balance(500, r#"{"code":"NOT_ALLOWED"}"#).await.unwrap_err().code, "NOT_ALLOWED");
    assert!(balance(200, "[]").await.is_err());
}

#[test]
fn a_callback_is_verified_by_its_address_and_else_a_hint() {
    let rail = rail("http://x");
    let body = r#"{"status":"SUCCESSFUL","financialTransactionId":"1","amount":"500","currency":"UGX"}"#;
    assert_eq!(rail.parse_receipt(&receipt(body)), Err(ReceiptError::NoReference));
    let by_token = RawReceipt { token_reference: Some(REFERENCE), ..receipt(body) };
    let news = rail.parse_receipt(&by_token).unwrap();
    assert!(news.verified && news.reference == REFERENCE && matches!(news.outcome, Outcome::Paid(_)));

    let naming = body.replace("{", &format!(r#"{{"referenceId":"{REFERENCE}","#));
    let hint = rail.parse_receipt(&receipt(naming.clone())).unwrap();
    assert!(!hint.verified && hint.reference == REFERENCE);
    let crossed = RawReceipt { token_reference: Some(PAYOUT), ..receipt(naming) };
    assert!(matches!(rail.parse_receipt(&crossed), Err(ReceiptError::Malformed(_))));
    assert!(matches!(rail.parse_receipt(&receipt("nonsense")), Err(ReceiptError::Malformed(_))));
}
