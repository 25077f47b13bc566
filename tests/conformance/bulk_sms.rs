//! Lists of SMS: reserved at the approval, charged when sent, given back when surely not; sent at most once each.

use super::books::{all_messages, assert_tenant};
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, Kind, NewBatch, State as BatchState};
use gaba::phone::Msisdn;
use gaba::rail::{Reason, SmsOutcome};
use gaba::sms::segments::{Encoding, Size};
use gaba::sms::{Dispatch, State, TESTS_MAX, template};
use gaba::store::{
    ImportTotals, MessageRecord, NewRecipient, NewRow, PrepareText, Recorded, Refusal, StoreError, TestMessage,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const PRICE: i64 = 35;
const TEMPLATE: &str = "Dear ((name)), come on ((day))";

fn prepare() -> PrepareText {
    Arc::new(template::text)
}

/// Row *n* is a text of *n* modulo 2 plus 1 segments, as the import would have priced it.
fn new_row(n: u32, price: i64) -> NewRow {
    let (row, segments) = (FIRST_ROW + n, n % 2 + 1);
    let recipient = NewRecipient {
        msisdn: format!("25677{row:07}"),
        network: Some("MTN".into()),
        lane: SMS_LANE.into(),
        amount: ugx(i64::from(segments) * price),
        fee: ugx(0),
        tax: ugx(0),
        name: format!("Recipient {row}"),
        reference: Some(format!("S-{row}")),
        note: None,
        variables: format!(r#"{{"Name":"Recipient {row}","Day":"Monday"}}"#),
        sms: Some(Size { encoding: Encoding::Gsm7, units: 40, segments }),
    };
    NewRow { row, recipient: Some(recipient), rejected: None, issues: Vec::new() }
}

fn cost(n: u32) -> i64 {
    i64::from(n % 2 + 1) * PRICE
}

fn costs(rows: u32) -> i64 {
    (0..rows).map(cost).sum()
}

/// A list of `rows` that is read.
async fn ready(h: &Harness, org: &Tenant, rows: u32, price: i64) -> Batch {
    let key = format!("sms-{}", h.next());
    let list = NewBatch { kind: Kind::Sms, sms_template: Some(TEMPLATE.into()), ..h.new_batch(org, &key, &list(rows)) };
    let id = applied(h.store.create_batch(list).await).id;
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    assert_eq!((batch.id, batch.kind), (id, Kind::Sms));
    h.store.import_rows(&batch, LEASE, (0..rows).map(|n| new_row(n, price)).collect()).await.unwrap();
    let (valid, amount) = (i64::from(rows), costs(rows) / PRICE * price);
    let digest = digest(&key);
    let totals =
        ImportTotals { rows: valid, valid, invalid: 0, warnings: 0, amount, fees: 0, tax: 0, digest, understood: None };
    h.store.finish_import(&batch, totals).await.unwrap();
    h.batch(org, &batch).await
}

/// Submitted, funded with what it costs, approved.
async fn approved(h: &Harness, org: &Tenant, rows: u32) -> Batch {
    let batch = ready(h, org, rows, PRICE).await;
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    h.fund(org, costs(rows)).await;
    applied(h.approve(org, &batch).await);
    h.batch(org, &batch).await
}

async fn dispatch(h: &Harness, n: u32) -> Vec<Dispatch> {
    h.store.claim_messages(SMS_LANE, n, LEASE, prepare()).await.unwrap()
}

fn record_of(h: &Harness, d: &Dispatch, outcome: &SmsOutcome) -> MessageRecord {
    let at = h.now();
    let change = decide_message()(State::Sending, d.message.step, outcome, at, SMS_LANE).unwrap();
    MessageRecord { message: d.message.id, organisation: d.message.organisation, claim: d.message.claim, change, at }
}

async fn record(h: &Harness, d: &Dispatch, outcome: SmsOutcome) -> Recorded {
    h.store.record_messages(vec![record_of(h, d, &outcome)]).await.unwrap()[0]
}

fn reason() -> Reason {
    Reason::new("said", "the gateway said so")
}

fn taken() -> SmsOutcome {
    SmsOutcome::Submitted { gateway_id: Some("g".into()) }
}

fn refused() -> SmsOutcome {
    SmsOutcome::Rejected { reason: reason() }
}

fn unclear() -> SmsOutcome {
    SmsOutcome::Unknown { reason: reason() }
}

fn unsent() -> SmsOutcome {
    SmsOutcome::NotSent { reason: reason() }
}

async fn money(h: &Harness, org: &Tenant, batch: &Batch) -> (i64, i64, i64, i64) {
    let batch = h.batch(org, batch).await;
    (batch.reserved, batch.paid, batch.released, batch.held)
}

pub async fn a_list_is_sent_only_once_it_is_approved(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, 3, PRICE).await;
    assert_eq!((batch.amount, batch.fees, batch.state), (costs(3), 0, BatchState::Ready));
    assert_eq!(h.counts(&org, &batch).await, "3 queued");
    assert!(dispatch(&h, 10).await.is_empty());
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    assert!(dispatch(&h, 10).await.is_empty());
    let refused = refusal(h.approve(&org, &batch).await);
    assert_eq!(refused, Refusal::InsufficientFunds { available: ugx(0), needed: ugx(costs(3)) });
    assert!(matches!(
        refusal(h.approve_as(&org.maker, batch.id, "x", None).await),
        Refusal::SelfApproval | Refusal::DigestMismatch { .. }
    ));
    h.fund(&org, costs(3) + 1).await;
    applied(h.approve(&org, &batch).await);
    assert_eq!(h.wallet(&org).await, (1, costs(3)));
    assert!(h.store.claim_messages("other", 10, LEASE, prepare()).await.unwrap().is_empty());
    assert_eq!(dispatch(&h, 10).await.len(), 3);
    assert_eq!(h.counts(&org, &batch).await, "3 sending");
    assert_tenant(&h, &org).await;
}

pub async fn what_was_priced_at_the_import_is_what_is_sent(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 2).await;
    let shown = h.store.message_sources(org.id, batch.id, 0, 10).await.unwrap();
    let texts: HashMap<_, _> = shown.iter().map(|m| (m.id, template::text(m))).collect();
    let sent = dispatch(&h, 10).await;
    assert_eq!(sent[0].text, "Dear Recipient 2, come on Monday");
    for message in &sent {
        assert_eq!(texts[&message.message.id], message.text, "as it was previewed");
    }
    assert_eq!(record(&h, &sent[0], unsent()).await, Recorded::Applied);
    h.advance(Duration::from_secs(60));
    let other: PrepareText = Arc::new(|_| "something else".into());
    let again = h.store.claim_messages(SMS_LANE, 10, LEASE, other).await.unwrap();
    assert_eq!((again.len(), &again[0].text), (1, &sent[0].text), "the committed text, whatever is prepared now");
    let view = h.store.message(org.id, again[0].message.id).await.unwrap();
    assert_eq!((view.segments, view.cost.as_str(), view.purpose.as_str()), (Some(1), "35", "bulk"));
}

pub async fn money_follows_what_surely_was_and_surely_was_not_sent(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 5).await;
    let out = dispatch(&h, 10).await;
    for (message, outcome) in out.iter().zip([taken(), refused(), unclear(), unsent(), taken()]) {
        assert_eq!(record(&h, message, outcome).await, Recorded::Applied);
        assert_tenant(&h, &org).await;
    }
    assert_eq!(h.counts(&org, &batch).await, "1 queued, 2 submitted, 1 rejected, 1 unknown");
    let (charged, back, held) = (cost(0) + cost(2) + cost(4), cost(1), cost(3));
    assert_eq!(money(&h, &org, &batch).await, (costs(5), charged, back, held));
    assert_eq!(h.wallet(&org).await, (back, held));
    h.assert_state(&org, &batch, BatchState::Running).await;
    h.advance(Duration::from_secs(60));
    let again = dispatch(&h, 10).await;
    assert_eq!(again.len(), 1, "only what surely was not sent is sent again");
    record(&h, &again[0], taken()).await;
    // Nothing is queued or sending: it is complete, and receipts still tell more.
    h.assert_state(&org, &batch, BatchState::Completed).await;
    h.store_receipt(sms_receipt(&h, out[0].message.id, SmsOutcome::Delivered, true)).await;
    let absent = SmsOutcome::Undelivered { reason: reason() };
    h.store_receipt(sms_receipt(&h, out[4].message.id, absent, true)).await;
    h.apply_receipts().await;
    assert_eq!(h.counts(&org, &batch).await, "1 submitted, 1 delivered, 1 undelivered, 1 rejected, 1 unknown");
    assert_eq!(money(&h, &org, &batch).await, (costs(5), charged + held, back, 0));
    h.advance(Duration::from_secs(48 * 3600));
    assert!(dispatch(&h, 10).await.is_empty());
    assert_eq!(h.counts(&org, &batch).await, "1 delivered, 1 undelivered, 1 expired, 1 rejected, 1 unknown");
    assert_eq!(money(&h, &org, &batch).await, (costs(5), charged + held, back, 0));
    assert_tenant(&h, &org).await;
}

pub async fn a_receipt_before_the_answer_charges_once(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 2).await;
    let out = dispatch(&h, 10).await;
    for message in &out {
        h.store_receipt(sms_receipt(&h, message.message.id, SmsOutcome::Delivered, true)).await;
    }
    h.apply_receipts().await;
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_eq!(record(&h, &out[0], taken()).await, Recorded::Fenced);
    assert_eq!(record(&h, &out[1], unsent()).await, Recorded::Fenced);
    assert_eq!(money(&h, &org, &batch).await, (costs(2), costs(2), 0, 0));
    assert_tenant(&h, &org).await;
}

pub async fn a_message_whose_sender_died_may_be_out_and_is_charged(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 3).await;
    assert_eq!(dispatch(&h, 2).await.len(), 2);
    h.lapse();
    assert_eq!(dispatch(&h, 10).await.len(), 1, "the other two are never sent again");
    assert_eq!(h.counts(&org, &batch).await, "1 sending, 2 unknown");
    assert_eq!(money(&h, &org, &batch).await, (costs(3), cost(0) + cost(1), 0, cost(2)));
    h.store.take_over().await.unwrap();
    assert!(dispatch(&h, 10).await.is_empty());
    assert_eq!(h.counts(&org, &batch).await, "3 unknown");
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn one_record_of_a_group_moves_the_money_once(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 2).await;
    let out = dispatch(&h, 10).await;
    let group =
        vec![record_of(&h, &out[0], &taken()), record_of(&h, &out[0], &refused()), record_of(&h, &out[1], &refused())];
    let recorded = h.store.record_messages(group).await.unwrap();
    assert_eq!(recorded, [Recorded::Applied, Recorded::Fenced, Recorded::Applied]);
    assert_eq!(money(&h, &org, &batch).await, (costs(2), cost(0), cost(1), 0));
    assert_tenant(&h, &org).await;
}

pub async fn a_message_that_cannot_be_written_gives_its_money_back(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 3).await;
    let breaks: PrepareText = Arc::new(|message| match message.row {
        3 => panic!("this one cannot be written"),
        _ => template::text(message),
    });
    let claimed = h.store.claim_messages(SMS_LANE, 10, LEASE, breaks).await.unwrap();
    assert_eq!(claimed.len(), 2);
    assert_eq!(h.counts(&org, &batch).await, "2 sending, 1 cancelled");
    assert_eq!(money(&h, &org, &batch).await, (costs(3), 0, cost(1), cost(0) + cost(2)));
    assert_tenant(&h, &org).await;
    for message in &claimed {
        record(&h, message, taken()).await;
    }
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_paused_list_sends_nothing_until_it_is_resumed(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 3).await;
    let out = dispatch(&h, 1).await;
    applied(h.store.pause(&org.maker, batch.id, None).await);
    assert!(dispatch(&h, 10).await.is_empty());
    record(&h, &out[0], taken()).await;
    assert_eq!(h.counts(&org, &batch).await, "2 queued, 1 submitted");
    applied(h.store.resume(&org.maker, batch.id, None).await);
    for message in dispatch(&h, 10).await {
        record(&h, &message, taken()).await;
    }
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn a_list_cancelled_in_the_middle_gives_back_what_was_not_sent(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 9).await;
    let out = dispatch(&h, 3).await;
    record(&h, &out[0], taken()).await;
    assert_eq!(applied(h.store.cancel(&org.maker, batch.id, None).await)["state"], "cancelling");
    assert!(dispatch(&h, 10).await.is_empty(), "nothing new is sent");
    assert!(h.store.sweep_cancelled(4).await.unwrap());
    assert_eq!(h.counts(&org, &batch).await, "2 queued, 2 sending, 1 submitted, 4 cancelled");
    assert_tenant(&h, &org).await;
    h.drive(4).await;
    h.assert_state(&org, &batch, BatchState::Cancelling).await;
    // What comes back unsent is cancelled, not queued.
    record(&h, &out[1], unsent()).await;
    assert_eq!(h.counts(&org, &batch).await, "1 sending, 1 submitted, 7 cancelled");
    record(&h, &out[2], unclear()).await;
    h.assert_state(&org, &batch, BatchState::Cancelled).await;
    let sent = cost(0) + cost(2);
    assert_eq!(money(&h, &org, &batch).await, (costs(9), sent, costs(9) - sent, 0));
    assert_eq!(h.wallet(&org).await, (costs(9) - sent, 0));
    assert!(all_messages(&h, &org, &batch).await.iter().all(|m| m.settled_at.is_some() || m.state == "submitted"));
    assert_tenant(&h, &org).await;
}

pub async fn a_list_cancelled_before_it_starts_gives_everything_back(h: Harness) {
    let org = h.tenant().await;
    let waiting = ready(&h, &org, 3, PRICE).await;
    applied(h.store.cancel(&org.maker, waiting.id, None).await);
    h.drive(2).await;
    assert_eq!(h.counts(&org, &waiting).await, "3 cancelled");
    let key = format!("later-{}", h.next());
    let later = NewBatch {
        kind: Kind::Sms,
        sms_template: Some(TEMPLATE.into()),
        scheduled_at: Some(h.now() + Duration::from_secs(60)),
        ..h.new_batch(&org, &key, &list(1))
    };
    applied(h.store.create_batch(later).await);
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&batch, LEASE, vec![new_row(0, PRICE), new_row(1, PRICE)]).await.unwrap();
    let totals = ImportTotals {
        rows: 2,
        valid: 2,
        invalid: 0,
        warnings: 0,
        amount: costs(2),
        fees: 0,
        tax: 0,
        digest: digest(&key),
        understood: None,
    };
    h.store.finish_import(&batch, totals).await.unwrap();
    let batch = h.submit(&org, &batch).await;
    h.fund(&org, costs(2)).await;
    applied(h.approve(&org, &batch).await);
    h.assert_state(&org, &batch, BatchState::Scheduled).await;
    assert!(dispatch(&h, 10).await.is_empty());
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(1).await;
    assert_eq!(h.counts(&org, &batch).await, "2 cancelled");
    assert_eq!(h.wallet(&org).await, (costs(2), 0));
    assert_tenant(&h, &org).await;
}

pub async fn a_list_that_costs_nothing_needs_no_wallet_and_completes(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, 2, 0).await;
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    applied(h.approve(&org, &batch).await);
    let out = dispatch(&h, 10).await;
    record(&h, &out[0], taken()).await;
    record(&h, &out[1], refused()).await;
    h.assert_state(&org, &batch, BatchState::Completed).await;
    assert_eq!(money(&h, &org, &batch).await, (0, 0, 0, 0));
    let cancelled = ready(&h, &org, 2, 0).await;
    applied(h.store.submit(&org.maker, cancelled.id, false, None).await);
    applied(h.approve(&org, &cancelled).await);
    applied(h.store.cancel(&org.maker, cancelled.id, None).await);
    h.drive(10).await;
    h.assert_state(&org, &cancelled, BatchState::Cancelled).await;
    assert_tenant(&h, &org).await;
}

pub async fn lists_and_notices_share_a_lane(h: Harness) {
    let org = h.tenant().await;
    let large = approved(&h, &org, 60).await;
    let small = approved(&h, &org, 4).await;
    let payroll = h.approved(&org, &List { notify: true, ..list(20) }).await;
    h.pay(20).await;
    let of = |claimed: &[Dispatch], batch: &Batch| claimed.iter().filter(|d| d.message.batch == batch.id).count();
    let first = dispatch(&h, 20).await;
    assert_eq!(first.len(), 20);
    assert_eq!((of(&first, &payroll), of(&first, &small), of(&first, &large)), (10, 4, 6));
    // A pause of the list leaves the notices alone, and the other way round.
    applied(h.store.pause(&org.maker, large.id, None).await);
    let second = dispatch(&h, 20).await;
    assert_eq!((second.len(), of(&second, &payroll)), (10, 10));
    applied(h.store.resume(&org.maker, large.id, None).await);
    assert_eq!(of(&dispatch(&h, 20).await, &large), 20, "alone it has the whole lane");
    assert_tenant(&h, &org).await;
}

pub async fn claimers_that_race_send_every_message_once(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 200).await;
    let claims = (0..8).map(|_| async {
        let mut mine = Vec::new();
        loop {
            let claimed = dispatch(&h, 7).await;
            if claimed.is_empty() {
                return mine;
            }
            mine.extend(claimed.into_iter().map(|d| d.message.row));
        }
    });
    let mut rows: Vec<u32> = futures::future::join_all(claims).await.concat();
    rows.sort_unstable();
    assert_eq!(rows, (FIRST_ROW..FIRST_ROW + 200).collect::<Vec<_>>());
    assert_eq!(h.counts(&org, &batch).await, "200 sending");
}

pub async fn a_broken_import_of_a_list_starts_clean(h: Harness) {
    let org = h.tenant().await;
    let key = "broken";
    let new = NewBatch { kind: Kind::Sms, sms_template: Some(TEMPLATE.into()), ..h.new_batch(&org, key, &list(3)) };
    applied(h.store.create_batch(new).await);
    let first = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&first, LEASE, vec![new_row(0, PRICE), new_row(1, PRICE)]).await.unwrap();
    h.lapse();
    let second = h.store.claim_import(LEASE).await.unwrap().unwrap();
    assert_fenced(h.store.import_rows(&first, LEASE, vec![new_row(2, PRICE)]).await);
    assert!(all_messages(&h, &org, &second).await.is_empty());
    h.store.import_rows(&second, LEASE, vec![new_row(0, PRICE)]).await.unwrap();
    let totals = |valid, amount| ImportTotals {
        rows: valid,
        valid,
        invalid: 0,
        warnings: 0,
        amount,
        fees: 0,
        tax: 0,
        digest: digest(key),
        understood: None,
    };
    for lost in [totals(2, costs(1)), totals(1, costs(1) + 1)] {
        assert!(matches!(h.store.finish_import(&second, lost).await, Err(StoreError::Rejected(_))));
    }
    let repeated = h.store.import_rows(&second, LEASE, vec![new_row(0, PRICE)]).await;
    assert!(matches!(repeated, Err(StoreError::Rejected(_))), "{repeated:?}");
    h.store.finish_import(&second, totals(1, costs(1))).await.unwrap();
    assert_tenant(&h, &org).await;
}

pub async fn the_report_of_a_list_tells_every_message_and_what_it_cost(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 3).await;
    let out = dispatch(&h, 2).await;
    record(&h, &out[0], taken()).await;
    record(&h, &out[1], refused()).await;
    let lines = h.store.report_lines(org.id, batch.id, 0, 10).await.unwrap();
    let told: Vec<_> = lines.iter().map(|l| (l.row, l.state.as_str(), l.amount.as_deref(), l.attempts)).collect();
    assert_eq!(told, [(2, "submitted", Some("35"), 1), (3, "rejected", Some("70"), 1), (4, "queued", Some("35"), 0)]);
    assert_eq!(lines[0].provider_reference, Some(out[0].message.id));
    assert_eq!(lines[0].provider_transaction_id.as_deref(), Some("g"));
    assert_eq!((lines[1].reason_code.as_deref(), lines[0].payout_id), (Some("said"), None));
    assert_eq!(h.store.report_lines(org.id, batch.id, 3, 10).await.unwrap().len(), 1);
}

pub async fn the_report_of_a_list_adds_up_to_what_the_ledger_charged(h: Harness) {
    let org = h.tenant().await;
    let batch = approved(&h, &org, 7).await;
    let undelivered = SmsOutcome::Undelivered { reason: reason() };
    let outcomes = [SmsOutcome::Delivered, undelivered, taken(), unclear(), refused()];
    for (message, outcome) in dispatch(&h, 6).await.iter().zip(outcomes) {
        record(&h, message, outcome).await;
    }
    let (lines, head) = (
        h.store.report_lines(org.id, batch.id, 0, 10).await.unwrap(),
        h.store.report_head(org.id, batch.id).await.unwrap(),
    );
    let mut summary = gaba::report::settlement::Summary::of(&head.batch);
    summary.add(&lines);
    let view = summary.view(&head);
    let sums: Vec<_> = view.states.iter().map(|sum| (sum.state.as_str(), sum.amount.as_str())).collect();
    let in_order = ["delivered", "submitted", "sending", "unknown", "queued", "undelivered", "rejected"];
    assert_eq!(sums, in_order.into_iter().zip(["35", "35", "70", "70", "35", "70", "35"]).collect::<Vec<_>>());
    assert_eq!((view.paid.as_str(), view.sent_out.as_str(), view.difference.as_str()), ("210", "210", "0"));
    assert_eq!(money(&h, &org, &batch).await, (costs(7), 210, 35, 105));
    assert_tenant(&h, &org).await;
}

async fn test_send(
    h: &Harness,
    org: &Tenant,
    batch: &Batch,
    row: Option<u32>,
) -> Result<serde_json::Value, StoreError> {
    let msisdn = Msisdn::from_digits("256772999999").unwrap();
    let test = TestMessage { msisdn, row, lane: SMS_LANE.into() };
    let done = h.store.send_test(&org.maker, batch.id, test, prepare(), None).await;
    done.map(gaba::store::Done::into_inner)
}

pub async fn a_test_shows_one_text_and_counts_nowhere(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, 3, PRICE).await;
    let first = test_send(&h, &org, &batch, None).await.unwrap();
    assert_eq!(first["text"], "Dear Recipient 2, come on Monday");
    assert_eq!((&first["purpose"], &first["msisdn"]), (&"test".into(), &"256772999999".into()));
    let third = test_send(&h, &org, &batch, Some(4)).await.unwrap();
    assert_eq!(third["text"], "Dear Recipient 4, come on Monday");
    assert_ne!(first["id"], test_send(&h, &org, &batch, Some(2)).await.unwrap()["id"], "the same row once more");
    assert!(matches!(refusal(test_send(&h, &org, &batch, Some(99)).await), Refusal::Invalid(_)));
    // Tests are sent although the list is not approved, and nothing else is.
    let sent = dispatch(&h, 10).await;
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|d| d.message.purpose == "test" && d.message.msisdn.as_str() == "256772999999"));
    record(&h, &sent[0], taken()).await;
    record(&h, &sent[1], refused()).await;
    assert_eq!(h.counts(&org, &batch).await, "3 queued");
    assert_eq!(all_messages(&h, &org, &batch).await.len(), 3, "tests are no messages of the list");
    for _ in 3..TESTS_MAX {
        test_send(&h, &org, &batch, None).await.unwrap();
    }
    assert_eq!(refusal(test_send(&h, &org, &batch, None).await), Refusal::TooManyTests { max: TESTS_MAX });
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    h.fund(&org, costs(3)).await;
    applied(h.approve(&org, &batch).await);
    assert_invalid_state(test_send(&h, &org, &batch, None).await);
    assert_tenant(&h, &org).await;
}

pub async fn a_test_of_a_payroll_shows_what_the_paid_are_told(h: Harness) {
    let org = h.tenant().await;
    let told = h.ready(&org, &List { notify: true, ..list(2) }).await;
    let shown = test_send(&h, &org, &told, Some(3)).await.unwrap();
    assert!(shown["text"].as_str().unwrap().contains("Recipient 3"), "{shown}");
    assert_eq!(dispatch(&h, 10).await.len(), 1);
    let silent = h.ready(&org, &list(2)).await;
    assert_eq!(refusal(test_send(&h, &org, &silent, None).await), Refusal::NobodyIsTold);
    let stranger = h.tenant().await;
    assert_not_found(test_send(&h, &stranger, &told, None).await);
    assert_not_found(h.store.message_sources(stranger.id, told.id, 0, 1).await);
}

pub async fn a_repeated_test_under_one_key_is_sent_once(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, 1, PRICE).await;
    let msisdn = Msisdn::from_digits("256772999999").unwrap();
    let test = TestMessage { msisdn, row: None, lane: SMS_LANE.into() };
    let send = || h.store.send_test(&org.maker, batch.id, test.clone(), prepare(), idempotency("k", 1));
    let first = applied(send().await);
    assert_eq!(already(send().await), first);
    assert_eq!(dispatch(&h, 10).await.len(), 1);
}

pub async fn a_lane_of_a_list_is_in_use_while_the_list_runs(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, 1, PRICE).await;
    assert!(h.store.lanes_in_use().await.unwrap().is_empty(), "a list that is not approved uses nothing");
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    h.fund(&org, costs(1)).await;
    applied(h.approve(&org, &batch).await);
    assert_eq!(h.store.lanes_in_use().await.unwrap(), [SMS_LANE]);
}
