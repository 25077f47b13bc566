//! The process dies: at places that are known to be delicate, at any moment, and with the database in its hands.

use super::bad_day;
use super::stage::Stage;
use super::trial::{Size, Trial, size};
use crate::support::engine::ENGINE;
use rand::RngExt;
use std::time::Duration;

const AT_POINT: (Size, Size) = (size(100, 400), size(2, 40));

/// The process aborts itself at the n-th passing of a point, is started again with the next order, and so on.
async fn die_at(fault: &'static str, point: &str, passings_max: usize) {
    let mut trial = Trial::begin(fault, AT_POINT.0, AT_POINT.1);
    let notify = point == "after_sms";
    let mut stage = Stage::set(point, bad_day(trial.seed), "rate_per_second = 40").await;
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, notify).await;
    stage.gaba.kill();
    let mut deaths = 0;
    while deaths < trial.size.faults {
        let order = format!("{point}:die@{}", trial.chance.random_range(1..=passings_max));
        stage.gaba.start(&[("GABA_FAULT", order.as_str())]);
        if stage.died().await {
            deaths += 1;
        } else {
            // Everybody is paid, and there are deaths to come.
            stage.gaba.kill();
            stage.gaba.serve().await;
            stage.pay(trial.size.payouts, notify).await;
            stage.gaba.kill();
        }
    }
    let injected = stage.injected();
    stage.gaba.serve().await;
    stage.settle().await;
    let mut found = stage.verdict().await;
    if injected != deaths {
        found.off.push(format!("{deaths} deaths, of which {injected} were ordered"));
    }
    trial.end(injected, found, format!("`{point}:die`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn death_before_the_intent_is_written() {
    die_at("death before the intent", "before_intent", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_between_intent_and_send() {
    die_at("death after the intent", "after_intent", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_in_the_middle_of_a_request() {
    die_at("death mid-body", "mid_body", 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_between_answer_and_record() {
    die_at("death after the answer", "after_answer", 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_before_a_record_is_committed() {
    die_at("death before the record", "before_record", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_inside_a_transaction() {
    die_at("death before the commit", "store_commit", 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_after_a_commit_that_nobody_heard_of() {
    die_at("death after the commit", "store_committed", 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_after_a_record_is_committed() {
    die_at("death after the record", "after_record", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_before_a_receipt_is_stored() {
    die_at("death before a receipt is stored", "before_receipt", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_between_a_receipt_and_its_answer() {
    die_at("death after a receipt is stored", "after_receipt", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_while_receipts_are_applied() {
    die_at("death before receipts are applied", "before_apply", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_between_an_sms_and_its_record() {
    die_at("death after an SMS", "after_sms", 6).await;
}

/// `kill -9` at any moment, and at a start the next one may come before the first row was claimed.
async fn kill_at_random(trial: &mut Trial, stage: &mut Stage, notify: bool) -> Vec<String> {
    stage.gaba.serve().await;
    stage.pay(trial.size.payouts, notify).await;
    let mut damaged = Vec::new();
    for _ in 0..trial.size.faults {
        let life = Duration::from_millis(trial.chance.random_range(20..500));
        tokio::time::sleep(life).await;
        stage.gaba.kill();
        damaged.extend(ENGINE.open(&stage.gaba.folder).await.damage_after_a_crash().await);
        stage.gaba.serve().await;
    }
    stage.settle().await;
    damaged
}

/// A rate at which so many payouts last for so many lives.
fn rate(size: Size) -> String {
    format!("rate_per_second = {}", (size.payouts * 2 / size.faults.max(1)).clamp(10, 200))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_paid_twice_or_forgotten_however_often_the_server_is_killed() {
    let mut trial = Trial::begin("kill -9 at random", size(200, 10_000), size(6, 300));
    let mut stage = Stage::set("kills", bad_day(trial.seed), &rate(trial.size)).await;
    let damaged = kill_at_random(&mut trial, &mut stage, true).await;
    let mut found = stage.verdict().await;
    found.off.extend(damaged);
    let kills = trial.size.faults;
    trial.end(kills, found, "with SMS to the paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_survives_the_death_of_its_process() {
    let mut trial = Trial::begin("database crash", size(100, 4_000), size(3, 150));
    // Larger transactions, so that more is under way when it dies.
    let lane = format!("concurrency = 256\n{}", rate(trial.size));
    let mut stage = Stage::set("crash", bad_day(trial.seed), &lane).await;
    let damaged = kill_at_random(&mut trial, &mut stage, false).await;
    let mut found = stage.verdict().await;
    found.off.extend(damaged);
    let crashes = trial.size.faults;
    trial.end(crashes, found, format!("{}, its files checked after each", ENGINE.name()));
}
