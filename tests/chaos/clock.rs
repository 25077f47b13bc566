//! A wall clock that is wrong, and another one after each start.

use super::forgetful;
use super::stage::{Stage, peek};
use super::trial::{Trial, size};
use crate::support::engine::ENGINE;
use crate::support::until;
use rand::RngExt;
use std::time::Duration;

/// Seconds: ten minutes and a day, ahead and behind, and right again.
const OFFSETS: [i64; 8] = [600, 0, 86_400, -600, 86_400, 0, -86_400, 0];

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_rescues_nobody_who_was_paid() {
    let mut trial = Trial::begin("clock ± 10 min, ± 1 day", size(80, 4_000), size(8, 240));
    let rate = (trial.size.payouts / trial.size.faults).clamp(10, 100);
    let mut stage = Stage::set("clock", forgetful(trial.seed), &format!("rate_per_second = {rate}")).await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    for step in 0..trial.size.faults {
        stage.gaba.kill();
        let offset = OFFSETS[step % OFFSETS.len()].to_string();
        stage.gaba.start(&[("GABA_CLOCK_OFFSET", offset.as_str())]);
        stage.gaba.ready().await;
        tokio::time::sleep(Duration::from_millis(trial.chance.random_range(300..900))).await;
    }
    stage.gaba.kill();
    stage.gaba.serve().await;
    // A transfer that was cut off, and of which no clock can say how long ago, is not sent again: people decide.
    until("everything to be over or a matter for people", || async {
        let list = peek(&stage.gaba.maker, &format!("/v1/batches/{}", stage.lists[0])).await?;
        let open = peek(&stage.gaba.maker, "/v1/exceptions?state=open&limit=500").await?["items"].as_array()?.len();
        let moving = ["queued", "sending", "accepted"].iter().filter_map(|state| list["counts"][state].as_u64());
        (moving.sum::<u64>() == 0 && list["counts"]["unknown"] == open).then_some(())
    })
    .await;
    let left = stage.people_decide().await;
    stage.settle().await;
    let mut found = stage.verdict().await;
    // This network takes every transfer that reaches it, so whatever reached it a second time was rescued wrongly.
    let summary = stage.network.summary().await;
    let calls: u64 = ["mtn-momo", "http"].iter().filter_map(|rail| summary["calls"][rail].as_u64()).sum();
    let references = stage.network.book().await.len() as u64;
    let attempts = ENGINE.open(&stage.gaba.folder).await.attempts_max().await;
    if calls != references || attempts != 1 {
        found.off.push(format!("{} false rescues, up to {attempts} attempts", calls - references));
    }
    let steps = trial.size.faults;
    let note = format!("{} false rescues; {left} of unclear age left to people", calls - references);
    trial.end(steps, found, note);
}
