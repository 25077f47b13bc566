//! A process that stands still for longer than its claims last, and goes on as if nothing had been.

use super::bad_day;
use super::stage::{Stage, signal};
use super::trial::{Trial, size};
use rand::RngExt;
use std::time::Duration;

const LEASE: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_slept_past_its_claims_sends_nothing_under_them() {
    let mut trial = Trial::begin("zombie: stopped past the lease", size(200, 4_000), size(8, 300));
    let rate = (trial.size.payouts * 2 / trial.size.faults).clamp(10, 100);
    let mut stage = Stage::set("zombie", bad_day(trial.seed), &format!("rate_per_second = {rate}")).await;
    stage.edit(|toml| {
        let lease = format!("lease = \"{}ms\"", LEASE.as_millis());
        toml.replace("lease = \"1500ms\"", &lease).replace("request_timeout = \"400ms\"", "request_timeout = \"200ms\"")
    });
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    let process = stage.gaba.server_id();
    for _ in 0..trial.size.faults {
        tokio::time::sleep(Duration::from_millis(trial.chance.random_range(30..300))).await;
        signal("STOP", process);
        tokio::time::sleep(LEASE + Duration::from_millis(trial.chance.random_range(50..250))).await;
        signal("CONT", process);
    }
    stage.settle().await;
    let found = stage.verdict().await;
    let stops = trial.size.faults;
    trial.end(stops, found, format!("SIGSTOP for longer than a lease of {LEASE:?}, SIGCONT"));
}
