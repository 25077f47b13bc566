//! Quarantine: nothing new is sent, everything that may have been is asked about, and what a provider knows becomes ours.

use super::books::{all_messages, assert_tenant};
use super::exceptions::{overdue, settled};
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, State as BatchState};
use gaba::ids;
use gaba::money::Currency;
use gaba::payout::Payout;
use gaba::payout::exception::Verdict;
use gaba::quarantine::statement::StatementLine;
use gaba::quarantine::{AttemptAnswer, AttemptEnquiry, AttemptsMax, Lifting, Report};
use gaba::rail::{Outcome, Payment, Request};
use gaba::store::{Done, Refusal};
use std::sync::Arc;
use std::time::Duration;

/// What the lane of this suite allows.
const ATTEMPTS: u32 = 2;

fn attempts() -> AttemptsMax {
    [(LANE.to_owned(), ATTEMPTS)].into()
}

fn vouched() -> Lifting {
    Lifting {
        note: "statement of March, seen by A.".into(),
        lanes: vec![LANE.into()],
        vouched: true,
        send_messages: false,
    }
}

/// What a provider that remembers no payout's details says of a payment.
fn paid() -> Outcome {
    Outcome::Paid(Payment { transaction_id: Some("T-1".into()), ..Payment::default() })
}

impl Harness {
    async fn stand_still(&self) {
        applied(self.store.begin_quarantine("a test", None).await);
        self.list_all().await;
    }

    async fn list_all(&self) {
        while self.store.list_enquiries(2, &attempts()).await.unwrap() {}
    }

    async fn due(&self, n: u32) -> Vec<AttemptEnquiry> {
        self.store.claim_attempt_enquiries(LANE, n, LEASE).await.unwrap()
    }

    async fn answer(&self, enquiry: &AttemptEnquiry, outcome: Outcome) {
        let answered = AttemptAnswer {
            enquiry: enquiry.clone(),
            answer: answer(outcome),
            request: Some(Request { body: "as before".into(), callback_url: None }),
            at: self.now(),
            again: Duration::from_secs(60),
            attempts_max: ATTEMPTS,
        };
        self.store.record_attempt_answers(vec![answered], decide_payout()).await.unwrap();
    }

    /// Asks about everything that is due; what is said of an attempt by row and number, else that it is not known.
    async fn answer_all(&self, said: impl Fn(u32, u32) -> Option<Outcome>) {
        loop {
            let due = self.due(100).await;
            if due.is_empty() {
                return;
            }
            for enquiry in due {
                let outcome = said(enquiry.payout.row, enquiry.attempt).unwrap_or(Outcome::NotFound);
                self.answer(&enquiry, outcome).await;
            }
        }
    }

    async fn report(&self) -> Report {
        self.store.quarantine_report(&[LANE.to_owned()]).await.unwrap().expect("a quarantine")
    }

    async fn still_standing(&self, lifting: Lifting, told: &str) {
        match refusal(self.store.lift_quarantine(lifting).await) {
            Refusal::StillInQuarantine(why) => assert!(why.contains(told), "{told:?} in {why}"),
            other => panic!("{other:?}"),
        }
    }
}

/// An organisation with a running batch of `rows` rows.
async fn running(h: &Harness, rows: u32) -> (Tenant, Batch) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(rows)).await;
    (org, batch)
}

fn payout(org: &Tenant, batch: &Batch, n: u32) -> Payout {
    let row = FIRST_ROW + n;
    let mut payout = placeholder(org, batch);
    (payout.row, payout.id) = (row, ids::payout(batch.id, row));
    payout
}

fn placeholder(org: &Tenant, batch: &Batch) -> Payout {
    Payout {
        id: batch.id,
        organisation: org.id,
        batch: batch.id,
        row: 0,
        lane: LANE.into(),
        msisdn: gaba::phone::Msisdn::from_digits("256770000002".to_owned()).unwrap(),
        amount: ugx(1_000),
        fee: ugx(0),
        tax: ugx(0),
        state: gaba::payout::State::Queued,
        claim: 0,
        attempt: 1,
        first_attempt: 1,
        step: 0,
        exposed: false,
        not_found: 0,
        not_found_at: None,
        intended_at: None,
        sent_at: None,
        frozen: false,
    }
}

pub async fn nothing_new_is_sent_and_questions_go_on(h: Harness) {
    let (org, batch) = running(&h, 3).await;
    let out = h.claim_one_of(1).await;
    h.sent(&out, unknown()).await;
    h.stand_still().await;
    assert!(h.claim(10).await.is_empty(), "what is queued stays where it is");
    h.advance(Duration::from_secs(61));
    let asked = h.ask_one().await;
    assert_eq!(asked.payout.id, out.payout.id);
    h.asked(&asked, confirmed(&asked.payout)).await;
    h.assert_payout(&org, &out.payout, "paid").await;
    let again = h.store.begin_quarantine("another", None).await.unwrap();
    assert!(matches!(again, Done::AlreadyApplied(q) if q.reason == "a test"));
    h.answer_all(|_, _| None).await;
    h.store.lift_quarantine(vouched()).await.unwrap();
    assert_eq!(h.pay(10).await, 2);
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn what_is_due_to_be_sent_again_is_asked_about_instead(h: Harness) {
    let (_, _) = running(&h, 1).await;
    let out = h.claim_one().await;
    h.sent(&out, unknown()).await;
    for wait in [61, 301] {
        h.advance(Duration::from_secs(wait));
        let asked = h.ask_one().await;
        h.asked(&asked, Outcome::NotFound).await;
    }
    h.stand_still().await;
    assert!(h.claim(10).await.is_empty(), "the rule would send it again now");
    h.advance(Duration::from_secs(121));
    h.ask_one().await;
}

pub async fn every_attempt_of_every_approved_row_that_is_not_paid_is_asked_about(h: Harness) {
    let (org, batch) = running(&h, 3).await;
    assert_eq!(h.pay(1).await, 1);
    let failing = h.claim_one_of(1).await;
    h.sent(&failing, failed(false)).await;
    h.awaiting(&org, &list(2)).await;
    h.stand_still().await;
    let mut due: Vec<(u32, u32)> = h.due(100).await.iter().map(|e| (e.payout.row, e.attempt)).collect();
    due.sort_unstable();
    let rows = [FIRST_ROW + 1, FIRST_ROW + 2];
    assert_eq!(due, rows.iter().flat_map(|r| [(*r, 1), (*r, 2)]).collect::<Vec<_>>(), "failed ones too, paid ones not");
    assert!(h.due(100).await.is_empty(), "they are claimed");
    h.lapse();
    assert_eq!(h.due(100).await.len(), 4, "and due again when the claim lapses");
    let report = h.report().await;
    assert!(report.listed);
    assert_eq!((report.lanes[0].rows, report.lanes[0].left, report.left()), (2, 2, 2));
    assert_eq!((report.batches.len(), report.batches[0].id), (1, batch.id));
}

pub async fn what_the_provider_paid_is_paid_here_once(h: Harness) {
    let (org, batch) = running(&h, 3).await;
    h.stand_still().await;
    // Of the first row attempt 1 paid, of the second it failed and attempt 2 paid, the third was never sent.
    let said = |row: u32, attempt: u32| match (row - FIRST_ROW, attempt) {
        (0, 1) | (1, 2) => Some(paid()),
        (1, 1) => Some(failed(true)),
        _ => None,
    };
    h.answer_all(said).await;
    assert_eq!(h.counts(&org, &batch).await, "1 queued, 2 paid");
    for (n, attempt, attempts) in [(0, 1, 1), (1, 2, 2)] {
        let seen = h.store.payout(org.id, payout(&org, &batch, n).id).await.unwrap();
        assert_eq!((seen.payout.attempt, seen.attempts.len()), (attempt, attempts), "{seen:?}");
        assert_eq!(seen.attempts.last().unwrap().state, "succeeded");
    }
    let report = h.report().await;
    let lane = &report.lanes[0];
    assert_eq!((lane.rows, lane.asked, lane.left, lane.known_to_provider_only, lane.not_known), (3, 3, 0, 2, 1));
    h.store.lift_quarantine(vouched()).await.unwrap();
    assert_eq!(h.pay(10).await, 1, "only who was not paid is paid");
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn answers_may_come_in_any_order(h: Harness) {
    let (org, batch) = running(&h, 1).await;
    h.stand_still().await;
    let mut due = h.due(10).await;
    due.sort_by_key(|e| std::cmp::Reverse(e.attempt));
    h.answer(&due[0], paid()).await;
    h.answer(&due[1], failed(true)).await;
    h.answer(&due[1], paid()).await;
    assert_eq!(h.counts(&org, &batch).await, "1 paid");
    let seen = h.store.payout(org.id, payout(&org, &batch, 0).id).await.unwrap();
    let states: Vec<&str> = seen.attempts.iter().map(|a| a.state.as_str()).collect();
    assert_eq!(states, ["failed", "succeeded"], "an answer counts once");
    assert!(h.exceptions(org.id).await.is_empty());
    // Even the last attempt is known: the questions go on.
    let more: Vec<u32> = h.due(10).await.iter().map(|e| e.attempt).collect();
    assert_eq!(more, [3, 4]);
    assert_tenant(&h, &org).await;
}

pub async fn a_payout_under_way_moves_on_to_the_attempt_that_is_known(h: Harness) {
    let (org, batch) = running(&h, 1).await;
    let out = h.claim_one().await;
    h.sent(&out, unknown()).await;
    h.stand_still().await;
    h.answer_all(|_, attempt| (attempt == 2).then(accepted)).await;
    let seen = h.store.payout(org.id, out.payout.id).await.unwrap();
    assert_eq!((seen.payout.state.as_str(), seen.payout.attempt), ("unknown", 2), "{seen:?}");
    let states: Vec<&str> = seen.attempts.iter().map(|a| a.state.as_str()).collect();
    assert_eq!(states, ["failed", "open"], "a later attempt proves that the earlier one had ended");
    h.advance(Duration::from_secs(301));
    let asked = h.ask_one().await;
    assert_eq!(asked.reference, ids::attempt_reference(out.payout.id, 2));
    h.asked(&asked, confirmed(&asked.payout)).await;
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_payment_of_a_row_that_had_failed_is_for_two_people(h: Harness) {
    let (org, batch) = running(&h, 1).await;
    let out = h.claim_one().await;
    h.sent(&out, failed(false)).await;
    h.assert_state(&org, &batch, BatchState::Completed).await;
    h.stand_still().await;
    h.answer_all(|_, attempt| (attempt == 2).then(paid)).await;
    let opened = h.exceptions(org.id).await;
    assert_eq!((opened.len(), opened[0].kind.as_str(), opened[0].attempt), (1, "late_success", 2), "{opened:?}");
    h.assert_payout(&org, &out.payout, "failed").await;
    assert_tenant(&h, &org).await;
}

pub async fn a_later_attempt_of_a_failed_row_that_is_not_over_is_asked_about_until_it_is(h: Harness) {
    let (org, _) = running(&h, 1).await;
    let out = h.claim_one().await;
    h.sent(&out, failed(false)).await;
    h.stand_still().await;
    h.answer_all(|_, attempt| (attempt == 2).then(accepted)).await;
    assert_eq!(h.report().await.left(), 1, "nobody else asks how it ends");
    h.still_standing(vouched(), "not answered for").await;
    h.advance(Duration::from_secs(61));
    h.answer_all(|_, attempt| (attempt == 2).then(|| failed(false))).await;
    assert!(h.exceptions(org.id).await.is_empty());
    let seen = h.store.payout(org.id, out.payout.id).await.unwrap();
    assert_eq!((seen.payout.state.as_str(), seen.payout.attempt), ("failed", 2), "a retry gets a reference of its own");
    assert_tenant(&h, &org).await;
}

pub async fn it_does_not_wait_for_what_two_people_have_answered_for(h: Harness) {
    let (org, _, out, told) = overdue(&h).await;
    settled(&h, &org, &told, Verdict::NotPaid).await;
    h.stand_still().await;
    h.answer_all(|_, attempt| (attempt == 1).then(accepted)).await;
    assert_eq!(h.report().await.left(), 0, "the provider may say so for ever");
    h.assert_payout(&org, &out.payout, "failed").await;
    assert_tenant(&h, &org).await;
}

pub async fn it_stands_while_a_provider_does_not_answer(h: Harness) {
    let (_, _) = running(&h, 1).await;
    h.still_nothing().await;
    h.stand_still().await;
    for enquiry in h.due(10).await {
        h.answer(&enquiry, unknown()).await;
    }
    let report = h.report().await;
    assert_eq!((report.left(), report.lanes[0].trouble.as_deref()), (1, Some("timeout: no answer in time")));
    h.still_standing(vouched(), "no answer in time").await;
    assert!(h.due(10).await.is_empty(), "not asked in a circle");
    h.advance(Duration::from_secs(61));
    h.answer_all(|_, _| None).await;
    h.still_standing(Lifting { vouched: false, ..vouched() }, "no statement").await;
    let empty = Lifting { note: " ".into(), ..vouched() };
    assert!(matches!(refusal(h.store.lift_quarantine(empty).await), Refusal::Invalid(_)));
    h.store.lift_quarantine(vouched()).await.unwrap();
    assert!(h.store.quarantine().await.unwrap().is_none());
    assert!(h.store.verify_audit().await.unwrap().is_empty());
}

pub async fn what_is_approved_meanwhile_is_asked_about_too(h: Harness) {
    let (org, _) = running(&h, 1).await;
    h.sent(&h.claim_one().await, failed(false)).await;
    h.stand_still().await;
    h.answer_all(|_, attempt| (attempt <= 2).then(|| failed(false))).await;
    let late = h.approved(&org, &list(2)).await;
    assert!(!h.report().await.listed);
    h.still_standing(vouched(), "gone through").await;
    h.list_all().await;
    assert!(h.claim(10).await.is_empty());
    h.answer_all(|_, attempt| (attempt == 1).then(paid)).await;
    h.assert_state(&org, &late, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn what_was_scheduled_waits_and_is_not_cancelled(h: Harness) {
    let org = h.tenant().await;
    let at = Some(h.now() + Duration::from_secs(10));
    let batch = h.approved(&org, &gaba_list_at(at)).await;
    h.stand_still().await;
    h.advance(Duration::from_secs(20));
    h.drive(10).await;
    h.assert_state(&org, &batch, BatchState::Scheduled).await;
    assert_eq!(refusal(h.store.cancel(&org.maker, batch.id, None).await), Refusal::InQuarantine);
    h.answer_all(|_, attempt| (attempt == 1).then(paid)).await;
    assert_eq!(h.counts(&org, &batch).await, "1 paid");
    h.store.lift_quarantine(vouched()).await.unwrap();
    h.drive(10).await;
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_cancelled_batch_is_swept_only_after_it_was_asked_about(h: Harness) {
    let (org, batch) = running(&h, 2).await;
    h.stand_still().await;
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    assert_eq!(h.counts(&org, &batch).await, "2 queued");
    h.answer_all(|row, attempt| (row == FIRST_ROW && attempt == 1).then(paid)).await;
    h.store.lift_quarantine(vouched()).await.unwrap();
    h.drive(10).await;
    assert_eq!(h.counts(&org, &batch).await, "1 paid, 1 cancelled");
    h.assert_state(&org, &batch, BatchState::Cancelled).await;
    assert_tenant(&h, &org).await;
}

pub async fn messages_that_wait_are_never_sent(h: Harness) {
    let org = h.tenant().await;
    let told = List { notify: true, ..list(2) };
    let batch = h.approved(&org, &told).await;
    assert_eq!(h.pay(1).await, 1);
    h.stand_still().await;
    let text = || -> gaba::store::PrepareText { Arc::new(|_| "paid".into()) };
    assert!(h.store.claim_messages(SMS_LANE, 10, LEASE, text()).await.unwrap().is_empty());
    // The second was paid, and told, before the backup was restored: here it is news.
    h.answer_all(|_, attempt| (attempt == 1).then(paid)).await;
    assert_eq!(h.report().await.messages, 2);
    h.still_standing(vouched(), "messages wait").await;
    assert_eq!(h.store.withhold_messages(1).await.unwrap(), 1);
    assert_eq!(h.store.withhold_messages(10).await.unwrap(), 1);
    assert_eq!(h.store.withhold_messages(10).await.unwrap(), 0);
    h.store.lift_quarantine(vouched()).await.unwrap();
    assert!(h.store.claim_messages(SMS_LANE, 10, LEASE, text()).await.unwrap().is_empty());
    let messages = all_messages(&h, &org, &batch).await;
    assert_eq!(messages.iter().map(|m| m.state.as_str()).collect::<Vec<_>>(), ["unknown", "unknown"]);
    assert_tenant(&h, &org).await;
}

pub async fn messages_are_sent_where_the_operator_says_so(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { notify: true, ..list(1) }).await;
    assert_eq!(h.pay(1).await, 1);
    h.stand_still().await;
    h.store.lift_quarantine(Lifting { send_messages: true, ..vouched() }).await.unwrap();
    let sent = h.store.claim_messages(SMS_LANE, 10, LEASE, Arc::new(|_| "paid".into())).await.unwrap();
    assert_eq!((sent.len(), sent[0].message.batch), (1, batch.id));
}

pub async fn a_list_that_is_lost_is_known_to_the_statement_alone(h: Harness) {
    let org = h.tenant().await;
    h.stand_still().await;
    assert_eq!(h.report().await.left(), 0, "nothing is known here that could be asked about");
    let strict = || Lifting { vouched: false, ..vouched() };
    h.still_standing(strict(), "no statement").await;
    let reference = Some(ids::attempt_reference(ids::payout(org.id, 2), 1));
    let line = StatementLine { line: 2, reference, payout: None, amount_minor: 1_000, transaction_id: None };
    let hold = |lines| h.store.match_statement(LANE, Currency::Ugx, [1; 32], lines);
    assert_eq!(hold(vec![line]).await.unwrap().0.unknown, 1);
    h.still_standing(strict(), "no statement").await;
    h.advance(Duration::from_secs(1));
    assert!(hold(vec![]).await.unwrap().0.agrees());
    h.store.lift_quarantine(strict()).await.unwrap();
}

pub async fn a_statement_is_held_against_what_is_paid(h: Harness) {
    let (org, batch) = running(&h, 3).await;
    h.stand_still().await;
    h.answer_all(|row, attempt| (row < FIRST_ROW + 2 && attempt == 1).then(paid)).await;
    let line = |n: u32, amount_minor, by_reference: bool| {
        let payout = payout(&org, &batch, n).id;
        StatementLine {
            line: u64::from(n) + 2,
            reference: by_reference.then(|| ids::attempt_reference(payout, 1)),
            payout: (!by_reference).then_some(payout),
            amount_minor,
            transaction_id: None,
        }
    };
    let hold = |lines| h.store.match_statement(LANE, Currency::Ugx, [1; 32], lines);
    let (found, differences) = hold(vec![line(0, 999, true), line(2, 1_000, false)]).await.unwrap();
    assert_eq!((found.unknown, found.missing, found.differing), (1, 1, 1), "{differences:?}");
    assert_eq!(differences.unknown[0].here, "queued");
    assert_eq!(differences.missing, [payout(&org, &batch, 1).id]);
    h.still_standing(Lifting { vouched: false, ..vouched() }, "statement").await;
    h.advance(Duration::from_secs(1));
    let (found, _) = hold(vec![line(0, 1_000, true), line(1, 1_000, false)]).await.unwrap();
    assert!(found.agrees(), "{found:?}");
    h.store.lift_quarantine(Lifting { vouched: false, ..vouched() }).await.unwrap();
    let trail = h.store.audit(org.id, page(500)).await.unwrap().items;
    let acts: Vec<&str> = trail.iter().map(|e| e.act.as_str()).filter(|a| a.starts_with("quarantine")).collect();
    assert_eq!(acts, ["quarantine.began", "quarantine.lifted"]);
}

fn gaba_list_at(at: Option<gaba::clock::Time>) -> List {
    List { scheduled_at: at, ..list(1) }
}

impl Harness {
    /// Claims `n` rows to be sent and gives the first.
    async fn claim_one_of(&self, n: u32) -> gaba::payout::Submission {
        self.claim(n).await.remove(0)
    }

    async fn still_nothing(&self) {
        assert!(self.store.quarantine().await.unwrap().is_none());
        assert!(self.store.quarantine_report(&[LANE.to_owned()]).await.unwrap().is_none());
        assert!(!self.store.list_enquiries(10, &attempts()).await.unwrap());
        assert!(self.due(10).await.is_empty());
        assert!(matches!(refusal(self.store.lift_quarantine(vouched()).await), Refusal::Invalid(_)));
        assert!(matches!(refusal(self.store.withhold_messages(1).await), Refusal::Invalid(_)));
    }
}
