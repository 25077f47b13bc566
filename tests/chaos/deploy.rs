//! A new version: the process is told to end in the middle of a list, and the next one takes over.

use super::bad_day;
use super::stage::Stage;
use super::trial::{Trial, size};
use crate::support::command;
use crate::support::engine::ENGINE;
use rand::RngExt;
use std::time::{Duration, Instant};

/// Who is told to end has ended by then.
const DRAIN_MAX: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_in_the_middle_of_a_list_leaves_nothing_out() {
    let mut trial = Trial::begin("deploy: SIGTERM mid-batch", size(200, 6_000), size(4, 200));
    let rate = (trial.size.payouts * 2 / trial.size.faults).clamp(10, 100);
    let mut stage = Stage::set("deploy", bad_day(trial.seed), &format!("rate_per_second = {rate}")).await;
    // Answers take a while, so that there is something to be drained.
    let slow = serde_json::json!({"slow_ms": 150});
    stage.network.control(serde_json::json!({"mtn-momo": slow, "http": slow})).await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    let mut off = Vec::new();
    let mut longest = Duration::ZERO;
    for deploy in 0..trial.size.faults {
        tokio::time::sleep(Duration::from_millis(trial.chance.random_range(50..500))).await;
        if deploy == 0 && !ENGINE.is_shared() {
            // The next one was started too soon: it says so, and does not disturb the one that works.
            off.extend(second_is_refused(&stage));
        }
        let told = Instant::now();
        let code = stage.gaba.stop();
        longest = longest.max(told.elapsed());
        if code != Some(0) {
            off.push(format!("it ended with {code:?}"));
        }
        // Whatever was out has been recorded: as what was answered, or as unknown.
        let sending = ENGINE.open(&stage.gaba.folder).await.payouts_in("sending").await;
        if sending != 0 {
            off.push(format!("{sending} payouts were left as if they were being sent"));
        }
        stage.gaba.serve().await;
    }
    if longest > DRAIN_MAX {
        off.push(format!("one took {longest:?} to end"));
    }
    stage.settle().await;
    let mut found = stage.verdict().await;
    found.off.extend(off);
    let deploys = trial.size.faults;
    trial.end(deploys, found, format!("drained in {} ms at most", longest.as_millis()));
}

/// What was wrong with the answer that a second process got.
fn second_is_refused(stage: &Stage) -> Option<String> {
    let second = command(&stage.gaba.folder, &["serve"]).env("GABA_BIND", "127.0.0.1:0").output().unwrap();
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    let clear = !second.status.success() && told.contains("another process already works on");
    (!clear).then(|| format!("a second process was not refused clearly: {} {told}", second.status))
}
