//! The inbox: stored once, applied once, in any order.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::batch::State;
use gaba::payout::Submission;
use gaba::rail::{News, Outcome};
use gaba::receipt::{ClaimedReceipt, NewReceipt, Verdict};
use gaba::store::Recorded;
use std::time::Duration;
use uuid::Uuid;

async fn one_out(h: &Harness) -> (Tenant, gaba::batch::Batch, Submission) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    (org, batch, out)
}

pub async fn a_repeated_receipt_is_stored_and_applied_once(h: Harness) {
    let (org, _, out) = one_out(&h).await;
    let repeated = receipt(&h, LANE, out.reference, confirmed(&out.payout));
    h.store.store_receipts(vec![repeated.clone(), repeated.clone()]).await.unwrap();
    h.store_receipt(repeated.clone()).await;
    assert_eq!(h.apply_receipts().await, 1);
    h.store_receipt(repeated).await;
    assert_eq!(h.apply_receipts().await, 0);
    h.assert_payout(&org, &out.payout, "paid").await;
    assert_tenant(&h, &org).await;
}

pub async fn equal_receipts_of_two_lanes_are_two(h: Harness) {
    let body = b"{}".to_vec();
    h.store_receipt(raw_receipt(&h, "one", None, body.clone())).await;
    h.store_receipt(raw_receipt(&h, "two", None, body)).await;
    assert_eq!(h.store.claim_receipts(10, LEASE).await.unwrap().len(), 2);
}

pub async fn a_receipt_is_claimed_by_one_until_its_lease_lapses(h: Harness) {
    let (org, _, out) = one_out(&h).await;
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    let first = h.store.claim_receipts(10, LEASE).await.unwrap();
    assert_eq!(first.len(), 1);
    assert!(h.store.claim_receipts(10, LEASE).await.unwrap().is_empty());
    h.lapse();
    let second = h.store.claim_receipts(10, LEASE).await.unwrap();
    assert_eq!((second[0].id, second.len()), (first[0].id, 1));
    let late = vec![h.judged(&first[0], judge(&first[0]))];
    h.store.apply_receipts(late, decide_payout(), decide_message()).await.unwrap();
    h.assert_payout(&org, &out.payout, "sending").await;
    let ours = vec![h.judged(&second[0], judge(&second[0]))];
    h.store.apply_receipts(ours.clone(), decide_payout(), decide_message()).await.unwrap();
    h.store.apply_receipts(ours, decide_payout(), decide_message()).await.unwrap();
    h.assert_payout(&org, &out.payout, "paid").await;
    h.lapse();
    assert!(h.store.claim_receipts(10, LEASE).await.unwrap().is_empty(), "applied is applied");
    assert_tenant(&h, &org).await;
}

/// The claim of one that was slow and the claim that replaced it can end in one group.
pub async fn an_old_and_a_present_claim_of_a_receipt_in_one_group_apply_it_once(h: Harness) {
    let (org, _, out) = one_out(&h).await;
    h.sent(&out, failed(true)).await;
    h.store_receipt(receipt(&h, LANE, out.reference, mismatched(&out.payout))).await;
    let first = h.store.claim_receipts(10, LEASE).await.unwrap();
    h.lapse();
    let second = h.store.claim_receipts(10, LEASE).await.unwrap();
    let both: Vec<_> = first.iter().chain(&second).chain(&second).map(|r| h.judged(r, judge(r))).collect();
    assert_eq!(both.len(), 3);
    h.store.apply_receipts(both, decide_payout(), decide_message()).await.unwrap();
    let told = h.exceptions(org.id).await;
    let kinds: Vec<_> = told.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["late_success"], "told twice, it would be a mismatch as well");
    assert_tenant(&h, &org).await;
}

pub async fn no_more_receipts_are_claimed_than_asked_for(h: Harness) {
    for n in 0..5_u8 {
        h.store_receipt(raw_receipt(&h, LANE, None, vec![n])).await;
    }
    assert_eq!(h.store.claim_receipts(2, LEASE).await.unwrap().len(), 2);
    assert_eq!(h.store.claim_receipts(9, LEASE).await.unwrap().len(), 3);
}

pub async fn what_somebody_vouches_for_is_claimed_before_all_that_nobody_does(h: Harness) {
    for n in 0..5_u8 {
        h.store_receipt(NewReceipt { vouched: false, ..raw_receipt(&h, LANE, None, vec![n]) }).await;
    }
    h.advance(Duration::from_secs(1));
    h.store_receipt(raw_receipt(&h, LANE, None, b"vouched".to_vec())).await;
    let first = h.store.claim_receipts(2, LEASE).await.unwrap();
    assert_eq!(first.iter().filter(|r| r.raw.body == b"vouched").count(), 1);
    assert_eq!(h.store.claim_receipts(9, LEASE).await.unwrap().len(), 4);
}

/// A flood of what anybody may post neither fills the disk nor drives out what a provider said.
pub async fn of_what_nobody_vouches_for_the_newest_ten_thousand_of_a_lane_are_kept(h: Harness) {
    let stranger =
        |lane, n: u32| NewReceipt { vouched: false, ..raw_receipt(&h, lane, None, n.to_be_bytes().to_vec()) };
    h.store_receipt(raw_receipt(&h, LANE, None, b"vouched".to_vec())).await;
    h.store_receipt(stranger("another", 0)).await;
    for group in 0..21 {
        h.advance(Duration::from_secs(1));
        h.store.store_receipts((0..500).map(|n| stranger(LANE, group * 500 + n)).collect()).await.unwrap();
        if group == 1 {
            // The newest are those that came last, not those that a clock which was ahead has dated.
            h.step_back(Duration::from_secs(100));
        }
    }
    h.advance(Duration::from_secs(200));
    let kept = h.store.claim_receipts(20_000, LEASE).await.unwrap();
    let vouched = |r: &&ClaimedReceipt| r.raw.body == b"vouched";
    let mut strangers: Vec<&[u8]> =
        kept.iter().filter(|r| r.lane == LANE && !vouched(r)).map(|r| r.raw.body.as_slice()).collect();
    strangers.sort_unstable();
    assert_eq!((strangers.len(), strangers[0]), (10_000, &500_u32.to_be_bytes()[..]), "the oldest went");
    assert_eq!(kept.iter().filter(vouched).count(), 1);
    assert_eq!(kept.iter().filter(|r| r.lane == "another").count(), 1);
}

pub async fn a_receipt_comes_back_byte_for_byte(h: Harness) {
    let bodies: [&[u8]; 6] = [
        b"",
        b"plain",
        "{\"name\":\"Nakató 😀\\u0000\"}\r\n".as_bytes(),
        b"a\0b",
        b"\xff\xfe\x00\x80 not text",
        b"\xef\xbb\xbf{}",
    ];
    let token = Some(Uuid::from_u128(5));
    for body in bodies {
        let mut new = raw_receipt(&h, LANE, token, body.to_vec());
        new.raw.headers = vec![("webhook-id".into(), "\"é\"".into()), ("x".into(), String::new())];
        h.store_receipt(new).await;
    }
    let found = h.store.claim_receipts(10, LEASE).await.unwrap();
    assert_eq!(found.len(), bodies.len());
    for body in bodies {
        let receipt = found.iter().find(|r| r.raw.body == body).unwrap_or_else(|| panic!("lost: {body:?}"));
        assert_eq!((receipt.raw.token_reference, receipt.raw.received_at), (token, h.now()));
        assert_eq!((receipt.raw.header("webhook-id"), receipt.raw.header("x")), (Some("\"é\""), Some("")));
        assert!(receipt.kept.is_none() && receipt.lane == LANE);
    }
}

/// The receipt overtakes the answer to the request.
pub async fn a_receipt_before_the_answer_pays_and_the_answer_changes_nothing(h: Harness) {
    let (org, batch, out) = one_out(&h).await;
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    assert_eq!(h.apply_receipts().await, 1);
    h.assert_payout(&org, &out.payout, "paid").await;
    h.assert_state(&org, &batch, State::Completed).await;
    assert_eq!(h.sent(&out, accepted()).await, Recorded::Fenced);
    assert_eq!(h.sent(&out, failed(false)).await, Recorded::Fenced);
    h.apply_receipts().await;
    h.assert_payout(&org, &out.payout, "paid").await;
    assert_tenant(&h, &org).await;
}

pub async fn nothing_that_comes_after_a_payment_changes_it(h: Harness) {
    let (org, batch, out) = one_out(&h).await;
    h.sent(&out, confirmed(&out.payout)).await;
    let position = h.store.ledger_position().await.unwrap();
    for later in [confirmed(&out.payout), failed(false), failed(true), accepted(), unknown(), mismatched(&out.payout)] {
        h.store_receipt(receipt(&h, LANE, out.reference, later)).await;
    }
    assert_eq!(h.apply_receipts().await, 6);
    h.assert_payout(&org, &out.payout, "paid").await;
    h.assert_state(&org, &batch, State::Completed).await;
    assert_eq!(h.store.ledger_position().await.unwrap(), position);
    assert_tenant(&h, &org).await;
}

pub async fn a_receipt_of_failure_ends_the_reference_it_speaks_of(h: Harness) {
    let (org, batch, out) = one_out(&h).await;
    h.sent(&out, accepted()).await;
    h.store_receipt(receipt(&h, LANE, out.reference, failed(true))).await;
    h.apply_receipts().await;
    h.assert_payout(&org, &out.payout, "queued").await;
    h.advance(Duration::from_secs(3600));
    let second = h.claim_one().await;
    assert_ne!(second.reference, out.reference);
    h.store_receipt(receipt(&h, LANE, second.reference, failed(true))).await;
    h.store_receipt(receipt(&h, LANE, out.reference, failed(false))).await;
    h.apply_receipts().await;
    h.assert_state(&org, &batch, State::Completed).await;
    assert_eq!(h.counts(&org, &batch).await, "1 failed");
    assert_eq!(h.wallet(&org).await, (1_000, 0));
    assert_tenant(&h, &org).await;
}

pub async fn an_unknown_reference_and_another_lanes_are_ignored(h: Harness) {
    let (org, _, out) = one_out(&h).await;
    h.store_receipt(receipt(&h, LANE, Uuid::from_u128(1), confirmed(&out.payout))).await;
    h.store_receipt(receipt(&h, "airtel-ug", out.reference, confirmed(&out.payout))).await;
    h.store_receipt(receipt(&h, LANE, out.payout.id, confirmed(&out.payout))).await;
    assert_eq!(h.apply_receipts().await, 3);
    assert_eq!(h.apply_receipts().await, 0, "ignored is done with");
    h.assert_payout(&org, &out.payout, "sending").await;
    assert_eq!(h.sent(&out, accepted()).await, Recorded::Applied, "the claim still stands");
    assert_tenant(&h, &org).await;
}

pub async fn what_cannot_be_read_is_set_aside(h: Harness) {
    let (org, _, out) = one_out(&h).await;
    h.store_receipt(raw_receipt(&h, LANE, Some(out.reference), b"<html>".to_vec())).await;
    let found = h.store.claim_receipts(10, LEASE).await.unwrap();
    let judged = vec![h.judged(&found[0], Verdict::Ignored("not a receipt".into()))];
    h.store.apply_receipts(judged, decide_payout(), decide_message()).await.unwrap();
    h.lapse();
    assert!(h.store.claim_receipts(10, LEASE).await.unwrap().is_empty());
    h.assert_payout(&org, &out.payout, "sending").await;
}

pub async fn a_hint_brings_the_next_question_forward_and_nothing_else(h: Harness) {
    let (org, _, out) = one_out(&h).await;
    h.sent(&out, accepted()).await;
    assert!(h.ask(1).await.is_empty());
    let news = News { reference: out.reference, outcome: confirmed(&out.payout), verified: false };
    let body = serde_json::to_vec(&news).unwrap();
    h.store_receipt(raw_receipt(&h, LANE, Some(out.reference), body)).await;
    h.apply_receipts().await;
    h.assert_payout(&org, &out.payout, "accepted").await;
    assert_eq!(h.ask_one().await.reference, out.reference);
    assert_eq!(h.wallet(&org).await, (0, 1_000));
}

pub async fn a_late_success_after_a_failure_opens_one_exception_and_moves_no_money(h: Harness) {
    let (org, batch, out) = one_out(&h).await;
    h.sent(&out, failed(false)).await;
    let before = h.view(&org, &out.payout).await;
    h.advance(Duration::from_secs(60));
    let position = h.store.ledger_position().await.unwrap();
    for transaction in ["T-1", "T-2"] {
        let mut late = confirmed(&out.payout);
        if let Outcome::Paid(payment) = &mut late {
            payment.transaction_id = Some(transaction.into());
        }
        h.store_receipt(receipt(&h, LANE, out.reference, late)).await;
    }
    h.apply_receipts().await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by.is_some()), ("failed", true));
    assert_eq!((row.settled_at, row.reason), (before.settled_at, before.reason), "when and why it failed stays");
    let told = h.exceptions(org.id).await;
    assert_eq!((told.len(), told[0].kind.as_str()), (1, "late_success"));
    assert_eq!(h.store.ledger_position().await.unwrap(), position);
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_late_success_of_a_cancelled_row_opens_an_exception(h: Harness) {
    let (org, batch, out) = one_out(&h).await;
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    h.sent(&out, not_sent()).await;
    h.assert_state(&org, &batch, State::Cancelled).await;
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    assert_eq!(h.apply_receipts().await, 1);
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by.is_some()), ("cancelled", true));
    assert_eq!(h.exceptions(org.id).await.len(), 1);
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_tenant(&h, &org).await;
}

/// News of an earlier reference while the next one is out: the row is frozen, and the attempt that is out is not marked
/// as if the news were its own.
pub async fn news_of_an_earlier_attempt_is_not_written_on_the_present_one(h: Harness) {
    let (org, _, first) = one_out(&h).await;
    h.sent(&first, failed(true)).await;
    h.advance(Duration::from_secs(3600));
    let second = h.claim_one().await;
    h.store_receipt(receipt(&h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    let timeline = h.store.payout(org.id, first.payout.id).await.unwrap();
    assert_eq!((timeline.payout.state.as_str(), timeline.payout.frozen_by.is_some()), ("unknown", true));
    let attempts: Vec<_> = timeline.attempts.iter().map(|a| (a.state.as_str(), a.outcome.as_deref())).collect();
    assert_eq!(attempts, [("failed", Some("paid")), ("open", None)], "each attempt tells its own story");
    let told = h.exceptions(org.id).await;
    assert_eq!((told.len(), told[0].kind.as_str(), told[0].attempt), (1, "late_success", 1));
    assert_eq!(h.sent(&second, failed(false)).await, Recorded::Fenced);
    h.apply_receipts().await;
    for asked in h.ask(10).await {
        h.asked(&asked, failed(false)).await;
    }
    h.assert_payout(&org, &second.payout, "unknown").await;
    assert_eq!(h.wallet(&org).await, (0, 1_000), "nothing is given back while it is unclear");
    assert_tenant(&h, &org).await;
}

pub async fn many_receipts_of_many_rows_apply_together(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 3, ..list(20) }).await;
    let out = h.claim(20).await;
    let mut inbox = Vec::new();
    for (n, s) in out.iter().enumerate() {
        let outcome = if n % 4 == 0 { failed(false) } else { confirmed(&s.payout) };
        inbox.push(receipt(&h, LANE, s.reference, accepted()));
        inbox.push(receipt(&h, LANE, s.reference, outcome.clone()));
        inbox.push(receipt(&h, "other", s.reference, outcome));
    }
    h.store.store_receipts(inbox).await.unwrap();
    assert_eq!(h.apply_receipts().await, 60);
    h.assert_state(&org, &batch, State::Completed).await;
    assert_eq!(h.counts(&org, &batch).await, "15 paid, 5 failed");
    assert_tenant(&h, &org).await;
}
