//! Receipts as they really come: twenty times, late, in any order, before the answer, or never.

use super::stage::Stage;
use super::trial::{Trial, size};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn receipts_may_come_often_late_early_and_never() {
    let trial = Trial::begin("receipts ×20, late, reordered, early, lost", size(40_000, 2_500), size(1_500, 100));
    let knobs = json!({
        "receipt_copies": 20, "receipt_late_ms": 1500, "receipt_early": 0.3, "receipt_lost": 0.15, "timeout_after": 0.05,
        "refuse": 0.05, "receipt_tries_more": 100, "seed": trial.seed,
    });
    let mut stage = Stage::set("receipts", json!({"mtn-momo": knobs, "http": knobs}), "").await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    stage.settle().await;
    // Those that are still on their way come to rows that have long ended.
    let posted = crate::support::until("every receipt to be posted", || async {
        let receipts = &stage.network.summary().await["receipts"];
        (receipts["waiting"] == 0).then(|| receipts["posted"].as_u64().unwrap())
    })
    .await;
    let found = stage.verdict().await;
    trial.end(posted as usize, found, "15 % lost, 30 % before the 202, the others spread over 1.5 s");
}
