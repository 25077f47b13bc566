//! What is known of a list beside its rows: how it was understood, what it was declared to hold, how far it is read.

use super::steps::SMS_LANE;
use super::support::*;
use gaba::batch::import::{Fingerprint, Mapping, MappingSource};
use gaba::batch::{Batch, Declared, Kind, Reading, State, Understood};
use gaba::sms::segments;
use gaba::store::{IssueView, NewRow, Refusal};
use serde_json::json;

fn understood(mapping_source: MappingSource, header: u8) -> Understood {
    let mapping = r#"{"msisdn":"Tel.","amount":"Net pay"}"#.to_owned();
    Understood { source: json!({"format": "csv", "header_row": 4}), mapping, mapping_source, header: [header; 32] }
}

/// Uploads a list with this mapping, reads it, and finishes it as `understood`.
async fn read(h: &Harness, tenant: &Tenant, mapping: Option<&str>, understood: Understood) -> Batch {
    read_as(h, tenant, Kind::Payout, mapping, understood).await
}

async fn read_as(h: &Harness, tenant: &Tenant, kind: Kind, mapping: Option<&str>, understood: Understood) -> Batch {
    let mut new = h.new_batch(tenant, &format!("key-{}", h.next()), &list(1));
    (new.kind, new.mapping) = (kind, mapping.map(str::to_owned));
    let mut rows = list(1).new_rows();
    if kind == Kind::Sms {
        new.sms_template = Some("Come".into());
        let recipient = rows[0].recipient.as_mut().unwrap();
        (recipient.lane, recipient.sms) = (SMS_LANE.into(), Some(segments::measure("Come")));
    }
    let created = applied(h.store.create_batch(new).await);
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&batch, LEASE, rows).await.unwrap();
    let mut totals = list(1).totals("sha256:0");
    totals.understood = Some(understood);
    h.store.finish_import(&batch, totals).await.unwrap();
    h.batch(tenant, &created).await
}

pub async fn a_list_shows_how_it_was_understood(h: Harness) {
    let org = h.tenant().await;
    let batch = read(&h, &org, Some(r#"{"amount":"net PAY"}"#), understood(MappingSource::Given, 1)).await;
    assert_eq!(batch.source, Some(json!({"format": "csv", "header_row": 4})));
    assert_eq!(batch.mapping.as_deref(), Some(r#"{"msisdn":"Tel.","amount":"Net pay"}"#));
    assert_eq!(batch.mapping_source.as_deref(), Some("given"));
}

pub async fn a_mapping_is_remembered_for_its_header_once_its_list_is_approved(h: Harness) {
    let (org, other) = (h.tenant().await, h.tenant().await);
    let given = Some(r#"{"amount":"Net pay"}"#);
    let batch = read(&h, &org, given, understood(MappingSource::Given, 1)).await;
    assert_eq!(remembered(&h, &org, Kind::Payout).await, [], "it may be a slip");
    approve(&h, &org, &batch).await;
    for (mapping, source, header) in [
        (None, MappingSource::Recognised, 2),
        (None, MappingSource::Remembered, 1),
        (Some("{}"), MappingSource::Recognised, 3),
    ] {
        let batch = read(&h, &org, mapping, understood(source, header)).await;
        approve(&h, &org, &batch).await;
    }
    let net = Mapping::parse(r#"{"msisdn":"Tel.","amount":"Net pay"}"#).unwrap();
    assert_eq!(remembered(&h, &org, Kind::Payout).await, [([1; 32], net.clone())]);
    assert_eq!(remembered(&h, &other, Kind::Payout).await, []);
    let gross = r#"{"msisdn":"Tel.","amount":"Gross pay"}"#;
    let later = Understood { mapping: gross.into(), ..understood(MappingSource::Given, 1) };
    h.advance(LEASE);
    let batch = read(&h, &org, Some(gross), later).await;
    assert_eq!(remembered(&h, &org, Kind::Payout).await, [([1; 32], net)]);
    approve(&h, &org, &batch).await;
    assert_eq!(
        remembered(&h, &org, Kind::Payout).await,
        [([1; 32], Mapping::parse(gross).unwrap())],
        "the latest word counts"
    );
}

/// A list of SMS goes to whatever number reaches people; its header may be that of a payroll.
pub async fn what_lists_of_one_kind_taught_is_not_used_for_another(h: Harness) {
    let org = h.tenant().await;
    let taught = |column: &str| format!(r#"{{"msisdn":"{column}","amount":"Net pay"}}"#);
    let known = |column: &str| vec![([1; 32], Mapping::parse(&taught(column)).unwrap())];
    for (kind, column, payroll, messages) in [
        (Kind::Payout, "MoMo line", known("MoMo line"), vec![]),
        (Kind::Sms, "Whatsapp line", known("MoMo line"), known("Whatsapp line")),
        (Kind::Payout, "Salary line", known("Salary line"), known("Whatsapp line")),
        (Kind::Sms, "Home line", known("Salary line"), known("Home line")),
    ] {
        let mapping = taught(column);
        let said = Understood { mapping: mapping.clone(), ..understood(MappingSource::Given, 1) };
        let batch = read_as(&h, &org, kind, Some(&mapping), said).await;
        approve(&h, &org, &batch).await;
        assert_eq!(remembered(&h, &org, Kind::Payout).await, payroll, "after {column}");
        assert_eq!(remembered(&h, &org, Kind::Sms).await, messages, "after {column}");
    }
}

async fn remembered(h: &Harness, org: &Tenant, kind: Kind) -> Vec<(Fingerprint, Mapping)> {
    h.store.remembered_mappings(org.id, kind).await.unwrap().into_iter().collect()
}

async fn approve(h: &Harness, org: &Tenant, batch: &Batch) {
    h.fund(org, 1_000).await;
    let batch = h.submit(org, batch).await;
    applied(h.approve(org, &batch).await);
}

pub async fn a_mapping_of_an_upload_that_failed_is_not_remembered(h: Harness) {
    let org = h.tenant().await;
    let mut new = h.new_batch(&org, "march", &list(1));
    new.mapping = Some(r#"{"amount":"Net pay"}"#.into());
    applied(h.store.create_batch(new).await);
    let batch = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.fail_import(&batch, "the file is empty").await.unwrap();
    assert_eq!(remembered(&h, &org, Kind::Payout).await, []);
}

pub async fn an_import_shows_how_far_it_is_and_begins_again_at_nothing(h: Harness) {
    let org = h.tenant().await;
    let mut few = list(4);
    few.invalid = 2;
    let created = h.uploaded(&org, &few).await;
    let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
    let mut rows = few.new_rows();
    let last = rows.split_off(5);
    for (read_bytes, rows) in [(100, rows), (160, last.clone())] {
        let at = Batch { reading: Some(Reading { read_bytes, file_bytes: 160 }), ..claimed.clone() };
        h.store.import_rows(&at, LEASE, rows).await.unwrap();
        let shown = h.batch(&org, &created).await;
        assert_eq!(shown.reading, at.reading);
        assert_eq!((shown.rows, shown.valid, shown.invalid), if read_bytes == 100 { (5, 4, 1) } else { (6, 4, 2) });
        assert_eq!(shown.state, State::Importing);
    }
    h.lapse();
    let again = h.store.claim_import(LEASE).await.unwrap().unwrap();
    let shown = h.batch(&org, &created).await;
    assert_eq!((shown.rows, shown.valid, shown.invalid, shown.reading), (0, 0, 0, None));
    h.store.import_rows(&again, LEASE, few.new_rows()).await.unwrap();
    h.store.finish_import(&again, few.totals("sha256:0")).await.unwrap();
    let shown = h.batch(&org, &created).await;
    assert_eq!((shown.rows, shown.valid, shown.invalid), (6, 4, 2));
    assert_eq!(shown.tally(gaba::payout::State::Queued).rows, 4);
}

pub async fn a_failed_import_counts_nothing(h: Harness) {
    let org = h.tenant().await;
    let created = h.uploaded(&org, &list(3)).await;
    let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&claimed, LEASE, list(3).new_rows()).await.unwrap();
    h.store.fail_import(&claimed, "a quote is not closed").await.unwrap();
    let shown = h.batch(&org, &created).await;
    assert_eq!((shown.state, shown.rows, shown.valid), (State::ImportFailed, 0, 0));
}

pub async fn what_is_said_of_a_list_as_a_whole_is_no_row_of_it(h: Harness) {
    let org = h.tenant().await;
    let created = h.uploaded(&org, &list(2)).await;
    let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
    h.store.import_rows(&claimed, LEASE, list(2).new_rows()).await.unwrap();
    let issue = IssueView {
        row: 1,
        column: None,
        code: "encoding_guessed".into(),
        severity: "warning".into(),
        message: "look at the names".into(),
        value: None,
        other_row: None,
    };
    let notice = NewRow { row: 1, recipient: None, rejected: None, issues: vec![issue] };
    h.store.import_rows(&claimed, LEASE, vec![notice]).await.unwrap();
    let mut totals = list(2).totals("sha256:0");
    totals.warnings = 1;
    h.store.finish_import(&claimed, totals).await.unwrap();
    let shown = h.batch(&org, &created).await;
    assert_eq!((shown.rows, shown.valid, shown.invalid, shown.warnings), (2, 2, 0, 1));
    let issues = h.store.issues(org.id, created.id, None, page(10)).await.unwrap().items;
    assert_eq!(issues.iter().map(|i| (i.row, i.code.as_str())).collect::<Vec<_>>(), [(1, "encoding_guessed")]);
    applied(h.store.submit(&org.maker, created.id, false, None).await);
}

pub async fn a_list_that_is_not_what_was_declared_is_not_submitted(h: Harness) {
    let org = h.tenant().await;
    for (total, count, agrees) in [
        (None, None, true),
        (Some(2_000), Some(2), true),
        (Some(2_001), None, false),
        (None, Some(3), false),
        (Some(2_000), Some(1), false),
    ] {
        let mut new = h.new_batch(&org, &format!("key-{}", h.next()), &list(2));
        new.declared = Declared { total: total.map(ugx), count };
        let created = applied(h.store.create_batch(new.clone()).await);
        assert_eq!(h.batch(&org, &created).await.declared, new.declared);
        let claimed = h.store.claim_import(LEASE).await.unwrap().unwrap();
        h.store.import_rows(&claimed, LEASE, list(2).new_rows()).await.unwrap();
        h.store.finish_import(&claimed, list(2).totals("sha256:0")).await.unwrap();
        let submitted = h.store.submit(&org.maker, created.id, false, None).await;
        if agrees {
            applied(submitted);
        } else {
            let found = "2 rows of UGX 2,000 together".to_owned();
            assert_eq!(refusal(submitted), Refusal::DeclaredMismatch { declared: new.declared.words(), found });
            h.assert_state(&org, &created, State::Ready).await;
        }
    }
}
