//! Sending again: only under the same reference, and only while the rule for it holds.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::payout::resolve::Source;
use gaba::payout::{Action, Submission};
use gaba::rail::Outcome;
use std::time::Duration;

/// Nobody knows what became of it, and the provider says twice that it never saw the reference.
async fn deny_twice(h: &Harness, out: &Submission) {
    h.sent(out, unknown()).await;
    for _ in 0..2 {
        h.advance(Duration::from_secs(600));
        let asked = h.ask_one().await;
        h.asked(&asked, Outcome::NotFound).await;
    }
}

/// The resend rule's other half: an answer that waits in the inbox is read before anything is sent again.
pub async fn a_resend_waits_for_receipts_of_its_reference(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    deny_twice(&h, &out).await;
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    assert!(h.claim(1).await.is_empty(), "its receipt is not applied yet");
    let held = h.store.claim_receipts(10, LEASE).await.unwrap();
    assert!(h.claim(1).await.is_empty(), "somebody is about to apply it");
    let judged = held.iter().map(|r| h.judged(r, judge(r))).collect();
    h.store.apply_receipts(judged, decide_payout(), decide_message()).await.unwrap();
    h.assert_payout(&org, &out.payout, "paid").await;
    assert!(h.claim(1).await.is_empty());
    assert_tenant(&h, &org).await;
}

pub async fn a_resend_goes_out_once_under_the_same_reference(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    deny_twice(&h, &out).await;
    assert!(h.ask(1).await.is_empty());
    let again = h.claim_one().await;
    assert_eq!((again.reference, &again.request), (out.reference, &out.request));
    assert!(again.payout.exposed && h.claim(1).await.is_empty());
    // A refusal of the resend is no verdict on the first send.
    h.record(&again.payout, failed(false), Source::Submit).await;
    h.assert_payout(&org, &out.payout, "unknown").await;
    assert_eq!(h.store.payout(org.id, out.payout.id).await.unwrap().attempts[0].sends, 2);
    assert_eq!(h.wallet(&org).await, (0, 1_000));
    assert_tenant(&h, &org).await;
}

/// Whether to send again is decided long before it is done: the lane may have been down meanwhile.
pub async fn a_resend_that_waited_too_long_is_asked_about_instead(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    deny_twice(&h, &out).await;
    h.advance(Duration::from_secs(12 * 3600));
    assert!(h.claim(1).await.is_empty());
    assert_eq!(h.store.next_payout_due(LANE, Action::Submit).await.unwrap(), None);
    h.assert_payout(&org, &out.payout, "unknown").await;
    h.advance(Duration::from_secs(3600));
    assert_eq!(h.ask_one().await.reference, out.reference);
    assert_tenant(&h, &org).await;
}

pub async fn a_resend_of_a_paused_batch_is_asked_about_instead(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(1).await.remove(0);
    deny_twice(&h, &out).await;
    applied(h.store.pause(&org.maker, batch.id, None).await);
    assert!(h.store.next_payout_due(LANE, Action::Submit).await.unwrap().is_some());
    assert!(h.claim(10).await.is_empty());
    assert_eq!(h.counts(&org, &batch).await, "1 queued, 1 unknown");
    h.advance(Duration::from_secs(3600));
    assert_eq!(h.ask_one().await.reference, out.reference);
    assert_tenant(&h, &org).await;
}

pub async fn every_resend_needs_two_denials_of_its_own(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    deny_twice(&h, &out).await;
    let again = h.claim_one().await;
    assert_eq!((again.payout.not_found, again.payout.not_found_at), (0, None));
    h.lapse();
    let asked = h.ask_one().await;
    h.asked(&asked, Outcome::NotFound).await;
    assert!(h.claim(1).await.is_empty(), "one denial since it was sent again");
    assert_tenant(&h, &org).await;
}
