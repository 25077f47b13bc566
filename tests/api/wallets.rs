//! Wallets: money comes in by the operator's word alone, once per reference.

use super::*;
use crate::support::list;

async fn fund(api: &Api, wallet: &str, key: &str, body: Value) -> Reply {
    let request = request(api, "POST", &format!("/v1/wallets/{wallet}/fundings"));
    reply(request.header("Idempotency-Key", key).json(&body)).await
}

#[tokio::test]
async fn only_an_operator_confirms_money_and_each_reference_counts_once() {
    let mut world = World::stopped("fundings", |toml| toml).await;
    world.gaba.serve().await;
    let operator = &world.gaba.operator;
    let wallet = operator.get("/v1/wallets").await.1["items"][0].clone();
    let wallet = id(&wallet).to_owned();
    let money = json!({"amount": "500000", "currency": "UGX", "reference": "BANK-1"});
    let funded = fund(operator, &wallet, "k1", money.clone()).await;
    assert_eq!(funded.status, 201, "{}", funded.body);
    assert_eq!(funded.body["wallet"]["available"], "500000");
    let again = fund(operator, &wallet, "k1", money.clone()).await;
    assert_eq!((again.status, &again.body), (201, &funded.body), "the stored answer");
    fund(operator, &wallet, "k2", money.clone()).await.is_problem(409, "reference_used");
    fund(operator, &wallet, "k1", json!({"amount": "5", "reference": "BANK-1"}))
        .await
        .is_problem(422, "idempotency_key_reused");
    assert_eq!(world.wallet().await, (500_000, 0), "it came in once");

    let owner = world.key(&["--role", "owner"]);
    for other in [&world.gaba.maker, &world.gaba.checker, &owner] {
        fund(other, &wallet, "k3", json!({"amount": "1", "reference": "X"})).await.is_problem(403, "forbidden");
    }
    let keyless = request(operator, "POST", &format!("/v1/wallets/{wallet}/fundings"));
    reply(keyless.json(&json!({"amount": "1", "reference": "X"}))).await.is_problem(400, "invalid_request");
    for unfit in [
        json!({"amount": "0", "reference": "X"}),
        json!({"amount": "-5", "reference": "X"}),
        json!({"amount": "1e9", "reference": "X"}),
        json!({"amount": "1.5", "reference": "X"}),
        json!({"amount": 5000, "reference": "X"}),
        json!({"amount": 5000.5, "reference": "X"}),
        json!({"amount": "9223372036854775808", "reference": "X"}),
        json!({"amount": "1".repeat(10_000), "reference": "X"}),
        json!({"amount": "1", "currency": "KES", "reference": "X"}),
        json!({"amount": "1", "reference": "  "}),
        json!({"amount": "1", "reference": "two\nlines"}),
        json!({"amount": "1", "reference": "X", "wallet": "mine"}),
        json!({"amount": "1"}),
    ] {
        fund(operator, &wallet, &fresh(), unfit).await.is_problem(400, "invalid_request");
    }
    fund(operator, &fresh(), &fresh(), money).await.is_problem(404, "not_found");
    assert_eq!(world.wallet().await, (500_000, 0));
    let (status, one) = operator.get(&format!("/v1/wallets/{wallet}")).await;
    assert_eq!(
        (status, &one["available"], &one["held"], &one["currency"]),
        (200, &json!("500000"), &json!("0"), &json!("UGX"))
    );
}

#[tokio::test]
async fn a_wallet_that_would_hold_more_than_can_be_counted_refuses_the_funding() {
    let mut world = World::stopped("overflow", |toml| toml).await;
    world.gaba.serve().await;
    let operator = &world.gaba.operator;
    let wallet = operator.get("/v1/wallets").await.1["items"][0].clone();
    let most = "1000000000000000";
    for (amount, reference, status) in [
        ("9223372036854775807", "ALL", 400),
        ("1000000000000001", "TOO-MUCH", 400),
        (most, "FULL", 201),
        ("1", "MORE", 400),
    ] {
        let answer = fund(operator, id(&wallet), &fresh(), json!({"amount": amount, "reference": reference})).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    // What is held counts too: it may come back.
    let scheduled = [("scheduled_at", "2099-01-01T00:00:00Z")];
    let batch = world.pay("payroll", list(1, 50_000), &scheduled).await;
    let more = json!({"amount": "50000", "reference": "MORE"});
    fund(operator, id(&wallet), &fresh(), more).await.is_problem(400, "invalid_request");
    let cancelled = super::command(&world.gaba.maker, &batch, "cancel", json!({})).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    assert_eq!(operator.get("/v1/wallets").await.1["items"][0]["available"], most);
    world.books_balance();
}

#[tokio::test]
async fn what_leaves_a_wallet_is_held_then_paid_or_given_back() {
    let world = World::start("statement").await;
    let opening = world.wallet().await.0;
    let csv = format!("{}Okot,256700000001,90000,F\n", list(4, 50_000));
    let batch = world.pay("payroll", csv, &[]).await;
    let (available, held) = world.wallet().await;
    assert!(available + held <= opening, "money never appears: {available} + {held}");
    let done = world.gaba.maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!(number(&done["totals"]["reserved"]), 290_060);
    assert_eq!((&done["totals"]["paid"], &done["totals"]["released"]), (&json!("200060"), &json!("90000")));
    assert_eq!(world.wallet().await, (opening - 200_060, 0));
    world.books_balance();
}
