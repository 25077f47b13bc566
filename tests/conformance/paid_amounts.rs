//! A mismatch that was really paid: two people say how much, and the books and the wallet are true.

use super::books::assert_tenant;
use super::exceptions::{HOUR, issued_anew_in_doubt, only, overdue, possible, say, says};
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, State};
use gaba::money::{Currency, Money};
use gaba::org::Role;
use gaba::payout::Submission;
use gaba::payout::exception::{Difference, ExceptionView, Proposal, Verdict};
use gaba::quarantine::statement::StatementLine;
use gaba::rail::{Outcome, Payment, Reason};
use gaba::report::statement::Span;
use gaba::store::Refusal;
use gaba::wallet::{WALLET_MINOR_MAX, wallet_account};
use serde_json::Value;
use std::sync::Arc;

/// It was paid, in so much.
fn paid(minor: i64) -> Proposal {
    Proposal { paid_amount: Some(ugx(minor)), ..says(Verdict::Paid) }
}

fn silent() -> Proposal {
    Proposal { note: "seen".into(), evidence_sha256: None, transaction_id: None, ..says(Verdict::Paid) }
}

/// Proposed by the checker; somebody of finance confirms it and the amount, without the evidence.
async fn settled(h: &Harness, org: &Tenant, told: &ExceptionView, said: Proposal) -> Value {
    let amount = said.paid_amount.map(Money::amount).filter(|amount| *amount != told.amount);
    let confirmed = Proposal { verdict: said.verdict, paid_amount: said.paid_amount, ..silent() };
    let proposed = applied(say(h, &org.checker, told, said).await);
    assert_eq!(proposed["proposal"]["paid_amount"].as_str(), amount.as_deref());
    let resolved = applied(say(h, &h.principal(org.id, Role::Finance).await, told, confirmed).await);
    assert_eq!(resolved["state"], "resolved");
    assert_tenant(h, org).await;
    resolved
}

/// A row of 1,000 and 30 of fee, of which the provider says that it paid another amount.
async fn mismatch(h: &Harness) -> (Tenant, Batch, Submission, ExceptionView) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 30, notify: true, ..list(1) }).await;
    let out = h.claim_one().await;
    h.sent(&out, mismatched(&out.payout)).await;
    let told = only(h, &org).await;
    assert_eq!((told.amount.as_str(), told.currency), ("1000", Currency::Ugx));
    (org, batch, out, told)
}

/// What an account has gained, over all there are of its kind.
async fn balance(h: &Harness, kind: &str) -> i64 {
    let lines = h.store.check_ledger().await.unwrap().trial_balance;
    lines.iter().filter(|line| line.account.starts_with(kind)).map(|line| line.credits - line.debits).sum()
}

async fn paid_amount(h: &Harness, org: &Tenant, out: &Submission) -> Option<String> {
    let row = h.view(org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.amount.as_str()), ("paid", "1000"));
    row.paid_amount
}

/// The wallet's movements of the kind `difference`.
async fn on_the_statement(h: &Harness, org: &Tenant) -> Vec<i64> {
    let wallet = wallet_account(org.id, Currency::Ugx);
    let head = h.store.statement_head(org.id, wallet, Span::default()).await.unwrap();
    assert_eq!(head.closing().minor, h.wallet(org).await.0);
    let lines = h.store.statement_lines(org.id, wallet, head.after, head.position, 100).await.unwrap();
    lines.iter().filter(|line| line.kind == "difference").map(|line| line.amount.minor).collect()
}

/// What the settlement report says was paid, was taken back and went out, and how far that is apart.
async fn reported(h: &Harness, org: &Tenant, batch: &Batch) -> [String; 4] {
    let lines = h.store.report_lines(org.id, batch.id, 0, 10).await.unwrap();
    let head = h.store.report_head(org.id, batch.id).await.unwrap();
    let mut summary = gaba::report::settlement::Summary::of(&head.batch);
    summary.add(&lines);
    let view = summary.view(&head);
    [view.paid, view.taken_back, view.sent_out, view.difference]
}

pub async fn what_never_left_goes_back_to_the_wallet(h: Harness) {
    let (org, batch, out, told) = mismatch(&h).await;
    settled(&h, &org, &told, paid(700)).await;
    assert_eq!(h.wallet(&org).await, (300, 0), "the fee is not touched");
    assert_eq!((balance(&h, "settlement").await, balance(&h, "suspense").await), (700, 0));
    assert_eq!(paid_amount(&h, &org, &out).await.as_deref(), Some("700"));
    assert_eq!(on_the_statement(&h, &org).await, [300]);
    let shown = h.batch(&org, &batch).await;
    assert_eq!((shown.state, shown.reserved, shown.paid, shown.released), (State::Completed, 1_030, 1_030, 0));
    let lines = h.store.report_lines(org.id, batch.id, 0, 10).await.unwrap();
    assert_eq!((lines[0].amount.as_deref(), lines[0].paid_amount.as_deref()), (Some("1000"), Some("700")));
    assert_eq!(reported(&h, &org, &batch).await, ["700", "0", "700", "0"]);
    let text = Arc::new(|m: &gaba::sms::DueMessage| m.amount.display());
    let messages = h.store.claim_messages(SMS_LANE, 10, LEASE, text).await.unwrap();
    assert_eq!(
        messages.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(),
        ["UGX 700"],
        "they are told what they got"
    );
}

pub async fn what_went_out_beyond_is_claimed_back_and_not_charged(h: Harness) {
    let (org, batch, out, told) = mismatch(&h).await;
    settled(&h, &org, &told, paid(1_400)).await;
    assert_eq!(h.wallet(&org).await, (0, 0), "no more than was approved");
    assert_eq!((balance(&h, "settlement").await, balance(&h, "suspense").await), (1_400, -400));
    assert_eq!(paid_amount(&h, &org, &out).await.as_deref(), Some("1400"));
    assert!(on_the_statement(&h, &org).await.is_empty());
    assert_eq!(h.batch(&org, &batch).await.paid, 1_030);
}

pub async fn the_amount_that_was_sent_is_no_difference(h: Harness) {
    let (org, _, out, told) = mismatch(&h).await;
    let resolved = settled(&h, &org, &told, paid(1_000)).await;
    assert_eq!(resolved["proposal"]["paid_amount"], Value::Null);
    assert_eq!((h.wallet(&org).await, balance(&h, "settlement").await), ((0, 0), 1_000));
    assert_eq!(paid_amount(&h, &org, &out).await, None);
}

pub async fn whoever_confirms_says_the_same_amount(h: Harness) {
    let (org, _, out, told) = mismatch(&h).await;
    let finance = h.principal(org.id, Role::Finance).await;
    let differs = async |said| match refusal(say(&h, &finance, &told, said).await) {
        Refusal::VerdictDiffers { difference, .. } => difference,
        other => panic!("{other:?}"),
    };
    let plain = applied(say(&h, &org.checker, &told, says(Verdict::Paid)).await);
    assert_eq!(differs(paid(700)).await, Difference::PaidAmount, "nobody proposed that");
    let first = applied(say(&h, &org.checker, &told, paid(700)).await);
    assert_ne!(first["proposal"]["digest"], plain["proposal"]["digest"]);
    already(say(&h, &org.checker, &told, paid(700)).await);
    for other in [paid(701), paid(1_000), says(Verdict::Paid)] {
        assert_eq!(differs(other).await, Difference::PaidAmount);
    }
    let second = applied(say(&h, &org.checker, &told, paid(800)).await);
    let seen =
        |digest: &Value| Proposal { seen: digest.as_str().map(str::to_owned), paid_amount: Some(ugx(800)), ..silent() };
    assert_fenced(say(&h, &finance, &told, seen(&first["proposal"]["digest"])).await);
    assert_eq!(h.wallet(&org).await, (0, 1_030), "nothing moved yet");
    applied(say(&h, &finance, &told, seen(&second["proposal"]["digest"])).await);
    assert_eq!(h.wallet(&org).await, (200, 0));
    let events = h.store.payout(org.id, out.payout.id).await.unwrap().events;
    let of = |kind: &str| events.iter().find(|e| e.kind == kind).unwrap().detail.clone().unwrap();
    assert!(of("exception.mismatch.proposed").contains("paid UGX 700: "));
    let resolved = of("exception.mismatch.resolved");
    for part in ["paid UGX 800, as proposed by", "UGX 200 never left", "back to the wallet"] {
        assert!(resolved.contains(part), "{part}: {resolved}");
    }
    let trail = h.store.audit(org.id, page(100)).await.unwrap().items;
    let said = |act: &str| trail.iter().filter(|e| e.act == act).map(|e| e.detail.as_str()).collect::<Vec<_>>();
    assert!(said("exception.proposed").iter().any(|detail| detail.starts_with("paid UGX 800: ")));
    assert!(said("exception.confirmed")[0].contains("paid UGX 800"));
    assert_tenant(&h, &org).await;
}

/// Of what was settled, the same may be said again, and nothing else.
pub async fn what_is_settled_is_not_said_again_with_other_evidence(h: Harness) {
    let (org, _, _, told) = mismatch(&h).await;
    settled(&h, &org, &told, paid(700)).await;
    let position = h.store.ledger_position().await.unwrap();
    let finance = h.principal(org.id, Role::Finance).await;
    for who in [&org.checker, &finance] {
        for same in [paid(700), Proposal { paid_amount: Some(ugx(700)), ..silent() }] {
            already(say(&h, who, &told, same).await);
        }
        for (other, wanted) in [
            (Proposal { evidence_sha256: Some("cd".repeat(32)), ..paid(700) }, Difference::Evidence),
            (Proposal { transaction_id: Some("T-99".into()), ..paid(700) }, Difference::TransactionId),
            (paid(701), Difference::PaidAmount),
            (paid(1_000), Difference::PaidAmount),
            (silent(), Difference::PaidAmount),
        ] {
            let refused = refusal(say(&h, who, &told, other).await);
            let Refusal::VerdictDiffers { proposed, by, difference } = refused else { panic!("{refused:?}") };
            assert_eq!((proposed.as_str(), by, difference), ("paid", org.checker.label.clone(), wanted));
        }
        assert_invalid_state(say(&h, who, &told, says(Verdict::Dismiss)).await);
    }
    assert_eq!(h.store.ledger_position().await.unwrap(), position);
}

/// The provider takes back what it had paid.
async fn taken_back(h: &Harness, org: &Tenant, out: &Submission, words: &str) -> ExceptionView {
    let back = Outcome::Failed { reason: Reason::new("REVERSED", words), retryable: false };
    h.store_receipt(receipt(h, LANE, out.reference, back)).await;
    h.apply_receipts().await;
    let all = h.exceptions(org.id).await;
    all.into_iter().find(|e| e.kind == "reversal" && e.state == "open").expect("a reversal")
}

pub async fn what_was_paid_comes_back_once_and_the_wallet_gets_what_it_was_charged(h: Harness) {
    for really in [700, 1_400] {
        let (org, batch, out, told) = mismatch(&h).await;
        settled(&h, &org, &told, paid(really)).await;
        let back = taken_back(&h, &org, &out, "taken back").await;
        settled(&h, &org, &back, says(Verdict::NotPaid)).await;
        assert_eq!(h.wallet(&org).await, (1_000, 0), "{really}: the amount; the fee was earned");
        assert_eq!((balance(&h, "settlement").await, balance(&h, "suspense").await), (0, 0), "{really}");
        assert_eq!(paid_amount(&h, &org, &out).await, Some(really.to_string()));
        let really = really.to_string();
        assert_eq!(reported(&h, &org, &batch).await, [&really, &really, "0", "0"]);
        h.assert_state(&org, &batch, State::Completed).await;
        let all = h.exceptions(org.id).await;
        assert!(all.iter().all(|e| e.state == "resolved"), "{all:?}");
    }
}

pub async fn an_amount_is_said_of_a_mismatch_that_was_paid_and_must_be_one(h: Harness) {
    let (org, _, _, late) = overdue(&h).await;
    let wrong = async |told: &ExceptionView, said| match refusal(say(&h, &org.checker, told, said).await) {
        Refusal::PaidAmount(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(wrong(&late, paid(700)).await.contains("leave it out"));
    let (other, _, _, told) = mismatch(&h).await;
    let wrong = async |said| match refusal(say(&h, &other.checker, &told, said).await) {
        Refusal::PaidAmount(why) => why,
        other => panic!("{other:?}"),
    };
    for verdict in [Verdict::NotPaid, Verdict::Reissue, Verdict::Dismiss] {
        assert!(wrong(Proposal { verdict, ..paid(700) }).await.contains("leave it out"), "{verdict:?}");
    }
    for nothing in [0, -1] {
        assert!(wrong(paid(nothing)).await.contains("not_paid"), "{nothing}");
    }
    for much in [WALLET_MINOR_MAX + 1, i64::MAX] {
        assert!(wrong(paid(much)).await.contains("check it"), "{much}");
    }
    let foreign = Some(Money::new(700, Currency::Kes));
    assert!(wrong(Proposal { paid_amount: foreign, ..paid(1) }).await.contains("in UGX"));
    let same = h.store.exception(other.id, told.id).await.unwrap();
    assert_eq!((same.state.as_str(), h.wallet(&other).await), ("open", (0, 1_030)));
    // The largest there is.
    settled(&h, &other, &told, paid(WALLET_MINOR_MAX)).await;
    assert_eq!(h.wallet(&other).await, (0, 0));
}

/// Two doubts about a row whose second attempt is out: the first attempt is found to have paid it.
async fn paid_under_the_first(h: &Harness) -> (Tenant, Submission, Submission, ExceptionView) {
    let org = h.tenant().await;
    h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(true)).await;
    h.advance(HOUR);
    let second = h.claim_one().await;
    h.sent(&second, mismatched(&second.payout)).await;
    h.store_receipt(receipt(h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    let of = async |kind: &str| h.exceptions(org.id).await.into_iter().find(|e| e.kind == kind).unwrap();
    settled(h, &org, &of("late_success").await, says(Verdict::Paid)).await;
    let doubt = of("mismatch").await;
    assert_eq!((doubt.attempt, doubt.payout_state.as_str(), possible(&doubt)), (2, "paid", vec!["paid", "dismiss"]));
    (org, first, second, doubt)
}

pub async fn what_another_attempt_paid_beside_is_a_surplus_in_its_own_amount(h: Harness) {
    let mut out = 0;
    for (said, surplus) in [(paid(700), 700), (says(Verdict::Paid), 1_000)] {
        let (org, _, second, doubt) = paid_under_the_first(&h).await;
        settled(&h, &org, &doubt, said).await;
        assert_eq!(h.wallet(&org).await, (0, 0));
        assert_eq!(paid_amount(&h, &org, &second).await, None, "the payout itself was paid as it was sent");
        out += surplus;
        assert_eq!(balance(&h, "suspense").await, -out);
        // The same payment is told once more, as a late one: it is posted already.
        h.store_receipt(receipt(&h, LANE, second.reference, confirmed(&second.payout))).await;
        h.apply_receipts().await;
        let all = h.exceptions(org.id).await;
        let again = all.iter().find(|e| e.state == "open").expect("told again");
        assert_eq!((again.kind.as_str(), again.attempt), ("late_success", 2));
        settled(&h, &org, again, says(Verdict::Paid)).await;
        assert_eq!(balance(&h, "suspense").await, -out);
    }
}

pub async fn a_surplus_that_is_posted_is_not_posted_by_another_doubt(h: Harness) {
    let (org, _, second, doubt) = paid_under_the_first(&h).await;
    // Frozen by the mismatch, the row hears of another payment under the same reference.
    h.store_receipt(receipt(&h, LANE, second.reference, confirmed(&second.payout))).await;
    h.apply_receipts().await;
    let all = h.exceptions(org.id).await;
    let late = all.iter().find(|e| e.kind == "late_success" && e.attempt == 2).expect("a late success");
    settled(&h, &org, late, says(Verdict::Paid)).await;
    assert_eq!(balance(&h, "suspense").await, -1_000);
    let doubt = h.store.exception(org.id, doubt.id).await.unwrap();
    assert_eq!(possible(&doubt), ["dismiss"]);
    let refused = refusal(say(&h, &org.checker, &doubt, paid(700)).await);
    assert!(matches!(refused, Refusal::VerdictNotPossible { .. }), "{refused:?}");
    settled(&h, &org, &doubt, says(Verdict::Dismiss)).await;
    assert_eq!(balance(&h, "suspense").await, -1_000);
}

/// It was recorded as paid in what was sent; afterwards the provider says otherwise.
pub async fn a_payment_that_is_recorded_is_corrected_by_what_it_came_to(h: Harness) {
    for (said, wallet, suspense) in [(Some(700), 300, 0), (Some(1_400), 0, -400), (None, 0, 0)] {
        let org = h.tenant().await;
        let batch = h.approved(&org, &list(1)).await;
        let out = h.claim_one().await;
        h.sent(&out, confirmed(&out.payout)).await;
        h.store_receipt(receipt(&h, LANE, out.reference, mismatched(&out.payout))).await;
        h.apply_receipts().await;
        let told = only(&h, &org).await;
        assert_eq!(possible(&told), ["paid", "not_paid", "dismiss"]);
        let before = balance(&h, "suspense").await;
        settled(&h, &org, &told, said.map_or(says(Verdict::Paid), paid)).await;
        assert_eq!(h.wallet(&org).await, (wallet, 0));
        assert_eq!(balance(&h, "suspense").await - before, suspense);
        assert_eq!(paid_amount(&h, &org, &out).await, said.map(|paid| paid.to_string()));
        h.assert_state(&org, &batch, State::Completed).await;
        // What is said of it again is settled.
        let other = Payment { amount_minor: Some(1_234), ..Payment::default() };
        h.store_receipt(receipt(&h, LANE, out.reference, Outcome::Paid(other))).await;
        h.apply_receipts().await;
        only(&h, &org).await;
    }
}

/// It was given up, and its money is taken again: as much as was approved, and the rest of it comes back.
pub async fn what_was_given_up_and_paid_in_part_costs_that_part(h: Harness) {
    let (org, _, out, late) = overdue(&h).await;
    h.store_receipt(receipt(&h, LANE, out.reference, mismatched(&out.payout))).await;
    h.apply_receipts().await;
    settled(&h, &org, &late, says(Verdict::NotPaid)).await;
    assert_eq!(h.wallet(&org).await, (1_037, 0));
    let all = h.exceptions(org.id).await;
    let doubt = all.iter().find(|e| e.kind == "mismatch").unwrap();
    assert_eq!(doubt.payout_state, "failed");
    settled(&h, &org, doubt, paid(700)).await;
    assert_eq!(h.wallet(&org).await, (300, 0));
    assert_eq!(balance(&h, "settlement").await, 700);
}

pub async fn what_waits_to_be_sent_again_and_was_paid_otherwise_is_paid_so(h: Harness) {
    let (org, _, out, doubt) = issued_anew_in_doubt(&h).await;
    settled(&h, &org, &doubt, paid(400)).await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.attempt, row.paid_amount.as_deref(), h.wallet(&org).await), (1, Some("400"), (600, 0)));
    assert!(h.claim(1).await.is_empty());
}

pub async fn a_statement_that_says_what_was_really_paid_agrees_with_the_books(h: Harness) {
    let (org, _, third, told) = mismatch(&h).await;
    settled(&h, &org, &told, paid(700)).await;
    let (org, first, second, doubt) = paid_under_the_first(&h).await;
    settled(&h, &org, &doubt, paid(600)).await;
    applied(h.store.begin_quarantine("a test", None).await);
    let line = |line, out: &Submission, amount_minor| {
        let reference = Some(out.reference);
        StatementLine { line, reference, payout: None, amount_minor, transaction_id: None }
    };
    let hold = async |amounts: [i64; 3]| {
        let lines = [&first, &second, &third].into_iter().zip(amounts).zip(2..);
        let lines = lines.map(|((out, amount), n)| line(n, out, amount)).collect();
        h.store.match_statement(LANE, Currency::Ugx, [1; 32], lines).await.unwrap().0
    };
    assert!(hold([1_000, 600, 700]).await.agrees());
    h.advance(HOUR);
    let found = hold([1_000, 700, 1_000]).await;
    assert_eq!((found.unknown, found.missing, found.differing), (0, 0, 2), "{found:?}");
}
