//! A commit whose answer is lost: it happened, and whoever waits for it hears of a failure.

use super::bad_day;
use super::stage::Stage;
use super::trial::{Trial, size};
use rand::RngExt;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_seemed_to_fail_is_not_made_twice() {
    let mut trial = Trial::begin("answer to a commit lost", size(1_000, 5_000), size(25, 150));
    let mut stage = Stage::set("commits", bad_day(trial.seed), "rate_per_second = 40").await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, false).await;
    stage.gaba.kill();
    // The first few belong to the start, which may fail as a whole.
    let mut nth = 8;
    let mut orders = Vec::with_capacity(trial.size.faults);
    for _ in 0..trial.size.faults {
        nth += trial.chance.random_range(1..=5);
        orders.push(format!("store_committed:fail@{nth}"));
    }
    stage.gaba.start(&[("GABA_FAULT", orders.join(",").as_str())]);
    stage.gaba.ready().await;
    // More lists go through it as well, with repetitions under the same key.
    // (Not in the cut: a list whose claim was lost is read a minute later.)
    for _ in 0..if trial.large { 5 } else { 0 } {
        stage.pay(10, false).await;
    }
    stage.settle().await;
    let injected = stage.injected();
    stage.gaba.kill();
    stage.gaba.serve().await;
    let found = stage.verdict().await;
    trial.end(injected, found, "`store_committed:fail`");
}
