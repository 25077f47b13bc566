//! Many who want the same money at once.

use super::stage::Stage;
use super::trial::{Trial, size};
use crate::support::{Api, until};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const AMOUNT: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn funds_for_half_of_the_lists_pay_exactly_half_of_them() {
    let trial = Trial::begin("approvals racing for funds for half", size(1_000, 1_000), size(40, 40));
    let lists = trial.size.faults;
    let mut stage = Stage::poor("races").await;
    stage.gaba.fund(&(lists / 2 * AMOUNT).to_string(), "for half");
    stage.gaba.serve().await;
    let maker = Arc::new(stage.gaba.maker.clone());
    let mut submitted = Vec::with_capacity(lists);
    for some in (0..lists).collect::<Vec<_>>().chunks(8) {
        let mut making = JoinSet::new();
        for n in some.iter().copied() {
            let maker = maker.clone();
            making.spawn(async move {
                let csv = format!("name,phone,amount\nRecipient {n},25677{:07},{AMOUNT}\n", 1_000_100 + n);
                maker.submit_list(&format!("list-{n}"), csv, &[]).await
            });
        }
        submitted.extend(making.join_all().await);
    }
    let answers = all_at_once(&stage.gaba.checker, &submitted).await;
    let approved: Vec<&Value> = submitted.iter().zip(&answers).filter(|(_, a)| a.0 == 200).map(|(b, _)| b).collect();
    let short = answers.iter().filter(|(status, code)| *status == 409 && code == "insufficient_funds").count();
    stage.lists = approved.iter().map(|batch| batch["id"].as_str().unwrap().to_owned()).collect();
    let counts = (approved.len(), short);
    stage.settle().await;
    let mut found = stage.verdict().await;
    if counts != (lists / 2, lists - lists / 2) {
        found.off.push(format!("{} of {lists} were approved and {} found no funds", counts.0, counts.1));
    }
    let (_, wallets) = stage.gaba.maker.get("/v1/wallets").await;
    let wallet = &wallets["items"][0];
    if (wallet["available"].as_str(), wallet["held"].as_str()) != (Some("0"), Some("0")) {
        found.off.push(format!("there is something left: {wallet}"));
    }
    trial.end(lists, found, format!("{} approved, {} refused for want of funds", counts.0, counts.1));
}

/// Approves everything in the same moment; each answer's status and code. A server that has no place just now is asked
/// again under the same key.
async fn all_at_once(checker: &Api, batches: &[Value]) -> Vec<(u16, String)> {
    const AT_ONCE: usize = 100;
    let (mut racing, start) = (JoinSet::new(), Arc::new(Barrier::new(AT_ONCE.min(batches.len()))));
    for (lane, some) in batches.chunks(batches.len().div_ceil(AT_ONCE.min(batches.len()))).enumerate() {
        let (checker, some, start) = (checker.clone(), some.to_vec(), start.clone());
        racing.spawn(async move {
            drop(tokio::time::timeout(std::time::Duration::from_secs(2), start.wait()).await);
            let mut answers = Vec::with_capacity(some.len());
            for batch in some {
                let key = format!("approve-{}", batch["id"].as_str().unwrap());
                let path = format!("/v1/batches/{}/approve", batch["id"].as_str().unwrap());
                let (key, path, body) = (&key, &path, &json!({"digest": batch["digest"]}));
                let answer = until("an answer", || async {
                    let (status, answer) = checker.post_as(key, path, body.clone()).await;
                    (status != 503 && status != 429).then_some((status, answer))
                });
                let (status, answer) = answer.await;
                answers.push((status, answer["code"].as_str().unwrap_or_default().to_owned()));
            }
            (lane, answers)
        });
    }
    let mut lanes = racing.join_all().await;
    lanes.sort_by_key(|(lane, _)| *lane);
    lanes.into_iter().flat_map(|(_, answers)| answers).collect()
}
