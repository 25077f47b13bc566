//! Approval: bound to what was seen, by somebody else than the maker, and paid for once.

use super::*;
use crate::support::{list, until};

#[tokio::test]
async fn a_second_batch_larger_than_what_is_left_is_refused_while_the_first_is_in_flight() {
    let mut world = World::stopped("funds", |toml| toml).await;
    world.gaba.fund("300000", "bank-1");
    world.gaba.serve().await;
    world.network.control(json!({"mtn-momo": {"settle_ms": 600_000}, "http": {"settle_ms": 600_000}})).await;
    let first = world.pay("first", list(2, 100_000), &[]).await;
    until("the first batch to be in flight", || async {
        let batch = world.gaba.maker.get(&format!("/v1/batches/{}", id(&first))).await.1;
        (batch["counts"]["accepted"] == 2).then_some(())
    })
    .await;
    assert_eq!(world.wallet().await, (99_990, 200_010));

    let second = world.gaba.maker.submit_list("second", list(1, 150_000), &[]).await;
    let key = fresh();
    let refused = approval(&world.gaba.checker, &key, &second).await;
    refused.is_problem(409, "insufficient_funds");
    assert_eq!(refused.body["available"], json!({"amount": "99990", "currency": "UGX"}));
    assert_eq!(refused.body["needed"], json!({"amount": "150000", "currency": "UGX"}));
    assert_eq!(world.wallet().await, (99_990, 200_010), "a refusal takes nothing");

    // Once money has come in, the same key does it: a refusal for want of money is not stored.
    world.gaba.fund("60000", "bank-2");
    let approved = approval(&world.gaba.checker, &key, &second).await;
    assert_eq!((approved.status, &approved.body["state"]), (200, &json!("running")), "{}", approved.body);
    assert_eq!(world.wallet().await, (9_990, 350_010));
    world.books_balance();
}

#[tokio::test]
async fn a_replayed_approval_gives_the_stored_answer_and_pays_nothing_again() {
    let world = World::start("replay").await;
    let batch = world.gaba.maker.submit_list("payroll", list(6, 50_000), &[]).await;
    let first = approval(&world.gaba.checker, "key-1", &batch).await;
    assert_eq!(first.status, 200, "{}", first.body);
    world.gaba.maker.batch_in(id(&batch), &["completed"]).await;
    let wallet = world.wallet().await;
    for _ in 0..3 {
        let again = approval(&world.gaba.checker, "key-1", &batch).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "the answer of the first time");
    }
    let other_body = json!({"digest": "sha256:0000"});
    let path = format!("/v1/batches/{}/approve", id(&batch));
    let (status, reused) = world.gaba.checker.post_as("key-1", &path, other_body).await;
    assert_eq!((status, reused["code"].as_str()), (422, Some("idempotency_key_reused")), "{reused}");
    let twice = approval(&world.gaba.checker, "key-2", &batch).await;
    twice.is_problem(409, "invalid_state");
    assert_eq!(twice.body["state"], "completed");
    assert_eq!(world.wallet().await, wallet);
    assert_eq!(world.paid_by_network().await, 6);
    crate::support::judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn an_approval_by_whoever_made_it_is_refused_whatever_key_they_use() {
    let world = World::start("self-approval").await;
    world.json(&["member", "add", &world.gaba.organisation, "Grace@Relief.test", "--role", "maker"]);
    let making = world.key(&["--role", "maker", "--member", "grace@relief.test"]);
    let checking = world.key(&["--role", "checker", "--member", "grace@relief.test"]);
    let owner = world.key(&["--role", "owner"]);

    let hers = making.submit_list("hers", list(2, 50_000), &[]).await;
    approval(&checking, &fresh(), &hers).await.is_problem(403, "self_approval");
    approval(&making, &fresh(), &hers).await.is_problem(403, "forbidden");
    let owners = owner.submit_list("owners", list(2, 60_000), &[]).await;
    approval(&owner, &fresh(), &owners).await.is_problem(403, "self_approval");

    // Whoever uploaded may not approve what somebody else submitted, nor the other way round.
    let (_, uploaded) = owner.upload_as("shared", "shared", list(2, 70_000).into_bytes(), &[]).await;
    let ready = owner.batch_in(id(&uploaded), &["ready"]).await;
    let submitted = command(&making, &ready, "submit", json!({})).await;
    assert_eq!(submitted.status, 200, "{}", submitted.body);
    approval(&owner, &fresh(), &submitted.body).await.is_problem(403, "self_approval");
    approval(&checking, &fresh(), &submitted.body).await.is_problem(403, "self_approval");

    assert_eq!(world.paid_by_network().await, 0);
    assert_eq!(approval(&checking, &fresh(), &owners).await.status, 200, "she may approve what is not hers");
    assert_eq!(approval(&owner, &fresh(), &hers).await.status, 200);
    assert_eq!(world.gaba.checker.approve(&submitted.body).await.0, 200);
}

#[tokio::test]
async fn a_role_without_the_permission_is_refused_before_anything_is_looked_at() {
    let world = World::start("roles").await;
    let batch = world.gaba.maker.submit_list("payroll", list(1, 50_000), &[]).await;
    let [finance, viewer, owner] = ["finance", "viewer", "owner"].map(|role| world.key(&["--role", role]));
    let (maker, checker, operator) = (&world.gaba.maker, &world.gaba.checker, &world.gaba.operator);
    for (who, refused) in [
        (maker, &["approve", "reject"][..]),
        (checker, &["submit", "pause", "resume", "cancel"]),
        (operator, &["submit", "approve", "reject", "pause", "resume", "cancel"]),
        (&finance, &["submit", "approve", "reject", "pause", "resume", "cancel"]),
        (&viewer, &["submit", "approve", "reject", "pause", "resume", "cancel"]),
    ] {
        for act in refused {
            let answer = command(who, &batch, act, json!({"digest": batch["digest"], "reason": "because"})).await;
            answer.is_problem(403, "forbidden");
        }
        let readable = who.get(&format!("/v1/batches/{}", id(&batch))).await;
        assert_eq!((readable.0, &readable.1["state"]), (200, &json!("awaiting_approval")));
    }
    for who in [checker, operator, &finance, &viewer] {
        upload(who, &fresh(), form(list(1, 1_000), "list.csv", &[])).await.is_problem(403, "forbidden");
    }
    assert_eq!(command(&owner, &batch, "reject", json!({"reason": "no"})).await.status, 200);
}

#[tokio::test]
async fn an_approval_is_bound_to_the_digest_that_was_seen() {
    let world = World::start("digest").await;
    let batch = world.gaba.maker.submit_list("payroll", list(3, 50_000), &[]).await;
    let other = world.gaba.maker.submit_list("another", list(3, 40_000), &[]).await;
    assert_ne!(batch["digest"], other["digest"], "the digest of one batch is no other's");
    for stale in [other["digest"].clone(), json!("sha256:00"), json!("")] {
        let refused = command(&world.gaba.checker, &batch, "approve", json!({"digest": stale})).await;
        refused.is_problem(409, "digest_mismatch");
        assert_eq!(refused.body["digest"], batch["digest"]);
    }
    for malformed in [json!({}), json!({"digest": null}), json!({"digest": batch["digest"], "amount": "1"})] {
        command(&world.gaba.checker, &batch, "approve", malformed).await.is_problem(400, "invalid_request");
    }
    let keyless = request(&world.gaba.checker, "POST", &format!("/v1/batches/{}/approve", id(&batch)));
    let refused = reply(keyless.json(&json!({"digest": batch["digest"]}))).await;
    refused.is_problem(400, "invalid_request");
    assert_eq!(refused.pointer(), "#Idempotency-Key");
    assert_eq!(world.wallet().await.1, 0);
    assert_eq!(world.gaba.checker.approve(&batch).await.0, 200);
}

#[tokio::test]
async fn of_approvals_at_the_same_time_only_as_many_win_as_there_is_money() {
    const BATCHES: usize = 12;
    let mut world = World::stopped("racing", |toml| format!("duplicate_window = \"0s\"\n{toml}")).await;
    world.gaba.fund("600000", "bank-1");
    world.gaba.serve().await;
    let mut batches = Vec::new();
    for n in 0..BATCHES {
        batches
            .push(world.gaba.maker.submit_list(&format!("batch {n}").replace(' ', "-"), list(1, 100_000), &[]).await);
    }
    // Every batch twice, by two checkers.
    let second = world.key(&["--role", "checker"]);
    let checker = &world.gaba.checker;
    let race = batches
        .iter()
        .flat_map(|b| [(checker, b), (&second, b)])
        .map(|(who, batch)| async { (id(batch).to_owned(), approval(who, &fresh(), batch).await) });
    let answers = futures::future::join_all(race).await;
    let mut won: Vec<&str> = answers.iter().filter(|(_, a)| a.status == 200).map(|(b, _)| b.as_str()).collect();
    won.sort_unstable();
    assert_eq!(won.len(), 6, "money for six");
    won.dedup();
    assert_eq!(won.len(), 6, "none was approved twice");
    for (_, lost) in answers.iter().filter(|(_, a)| a.status != 200) {
        let code = lost.body["code"].as_str().unwrap();
        assert!(lost.status == 409 && matches!(code, "insufficient_funds" | "invalid_state"), "{}", lost.body);
    }
    for batch in &won {
        world.gaba.maker.batch_in(batch, &["completed"]).await;
    }
    assert_eq!(world.wallet().await, (0, 0));
    let all: Vec<&str> = batches.iter().map(id).collect();
    crate::support::judge::at_rest(&world.gaba, &world.network, &all).await;
}

#[tokio::test]
async fn a_rejected_batch_says_why_and_can_be_submitted_again() {
    let world = World::start("reject").await;
    let batch = world.gaba.maker.submit_list("payroll", list(2, 50_000), &[]).await;
    for unfit in ["", "   ", &"x".repeat(1_001)] {
        let refused = command(&world.gaba.checker, &batch, "reject", json!({"reason": unfit})).await;
        refused.is_problem(400, "invalid_request");
        assert_eq!(refused.pointer(), "/reason");
    }
    let reason = "Row 3 left in January — ask HR";
    let rejected = command(&world.gaba.checker, &batch, "reject", json!({"reason": reason})).await;
    assert_eq!((rejected.status, &rejected.body["state"]), (200, &json!("ready")), "{}", rejected.body);
    assert_eq!(rejected.body["rejection"], reason);
    command(&world.gaba.checker, &batch, "approve", json!({"digest": batch["digest"]}))
        .await
        .is_problem(409, "invalid_state");
    let again = command(&world.gaba.maker, &batch, "submit", json!({})).await;
    assert_eq!((again.status, &again.body["state"]), (200, &json!("awaiting_approval")), "{}", again.body);
    assert_eq!(again.body["digest"], batch["digest"], "nothing was changed, so it is the same digest");
    let once_more = command(&world.gaba.maker, &batch, "submit", json!({})).await;
    assert_eq!(once_more.status, 200, "a repetition finds itself done");
    assert_eq!(world.gaba.checker.approve(&again.body).await.0, 200);
    world.gaba.maker.batch_in(id(&batch), &["completed"]).await;
    let audit = world.gaba.maker.all("/v1/audit").await;
    let acts: Vec<&str> = audit.iter().filter_map(|e| e["act"].as_str()).filter(|a| a.starts_with("batch.")).collect();
    assert_eq!(acts, ["batch.uploaded", "batch.submitted", "batch.rejected", "batch.submitted", "batch.approved"]);
}
