//! Messages: the paid are told, at most once each.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::batch::Batch;
use gaba::rail::{Reason, SmsOutcome};
use gaba::sms::{Dispatch, MessageView, State};
use gaba::store::{MessageRecord, PageRequest, PrepareText, Recorded, StoreError};
use std::sync::Arc;
use std::time::Duration;

fn told(rows: u32) -> List {
    List { notify: true, ..list(rows) }
}

fn text(words: &'static str) -> PrepareText {
    Arc::new(move |m| format!("{words} {} {} {}", m.name, m.amount.display(), m.transaction_id.clone().unwrap()))
}

fn undelivered() -> SmsOutcome {
    SmsOutcome::Undelivered { reason: Reason::new("absent", "the phone was off") }
}

fn refused() -> SmsOutcome {
    SmsOutcome::Rejected { reason: Reason::new("blocked", "the sender is not known") }
}

fn unclear() -> SmsOutcome {
    SmsOutcome::Unknown { reason: Reason::new("timeout", "no answer in time") }
}

fn unsent() -> SmsOutcome {
    SmsOutcome::NotSent { reason: Reason::new("connect", "nobody listens") }
}

fn taken() -> SmsOutcome {
    SmsOutcome::Submitted { gateway_id: Some("g-1".into()) }
}

async fn dispatch(h: &Harness, n: u32) -> Vec<Dispatch> {
    h.store.claim_messages(SMS_LANE, n, LEASE, text("Paid:")).await.unwrap()
}

fn record_of(h: &Harness, d: &Dispatch, outcome: &SmsOutcome) -> MessageRecord {
    let at = h.now();
    let change = decide_message()(State::Sending, d.message.step, outcome, at, SMS_LANE).unwrap();
    let m = &d.message;
    MessageRecord { message: m.id, organisation: m.organisation, claim: m.claim, change, at }
}

async fn record(h: &Harness, d: &Dispatch, outcome: SmsOutcome) -> Recorded {
    h.store.record_messages(vec![record_of(h, d, &outcome)]).await.unwrap()[0]
}

async fn views(h: &Harness, org: &Tenant, batch: &Batch) -> Vec<MessageView> {
    h.store.messages(org.id, batch.id, None, page(500)).await.unwrap().items
}

async fn state(h: &Harness, org: &Tenant, d: &Dispatch) -> String {
    h.store.message(org.id, d.message.id).await.unwrap().state
}

/// A batch of `rows` rows that want to be told, all paid; and as many messages claimed.
async fn paid_and_claimed(h: &Harness, rows: u32) -> (Tenant, Batch, Vec<Dispatch>) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &told(rows)).await;
    assert_eq!(h.pay(rows).await, rows as usize);
    let claimed = dispatch(h, rows + 1).await;
    assert_eq!(claimed.len(), rows as usize);
    (org, batch, claimed)
}

pub async fn only_the_paid_of_a_batch_that_wants_it_are_told(h: Harness) {
    let org = h.tenant().await;
    let (batch, silent) = (h.approved(&org, &told(4)).await, h.approved(&org, &list(2)).await);
    let out = h.claim(10).await;
    let of = |row: usize| out.iter().filter(|s| s.payout.batch == batch.id).nth(row).unwrap();
    h.sent(of(0), confirmed(&of(0).payout)).await;
    h.sent(of(1), failed(false)).await;
    h.sent(of(2), unknown()).await;
    h.sent(of(3), accepted()).await;
    for quiet in out.iter().filter(|s| s.payout.batch == silent.id) {
        h.sent(quiet, confirmed(&quiet.payout)).await;
    }
    let messages = views(&h, &org, &batch).await;
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!((message.row, message.purpose.as_str(), message.state.as_str()), (FIRST_ROW, "paid", "queued"));
    assert_eq!((message.msisdn.as_str(), message.lane.as_str()), ("256770000002", SMS_LANE));
    assert_eq!(message.text, None);
    assert!(views(&h, &org, &silent).await.is_empty());
}

pub async fn whoever_is_paid_by_several_reports_is_told_once(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &told(1)).await;
    let out = h.claim_one().await;
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    h.sent(&out, confirmed(&out.payout)).await;
    h.apply_receipts().await;
    assert_eq!(views(&h, &org, &batch).await.len(), 1);
}

pub async fn a_text_is_committed_before_it_is_sent(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 1).await;
    let sent = &claimed[0];
    assert_eq!(sent.text, "Paid: Recipient 2 UGX 1,000 T-2");
    assert_eq!(sent.lease_until, h.monotonic() + LEASE);
    assert_eq!(sent.message.reference.as_deref(), Some("S-2"));
    assert_eq!(sent.message.variables.get("department").map(String::as_str), Some("Finance"));
    let view = h.store.message(org.id, sent.message.id).await.unwrap();
    assert_eq!((view.state.as_str(), view.text.as_deref()), ("sending", Some(sent.text.as_str())));
    assert!(dispatch(&h, 10).await.is_empty(), "it is in hand");
}

pub async fn a_claim_of_messages_takes_only_its_lane_and_no_more_than_asked_for(h: Harness) {
    let org = h.tenant().await;
    h.approved(&org, &told(3)).await;
    h.pay(3).await;
    assert!(h.store.claim_messages("other", 10, LEASE, text("x")).await.unwrap().is_empty());
    assert!(dispatch(&h, 0).await.is_empty());
    assert_eq!(dispatch(&h, 2).await.len(), 2);
    assert_eq!(dispatch(&h, 10).await.len(), 1);
}

pub async fn what_was_surely_not_sent_is_sent_later_with_the_same_text(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 1).await;
    assert_eq!(record(&h, &claimed[0], unsent()).await, Recorded::Applied);
    assert_eq!(state(&h, &org, &claimed[0]).await, "queued");
    assert!(dispatch(&h, 1).await.is_empty(), "it backs off");
    h.advance(Duration::from_secs(60));
    let again = h.store.claim_messages(SMS_LANE, 1, LEASE, text("Changed:")).await.unwrap();
    assert_eq!((again[0].message.id, &again[0].text), (claimed[0].message.id, &claimed[0].text));
    assert_eq!(again[0].message.step, 1);
}

pub async fn what_may_have_been_sent_is_never_sent_again(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 2).await;
    assert_eq!(record(&h, &claimed[0], unclear()).await, Recorded::Applied);
    h.lapse();
    assert!(dispatch(&h, 10).await.is_empty());
    for message in &claimed {
        assert_eq!(state(&h, &org, message).await, "unknown");
    }
    assert_eq!(record(&h, &claimed[1], unsent()).await, Recorded::Fenced, "its claim had lapsed");
    h.advance(Duration::from_secs(7 * 24 * 3600));
    assert!(dispatch(&h, 10).await.is_empty());
}

pub async fn delivery_receipts_deliver(h: Harness) {
    let (org, batch, claimed) = paid_and_claimed(&h, 4).await;
    for (message, outcome) in claimed.iter().zip([taken(), taken(), taken(), refused()]) {
        assert_eq!(record(&h, message, outcome).await, Recorded::Applied);
    }
    h.store_receipt(sms_receipt(&h, claimed[0].message.id, SmsOutcome::Delivered, true)).await;
    h.store_receipt(sms_receipt(&h, claimed[1].message.id, undelivered(), true)).await;
    h.store_receipt(sms_receipt(&h, claimed[2].message.id, SmsOutcome::Delivered, false)).await;
    h.store_receipt(sms_receipt(&h, claimed[3].message.id, SmsOutcome::Delivered, true)).await;
    h.store_receipt(sms_receipt(&h, uuid::Uuid::from_u128(99), SmsOutcome::Delivered, true)).await;
    assert_eq!(h.apply_receipts().await, 5);
    assert_eq!(h.apply_receipts().await, 0);
    let states: Vec<String> = views(&h, &org, &batch).await.into_iter().map(|m| m.state).collect();
    assert_eq!(states, ["delivered", "undelivered", "submitted", "rejected"]);
    let delivered = h.store.message(org.id, claimed[0].message.id).await.unwrap();
    assert_eq!((delivered.gateway_id.as_deref(), delivered.settled_at), (Some("g-1"), Some(h.now())));
}

pub async fn a_delivery_receipt_may_come_before_the_answer(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 1).await;
    h.store_receipt(sms_receipt(&h, claimed[0].message.id, SmsOutcome::Delivered, true)).await;
    h.apply_receipts().await;
    assert_eq!(state(&h, &org, &claimed[0]).await, "delivered");
    assert_eq!(record(&h, &claimed[0], taken()).await, Recorded::Fenced);
    assert_eq!(record(&h, &claimed[0], unsent()).await, Recorded::Fenced);
    assert_eq!(state(&h, &org, &claimed[0]).await, "delivered");
}

pub async fn a_message_of_another_lane_is_not_ours_to_settle(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 1).await;
    record(&h, &claimed[0], taken()).await;
    let mut foreign = sms_receipt(&h, claimed[0].message.id, SmsOutcome::Delivered, true);
    foreign.lane = "another".into();
    h.store_receipt(foreign).await;
    let held = h.store.claim_receipts(10, LEASE).await.unwrap();
    let news = serde_json::from_slice(&held[0].raw.body).unwrap();
    let judged = vec![h.judged(&held[0], gaba::receipt::Verdict::Message(news))];
    h.store.apply_receipts(judged, decide_payout(), decide_message()).await.unwrap();
    assert_eq!(state(&h, &org, &claimed[0]).await, "submitted");
}

pub async fn a_message_without_a_receipt_by_its_deadline_expires(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 1).await;
    record(&h, &claimed[0], taken()).await;
    h.advance(Duration::from_secs(48 * 3600 - 1));
    dispatch(&h, 10).await;
    assert_eq!(state(&h, &org, &claimed[0]).await, "submitted");
    h.advance(Duration::from_secs(1));
    assert!(dispatch(&h, 10).await.is_empty());
    assert_eq!(state(&h, &org, &claimed[0]).await, "expired");
    h.store_receipt(sms_receipt(&h, claimed[0].message.id, SmsOutcome::Delivered, true)).await;
    h.apply_receipts().await;
    assert_eq!(state(&h, &org, &claimed[0]).await, "expired");
}

pub async fn one_claim_of_a_message_records_once_in_a_group_too(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 2).await;
    let group = vec![
        record_of(&h, &claimed[0], &taken()),
        record_of(&h, &claimed[0], &refused()),
        record_of(&h, &claimed[1], &refused()),
    ];
    let recorded = h.store.record_messages(group).await.unwrap();
    assert_eq!(recorded, [Recorded::Applied, Recorded::Fenced, Recorded::Applied]);
    assert_eq!(state(&h, &org, &claimed[0]).await, "submitted");
}

pub async fn an_impossible_record_of_a_message_is_rejected_with_its_group(h: Harness) {
    let (org, _, claimed) = paid_and_claimed(&h, 2).await;
    let mut impossible = record_of(&h, &claimed[1], &taken());
    impossible.change.to = State::Expired;
    let result = h.store.record_messages(vec![record_of(&h, &claimed[0], &taken()), impossible]).await;
    assert!(matches!(result, Err(StoreError::Rejected(_))), "{result:?}");
    assert_eq!(state(&h, &org, &claimed[0]).await, "sending");
    assert_tenant(&h, &org).await;
}

pub async fn messages_are_listed_in_row_order_by_page_and_by_state(h: Harness) {
    let (org, batch, claimed) = paid_and_claimed(&h, 3).await;
    let second = claimed.iter().find(|d| d.message.row == 3).unwrap();
    record(&h, second, taken()).await;
    let rows = |found: &[MessageView]| found.iter().map(|m| m.row).collect::<Vec<_>>();
    let first = h.store.messages(org.id, batch.id, None, page(2)).await.unwrap();
    let wanted = PageRequest { cursor: first.next_cursor.clone(), limit: 2 };
    let rest = h.store.messages(org.id, batch.id, None, wanted).await.unwrap();
    assert_eq!((rows(&first.items), rows(&rest.items)), (vec![2, 3], vec![4]));
    let submitted = h.store.messages(org.id, batch.id, Some(State::Submitted), page(9)).await.unwrap();
    assert_eq!(rows(&submitted.items), [3]);
}
