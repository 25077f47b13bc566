//! The same payment in two lists: told before the approval, and never slipped in after it.

use super::support::*;
use gaba::batch::{Batch, State, approval};
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
        let new = gaba::batch::NewBatch { file_hash: [hash; 32], ..h.new_batch(&org, key, &list(1)) };
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
