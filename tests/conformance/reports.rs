//! The settlement report: every row of the file, and sums that tie to the ledger.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::report::settlement::Line;

/// Six rows, two of them left out; one paid, one failed, one waiting for its second attempt, one unknown.
async fn reported(h: &Harness) -> (Tenant, gaba::batch::Batch, Vec<Line>) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { invalid: 2, fee: 20, tax: 4, rise: 10, ..list(4) }).await;
    let out = h.claim(4).await;
    let answers = [confirmed(&out[0].payout), failed(false), failed(true), unknown()];
    for (submission, answer) in out.iter().zip(answers) {
        h.sent(submission, answer).await;
    }
    let lines = h.store.report_lines(org.id, batch.id, 0, 100).await.unwrap();
    (org, batch, lines)
}

pub async fn every_row_of_the_file_has_one_line_in_its_order(h: Harness) {
    let (org, _, lines) = reported(&h).await;
    assert_eq!(lines.iter().map(|l| l.row).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    let states: Vec<&str> = lines.iter().map(|l| l.state.as_str()).collect();
    assert_eq!(states, ["paid", "failed", "queued", "unknown", "excluded", "excluded"]);
    assert_tenant(&h, &org).await;
}

pub async fn a_line_says_what_became_of_its_row(h: Harness) {
    let (org, batch, lines) = reported(&h).await;
    let [paid, failed, waiting, ..] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(
        (paid.amount.as_deref(), paid.fee.as_deref(), paid.tax.as_deref()),
        (Some("1000"), Some("20"), Some("4"))
    );
    assert_eq!((paid.total.as_deref(), paid.currency.as_str(), paid.attempts), (Some("1024"), "UGX", 1));
    assert_eq!((paid.reference.as_deref(), paid.name.as_deref()), (Some("S-2"), Some("Recipient 2")));
    assert_eq!((paid.network.as_deref(), paid.msisdn.as_deref()), (Some("MTN"), Some("256770000002")));
    assert_eq!((paid.provider_transaction_id.as_deref(), paid.reason_code.as_deref()), (Some("T-2"), None));
    assert_eq!((paid.settled_at, paid.sent_at), (Some(h.now()), Some(h.now())));
    assert_eq!((paid.batch_id, paid.approved_by.as_deref()), (batch.id, Some(org.checker.label.as_str())));
    assert_eq!((failed.reason_code.as_deref(), failed.settled_at), (Some("PAYEE_NOT_FOUND"), Some(h.now())));
    assert_eq!((waiting.attempts, waiting.settled_at), (1, None));
    assert_eq!(paid.provider_reference, Some(gaba::ids::attempt_reference(paid.payout_id.unwrap(), 1)));
}

pub async fn a_row_left_out_is_reported_as_uploaded_with_its_first_problem(h: Harness) {
    let (_, _, lines) = reported(&h).await;
    let out = &lines[4];
    assert_eq!((out.payout_id, out.amount.as_deref(), out.total.as_deref()), (None, Some("1,00"), None));
    assert_eq!((out.reason_code.as_deref(), out.msisdn.as_deref()), (Some("phone_too_short"), Some("12")));
    assert_eq!((out.attempts, out.sent_at, out.provider_reference), (0, None, None));
}

pub async fn a_report_is_read_page_by_page(h: Harness) {
    let (org, batch, lines) = reported(&h).await;
    let (mut after, mut rows) = (0, Vec::new());
    loop {
        let some = h.store.report_lines(org.id, batch.id, after, 4).await.unwrap();
        let Some(last) = some.last() else { break };
        assert!(some.len() <= 4);
        after = last.row;
        rows.extend(some.iter().map(|l| l.row));
    }
    assert_eq!(rows, lines.iter().map(|l| l.row).collect::<Vec<_>>());
}

pub async fn the_paid_lines_sum_to_what_the_ledger_paid(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 20, tax: 4, rise: 7, invalid: 3, ..list(9) }).await;
    for (n, submission) in h.claim(9).await.iter().enumerate() {
        let outcome = if n % 3 == 0 { failed(false) } else { confirmed(&submission.payout) };
        h.sent(submission, outcome).await;
    }
    let lines = h.store.report_lines(org.id, batch.id, 0, 500).await.unwrap();
    let paid = lines.iter().filter(|l| l.state == "paid").map(|l| l.total.as_deref().unwrap().parse::<i64>().unwrap());
    assert_eq!(paid.sum::<i64>(), h.batch(&org, &batch).await.paid);
    assert_tenant(&h, &org).await;
}

pub async fn the_ledgers_position_rises_with_every_transfer(h: Harness) {
    let org = h.tenant().await;
    let empty = h.store.ledger_position().await.unwrap();
    h.fund(&org, 5).await;
    let funded = h.store.ledger_position().await.unwrap();
    assert!(funded > empty);
    h.ready(&org, &list(1)).await;
    assert_eq!(h.store.ledger_position().await.unwrap(), funded, "no money moved");
    assert_eq!(h.store.check_ledger().await.unwrap().position, funded);
}

pub async fn a_report_begins_with_what_the_ledger_moved_for_its_batch_alone(h: Harness) {
    let org = h.tenant().await;
    let two_lanes = List { lanes: vec![LANE, "airtel-ug"], fee: 20, ..list(4) };
    let batch = h.approved(&org, &two_lanes).await;
    for lane in two_lanes.lanes {
        for (n, submission) in h.claim_on(lane, 4).await.iter().enumerate() {
            let outcome = if n == 0 { confirmed(&submission.payout) } else { failed(false) };
            h.sent(submission, outcome).await;
        }
    }
    let position = h.store.ledger_position().await.unwrap();
    let head = h.store.report_head(org.id, batch.id).await.unwrap();
    assert_eq!((head.position, head.batch.id), (position, batch.id));
    let mut sums: Vec<_> = head.ledger.iter().map(|s| (s.kind.as_str(), s.transfers, s.amount.minor)).collect();
    sums.sort();
    assert_eq!(sums, [("fee", 2, 40), ("paid", 2, 2_000), ("release", 2, 2_040), ("reserve", 1, 4_080)]);
    let paid = head.ledger.iter().find(|s| s.kind == "paid").unwrap();
    assert_eq!((paid.from.as_str(), paid.to.as_str()), ("hold", "settlement"));
    assert_eq!(head.sent_out().minor, 2_000);

    h.fund(&org, 5).await;
    let later = h.approved(&org, &list(2)).await;
    h.pay(2).await;
    let again = h.store.report_head(org.id, batch.id).await.unwrap();
    assert_eq!((again.position, again.ledger), (position, head.ledger), "what others moved is not its own");
    assert!(h.store.report_head(org.id, later.id).await.unwrap().position > position);
    let unpaid = h.ready(&org, &list(1)).await;
    let none = h.store.report_head(org.id, unpaid.id).await.unwrap();
    assert_eq!((none.position, none.ledger.len()), (0, 0));
}
