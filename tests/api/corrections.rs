//! Lists before they are submitted: what is wrong with them, their rows corrected one by one, and the bad ones as a list to
//! upload again. And payments that another list makes too.

use super::lists::ready;
use super::*;

const LIST: &str = "name,phone,amount\nAkello,0772345678,5000\nOkello,07,6000\n";

async fn correct(api: &Api, batch: &Value, row: u32, change: Value) -> Reply {
    reply(request(api, "PATCH", &format!("/v1/batches/{}/rows/{row}", id(batch))).json(&change)).await
}

async fn correct_having_seen(api: &Api, batch: &Value, digest: &str, change: Value) -> Reply {
    let request = request(api, "PATCH", &format!("/v1/batches/{}/rows/3", id(batch)));
    reply(request.header("If-Match", digest).json(&change)).await
}

/// The cell of a row under this header.
fn cell<'a>(row: &'a Value, header: &str) -> &'a str {
    let mut cells = row["cells"].as_array().unwrap().iter();
    cells.find(|cell| cell[0] == header).and_then(|cell| cell[1].as_str()).unwrap_or_else(|| panic!("{header}: {row}"))
}

#[tokio::test]
async fn a_row_is_corrected_until_it_can_be_paid() {
    let world = World::start("corrected").await;
    let maker = &world.gaba.maker;
    let batch = ready(maker, LIST, &[]).await;
    assert_eq!((&batch["counts"]["valid"], &batch["counts"]["invalid"]), (&json!(1), &json!(1)), "{batch}");
    let worse = correct(maker, &batch, 3, json!({"msisdn": "12345"})).await;
    assert_eq!((worse.status, &worse.body["state"]), (200, &json!("invalid")), "{}", worse.body);
    let issue = &worse.body["issues"][0];
    assert_eq!(
        (&issue["column"], &issue["severity"], &issue["value"]),
        (&json!("phone"), &json!("error"), &json!("12345"))
    );
    assert_eq!((cell(&worse.body, "phone"), cell(&worse.body, "name")), ("12345", "Okello"));
    assert_eq!(worse.body["batch"]["counts"]["invalid"], 1);
    let fixed = correct(maker, &batch, 3, json!({"msisdn": "0752345678"})).await;
    assert_eq!((fixed.status, &fixed.body["state"], &fixed.body["issues"]), (200, &json!("valid"), &json!([])));
    let after = &fixed.body["batch"];
    assert_eq!((&after["counts"]["valid"], &after["counts"]["invalid"]), (&json!(2), &json!(0)));
    assert_eq!(after["totals"]["amount"], "11000");
    assert!(after["digest"].is_string() && after["digest"] != batch["digest"], "{after}");
    assert_eq!(maker.all(&format!("/v1/batches/{}/issues", id(&batch))).await, Vec::<Value>::new());

    for unfit in [json!({"iban": "1"}), json!({"amount": 6000}), json!({"variables": {"Colour": "red"}}), json!([])] {
        correct(maker, &batch, 3, unfit).await.is_problem(400, "invalid_request");
    }
    for row in [1, 99] {
        correct(maker, &batch, row, json!({"amount": "1"})).await.is_problem(404, "not_found");
    }
    correct(&world.gaba.checker, &batch, 3, json!({"amount": "1"})).await.is_problem(403, "forbidden");
    let (_, stranger, _) = world.other_organisation();
    correct(&stranger, &batch, 3, json!({"amount": "1"})).await.is_problem(404, "not_found");
    let look = request(&stranger, "GET", &format!("/v1/batches/{}/rows/3", id(&batch)));
    reply(look).await.is_problem(404, "not_found");

    let submitted = command(maker, &batch, "submit", json!({})).await;
    assert_eq!((submitted.status, &submitted.body["digest"]), (200, &after["digest"]), "{}", submitted.body);
    let late = correct(maker, &batch, 3, json!({"amount": "1"})).await;
    late.is_problem(409, "invalid_state");
    assert_eq!(late.body["state"], "awaiting_approval");
    assert_eq!(world.gaba.checker.approve(&submitted.body).await.0, 200);
    maker.batch_in(id(&batch), &["completed"]).await;
    let book = world.network.book().await;
    let mut paid: Vec<_> = book.iter().filter(|e| e["state"] == "paid").map(|e| (&e["msisdn"], &e["amount"])).collect();
    paid.sort_by_key(|(msisdn, _)| msisdn.to_string());
    assert_eq!(
        paid,
        [(&json!("256752345678"), &json!("6000")), (&json!("256772345678"), &json!("5000"))],
        "as corrected"
    );
}

/// Each issue of a row by its code.
fn codes(row: &Value) -> Vec<&str> {
    row["issues"].as_array().unwrap().iter().map(|issue| issue["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_only_the_file_tells_of_a_row_is_not_answered_by_correcting_it() {
    let world = World::start("of-the-file").await;
    let maker = &world.gaba.maker;
    let swallowed = "name,phone,amount,remark\nAkello,0772345678,5000,\"see note\n07723,UGX 6OOO,pipe of 5\"\n";
    let batch = ready(maker, swallowed, &[]).await;
    for change in [json!({"amount": "5001"}), json!({"excluded": true}), json!({"excluded": false})] {
        let row = correct(maker, &batch, 2, change).await.body;
        assert_eq!((codes(&row), &row["batch"]["counts"]["warnings"]), (vec!["lines_in_cell"], &json!(1)), "{row}");
    }
    let workbook = std::fs::read(fixture("sheets/hidden.xlsx")).unwrap();
    let (status, batch) = maker.upload_as("hidden", "hidden.xlsx", workbook, &[]).await;
    assert_eq!(status, 202, "{batch}");
    let batch = maker.batch_in(id(&batch), &["ready"]).await;
    let issues = maker.all(&format!("/v1/batches/{}/issues", id(&batch))).await;
    let hidden = issues.iter().find(|issue| issue["code"] == "row_hidden").unwrap();
    let row = correct(maker, &batch, hidden["row"].as_u64().unwrap() as u32, json!({"name": "Somebody else"})).await;
    assert_eq!(codes(&row.body), ["row_hidden"], "{}", row.body);
    assert_eq!(row.body["batch"]["counts"]["warnings"], batch["counts"]["warnings"]);
}

#[tokio::test]
async fn a_list_without_names_is_not_blamed_for_them() {
    let world = World::start("nameless").await;
    let maker = &world.gaba.maker;
    let batch = ready(maker, "phone,amount\n0772345678,5000\n", &[]).await;
    let row = correct(maker, &batch, 2, json!({"amount": "6000"})).await.body;
    assert_eq!(
        (codes(&row), &row["cells"]),
        (vec![], &json!([["phone", "256772345678"], ["amount", "6000"]])),
        "{row}"
    );
    let row = correct(maker, &batch, 2, json!({"name": "Akello"})).await.body;
    assert_eq!((codes(&row), cell(&row, "name")), (vec![], "Akello"));
}

#[tokio::test]
async fn a_correction_of_a_list_that_changed_since_it_was_looked_at_is_refused() {
    let world = World::start("if-match").await;
    let maker = &world.gaba.maker;
    let batch = ready(maker, LIST, &[]).await;
    let seen = batch["digest"].as_str().unwrap();
    let first = correct_having_seen(maker, &batch, &format!("\"{seen}\""), json!({"msisdn": "0752345678"})).await;
    assert_eq!((first.status, &first.body["state"]), (200, &json!("valid")), "{}", first.body);
    let stale = correct_having_seen(maker, &batch, &format!("\"{seen}\""), json!({"amount": "9000"})).await;
    stale.is_problem(412, "precondition_failed");
    let row = maker.get(&format!("/v1/batches/{}/rows/3", id(&batch))).await.1;
    assert_eq!((cell(&row, "amount"), &row["batch"]["digest"]), ("6000", &first.body["batch"]["digest"]));
    let now = first.body["batch"]["digest"].as_str().unwrap();
    assert_eq!(correct_having_seen(maker, &batch, now, json!({"amount": "9000"})).await.status, 200, "quotes or not");
    let malformed = correct_having_seen(maker, &batch, "3", json!({"amount": "1"})).await;
    malformed.is_problem(400, "invalid_request");
    assert_eq!(malformed.pointer(), "#If-Match");
}

#[tokio::test]
async fn a_row_is_set_aside_and_brought_back() {
    let world = World::start("aside").await;
    let maker = &world.gaba.maker;
    let batch = ready(maker, LIST, &[]).await;
    let counts = |row: &Value| {
        let counts = &row["batch"]["counts"];
        ["valid", "invalid", "excluded"].map(|name| counts[name].as_i64().unwrap())
    };
    let aside = correct(maker, &batch, 2, json!({"excluded": true})).await.body;
    assert_eq!((&aside["state"], counts(&aside)), (&json!("excluded"), [0, 1, 1]), "{aside}");
    assert_ne!(aside["batch"]["digest"], batch["digest"]);
    let back = correct(maker, &batch, 2, json!({"excluded": false})).await.body;
    assert_eq!((&back["state"], counts(&back)), (&json!("valid"), [1, 1, 0]), "{back}");
    assert_eq!(back["batch"]["digest"], batch["digest"], "it is the same list again");
    let bad = correct(maker, &batch, 3, json!({"excluded": true})).await.body;
    assert_eq!((&bad["state"], counts(&bad)), (&json!("excluded"), [1, 0, 1]), "{bad}");
    let submitted = command(maker, &batch, "submit", json!({"exclude_invalid": false})).await;
    assert_eq!(submitted.status, 200, "nothing is wrong any more: {}", submitted.body);
    assert_eq!(world.gaba.checker.approve(&submitted.body).await.0, 200);
    let done = maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!((&done["counts"]["paid"], world.paid_by_network().await), (&json!(1), 1), "{done}");
}

/// A column that is called as a field of ours, beside the one that is mapped to it, is a column like any other.
#[tokio::test]
async fn a_correction_keeps_the_column_that_only_is_called_name() {
    let world = World::configured("two-names", |toml| {
        toml.replace("sender = \"GABA\"", "sender = \"GABA\"\ncurrency = \"UGX\"\nprice_per_segment = \"35\"")
    })
    .await;
    let maker = &world.gaba.maker;
    let csv = "Phone,Full,name,reference\n0772345678,James Okello,Jimmy,A1\n0772345679,Mary Akello,Mimi,A2\n";
    for (kind, csv) in [
        ("sms", csv.to_owned()),
        (
            "payout",
            csv.replace("reference\n", "reference,amount\n").replace("A1\n", "A1,5000\n").replace("A2\n", "A2,6000\n"),
        ),
    ] {
        let mut fields = vec![("kind", kind), ("mapping", r#"{"name":"Full"}"#)];
        if kind == "sms" {
            fields.push(("sms_template", "Dear ((full)), or ((name))"));
        }
        let batch = ready(maker, csv, &fields).await;
        assert_eq!((&batch["state"], &batch["mapping"]["name"]), (&json!("ready"), &json!("Full")), "{batch}");
        let path = format!("/v1/batches/{}/rows/2", id(&batch));
        let before = maker.get(&path).await.1;
        assert_eq!((cell(&before, "Full"), cell(&before, "name")), ("James Okello", "Jimmy"), "{kind}");
        let named = correct(maker, &batch, 2, json!({"name": "J. Okello"})).await.body;
        assert_eq!(named["state"], "valid", "{named}");
        assert_eq!((cell(&named, "Full"), cell(&named, "name")), ("J. Okello", "Jimmy"), "{kind}");
        let called = correct(maker, &batch, 2, json!({"variables": {"name": "Jim"}})).await.body;
        assert_eq!((cell(&called, "Full"), cell(&called, "name")), ("J. Okello", "Jim"), "{kind}");
        let after = maker.get(&path).await.1;
        assert_eq!(after["cells"].as_array().unwrap().len(), before["cells"].as_array().unwrap().len(), "{after}");
        assert_eq!((cell(&after, "Full"), cell(&after, "name")), ("J. Okello", "Jim"), "{kind}: as it is stored");
        for aside in [true, false] {
            correct(maker, &batch, 2, json!({"excluded": aside})).await;
        }
        let back = maker.get(&path).await.1;
        assert_eq!(
            (cell(&back, "Full"), cell(&back, "name")),
            ("J. Okello", "Jim"),
            "{kind}: set aside and brought back"
        );
        if kind == "sms" {
            let preview = maker.get(&format!("/v1/batches/{}/preview", id(&batch))).await.1;
            assert_eq!(preview["first"]["text"], "Dear J. Okello, or Jim", "{preview}");
        }
    }
}

#[tokio::test]
async fn the_bad_rows_are_a_list_that_imports_once_it_is_corrected() {
    let world = World::start("bad-csv").await;
    let maker = &world.gaba.maker;
    let csv = "name,phone,amount,team\n\"=HYPERLINK(\"\"http://x.example\"\")\",07,6000,@SUM(A1)\n\
               Akello,0772345678,5000,A\nOkello,0752345678,-5,+B\n";
    let batch = ready(maker, csv, &[]).await;
    assert_eq!((&batch["counts"]["valid"], &batch["counts"]["invalid"]), (&json!(1), &json!(2)), "{batch}");
    let answer = send(request(maker, "GET", &format!("/v1/batches/{}/issues.csv", id(&batch)))).await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, "text/csv; charset=utf-8"));
    let text = answer.text();
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap().trim_start_matches('\u{feff}'), "name,phone,amount,team,gaba_reason");
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 2, "only the bad ones: {text}");
    // No cell begins as a formula does.
    assert!(lines[0].starts_with("\"'=HYPERLINK(\"\"http://x.example\"\")\",07,6000,'@SUM(A1),"), "{text}");
    assert!(lines[1].starts_with("Okello,0752345678,'-5,'+B,"), "{text}");
    assert!(lines.iter().all(|line| line.rsplit(',').next().unwrap().len() > 10), "each says why: {text}");

    let same = ready(maker, text.clone(), &[]).await;
    assert_eq!(
        (&same["counts"]["valid"], &same["counts"]["invalid"]),
        (&json!(0), &json!(2)),
        "as bad as before: {same}"
    );
    let corrected = text.replace(",07,", ",0772345670,").replace(",'-5,", ",5500,");
    let again = ready(maker, corrected, &[]).await;
    assert_eq!((&again["counts"]["valid"], &again["counts"]["invalid"]), (&json!(2), &json!(0)), "{again}");
    assert_eq!(again["totals"]["amount"], "11500");
    let row = maker.get(&format!("/v1/batches/{}/rows/2", id(&again))).await.1;
    assert_eq!(cell(&row, "name"), "=HYPERLINK(\"http://x.example\")", "as it was uploaded at first");
    assert_eq!(cell(&row, "team"), "@SUM(A1)");
    let (_, stranger, _) = world.other_organisation();
    let look = request(&stranger, "GET", &format!("/v1/batches/{}/issues.csv", id(&batch)));
    reply(look).await.is_problem(404, "not_found");
}

/// By itself, a row that was refused because its reference stood in the list already has no fault.
#[tokio::test]
async fn a_row_refused_for_its_reference_is_told_of_the_other_when_it_comes_back_alone() {
    let world = World::start("came-back").await;
    let maker = &world.gaba.maker;
    let csv = "Staff ID,Name,Phone,Amount\nS1,Grace,0772346001,50000\nS1,Grace N,0752346001,60000\n";
    let first = ready(maker, csv, &[("name", "March")]).await;
    assert_eq!(first["counts"]["invalid"], 1, "{first}");
    let submitted = command(maker, &first, "submit", json!({"exclude_invalid": true})).await;
    assert_eq!(world.gaba.checker.approve(&submitted.body).await.0, 200);
    let bad = send(request(maker, "GET", &format!("/v1/batches/{}/issues.csv", id(&first)))).await.text();
    let again = ready(maker, bad, &[]).await;
    assert_eq!((&again["counts"]["valid"], &again["counts"]["warnings"]), (&json!(1), &json!(1)), "{again}");
    let issues = maker.all(&format!("/v1/batches/{}/issues", id(&again))).await;
    assert_eq!((&issues[0]["code"], &issues[0]["row"]), (&json!("repeated_reference"), &json!(2)), "{issues:?}");
    let message = issues[0]["message"].as_str().unwrap();
    assert!(message.starts_with("row 2 of the list \"March\" of ") && message.contains("another number"), "{message}");
    let submitted = command(maker, &again, "submit", json!({"exclude_invalid": false})).await;
    assert_eq!((submitted.status, &submitted.body["counts"]["warnings"]), (200, &json!(1)), "{}", submitted.body);
}

#[tokio::test]
async fn issues_are_asked_for_by_their_severity() {
    let world = World::start("severity").await;
    let maker = &world.gaba.maker;
    let batch = ready(maker, std::fs::read(fixture("bad_rows.csv")).unwrap(), &[]).await;
    let path = format!("/v1/batches/{}/issues", id(&batch));
    let all = maker.all(&path).await;
    for severity in ["error", "warning"] {
        let of_it: Vec<_> = all.iter().filter(|issue| issue["severity"] == severity).cloned().collect();
        assert!(!of_it.is_empty() && of_it.len() < all.len(), "{severity}: {all:?}");
        assert_eq!(maker.all(&format!("{path}?severity={severity}")).await, of_it);
        let (mut items, mut next) = (Vec::new(), String::new());
        for _ in 0..of_it.len() {
            let page = maker.get(&format!("{path}?severity={severity}&limit=1{next}")).await.1;
            assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
            items.push(page["items"][0].clone());
            next = format!("&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
        }
        assert_eq!((items, next.as_str()), (of_it, "&cursor="), "one at a time is the same list");
    }
    for unknown in ["fatal", "", "Error"] {
        let refused = reply(request(maker, "GET", &format!("{path}?severity={unknown}"))).await;
        refused.is_problem(400, "invalid_request");
        assert_eq!(refused.pointer(), "?severity");
        let message = refused.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("error, warning"), "{message}");
    }
    let twice = reply(request(maker, "GET", &format!("{path}?severity=error&severity=warning"))).await;
    twice.is_problem(400, "invalid_request");
}

#[tokio::test]
async fn a_payment_that_another_list_makes_too_stops_the_approval_until_it_is_accepted() {
    let world = World::start("duplicates").await;
    let (maker, checker) = (&world.gaba.maker, &world.gaba.checker);
    let first = ready(maker, "name,phone,amount\nAkello,0772345678,5000\nOkello,0752345678,6000\n", &[]).await;
    let submit = async |key: &str| {
        let request = request(maker, "POST", &format!("/v1/batches/{}/submit", id(&first)));
        reply(request.header("Idempotency-Key", key).json(&json!({}))).await
    };
    let submitted = submit("one").await;
    assert_eq!(submitted.status, 200, "{}", submitted.body);
    ready(maker, "name,phone,amount\nAkello again,+256 772 345678,5000\nOther,0772345670,6000\n", &[]).await;
    let stopped = approval(checker, "a", &first).await;
    stopped.is_problem(409, "duplicates_changed");
    let errors = stopped.body["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["row"]), (1, &json!(2)), "{}", stopped.body);
    assert!(!errors[0]["message"].as_str().unwrap().is_empty());
    // The submission that only comes again accepts nothing.
    assert_eq!(submit("one").await.body, submitted.body);
    approval(checker, "a", &first).await.is_problem(409, "duplicates_changed");
    assert_eq!(world.wallet().await.1, 0, "nothing is set aside");
    let accepted = submit("two").await;
    assert_eq!((accepted.status, &accepted.body["digest"]), (200, &first["digest"]), "{}", accepted.body);
    let told = maker.all(&format!("/v1/batches/{}/issues?severity=warning", id(&first))).await;
    assert_eq!(
        (told.len(), &told[0]["row"], &told[0]["code"]),
        (1, &json!(2), &json!("duplicate_in_batch")),
        "{told:?}"
    );
    // What was accepted is that list, and not another that came in since.
    ready(maker, "name,phone,amount\nAkello,0772345678,5000\n", &[]).await;
    let stopped = approval(checker, "a", &first).await;
    stopped.is_problem(409, "duplicates_changed");
    assert_eq!(stopped.body["errors"].as_array().unwrap().len(), 1, "{}", stopped.body);
    assert_eq!(submit("three").await.body["counts"]["duplicates"], 2);
    let approved = approval(checker, "a", &first).await;
    assert_eq!(approved.status, 200, "{}", approved.body);
    maker.batch_in(id(&first), &["completed"]).await;
    assert_eq!(world.paid_by_network().await, 2);
    world.books_balance();
}

#[tokio::test]
async fn a_row_with_too_many_cells_is_not_made_payable_by_a_detour() {
    let world = World::start("too-many-cells").await;
    let maker = &world.gaba.maker;
    let csv = "name,phone,amount\nAkello,07,5000\nGrace,0772345678,500,000\nMoses,0752345678\n";
    let batch = ready(maker, csv, &[]).await;
    let refused = |batch: &Value| assert_eq!(batch["counts"]["invalid"], 3, "{batch}");
    refused(&batch);
    for detour in [json!({}), json!({"name": "Grace"}), json!({"excluded": true}), json!({"excluded": false})] {
        let row = correct(maker, &batch, 3, detour.clone()).await.body;
        assert_ne!(row["state"], "valid", "{detour}: {row}");
    }
    let row = maker.get(&format!("/v1/batches/{}/rows/3", id(&batch))).await.1;
    assert_eq!((cell(&row, "amount"), cell(&row, "column 4")), ("500", "000"), "nothing of it is lost");
    let listed = send(request(maker, "GET", &format!("/v1/batches/{}/issues.csv", id(&batch)))).await.text();
    assert!(listed.contains("\r\nGrace,0772345678,500,000,\""), "as it came: {listed}");
    refused(&ready(maker, listed, &[]).await);
    let given = json!({"name": "Grace", "msisdn": "0772345678", "amount": "500,000"});
    let row = correct(maker, &batch, 3, given).await.body;
    assert_eq!(
        (&row["state"], &row["issues"], cell(&row, "amount")),
        (&json!("valid"), &json!([]), "500,000"),
        "{row}"
    );
    assert_eq!(row["batch"]["totals"]["amount"], "500000");
}

#[tokio::test]
async fn a_row_refused_because_of_another_is_paid_once_that_one_is_set_aside() {
    let world = World::start("judged-again").await;
    let maker = &world.gaba.maker;
    let csv = "reference,phone,amount\nA1,0772345678,5000\nA1,0752345678,6000\nA2,0752345678,6000\n";
    let batch = ready(maker, csv, &[]).await;
    assert_eq!((&batch["counts"]["valid"], &batch["counts"]["invalid"]), (&json!(2), &json!(1)), "{batch}");
    let refused = maker.get(&format!("/v1/batches/{}/rows/3", id(&batch))).await.1;
    let issue = &refused["issues"][0];
    assert_eq!((&issue["code"], &issue["other_row"]), (&json!("duplicate_reference"), &json!(2)), "{refused}");
    let aside = correct(maker, &batch, 2, json!({"excluded": true})).await.body;
    let counts = &aside["batch"]["counts"];
    assert_eq!((&counts["valid"], &counts["invalid"], &counts["excluded"]), (&json!(2), &json!(0), &json!(1)));
    assert_eq!(aside["batch"]["totals"]["amount"], "12000", "{aside}");
    let paid = maker.get(&format!("/v1/batches/{}/rows/3", id(&batch))).await.1;
    assert_eq!((&paid["state"], &paid["batch"]["digest"]), (&json!("valid"), &aside["batch"]["digest"]), "{paid}");
    let told = maker.all(&format!("/v1/batches/{}/issues", id(&batch))).await;
    let told: Vec<_> = told.iter().map(|issue| (&issue["code"], &issue["row"], &issue["other_row"])).collect();
    assert_eq!(told, [(&json!("duplicate_payment"), &json!(4), &json!(3))]);
}

#[tokio::test]
async fn what_was_declared_is_compared_with_the_rows_as_they_are_corrected() {
    let world = World::start("declared-again").await;
    let maker = &world.gaba.maker;
    let csv = "phone,amount\n0772345678,5000\n0752345678,6000\n077,7000\n";
    let batch = ready(maker, csv, &[("declared_total", "18000"), ("declared_count", "3")]).await;
    let path = format!("/v1/batches/{}", id(&batch));
    let told = async |becomes: Value| {
        let corrected = correct(maker, &batch, 4, becomes).await;
        assert_eq!(corrected.status, 200, "{}", corrected.body);
        let issues = maker.all(&format!("{path}/issues")).await;
        let warnings = issues.iter().filter(|i| i["severity"] == "warning").count();
        assert_eq!(maker.get(&path).await.1["counts"]["warnings"], warnings, "{issues:?}");
        let notice = issues.into_iter().find(|i| i["code"] == "declared_mismatch");
        notice.map(|notice| notice["message"].as_str().unwrap().to_owned())
    };
    let less = told(json!({"msisdn": "0772345679", "amount": "6500"})).await.unwrap();
    assert!(less.contains("what can be paid is 3 rows of UGX 17,500 together"), "{less}");
    assert_eq!(told(json!({"amount": "7000"})).await, None);
    let aside = told(json!({"excluded": true})).await.unwrap();
    assert!(aside.contains("2 rows of UGX 11,000 together"), "{aside}");
    assert_eq!(told(json!({"excluded": false})).await, None);
    assert_eq!(command(maker, &batch, "submit", json!({})).await.status, 200);
}
