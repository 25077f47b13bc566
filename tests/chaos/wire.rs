//! The wire between us and the network: answers that never come, and a proxy that cuts, stalls and dawdles.

use super::stage::Stage;
use super::trial::{Trial, size};
use crate::support::configuration;
use crate::support::proxy::{Proxy, Wire};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn who_was_paid_before_the_timeout_is_not_paid_again() {
    let trial = Trial::begin("paid, then timeout", size(3_000, 10_000), size(60, 200));
    let knobs = json!({"timeout_after": 0.3, "receipt_lost": 0.5, "receipt_late_ms": 900, "seed": trial.seed});
    let mut stage = Stage::set("timeouts", json!({"mtn-momo": knobs, "http": knobs}), "concurrency = 256").await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    stage.settle().await;
    let timeouts = stage.metric("gaba_provider_calls_total", &["call=\"submit\"", "outcome=\"unknown\""]).await;
    let found = stage.verdict().await;
    trial.end(timeouts as usize, found, "30 % of the calls, half of the receipts lost as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_that_cuts_stalls_and_dawdles_costs_nobody_anything() {
    let trial = Trial::begin("proxy: cut, half-open, slow, trickle", size(4_000, 6_000), size(30, 150));
    let mut proxy = None;
    let knobs = json!({"receipt_lost": 0.2, "slow_ms": 3, "seed": trial.seed});
    let network = json!({"mtn-momo": knobs, "http": knobs});
    let (urls, proxied) = std::sync::mpsc::channel();
    let mut stage = Stage::before("wire", network, |folder, port, url| {
        urls.send(url.to_owned()).unwrap();
        configuration(folder, port, "http://proxy", "concurrency = 48")
    })
    .await;
    let bad = proxy.insert(Proxy::before(&proxied.recv().unwrap(), 0.8, trial.seed).await);
    stage.edit(|toml| toml.replace("http://proxy", &bad.url));
    stage.gaba.serve().await;
    while bad.counts().iter().sum::<u64>() < trial.size.faults as u64 {
        stage.pay(trial.size.payouts, false).await;
        // Resends wait for a breaker that is closed: for what is left the wire is a little better.
        bad.suffer(0.5);
        stage.settle().await;
        bad.suffer(0.8);
    }
    let counts = bad.counts();
    let found = stage.verdict().await;
    let kinds: Vec<String> = Wire::KINDS.iter().zip(counts).map(|(kind, n)| format!("{kind} {n}")).collect();
    trial.end(counts.iter().sum::<u64>() as usize, found, kinds.join(", "));
}
