//! Lists before they are submitted: rows corrected one by one, set aside and brought back.

use super::books::assert_tenant;
use super::support::*;
use gaba::batch::approval;
use gaba::batch::correction::{self, Correction, RowView, Standing};
use gaba::batch::import::{Terms, Uploaded};
use gaba::batch::{Batch, State};
use gaba::config::LaneConfig;
use gaba::lane::route::Router;
use gaba::money::Currency;
use gaba::phone::Country;
use gaba::store::{CorrectRow, Done, Refusal, StoreError};
use std::sync::Arc;

/// The engine's own rules, for a list whose columns are named as ours.
fn rules(correction: Correction) -> CorrectRow {
    let lane = "name = \"mtn-ug\"\nrail = \"http\"\nbase_url = \"http://127.0.0.1:1\"\ncountry = \"UG\"\ncurrency = \"UGX\"\n\
                prefixes = [\"25677\"]\nsecret_env = \"X\"";
    let lane: LaneConfig = toml::from_str(lane).unwrap();
    Arc::new(move |stored, _| {
        let router = Router::new(std::slice::from_ref(&lane)).unwrap();
        let (currency, country) = (Currency::Ugx, Country::Uganda);
        let terms = Terms { currency, country, router: &router, mapping: None, rows_max: 100, sms: None, notice: None };
        correction::correct(stored, &correction, &terms).map_err(Refusal::into)
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
    h.store.correct_row(&org.maker, batch.id, row, None, rules(correction)).await
}

/// A list that is ready, with the digest of what it holds.
async fn ready(h: &Harness, org: &Tenant, list: &List) -> Batch {
    let batch = h.ready(org, list).await;
    approval::with_digest(&h.store, batch).await.unwrap()
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
    let judge = || rules(amount("5"));
    applied(h.store.correct_row(&org.maker, batch.id, 2, looked_at.clone(), judge()).await);
    assert_fenced(h.store.correct_row(&org.maker, batch.id, 3, looked_at, judge()).await);
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
