//! Payouts while they run: stopped, given up, looked at, and carried over a restart.

use super::*;
use crate::support::{judge, list, until};

const FINAL: [&str; 3] = ["paid", "failed", "cancelled"];

fn unfinished(batch: &Value) -> u64 {
    ["queued", "sending", "accepted", "unknown"].iter().map(|s| batch["counts"][s].as_u64().unwrap()).sum()
}

impl World {
    async fn batch(&self, batch: &Value) -> Value {
        self.gaba.maker.get(&format!("/v1/batches/{}", id(batch))).await.1
    }

    /// Waits until `enough` of a batch holds.
    async fn batch_when(&self, what: &str, batch: &Value, enough: impl Fn(&Value) -> bool) -> Value {
        until(what, || async { Some(self.batch(batch).await).filter(|b| enough(b)) }).await
    }
}

/// Slow enough that a list of `rows` is caught in the middle.
fn slowly(toml: String) -> String {
    toml.replace("poll_after = ", "rate_per_second = 40\npoll_after = ")
}

#[tokio::test]
async fn a_paused_batch_sends_nothing_new_while_its_receipts_go_on() {
    let world = World::configured("pause", slowly).await;
    let (maker, checker) = (&world.gaba.maker, &world.gaba.checker);
    world.network.control(json!({"mtn-momo": {"settle_ms": 400}, "http": {"settle_ms": 400}})).await;
    let batch = world.pay("payroll", list(120, 50_000), &[]).await;
    world.batch_when("some to be out", &batch, |b| b["counts"]["accepted"].as_u64() > Some(5)).await;
    let paused = command(maker, &batch, "pause", json!({})).await;
    assert_eq!((paused.status, &paused.body["state"]), (200, &json!("paused")), "{}", paused.body);
    assert_eq!(command(maker, &batch, "pause", json!({})).await.status, 200, "a repetition finds itself done");

    let out = |b: &Value| unfinished(b) - b["counts"]["queued"].as_u64().unwrap();
    let still = world.batch_when("what is out to come home", &batch, |b| out(b) == 0).await;
    let (paid, queued) = (still["counts"]["paid"].as_u64().unwrap(), still["counts"]["queued"].as_u64().unwrap());
    assert!(paid > 0 && queued > 0 && paid + queued == 120, "{still}");
    let seen = world.network.book().await.len();
    // Another batch of the same lanes is paid meanwhile: were the paused one not paused, it would go before.
    let urgent = world.settle("urgent", list(10, 70_000).replace(",R", ",U"), &[]).await;
    assert_eq!(world.network.book().await.len(), seen + 10, "the paused batch sent nothing");
    assert_eq!(world.batch(&batch).await["counts"]["queued"], queued);

    command(checker, &batch, "resume", json!({})).await.is_problem(403, "forbidden");
    let resumed = command(maker, &batch, "resume", json!({})).await;
    assert_eq!((resumed.status, &resumed.body["state"]), (200, &json!("running")), "{}", resumed.body);
    let done = maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!(done["counts"]["paid"], 120);
    judge::at_rest(&world.gaba, &world.network, &[id(&batch), id(&urgent)]).await;
}

#[tokio::test]
async fn a_batch_cancelled_while_it_runs_converges_and_gives_back_what_was_not_paid() {
    let world = World::configured("cancel", slowly).await;
    let maker = &world.gaba.maker;
    // Nothing that the network never saw: that would be for people to settle.
    let faults = json!({"timeout_after": 0.1, "error_after": 0.2, "settle_ms": 100});
    world.network.control(json!({"mtn-momo": faults, "http": faults})).await;
    let before = world.wallet().await.0;
    let batch = world.pay("payroll", list(150, 50_000), &[]).await;
    world.batch_when("some to be out and some paid", &batch, |b| b["counts"]["paid"].as_u64() > Some(10)).await;
    let cancelled = command(maker, &batch, "cancel", json!({})).await;
    assert!(matches!(cancelled.body["state"].as_str(), Some("cancelling" | "cancelled")), "{}", cancelled.body);
    let again = command(maker, &batch, "cancel", json!({})).await;
    assert_eq!(again.status, 200, "a repetition finds itself done: {}", again.body);
    for act in ["pause", "resume"] {
        command(maker, &batch, act, json!({})).await.is_problem(409, "invalid_state");
    }
    let done = maker.batch_in(id(&batch), &["cancelled"]).await;
    let (counts, totals) = (&done["counts"], &done["totals"]);
    assert_eq!(unfinished(&done), 0, "{done}");
    assert!(counts["paid"].as_u64() > Some(0) && counts["cancelled"].as_u64() > Some(0), "{done}");
    assert_eq!(totals["held"], "0");
    assert_eq!(number(&totals["reserved"]), number(&totals["paid"]) + number(&totals["released"]));
    assert_eq!(world.wallet().await, (before - number(&totals["paid"]), 0));
    for payout in maker.all(&format!("/v1/batches/{}/payouts", id(&batch))).await {
        assert!(FINAL.contains(&payout["state"].as_str().unwrap()), "{payout}");
    }
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn a_batch_is_cancelled_whole_before_anything_is_sent() {
    let world = World::start("cancel-early").await;
    let (maker, wallet) = (&world.gaba.maker, world.wallet().await);
    let (_, uploaded) = maker.upload_as("ready", "ready", list(3, 50_000).into_bytes(), &[]).await;
    let ready = maker.batch_in(id(&uploaded), &["ready"]).await;
    let awaiting = maker.submit_list("awaiting", list(3, 50_000), &[]).await;
    let scheduled = world.pay("scheduled", list(3, 50_000), &[("scheduled_at", "2099-01-01T00:00:00Z")]).await;
    assert_eq!(scheduled["state"], "scheduled");
    assert_eq!(world.wallet().await, (wallet.0 - 150_030, 150_030), "a scheduled batch holds its money");
    for batch in [&ready, &awaiting, &scheduled] {
        let cancelled = command(maker, batch, "cancel", json!({})).await;
        assert_eq!((cancelled.status, &cancelled.body["state"]), (200, &json!("cancelled")), "{}", cancelled.body);
        let swept = world.batch_when("its rows to be cancelled too", batch, |b| unfinished(b) == 0).await;
        assert_eq!(swept["counts"]["cancelled"], 3, "{swept}");
        command(maker, batch, "submit", json!({})).await.is_problem(409, "invalid_state");
        approval(&world.gaba.checker, &fresh(), batch).await.is_problem(409, "invalid_state");
    }
    assert_eq!(world.wallet().await, wallet);
    assert_eq!(world.network.book().await.len(), 0);
    let all = [id(&ready), id(&awaiting), id(&scheduled)];
    judge::at_rest(&world.gaba, &world.network, &all).await;
}

#[tokio::test]
async fn a_payout_shows_its_attempts_and_events_and_no_secrets() {
    let world = World::start("payout").await;
    let csv = "name,phone,amount,reference\nAkello,256772345678,50000,A\nOkot,256700000001,60000,B\n\
               Apio,256770000002,70000,C\nOpio,256752345678,80000,D\n";
    let batch = world.settle("four", csv.to_owned(), &[]).await;
    assert_eq!((&batch["counts"]["paid"], &batch["counts"]["failed"]), (&json!(2), &json!(2)), "{batch}");
    assert_eq!((&batch["totals"]["paid_amount"], &batch["totals"]["released"]), (&json!("130000"), &json!("130000")));
    let maker = &world.gaba.maker;
    let by_state = |state: &str| format!("/v1/batches/{}/payouts?state={state}", id(&batch));
    let (paid, failed) = (maker.all(&by_state("paid")).await, maker.all(&by_state("failed")).await);
    assert_eq!(paid.iter().map(|p| p["reference"].as_str().unwrap()).collect::<Vec<_>>(), ["A", "D"]);
    assert_eq!(failed.iter().map(|p| p["reference"].as_str().unwrap()).collect::<Vec<_>>(), ["B", "C"]);
    for payout in &failed {
        assert!(payout["reason"]["code"].is_string() && payout["reason"]["message"].is_string(), "{payout}");
        assert_eq!(payout["provider_transaction_id"], Value::Null);
    }
    for payout in paid.iter().chain(&failed) {
        let (status, one) = maker.get(&format!("/v1/payouts/{}", id(payout))).await;
        assert_eq!((status, &one["state"], &one["row"]), (200, &payout["state"], &payout["row"]));
        let attempt = &one["attempts"][0];
        assert_eq!(attempt["reference"], payout["provider_reference"]);
        assert!(attempt["request"].as_str().unwrap().contains(payout["amount"].as_str().unwrap()), "{attempt}");
        assert!(!one["events"].as_array().unwrap().is_empty());
        let text = one.to_string();
        assert!(!text.contains("/hooks/mtn-ug/"), "the address only MTN was told: {text}");
        assert!(!text.contains(gaba::simulator::SECRET) && !text.contains("Bearer"), "{text}");
    }
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn a_server_told_to_stop_in_the_middle_of_a_run_loses_nothing() {
    let mut world = World::configured("sigterm", slowly).await;
    let faults = json!({"timeout_after": 0.1, "receipt_late_ms": 300, "slow_ms": 30});
    world.network.control(json!({"mtn-momo": faults, "http": faults})).await;
    let batch = world.pay("payroll", list(120, 50_000), &[("notify", "true")]).await;
    world.batch_when("the run to be in its middle", &batch, |b| b["counts"]["paid"].as_u64() > Some(15)).await;
    let began = std::time::Instant::now();
    assert_eq!(world.gaba.stop(), Some(0));
    assert!(began.elapsed().as_secs() < 25, "{:?}", began.elapsed());
    world.books_balance();
    world.gaba.serve().await;
    let done = world.gaba.maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!(done["counts"]["paid"], 120, "{done}");
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn the_books_balance_at_every_moment_of_a_run() {
    let world = World::configured("moments", slowly).await;
    world.network.control(json!({"mtn-momo": {"error_after": 0.2}, "http": {"refuse": 0.2}})).await;
    let batch = world.pay("payroll", list(60, 50_000), &[]).await;
    loop {
        world.books_balance();
        let now = world.batch(&batch).await;
        let counts = &now["counts"];
        let states = ["queued", "sending", "accepted", "unknown", "paid", "failed", "cancelled"];
        let sum: u64 = states.iter().map(|s| counts[s].as_u64().unwrap()).sum();
        assert_eq!(sum, 60, "{now}");
        let totals = &now["totals"];
        let parts: i64 = ["paid", "released", "held"].iter().map(|t| number(&totals[t])).sum();
        assert_eq!(number(&totals["reserved"]), parts, "{now}");
        assert!(number(&totals["in_flight"]) + number(&totals["unknown"]) <= number(&totals["held"]), "{now}");
        if now["state"] == "completed" {
            return;
        }
    }
}
