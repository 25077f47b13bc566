//! A provider that answers everything with 5xx: it is left alone, and when it is back everybody is paid.

use super::stage::{Stage, peek};
use super::trial::{Trial, size};
use crate::support::until;
use gaba::lane::breaker::FAILURES_MAX;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Calls in flight at once on each of the two lanes.
const CONCURRENCY: u64 = 20;
const QUERIES_PER_SECOND: u64 = 50;

/// A storm that catches every row in flight: what is left are resends alone, which wait for the breaker, and it for them.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_that_leaves_nothing_but_resends_ends_as_well() {
    let trial = Trial::begin("5xx storm over all that is left", size(400, 400), size(60, 60));
    let knobs = json!({"error_before": 1, "seed": trial.seed});
    let mut stage = Stage::set("last-storm", json!({"mtn-momo": knobs, "http": knobs}), "concurrency = 256").await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    until("everything to be unknown and both breakers to open", || async {
        let lanes = peek(&stage.gaba.operator, "/v1/lanes").await?;
        let open = lanes["items"].as_array()?.iter().filter(|lane| lane["breaker"] == "open").count();
        let list = peek(&stage.gaba.maker, &format!("/v1/batches/{}", stage.lists[0])).await?;
        (open == 2 && list["counts"]["unknown"] == trial.size.payouts).then_some(())
    })
    .await;
    let reached = submits(&stage.network.summary().await);
    let calm = json!({"error_before": 0});
    stage.network.control(json!({"mtn-momo": calm, "http": calm})).await;
    stage.settle().await;
    let found = stage.verdict().await;
    trial.end(reached as usize, found, "no row left that was never sent");
}

fn submits(summary: &Value) -> u64 {
    ["mtn-momo", "http"].iter().filter_map(|rail| summary["calls"][rail].as_u64()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_5xx_does_not_become_ours() {
    let trial = Trial::begin("5xx storm", size(30, 20_000), size(7, 300));
    let knobs = json!({"error_before": 1, "seed": trial.seed});
    let lane = format!("concurrency = {CONCURRENCY}");
    let mut stage = Stage::set("storm", json!({"mtn-momo": knobs, "http": knobs}), &lane).await;
    let queries = format!("query_rate_per_second = {QUERIES_PER_SECOND}");
    stage.edit(|toml| toml.replace("query_rate_per_second = 2000", &queries));
    stage.gaba.serve().await;
    let began = Instant::now();
    stage.pay(trial.size.payouts, false).await;
    until("both breakers to open", || async {
        let lanes = peek(&stage.gaba.operator, "/v1/lanes").await?;
        let open = lanes["items"].as_array()?.iter().filter(|lane| lane["breaker"] == "open").count();
        (open == 2).then_some(())
    })
    .await;
    // The storm lasts some seconds, of which each is a chance to do more harm than good.
    tokio::time::sleep(Duration::from_secs(trial.size.faults as u64)).await;
    let storm_s = began.elapsed().as_secs() + 1;
    let reached = submits(&stage.network.summary().await);
    let asked = stage.metric("gaba_provider_calls_total", &["call=\"query\""]).await;
    let calm = json!({"error_before": 0});
    stage.network.control(json!({"mtn-momo": calm, "http": calm})).await;
    stage.settle().await;
    let mut found = stage.verdict().await;
    // Until the breaker has seen its failures, and whatever was in flight by then; afterwards one probe in five seconds.
    let bound = 2 * (u64::from(FAILURES_MAX) + CONCURRENCY + storm_s / 5 + 1);
    if reached > bound {
        found.off.push(format!("{reached} transfers reached a network in trouble, more than {bound}"));
    }
    let bound = 2 * QUERIES_PER_SECOND * (storm_s + 1);
    if asked > bound {
        found.off.push(format!("{asked} status queries in {storm_s} s, more than {bound}"));
    }
    let note = format!("{storm_s} s: {reached} transfers and {asked} queries reached two lanes while it stormed");
    trial.end(reached as usize, found, note);
}
