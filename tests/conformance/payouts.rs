//! Records: what an answer does to a row, to the money, and to its batch; and the fence before all of that.

use super::books::{all_payouts, assert_tenant};
use super::steps::*;
use super::support::*;
use gaba::batch::State;
use gaba::payout::resolve::Source;
use gaba::payout::{self, Payout, Submission};
use gaba::store::{PageRequest, PayoutRecord, Recorded, StoreError};
use std::time::Duration;

fn record(h: &Harness, payout: &Payout, outcome: gaba::rail::Outcome, source: Source) -> PayoutRecord {
    record_of(h, payout, outcome, source).unwrap()
}

fn paid(h: &Harness, submission: &Submission) -> PayoutRecord {
    record(h, &submission.payout, confirmed(&submission.payout), Source::Submit)
}

pub async fn a_payment_moves_its_money_from_the_hold_exactly_once(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 30, tax: 7, ..list(2) }).await;
    let out = h.claim(2).await;
    assert_eq!(h.sent(&out[0], confirmed(&out[0].payout)).await, Recorded::Applied);
    let position = h.store.ledger_position().await.unwrap();
    assert_eq!(h.wallet(&org).await, (0, 1_037));
    assert_eq!(h.sent(&out[0], confirmed(&out[0].payout)).await, Recorded::Fenced, "a replay");
    h.apply_receipts().await;
    assert_eq!(h.store.ledger_position().await.unwrap(), position);
    let row = h.view(&org, &out[0].payout).await;
    assert_eq!((row.state.as_str(), row.provider_transaction_id.as_deref()), ("paid", Some("T-2")));
    assert_eq!((row.settled_at, row.reason), (Some(h.now()), None));
    assert_eq!(h.batch(&org, &batch).await.paid, 1_037);
    assert_tenant(&h, &org).await;
}

pub async fn a_final_failure_gives_the_money_back(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 30, ..list(1) }).await;
    let out = h.claim_one().await;
    assert_eq!(h.sent(&out, failed(false)).await, Recorded::Applied);
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.reason.unwrap().code.as_str()), ("failed", "PAYEE_NOT_FOUND"));
    assert_eq!(h.wallet(&org).await, (1_030, 0));
    let batch = h.batch(&org, &batch).await;
    assert_eq!((batch.state, batch.released, batch.paid), (State::Completed, 1_030, 0));
    let attempts = h.store.payout(org.id, out.payout.id).await.unwrap().attempts;
    assert_eq!(
        (attempts[0].state.as_str(), attempts[0].outcome.as_deref()),
        ("failed", Some("failed: PAYEE_NOT_FOUND"))
    );
    assert_tenant(&h, &org).await;
}

pub async fn what_is_not_known_keeps_its_money_held(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(2).await;
    h.sent(&out[0], unknown()).await;
    h.sent(&out[1], accepted()).await;
    for _ in 0..30 {
        h.advance(Duration::from_secs(3 * 3600));
        for asked in h.ask(10).await {
            assert_eq!(h.asked(&asked, unknown()).await, Recorded::Applied);
        }
    }
    assert_eq!(h.counts(&org, &batch).await, "1 accepted, 1 unknown");
    assert_eq!(h.wallet(&org).await, (0, 2_000));
    h.assert_state(&org, &batch, State::Running).await;
    let overdue = h.exceptions(org.id).await;
    assert_eq!(overdue.len(), 2, "each is told once, however long it takes: {overdue:?}");
    assert_tenant(&h, &org).await;
    h.advance(Duration::from_secs(3600));
    for asked in h.ask(10).await {
        h.asked(&asked, confirmed(&asked.payout)).await;
    }
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_batch_completes_with_its_last_row_and_not_before(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(3)).await;
    let out = h.claim(3).await;
    let answers = [failed(false), confirmed(&out[1].payout), confirmed(&out[2].payout)];
    for (submission, answer) in out.iter().zip(answers) {
        let before = h.batch(&org, &batch).await;
        assert_eq!((before.state, before.completed_at), (State::Running, None));
        h.sent(submission, answer).await;
        assert_tenant(&h, &org).await;
    }
    let done = h.batch(&org, &batch).await;
    assert_eq!((done.state, done.completed_at), (State::Completed, Some(h.now())));
    assert_eq!((done.paid, done.released, done.held), (2_000, 1_000, 0));
}

pub async fn an_old_claim_records_nothing(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let old = h.claim_one().await;
    h.lapse();
    let asked = h.ask_one().await;
    for late in [unknown(), not_sent()] {
        assert_eq!(h.sent(&old, late).await, Recorded::Fenced);
    }
    assert!(h.store.claim_receipts(10, LEASE).await.unwrap().is_empty(), "nothing worth keeping");
    // That the provider has it speaks against whoever says that it does not know it.
    assert_eq!(h.sent(&old, accepted()).await, Recorded::Fenced);
    assert_eq!(h.store.claim_receipts(10, LEASE).await.unwrap().len(), 1);
    h.assert_payout(&org, &old.payout, "unknown").await;
    assert_eq!(h.asked(&asked, failed(false)).await, Recorded::Applied);
    assert_eq!(h.sent(&old, failed(false)).await, Recorded::Fenced);
    assert_eq!(h.wallet(&org).await, (1_000, 0), "given back once");
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_definitive_answer_that_came_too_late_is_kept_and_applied(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let old = h.claim_one().await;
    h.lapse();
    let asked = h.ask_one().await;
    assert_eq!(h.sent(&old, confirmed(&old.payout)).await, Recorded::Fenced);
    assert_eq!(h.sent(&old, confirmed(&old.payout)).await, Recorded::Fenced);
    h.assert_payout(&org, &old.payout, "unknown").await;
    let kept = h.store.claim_receipts(10, LEASE).await.unwrap();
    assert_eq!(kept.len(), 1, "the same answer is kept once");
    let answer = kept[0].kept.as_ref().unwrap();
    assert_eq!((answer.reference, answer.source.as_str()), (old.reference, "submit"));
    assert_eq!((&answer.outcome, kept[0].lane.as_str()), (&confirmed(&old.payout), LANE));
    let judged = kept.iter().map(|r| h.judged(r, judge(r))).collect();
    h.store.apply_receipts(judged, decide_payout(), decide_message()).await.unwrap();
    h.assert_payout(&org, &old.payout, "paid").await;
    assert_eq!(h.asked(&asked, unknown()).await, Recorded::Fenced);
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

/// A process that slept past its lease wakes up while another asks: both answers may stand in one group.
pub async fn an_old_and_a_present_claim_in_one_group_are_told_apart(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let old = h.claim_one().await;
    h.lapse();
    let asked = h.ask_one().await;
    let late = paid(&h, &old);
    let present = record(&h, &asked.payout, unknown(), Source::Query);
    let recorded = h.store.record_payouts(vec![late, present]).await.unwrap();
    assert_eq!(recorded, [Recorded::Fenced, Recorded::Applied]);
    h.assert_payout(&org, &old.payout, "unknown").await;
    assert_eq!(h.wallet(&org).await, (0, 1_000));
    assert_tenant(&h, &org).await;
    assert_eq!(h.apply_receipts().await, 1, "the late answer was kept");
    h.assert_payout(&org, &old.payout, "paid").await;
    assert_tenant(&h, &org).await;
}

pub async fn one_claim_records_once_in_a_group_too(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(2)).await;
    let out = h.claim(2).await;
    let twice = vec![
        record(&h, &out[0].payout, accepted(), Source::Submit),
        paid(&h, &out[0]),
        paid(&h, &out[1]),
        paid(&h, &out[1]),
    ];
    let recorded = h.store.record_payouts(twice).await.unwrap();
    assert_eq!(recorded, [Recorded::Applied, Recorded::Fenced, Recorded::Applied, Recorded::Fenced]);
    h.assert_payout(&org, &out[0].payout, "accepted").await;
    assert_tenant(&h, &org).await;
}

pub async fn a_group_is_answered_in_its_order(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &List { fee: 9, ..list(6) }).await;
    let out = h.claim(6).await;
    h.sent(&out[1], confirmed(&out[1].payout)).await;
    h.sent(&out[4], failed(false)).await;
    let group = out.iter().rev().map(|s| paid(&h, s)).collect();
    use Recorded::{Applied, Fenced};
    assert_eq!(h.store.record_payouts(group).await.unwrap(), [Applied, Fenced, Applied, Applied, Fenced, Applied]);
    assert_tenant(&h, &org).await;
}

/// One row enters a state as another leaves it: the number of its rows stays, its money does not.
pub async fn rows_that_change_places_within_a_group_move_their_money(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { rise: 500, ..list(2) }).await;
    let first = h.claim(1).await.remove(0);
    h.sent(&first, unknown()).await;
    h.advance(Duration::from_secs(60));
    let asked = h.ask_one().await;
    let second = h.claim_one().await;
    let enters = record(&h, &second.payout, unknown(), Source::Submit);
    let leaves = record(&h, &asked.payout, confirmed(&asked.payout), Source::Query);
    assert_eq!(h.store.record_payouts(vec![enters, leaves]).await.unwrap(), [Recorded::Applied; 2]);
    assert_eq!(h.counts(&org, &batch).await, "1 unknown, 1 paid");
    assert_eq!(h.batch(&org, &batch).await.tally(payout::State::Unknown).amount, 1_500);
    assert_tenant(&h, &org).await;
}

pub async fn an_impossible_record_is_rejected_with_its_whole_group(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(3)).await;
    let out = h.claim(3).await;
    h.sent(&out[0], confirmed(&out[0].payout)).await;
    let paid_row = Payout { claim: out[0].payout.claim + 1, ..out[0].payout.clone() };
    let mut released = record(&h, &paid_row, failed(false), Source::Submit);
    released.payout.state = payout::State::Paid;
    let before = (h.wallet(&org).await, h.store.ledger_position().await.unwrap());
    let result = h.store.record_payouts(vec![paid(&h, &out[1]), released, paid(&h, &out[2])]).await;
    assert!(matches!(result, Err(StoreError::Rejected(_))), "{result:?}");
    assert_eq!(h.counts(&org, &batch).await, "2 sending, 1 paid");
    assert_eq!((h.wallet(&org).await, h.store.ledger_position().await.unwrap()), before);
    assert_tenant(&h, &org).await;
    let without = vec![paid(&h, &out[1]), paid(&h, &out[2])];
    assert_eq!(h.store.record_payouts(without).await.unwrap(), [Recorded::Applied; 2]);
    h.assert_state(&org, &batch, State::Completed).await;
}

/// The database itself refuses what no transition allows.
pub async fn nothing_leaves_a_final_state(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(3)).await;
    let out = h.claim(3).await;
    h.sent(&out[0], confirmed(&out[0].payout)).await;
    h.sent(&out[1], failed(false)).await;
    h.sent(&out[2], confirmed(&out[2].payout)).await;
    use payout::State::*;
    for (row, to) in [(0, Queued), (0, Sending), (0, Unknown), (0, Failed), (1, Sending), (1, Unknown), (1, Accepted)] {
        let mut illegal = record(&h, &out[row].payout, unknown(), Source::Submit);
        illegal.payout.claim += 1;
        illegal.change.to = to;
        let result = h.store.record_payouts(vec![illegal]).await;
        assert!(matches!(result, Err(StoreError::Rejected(_))), "{row} to {to}: {result:?}");
    }
    assert_tenant(&h, &org).await;
}

/// Even a record that lies about the row it read posts nothing twice.
pub async fn an_attempt_pays_or_releases_once_whatever_is_recorded(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(5)).await;
    let out = h.claim(5).await;
    for (row, outcome) in [(0, confirmed(&out[0].payout)), (1, failed(false))] {
        h.sent(&out[row], outcome.clone()).await;
        let again = Payout { claim: out[row].payout.claim + 1, ..out[row].payout.clone() };
        let result = h.store.record_payouts(vec![record(&h, &again, outcome, Source::Submit)]).await;
        assert!(matches!(result, Err(StoreError::Rejected(_))), "{result:?}");
        assert_tenant(&h, &org).await;
    }
    assert_eq!(h.wallet(&org).await, (1_000, 3_000));
}

pub async fn an_empty_group_is_nothing(h: Harness) {
    assert!(h.store.record_payouts(Vec::new()).await.unwrap().is_empty());
}

pub async fn a_mismatch_freezes_the_row_and_is_told_once(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    assert_eq!(h.sent(&out, mismatched(&out.payout)).await, Recorded::Applied);
    h.store_receipt(receipt(&h, LANE, out.reference, mismatched(&out.payout))).await;
    h.apply_receipts().await;
    h.assert_payout(&org, &out.payout, "unknown").await;
    let told = h.exceptions(org.id).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind.as_str(), told[0].state.as_str()), ("mismatch", "open"));
    assert_eq!(told[0].payout_id, out.payout.id);
    assert!(told[0].detail.contains("1,001"), "{told:?}");
    // What the provider says later moves nothing, but whoever settles it can read it.
    h.advance(Duration::from_secs(1));
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    h.assert_payout(&org, &out.payout, "unknown").await;
    let told = h.exceptions(org.id).await;
    assert!(told.len() == 2 && told.iter().any(|t| t.kind == "late_success"), "{told:?}");
    assert_tenant(&h, &org).await;
}

/// Exceptions opened in one transaction bear the same time.
pub async fn exceptions_of_one_moment_are_all_listed_page_by_page(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(5)).await;
    let out = h.claim(5).await;
    let group = out.iter().map(|s| record(&h, &s.payout, mismatched(&s.payout), Source::Submit)).collect();
    h.store.record_payouts(group).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let found = h.store.exceptions(org.id, None, None, PageRequest { cursor, limit: 2 }).await.unwrap();
        seen.extend(found.items.iter().map(|e| e.payout_id.to_string()));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut expected: Vec<String> = out.iter().map(|s| s.payout.id.to_string()).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

pub async fn every_step_of_a_payout_can_be_read_back_in_order(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    h.sent(&out, failed(true)).await;
    h.advance(Duration::from_secs(3600));
    let out = h.claim_one().await;
    h.sent(&out, accepted()).await;
    h.advance(Duration::from_secs(60));
    let asked = h.ask_one().await;
    h.asked(&asked, unknown()).await;
    h.advance(Duration::from_secs(3600));
    let asked = h.ask_one().await;
    h.asked(&asked, confirmed(&asked.payout)).await;
    let timeline = h.store.payout(org.id, out.payout.id).await.unwrap();
    let kinds: Vec<&str> = timeline.events.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["sending", "queued", "sending", "accepted", "paid"]);
    assert!(timeline.events.is_sorted_by_key(|e| e.at));
    let last = &timeline.attempts[1];
    assert_eq!(
        (last.state.as_str(), last.outcome.as_deref(), last.http_status),
        ("succeeded", Some("paid"), Some(200))
    );
}

pub async fn two_batches_of_one_group_keep_their_books_apart(h: Harness) {
    let (a, b) = (h.tenant().await, h.tenant().await);
    let one = h.approved(&a, &list(2)).await;
    let two = h.approved(&b, &List { amount: 700, fee: 11, ..list(2) }).await;
    let out = h.claim(10).await;
    let group = out.iter().enumerate().map(|(n, s)| {
        let outcome = if n % 2 == 0 { confirmed(&s.payout) } else { failed(false) };
        record(&h, &s.payout, outcome, Source::Submit)
    });
    h.store.record_payouts(group.collect()).await.unwrap();
    for (org, batch) in [(&a, &one), (&b, &two)] {
        h.assert_state(org, batch, State::Completed).await;
        assert_eq!(all_payouts(&h, org, batch).await.len(), 2);
        assert_tenant(&h, org).await;
    }
}

/// A process that is gone leaves claims; the one that takes over makes them void at once, without waiting for leases.
pub async fn taking_over_voids_the_claims_of_the_process_before(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(3)).await;
    let out = h.claim(2).await;
    h.sent(&out[1], accepted()).await;
    h.store.take_over().await.unwrap();
    assert_eq!(h.sent(&out[0], confirmed(&out[0].payout)).await, Recorded::Fenced);
    let asked = h.ask(10).await;
    assert_eq!(asked.iter().map(|e| e.reference).collect::<Vec<_>>(), [out[0].reference]);
    assert_eq!(h.counts(&org, &batch).await, "1 queued, 1 accepted, 1 unknown");
    assert_tenant(&h, &org).await;
}

/// The clock was a day ahead while they were imported, claimed and recorded, and is right at the next start.
pub async fn a_clock_that_was_ahead_puts_nobody_off_and_makes_no_intent_young(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(4)).await;
    let out = h.claim(2).await;
    h.sent(&out[0], accepted()).await;
    h.step_back(Duration::from_secs(86_400));
    assert!(h.claim(10).await.is_empty() && h.ask(10).await.is_empty(), "all of it is due tomorrow");
    h.store.take_over().await.unwrap();
    let asked = h.ask(10).await;
    assert_eq!((asked.len(), h.claim(10).await.len()), (2, 2));
    for enquiry in &asked {
        // What nobody can say the age of is as good as too old to be sent again.
        assert!(enquiry.payout.intended_at.is_some_and(|at| at.micros() < 0), "{enquiry:?}");
    }
    assert_tenant(&h, &org).await;
}
