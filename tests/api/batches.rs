//! Uploads: recognised when they come again, refused when they cannot be meant, and read without guessing.

use super::*;
use crate::support::list;

#[tokio::test]
async fn an_upload_repeated_under_its_key_is_one_batch_and_another_file_is_refused() {
    let world = World::start("upload").await;
    let maker = &world.gaba.maker;
    let send = || upload(maker, "march", form(list(3, 50_000), "march.csv", &[]));
    let (one, two) = tokio::join!(send(), send());
    let three = send().await;
    for answer in [&one, &two, &three] {
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(id(&answer.body), id(&one.body));
        assert_eq!(answer.headers["location"], format!("/v1/batches/{}", id(&one.body)).as_str());
    }
    upload(maker, "march", form(list(4, 50_000), "march.csv", &[])).await.is_problem(422, "idempotency_key_reused");
    let renamed = form(list(3, 50_000), "march.csv", &[("name", "April")]);
    upload(maker, "march", renamed).await.is_problem(422, "idempotency_key_reused");
    let quoted = upload(maker, "\"march\"", form(list(3, 50_000), "march.csv", &[])).await;
    assert_eq!(id(&quoted.body), id(&one.body), "a key is the same with and without quotes");
    assert_eq!(maker.all("/v1/batches").await.len(), 1);
    let ready = maker.batch_in(id(&one.body), &["ready"]).await;
    assert_eq!(ready["counts"]["rows"], 3);
    assert_eq!(send().await.body["state"], "ready", "a repetition shows how it stands now");
}

#[tokio::test]
async fn an_upload_without_a_key_or_with_terms_that_cannot_be_meant_is_refused() {
    let world = World::start("terms").await;
    let maker = &world.gaba.maker;
    let keyless = reply(request(maker, "POST", "/v1/batches").multipart(form(list(1, 1_000), "a.csv", &[]))).await;
    keyless.is_problem(400, "invalid_request");
    assert_eq!(keyless.pointer(), "#Idempotency-Key");
    for key in ["", "two words", &"k".repeat(256), "\"open"] {
        let refused = upload(maker, key, form(list(1, 1_000), "a.csv", &[])).await;
        refused.is_problem(400, "invalid_request");
        assert_eq!(refused.pointer(), "#Idempotency-Key", "{key:?}");
    }
    for (status, field, value) in [
        (400, "kind", "refund"),
        (400, "kind", ""),
        (422, "currency", "XXX"),
        (422, "currency", "KES"),
        (400, "name", "  "),
        (400, "name", "two\nlines"),
        (400, "notify", "yes"),
        (400, "scheduled_at", "tomorrow"),
        (400, "mapping", "[]"),
        (400, "mapping", r#"{"iban":"IBAN"}"#),
        (400, "cover_withdrawal_fee", "true"),
        (400, "colour", "red"),
    ] {
        let refused = upload(maker, &fresh(), form(list(1, 1_000), "a.csv", &[(field, value)])).await;
        assert_eq!(refused.status, status, "{field}={value}: {}", refused.body);
        assert_eq!(refused.pointer(), format!("/{field}"), "{}", refused.body);
    }
    let wrong = [("name", ""), ("currency", "XXX"), ("notify", "x"), ("kind", "x")];
    let all = upload(maker, &fresh(), form(list(1, 1_000), "a.csv", &wrong)).await;
    assert_eq!(all.body["errors"].as_array().unwrap().len(), 4, "everything wrong is told at once: {}", all.body);
    let empty = upload(maker, &fresh(), form("", "a.csv", &[])).await;
    assert_eq!((empty.status, empty.pointer()), (400, "/file"));
    assert_eq!(maker.all("/v1/batches").await.len(), 0);
}

#[tokio::test]
async fn a_file_larger_than_allowed_is_refused_with_413() {
    let world = World::configured("large", |toml| format!("upload_bytes_max = 20000\n{toml}")).await;
    let maker = &world.gaba.maker;
    let fits = vec![b'x'; 20_000];
    for (bytes, status) in [(20_001, 413), (2_000_000, 413)] {
        let refused = upload(maker, &fresh(), form(vec![b'x'; bytes], "a.csv", &[])).await;
        refused.is_problem(status, "too_large");
        assert!(refused.body["detail"].as_str().unwrap().contains("20000 bytes"), "{}", refused.body);
    }
    assert_eq!(upload(maker, &fresh(), form(fits, "a.csv", &[])).await.status, 202);
    let long = "n".repeat(70_000);
    upload(maker, &fresh(), form("a", "a.csv", &[("name", &long)])).await.is_problem(413, "too_large");
}

#[tokio::test]
async fn the_sample_workbook_of_200_staff_is_read_without_an_issue() {
    let mtn = "\"25678\"]";
    let world = World::configured("workbook", |toml| toml.replace(mtn, "\"25678\", \"25639\"]")).await;
    let bytes = std::fs::read(fixture("payroll_uganda.xlsx")).unwrap();
    let uploaded = upload(&world.gaba.maker, &fresh(), form(bytes, "payroll_uganda.xlsx", &[])).await;
    assert_eq!(uploaded.status, 202, "{}", uploaded.body);
    let ready = world.gaba.maker.batch_in(id(&uploaded.body), &["ready", "import_failed"]).await;
    assert_eq!(ready["state"], "ready", "{ready}");
    let counts = &ready["counts"];
    assert_eq!((&counts["rows"], &counts["valid"], &counts["invalid"]), (&json!(200), &json!(200), &json!(0)));
    assert_eq!(counts["queued"], 200, "before the approval the payable rows are shown as queued");
    assert_eq!(ready["file_name"], "payroll_uganda.xlsx");
    assert_eq!(world.gaba.maker.all(&format!("/v1/batches/{}/issues", id(&ready))).await, Vec::<Value>::new());
    let payouts = world.gaba.maker.all(&format!("/v1/batches/{}/payouts", id(&ready))).await;
    let sum: i64 = payouts.iter().map(|p| number(&p["amount"])).sum();
    assert_eq!((payouts.len(), sum), (200, number(&ready["totals"]["amount"])));
}

#[tokio::test]
async fn every_bad_row_is_told_with_its_column_and_remedy_and_left_out_only_on_demand() {
    let world = World::start("bad-rows").await;
    let maker = &world.gaba.maker;
    let bytes = std::fs::read(fixture("bad_rows.csv")).unwrap();
    let uploaded = upload(maker, &fresh(), form(bytes, "bad_rows.csv", &[])).await.body;
    let ready = maker.batch_in(id(&uploaded), &["ready"]).await;
    let counts = &ready["counts"];
    assert_eq!((&counts["rows"], &counts["valid"], &counts["invalid"]), (&json!(18), &json!(4), &json!(14)));

    let issues = maker.all(&format!("/v1/batches/{}/issues", id(&ready))).await;
    let told: Vec<(u64, &str)> =
        issues.iter().map(|i| (i["row"].as_u64().unwrap(), i["code"].as_str().unwrap())).collect();
    assert_eq!(told.iter().filter(|(row, _)| (3..=16).contains(row)).count(), 14, "{told:?}");
    for issue in &issues {
        assert!(issue["column"].is_string() || issue["code"] == "duplicate_payment", "{issue}");
        assert!(issue["message"].as_str().unwrap().len() > 20, "{issue}");
        let bad = (3..=16).contains(&issue["row"].as_u64().unwrap());
        assert_eq!(issue["severity"], if bad { "error" } else { "warning" }, "{issue}");
    }
    let of_row = |row: u64| issues.iter().find(|i| i["row"] == row).unwrap();
    assert_eq!(of_row(3)["column"], "phone");
    assert_eq!((&of_row(3)["code"], &of_row(3)["value"]), (&json!("phone_digits_lost"), &json!("2.56772E+11")));
    assert_eq!((&of_row(11)["column"], &of_row(11)["code"]), (&json!("amount"), &json!("amount_negative")));
    assert_eq!(maker.all(&format!("/v1/batches/{}/issues", id(&ready))).await.len(), 17);
    let pages = page_by_page(maker, &format!("/v1/batches/{}/issues", id(&ready))).await;
    assert_eq!(pages, issues, "one at a time is the same list");

    let refused = command(maker, &ready, "submit", json!({})).await;
    refused.is_problem(409, "rows_invalid");
    assert_eq!(refused.body["invalid"], 14);
    let submitted = command(maker, &ready, "submit", json!({"exclude_invalid": true})).await;
    assert_eq!(submitted.status, 200, "{}", submitted.body);
    assert_eq!(world.gaba.checker.approve(&submitted.body).await.0, 200);
    let done = maker.batch_in(id(&ready), &["completed"]).await;
    assert_eq!((&done["counts"]["paid"], &done["totals"]["paid_amount"]), (&json!(4), &json!("1400000")));
    let report = maker.get(&format!("/v1/batches/{}/report?format=json", id(&ready))).await.1;
    let lines = report["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 18);
    for line in lines.iter().filter(|l| (3..=16).contains(&l["row"].as_u64().unwrap())) {
        assert_eq!((&line["state"], &line["payout_id"]), (&json!("excluded"), &Value::Null), "{line}");
        assert!(line["reason_code"].is_string() && line["reason"].is_string(), "{line}");
    }
    crate::support::judge::at_rest(&world.gaba, &world.network, &[id(&ready)]).await;
}

/// A list read with `limit=1`.
async fn page_by_page(api: &Api, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = api.get(&format!("{path}?limit=1{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_list_fails_to_import_with_a_remedy() {
    let world = World::start("no-list").await;
    let maker = &world.gaba.maker;
    for (file, told) in [
        (&b"name,phone,amount\n"[..], "no recipients"),
        (b"\x89PNG\r\n\x1a\n0000", "not a list"),
        (b"name,phone,amount\nx,\"0772345678,5\n", "never closed"),
        (b"name,phone,salary,net pay\nx,0772345678,5,6\n", "more than one column"),
        (b"PK\x03\x04 no workbook", "damaged"),
    ] {
        let uploaded = upload(maker, &fresh(), form(file, "list.csv", &[])).await;
        assert_eq!(uploaded.status, 202, "{}", uploaded.body);
        let failed = maker.batch_in(id(&uploaded.body), &["import_failed", "ready"]).await;
        assert!(failed["failure"].as_str().unwrap_or_default().contains(told), "{told}: {failed}");
        let refused = command(maker, &failed, "submit", json!({})).await;
        refused.is_problem(409, "invalid_state");
        assert_eq!(refused.body["state"], "import_failed");
    }
}

#[tokio::test]
async fn batches_are_listed_newest_first_page_by_page_without_loss() {
    let world = World::start("pages").await;
    let maker = &world.gaba.maker;
    let uploads = (0..7).map(|n| {
        let name = format!("list {n}");
        async move { upload(maker, &fresh(), form(list(1, 1_000), "a.csv", &[("name", &name)])).await }
    });
    // Together, so that some are created in the same moment.
    let uploaded = futures::future::join_all(uploads).await;
    let mut expected: Vec<&str> = uploaded.iter().map(|u| id(&u.body)).collect();
    let listed = page_by_page(maker, "/v1/batches").await;
    let mut found: Vec<&str> = listed.iter().map(id).collect();
    let times: Vec<&str> = listed.iter().map(|b| b["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}
