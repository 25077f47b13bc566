//! Receipts by the thousand that nobody should believe, posted to a real server over HTTP: not one of them changes a state or
//! moves money, and the genuine ones that come in between are applied at once. `GABA_FORGED=100000` is the whole of it.

use super::receipts::{Letter, flipped, never_asking, now_s, success};
use super::*;
use crate::support::{list, page, until};
use futures::StreamExt;
use gaba::receipt::verify::capability_token;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Of each of the two kinds of lanes, half of the rows.
const ROWS: usize = 120;
/// Payouts about which something signed says that other money was paid.
const MISMATCHED: usize = 20;
/// Posts on their way at a time.
const AT_ONCE: usize = 32;
/// Receipts of a lane that are kept though nobody vouches for them (`src/store/sqlite/receipts.rs`).
const KEPT_MAX: i64 = 10_000;
const OTHER_SECRET: &str = "whsec_YW5vdGhlciBsYW5lJ3Mgc2VjcmV0IG9mIDMyIGJ5dGVz";
const AIRTEL: &str = "/hooks/airtel-ug";
const SMS: &str = "/hooks/blasta";

/// What is posted, made from its number.
type Forge = fn(&Targets, usize) -> Letter;

/// What anybody can make up: it is stored as a hint, or refused.
const FORGED: [(&str, Forge); 17] = [
    ("a bit of the signature flipped", |on, n| {
        let genuine = on.signed(n);
        let signature = flipped(genuine.header("webhook-signature"), n % 256);
        genuine.with("webhook-signature", signature)
    }),
    ("a bit of the body flipped", |on, n| {
        let mut letter = on.signed(n);
        let place = n % letter.body.len();
        letter.body[place] ^= 1 << (n % 7);
        letter
    }),
    ("another lane's secret", |on, n| on.signed_with(OTHER_SECRET, n, now_s())),
    ("301 seconds old", |on, n| on.signed_with(gaba::simulator::SECRET, n, now_s() - 301)),
    ("from too far ahead", |on, n| on.signed_with(gaba::simulator::SECRET, n, now_s() + 301 + WAY_S)),
    ("the timestamp moved into time", |on, n| {
        on.signed_with(gaba::simulator::SECRET, n, now_s() - 400).with("webhook-timestamp", now_s().to_string())
    }),
    ("another id", |on, n| on.signed(n).with("webhook-id", format!("msg_{n}"))),
    ("unsigned", |on, n| Letter::plain(AIRTEL, &on.said(n))),
    ("cut off", |on, n| {
        let mut letter = on.signed(n);
        letter.body.truncate(n % letter.body.len());
        letter
    }),
    ("every header twice", |on, n| {
        let mut letter = on.signed_with(OTHER_SECRET, n, now_s());
        letter.headers.extend(on.signed_with(OTHER_SECRET, n + 1, now_s() - 1).headers);
        letter
    }),
    ("signed, to the address of another lane", |on, n| Letter::signed("/hooks/mtn-ug", &on.said(n), now_s())),
    ("MTN's words at the open hook", |on, n| Letter::plain("/hooks/mtn-ug", &on.mtn_said(n))),
    ("a bit of the token flipped", |on, n| {
        let mut token = on.token("mtn-ug", n).into_bytes();
        // Another letter at this place is another token, or none.
        let place = n % token.len();
        token[place] = if token[place] == b'A' { b'Q' } else { b'A' };
        on.at_token(&String::from_utf8(token).unwrap(), n)
    }),
    ("the token of another lane", |on, n| on.at_token(&on.token("airtel-ug", n), n)),
    ("a token of another installation", |on, n| {
        on.at_token(&capability_token(&[9; 32], "mtn-ug", reference(&on.mtn[n % on.mtn.len()])), n)
    }),
    ("a delivery, unsigned", |on, n| Letter::plain(SMS, &on.delivery(n))),
    ("a delivery, a bit of the signature flipped", |on, n| {
        let genuine = Letter::signed(SMS, &on.delivery(n), now_s());
        let signature = flipped(genuine.header("webhook-signature"), n % 256);
        genuine.with("webhook-signature", signature)
    }),
];

/// What a lane vouches for and must not pay all the same: other money, or news that is none.
const VOUCHED: [(&str, Forge); 4] = [
    ("signed, another amount", |on, n| {
        Letter::signed(
            AIRTEL,
            &success(&on.airtel_wrong[n % on.airtel_wrong.len()], &json!({"amount": n + 1, "transaction_id": n})),
            now_s(),
        )
    }),
    ("signed, another number", |on, n| {
        let number = format!("25675{:07}", 9_000_000 + n % 1_000_000);
        Letter::signed(
            AIRTEL,
            &success(&on.airtel_wrong[n % on.airtel_wrong.len()], &json!({"msisdn": number})),
            now_s(),
        )
    }),
    ("the right token, another amount", |on, n| {
        let payout = &on.mtn_wrong[n % on.mtn_wrong.len()];
        let token = capability_token(&on.key, "mtn-ug", reference(payout));
        Letter::plain(&format!("/hooks/mtn-ug/{token}"), &mtn_success(payout, json!({"amount": (n + 1).to_string()})))
    }),
    ("a replay of what is applied", |on, _| on.applied.clone()),
];

/// A post may take so long to a busy server, and must not come into time on the way.
const WAY_S: i64 = 20;

/// What the receipts speak of.
struct Targets {
    mtn: Vec<Value>,
    airtel: Vec<Value>,
    mtn_wrong: Vec<Value>,
    airtel_wrong: Vec<Value>,
    messages: Vec<Value>,
    /// A genuine receipt that was applied before.
    applied: Letter,
    key: [u8; 32],
}

fn reference(payout: &Value) -> Uuid {
    payout["provider_reference"].as_str().unwrap().parse().unwrap()
}

fn mtn_success(payout: &Value, changed: Value) -> Value {
    let mut body = json!({
        "financialTransactionId": "363440463", "externalId": payout["id"], "amount": payout["amount"],
        "currency": "UGX", "payee": {"partyIdType": "MSISDN", "partyId": payout["msisdn"]}, "status": "SUCCESSFUL",
    });
    body.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    body
}

impl Targets {
    /// Success and failure in turn, about one payout after the other, no two alike.
    fn said(&self, n: usize) -> Value {
        let changed = match n % 2 {
            0 => json!({"transaction_id": n.to_string()}),
            _ => {
                json!({"status": "failed", "code": "PAYEE_NOT_FOUND", "message": n.to_string(), "transaction_id": null})
            }
        };
        success(&self.airtel[n % self.airtel.len()], &changed)
    }

    fn mtn_said(&self, n: usize) -> Value {
        let payout = &self.mtn[n % self.mtn.len()];
        let changed = match n % 2 {
            0 => json!({"financialTransactionId": n, "referenceId": payout["provider_reference"]}),
            _ => {
                json!({"status": "FAILED", "reason": "PAYEE_NOT_FOUND", "referenceId": payout["provider_reference"], "n": n})
            }
        };
        mtn_success(payout, changed)
    }

    fn delivery(&self, n: usize) -> Value {
        let message = &self.messages[n % self.messages.len()];
        let status = if n.is_multiple_of(2) { "delivered" } else { "undelivered" };
        json!({"id": message["id"], "status": status, "message": n.to_string()})
    }

    fn signed(&self, n: usize) -> Letter {
        self.signed_with(gaba::simulator::SECRET, n, now_s())
    }

    fn signed_with(&self, secret: &str, n: usize, at_s: i64) -> Letter {
        Letter::signed_with(secret, AIRTEL, &self.said(n), at_s)
    }

    fn token(&self, lane: &str, n: usize) -> String {
        capability_token(&self.key, lane, reference(&self.mtn[n % self.mtn.len()]))
    }

    fn at_token(&self, token: &str, n: usize) -> Letter {
        Letter::plain(&format!("/hooks/mtn-ug/{token}"), &self.mtn_said(n))
    }
}

/// Everything that a receipt could change, as the database has it. That a payout is asked about sooner is no change.
async fn standing(pool: &sqlx::SqlitePool, spared: &[Value]) -> Vec<String> {
    let spared: Vec<String> = spared.iter().map(|p| format!("x'{}'", id(p).replace('-', ""))).collect();
    let payouts = format!(
        "SELECT 'payout ' || hex(id) || ' ' || state || ' ' || attempt || ' ' || coalesce(hex(frozen_by), '') FROM payouts
         WHERE id NOT IN ({})",
        spared.join(", ")
    );
    let mut all = Vec::new();
    for read in [
        payouts.as_str(),
        "SELECT 'message ' || hex(id) || ' ' || state FROM messages",
        "SELECT 'transfer ' || position || ' ' || kind || ' ' || amount FROM transfers",
        "SELECT 'account ' || hex(id) || ' ' || coalesce(balance, '') FROM accounts",
        "SELECT 'batch ' || hex(id) || ' ' || state FROM batches",
    ] {
        all.extend(
            sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(read.to_owned())).fetch_all(pool).await.unwrap(),
        );
    }
    all.sort();
    all
}

/// Posts until it is taken or refused for good; the status. A lane takes only so many a second that nobody vouches for.
async fn post(world: &World, letter: &Letter) -> u16 {
    loop {
        let mut request = world.gaba.maker.client.post(format!("{}{}", world.gaba.url, letter.path));
        for (name, value) in &letter.headers {
            request = request.header(*name, value);
        }
        let status = send(request.body(letter.body.clone())).await.status;
        if status != 429 {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn is_applied(pool: &sqlx::SqlitePool) {
    until("every receipt to be applied", || async {
        let waiting = sqlx::query_scalar("SELECT COUNT(*) FROM receipts WHERE due_at IS NOT NULL");
        let waiting: i64 = waiting.fetch_one(pool).await.unwrap();
        (waiting == 0).then_some(())
    })
    .await;
}

/// A batch whose payments stay open for ever, and one whose messages are never said to be delivered.
async fn targets(world: &World) -> (Targets, Value) {
    let maker = &world.gaba.maker;
    world.network.control(json!({"sms-http": {"receipt_lost": 1.0}})).await;
    let told = world.settle("told", list(8, 50_000), &[("notify", "true")]).await;
    let path = format!("/v1/batches/{}/messages?state=submitted", id(&told));
    let messages = until("the messages to be out", || async { Some(maker.all(&path).await).filter(|m| m.len() == 8) });
    let messages = messages.await;
    let never = json!({"settle_ms": 86_400_000});
    world.network.control(json!({"mtn-momo": never, "http": never})).await;
    let batch = world.pay("open", list(ROWS, 50_000), &[]).await;
    let path = format!("/v1/batches/{}/payouts?state=accepted", id(&batch));
    let payouts =
        until("all to be accepted", || async { Some(maker.all(&path).await).filter(|p| p.len() == ROWS) }).await;
    let (mut mtn, mut airtel): (Vec<Value>, Vec<Value>) = payouts.into_iter().partition(|p| p["lane"] == "mtn-ug");
    let (mtn_wrong, airtel_wrong) =
        (mtn.split_off(ROWS / 2 - MISMATCHED / 2), airtel.split_off(ROWS / 2 - MISMATCHED / 2));
    let key = sqlx::query_scalar("SELECT value FROM settings WHERE name = 'capability_key'");
    let key: Vec<u8> = key.fetch_one(&world.database().await).await.unwrap();
    let applied = Letter::signed(AIRTEL, &success(&airtel.pop().unwrap(), &json!({})), now_s());
    assert_eq!(post(world, &applied).await, 200);
    let key = key.try_into().unwrap();
    (Targets { mtn, airtel, mtn_wrong, airtel_wrong, messages, applied, key }, batch)
}

/// One in twenty is vouched for and wrong; the others are of every kind in turn.
fn forge(on: &Targets, n: usize) -> (&'static str, Letter) {
    let (name, forge, n) = if n % 20 == 19 {
        let (name, forge) = VOUCHED[n / 20 % VOUCHED.len()];
        (name, forge, n / 20 / VOUCHED.len())
    } else {
        let (name, forge) = FORGED[n % FORGED.len()];
        (name, forge, n)
    };
    (name, forge(on, n))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_receipts_that_are_forged_by_the_thousand_none_changes_anything() {
    let forged: usize = std::env::var("GABA_FORGED").map_or(1_000, |n| n.parse().unwrap());
    let world = World::configured("forged-many", never_asking).await;
    let (on, batch) = targets(&world).await;
    let pool = world.database().await;
    is_applied(&pool).await;
    let wrong: Vec<Value> = on.mtn_wrong.iter().chain(&on.airtel_wrong).cloned().collect();
    let before = standing(&pool, &wrong).await;

    let (began, mut counts) = (Instant::now(), BTreeMap::<(&str, u16), usize>::new());
    let (sent, through) = (&on, &world);
    let posts = futures::stream::iter(0..forged).map(|n| async move {
        let (name, letter) = forge(sent, n);
        (name, post(through, &letter).await)
    });
    let mut posts = std::pin::pin!(posts.buffer_unordered(AT_ONCE));
    while let Some(posted) = posts.next().await {
        *counts.entry(posted).or_default() += 1;
    }
    let took = began.elapsed();
    println!("{forged} receipts over HTTP in {took:.1?}");
    for ((name, status), n) in &counts {
        println!("{n:>7}  {status}  {name}");
    }
    is_applied(&pool).await;

    assert_eq!(counts.values().sum::<usize>(), forged);
    for (name, _) in FORGED.iter().chain(&VOUCHED) {
        assert!(counts.keys().any(|(counted, _)| counted == name), "none was posted: {name}");
    }
    for (name, status) in counts.keys() {
        let refused = name.contains("token of") || name.contains("the token flipped");
        assert_eq!(*status, if refused { 404 } else { 200 }, "{name}");
    }
    // Nothing that they speak of moved, and no money, not even of those that are now exceptions.
    assert_eq!(standing(&pool, &wrong).await, before);
    let states: Vec<(String, i64)> =
        sqlx::query_as("SELECT state, COUNT(*) FROM payouts WHERE frozen_by IS NOT NULL GROUP BY state ORDER BY state")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert!(states.iter().all(|(state, _)| state == "accepted" || state == "unknown"), "{states:?}");
    assert_eq!(states.iter().map(|(_, n)| *n as usize).sum::<usize>(), MISMATCHED, "{states:?}");
    let kept =
        sqlx::query_scalar("SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM receipts WHERE vouched = 0 GROUP BY lane)");
    let kept: i64 = kept.fetch_one(&pool).await.unwrap();
    assert!(kept <= KEPT_MAX, "{kept}");
    world.books_balance();

    // The control: the same words are believed of those who may say them.
    let genuine = on.airtel.iter().map(|p| Letter::signed(AIRTEL, &success(p, &json!({})), now_s()));
    let addressed = on.mtn.iter().map(|p| {
        let token = capability_token(&on.key, "mtn-ug", reference(p));
        Letter::plain(&format!("/hooks/mtn-ug/{token}"), &mtn_success(p, json!({})))
    });
    for letter in genuine.chain(addressed) {
        assert_eq!(post(&world, &letter).await, 200);
    }
    is_applied(&pool).await;
    let (_, batch) = world.gaba.maker.get(&format!("/v1/batches/{}", id(&batch))).await;
    assert_eq!(batch["counts"]["paid"], ROWS - MISMATCHED, "{batch}");
    world.books_balance();
    if page::is_blessed() {
        let kinds = FORGED.len() + VOUCHED.len();
        page::rewrite("forged", |_| {
            format!(
                "{forged} receipts of {kinds} kinds in {} s: 0 changes of any state, 0 transfers. {MISMATCHED} payouts of which \
                 something signed named other money wait for people; then the genuine receipts of all the others came, and \
                 were believed.",
                took.as_secs()
            )
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_says_is_not_held_up_by_a_flood_of_what_anybody_may_say() {
    let world = World::configured("flood", never_asking).await;
    let (on, _) = targets(&world).await;
    let pool = world.database().await;
    let (client, url) = (world.gaba.maker.client.clone(), world.gaba.url.clone());
    let over = tokio_util::sync::CancellationToken::new();
    let (taken, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let flood = (0..AT_ONCE).map(|_| {
        let (client, url, over) = (client.clone(), url.clone(), over.clone());
        let (taken, refused) = (taken.clone(), refused.clone());
        tokio::spawn(async move {
            while !over.is_cancelled() {
                let body = json!({"nonce": fresh(), "more": "x".repeat(4_000)});
                let answer = send(client.post(format!("{url}{AIRTEL}")).body(body.to_string())).await;
                match answer.status {
                    200 => taken.fetch_add(1, Ordering::Relaxed),
                    429 => refused.fetch_add(1, Ordering::Relaxed),
                    other => panic!("{other}: {}", answer.text()),
                };
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    let mut slowest = Duration::ZERO;
    for payout in &on.airtel[..20] {
        let began = Instant::now();
        assert_eq!(post(&world, &Letter::signed(AIRTEL, &success(payout, &json!({})), now_s())).await, 200);
        until("it to be paid", || async {
            let state = sqlx::query_scalar("SELECT state FROM payouts WHERE id = $1");
            let state: String = state.bind(id(payout).parse::<Uuid>().unwrap()).fetch_one(&pool).await.unwrap();
            (state == "paid").then_some(())
        })
        .await;
        slowest = slowest.max(began.elapsed());
    }
    over.cancel();
    for stream in flood {
        stream.await.unwrap();
    }
    let (taken, refused) = (taken.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    println!("{taken} of the flood stored, {refused} refused; the slowest genuine one was applied after {slowest:.1?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:.1?}");
}

#[tokio::test]
async fn what_nobody_vouches_for_is_taken_only_while_it_is_small() {
    let world = World::start("large-receipts").await;
    let large = json!({"reference": Uuid::nil(), "status": "success", "more": "x".repeat(9_000)});
    assert_eq!(post(&world, &Letter::plain(AIRTEL, &large)).await, 413);
    assert_eq!(post(&world, &Letter::signed_with(OTHER_SECRET, AIRTEL, &large, now_s())).await, 413);
    assert_eq!(post(&world, &Letter::signed(AIRTEL, &large, now_s())).await, 200);
}
