//! Claims: who may work on what, with the intent committed before anything is sent.

use super::books::{all_payouts, assert_tenant};
use super::steps::*;
use super::support::*;
use gaba::ids;
use gaba::payout::{Action, Submission};
use gaba::rail::Request;
use gaba::store::{PrepareTransfer, Recorded};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Requests that a careless store would bend on the way to the database and back.
fn awkward() -> PrepareTransfer {
    Arc::new(|transfer| Request {
        body: format!("{{\"to\":\"{}\",\"x\":\"\\u0000\u{0}é\u{2028}\\\"\r\n😀\"}} ", transfer.msisdn),
        callback_url: Some("https://hooks.example.org/?a=b&token=Zm9v==".into()),
    })
}

fn other() -> PrepareTransfer {
    Arc::new(|_| Request { body: "another request".into(), callback_url: None })
}

pub async fn a_claim_takes_only_its_lane_and_no_more_than_it_asked_for(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &List { lanes: vec![LANE, "airtel-ug"], ..list(10) }).await;
    let first = h.claim(3).await;
    assert_eq!(first.iter().map(|s| s.payout.row).collect::<Vec<_>>(), [2, 4, 6], "in the order of the list");
    assert!(h.claim(0).await.is_empty());
    assert_eq!(h.claim(100).await.len(), 2);
    assert!(h.claim(100).await.is_empty());
    assert!(h.claim_on("unheard-of", 100).await.is_empty());
    let others = h.claim_on("airtel-ug", 100).await;
    assert_eq!(others.len(), 5);
    assert!(others.iter().all(|s| s.payout.lane == "airtel-ug"));
    assert_tenant(&h, &org).await;
}

pub async fn an_intent_can_be_read_before_anything_is_sent(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &List { note: Some("March pay"), ..list(1) }).await;
    let claimed = h.claim_one().await;
    let payout = &claimed.payout;
    assert_eq!(claimed.reference, ids::attempt_reference(payout.id, 1));
    assert_eq!((payout.attempt, payout.sent_at, payout.intended_at), (1, Some(h.now()), Some(h.now())));
    assert!(claimed.request.body.contains("March pay") && claimed.request.body.contains("25677"));
    let timeline = h.store.payout(org.id, payout.id).await.unwrap();
    assert_eq!((timeline.payout.state.as_str(), timeline.attempts.len()), ("sending", 1));
    let attempt = &timeline.attempts[0];
    assert_eq!((attempt.reference, attempt.sends, attempt.state.as_str()), (claimed.reference, 1, "open"));
    assert_eq!(attempt.request, claimed.request.body);
    assert_eq!(timeline.payout.provider_reference, Some(claimed.reference));
}

pub async fn a_lease_is_reckoned_from_before_the_claim(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let claimed = h.claim_one().await;
    assert_eq!(claimed.lease_until, h.monotonic() + LEASE);
    h.advance(LEASE - Duration::from_micros(1));
    assert!(h.ask(1).await.is_empty(), "the lease runs");
    h.advance(Duration::from_micros(1));
    assert_eq!(h.ask_one().await.lease_until, h.monotonic() + LEASE);
}

pub async fn a_request_is_sent_again_byte_for_byte(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let first = h.store.claim_submissions(LANE, 1, LEASE, awkward(), ask_instead()).await.unwrap().remove(0);
    assert_eq!(h.sent(&first, not_sent()).await, Recorded::Applied);
    h.advance(Duration::from_secs(60));
    let again = h.store.claim_submissions(LANE, 1, LEASE, other(), ask_instead()).await.unwrap().remove(0);
    assert_eq!((&again.request, again.reference), (&first.request, first.reference));
    assert_eq!(again.payout.intended_at, first.payout.intended_at, "the first intent counts");
    let timeline = h.store.payout(org.id, first.payout.id).await.unwrap();
    assert_eq!((timeline.attempts.len(), timeline.attempts[0].sends), (1, 2));
    assert_eq!(timeline.attempts[0].request, first.request.body);
}

pub async fn a_new_attempt_has_a_new_reference_and_a_request_of_its_own(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    assert_eq!(h.sent(&first, failed(true)).await, Recorded::Applied);
    assert_eq!(h.wallet(&org).await, (0, 1_000), "the hold stays");
    assert!(h.claim(1).await.is_empty(), "it backs off");
    let due = h.store.next_payout_due(LANE, Action::Submit).await.unwrap().unwrap();
    h.advance(due.since(h.now()));
    let second = h.store.claim_submissions(LANE, 1, LEASE, other(), ask_instead()).await.unwrap().remove(0);
    assert_eq!((second.payout.attempt, second.reference), (2, ids::attempt_reference(first.payout.id, 2)));
    assert_ne!(second.reference, first.reference);
    assert_eq!(second.request.body, "another request");
    let timeline = h.store.payout(org.id, first.payout.id).await.unwrap();
    let states: Vec<_> = timeline.attempts.iter().map(|a| (a.attempt, a.state.as_str())).collect();
    assert_eq!(states, [(1, "failed"), (2, "open")]);
    assert_tenant(&h, &org).await;
    h.sent(&second, failed(true)).await;
    h.assert_state(&org, &batch, gaba::batch::State::Completed).await;
    assert_eq!(h.wallet(&org).await, (1_000, 0), "the last attempt failed");
    assert_tenant(&h, &org).await;
}

pub async fn a_lapsed_claim_is_asked_about_and_never_sent(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let lost = h.claim_one().await;
    assert!(h.ask(1).await.is_empty(), "its claim runs");
    h.lapse();
    assert!(h.claim(1).await.is_empty(), "never sent again blindly");
    let asked = h.ask_one().await;
    assert_eq!((asked.reference, asked.payout.state), (lost.reference, gaba::payout::State::Unknown));
    assert!(asked.payout.exposed && asked.payout.claim > lost.payout.claim);
    h.assert_payout(&org, &asked.payout, "unknown").await;
    assert!(h.claim(1).await.is_empty() && h.ask(1).await.is_empty(), "it is in hand");
    assert_eq!(h.wallet(&org).await, (0, 1_000));
    assert_tenant(&h, &org).await;
    h.lapse();
    assert_eq!(h.ask_one().await.reference, lost.reference, "whoever asked is gone too");
}

pub async fn a_batch_that_does_not_run_gives_nothing_to_send(h: Harness) {
    let org = h.tenant().await;
    let paused = h.approved(&org, &list(2)).await;
    applied(h.store.pause(&org.maker, paused.id, None).await);
    h.awaiting(&org, &list(2)).await;
    let cancelled = h.approved(&org, &list(2)).await;
    applied(h.store.cancel(&org.maker, cancelled.id, None).await);
    assert!(h.claim(10).await.is_empty());
}

/// 16 claimers at once over 2,000 rows.
pub async fn claimers_that_race_get_every_row_exactly_once(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1_200)).await;
    h.approved(&org, &list(800)).await;
    let claimers = (0..16).map(|_| {
        let store = h.store.clone();
        tokio::spawn(async move {
            let mut mine: Vec<Submission> = Vec::new();
            loop {
                let more = store.claim_submissions(LANE, 50, LEASE, prepare(), ask_instead()).await.unwrap();
                if more.is_empty() {
                    return mine;
                }
                mine.extend(more);
            }
        })
    });
    let all: Vec<Submission> = futures::future::join_all(claimers).await.into_iter().flat_map(Result::unwrap).collect();
    let references: HashSet<_> = all.iter().map(|s| s.reference).collect();
    assert_eq!((all.len(), references.len()), (2_000, 2_000));
    assert_tenant(&h, &org).await;
}

pub async fn a_small_batch_gets_its_share_beside_a_large_one(h: Harness) {
    let (large, small) = (h.tenant().await, h.tenant().await);
    h.approved(&large, &list(5_000)).await;
    h.approved(&small, &list(10)).await;
    let claimed = h.claim(64).await;
    assert_eq!(claimed.len(), 64, "what one leaves the other gets");
    assert_eq!(claimed.iter().filter(|s| s.payout.organisation == small.id).count(), 10);
    let all: HashSet<_> = claimed.iter().map(|s| s.reference).collect();
    assert_eq!(all.len(), 64);
}

pub async fn organisations_share_a_claim_however_many_batches_each_has(h: Harness) {
    let (many, one) = (h.tenant().await, h.tenant().await);
    for _ in 0..9 {
        h.approved(&many, &list(50)).await;
    }
    h.approved(&one, &list(100)).await;
    let claimed = h.claim(60).await;
    let of_one = claimed.iter().filter(|s| s.payout.organisation == one.id).count();
    assert!(of_one >= 24, "{of_one} of 60 for the organisation with one batch");
    assert!(of_one <= 36, "{of_one} of 60 for the organisation with one batch");
}

pub async fn a_single_permit_goes_to_everybody_in_turn(h: Harness) {
    let (a, b) = (h.tenant().await, h.tenant().await);
    h.approved(&a, &list(100)).await;
    h.approved(&b, &list(100)).await;
    let mut of_a = 0;
    for _ in 0..60 {
        of_a += usize::from(h.claim(1).await[0].payout.organisation == a.id);
    }
    assert!((10..=50).contains(&of_a), "{of_a} of 60");
}

pub async fn the_next_due_time_is_that_of_the_first_row_of_the_lane(h: Harness) {
    let org = h.tenant().await;
    let due = async |action| h.store.next_payout_due(LANE, action).await.unwrap();
    h.awaiting(&org, &list(1)).await;
    assert_eq!((due(Action::Submit).await, due(Action::Query).await), (None, None));
    h.approved(&org, &list(2)).await;
    let first = due(Action::Submit).await.unwrap();
    assert!(first <= h.now());
    assert_eq!(h.store.next_payout_due("airtel-ug", Action::Submit).await.unwrap(), None);
    let claimed = h.claim(2).await;
    assert_eq!(due(Action::Submit).await, None);
    assert_eq!(due(Action::Query).await, Some(h.now() + LEASE), "a lapsed lease is asked about");
    h.sent(&claimed[0], accepted()).await;
    h.sent(&claimed[1], confirmed(&claimed[1].payout)).await;
    assert_eq!(due(Action::Query).await, Some(h.now() + Duration::from_secs(60)));
    h.advance(Duration::from_secs(60));
    let asked = h.ask_one().await;
    h.asked(&asked, confirmed(&asked.payout)).await;
    assert_eq!((due(Action::Submit).await, due(Action::Query).await), (None, None));
}

pub async fn a_frozen_row_is_left_alone(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(2).await;
    h.sent(&out[0], mismatched(&out[0].payout)).await;
    h.sent(&out[1], confirmed(&out[1].payout)).await;
    h.advance(Duration::from_secs(7 * 24 * 3600));
    assert!(h.claim(10).await.is_empty() && h.ask(10).await.is_empty());
    assert_eq!(h.store.next_payout_due(LANE, Action::Query).await.unwrap(), None);
    let frozen = h.view(&org, &out[0].payout).await;
    assert!(frozen.frozen_by.is_some() && frozen.state == "unknown");
    h.assert_state(&org, &batch, gaba::batch::State::Running).await;
    assert_eq!(h.wallet(&org).await, (0, 1_000), "its money stays held");
    assert_tenant(&h, &org).await;
}

pub async fn payouts_are_listed_in_row_order_by_page_and_by_state(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(5)).await;
    assert_eq!(h.pay(2).await, 2);
    let rows = |found: Vec<gaba::payout::PayoutView>| found.into_iter().map(|p| p.row).collect::<Vec<_>>();
    assert_eq!(rows(all_payouts(&h, &org, &batch).await), [2, 3, 4, 5, 6]);
    let first = h.store.payouts(org.id, batch.id, None, page(3)).await.unwrap();
    let rest = gaba::store::PageRequest { cursor: first.next_cursor.clone(), limit: 3 };
    let rest = h.store.payouts(org.id, batch.id, None, rest).await.unwrap();
    assert_eq!((rows(first.items), rows(rest.items), rest.next_cursor), (vec![2, 3, 4], vec![5, 6], None));
    let paid = h.store.payouts(org.id, batch.id, Some(gaba::payout::State::Paid), page(10)).await.unwrap();
    assert_eq!(rows(paid.items), [2, 3]);
}

pub async fn lanes_are_in_use_while_something_of_theirs_is_due(h: Harness) {
    let org = h.tenant().await;
    assert!(h.store.lanes_in_use().await.unwrap().is_empty());
    h.ready(&org, &List { lanes: vec!["airtel-ug"], ..list(1) }).await;
    h.approved(&org, &List { notify: true, ..list(2) }).await;
    assert_eq!(h.store.lanes_in_use().await.unwrap(), [LANE]);
    assert_eq!(h.pay(2).await, 2);
    assert_eq!(h.store.lanes_in_use().await.unwrap(), [SMS_LANE]);
}
