//! The decision to pay: submitted by one, approved by another, once, with the money for it.

use super::books::assert_tenant;
use super::support::*;
use gaba::batch::State;
use gaba::org::Role;
use gaba::store::{Done, Refusal, StoreError};
use serde_json::Value;
use std::time::Duration;

pub async fn rows_that_cannot_be_paid_must_be_left_out_by_word(h: Harness) {
    let org = h.tenant().await;
    let batch = h.ready(&org, &List { invalid: 2, ..list(3) }).await;
    assert_eq!(refusal(h.store.submit(&org.maker, batch.id, false, None).await), Refusal::RowsInvalid { invalid: 2 });
    h.assert_state(&org, &batch, State::Ready).await;
    let submitted = h.submit(&org, &batch).await;
    assert_eq!((submitted.state, submitted.submitted_by), (State::AwaitingApproval, Some(org.maker.id)));
}

pub async fn a_list_without_a_payable_row_is_not_submitted(h: Harness) {
    let org = h.tenant().await;
    let batch = h.ready(&org, &List { invalid: 2, ..list(0) }).await;
    assert_eq!(refusal(h.store.submit(&org.maker, batch.id, true, None).await), Refusal::NothingToPay);
    h.assert_state(&org, &batch, State::Ready).await;
}

pub async fn a_replayed_submit_changes_nothing(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(1)).await;
    let again = already(h.store.submit(&org.maker, batch.id, false, None).await);
    assert_eq!(again["state"], "awaiting_approval");
    assert_eq!(h.batch(&org, &batch).await.claim, batch.claim);
}

pub async fn an_approval_holds_what_the_list_needs_and_starts_it(h: Harness) {
    let org = h.tenant().await;
    let costly = List { fee: 25, tax: 5, ..list(4) };
    let batch = h.awaiting(&org, &costly).await;
    h.fund(&org, costly.needs() + 70).await;
    let answer = applied(h.approve(&org, &batch).await);
    assert_eq!((&answer["state"], &answer["totals"]["held"]), (&Value::from("running"), &Value::from("4120")));
    let running = h.batch(&org, &batch).await;
    assert_eq!((running.reserved, running.held, running.approved_by), (4_120, 4_120, Some(org.checker.id)));
    assert_eq!(h.wallet(&org).await, (70, 4_120));
    assert_tenant(&h, &org).await;
}

pub async fn whoever_uploaded_or_submitted_a_list_does_not_approve_it(h: Harness) {
    let org = h.tenant().await;
    let other = h.principal(org.id, Role::Owner).await;
    let batch = h.ready(&org, &list(2)).await;
    h.fund(&org, 2_000).await;
    applied(h.store.submit(&other, batch.id, false, None).await);
    let digest = batch.digest.as_deref().unwrap();
    for who in [&org.maker, &other] {
        assert_eq!(refusal(h.approve_as(who, batch.id, digest, None).await), Refusal::SelfApproval);
    }
    h.assert_state(&org, &batch, State::AwaitingApproval).await;
    assert_eq!(h.wallet(&org).await, (2_000, 0));
    applied(h.approve(&org, &batch).await);
}

pub async fn a_stale_digest_is_refused_with_the_present_one(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(2)).await;
    h.fund(&org, 2_000).await;
    let current = batch.digest.clone().unwrap();
    for stale in ["", "sha256:stale"] {
        let result = h.approve_as(&org.checker, batch.id, stale, None).await;
        assert_eq!(refusal(result), Refusal::DigestMismatch { current: current.clone() });
    }
    h.assert_state(&org, &batch, State::AwaitingApproval).await;
    assert_eq!(h.wallet(&org).await, (2_000, 0));
}

pub async fn too_little_money_is_refused_with_the_figures_and_changes_nothing(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(2)).await;
    let short = |available| Refusal::InsufficientFunds { available: ugx(available), needed: ugx(2_000) };
    assert_eq!(refusal(h.approve(&org, &batch).await), short(0));
    h.fund(&org, 1_999).await;
    assert_eq!(refusal(h.approve(&org, &batch).await), short(1_999));
    h.assert_state(&org, &batch, State::AwaitingApproval).await;
    assert_eq!(h.wallet(&org).await, (1_999, 0));
    assert_tenant(&h, &org).await;
    h.fund(&org, 1).await;
    applied(h.approve(&org, &batch).await);
    assert_eq!(h.wallet(&org).await, (0, 2_000));
}

pub async fn a_second_batch_gets_only_what_the_first_one_left(h: Harness) {
    let org = h.tenant().await;
    let first = h.awaiting(&org, &list(3)).await;
    let second = h.awaiting(&org, &list(3)).await;
    h.fund(&org, 5_000).await;
    applied(h.approve(&org, &first).await);
    let claimed = h.claim(1).await;
    let short = Refusal::InsufficientFunds { available: ugx(2_000), needed: ugx(3_000) };
    assert_eq!(refusal(h.approve(&org, &second).await), short);
    h.sent(&claimed[0], super::steps::failed(false)).await;
    applied(h.approve(&org, &second).await);
    assert_eq!(h.wallet(&org).await, (0, 5_000));
    assert_tenant(&h, &org).await;
}

pub async fn a_replayed_approval_gives_the_stored_answer_and_moves_nothing(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(2)).await;
    h.fund(&org, 9_000).await;
    let digest = batch.digest.clone().unwrap();
    let approve = |body| h.approve_as(&org.checker, batch.id, &digest, idempotency("k1", body));
    let answer = applied(approve(1).await);
    assert_eq!(h.pay(1).await, 1);
    assert_eq!(already(approve(1).await), answer, "the answer is the one of then");
    assert_eq!(refusal(approve(2).await), Refusal::KeyReused);
    assert_eq!(h.wallet(&org).await, (7_000, 1_000));
    let position = h.store.ledger_position().await.unwrap();
    assert_eq!(already(approve(1).await), answer);
    assert_eq!(h.store.ledger_position().await.unwrap(), position);
    assert_tenant(&h, &org).await;
}

pub async fn a_refused_approval_leaves_its_key_unused(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(2)).await;
    let digest = batch.digest.clone().unwrap();
    let approve = || h.approve_as(&org.checker, batch.id, &digest, idempotency("k1", 1));
    assert!(matches!(refusal(approve().await), Refusal::InsufficientFunds { .. }));
    h.fund(&org, 2_000).await;
    applied(approve().await);
}

/// The same for every act, of one mechanism: the answer is that of the first time, and what was refused may be tried again.
pub async fn an_act_under_a_key_is_answered_again_as_it_was(h: Harness) {
    let org = h.tenant().await;
    let importing = h.uploaded(&org, &list(2)).await;
    let key = |act: &str, body| idempotency(act, body);
    assert_invalid_state(h.store.withdraw(&org.maker, importing.id, key("withdraw", 1)).await);
    assert_invalid_state(h.store.cancel(&org.maker, importing.id, key("cancel", 1)).await);
    let batch = h.imported(&org, &list(2)).await;
    let submitted = applied(h.store.submit(&org.maker, batch.id, true, key("submit", 1)).await);
    let withdrawn = applied(h.store.withdraw(&org.maker, batch.id, key("withdraw", 1)).await);
    assert_eq!(already(h.store.submit(&org.maker, batch.id, true, key("submit", 1)).await), submitted);
    h.assert_state(&org, &batch, State::Ready).await;
    let answered = h.store.answered(&org.maker, &key("submit", 1).unwrap()).await.unwrap();
    assert_eq!(answered, Some(submitted));
    assert_eq!(h.store.answered(&org.checker, &key("submit", 1).unwrap()).await.unwrap(), None);
    assert_eq!(refusal(h.store.answered(&org.maker, &key("submit", 2).unwrap()).await), Refusal::KeyReused);
    assert_eq!(refusal(h.store.withdraw(&org.maker, batch.id, key("withdraw", 2)).await), Refusal::KeyReused);
    let again = h.submit(&org, &batch).await;
    assert_eq!(already(h.store.withdraw(&org.maker, batch.id, key("withdraw", 1)).await), withdrawn);
    h.assert_state(&org, &batch, State::AwaitingApproval).await;
    h.fund(&org, 2_000).await;
    applied(h.approve(&org, &again).await);
    let paused = applied(h.store.pause(&org.maker, batch.id, key("pause", 1)).await);
    let resumed = applied(h.store.resume(&org.maker, batch.id, key("resume", 1)).await);
    assert_eq!(already(h.store.pause(&org.maker, batch.id, key("pause", 1)).await), paused);
    h.assert_state(&org, &batch, State::Running).await;
    let cancelled = applied(h.store.cancel(&org.maker, batch.id, key("cancel", 1)).await);
    h.drive(2).await;
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(already(h.store.cancel(&org.maker, batch.id, key("cancel", 1)).await), cancelled);
    assert_eq!(already(h.store.resume(&org.maker, batch.id, key("resume", 1)).await), resumed);
    assert_invalid_state(h.store.resume(&org.maker, batch.id, key("resume-later", 1)).await);
    assert_tenant(&h, &org).await;
}

pub async fn a_key_is_its_principals_own(h: Harness) {
    let org = h.tenant().await;
    let (one, two) = (h.awaiting(&org, &list(1)).await, h.awaiting(&org, &list(1)).await);
    let other = h.principal(org.id, Role::Checker).await;
    h.fund(&org, 2_000).await;
    applied(h.approve_as(&org.checker, one.id, one.digest.as_deref().unwrap(), idempotency("k1", 1)).await);
    applied(h.approve_as(&other, two.id, two.digest.as_deref().unwrap(), idempotency("k1", 2)).await);
}

/// 100 approvals at once, and money for 50 of them.
pub async fn approvals_that_race_share_exactly_what_there_is(h: Harness) {
    let org = h.tenant().await;
    let mut batches = Vec::new();
    for _ in 0..100 {
        batches.push(h.awaiting(&org, &list(1)).await);
    }
    h.fund(&org, 50_000).await;
    let races = batches.iter().map(|batch| {
        let (store, checker, batch) = (h.store.clone(), org.checker.clone(), batch.clone());
        tokio::spawn(
            async move { approve_with(&store, &checker, batch.id, batch.digest.as_deref().unwrap(), None).await },
        )
    });
    let results: Vec<Result<Done<Value>, StoreError>> =
        futures::future::join_all(races).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 50);
    for refused in results.into_iter().filter(Result::is_err) {
        assert!(matches!(refusal(refused), Refusal::InsufficientFunds { .. }));
    }
    let states = h.store.batches(org.id, page(500)).await.unwrap().items;
    assert_eq!(states.iter().filter(|b| b.state == State::Running).count(), 50);
    assert_eq!(h.wallet(&org).await, (0, 50_000));
    assert_tenant(&h, &org).await;
}

/// The same approval, many times at once: the money is held once.
pub async fn one_approval_sent_many_times_at_once_happens_once(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(1)).await;
    h.fund(&org, 10_000).await;
    let races = (0..10).map(|_| {
        let (store, checker, batch) = (h.store.clone(), org.checker.clone(), batch.clone());
        let approve = async move {
            approve_with(&store, &checker, batch.id, batch.digest.as_deref().unwrap(), idempotency("k", 1)).await
        };
        tokio::spawn(approve)
    });
    let done: Vec<_> = futures::future::join_all(races).await.into_iter().map(|r| r.unwrap().unwrap()).collect();
    assert_eq!(done.iter().filter(|d| matches!(d, Done::Applied(_))).count(), 1);
    assert_eq!(h.wallet(&org).await, (9_000, 1_000));
    assert_tenant(&h, &org).await;
}

pub async fn a_rejected_list_says_why_and_may_be_submitted_again(h: Harness) {
    let org = h.tenant().await;
    let batch = h.awaiting(&org, &list(2)).await;
    let rejected = applied(h.store.reject(&org.checker, batch.id, "row 3 is not ours", None).await);
    assert_eq!((&rejected["state"], &rejected["rejection"]), (&"ready".into(), &"row 3 is not ours".into()));
    already(h.store.reject(&org.checker, batch.id, "row 3 is not ours", None).await);
    h.fund(&org, 2_000).await;
    assert_invalid_state(h.approve(&org, &batch).await);
    let again = h.submit(&org, &batch).await;
    assert_eq!((again.state, again.rejection), (State::AwaitingApproval, None));
    applied(h.approve(&org, &batch).await);
    assert_tenant(&h, &org).await;
}

pub async fn a_scheduled_batch_holds_its_money_at_once_and_starts_when_due(h: Harness) {
    let org = h.tenant().await;
    let later = h.now() + Duration::from_secs(3600);
    let batch = h.approved(&org, &List { scheduled_at: Some(later), ..list(2) }).await;
    assert_eq!(batch.state, State::Scheduled);
    assert_eq!(h.wallet(&org).await, (0, 2_000));
    h.drive(100).await;
    assert!(h.claim(10).await.is_empty(), "its time has not come");
    h.assert_state(&org, &batch, State::Scheduled).await;
    h.advance(Duration::from_secs(3600));
    h.drive(100).await;
    h.assert_state(&org, &batch, State::Running).await;
    assert_eq!(h.pay(10).await, 2);
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_time_that_is_past_at_approval_means_now(h: Harness) {
    let org = h.tenant().await;
    let soon = h.now() + Duration::from_secs(60);
    let batch = h.awaiting(&org, &List { scheduled_at: Some(soon), ..list(1) }).await;
    h.advance(Duration::from_secs(61));
    h.fund(&org, 1_000).await;
    applied(h.approve(&org, &batch).await);
    h.assert_state(&org, &batch, State::Running).await;
}

/// A slip of the year would be paid at the approval.
pub async fn a_schedule_of_long_ago_is_refused(h: Harness) {
    let org = h.tenant().await;
    let hours = |n: u64| Some(h.now() - Duration::from_secs(n * 3600));
    let refused = h.store.create_batch(h.new_batch(&org, "old", &List { scheduled_at: hours(25), ..list(1) })).await;
    assert!(matches!(refusal(refused), Refusal::Invalid(why) if why.contains("has passed")));
    let today = h.new_batch(&org, "today", &List { scheduled_at: hours(23), ..list(1) });
    applied(h.store.create_batch(today.clone()).await);
    h.advance(Duration::from_secs(3 * 24 * 3600));
    let again = h.store.create_batch(today).await.unwrap();
    assert!(matches!(again, Done::AlreadyApplied(_)), "a repetition is answered as the first time");
}

/// More batches fall due at once than one drive starts.
pub async fn every_scheduled_batch_that_is_due_starts(h: Harness) {
    let org = h.tenant().await;
    let later = h.now() + Duration::from_secs(60);
    for _ in 0..70 {
        h.approved(&org, &List { scheduled_at: Some(later), ..list(1) }).await;
    }
    h.advance(Duration::from_secs(61));
    h.drive(100).await;
    let batches = h.store.batches(org.id, page(500)).await.unwrap().items;
    assert!(batches.iter().all(|b| b.state == State::Running));
}
