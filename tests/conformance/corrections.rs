//! Lists before they are submitted: rows corrected one by one, set aside and brought back.

use super::books::assert_tenant;
use super::support::*;
use gaba::batch::approval;
use gaba::batch::correction::{self, Correction, RowView, Standing};
use gaba::batch::import::{SmsTerms, Terms, Uploaded};
use gaba::batch::{Batch, Kind, NewBatch, State};
use gaba::config::LaneConfig;
use gaba::lane::route::Router;
use gaba::money::Currency;
use gaba::org::Role;
use gaba::phone::Country;
use gaba::sms::segments::{Encoding, Size};
use gaba::store::{Done, JudgeRow, Refusal, StoreError};
use std::sync::Arc;

/// The engine's own rules, for a list whose columns are named as ours.
fn rules() -> JudgeRow {
    let lane = "name = \"mtn-ug\"\nrail = \"http\"\nbase_url = \"http://127.0.0.1:1\"\ncountry = \"UG\"\ncurrency = \"UGX\"\n\
                prefixes = [\"25677\"]\nsecret_env = \"X\"";
    let lane: LaneConfig = toml::from_str(lane).unwrap();
    Arc::new(move |stored, correction, _| {
        let router = Router::new(std::slice::from_ref(&lane)).unwrap();
        let (currency, country) = (Currency::Ugx, Country::Uganda);
        let terms = Terms { currency, country, router: &router, mapping: None, rows_max: 100, sms: None, notice: None };
        correction::correct(stored, correction, &terms).map_err(Refusal::into)
    })
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn amount(amount: &str) -> Correction {
    Correction { amount: text(amount), ..Correction::default() }
}

fn aside(excluded: bool) -> Correction {
    Correction { excluded: Some(excluded), ..Correction::default() }
}

async fn correct(
    h: &Harness,
    org: &Tenant,
    batch: &Batch,
    row: u32,
    correction: Correction,
) -> Result<Done<RowView>, StoreError> {
    h.store.correct_row(&org.maker, batch.id, row, None, &correction, rules()).await
}

/// A list that is ready, with the digest of what it holds.
async fn ready(h: &Harness, org: &Tenant, list: &List) -> Batch {
    let batch = h.ready(org, list).await;
    approval::with_digest(&h.store, batch).await.unwrap()
}

pub async fn whoever_corrected_a_list_does_not_decide_about_its_money(h: Harness) {
    let org = h.tenant().await;
    let owner = h.principal(org.id, Role::Owner).await;
    let batch = ready(&h, &org, &list(2)).await;
    h.fund(&org, 9_000).await;
    let changed = applied(h.store.correct_row(&owner, batch.id, 2, None, &amount("40"), rules()).await);
    let same = h.store.correct_row(&org.checker, batch.id, 2, None, &amount("40"), rules()).await;
    assert!(matches!(same, Ok(Done::AlreadyApplied(_))), "who changes nothing has no part in it: {same:?}");
    let batch = approval::with_digest(&h.store, changed.batch).await.unwrap();
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    let digest = batch.digest.as_deref().unwrap();
    assert_eq!(refusal(h.approve_as(&owner, batch.id, digest, None).await), Refusal::SelfApproval);
    applied(h.approve(&org, &batch).await);
    assert_eq!(refusal(h.store.retry_failed(&owner, batch.id, None, None).await), Refusal::SelfApproval);
}

pub async fn a_corrected_row_changes_what_is_paid_and_the_digest(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &List { fee: 30, ..list(3) }).await;
    let view = applied(correct(&h, &org, &batch, 3, amount("2500")).await);
    assert_eq!((view.row, view.state), (3, Standing::Valid));
    assert_eq!((view.batch.amount, view.batch.valid, view.batch.digest.as_deref()), (4_500, 3, None));
    assert_eq!(view.batch.fees, 60, "a fee is reckoned anew, and this suite's rules have none");
    let after = approval::with_digest(&h.store, view.batch).await.unwrap();
    assert!(after.digest.is_some() && after.digest != batch.digest);
    assert_tenant(&h, &org).await;
    h.fund(&org, 4_560).await;
    let batch = h.submit(&org, &batch).await;
    applied(h.approve(&org, &batch).await);
    assert_eq!(h.wallet(&org).await, (0, 4_560));
    assert_eq!(h.store.row(org.id, batch.id, 3).await.unwrap().cells[1], ("amount".into(), "2500".into()));
    assert_tenant(&h, &org).await;
}

/// What import reckons while it reads is what is reckoned from the rows afterwards.
pub async fn a_row_corrected_and_put_back_gives_the_same_digest(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &List { invalid: 1, ..list(3) }).await;
    let reckoned = approval::digest(&h.store, &batch).await.unwrap();
    applied(correct(&h, &org, &batch, 2, amount("7")).await);
    let other = approval::digest(&h.store, &batch).await.unwrap();
    applied(correct(&h, &org, &batch, 2, amount("1000")).await);
    assert_ne!(reckoned, other);
    assert_eq!(approval::digest(&h.store, &batch).await.unwrap(), reckoned);
}

pub async fn an_invalid_row_becomes_valid_and_the_other_way_round(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &List { invalid: 1, ..list(2) }).await;
    let bad = FIRST_ROW + 2;
    let fixed = Correction { msisdn: text("0772345678"), amount: text("300"), ..Correction::default() };
    let view = applied(correct(&h, &org, &batch, bad, fixed).await);
    assert_eq!((view.state, view.batch.valid, view.batch.invalid, view.batch.amount), (Standing::Valid, 3, 0, 2_300));
    assert!(view.issues.iter().all(|i| i.severity == "warning"), "{:?}", view.issues);
    let view = applied(correct(&h, &org, &batch, 2, amount("1,00")).await);
    assert_eq!((view.state, view.batch.valid, view.batch.invalid, view.batch.amount), (Standing::Invalid, 2, 1, 1_300));
    assert_eq!(view.issues[0].code, "amount_ambiguous");
    let found = h.store.bad_rows(org.id, batch.id, 0, 10).await.unwrap();
    assert_eq!((found.len(), found[0].row), (1, 2));
    assert!(found[0].cells.contains(&Uploaded::new("amount", "1,00")), "{found:?}");
    approval::with_digest(&h.store, h.batch(&org, &batch).await).await.unwrap();
    assert!(matches!(
        refusal(h.store.submit(&org.maker, batch.id, false, None).await),
        Refusal::RowsInvalid { invalid: 1 }
    ));
    assert_tenant(&h, &org).await;
}

pub async fn a_row_set_aside_is_not_paid_and_can_be_brought_back(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &List { invalid: 1, ..list(3) }).await;
    for row in [2, 5] {
        assert_eq!(applied(correct(&h, &org, &batch, row, aside(true)).await).state, Standing::Excluded);
        already(correct(&h, &org, &batch, row, aside(true)).await);
    }
    let view = applied(correct(&h, &org, &batch, 3, aside(true)).await);
    let counts = |b: &Batch| (b.rows, b.valid, b.invalid, b.excluded, b.amount);
    assert_eq!(counts(&view.batch), (4, 1, 0, 3, 1_000));
    let view = applied(correct(&h, &org, &batch, 3, aside(false)).await);
    assert_eq!((view.state, counts(&view.batch)), (Standing::Valid, (4, 2, 0, 2, 2_000)));
    assert!(h.store.bad_rows(org.id, batch.id, 0, 10).await.unwrap().is_empty(), "nothing is wrong with these");
    let lines = h.store.report_lines(org.id, batch.id, 0, 10).await.unwrap();
    let told: Vec<_> = lines.iter().map(|l| (l.state.as_str(), l.reason_code.as_deref().unwrap_or(""))).collect();
    assert_eq!(told, [("excluded", "set_aside"), ("queued", ""), ("queued", ""), ("excluded", "set_aside")]);
    approval::with_digest(&h.store, view.batch).await.unwrap();
    applied(h.store.submit(&org.maker, batch.id, false, None).await);
    assert_tenant(&h, &org).await;
}

pub async fn a_reference_of_another_row_is_refused_and_a_repeated_payment_told(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(3)).await;
    let same = Correction { reference: text("S-2"), ..Correction::default() };
    let view = applied(correct(&h, &org, &batch, 3, same).await);
    assert_eq!((view.state, view.issues[0].code.as_str()), (Standing::Invalid, "duplicate_reference"));
    let twin = Correction { msisdn: text("256770000002"), ..Correction::default() };
    let view = applied(correct(&h, &org, &batch, 4, twin).await);
    assert_eq!((view.state, view.issues[0].code.as_str()), (Standing::Valid, "duplicate_payment"));
    assert_eq!(view.batch.warnings, 1);
    assert_tenant(&h, &org).await;
}

pub async fn nothing_is_corrected_once_it_is_submitted(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(2)).await;
    assert_not_found(correct(&h, &org, &batch, 99, amount("1")).await);
    let stranger = h.tenant().await;
    assert_not_found(correct(&h, &stranger, &batch, 2, amount("1")).await);
    assert_not_found(h.store.row(stranger.id, batch.id, 2).await);
    let submitted = h.submit(&org, &batch).await;
    assert_invalid_state(correct(&h, &org, &batch, 2, amount("1")).await);
    h.fund(&org, 2_000).await;
    applied(h.approve(&org, &submitted).await);
    assert_invalid_state(correct(&h, &org, &batch, 2, aside(true)).await);
    assert_eq!(h.batch(&org, &batch).await.digest, submitted.digest);
}

pub async fn what_is_withdrawn_can_be_corrected_and_submitted_again(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(2)).await;
    let submitted = h.submit(&org, &batch).await;
    assert_eq!(applied(h.store.withdraw(&org.maker, batch.id, None).await)["state"], "ready");
    already(h.store.withdraw(&org.maker, batch.id, None).await);
    h.fund(&org, 2_000).await;
    assert_invalid_state(h.approve(&org, &submitted).await);
    let view = applied(correct(&h, &org, &batch, 2, amount("900")).await);
    approval::with_digest(&h.store, view.batch).await.unwrap();
    let again = h.submit(&org, &batch).await;
    assert!(matches!(refusal(h.approve(&org, &submitted).await), Refusal::DigestMismatch { .. }));
    applied(h.approve(&org, &again).await);
    assert_eq!(h.wallet(&org).await, (100, 1_900));
    assert_invalid_state(h.store.withdraw(&org.maker, batch.id, None).await);
    assert_not_found(h.store.withdraw(&h.tenant().await.maker, batch.id, None).await);
}

pub async fn a_correction_of_an_older_look_is_fenced(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(2)).await;
    let looked_at = batch.digest.clone();
    applied(h.store.correct_row(&org.maker, batch.id, 2, looked_at.clone(), &amount("5"), rules()).await);
    assert_fenced(h.store.correct_row(&org.maker, batch.id, 3, looked_at, &amount("5"), rules()).await);
    // The digest that was reckoned of the rows before a correction is not taken for that of the rows after it.
    assert_fenced(h.store.set_digest(&batch, "sha256:old").await);
    assert_fenced(h.store.submit(&org.maker, batch.id, false, None).await);
}

pub async fn a_correction_leaves_its_trace(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(1)).await;
    applied(correct(&h, &org, &batch, 2, amount("900")).await);
    already(correct(&h, &org, &batch, 2, amount("900")).await);
    let trail = h.store.audit(org.id, page(100)).await.unwrap().items;
    let said: Vec<_> = trail.iter().filter(|e| e.act == "row.corrected").collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].detail.contains(r#"amount: "1000" became "900""#), "{}", said[0].detail);
    h.assert_state(&org, &batch, State::Ready).await;
}

/// What is said of the rows, as `(row, code, other row)`.
async fn said(h: &Harness, org: &Tenant, batch: &Batch) -> Vec<(u32, String, Option<u32>)> {
    let issues = h.store.issues(org.id, batch.id, None, page(100)).await.unwrap().items;
    issues.into_iter().map(|issue| (issue.row, issue.code, issue.other_row)).collect()
}

fn told(row: u32, code: &str, of: u32) -> (u32, String, Option<u32>) {
    (row, code.to_owned(), Some(of))
}

fn number_of(row: u32) -> Correction {
    Correction { msisdn: text(&format!("25677{row:07}")), ..Correction::default() }
}

/// Refused only because another row had its reference: an innocent row must not be left out.
pub async fn a_row_refused_because_of_another_can_be_paid_when_that_one_is_corrected(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(4)).await;
    let refer = |reference: &str| Correction { reference: text(reference), ..Correction::default() };
    for row in [3, 4] {
        assert_eq!(applied(correct(&h, &org, &batch, row, refer("S-2")).await).state, Standing::Invalid);
    }
    let counts = |b: &Batch| (b.valid, b.invalid, b.excluded, b.amount);
    // The same reference still: they stay refused.
    let view = applied(correct(&h, &org, &batch, 2, amount("900")).await);
    assert_eq!(counts(&view.batch), (2, 2, 0, 1_900));
    let refused = [told(3, "duplicate_reference", 2), told(4, "duplicate_reference", 2)];
    assert_eq!(said(&h, &org, &batch).await, refused);
    let view = applied(correct(&h, &org, &batch, 2, aside(true)).await);
    assert_eq!(counts(&view.batch), (2, 1, 1, 2_000), "one of the two has the reference now");
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_reference", 3)]);
    assert_eq!(h.store.row(org.id, batch.id, 3).await.unwrap().state, Standing::Valid);
    assert_tenant(&h, &org).await;
    // Brought back, it is the one too many.
    let view = applied(correct(&h, &org, &batch, 2, aside(false)).await);
    assert_eq!((view.state, counts(&view.batch)), (Standing::Invalid, (2, 2, 0, 2_000)));
    let view = applied(correct(&h, &org, &batch, 3, refer("T-3")).await);
    assert_eq!(counts(&view.batch), (3, 1, 0, 2_900), "row 2 is paid 900 again");
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_reference", 2)]);
    let trail = h.store.audit(org.id, page(100)).await.unwrap().items;
    assert!(trail.iter().any(|e| e.detail.contains("; row 2 can be paid")), "the trail tells of the other row");
    assert_tenant(&h, &org).await;
}

/// It repeats one row in its reference and another in its number, and is told of each once, whichever is corrected.
pub async fn a_row_that_repeats_two_others_is_told_of_each_once(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(3)).await;
    let both = Correction { reference: text("S-3"), ..number_of(2) };
    let view = applied(correct(&h, &org, &batch, 4, both).await);
    assert_eq!((view.state, view.batch.warnings), (Standing::Invalid, 1));
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_reference", 3), told(4, "duplicate_payment", 2)]);
    let given_up = Correction { reference: text("T-3"), ..Correction::default() };
    let view = applied(correct(&h, &org, &batch, 3, given_up).await);
    assert_eq!((view.batch.valid, view.batch.warnings), (3, 1));
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_payment", 2)]);
    assert_tenant(&h, &org).await;
}

pub async fn a_warning_goes_away_with_what_it_warned_of(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &list(4)).await;
    for row in [3, 4] {
        applied(correct(&h, &org, &batch, row, number_of(2)).await);
    }
    assert_eq!(said(&h, &org, &batch).await, [told(3, "duplicate_payment", 2), told(4, "duplicate_payment", 2)]);
    let view =
        applied(correct(&h, &org, &batch, 2, Correction { name: text("Okello"), ..Correction::default() }).await);
    assert_eq!((view.batch.warnings, view.issues.len()), (2, 0), "of two rows one is told");
    let view = applied(correct(&h, &org, &batch, 2, aside(true)).await);
    assert_eq!((view.batch.warnings, view.batch.valid), (1, 3));
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_payment", 3)]);
    assert_tenant(&h, &org).await;
    let view = applied(correct(&h, &org, &batch, 3, number_of(99)).await);
    assert_eq!(view.batch.warnings, 0);
    let view = applied(correct(&h, &org, &batch, 2, aside(false)).await);
    assert_eq!((view.batch.warnings, view.issues[0].other_row), (1, Some(4)));
    assert_tenant(&h, &org).await;
}

pub async fn another_amount_for_the_same_number_is_told(h: Harness) {
    let org = h.tenant().await;
    let batch = ready(&h, &org, &List { rise: 1, ..list(3) }).await;
    let view = applied(correct(&h, &org, &batch, 4, number_of(2)).await);
    assert_eq!(
        (view.state, view.issues[0].code.as_str(), view.batch.warnings),
        (Standing::Valid, "repeated_number", 1)
    );
    let view = applied(correct(&h, &org, &batch, 2, amount("1002")).await);
    assert_eq!((view.batch.warnings, view.batch.amount), (1, 3_005));
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_payment", 2)]);
    let view = applied(correct(&h, &org, &batch, 2, amount("7")).await);
    assert_eq!(view.batch.warnings, 1);
    assert_eq!(said(&h, &org, &batch).await, [told(4, "repeated_number", 2)]);
    applied(correct(&h, &org, &batch, 2, number_of(50)).await);
    assert!(said(&h, &org, &batch).await.is_empty());
    assert_tenant(&h, &org).await;
}

/// What another list pays stays told while the list's own repeats are judged again.
pub async fn what_was_told_of_another_list_outlives_a_correction_of_another_row(h: Harness) {
    let org = h.tenant().await;
    h.ready(&org, &List { rise: 1, ..list(2) }).await;
    let batch = ready(&h, &org, &list(2)).await;
    applied(correct(&h, &org, &batch, 3, Correction { amount: text("1000"), ..number_of(2) }).await);
    let since = Some(h.now() - std::time::Duration::from_secs(3_600));
    approval::tell_duplicates(&h.store, &h.batch(&org, &batch).await, since).await.unwrap();
    let elsewhere = |row: u32| (row, "duplicate_in_batch".to_owned(), None);
    // Its reference is somebody else's there since its number was corrected.
    let reference = (3, "repeated_reference".to_owned(), None);
    let before = [elsewhere(2), told(3, "duplicate_payment", 2), elsewhere(3), reference.clone()];
    assert_eq!(said(&h, &org, &batch).await, before);
    let view = applied(correct(&h, &org, &batch, 2, aside(true)).await);
    assert_eq!((view.batch.warnings, view.batch.duplicates), (2, 1));
    assert_eq!(said(&h, &org, &batch).await, [elsewhere(3), reference.clone()]);
    approval::tell_duplicates(&h.store, &view.batch, since).await.unwrap();
    assert_eq!(said(&h, &org, &batch).await, [elsewhere(3), reference], "told once");
    assert_tenant(&h, &org).await;
}

const TEXT: &str = "Dear ((name)), come on ((day))";

/// The engine's own rules for a list of SMS.
fn rules_of_sms() -> JudgeRow {
    Arc::new(move |stored, correction, _| {
        let router = Router::new(&[]).unwrap();
        let sms = Some(SmsTerms { template: TEXT.into(), lane: "blasta".into(), price: ugx(35) });
        let (currency, country) = (Currency::Ugx, Country::Uganda);
        let terms = Terms { currency, country, router: &router, mapping: None, rows_max: 100, sms, notice: None };
        correction::correct(stored, correction, &terms).map_err(Refusal::into)
    })
}

/// A list of three that are told to come on Monday.
async fn ready_sms(h: &Harness, org: &Tenant) -> Batch {
    let size = Size { encoding: Encoding::Gsm7, units: 24, segments: 1 };
    let mut rows = list(3).new_rows();
    for row in &mut rows {
        let recipient = row.recipient.as_mut().unwrap();
        let variables = serde_json::json!({"msisdn": recipient.msisdn, "name": "Okello", "day": "Monday"});
        (recipient.variables, recipient.name) = (variables.to_string(), "Okello".into());
        (recipient.sms, recipient.amount, recipient.reference) = (Some(size), ugx(35), None);
    }
    let new = NewBatch { kind: Kind::Sms, sms_template: Some(TEXT.into()), ..h.new_batch(org, "sms", &list(3)) };
    applied(h.store.create_batch(new).await);
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&batch, LEASE, rows).await.unwrap();
    h.store.finish_import(&batch, List { amount: 35, ..list(3) }.totals("sha256:sms")).await.unwrap();
    h.batch(org, &batch).await
}

pub async fn a_corrected_message_is_compared_with_the_others(h: Harness) {
    let org = h.tenant().await;
    let batch = ready_sms(&h, &org).await;
    let correct = async |row: u32, correction: Correction| {
        let corrected = h.store.correct_row(&org.maker, batch.id, row, None, &correction, rules_of_sms()).await;
        applied(corrected)
    };
    let day =
        |day: &str| Correction { variables: [("day".to_owned(), day.to_owned())].into(), ..Correction::default() };
    let view = correct(4, number_of(2)).await;
    assert_eq!((view.state, view.batch.warnings), (Standing::Valid, 1), "{:?}", view.issues);
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_message", 2)]);
    correct(2, day("Friday")).await;
    assert_eq!(said(&h, &org, &batch).await, [told(4, "repeated_number", 2)]);
    correct(4, day("Friday")).await;
    assert_eq!(said(&h, &org, &batch).await, [told(4, "duplicate_message", 2)]);
    let view = correct(2, aside(true)).await;
    assert_eq!((view.batch.warnings, view.batch.valid, view.batch.amount), (0, 2, 70));
    assert!(said(&h, &org, &batch).await.is_empty());
    assert_tenant(&h, &org).await;
}
