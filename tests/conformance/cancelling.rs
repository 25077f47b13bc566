//! Ways to stop: pause, resume, cancel; and that acts in a wrong state change nothing.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, State};
use gaba::payout::resolve::Source;
use gaba::payout::{self, Action};
use gaba::store::Recorded;
use std::time::Duration;

pub async fn a_paused_batch_sends_nothing_and_still_asks_and_listens(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(4)).await;
    let out = h.claim(2).await;
    h.sent(&out[0], accepted()).await;
    h.sent(&out[1], unknown()).await;
    applied(h.store.pause(&org.maker, batch.id, None).await);
    already(h.store.pause(&org.maker, batch.id, None).await);
    assert!(h.claim(10).await.is_empty());
    assert_eq!(h.store.next_payout_due(LANE, Action::Submit).await.unwrap(), None);
    h.advance(Duration::from_secs(120));
    let asked = h.ask(10).await;
    assert_eq!(asked.len(), 2);
    h.asked(&asked[0], confirmed(&asked[0].payout)).await;
    h.store_receipt(receipt(&h, LANE, asked[1].reference, confirmed(&asked[1].payout))).await;
    assert_eq!(h.apply_receipts().await, 1);
    assert_eq!(h.counts(&org, &batch).await, "2 queued, 2 paid");
    applied(h.store.resume(&org.maker, batch.id, None).await);
    already(h.store.resume(&org.maker, batch.id, None).await);
    assert_eq!(h.pay(10).await, 2);
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_row_given_back_while_paused_waits_for_the_resume(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    applied(h.store.pause(&org.maker, batch.id, None).await);
    assert_eq!(h.sent(&out, not_sent()).await, Recorded::Applied);
    h.advance(Duration::from_secs(60));
    assert!(h.claim(1).await.is_empty());
    applied(h.store.resume(&org.maker, batch.id, None).await);
    assert_eq!(h.pay(1).await, 1);
    assert_tenant(&h, &org).await;
}

pub async fn a_paused_batch_whose_last_row_came_home_completes_on_resume(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    applied(h.store.pause(&org.maker, batch.id, None).await);
    h.sent(&out, confirmed(&out.payout)).await;
    h.assert_state(&org, &batch, State::Paused).await;
    assert_eq!(applied(h.store.resume(&org.maker, batch.id, None).await)["state"], "completed");
    assert!(h.batch(&org, &batch).await.completed_at.is_some());
    already(h.store.resume(&org.maker, batch.id, None).await);
    assert_tenant(&h, &org).await;
}

pub async fn a_batch_cancelled_before_it_starts_gives_everything_back(h: Harness) {
    let org = h.tenant().await;
    let later = Some(h.now() + Duration::from_secs(60));
    let costly = List { fee: 20, tax: 3, ..list(3) };
    let ready = h.ready(&org, &costly).await;
    let awaiting = h.awaiting(&org, &costly).await;
    let scheduled = h.approved(&org, &List { scheduled_at: later, ..costly.clone() }).await;
    assert_eq!(h.wallet(&org).await, (0, costly.needs()));
    for batch in [ready, awaiting, scheduled] {
        let cancelled = applied(h.store.cancel(&org.maker, batch.id, None).await);
        assert_eq!((&cancelled["state"], &cancelled["totals"]["held"]), (&"cancelled".into(), &"0".into()));
        assert_eq!(h.counts(&org, &batch).await, "3 queued", "an act of O(1) rows; the rows follow");
        h.drive(2).await;
        assert_eq!(h.counts(&org, &batch).await, "3 cancelled");
        already(h.store.cancel(&org.maker, batch.id, None).await);
        assert_tenant(&h, &org).await;
    }
    assert_eq!(h.wallet(&org).await, (costly.needs(), 0));
    h.advance(Duration::from_secs(3600));
    h.drive(100).await;
    assert!(h.claim(10).await.is_empty());
}

pub async fn a_running_batch_is_cancelled_in_chunks_until_all_of_it_is_home(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 10, ..list(25) }).await;
    let out = h.claim(2).await;
    assert_eq!(applied(h.store.cancel(&org.maker, batch.id, None).await)["state"], "cancelling");
    already(h.store.cancel(&org.maker, batch.id, None).await);
    assert!(h.claim(10).await.is_empty(), "nothing new is sent");
    assert!(h.store.sweep_cancelled(10).await.unwrap(), "more is left");
    assert_eq!(h.counts(&org, &batch).await, "13 queued, 2 sending, 10 cancelled");
    assert_eq!(h.wallet(&org).await, (10_100, 15_150));
    assert_tenant(&h, &org).await;
    h.drive(10).await;
    assert_eq!(h.counts(&org, &batch).await, "2 sending, 23 cancelled");
    h.assert_state(&org, &batch, State::Cancelling).await;
    h.sent(&out[0], confirmed(&out[0].payout)).await;
    h.assert_state(&org, &batch, State::Cancelling).await;
    h.sent(&out[1], failed(false)).await;
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(h.counts(&org, &batch).await, "1 paid, 1 failed, 23 cancelled");
    assert_eq!(h.wallet(&org).await, (24 * 1_010, 0));
    assert_tenant(&h, &org).await;
}

pub async fn a_sweep_that_ends_on_the_last_row_of_its_chunk_closes_the_batch(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(20)).await;
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(h.wallet(&org).await, (20_000, 0));
    assert_tenant(&h, &org).await;
}

pub async fn several_batches_cancelled_at_once_all_converge(h: Harness) {
    let org = h.tenant().await;
    let (one, two, three) =
        (h.approved(&org, &list(3)).await, h.approved(&org, &list(30)).await, h.approved(&org, &list(3)).await);
    for batch in [&one, &two, &three] {
        applied(h.store.cancel(&org.maker, batch.id, None).await);
    }
    h.drive(10).await;
    for batch in [&one, &two, &three] {
        h.assert_state(&org, batch, State::Cancelled).await;
    }
    assert_tenant(&h, &org).await;
}

pub async fn a_paused_batch_is_cancelled_too(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(1).await;
    applied(h.store.pause(&org.maker, batch.id, None).await);
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    h.sent(&out[0], confirmed(&out[0].payout)).await;
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(h.counts(&org, &batch).await, "1 paid, 1 cancelled");
    assert_tenant(&h, &org).await;
}

pub async fn a_row_that_comes_back_to_a_cancelling_batch_is_cancelled(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(3)).await;
    let out = h.claim(3).await;
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    assert_eq!(h.sent(&out[0], not_sent()).await, Recorded::Applied);
    h.assert_payout(&org, &out[0].payout, "cancelled").await;
    assert_eq!(h.wallet(&org).await, (1_000, 2_000));
    assert_tenant(&h, &org).await;
    h.sent(&out[1], failed(true)).await;
    assert_eq!(h.counts(&org, &batch).await, "1 sending, 2 cancelled");
    h.sent(&out[2], accepted()).await;
    h.advance(Duration::from_secs(60));
    let asked = h.ask_one().await;
    h.asked(&asked, failed(true)).await;
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(h.wallet(&org).await, (3_000, 0));
    assert!(h.view(&org, &asked.payout).await.settled_at.is_some());
    assert_tenant(&h, &org).await;
}

/// A row that may have been paid is sent again under its reference also when its batch is given up: only so it ends.
/// Whoever cancelled wants nothing sent any more. When the provider says that it does not know the payment either, two
/// people need not wait until it is overdue.
pub async fn an_unknown_row_of_a_cancelling_batch_is_handed_over_and_never_sent_again(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(1).await.remove(0);
    h.sent(&out, unknown()).await;
    for _ in 0..2 {
        h.advance(Duration::from_secs(600));
        let asked = h.ask_one().await;
        h.asked(&asked, gaba::rail::Outcome::NotFound).await;
    }
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    assert_eq!(h.counts(&org, &batch).await, "1 unknown, 1 cancelled");
    for _ in 0..3 {
        assert!(h.claim(10).await.is_empty(), "never sent again");
        h.advance(Duration::from_secs(600));
        let asked = h.ask_one().await;
        assert_eq!(asked.reference, out.reference);
        h.asked(&asked, gaba::rail::Outcome::NotFound).await;
    }
    let told = h.exceptions(org.id).await;
    assert_eq!((told.len(), told[0].kind.as_str(), told[0].state.as_str()), (1, "overdue", "open"), "told once");
    assert!(told[0].detail.contains("cancelled"), "{}", told[0].detail);
    assert_eq!(h.wallet(&org).await, (1_000, 1_000), "its money stays held");
    assert_tenant(&h, &org).await;
    // The provider may still find it.
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(h.counts(&org, &batch).await, "1 paid, 1 cancelled");
    assert_eq!(h.exceptions(org.id).await[0].resolution.as_deref(), Some("answered"));
    assert_tenant(&h, &org).await;
}

pub async fn a_frozen_row_keeps_its_cancelling_batch_open(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(1).await.remove(0);
    h.sent(&out, mismatched(&out.payout)).await;
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    h.advance(Duration::from_secs(3600));
    assert!(h.ask(10).await.is_empty());
    h.assert_state(&org, &batch, State::Cancelling).await;
    assert_eq!(h.counts(&org, &batch).await, "1 unknown, 1 cancelled");
    assert_eq!(h.wallet(&org).await, (1_000, 1_000));
    assert_tenant(&h, &org).await;
}

/// News that an earlier reference was paid after all, of a row that waits for its next attempt while its batch is being
/// cancelled: the row is frozen, its money is not given back.
pub async fn a_late_success_freezes_a_queued_row_before_the_sweep_takes_it(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    h.sent(&out, failed(true)).await;
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    h.drive(10).await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by.is_some()), ("queued", true));
    h.assert_state(&org, &batch, State::Cancelling).await;
    assert_eq!(h.wallet(&org).await, (0, 1_000));
    assert_tenant(&h, &org).await;
}

/// A batch in each state, and how it is reached.
async fn in_every_state(h: &Harness, org: &Tenant) -> Vec<Batch> {
    let later = Some(h.now() + Duration::from_secs(1_000_000));
    let ready = h.ready(org, &list(2)).await;
    let failed = {
        h.uploaded(org, &list(2)).await;
        let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
        h.store.fail_import(&claimed, "broken").await.unwrap();
        h.batch(org, &claimed).await
    };
    let awaiting = h.awaiting(org, &list(2)).await;
    let scheduled = h.approved(org, &List { scheduled_at: later, ..list(2) }).await;
    let completed = h.approved(org, &list(2)).await;
    assert_eq!(h.pay(10).await, 2);
    let cancelling = h.approved(org, &list(2)).await;
    assert_eq!(h.claim(10).await.len(), 2);
    applied(h.store.cancel(&org.maker, cancelling.id, None).await);
    let cancelled = h.ready(org, &list(2)).await;
    applied(h.store.cancel(&org.maker, cancelled.id, None).await);
    let paused = h.approved(org, &list(2)).await;
    applied(h.store.pause(&org.maker, paused.id, None).await);
    let running = h.approved(org, &list(2)).await;
    let importing = h.uploaded(org, &list(2)).await;
    let mut all = Vec::new();
    for batch in [ready, failed, awaiting, scheduled, completed, cancelling, cancelled, paused, running, importing] {
        all.push(h.batch(org, &batch).await);
    }
    all
}

pub async fn every_act_in_a_wrong_state_is_refused_and_changes_nothing(h: Harness) {
    use State::*;
    let org = h.tenant().await;
    h.fund(&org, 100_000).await;
    let batches = in_every_state(&h, &org).await;
    let before = (h.wallet(&org).await, h.store.ledger_position().await.unwrap());
    for batch in &batches {
        let id = batch.id;
        if !matches!(batch.state, Ready | AwaitingApproval) {
            assert_invalid_state(h.store.submit(&org.maker, id, true, None).await);
        }
        if batch.state != AwaitingApproval {
            let digest = batch.digest.as_deref().unwrap_or_default();
            assert_invalid_state(h.approve_as(&org.checker, id, digest, None).await);
            assert_invalid_state(h.store.reject(&org.checker, id, "no", None).await);
        }
        if !matches!(batch.state, Running | Paused) {
            assert_invalid_state(h.store.pause(&org.maker, id, None).await);
        }
        if !matches!(batch.state, Running | Paused | Completed) {
            assert_invalid_state(h.store.resume(&org.maker, id, None).await);
        }
        if matches!(batch.state, Importing | ImportFailed | Completed) {
            assert_invalid_state(h.store.cancel(&org.maker, id, None).await);
        }
        let after = h.batch(&org, batch).await;
        assert_eq!((after.state, after.claim, after.held), (batch.state, batch.claim, batch.held), "{}", batch.state);
    }
    assert_eq!((h.wallet(&org).await, h.store.ledger_position().await.unwrap()), before);
    assert_tenant(&h, &org).await;
}

pub async fn what_happens_to_a_cancelled_row_can_be_read(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(1).await.remove(0);
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    h.record(&out.payout, not_sent(), Source::Submit).await;
    for row in super::books::all_payouts(&h, &org, &batch).await {
        let timeline = h.store.payout(org.id, row.id).await.unwrap();
        assert_eq!(timeline.payout.state, payout::State::Cancelled.to_string());
        assert_eq!(timeline.events.last().unwrap().kind, "cancelled");
        assert!(timeline.payout.settled_at.is_some());
    }
}
