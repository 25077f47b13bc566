//! From the upload to a list that was read to its end.

use super::books::{all_payouts, assert_tenant};
use super::support::*;
use gaba::batch::State;
use gaba::store::{IMPORTS_OF_ONE_MAX, PageRequest, Refusal, StoreError};
use std::time::Duration;
use uuid::Uuid;

pub async fn an_upload_is_found_again_by_its_key(h: Harness) {
    let org = h.tenant().await;
    let upload = h.new_batch(&org, "march", &list(1));
    let created = applied(h.store.create_batch(upload.clone()).await);
    assert_eq!((created.state, created.id), (State::Importing, upload.id));
    let found = already(h.store.create_batch(upload).await);
    assert_eq!((found.id, found.created_at), (created.id, created.created_at));
    assert_eq!(h.store.batches(org.id, page(10)).await.unwrap().items.len(), 1);
}

pub async fn the_same_key_with_another_upload_is_refused(h: Harness) {
    let org = h.tenant().await;
    let upload = h.new_batch(&org, "march", &list(1));
    applied(h.store.create_batch(upload.clone()).await);
    let mut other = upload;
    other.fingerprint = [8; 32];
    other.name = "another".into();
    assert_eq!(refusal(h.store.create_batch(other.clone()).await), Refusal::KeyReused);
    assert_ne!(h.store.batch(org.id, other.id).await.unwrap().name, "another");
}

pub async fn the_same_upload_posted_at_once_makes_one_batch(h: Harness) {
    let org = h.tenant().await;
    let upload = h.new_batch(&org, "march", &list(1));
    let posts = (0..8).map(|_| {
        tokio::spawn({
            let (store, upload) = (h.store.clone(), upload.clone());
            async move { store.create_batch(upload).await.unwrap().into_inner().id }
        })
    });
    for id in futures::future::join_all(posts).await {
        assert_eq!(id.unwrap(), upload.id);
    }
    assert_eq!(h.store.batches(org.id, page(10)).await.unwrap().items.len(), 1);
}

pub async fn an_upload_is_read_back_part_by_part_as_it_came(h: Harness) {
    let org = h.tenant().await;
    let upload = Uuid::from_u128(1);
    let parts = [vec![0_u8, 255, 10], b"rest".to_vec()];
    for (n, part) in (0..).zip(&parts) {
        h.store.store_upload_part(org.id, upload, n, part.clone()).await.unwrap();
    }
    assert_eq!(h.store.upload_part(upload, 0).await.unwrap().as_ref(), Some(&parts[0]));
    assert_eq!(h.store.upload_part(upload, 1).await.unwrap().as_ref(), Some(&parts[1]));
    assert_eq!(h.store.upload_part(upload, 2).await.unwrap(), None);
}

pub async fn an_upload_that_no_batch_names_goes_after_a_day_and_others_stay(h: Harness) {
    let org = h.tenant().await;
    let (orphan, named) = (Uuid::from_u128(1 << 64), Uuid::from_u128(2 << 64));
    h.store.store_upload_part(org.id, orphan, 0, vec![1]).await.unwrap();
    h.store.store_upload_part(org.id, named, 0, vec![2]).await.unwrap();
    let mut batch = h.new_batch(&org, "march", &list(1));
    batch.upload = named;
    applied(h.store.create_batch(batch).await);
    h.advance(Duration::from_secs(25 * 3600));
    h.store.store_upload_part(org.id, Uuid::from_u128(3 << 64), 0, vec![3]).await.unwrap();
    assert_eq!(h.store.upload_part(orphan, 0).await.unwrap(), None);
    assert_eq!(h.store.upload_part(named, 0).await.unwrap(), Some(vec![2]));
}

pub async fn an_import_is_claimed_once_until_its_lease_lapses(h: Harness) {
    let org = h.tenant().await;
    let batch = h.uploaded(&org, &list(1)).await;
    let first = h.store.claim_import(LEASE).await.unwrap().unwrap();
    assert_eq!(first.id, batch.id);
    assert!(h.store.claim_import(LEASE).await.unwrap().is_none());
    h.lapse();
    let second = h.store.claim_import(LEASE).await.unwrap().unwrap();
    assert!(second.id == batch.id && second.claim > first.claim);
}

pub async fn rows_that_arrive_extend_the_lease_of_their_import(h: Harness) {
    let org = h.tenant().await;
    h.uploaded(&org, &list(3)).await;
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    for row in list(3).new_rows() {
        h.advance(LEASE / 2);
        h.store.import_rows(&batch, LEASE, vec![row]).await.unwrap();
        assert!(h.store.claim_import(LEASE).await.unwrap().is_none(), "the importer is at work");
    }
}

/// A process that is told to end gives back what it reads, however often that happens during a long list.
pub async fn an_import_that_is_given_back_does_not_count(h: Harness) {
    let org = h.tenant().await;
    let long = list(3);
    let batch = h.uploaded(&org, &long).await;
    for _ in 0..5 {
        let claimed = h.store.claim_import(LEASE).await.unwrap().expect("it is read again");
        h.store.import_rows(&claimed, LEASE, list(2).new_rows()).await.unwrap();
        h.store.give_back_import(&claimed, Duration::ZERO).await.unwrap();
        assert_fenced(h.store.import_rows(&claimed, LEASE, long.new_rows().split_off(2)).await);
        assert_fenced(h.store.give_back_import(&claimed, Duration::ZERO).await);
    }
    let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.give_back_import(&claimed, LEASE / 2).await.unwrap();
    assert!(h.store.claim_import(LEASE).await.unwrap().is_none(), "not yet");
    h.advance(LEASE / 2);
    let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&claimed, LEASE, long.new_rows()).await.unwrap();
    h.store.finish_import(&claimed, long.totals("sha256:x")).await.unwrap();
    h.assert_state(&org, &batch, State::Ready).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_list_whose_reader_never_came_back_is_read_alone(h: Harness) {
    let org = h.tenant().await;
    let claim = async || h.store.claim_import(LEASE).await.unwrap().map(|batch| (batch.id, batch));
    let mut lists = Vec::new();
    for of in [&org, &h.tenant().await, &h.tenant().await] {
        lists.push(h.uploaded(of, &list(1)).await.id);
        h.advance(Duration::from_millis(1));
        claim().await.expect("lists are read beside one another");
    }
    // All of them were in the hand of a process that died.
    h.lapse();
    let fresh = h.uploaded(&org, &list(1)).await.id;
    for _ in &lists {
        let (id, suspect) = claim().await.expect("the next suspect");
        assert!(lists.contains(&id));
        assert!(claim().await.is_none(), "neither another suspect nor a new list is read beside it");
        h.store.import_rows(&suspect, LEASE, list(1).new_rows()).await.unwrap();
        h.store.finish_import(&suspect, list(1).totals("sha256:x")).await.unwrap();
    }
    let (id, reading) = claim().await.expect("the new list");
    assert_eq!(id, fresh);
    // A suspect that comes meanwhile waits until nobody reads, and is not overtaken.
    let deadly = h.uploaded(&org, &list(1)).await.id;
    assert_eq!(claim().await.map(|(id, _)| id), Some(deadly), "no suspect yet");
    h.advance(LEASE / 2);
    h.store.import_rows(&reading, LEASE, list(1).new_rows()).await.unwrap();
    h.advance(LEASE / 2);
    h.uploaded(&org, &list(1)).await;
    assert!(claim().await.is_none(), "its turn has come, and somebody reads");
    h.store.finish_import(&reading, list(1).totals("sha256:x")).await.unwrap();
    assert_eq!(claim().await.map(|(id, _)| id), Some(deadly));
}

pub async fn lists_of_an_organisation_with_few_in_hand_are_read_before_those_of_one_with_many(h: Harness) {
    let (many, one, other) = (h.tenant().await, h.tenant().await, h.tenant().await);
    let uploaded = async |of| {
        h.advance(Duration::from_millis(1));
        h.uploaded(of, &list(1)).await.id
    };
    let claim = async || h.store.claim_import(LEASE).await.unwrap();
    let next = async || claim().await.map(|batch| batch.id);
    let [first, second, third, fourth] =
        [uploaded(&many).await, uploaded(&many).await, uploaded(&many).await, uploaded(&many).await];
    let reading = claim().await.unwrap();
    assert_eq!(reading.id, first, "the oldest");
    let theirs = [uploaded(&one).await, uploaded(&one).await, uploaded(&other).await];
    assert_eq!(next().await, Some(theirs[0]), "the oldest of those who have none in hand");
    assert_eq!(next().await, Some(theirs[2]), "nor has this one any");
    assert_eq!(next().await, Some(second), "all have one in hand, and this is the oldest");
    assert_eq!(next().await, Some(theirs[1]));
    assert_eq!(next().await, None, "whoever has a list left has as many in hand as it may");
    // What is out of hand makes room: what is read, and what is given back.
    h.store.import_rows(&reading, LEASE, list(1).new_rows()).await.unwrap();
    h.store.finish_import(&reading, list(1).totals("sha256:x")).await.unwrap();
    let reading = claim().await.unwrap();
    assert_eq!(reading.id, third);
    h.store.give_back_import(&reading, LEASE / 2).await.unwrap();
    assert_eq!(next().await, Some(fourth));
    assert_eq!(next().await, None);
}

/// Else an organisation whose readers died would never be read again.
pub async fn a_list_whose_lease_is_over_is_in_no_hand(h: Harness) {
    let (org, other) = (h.tenant().await, h.tenant().await);
    for _ in 0..IMPORTS_OF_ONE_MAX {
        h.uploaded(&org, &list(1)).await;
        h.store.claim_import(LEASE).await.unwrap().expect("a place");
    }
    h.uploaded(&org, &list(1)).await;
    assert!(h.store.claim_import(LEASE).await.unwrap().is_none(), "it has its share");
    h.lapse();
    let fresh = h.uploaded(&other, &list(1)).await;
    for _ in 0..=IMPORTS_OF_ONE_MAX {
        let claimed = h.store.claim_import(LEASE).await.unwrap().expect("the next one");
        assert_ne!(claimed.id, fresh.id, "nobody has one in hand, so the oldest is next");
        h.store.import_rows(&claimed, LEASE, list(1).new_rows()).await.unwrap();
        h.store.finish_import(&claimed, list(1).totals("sha256:x")).await.unwrap();
    }
    assert_eq!(h.store.claim_import(LEASE).await.unwrap().map(|b| b.id), Some(fresh.id));
}

pub async fn an_overtaken_importer_is_fenced_and_leaves_nothing(h: Harness) {
    let org = h.tenant().await;
    let few = list(2);
    h.uploaded(&org, &few).await;
    let old = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&old, LEASE, few.new_rows()).await.unwrap();
    h.lapse();
    let new = h.store.claim_import(LEASE).await.unwrap().unwrap();
    let late = list(9).new_rows().split_off(5);
    assert_fenced(h.store.import_rows(&old, LEASE, late).await);
    assert_fenced(h.store.finish_import(&old, few.totals("sha256:old")).await);
    assert_fenced(h.store.fail_import(&old, "gave up").await);
    h.store.import_rows(&new, LEASE, few.new_rows()).await.unwrap();
    h.store.finish_import(&new, few.totals("sha256:new")).await.unwrap();
    let batch = h.batch(&org, &new).await;
    assert_eq!((batch.state, batch.digest.as_deref()), (State::Ready, Some("sha256:new")));
    assert_eq!(all_payouts(&h, &org, &batch).await.len(), 2);
    assert_fenced(h.store.import_rows(&new, LEASE, list(9).new_rows().split_off(5)).await);
    assert_fenced(h.store.finish_import(&new, few.totals("sha256:again")).await);
    assert_tenant(&h, &org).await;
}

pub async fn a_broken_import_starts_clean(h: Harness) {
    let org = h.tenant().await;
    let long = List { invalid: 3, ..list(5) };
    h.uploaded(&org, &long).await;
    let broken = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&broken, LEASE, long.new_rows()).await.unwrap();
    h.lapse();
    let again = h.store.claim_import(LEASE).await.unwrap().unwrap();
    assert!(all_payouts(&h, &org, &again).await.is_empty());
    assert!(h.store.issues(org.id, again.id, None, page(10)).await.unwrap().items.is_empty());
    h.store.import_rows(&again, LEASE, long.new_rows()).await.unwrap();
    h.store.finish_import(&again, long.totals("sha256:x")).await.unwrap();
    let batch = h.batch(&org, &again).await;
    assert_eq!((batch.rows, batch.valid, batch.invalid, batch.amount), (8, 5, 3, 5_000));
    assert_eq!(h.store.report_lines(org.id, batch.id, 0, 100).await.unwrap().len(), 8);
    assert_tenant(&h, &org).await;
}

pub async fn an_import_ends_only_with_every_row_and_all_its_money(h: Harness) {
    let org = h.tenant().await;
    let whole = List { invalid: 1, fee: 10, tax: 5, ..list(3) };
    h.uploaded(&org, &whole).await;
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&batch, LEASE, whole.new_rows()).await.unwrap();
    let right = whole.totals("sha256:x");
    let mut wrong = vec![right.clone(); 5];
    wrong[0].valid += 1;
    wrong[1].invalid += 1;
    wrong[2].amount += 1;
    wrong[3].fees += 1;
    wrong[4].tax += 1;
    for totals in wrong {
        let result = h.store.finish_import(&batch, totals.clone()).await;
        assert!(matches!(result, Err(StoreError::Rejected(_))), "{totals:?}: {result:?}");
        h.assert_state(&org, &batch, State::Importing).await;
    }
    h.store.finish_import(&batch, right).await.unwrap();
    h.assert_state(&org, &batch, State::Ready).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_row_twice_in_one_import_is_rejected_with_its_group(h: Harness) {
    let org = h.tenant().await;
    h.uploaded(&org, &list(2)).await;
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&batch, LEASE, list(1).new_rows()).await.unwrap();
    let mut again = list(3).new_rows();
    again.rotate_left(1);
    let result = h.store.import_rows(&batch, LEASE, again).await;
    assert!(matches!(result, Err(StoreError::Rejected(_))), "{result:?}");
    assert_eq!(all_payouts(&h, &org, &batch).await.len(), 1);
}

pub async fn an_import_that_fails_says_why_and_cannot_be_submitted(h: Harness) {
    let org = h.tenant().await;
    h.uploaded(&org, &list(1)).await;
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&batch, LEASE, list(1_500).new_rows()).await.unwrap();
    h.store.fail_import(&batch, "this is a picture; upload a list").await.unwrap();
    let failed = h.batch(&org, &batch).await;
    assert_eq!(failed.state, State::ImportFailed);
    assert_eq!(failed.failure.as_deref(), Some("this is a picture; upload a list"));
    assert!(all_payouts(&h, &org, &batch).await.is_empty(), "rows of no list are nobody's payouts");
    assert_fenced(h.store.import_rows(&batch, LEASE, list(1).new_rows()).await);
    assert_invalid_state(h.store.submit(&org.maker, batch.id, true, None).await);
    h.lapse();
    assert!(h.store.claim_import(LEASE).await.unwrap().is_none());
}

pub async fn nothing_of_an_import_is_sent_before_it_is_approved(h: Harness) {
    let org = h.tenant().await;
    let batch = h.uploaded(&org, &list(3)).await;
    let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&claimed, LEASE, list(3).new_rows()).await.unwrap();
    assert!(h.claim(10).await.is_empty(), "importing");
    h.store.finish_import(&claimed, list(3).totals("sha256:x")).await.unwrap();
    assert!(h.claim(10).await.is_empty(), "ready");
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    assert!(h.claim(10).await.is_empty(), "awaiting approval");
}

pub async fn all_problems_of_a_list_are_told_page_by_page(h: Harness) {
    let org = h.tenant().await;
    let batch = h.ready(&org, &List { invalid: 3, ..list(1) }).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let found = h.store.issues(org.id, batch.id, None, PageRequest { cursor, limit: 1 }).await.unwrap();
        seen.extend(found.items.into_iter().map(|i| (i.row, i.code)));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let both = |row| [(row, "phone_too_short".to_owned()), (row, "amount_ambiguous".to_owned())];
    assert_eq!(seen, [both(3), both(4), both(5)].concat());
}

pub async fn batches_are_listed_newest_first_even_of_the_same_moment(h: Harness) {
    let org = h.tenant().await;
    let mut created = Vec::new();
    for n in 0..5 {
        created.push(h.uploaded(&org, &list(1)).await.id);
        if n == 2 {
            h.advance(Duration::from_secs(1));
        }
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let found = h.store.batches(org.id, PageRequest { cursor, limit: 2 }).await.unwrap();
        seen.extend(found.items.iter().map(|b| b.id));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    created[..3].sort();
    created[3..].sort();
    created.reverse();
    assert_eq!(seen, created);
}
