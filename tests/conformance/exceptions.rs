//! What only people can settle: one proposes, another confirms, and the money follows.

use super::books::assert_tenant;
use super::steps::*;
use super::support::*;
use gaba::batch::{Batch, State};
use gaba::org::{Principal, Role};
use gaba::payout::exception::{self, Difference, ExceptionView, LaneTerms, Proposal, Verdict};
use gaba::payout::{Action, Submission};
use gaba::rail::Reason;
use gaba::store::{Done, Refusal, StoreError, TermsOfLanes};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub const HOUR: Duration = Duration::from_secs(3600);

pub fn says(verdict: Verdict) -> Proposal {
    Proposal {
        verdict,
        note: "statement of 3 March, line 12".into(),
        evidence_sha256: Some("ab".repeat(32)),
        transaction_id: Some("T-77".into()),
        paid_amount: None,
        seen: None,
    }
}

fn lanes() -> TermsOfLanes {
    Arc::new(|_| LaneTerms { reissue_after: 24 * HOUR, sms_lane: Some(SMS_LANE.into()) })
}

async fn resolve(
    h: &Harness,
    who: &Principal,
    exception: &ExceptionView,
    verdict: Verdict,
) -> Result<Done<Value>, StoreError> {
    say(h, who, exception, says(verdict)).await
}

pub async fn say(
    h: &Harness,
    who: &Principal,
    exception: &ExceptionView,
    said: Proposal,
) -> Result<Done<Value>, StoreError> {
    h.store.resolve(who, exception.id, said, lanes(), None).await
}

/// Proposed by the checker, confirmed by somebody of finance.
pub async fn settled(h: &Harness, org: &Tenant, exception: &ExceptionView, verdict: Verdict) {
    let proposed = applied(resolve(h, &org.checker, exception, verdict).await);
    assert_eq!(proposed["state"], "proposed");
    let finance = h.principal(org.id, Role::Finance).await;
    let resolved = applied(resolve(h, &finance, exception, verdict).await);
    assert_eq!((&resolved["state"], &resolved["resolution"]), (&"resolved".into(), &verdict.name().into()));
    assert_eq!((&resolved["verdicts"], &resolved["confirmed_by"]), (&json!([]), &json!(finance.label)));
    assert_tenant(h, org).await;
}

pub async fn only(h: &Harness, org: &Tenant) -> ExceptionView {
    let mut all = h.exceptions(org.id).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub fn possible(exception: &ExceptionView) -> Vec<&'static str> {
    exception.verdicts.iter().map(|choice| choice.verdict).collect()
}

/// A row of 1,037 that stays accepted until it is overdue.
pub async fn overdue(h: &Harness) -> (Tenant, Batch, Submission, ExceptionView) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 30, tax: 7, notify: true, ..list(1) }).await;
    let out = h.claim_one().await;
    h.sent(&out, accepted()).await;
    for _ in 0..20 {
        h.advance(2 * HOUR);
        for asked in h.ask(10).await {
            h.asked(&asked, unknown()).await;
        }
    }
    let told = only(h, &org).await;
    assert_eq!((told.kind.as_str(), told.state.as_str(), told.row), ("overdue", "open", out.payout.row));
    assert_eq!(possible(&told), ["paid", "not_paid", "reissue"]);
    (org, batch, out, told)
}

pub async fn overdue_and_found_paid_takes_its_money_from_the_hold(h: Harness) {
    let (org, batch, out, told) = overdue(&h).await;
    settled(&h, &org, &told, Verdict::Paid).await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.provider_transaction_id.as_deref()), ("paid", Some("T-77")));
    assert_eq!(row.settled_at, Some(h.now()));
    assert_eq!(h.wallet(&org).await, (0, 0));
    h.assert_state(&org, &batch, State::Completed).await;
    let messages = h.store.messages(org.id, batch.id, None, page(10)).await.unwrap().items;
    assert_eq!(messages.len(), 1, "the paid are told, however it was found out");
    // The provider's own word, coming late, is nothing new.
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    assert_eq!(h.exceptions(org.id).await.len(), 1);
    assert_tenant(&h, &org).await;
}

pub async fn overdue_and_found_unpaid_gives_its_money_back(h: Harness) {
    let (org, batch, out, told) = overdue(&h).await;
    settled(&h, &org, &told, Verdict::NotPaid).await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.reason.unwrap().code.as_str()), ("failed", "verdict"));
    assert_eq!(h.wallet(&org).await, (1_037, 0));
    h.assert_state(&org, &batch, State::Completed).await;
    assert!(h.ask(10).await.is_empty());
}

pub async fn overdue_and_issued_anew_gets_another_reference(h: Harness) {
    let (org, batch, out, told) = overdue(&h).await;
    settled(&h, &org, &told, Verdict::Reissue).await;
    assert_eq!(h.wallet(&org).await, (0, 1_037), "its money stays held");
    let again = h.claim_one().await;
    assert_eq!((again.payout.attempt, again.reference == out.reference), (2, false));
    // The old reference stays watched.
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    let late = h.exceptions(org.id).await.into_iter().find(|e| e.kind == "late_success").unwrap();
    assert_eq!(late.attempt, 1);
    h.assert_state(&org, &batch, State::Running).await;
    assert_tenant(&h, &org).await;
}

/// The provider remembers a reference for a day: until then it may still act on it.
pub async fn nothing_is_issued_anew_while_the_provider_may_act_on_it(h: Harness) {
    let (org, _, out, told) = overdue(&h).await;
    let late: TermsOfLanes = Arc::new(|_| LaneTerms { reissue_after: 1_000 * HOUR, sms_lane: None });
    let refused = refusal(h.store.resolve(&org.checker, told.id, says(Verdict::Reissue), late, None).await);
    let Refusal::TooEarly { at } = refused else { panic!("{refused:?}") };
    assert_eq!(at, out.payout.sent_at.unwrap() + 1_000 * HOUR);
    assert_eq!(only(&h, &org).await.state, "open");
}

pub async fn what_the_provider_answers_after_all_needs_nobody(h: Harness) {
    let (org, batch, _, told) = overdue(&h).await;
    applied(resolve(&h, &org.checker, &told, Verdict::NotPaid).await);
    h.advance(2 * HOUR);
    let asked = h.ask_one().await;
    h.asked(&asked, confirmed(&asked.payout)).await;
    let told = only(&h, &org).await;
    assert_eq!((told.state.as_str(), told.resolution.as_deref()), ("resolved", Some("answered")));
    let finance = h.principal(org.id, Role::Finance).await;
    assert_invalid_state(resolve(&h, &finance, &told, Verdict::NotPaid).await);
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn it_takes_two_who_agree(h: Harness) {
    let (org, _, _, told) = overdue(&h).await;
    let finance = h.principal(org.id, Role::Finance).await;
    applied(resolve(&h, &org.checker, &told, Verdict::Paid).await);
    // Nobody confirms what they proposed, however often they say it.
    assert_eq!(already(resolve(&h, &org.checker, &told, Verdict::Paid).await)["state"], "proposed");
    let refused = refusal(resolve(&h, &finance, &told, Verdict::NotPaid).await);
    assert!(matches!(refused, Refusal::VerdictDiffers { ref proposed, .. } if proposed == "paid"), "{refused:?}");
    // Whoever proposed may think better of it; then the other word counts.
    let other = applied(resolve(&h, &org.checker, &told, Verdict::NotPaid).await);
    assert_eq!(other["proposal"]["verdict"], "not_paid");
    assert!(matches!(refusal(resolve(&h, &finance, &told, Verdict::Paid).await), Refusal::VerdictDiffers { .. }));
    assert_eq!(h.wallet(&org).await, (0, 1_037), "nothing moved yet");
    applied(resolve(&h, &finance, &told, Verdict::NotPaid).await);
    assert_eq!(h.wallet(&org).await, (1_037, 0));
    already(resolve(&h, &finance, &told, Verdict::NotPaid).await);
    assert_eq!(h.wallet(&org).await, (1_037, 0), "a repetition finds it done");
    assert_invalid_state(resolve(&h, &finance, &told, Verdict::Paid).await);
    let stranger = h.tenant().await;
    assert_not_found(resolve(&h, &stranger.checker, &told, Verdict::NotPaid).await);
    assert_not_found(h.store.exception(stranger.id, told.id).await);
    assert_tenant(&h, &org).await;
}

/// Two people agree on what proves it, not only on a word: what is not the proposal's is no confirmation of it.
pub async fn a_confirmation_with_other_evidence_is_none(h: Harness) {
    let (org, _, out, told) = overdue(&h).await;
    let finance = h.principal(org.id, Role::Finance).await;
    let proposed = Proposal { transaction_id: None, ..says(Verdict::Paid) };
    applied(say(&h, &org.checker, &told, proposed.clone()).await);
    for (said, wanted) in [
        (Proposal { evidence_sha256: Some("cd".repeat(32)), ..proposed.clone() }, Difference::Evidence),
        (Proposal { transaction_id: Some("T-99".into()), ..proposed.clone() }, Difference::TransactionId),
        (Proposal { verdict: Verdict::NotPaid, ..proposed.clone() }, Difference::Verdict),
    ] {
        let refused = refusal(say(&h, &finance, &told, said).await);
        assert!(matches!(refused, Refusal::VerdictDiffers { difference, .. } if difference == wanted), "{refused:?}");
    }
    assert_eq!(h.wallet(&org).await, (0, 1_037), "nothing moved yet");
    // Whoever proposed adds what was found since; it is the proposal that counts, whether or not it is repeated.
    applied(say(&h, &org.checker, &told, says(Verdict::Paid)).await);
    let own = Proposal { note: "seen".into(), evidence_sha256: None, transaction_id: None, ..says(Verdict::Paid) };
    applied(say(&h, &finance, &told, own).await);
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.provider_transaction_id.as_deref()), ("paid", Some("T-77")));
    assert_tenant(&h, &org).await;
}

pub async fn a_proposal_that_changed_is_not_confirmed_by_whoever_saw_the_one_before(h: Harness) {
    let (org, _, _, told) = overdue(&h).await;
    let finance = h.principal(org.id, Role::Finance).await;
    let digest = |answer: &Value| answer["proposal"]["digest"].as_str().unwrap().to_owned();
    let seen = |digest: &str| Proposal { seen: Some(digest.to_owned()), ..says(Verdict::Paid) };
    assert_fenced(say(&h, &finance, &told, seen("sha256:none")).await);
    let first = digest(&applied(resolve(&h, &org.checker, &told, Verdict::Paid).await));
    let other = Proposal { note: "another line of it".into(), ..says(Verdict::Paid) };
    let second = digest(&applied(say(&h, &org.checker, &told, other).await));
    assert_fenced(say(&h, &finance, &told, seen(&first)).await);
    assert_eq!(h.wallet(&org).await, (0, 1_037), "nothing moved yet");
    applied(say(&h, &finance, &told, seen(&second)).await);
    already(say(&h, &finance, &told, seen(&second)).await);
    assert_eq!(h.wallet(&org).await, (0, 0));
    assert_tenant(&h, &org).await;
}

pub async fn the_timeline_and_the_trail_tell_who_said_what(h: Harness) {
    let (org, _, out, told) = overdue(&h).await;
    applied(resolve(&h, &org.checker, &told, Verdict::Paid).await);
    let finance = h.principal(org.id, Role::Finance).await;
    let own = Proposal { note: "telephoned the telco".into(), ..says(Verdict::Paid) };
    applied(say(&h, &finance, &told, own).await);
    let events = h.store.payout(org.id, out.payout.id).await.unwrap().events;
    let of = |kind: &str| events.iter().find(|e| e.kind == kind).unwrap_or_else(|| panic!("{kind}: {events:?}"));
    assert!(of("exception.overdue.proposed").detail.as_ref().unwrap().contains("statement of 3 March"));
    let resolved = of("exception.overdue.resolved").detail.as_ref().unwrap();
    for part in [&finance.label, &org.checker.label, "telephoned the telco", "hold to settlement"] {
        assert!(resolved.contains(part), "{part}: {resolved}");
    }
    let trail = h.store.audit(org.id, page(100)).await.unwrap().items;
    let said = |act: &str| trail.iter().find(|e| e.act == act).unwrap_or_else(|| panic!("{act}"));
    assert!(said("exception.proposed").detail.contains(&"ab".repeat(32)), "the evidence is in the trail");
    assert_eq!(said("exception.confirmed").subject, Some(told.id));
    assert!(said("exception.confirmed").detail.contains("telephoned the telco"), "and the second one's own words");
    assert!(h.store.verify_audit().await.unwrap().is_empty());
}

/// A row that failed, and whose payment is confirmed afterwards.
async fn late(h: &Harness) -> (Tenant, Batch, Submission, ExceptionView) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 30, notify: true, ..list(1) }).await;
    let out = h.claim_one().await;
    h.sent(&out, failed(false)).await;
    h.store_receipt(receipt(h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    let told = only(h, &org).await;
    assert_eq!((told.kind.as_str(), possible(&told)), ("late_success", vec!["paid", "dismiss"]));
    (org, batch, out, told)
}

pub async fn a_late_success_takes_its_money_from_the_wallet_again(h: Harness) {
    let (org, batch, out, told) = late(&h).await;
    assert_eq!(h.wallet(&org).await, (1_030, 0));
    settled(&h, &org, &told, Verdict::Paid).await;
    assert_eq!(h.wallet(&org).await, (0, 0));
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by, row.reason), ("paid", None, None));
    let batch = h.batch(&org, &batch).await;
    assert_eq!((batch.state, batch.reserved, batch.paid, batch.released), (State::Completed, 2_060, 1_030, 1_030));
}

pub async fn a_late_success_without_money_becomes_a_receivable(h: Harness) {
    let (org, batch, out, told) = late(&h).await;
    // What came back was spent meanwhile.
    let other = h.awaiting(&org, &List { amount: 500, ..list(1) }).await;
    applied(h.approve(&org, &other).await);
    settled(&h, &org, &told, Verdict::Paid).await;
    assert_eq!(h.wallet(&org).await, (530, 500), "the wallet is never overdrawn");
    h.assert_payout(&org, &out.payout, "paid").await;
    let check = h.store.check_ledger().await.unwrap();
    let suspense = check.trial_balance.iter().find(|l| l.account == "suspense").unwrap();
    assert_eq!((suspense.debits, suspense.credits), (1_030, 0));
    assert_eq!(h.batch(&org, &batch).await.held, 0);
}

pub async fn a_late_success_that_was_none_changes_nothing(h: Harness) {
    let (org, _, out, told) = late(&h).await;
    let position = h.store.ledger_position().await.unwrap();
    settled(&h, &org, &told, Verdict::Dismiss).await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by), ("failed", None));
    assert_eq!(h.store.ledger_position().await.unwrap(), position);
}

pub async fn a_second_payment_is_a_surplus(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(true)).await;
    h.advance(HOUR);
    let second = h.claim_one().await;
    h.sent(&second, confirmed(&second.payout)).await;
    h.store_receipt(receipt(&h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    let told = only(&h, &org).await;
    assert_eq!((told.kind.as_str(), told.attempt, told.payout_state.as_str()), ("late_success", 1, "paid"));
    settled(&h, &org, &told, Verdict::Paid).await;
    h.assert_payout(&org, &first.payout, "paid").await;
    let check = h.store.check_ledger().await.unwrap();
    let went_out = check.trial_balance.iter().find(|l| l.account.starts_with("settlement")).unwrap();
    assert_eq!(went_out.credits, 2_000, "what left through the lane is counted twice, as it was");
    assert_eq!(h.batch(&org, &batch).await.paid, 1_000);
}

/// The first reference turns out to have paid while the second waits to be sent.
pub async fn a_late_success_of_an_earlier_attempt_pays_the_row(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(true)).await;
    h.store_receipt(receipt(&h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    h.advance(HOUR);
    assert!(h.claim(1).await.is_empty(), "frozen");
    let told = only(&h, &org).await;
    settled(&h, &org, &told, Verdict::Paid).await;
    h.assert_payout(&org, &first.payout, "paid").await;
    assert_eq!(h.wallet(&org).await, (0, 0));
    h.assert_state(&org, &batch, State::Completed).await;
    assert!(h.claim(1).await.is_empty());
}

/// The first reference turns out to have paid when the row was retried, and money was set aside for it a second time.
pub async fn a_late_success_of_what_was_retried_is_paid_from_its_new_funds(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(false)).await;
    applied(h.store.retry_failed(&org.checker, batch.id, None, None).await);
    h.store_receipt(receipt(&h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    let told = only(&h, &org).await;
    settled(&h, &org, &told, Verdict::Paid).await;
    h.assert_payout(&org, &first.payout, "paid").await;
    assert_eq!(h.wallet(&org).await, (0, 0));
    let batch = h.batch(&org, &batch).await;
    assert_eq!((batch.state, batch.reserved, batch.paid, batch.released), (State::Completed, 2_000, 1_000, 1_000));
    assert_tenant(&h, &org).await;
}

pub async fn a_dismissed_contradiction_lets_the_row_go_on(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(2).await;
    h.sent(&out[0], mismatched(&out[0].payout)).await;
    h.sent(&out[1], failed(true)).await;
    h.store_receipt(receipt(&h, LANE, out[1].reference, confirmed(&out[1].payout))).await;
    h.apply_receipts().await;
    for told in h.exceptions(org.id).await {
        settled(&h, &org, &told, Verdict::Dismiss).await;
    }
    let asked = h.ask_one().await;
    assert_eq!(asked.payout.id, out[0].payout.id, "what was out is asked about");
    h.asked(&asked, confirmed(&asked.payout)).await;
    let again = h.claim_one().await;
    assert_eq!((again.payout.id, again.payout.attempt), (out[1].payout.id, 2), "what waited is sent");
    h.sent(&again, confirmed(&again.payout)).await;
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn two_contradictions_keep_a_row_frozen_until_both_are_settled(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    h.sent(&out, mismatched(&out.payout)).await;
    h.store_receipt(receipt(&h, LANE, out.reference, confirmed(&out.payout))).await;
    h.apply_receipts().await;
    let told = h.exceptions(org.id).await;
    let of = |kind: &str| told.iter().find(|e| e.kind == kind).unwrap().clone();
    settled(&h, &org, &of("mismatch"), Verdict::Paid).await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by.is_some()), ("paid", true));
    h.assert_state(&org, &batch, State::Running).await;
    let position = h.store.ledger_position().await.unwrap();
    settled(&h, &org, &of("late_success"), Verdict::Paid).await;
    assert_eq!(h.store.ledger_position().await.unwrap(), position, "it is recorded already");
    assert_eq!(h.view(&org, &out.payout).await.frozen_by, None);
    h.assert_state(&org, &batch, State::Completed).await;
}

/// A row that two people issued anew although another amount was said to be paid under its first reference.
pub async fn issued_anew_in_doubt(h: &Harness) -> (Tenant, Batch, Submission, ExceptionView) {
    let (org, batch, out, told) = overdue(h).await;
    h.store_receipt(receipt(h, LANE, out.reference, mismatched(&out.payout))).await;
    h.apply_receipts().await;
    settled(h, &org, &told, Verdict::Reissue).await;
    let doubt = h.exceptions(org.id).await.into_iter().find(|e| e.kind == "mismatch").unwrap();
    assert_eq!((doubt.payout_state.as_str(), possible(&doubt)), ("queued", vec!["paid", "dismiss"]));
    assert!(h.claim(1).await.is_empty(), "frozen");
    assert_eq!(h.store.next_payout_due(LANE, Action::Submit).await.unwrap(), None, "nobody wakes up for it");
    (org, batch, out, doubt)
}

/// What the model found: frozen, such a row is due and not to be sent. It goes on when the doubt is settled.
pub async fn what_is_issued_anew_waits_for_another_doubt_and_is_sent_then(h: Harness) {
    let (org, batch, out, doubt) = issued_anew_in_doubt(&h).await;
    settled(&h, &org, &doubt, Verdict::Dismiss).await;
    let again = h.claim_one().await;
    assert_eq!((again.payout.id, again.payout.attempt), (out.payout.id, 2));
    h.sent(&again, confirmed(&again.payout)).await;
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

pub async fn what_was_paid_with_another_amount_is_not_sent_again(h: Harness) {
    let (org, batch, out, doubt) = issued_anew_in_doubt(&h).await;
    settled(&h, &org, &doubt, Verdict::Paid).await;
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.attempt, row.frozen_by), ("paid", 1, None));
    assert!(h.claim(1).await.is_empty());
    h.assert_state(&org, &batch, State::Completed).await;
    assert_eq!(h.wallet(&org).await, (0, 0));
    assert_tenant(&h, &org).await;
}

pub async fn a_payment_taken_back_goes_to_the_wallet(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &List { fee: 30, ..list(1) }).await;
    let out = h.claim_one().await;
    h.sent(&out, confirmed(&out.payout)).await;
    let back = gaba::rail::Outcome::Failed { reason: Reason::new("REVERSED", "taken back"), retryable: false };
    h.store_receipt(receipt(&h, LANE, out.reference, back)).await;
    h.apply_receipts().await;
    let told = only(&h, &org).await;
    assert_eq!((told.kind.as_str(), possible(&told)), ("reversal", vec!["not_paid", "dismiss"]));
    assert_eq!(h.wallet(&org).await, (0, 0));
    settled(&h, &org, &told, Verdict::NotPaid).await;
    assert_eq!(h.wallet(&org).await, (1_000, 0), "the amount came back; the fee was earned");
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.reason.unwrap().code.as_str()), ("paid", "reversed"));
    h.assert_state(&org, &batch, State::Completed).await;
    let check = h.store.check_ledger().await.unwrap();
    let suspense = check.trial_balance.iter().find(|l| l.account == "suspense").unwrap();
    assert_eq!(suspense.debits, suspense.credits, "nothing is left in suspense");
}

/// Design: accepted, unknown and frozen rows keep a batch running.
pub async fn a_frozen_row_keeps_its_batch_running(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(2)).await;
    let out = h.claim(2).await;
    h.sent(&out[0], failed(false)).await;
    h.store_receipt(receipt(&h, LANE, out[0].reference, confirmed(&out[0].payout))).await;
    h.apply_receipts().await;
    h.sent(&out[1], confirmed(&out[1].payout)).await;
    assert_eq!(h.counts(&org, &batch).await, "1 paid, 1 failed");
    h.assert_state(&org, &batch, State::Running).await;
    settled(&h, &org, &only(&h, &org).await, Verdict::Dismiss).await;
    h.assert_state(&org, &batch, State::Completed).await;
}

pub async fn a_frozen_row_of_a_cancelled_batch_waits_for_its_verdict(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(true)).await;
    h.store_receipt(receipt(&h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    h.assert_state(&org, &batch, State::Cancelling).await;
    assert_eq!(h.wallet(&org).await, (0, 1_000));
    settled(&h, &org, &only(&h, &org).await, Verdict::Dismiss).await;
    assert_eq!(h.counts(&org, &batch).await, "1 cancelled");
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(h.wallet(&org).await, (1_000, 0));
}

/// What the model found after a million steps: when the first of two doubts was settled, the row was given up.
pub async fn a_row_of_two_doubts_in_a_cancelled_batch_waits_for_both(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(true)).await;
    for outcome in [confirmed(&first.payout), mismatched(&first.payout)] {
        h.store_receipt(receipt(&h, LANE, first.reference, outcome)).await;
        h.apply_receipts().await;
    }
    applied(h.store.cancel(&org.maker, batch.id, None).await);
    h.drive(10).await;
    let told = h.exceptions(org.id).await;
    assert_eq!(told.len(), 2, "{told:?}");
    settled(&h, &org, &told[0], Verdict::Dismiss).await;
    assert_eq!(h.counts(&org, &batch).await, "1 queued");
    h.assert_state(&org, &batch, State::Cancelling).await;
    assert_eq!((h.wallet(&org).await, h.claim(1).await.len()), ((0, 1_000), 0));
    settled(&h, &org, &told[1], Verdict::Dismiss).await;
    assert_eq!(h.counts(&org, &batch).await, "1 cancelled");
    h.assert_state(&org, &batch, State::Cancelled).await;
    assert_eq!(h.wallet(&org).await, (1_000, 0));
}

pub async fn exceptions_are_listed_by_state_and_kind(h: Harness) {
    let (org, _, _, told) = overdue(&h).await;
    let count = async |state, kind| h.store.exceptions(org.id, state, kind, page(10)).await.unwrap().items.len();
    assert_eq!(count(Some(exception::State::Open), Some(exception::Kind::Overdue)).await, 1);
    assert_eq!(count(None, Some(exception::Kind::Mismatch)).await, 0);
    settled(&h, &org, &told, Verdict::Paid).await;
    assert_eq!(count(Some(exception::State::Open), None).await, 0);
    assert_eq!(count(Some(exception::State::Resolved), None).await, 1);
}

/// The provider keeps saying what two people found to be wrong.
pub async fn what_was_settled_is_not_opened_again_by_the_same_words(h: Harness) {
    let (org, batch, out, told) = late(&h).await;
    settled(&h, &org, &told, Verdict::Dismiss).await;
    let repeat = |more: &str| {
        let news = gaba::rail::News { reference: out.reference, outcome: confirmed(&out.payout), verified: true };
        let mut body = serde_json::to_vec(&news).unwrap();
        body.extend(more.bytes());
        raw_receipt(&h, LANE, Some(out.reference), body)
    };
    h.store_receipt(repeat(" ")).await;
    assert_eq!(h.apply_receipts().await, 1);
    let row = h.view(&org, &out.payout).await;
    assert_eq!((row.state.as_str(), row.frozen_by), ("failed", None), "nobody could ever unfreeze it");
    assert_eq!(h.exceptions(org.id).await.len(), 1);
    // Other words are news.
    let mut other = confirmed(&out.payout);
    if let gaba::rail::Outcome::Paid(payment) = &mut other {
        payment.transaction_id = Some("T-other".into());
    }
    h.store_receipt(receipt(&h, LANE, out.reference, other)).await;
    h.apply_receipts().await;
    let all = h.exceptions(org.id).await;
    let again = all.iter().find(|e| e.state == "open").expect("another exception");
    assert_eq!(h.view(&org, &out.payout).await.frozen_by, Some(again.id));
    settled(&h, &org, again, Verdict::Paid).await;
    h.assert_payout(&org, &out.payout, "paid").await;
    h.store_receipt(repeat("  ")).await;
    h.apply_receipts().await;
    assert_eq!(h.view(&org, &out.payout).await.frozen_by, None, "found to be paid, and said once more");
    h.assert_state(&org, &batch, State::Completed).await;
    assert_tenant(&h, &org).await;
}

/// A provider that insists on another amount when it is asked again is not waited for in vain.
pub async fn a_provider_that_insists_is_heard_again(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let out = h.claim_one().await;
    h.sent(&out, mismatched(&out.payout)).await;
    settled(&h, &org, &only(&h, &org).await, Verdict::Dismiss).await;
    let asked = h.ask_one().await;
    h.asked(&asked, mismatched(&asked.payout)).await;
    let all = h.exceptions(org.id).await;
    let again = all.iter().find(|e| e.state == "open").expect("another exception");
    assert_eq!((all.len(), again.kind.as_str()), (2, "mismatch"));
    settled(&h, &org, again, Verdict::Paid).await;
    h.assert_state(&org, &batch, State::Completed).await;
}

/// Found to be paid under its first reference while the second was out: should the second pay too, that is a surplus and
/// no repetition.
pub async fn a_payment_of_the_attempt_that_was_given_up_is_not_lost(h: Harness) {
    let org = h.tenant().await;
    let batch = h.approved(&org, &list(1)).await;
    let first = h.claim_one().await;
    h.sent(&first, failed(true)).await;
    h.advance(HOUR);
    let second = h.claim_one().await;
    h.sent(&second, accepted()).await;
    h.store_receipt(receipt(&h, LANE, first.reference, confirmed(&first.payout))).await;
    h.apply_receipts().await;
    settled(&h, &org, &only(&h, &org).await, Verdict::Paid).await;
    let row = h.view(&org, &first.payout).await;
    assert_eq!((row.state.as_str(), row.provider_reference), ("paid", Some(first.reference)), "the one that paid");
    h.assert_state(&org, &batch, State::Completed).await;
    h.store_receipt(receipt(&h, LANE, second.reference, confirmed(&second.payout))).await;
    h.apply_receipts().await;
    let all = h.exceptions(org.id).await;
    let surplus = all.iter().find(|e| e.state == "open").expect("the second payment is told");
    assert_eq!((surplus.kind.as_str(), surplus.attempt), ("late_success", 2));
    settled(&h, &org, surplus, Verdict::Paid).await;
    let check = h.store.check_ledger().await.unwrap();
    let went_out = check.trial_balance.iter().find(|l| l.account.starts_with("settlement")).unwrap();
    assert_eq!(went_out.credits, 2_000);
}
