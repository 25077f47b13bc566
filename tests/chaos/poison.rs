//! A row that nobody survives: whoever has it in hand panics, or dies, or cannot read it. It is put aside for people, and the
//! others never notice.

use super::stage::{Stage, peek};
use super::trial::{Trial, size};
use crate::support::engine::ENGINE;
use crate::support::{Api, PATIENCE, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The recipient in whose hand everybody dies.
const POISON: &str = "256770900900";

/// A list of ordinary recipients with the poison in the middle.
fn list(rows: usize) -> String {
    let csv = crate::support::list(rows, 70_000);
    let middle = csv.match_indices('\n').nth(rows / 2).unwrap().0 + 1;
    format!("{}Poison,{POISON},65000,P\n{}", &csv[..middle], &csv[middle..])
}

fn barred(barred: bool) -> Value {
    let knob = json!({"barred": barred});
    json!({"mtn-momo": knob, "http": knob})
}

/// An approved list of which nothing was sent yet, and no server. Nobody but the workers will tell how a payout ended.
async fn waiting(name: &str, seed: u64, rows: usize) -> Stage {
    let silent = json!({"receipt_lost": 1, "slow_ms": 2, "barred": true, "seed": seed});
    let mut stage = Stage::set(name, json!({"mtn-momo": silent, "http": silent}), "rate_per_second = 200").await;
    stage.people_may_be_asked = true;
    stage.gaba.serve().await;
    stage.pay_list(list(rows), false).await;
    stage.gaba.kill();
    stage.network.control(barred(false)).await;
    stage
}

/// Keeps the server alive, with its order, until the poison is put aside. Gives how often the server had to be started again.
async fn until_put_aside(stage: &mut Stage, environment: &[(&str, &str)]) -> (Value, usize) {
    let (mut deaths, began) = (0, Instant::now());
    loop {
        if !stage.gaba.is_running() {
            deaths += 1;
            stage.gaba.start(environment);
        }
        if let Some(found) = peek(&stage.gaba.maker, "/v1/exceptions?state=open&kind=poison").await
            && let Some(exception) = found["items"].as_array().and_then(|items| items.first())
        {
            return (exception.clone(), deaths);
        }
        assert!(began.elapsed() < PATIENCE, "it is not put aside after {deaths} deaths");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All but the poison are paid, and the poison alone is a matter for people.
async fn others_are_paid(stage: &Stage, rows: usize) -> Vec<String> {
    let list = format!("/v1/batches/{}", stage.lists[0]);
    until("everybody else to be paid", || async {
        let batch = peek(&stage.gaba.maker, &list).await?;
        (batch["counts"]["paid"] == json!(rows)).then_some(())
    })
    .await;
    let mut off = Vec::new();
    let batch = peek(&stage.gaba.maker, &list).await.unwrap();
    if batch["state"] != "running" {
        off.push(format!("the list is closed over a row that is in doubt: {batch}"));
    }
    let open = stage.gaba.maker.all("/v1/exceptions?state=open").await;
    if open.len() != 1 {
        off.push(format!("{} matters for people instead of one: {open:?}", open.len()));
    }
    off
}

/// Two people say that it may be tried again, now that the program is mended.
async fn tried_again(stage: &Stage, exception: &Value) {
    let created = stage.gaba.run(&["key", "create", &stage.gaba.organisation, "--role", "finance", "--json"]);
    let created: Value = serde_json::from_slice(&created.stdout).unwrap();
    let finance = Api::new(&stage.gaba.url, created["key"].as_str().unwrap());
    let path = format!("/v1/exceptions/{}/resolve", exception["id"].as_str().unwrap());
    for who in [&stage.gaba.checker, &finance] {
        let said = json!({"verdict": "dismiss", "note": "the program was mended"});
        let (status, answer) = who.post(&path, said).await;
        assert_eq!(status, 200, "{answer}");
    }
}

async fn in_hand(fault: &'static str, act: &str) {
    let trial = Trial::begin(fault, size(5, 2_000), size(5, 60));
    let mut stage = waiting(act, trial.seed, trial.size.payouts).await;
    let order = format!("after_answer:{act}#{POISON}");
    let environment = [("GABA_FAULT", order.as_str())];
    stage.gaba.start(&environment);
    let (exception, deaths) = until_put_aside(&mut stage, &environment).await;
    let off = others_are_paid(&stage, trial.size.payouts).await;
    stage.gaba.kill();
    let injected = stage.injected();
    stage.gaba.serve().await;
    tried_again(&stage, &exception).await;
    stage.settle().await;
    let mut found = stage.verdict().await;
    found.off.extend(off);
    trial.end(injected, found, format!("put aside after {injected} times ({deaths} dead processes), then paid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_makes_its_worker_panic_is_put_aside() {
    in_hand("poison: panic", "panic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_ends_its_process_is_put_aside() {
    in_hand("poison: abort", "die").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_is_put_aside() {
    let trial = Trial::begin("poison: undecodable row", size(1, 2_000), size(1, 60));
    let mut stage = waiting("unreadable", trial.seed, trial.size.payouts).await;
    // No worker takes it up while its address is looked for.
    stage.network.control(barred(true)).await;
    stage.gaba.serve().await;
    let poison =
        stage.payouts().await.into_iter().find(|p| p["msisdn"] == POISON || p["msisdn"] == format!("+{POISON}"));
    let poison = poison.expect("the poison");
    stage.gaba.kill();
    stage.network.control(barred(false)).await;
    ENGINE.open(&stage.gaba.folder).await.make_unreadable(&poison).await;
    stage.gaba.serve().await;
    let (exception, deaths) = until_put_aside(&mut stage, &[]).await;
    let mut off = others_are_paid(&stage, trial.size.payouts).await;
    if deaths != 0 {
        off.push(format!("{deaths} processes died of it"));
    }
    ENGINE.open(&stage.gaba.folder).await.mend(&poison).await;
    tried_again(&stage, &exception).await;
    stage.settle().await;
    let mut found = stage.verdict().await;
    found.off.extend(off);
    trial.end(1, found, "put aside at once; paid when it was mended");
}
