//! Paying the failed again: a new reference each, their money set aside anew, all of it or nothing.

use super::books::assert_tenant;
use super::exceptions::{HOUR, overdue, says};
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, State};
use gaba::org::Role;
use gaba::payout::exception::{LaneTerms, Verdict};
use gaba::store::{Recorded, Refusal, TermsOfLanes};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A batch that completed with `failed` of its rows failed and the rest paid.
async fn completed(h: &Harness, org: &Tenant, rows: u32, failed_rows: usize) -> Batch {
    let batch = h.approved(org, &List { fee: 30, ..list(rows) }).await;
    for (n, out) in h.claim(rows).await.iter().enumerate() {
        let outcome = if n < failed_rows { failed(false) } else { confirmed(&out.payout) };
        assert_eq!(h.sent(out, outcome).await, Recorded::Applied);
    }
    h.assert_state(org, &batch, State::Completed).await;
    batch
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Compares with lists of the last two weeks.
async fn retry_comparing(h: &Harness, org: &Tenant, batch: &Batch) -> Value {
    applied(h.store.retry_failed(&org.checker, batch.id, Some(h.now() - 14 * DAY), None).await)
}

async fn retry(h: &Harness, org: &Tenant, batch: &Batch) -> Value {
    applied(h.store.retry_failed(&org.checker, batch.id, None, None).await)
}

pub async fn the_failed_are_paid_again_under_new_references(h: Harness) {
    let org = h.tenant().await;
    let batch = completed(&h, &org, 3, 2).await;
    assert_eq!(h.wallet(&org).await, (2_060, 0));
    let told = retry(&h, &org, &batch).await;
    assert_eq!((&told["retried"], &told["skipped"]), (&2.into(), &Value::Array(Vec::new())));
    assert_eq!(told["batch"]["state"], "running");
    assert_eq!(h.wallet(&org).await, (0, 2_060));
    assert_tenant(&h, &org).await;
    let out = h.claim(5).await;
    assert_eq!(out.iter().map(|s| s.payout.attempt).collect::<Vec<_>>(), [2, 2]);
    for submission in &out {
        h.sent(submission, confirmed(&submission.payout)).await;
    }
    let batch = h.batch(&org, &batch).await;
    assert_eq!((batch.state, batch.reserved, batch.paid, batch.released), (State::Completed, 5_150, 3_090, 2_060));
    let timeline = h.store.payout(org.id, out[0].payout.id).await.unwrap();
    let kinds: Vec<_> = timeline.events.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["sending", "failed", "queued", "sending", "paid"]);
    assert!(timeline.events[2].detail.as_ref().unwrap().contains(&org.checker.label));
    assert_tenant(&h, &org).await;
}

pub async fn without_money_for_all_none_is_retried(h: Harness) {
    let org = h.tenant().await;
    let batch = completed(&h, &org, 3, 3).await;
    // Another batch takes a part of what came back.
    let other = h.awaiting(&org, &list(1)).await;
    applied(h.approve(&org, &other).await);
    let refused = refusal(h.store.retry_failed(&org.checker, batch.id, None, None).await);
    assert!(matches!(refused, Refusal::InsufficientFunds { .. }), "{refused:?}");
    assert_eq!(h.counts(&org, &batch).await, "3 failed");
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
    h.fund(&org, 1_000).await;
    assert_eq!(retry(&h, &org, &batch).await["retried"], 3);
    assert_tenant(&h, &org).await;
}

/// What is taken for unpaid while the provider may still pay it is not paid again beside it.
pub async fn what_was_found_unpaid_is_paid_again_when_its_provider_cannot_act_on_it(h: Harness) {
    let (org, batch, _, told) = overdue(&h).await;
    let late: TermsOfLanes = Arc::new(|_| LaneTerms { reissue_after: 1_000 * HOUR, sms_lane: None });
    let finance = h.principal(org.id, Role::Finance).await;
    for person in [&org.checker, &finance] {
        applied(h.store.resolve(person, told.id, says(Verdict::NotPaid), late.clone(), None).await);
    }
    let retried = applied(h.store.retry_failed(&org.checker, batch.id, None, None).await);
    let left = serde_json::json!([{"row": 2, "code": "too_early"}]);
    assert_eq!((&retried["retried"], &retried["skipped"]), (&serde_json::json!(0), &left));
    assert_eq!(h.wallet(&org).await, (1_037, 0), "its money is there all the same");
    h.advance(1_000 * HOUR);
    let retried = applied(h.store.retry_failed(&org.checker, batch.id, None, None).await);
    assert_eq!((&retried["retried"], &retried["skipped"]), (&serde_json::json!(1), &serde_json::json!([])));
    assert_tenant(&h, &org).await;
}

pub async fn a_retry_is_another_persons_decision(h: Harness) {
    let org = h.tenant().await;
    let batch = completed(&h, &org, 1, 1).await;
    assert_eq!(refusal(h.store.retry_failed(&org.maker, batch.id, None, None).await), Refusal::SelfApproval);
    let stranger = h.tenant().await;
    assert_not_found(h.store.retry_failed(&stranger.checker, batch.id, None, None).await);
    assert_eq!(h.counts(&org, &batch).await, "1 failed");
}

pub async fn a_retry_repeated_with_its_key_is_done_once(h: Harness) {
    let org = h.tenant().await;
    let batch = completed(&h, &org, 2, 2).await;
    let first = applied(h.store.retry_failed(&org.checker, batch.id, None, idempotency("again", 1)).await);
    let out = h.claim(5).await;
    h.sent(&out[0], failed(false)).await;
    let second = already(h.store.retry_failed(&org.checker, batch.id, None, idempotency("again", 1)).await);
    assert_eq!(first, second);
    assert_eq!(h.counts(&org, &batch).await, "1 sending, 1 failed", "what failed since is left to another wish");
    assert_tenant(&h, &org).await;
}

pub async fn only_what_runs_or_has_completed_is_retried(h: Harness) {
    let org = h.tenant().await;
    let ready = h.ready(&org, &list(1)).await;
    assert_invalid_state(h.store.retry_failed(&org.checker, ready.id, None, None).await);
    let batch = completed(&h, &org, 1, 0).await;
    assert_eq!(retry(&h, &org, &batch).await["retried"], 0, "nothing failed");
    h.assert_state(&org, &batch, State::Completed).await;
    let running = h.approved(&org, &list(2)).await;
    let out = h.claim(1).await;
    h.sent(&out[0], failed(false)).await;
    applied(h.store.pause(&org.maker, running.id, None).await);
    assert_invalid_state(h.store.retry_failed(&org.checker, running.id, None, None).await);
    applied(h.store.resume(&org.maker, running.id, None).await);
    assert_eq!(retry(&h, &org, &running).await["retried"], 1);
    applied(h.store.cancel(&org.maker, running.id, None).await);
    h.drive(10).await;
    assert_eq!(h.counts(&org, &running).await, "2 cancelled");
    assert_tenant(&h, &org).await;
}

/// The lane of this suite allows two attempts; a person's retry allows two more.
pub async fn a_retry_grants_the_attempts_of_the_lane_again(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    for expected in 1..=2 {
        let out = h.claim_one().await;
        assert_eq!(out.payout.attempt, expected);
        h.sent(&out, failed(true)).await;
        h.advance(Duration::from_secs(3600));
    }
    assert_eq!(h.counts(&org, &batch).await, "1 failed");
    retry(&h, &org, &batch).await;
    for expected in 3..=4 {
        let out = h.claim_one().await;
        assert_eq!(out.payout.attempt, expected);
        h.sent(&out, failed(true)).await;
        h.advance(Duration::from_secs(3600));
    }
    assert_eq!(h.counts(&org, &batch).await, "1 failed");
    assert_tenant(&h, &org).await;
}

/// The provider paid the first reference after all: the retry must not go out, or stop where it is.
pub async fn a_late_success_stops_the_retry(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(false)).await;
    retry(&h, &org, &batch).await;
    h.store_receipt(receipt(&h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    assert!(h.claim(5).await.is_empty(), "a frozen row is not sent");
    assert_eq!(h.exceptions(org.id).await.len(), 1);
    assert_tenant(&h, &org).await;
}

pub async fn a_frozen_row_is_skipped_and_named(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(2).await;
    h.sent(&out[0], failed(false)).await;
    h.sent(&out[1], failed(false)).await;
    h.store_receipt(receipt(&h, LANE, out[0].reference, confirmed(&out[0].payout))).await;
    h.apply_receipts().await;
    let told = retry(&h, &org, &batch).await;
    assert_eq!(told["retried"], 1);
    assert_eq!(told["skipped"], serde_json::json!([{"row": out[0].payout.row, "code": "frozen"}]));
    assert_eq!(h.wallet(&org).await, (1_000, 1_000));
    assert_tenant(&h, &org).await;
}

/// The failed were uploaded again, and paid by that list.
pub async fn a_row_that_another_list_pays_is_skipped_and_named(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(3)).await;
    for out in h.claim(3).await {
        h.sent(&out, failed(false)).await;
    }
    let again = h.ready(&org, &list(2)).await;
    let told = retry_comparing(&h, &org, &batch).await;
    assert_eq!(told["retried"], 1, "an open list is about to pay the others");
    assert_eq!(
        told["skipped"],
        serde_json::json!([{"row": 2, "code": "paid_elsewhere"}, {"row": 3, "code": "paid_elsewhere"}])
    );
    assert_eq!(h.wallet(&org).await, (2_000, 1_000), "money is set aside for the one");
    let out = h.claim(9).await;
    assert_eq!(out.iter().map(|out| (out.payout.row, out.payout.attempt)).collect::<Vec<_>>(), [(4, 2)]);
    assert_tenant(&h, &org).await;

    applied(h.store.cancel(&org.maker, again.id, None).await);
    let paid = h.awaiting(&org, &list(1)).await;
    applied(h.approve(&org, &paid).await);
    h.pay(1).await;
    h.assert_state(&org, &paid, State::Completed).await;
    let told = retry_comparing(&h, &org, &batch).await;
    assert_eq!(told["retried"], 1);
    assert_eq!(told["skipped"], serde_json::json!([{"row": 2, "code": "paid_elsewhere"}]));
    assert_eq!(h.counts(&org, &batch).await, "1 queued, 1 sending, 1 failed");
    assert_tenant(&h, &org).await;
}

pub async fn a_retry_compares_with_lists_as_an_approval_does(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    h.sent(&out, failed(false)).await;
    // Another amount, another organisation, another list that failed as well.
    h.ready(&org, &List { amount: 999, ..list(1) }).await;
    h.ready(&h.tenant().await, &list(1)).await;
    let other = h.awaiting(&org, &list(1)).await;
    applied(h.approve(&org, &other).await);
    let out = h.claim_one().await;
    h.sent(&out, failed(false)).await;
    assert_eq!(retry_comparing(&h, &org, &batch).await["retried"], 1);
    let out = h.claim_one().await;
    h.sent(&out, confirmed(&out.payout)).await;
    h.fund(&org, 1_000).await;
    assert_eq!(retry_comparing(&h, &org, &other).await["retried"], 0, "the first list has paid it now");
    h.advance(15 * DAY);
    assert_eq!(retry_comparing(&h, &org, &other).await["retried"], 1, "that is long ago");
    let out = h.claim_one().await;
    h.sent(&out, failed(false)).await;
    h.awaiting(&org, &list(1)).await;
    assert_eq!(retry_comparing(&h, &org, &other).await["retried"], 0);
    assert_eq!(retry(&h, &org, &other).await["retried"], 1, "where lists are not compared");
    assert_tenant(&h, &org).await;
}
