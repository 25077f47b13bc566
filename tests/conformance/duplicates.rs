//! The same payment in two lists: told before the approval, and never slipped in after it.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, Kind, NewBatch, State, approval};
use gaba::clock::Time;
use gaba::store::{Compared, Done, Refusal, StoreError};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn since(h: &Harness) -> Option<Time> {
    Some(h.now() - 14 * DAY)
}

async fn submit(h: &Harness, org: &Tenant, batch: &Batch) -> Batch {
    approval::submit(&h.store, &org.maker, batch.id, false, since(h), None).await.unwrap();
    h.batch(org, batch).await
}

async fn approve(h: &Harness, org: &Tenant, batch: &Batch) -> Result<Done<serde_json::Value>, StoreError> {
    let digest = batch.digest.clone().unwrap();
    approval::approve(&h.store, &org.checker, batch.id, &digest, since(h), None).await
}

pub async fn a_payment_that_another_open_list_makes_is_told_at_the_submission(h: Harness) {
    let org = h.tenant().await;
    let first = h.ready(&org, &list(2)).await;
    let second = h.ready(&org, &list(3)).await;
    let second = submit(&h, &org, &second).await;
    assert_eq!((second.duplicates, second.warnings), (2, 2));
    let told = h.store.issues(org.id, second.id, None, page(10)).await.unwrap().items;
    assert_eq!(
        told.iter().map(|i| (i.row, i.code.as_str())).collect::<Vec<_>>(),
        [(2, "duplicate_in_batch"), (3, "duplicate_in_batch")]
    );
    assert!(told[0].message.contains(&first.name) && told[0].message.contains("row 2"), "{}", told[0].message);
    // Told once, however often it is submitted.
    let again = submit(&h, &org, &second).await;
    assert_eq!(again.duplicates, 2);
    h.fund(&org, 10_000).await;
    applied(approve(&h, &org, &again).await);
}

pub async fn other_amounts_other_tenants_and_what_was_given_up_are_no_duplicates(h: Harness) {
    let org = h.tenant().await;
    h.ready(&org, &List { amount: 999, ..list(2) }).await;
    h.ready(&h.tenant().await, &list(2)).await;
    let cancelled = h.ready(&org, &list(2)).await;
    applied(h.store.cancel(&org.maker, cancelled.id, None).await);
    let batch = h.ready(&org, &list(2)).await;
    assert_eq!(submit(&h, &org, &batch).await.duplicates, 0);
}

pub async fn what_completed_long_ago_is_no_duplicate(h: Harness) {
    let org = h.tenant().await;
    let old = h.approved(&org, &list(2)).await;
    h.pay(2).await;
    h.assert_state(&org, &old, State::Completed).await;
    h.advance(13 * DAY);
    let within = h.ready(&org, &list(2)).await;
    assert_eq!(submit(&h, &org, &within).await.duplicates, 2);
    applied(h.store.cancel(&org.maker, within.id, None).await);
    h.advance(2 * DAY);
    let beyond = h.ready(&org, &list(2)).await;
    assert_eq!(submit(&h, &org, &beyond).await.duplicates, 0);
}

/// Uploaded long ago, paid yesterday.
pub async fn what_was_paid_of_late_is_a_duplicate_however_old_its_list(h: Harness) {
    let org = h.tenant().await;
    let later = h.now() + 20 * DAY;
    let old = h.approved(&org, &List { scheduled_at: Some(later), ..list(2) }).await;
    h.advance(20 * DAY);
    assert!(h.store.start_scheduled().await.unwrap());
    h.pay(2).await;
    h.assert_state(&org, &old, State::Completed).await;
    h.advance(DAY);
    let batch = h.ready(&org, &list(2)).await;
    assert_eq!(submit(&h, &org, &batch).await.duplicates, 2);
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.advance(14 * DAY);
    let batch = h.ready(&org, &list(2)).await;
    assert_eq!(submit(&h, &org, &batch).await.duplicates, 0);
}

pub async fn what_a_cancelled_list_paid_or_may_have_paid_is_a_duplicate(h: Harness) {
    let org = h.tenant().await;
    let stopped = h.approved(&org, &list(5)).await;
    let out = h.claim(4).await;
    for (sent, outcome) in out.iter().zip([confirmed(&out[0].payout), accepted(), failed(false), failed(false)]) {
        h.sent(sent, outcome).await;
    }
    // The third failed, says the provider, and then that it paid.
    h.store_receipt(receipt(&h, LANE, out[2].reference, confirmed(&out[2].payout))).await;
    h.apply_receipts().await;
    applied(h.store.cancel(&org.maker, stopped.id, None).await);
    h.assert_state(&org, &stopped, State::Cancelling).await;
    let told = async |batch: &Batch| {
        let issues = h.store.issues(org.id, batch.id, None, page(10)).await.unwrap().items;
        issues.iter().map(|i| i.row).collect::<Vec<_>>()
    };
    let again = h.ready(&org, &list(5)).await;
    submit(&h, &org, &again).await;
    assert_eq!(told(&again).await, [2, 3, 4, 6], "whatever is not given up yet");
    applied(h.store.cancel(&org.maker, again.id, None).await);

    h.drive(10).await;
    let again = h.ready(&org, &list(5)).await;
    submit(&h, &org, &again).await;
    assert_eq!(told(&again).await, [2, 3, 4], "paid, on its way, in doubt");
    assert_tenant(&h, &org).await;
}

pub async fn what_a_list_paid_before_it_was_cancelled_is_a_duplicate_for_as_long_as_if_completed(h: Harness) {
    let org = h.tenant().await;
    let stopped = h.approved(&org, &list(3)).await;
    let out = h.claim(1).await;
    h.sent(&out[0], confirmed(&out[0].payout)).await;
    applied(h.store.cancel(&org.maker, stopped.id, None).await);
    h.drive(10).await;
    h.assert_state(&org, &stopped, State::Cancelled).await;
    let batch = h.ready(&org, &list(3)).await;
    assert_eq!(submit(&h, &org, &batch).await.duplicates, 1);
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.advance(15 * DAY);
    let batch = h.ready(&org, &list(3)).await;
    assert_eq!(submit(&h, &org, &batch).await.duplicates, 0);
}

/// What was told of one list does not stand for another that came in since.
pub async fn a_row_that_was_told_of_one_list_is_told_of_the_next(h: Harness) {
    let org = h.tenant().await;
    h.fund(&org, 10_000).await;
    let first = h.ready(&org, &list(2)).await;
    let batch = h.ready(&org, &list(2)).await;
    let batch = submit(&h, &org, &batch).await;
    let since_then = h.ready(&org, &list(1)).await;
    let refused = refusal(approve(&h, &org, &batch).await);
    let Refusal::DuplicatesChanged { rows } = &refused else { panic!("{refused:?}") };
    assert_eq!(rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2], "the other row knows all there is");
    assert!(rows[0].1.contains(&since_then.name) && !rows[0].1.contains(&first.name), "{}", rows[0].1);
    assert_eq!(h.wallet(&org).await, (10_000, 0));
    let batch = submit(&h, &org, &batch).await;
    assert_eq!((batch.duplicates, batch.warnings), (3, 3));
    applied(approve(&h, &org, &batch).await);
    // Whoever comes last is told of all at once.
    let last = h.ready(&org, &list(1)).await;
    let last = submit(&h, &org, &last).await;
    assert_eq!(last.duplicates, 1);
    let told = &h.store.issues(org.id, last.id, None, page(10)).await.unwrap().items[0].message;
    assert!(told.contains("2 other lists"), "{told}");
    assert_tenant(&h, &org).await;
}

/// The second list comes in after the first was submitted: its checker saw no duplicate, so nothing is paid until somebody has.
pub async fn what_became_a_duplicate_since_the_submission_stops_the_approval(h: Harness) {
    let org = h.tenant().await;
    h.fund(&org, 10_000).await;
    let first = h.ready(&org, &list(2)).await;
    let first = submit(&h, &org, &first).await;
    h.ready(&org, &list(2)).await;
    let refused = refusal(approve(&h, &org, &first).await);
    let Refusal::DuplicatesChanged { rows } = &refused else { panic!("{refused:?}") };
    assert_eq!(rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(h.wallet(&org).await, (10_000, 0));
    h.assert_state(&org, &first, State::AwaitingApproval).await;
    let accepted = submit(&h, &org, &first).await;
    assert_eq!((accepted.state, accepted.duplicates), (State::AwaitingApproval, 2));
    applied(approve(&h, &org, &accepted).await);
    assert_eq!(h.wallet(&org).await, (8_000, 2_000));
}

/// Between looking and approving another list came in: the look is out of date.
pub async fn an_approval_is_fenced_by_what_it_looked_at(h: Harness) {
    let org = h.tenant().await;
    h.fund(&org, 10_000).await;
    let first = h.awaiting(&org, &list(2)).await;
    let seen = h.store.lists_seen(org.id).await.unwrap();
    h.ready(&org, &list(2)).await;
    let digest = first.digest.clone().unwrap();
    assert_fenced(h.store.approve(&org.checker, first.id, &digest, Compared::Seen(seen), None).await);
    assert_eq!(h.wallet(&org).await, (10_000, 0));
    // Whoever may look again finds what the first look did not see.
    let again = Compared::SeenOrAgain(seen, h.now() - 14 * DAY);
    let refused = refusal(h.store.approve(&org.checker, first.id, &digest, again, None).await);
    assert!(matches!(refused, Refusal::DuplicatesChanged { .. }), "{refused:?}");
    // A list of somebody else does not matter.
    let seen = h.store.lists_seen(org.id).await.unwrap();
    h.ready(&h.tenant().await, &list(2)).await;
    applied(h.store.approve(&org.checker, first.id, &digest, Compared::Seen(seen), None).await);
}

pub async fn without_a_window_nothing_is_compared(h: Harness) {
    let org = h.tenant().await;
    h.ready(&org, &list(2)).await;
    let batch = h.ready(&org, &list(2)).await;
    approval::submit(&h.store, &org.maker, batch.id, false, None, None).await.unwrap();
    let batch = h.batch(&org, &batch).await;
    assert_eq!(batch.duplicates, 0);
    h.fund(&org, 10_000).await;
    let digest = batch.digest.clone().unwrap();
    applied(approval::approve(&h.store, &org.checker, batch.id, &digest, None, None).await);
}

pub async fn the_same_file_is_found_again(h: Harness) {
    let org = h.tenant().await;
    let upload = async |key: &str, hash: u8| {
        let new = NewBatch { file_hash: [hash; 32], ..h.new_batch(&org, key, &list(1)) };
        applied(h.store.create_batch(new).await)
    };
    let first = upload("first", 200).await;
    let second = upload("second", 200).await;
    let other = upload("other", 201).await;
    let same = h.store.same_file(&second, h.now() - DAY).await.unwrap().unwrap();
    assert_eq!(same.batch_name, first.name);
    assert_eq!(h.store.same_file(&other, h.now() - DAY).await.unwrap(), None);
    h.advance(2 * DAY);
    assert_eq!(h.store.same_file(&second, h.now() - DAY).await.unwrap(), None, "too long ago");
}

/// Whoever is told of a payment is told from the same file that pays it.
pub async fn the_same_file_is_another_list_when_it_does_something_else(h: Harness) {
    let org = h.tenant().await;
    let upload = async |name: &str, kind: Kind, text: Option<&str>| {
        let (file_hash, sms_template) = ([200; 32], text.map(str::to_owned));
        let new = h.new_batch(&org, name, &list(1));
        let new = NewBatch { name: name.into(), kind, sms_template, file_hash, ..new };
        let batch = applied(h.store.create_batch(new).await);
        h.advance(Duration::from_secs(1));
        let same = h.store.same_file(&batch, h.now() - DAY).await.unwrap();
        same.map(|same| same.batch_name)
    };
    let is = |name: &str| Some(name.to_owned());
    assert_eq!(upload("told", Kind::Sms, Some("come")).await, None);
    assert_eq!(upload("paid", Kind::Payout, None).await, None, "nobody was paid");
    assert_eq!(upload("told twice", Kind::Sms, Some("come")).await, is("told"));
    assert_eq!(upload("told more", Kind::Sms, Some("come on")).await, None, "another text");
    assert_eq!(upload("paid twice", Kind::Payout, Some("you are paid")).await, is("paid"), "whatever was told between");
}

/// A list that was cancelled before anybody approved it paid nobody; one that ran may have.
pub async fn the_file_of_a_cancelled_list_is_found_if_it_was_approved(h: Harness) {
    let org = h.tenant().await;
    let given_up = h.ready(&org, &list(1)).await;
    applied(h.store.cancel(&org.maker, given_up.id, None).await);
    let stopped = h.approved(&org, &list(2)).await;
    h.pay(1).await;
    applied(h.store.cancel(&org.maker, stopped.id, None).await);
    h.drive(10).await;
    h.assert_state(&org, &stopped, State::Cancelled).await;
    for (of, found) in [(&given_up, None), (&stopped, Some(stopped.name.clone()))] {
        let key = format!("again {}", of.name);
        let new = NewBatch { file_hash: of.file_hash.clone().try_into().unwrap(), ..h.new_batch(&org, &key, &list(1)) };
        let again = applied(h.store.create_batch(new).await);
        let same = h.store.same_file(&again, h.now() - DAY).await.unwrap();
        assert_eq!(same.map(|same| same.batch_name), found);
    }
}
