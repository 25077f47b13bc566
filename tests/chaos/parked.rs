//! Our credentials are refused, or our account is barred: a lane is parked, and no payroll fails for that.

use super::stage::{Stage, peek};
use super::trial::{Trial, size};
use crate::support::until;
use serde_json::{Value, json};

const LANES: [&str; 2] = ["mtn-ug", "airtel-ug"];

async fn lane(stage: &Stage, name: &str) -> Option<Value> {
    let lanes = peek(&stage.gaba.operator, "/v1/lanes").await?;
    lanes["items"].as_array()?.iter().find(|lane| lane["name"] == name).cloned()
}

async fn until_parked(stage: &Stage, name: &str) {
    until(&format!("lane {name} to be parked"), || async {
        lane(stage, name).await.filter(|lane| lane["parked"].is_string())
    })
    .await;
}

/// Operators are told in every way there is; nobody is told that a payment failed.
async fn told(stage: &Stage, parked: &[&str]) -> Vec<String> {
    let mut off = Vec::new();
    let log = stage.gaba.log();
    for name in parked {
        let metric = stage.metric("gaba_lane_parked", &[&format!("lane=\"{name}\"")]).await;
        if metric != 1 {
            off.push(format!("the metric of lane {name} says {metric}"));
        }
        let logged = log.lines().any(|line| line.contains("the lane is parked") && line.contains(name));
        if !logged {
            off.push(format!("the log does not tell that lane {name} is parked"));
        }
    }
    for id in &stage.lists {
        let batch = peek(&stage.gaba.maker, &format!("/v1/batches/{id}")).await.unwrap();
        if batch["state"] != "running" || batch["counts"]["failed"] != 0 {
            off.push(format!("a payroll suffers for our account: {batch}"));
        }
    }
    off
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_park_the_lane_and_fail_nobody() {
    let trial = Trial::begin("wrong credentials (401)", size(2, 2_000), size(2, 60));
    let mut stage = Stage::set("credentials", json!({}), "").await;
    // A secret that was rotated there and not here.
    let wrong = [("TEST_SECRET", "wrong")];
    stage.gaba.start(&wrong);
    stage.gaba.ready().await;
    stage.pay(trial.size.payouts, false).await;
    for name in LANES {
        until_parked(&stage, name).await;
    }
    let off = told(&stage, &LANES).await;
    stage.gaba.stop();
    stage.gaba.serve().await;
    stage.settle().await;
    let mut found = stage.verdict().await;
    found.off.extend(off);
    trial.end(LANES.len(), found, "parked; went on with the right secret and a restart");
}

/// With more time the lane is left to find out by itself, a minute later, that it is let in again.
#[tokio::test(flavor = "multi_thread")]
async fn a_barred_account_parks_its_lane_alone() {
    let trial = Trial::begin("account barred (403)", size(1, 2_000), size(1, 60));
    let mut stage = Stage::set("barred", json!({"mtn-momo": {"barred": true}}), "").await;
    stage.gaba.serve().await;
    let list = stage.pay(trial.size.payouts, false).await;
    until_parked(&stage, LANES[0]).await;
    let half = trial.size.payouts / 2;
    until("the other lane to go on", || async {
        let batch = peek(&stage.gaba.maker, &format!("/v1/batches/{list}")).await?;
        (batch["counts"]["paid"] == half).then_some(())
    })
    .await;
    let mut off = told(&stage, &LANES[..1]).await;
    if lane(&stage, LANES[1]).await.is_none_or(|lane| lane["breaker"] != "closed") {
        off.push("the other lane is closed as well".into());
    }
    stage.network.control(json!({"mtn-momo": {"barred": false}})).await;
    if !trial.large {
        stage.gaba.stop();
        stage.gaba.serve().await;
    }
    stage.settle().await;
    if trial.large && lane(&stage, LANES[0]).await.is_none_or(|lane| !lane["parked"].is_null()) {
        off.push("the lane works and is still called parked".into());
    }
    let mut found = stage.verdict().await;
    found.off.extend(off);
    let way = if trial.large { "by itself" } else { "after a restart" };
    trial.end(1, found, format!("one of two lanes parked; went on {way}"));
}
