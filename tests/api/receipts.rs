//! Receipts: believed when they are vouched for, whatever their order and number; a forged one changes nothing.

use super::*;
use crate::support::{judge, list, until};
use gaba::receipt::verify::capability_token;
use standardwebhooks::Webhook;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Nobody asks: what is known is known from receipts alone.
pub(super) fn never_asking(toml: String) -> String {
    toml.replace("poll_after = [\"60ms\", \"120ms\", \"250ms\"]", "poll_after = [\"10m\"]")
}

pub(super) fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// What somebody posts to a hook.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Letter {
    pub(super) fn plain(path: &str, body: &Value) -> Letter {
        Letter { path: path.to_owned(), headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    /// Signed as the gateway does.
    pub(super) fn signed(path: &str, body: &Value, at_s: i64) -> Letter {
        Letter::signed_with(gaba::simulator::SECRET, path, body, at_s)
    }

    pub(super) fn signed_with(secret: &str, path: &str, body: &Value, at_s: i64) -> Letter {
        let (letter, id) = (Letter::plain(path, body), format!("msg_{}", Uuid::new_v4().simple()));
        let signature = Webhook::new(secret).unwrap().sign(&id, at_s, &letter.body).unwrap();
        let headers =
            vec![("webhook-id", id), ("webhook-timestamp", at_s.to_string()), ("webhook-signature", signature)];
        Letter { headers, ..letter }
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Letter {
        self.headers.retain(|(name, _)| *name != header);
        self.headers.push((header, value.into()));
        self
    }

    pub(super) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(n, _)| *n == name).unwrap().1
    }

    async fn post(&self, world: &World) -> Reply {
        let mut request = world.gaba.maker.client.post(format!("{}{}", world.gaba.url, self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        reply(request.header("content-type", "application/json").body(self.body.clone())).await
    }

    pub(super) async fn is_taken(&self, world: &World) {
        let answer = self.post(world).await;
        assert_eq!(answer.status, 200, "{}: {}", self.path, answer.body);
    }
}

/// A batch whose payments stay open for ever, one of them of each lane, and the key of the installation's hook addresses.
struct Open {
    world: World,
    batch: Value,
    payouts: Vec<Value>,
    mtn: Value,
    airtel: Value,
    capability_key: [u8; 32],
}

impl Open {
    async fn start(name: &str, rows: usize) -> Open {
        let world = World::configured(name, never_asking).await;
        let never = json!({"settle_ms": 86_400_000});
        world.network.control(json!({"mtn-momo": never, "http": never})).await;
        let batch = world.pay("open", list(rows, 50_000), &[]).await;
        let path = format!("/v1/batches/{}/payouts?state=accepted", id(&batch));
        let payouts = until("all to be accepted", || async {
            let found = world.gaba.maker.all(&path).await;
            (found.len() == rows).then_some(found)
        })
        .await;
        let of_lane = |lane: &str| payouts.iter().find(|p| p["lane"] == lane).unwrap().clone();
        let key = sqlx::query_scalar("SELECT value FROM settings WHERE name = 'capability_key'");
        let key: Vec<u8> = key.fetch_one(&world.database().await).await.unwrap();
        let (mtn, airtel) = (of_lane("mtn-ug"), of_lane("airtel-ug"));
        Open { mtn, airtel, payouts, batch, capability_key: key.try_into().unwrap(), world }
    }

    /// A genuine receipt of the gateway, with `changed` members.
    fn success(&self, changed: Value) -> Value {
        success(&self.airtel, &changed)
    }

    /// MTN's words for a payment.
    fn mtn_success(&self, changed: Value) -> Value {
        let payout = &self.mtn;
        let mut body = json!({
            "financialTransactionId": "363440463", "externalId": payout["id"], "amount": payout["amount"],
            "currency": "UGX", "payee": {"partyIdType": "MSISDN", "partyId": payout["msisdn"]}, "status": "SUCCESSFUL",
        });
        body.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        body
    }

    fn reference(payout: &Value) -> Uuid {
        payout["provider_reference"].as_str().unwrap().parse().unwrap()
    }

    fn token(&self, lane: &str) -> String {
        capability_token(&self.capability_key, lane, Open::reference(&self.mtn))
    }

    /// Waits until the inbox is empty.
    async fn applied(&self) {
        let pool = self.world.database().await;
        until("every receipt to be applied", || async {
            let waiting = sqlx::query_scalar("SELECT COUNT(*) FROM receipts WHERE due_at IS NOT NULL");
            let waiting: i64 = waiting.fetch_one(&pool).await.unwrap();
            (waiting == 0).then_some(())
        })
        .await;
    }

    async fn state(&self, payout: &Value) -> (String, bool) {
        let payout = self.world.gaba.maker.get(&format!("/v1/payouts/{}", id(payout))).await.1;
        (payout["state"].as_str().unwrap().to_owned(), payout["frozen_by"].is_string())
    }

    async fn nothing_changed(&self) {
        self.applied().await;
        let (_, now) = self.world.gaba.maker.get(&format!("/v1/batches/{}", id(&self.batch))).await;
        assert_eq!((&now["counts"]["accepted"], &now["state"]), (&json!(4), &json!("running")), "{now}");
        for payout in [&self.mtn, &self.airtel] {
            assert_eq!(self.state(payout).await, ("accepted".to_owned(), false));
        }
        assert_eq!(self.world.gaba.maker.all("/v1/exceptions").await, Vec::<Value>::new());
        self.world.books_balance();
    }
}

/// A genuine receipt of the gateway, with `changed` members.
pub(super) fn success(payout: &Value, changed: &Value) -> Value {
    let mut body = json!({
        "reference": payout["provider_reference"], "payout_id": payout["id"], "status": "success",
        "transaction_id": "T-1", "msisdn": payout["msisdn"], "amount": payout["amount"], "currency": "UGX",
        "code": null, "message": null,
    });
    body.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    body
}

/// The same signature with one bit changed.
pub(super) fn flipped(signature: &str, bit: usize) -> String {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    let mut bytes = engine.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    format!("v1,{}", engine.encode(bytes))
}

#[tokio::test]
async fn a_forged_receipt_of_a_gateway_changes_nothing() {
    let open = Open::start("forged", 4).await;
    let (hook, now) = ("/hooks/airtel-ug", now_s());
    for status in ["success", "failed"] {
        let body = open.success(json!({"status": status, "code": (status == "failed").then_some("PAYEE_NOT_FOUND")}));
        let genuine = Letter::signed(hook, &body, now);
        let signature = genuine.header("webhook-signature").to_owned();
        for bit in [0, 7, 100, 255] {
            genuine.clone().with("webhook-signature", flipped(&signature, bit)).is_taken(&open.world).await;
        }
        for unfit in ["", "v1,", "v1", "v2,AAAA", &signature["v1,".len()..], &signature.to_uppercase()] {
            genuine.clone().with("webhook-signature", unfit).is_taken(&open.world).await;
        }
        genuine.clone().with("webhook-id", "msg_other").is_taken(&open.world).await;
        genuine.clone().with("webhook-timestamp", (now + 1).to_string()).is_taken(&open.world).await;
        genuine.clone().with("webhook-timestamp", format!("+{now}")).is_taken(&open.world).await;
        let changed = String::from_utf8(genuine.body.clone()).unwrap().replace("T-1", "T-2");
        Letter { body: changed.into_bytes(), ..genuine.clone() }.is_taken(&open.world).await;
        for stale in [now - 305, now + 310, 0, i64::MIN, i64::MAX] {
            let stale = Letter { headers: Letter::signed(hook, &body, now - 305).headers, ..genuine.clone() }
                .with("webhook-timestamp", stale.to_string());
            stale.is_taken(&open.world).await;
        }
        Letter::signed(hook, &body, now - 305).is_taken(&open.world).await;
        Letter::plain(hook, &body).is_taken(&open.world).await;
        // Signed, but for the address of another lane.
        Letter::signed("/hooks/mtn-ug", &body, now).is_taken(&open.world).await;
        Letter::signed("/hooks/blasta", &body, now).is_taken(&open.world).await;
    }
    open.nothing_changed().await;
    // The control: the same by the gateway itself is believed.
    Letter::signed(hook, &open.success(json!({})), now_s()).is_taken(&open.world).await;
    open.applied().await;
    assert_eq!(open.state(&open.airtel).await, ("paid".to_owned(), false));
}

#[tokio::test]
async fn an_address_that_only_mtn_was_told_vouches_for_one_reference_on_one_lane() {
    let open = Open::start("addresses", 4).await;
    let token = open.token("mtn-ug");
    let success = open.mtn_success(json!({}));
    let mut flipped: Vec<u8> = token.clone().into_bytes();
    flipped[30] = if flipped[30] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let backwards: String = token.chars().rev().collect();
    for unfit in [&flipped, &backwards, &token[..42], &format!("{token}A"), &open.token("airtel-ug"), "x"] {
        let refused = Letter::plain(&format!("/hooks/mtn-ug/{unfit}"), &success).post(&open.world).await;
        refused.is_problem(404, "not_found");
    }
    Letter::plain(&format!("/hooks/airtel-ug/{token}"), &success).post(&open.world).await.is_problem(404, "not_found");
    // Without the address: stored, and no more than a hint.
    Letter::plain("/hooks/mtn-ug", &success).is_taken(&open.world).await;
    Letter::plain("/hooks/mtn-ug", &json!({"referenceId": Open::reference(&open.mtn), "status": "FAILED"}))
        .is_taken(&open.world)
        .await;
    // Right address, but the body speaks of another payment.
    let address = format!("/hooks/mtn-ug/{token}");
    for body in [json!({}), json!({"status": "SUCCESS"}), json!([1]), json!({"status": "SUCCESSFUL"})] {
        Letter::plain(&address, &body).is_taken(&open.world).await;
    }
    open.nothing_changed().await;
    Letter::plain(&address, &success).is_taken(&open.world).await;
    open.applied().await;
    assert_eq!(open.state(&open.mtn).await, ("paid".to_owned(), false));
}

#[tokio::test]
async fn a_genuine_receipt_of_another_amount_or_number_opens_an_exception_and_pays_nothing() {
    let open = Open::start("mismatch", 4).await;
    let maker = &open.world.gaba.maker;
    let other_amount = open.success(json!({"amount": "1"}));
    for _ in 0..20 {
        Letter::signed("/hooks/airtel-ug", &other_amount, now_s()).is_taken(&open.world).await;
    }
    let other_number = open.mtn_success(json!({"payee": {"partyIdType": "MSISDN", "partyId": "256770000999"}}));
    Letter::plain(&format!("/hooks/mtn-ug/{}", open.token("mtn-ug")), &other_number).is_taken(&open.world).await;
    open.applied().await;
    for payout in [&open.mtn, &open.airtel] {
        let (state, frozen) = open.state(payout).await;
        assert!(state != "paid" && state != "failed" && frozen, "{state}");
    }
    let exceptions = maker.all("/v1/exceptions").await;
    let mismatches = exceptions.iter().filter(|e| e["kind"] == "mismatch" && e["state"] == "open");
    assert_eq!(mismatches.count(), 2, "one for each, however often it is told: {exceptions:?}");
    assert!(exceptions.len() <= 3, "{exceptions:?}");
    // Frozen is frozen: not even the right receipt moves it now.
    Letter::signed("/hooks/airtel-ug", &open.success(json!({})), now_s()).is_taken(&open.world).await;
    open.applied().await;
    assert!(open.state(&open.airtel).await.1);
    let (_, batch) = maker.get(&format!("/v1/batches/{}", id(&open.batch))).await;
    assert_eq!((&batch["counts"]["paid"], &batch["totals"]["paid"]), (&json!(0), &json!("0")), "{batch}");
    open.world.books_balance();
}

#[tokio::test]
async fn a_receipt_replayed_twenty_times_pays_once() {
    let open = Open::start("replayed", 4).await;
    let letter = Letter::signed("/hooks/airtel-ug", &open.success(json!({})), now_s());
    let mtn = Letter::plain(&format!("/hooks/mtn-ug/{}", open.token("mtn-ug")), &open.mtn_success(json!({})));
    let copies = std::iter::repeat_n([&letter, &mtn], 20).flatten();
    futures::future::join_all(copies.map(|letter| letter.is_taken(&open.world))).await;
    // Then the news changes: a failure after the success.
    let failed = open.success(json!({"status": "failed", "code": "PAYEE_NOT_FOUND", "transaction_id": null}));
    Letter::signed("/hooks/airtel-ug", &failed, now_s()).is_taken(&open.world).await;
    open.applied().await;
    let (_, batch) = open.world.gaba.maker.get(&format!("/v1/batches/{}", id(&open.batch))).await;
    assert_eq!((&batch["counts"]["paid"], &batch["counts"]["accepted"]), (&json!(2), &json!(2)), "{batch}");
    assert_eq!(open.state(&open.airtel).await.0, "paid", "what is paid stays paid");
    let pool = open.world.database().await;
    let transfers: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM transfers WHERE kind = 'paid'").fetch_one(&pool).await.unwrap();
    assert_eq!(transfers, 2);
    open.world.books_balance();
}

#[tokio::test]
async fn what_no_provider_would_post_is_answered_and_changes_nothing() {
    let open = Open::start("junk", 4).await;
    let reference = Open::reference(&open.airtel);
    let (client, url) = (&open.world.gaba.maker.client, &open.world.gaba.url);
    let deep = format!("{{\"reference\":\"{reference}\",\"x\":{}", "[".repeat(6_000));
    let junk: [&[u8]; 9] = [
        b"",
        b"null",
        b"\x00\x01\xff\xfe",
        b"{\"reference\":\"\x00\"}",
        b"{\"reference\":5,\"status\":[]}",
        b"<xml/>",
        "{\"reference\":\"💸\"}".as_bytes(),
        deep.as_bytes(),
        b"{\"reference\":\"00000000-0000-0000-0000-000000000000\",\"status\":\"success\",\"amount\":1e400}",
    ];
    for lane in ["mtn-ug", "airtel-ug", "blasta"] {
        for body in junk {
            for method in [reqwest::Method::POST, reqwest::Method::PUT] {
                let sent = client.request(method, format!("{url}/hooks/{lane}")).body(body.to_vec());
                let answer = reply(sent).await;
                assert_eq!(answer.status, 200, "{:?}: {}", String::from_utf8_lossy(body), answer.body);
            }
        }
        let large = reply(client.post(format!("{url}/hooks/{lane}")).body(vec![b'x'; 70_000])).await;
        large.is_problem(413, "too_large");
    }
    for path in ["/hooks/nobody", "/hooks/MTN-UG", "/hooks/nobody/token", "/hooks/", "/hooks/%FF", "/hooks/mtn-ug/%FF"]
    {
        let answer = reply(client.post(format!("{url}{path}")).body("{}")).await;
        assert!(answer.status == 404 || answer.status == 400, "{path}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}: {}", answer.body);
    }
    open.nothing_changed().await;
}

#[tokio::test]
async fn receipts_alone_settle_a_batch_whatever_their_order_and_number() {
    let world = World::configured("order", never_asking).await;
    let knobs = json!({"receipt_double": 0.7, "receipt_late_ms": 300, "receipt_early": 0.3, "receipt_forged": 0.5});
    world.network.control(json!({"mtn-momo": knobs, "http": knobs, "sms-http": knobs})).await;
    let batch = world.settle("payroll", list(60, 50_000), &[("notify", "true")]).await;
    assert_eq!(batch["counts"]["paid"], 60, "{batch}");
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn exceptions_are_listed_page_by_page_without_loss() {
    let open = Open::start("exceptions", 24).await;
    let gateway = open.payouts.iter().filter(|p| p["lane"] == "airtel-ug");
    let letters: Vec<Letter> =
        gateway.map(|p| Letter::signed("/hooks/airtel-ug", &success(p, &json!({"amount": "7"})), now_s())).collect();
    // Together, so that several are opened in the same moment.
    futures::future::join_all(letters.iter().map(|letter| letter.is_taken(&open.world))).await;
    open.applied().await;
    let maker = &open.world.gaba.maker;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, page) = maker.get(&format!("/v1/exceptions?limit=1{cursor}")).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|e| id(e).to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let all: Vec<String> = maker.all("/v1/exceptions").await.iter().map(|e| id(e).to_owned()).collect();
    assert_eq!((found.len(), &found), (12, &all), "one at a time is the same list");
}
