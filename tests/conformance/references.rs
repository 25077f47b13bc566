//! The reference of a row in another list, for another number: told, and no more than that.

use super::support::*;
use gaba::batch::{Batch, State, approval};
use gaba::store::IssueView;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn submit(h: &Harness, org: &Tenant, batch: &Batch) -> Batch {
    approval::submit(&h.store, &org.maker, batch.id, false, Some(h.now() - 14 * DAY), None).await.unwrap();
    h.batch(org, batch).await
}

async fn told(h: &Harness, org: &Tenant, batch: &Batch) -> Vec<IssueView> {
    h.store.issues(org.id, batch.id, None, page(500)).await.unwrap().items
}

/// A list of the same references for other people.
fn others(rows: u32) -> List {
    List { shift: 1_000, ..list(rows) }
}

pub async fn a_reference_that_another_list_has_for_another_number_is_told_once(h: Harness) {
    let org = h.tenant().await;
    let first = h.ready(&org, &list(2)).await;
    let second = h.ready(&org, &others(3)).await;
    let second = submit(&h, &org, &second).await;
    assert_eq!((second.duplicates, second.warnings), (0, 2));
    let issues = told(&h, &org, &second).await;
    let said: Vec<_> = issues.iter().map(|i| (i.row, i.code.as_str(), i.severity.as_str())).collect();
    assert_eq!(said, [(2, "repeated_reference", "warning"), (3, "repeated_reference", "warning")]);
    assert!(issues[0].message.starts_with(&format!("row 2 of the list \"{}\"", first.name)), "{}", issues[0].message);
    // Once, however often it is submitted, and however many lists have it.
    h.ready(&org, &List { shift: 2_000, ..list(2) }).await;
    assert_eq!(submit(&h, &org, &second).await.warnings, 2);
}

pub async fn the_same_person_again_other_tenants_and_what_was_given_up_are_not_told(h: Harness) {
    let org = h.tenant().await;
    h.ready(&h.tenant().await, &list(2)).await;
    let cancelled = h.ready(&org, &list(2)).await;
    applied(h.store.cancel(&org.maker, cancelled.id, None).await);
    h.ready(&org, &List { amount: 999, ..others(2) }).await;
    let batch = h.ready(&org, &others(2)).await;
    let batch = submit(&h, &org, &batch).await;
    assert_eq!((batch.duplicates, batch.warnings), (0, 0), "{:?}", told(&h, &org, &batch).await);
}

pub async fn a_list_that_was_over_long_ago_is_not_compared(h: Harness) {
    let org = h.tenant().await;
    let old = h.approved(&org, &list(2)).await;
    h.pay(2).await;
    h.assert_state(&org, &old, State::Completed).await;
    h.advance(13 * DAY);
    let within = h.ready(&org, &others(2)).await;
    assert_eq!(submit(&h, &org, &within).await.warnings, 2);
    applied(h.store.cancel(&org.maker, within.id, None).await);
    h.advance(2 * DAY);
    let beyond = h.ready(&org, &others(2)).await;
    assert_eq!(submit(&h, &org, &beyond).await.warnings, 0);
}

/// It is a warning: whoever approved the list saw no less than there was to see of it.
pub async fn a_reference_that_came_later_stops_no_approval(h: Harness) {
    let org = h.tenant().await;
    h.fund(&org, 10_000).await;
    let first = h.ready(&org, &list(2)).await;
    let first = submit(&h, &org, &first).await;
    let later = h.ready(&org, &others(2)).await;
    let (digest, since) = (first.digest.clone().unwrap(), Some(h.now() - 14 * DAY));
    applied(approval::approve(&h.store, &org.checker, first.id, &digest, since, None).await);
    assert_eq!(submit(&h, &org, &later).await.warnings, 2);
}

/// Lists that count their rows from 1 all have the same references.
pub async fn of_many_such_rows_some_are_told_and_the_last_says_so(h: Harness) {
    let org = h.tenant().await;
    h.ready(&org, &list(150)).await;
    let batch = h.ready(&org, &others(150)).await;
    let batch = submit(&h, &org, &batch).await;
    let issues = told(&h, &org, &batch).await;
    assert_eq!((batch.warnings, issues.len()), (100, 100));
    let says: Vec<u32> = issues.iter().filter(|i| i.message.contains("not compared")).map(|i| i.row).collect();
    assert_eq!(says, [101]);
    assert_eq!(submit(&h, &org, &batch).await.warnings, 100);
}
