//! Rows that whoever works on them does not survive: the one is found without blaming the many that died with it.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::batch::State;
use gaba::org::Role;
use gaba::payout::exception::{ExceptionView, LaneTerms, Proposal, Verdict};
use gaba::payout::{Enquiry, PANIC};
use gaba::rail::{News, Outcome, Reason, Request, Transfer};
use gaba::store::{PrepareText, PrepareTransfer, Recorded};
use std::sync::Arc;
use std::time::Duration;

/// Claims that a row gets before it is left to people.
const CHANCES: usize = 5;

async fn settled(h: &Harness, org: &Tenant, exception: &ExceptionView, verdict: Verdict) {
    let finance = h.principal(org.id, Role::Finance).await;
    for who in [&org.checker, &finance] {
        let said = Proposal {
            verdict,
            note: "looked into it".into(),
            evidence_sha256: None,
            transaction_id: None,
            paid_amount: None,
            seen: None,
        };
        let lanes = Arc::new(|_: &str| LaneTerms { reissue_after: Duration::ZERO, sms_lane: None });
        applied(h.store.resolve(who, exception.id, said, lanes, None).await);
    }
}

async fn only(h: &Harness, org: &Tenant) -> ExceptionView {
    let mut all = h.exceptions(org.id).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn panicked() -> Outcome {
    Outcome::Unknown { reason: Reason::new(PANIC, "the worker failed") }
}

pub async fn a_row_that_nobody_survives_is_left_to_two_people(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    for _ in 1..CHANCES {
        h.lapse();
        assert_eq!(h.ask_one().await.reference, out.reference);
        assert!(h.exceptions(org.id).await.is_empty());
    }
    h.lapse();
    assert!(h.ask(10).await.is_empty(), "it had its chances");
    let told = only(&h, &org).await;
    assert_eq!((told.kind.as_str(), told.state.as_str(), told.attempt), ("poison", "open", 1));
    assert!(told.detail.contains("5 times"), "{}", told.detail);
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by), ("unknown", Some(told.id)));
    h.advance(Duration::from_secs(90_000));
    assert!(h.ask(10).await.is_empty() && h.claim(10).await.is_empty(), "nobody touches it");
    assert_eq!((h.wallet(&org).await, h.exceptions(org.id).await.len()), ((0, 1_000), 1));
    h.assert_state(&org, &batch, State::Running).await;
    assert_tenant(&h, &org).await;
    let events = h.store.payout(org.id, out.payout.id).await.unwrap().events;
    assert_eq!(events.last().unwrap().kind, "exception.poison");
    // The program was mended: it is tried again, and blamed anew only for new deaths.
    settled(&h, &org, &told, Verdict::Dismiss).await;
    for _ in 0..CHANCES {
        h.ask_one().await;
        h.lapse();
    }
    assert!(h.ask(10).await.is_empty());
    let again = h.exceptions(org.id).await.into_iter().find(|e| e.state == "open").expect("another one");
    settled(&h, &org, &again, Verdict::NotPaid).await;
    h.assert_payout(&org, &out.payout, "failed").await;
    h.assert_state(&org, &batch, State::Completed).await;
    assert_eq!(h.wallet(&org).await, (1_000, 0));
    assert_tenant(&h, &org).await;
}

/// The process dies twice with all of them in hand; only one was to blame.
pub async fn a_crowd_that_died_together_is_cleared_one_by_one(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(6)).await;
    let guilty = h.claim(6).await[3].payout.id;
    h.lapse();
    assert_eq!(h.ask(10).await.len(), 6, "one death proves nothing");
    let mut deaths = 2;
    for _ in 0..40 {
        h.lapse();
        loop {
            let suspects = h.ask(10).await;
            assert!(suspects.len() <= 1, "never two suspects at a time");
            let Some(suspect) = suspects.first() else { break };
            assert!(h.ask(10).await.is_empty(), "nor a second one beside the first");
            if suspect.payout.id == guilty {
                deaths += 1;
                break;
            }
            h.asked(suspect, confirmed(&suspect.payout)).await;
        }
    }
    assert_eq!((deaths, h.counts(&org, &batch).await), (CHANCES, "1 unknown, 5 paid".into()));
    assert_eq!(only(&h, &org).await.payout_id, guilty);
    assert_tenant(&h, &org).await;
}

pub async fn suspects_keep_nobody_else_waiting(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &List { lanes: vec![LANE, "airtel-ug"], ..list(8) }).await;
    let (ours, theirs) = (h.claim(2).await, h.claim_on("airtel-ug", 1).await);
    h.lapse();
    assert_eq!(h.ask(10).await.len(), 2);
    assert_eq!(h.store.claim_enquiries("airtel-ug", 10, LEASE).await.unwrap().len(), 1);
    for other in h.claim(2).await {
        h.sent(&other, accepted()).await;
    }
    h.lapse();
    let suspect = h.ask(1).await;
    assert_eq!(suspect.len(), 1, "no more than asked for");
    assert_eq!(h.ask(10).await.len(), 2, "those who did nothing wrong, and no second suspect");
    let there = async || h.store.claim_enquiries("airtel-ug", 10, LEASE).await.unwrap();
    assert!(there().await.is_empty(), "two that die together, on whichever lanes, say nothing about either");
    h.asked(&suspect[0], unknown()).await;
    assert_eq!(there().await[0].payout.id, theirs[0].payout.id, "then the next one");
    assert_eq!(ours.len(), 2);
    assert_tenant(&h, &org).await;
}

/// A process that is killed from outside, again and again, must not blame it on whatever it had in hand.
pub async fn a_process_that_has_just_begun_takes_up_no_suspect(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(2)).await;
    let out = h.claim(2).await;
    h.store_receipt(receipt(&h, LANE, out[0].reference, accepted())).await;
    for _ in 0..2 {
        h.store.claim_receipts(10, LEASE).await.unwrap();
        h.lapse();
    }
    assert_eq!(h.ask(10).await.len(), 2);
    h.lapse();
    h.store.take_over().await.unwrap();
    assert!(h.ask(10).await.is_empty() && h.store.claim_receipts(10, LEASE).await.unwrap().is_empty());
    h.advance(Duration::from_secs(5));
    assert_eq!((h.ask(10).await.len(), h.store.claim_receipts(10, LEASE).await.unwrap().len()), (1, 1));
}

pub async fn whoever_comes_back_is_no_suspect_any_more(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(2)).await;
    h.claim(2).await;
    h.lapse();
    h.ask(2).await;
    for _ in 0..2 {
        h.lapse();
        let suspect = h.ask(10).await.remove(0);
        h.asked(&suspect, unknown()).await;
    }
    for _ in 0..4 {
        h.advance(Duration::from_secs(600));
        let asked: Vec<Enquiry> = h.ask(10).await;
        assert_eq!(asked.len(), 2, "asked about together again");
        for row in &asked {
            h.asked(row, unknown()).await;
        }
    }
    assert!(h.exceptions(org.id).await.is_empty());
}

/// A panic is caught, so the process lives and the row is recorded; it counts all the same.
pub async fn panics_count_as_deaths_and_a_stranger_does_not_clear_them(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    h.sent(&out, panicked()).await;
    for nth in 1..CHANCES {
        h.advance(Duration::from_secs(600));
        // Anybody can post a hint.
        let news = News { reference: out.reference, outcome: confirmed(&out.payout), verified: false };
        let mut body = serde_json::to_vec(&news).unwrap();
        body.extend(vec![b' '; nth]);
        h.store_receipt(raw_receipt(&h, LANE, Some(out.reference), body)).await;
        h.apply_receipts().await;
        let asked = h.ask_one().await;
        assert_eq!(h.asked(&asked, panicked()).await, Recorded::Applied);
    }
    h.advance(Duration::from_secs(600));
    assert!(h.ask(10).await.is_empty());
    assert_eq!(only(&h, &org).await.kind, "poison");
    assert_tenant(&h, &org).await;
}

/// A row whose request cannot be written must not keep its whole lane from being claimed.
pub async fn a_row_that_cannot_be_written_is_put_aside_and_the_others_are_sent(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(3)).await;
    let bad = gaba::ids::payout(batch.id, FIRST_ROW + 1);
    let prepare: PrepareTransfer = Arc::new(move |transfer: &Transfer| {
        assert!(transfer.payout != bad, "a fault of this test's rail");
        Request { body: String::new(), callback_url: None }
    });
    let claimed = h.store.claim_submissions(LANE, 10, LEASE, prepare, ask_instead()).await.unwrap();
    assert_eq!(claimed.len(), 2);
    for submission in &claimed {
        h.sent(submission, confirmed(&submission.payout)).await;
    }
    let told = only(&h, &org).await;
    assert_eq!((told.kind.as_str(), told.payout_id, told.payout_state.as_str()), ("poison", bad, "queued"));
    assert_eq!(h.counts(&org, &batch).await, "1 queued, 2 paid");
    assert!(h.claim(10).await.is_empty(), "frozen");
    h.assert_state(&org, &batch, State::Running).await;
    assert_tenant(&h, &org).await;
    settled(&h, &org, &told, Verdict::Dismiss).await;
    assert_eq!(h.pay(10).await, 1, "tried again once it is mended");
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_message_that_cannot_be_written_is_given_up_and_the_others_are_sent(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { notify: true, ..list(3) }).await;
    assert_eq!(h.pay(10).await, 3);
    let prepare: PrepareText = Arc::new(|message| {
        assert!(message.row != FIRST_ROW + 1, "a fault of this test's template");
        "paid".into()
    });
    let claimed = h.store.claim_messages(SMS_LANE, 10, LEASE, prepare).await.unwrap();
    assert_eq!(claimed.len(), 2);
    let messages = h.store.messages(org.id, batch.id, None, page(10)).await.unwrap().items;
    let given_up = &messages[1];
    assert_eq!((given_up.state.as_str(), given_up.reason.as_ref().unwrap().code.as_str()), ("cancelled", "unreadable"));
}

pub async fn a_receipt_that_nobody_survives_is_set_aside_and_the_others_are_applied(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &list(4)).await;
    let out = h.claim(4).await;
    for submission in &out {
        h.store_receipt(receipt(&h, LANE, submission.reference, confirmed(&submission.payout))).await;
    }
    for _ in 0..2 {
        assert_eq!(h.store.claim_receipts(10, LEASE).await.unwrap().len(), 4);
        h.lapse();
    }
    let guilty = h.store.claim_receipts(10, LEASE).await.unwrap();
    assert_eq!(guilty.len(), 1, "one suspect at a time");
    h.store_receipt(raw_receipt(&h, LANE, None, b"new".to_vec())).await;
    assert_eq!(h.store.claim_receipts(10, LEASE).await.unwrap().len(), 1, "what is new does not wait");
    h.lapse();
    let mut applied = 0;
    for _ in 0..5 {
        for claimed in h.store.claim_receipts(10, LEASE).await.unwrap() {
            assert_ne!(claimed.id, guilty[0].id, "set aside");
            if claimed.raw.body != b"new" {
                let judged = vec![h.judged(&claimed, judge(&claimed))];
                h.store.apply_receipts(judged, decide_payout(), decide_message()).await.unwrap();
                applied += 1;
            }
        }
    }
    assert_eq!(applied, 3);
    assert_tenant(&h, &org).await;
}

pub async fn a_list_that_nobody_survives_fails_with_a_reason_and_the_next_is_read(h: Harness) {
    let org = h.tenant().await;
    let deadly = h.uploaded(&org, &list(2)).await;
    for _ in 0..3 {
        let claimed = h.store.claim_import(LEASE).await.unwrap().expect("it is tried");
        assert_eq!(claimed.id, deadly.id);
        h.store.import_rows(&claimed, LEASE, list(2).new_rows()).await.unwrap();
        h.lapse();
    }
    let next = h.uploaded(&org, &list(1)).await;
    assert_eq!(h.store.claim_import(LEASE).await.unwrap().expect("the next one").id, next.id);
    let deadly = h.batch(&org, &deadly).await;
    assert_eq!(deadly.state, State::ImportFailed);
    let why = deadly.failure.unwrap();
    assert!(why.contains("three times") && why.contains("operator"), "{why}");
}
