//! Lists of SMS over the simulated gateway: its own book says who was told, and the wallet paid for exactly that.

use super::reports::{Workbook, summary, table};
use super::*;
use crate::support::{fixture, judge, until};
use calamine::{Data, open_workbook_from_rs};
use std::collections::BTreeSet;

const PRICE: i64 = 35;
const TEMPLATE: &str = "Dear ((name)), the meeting of ((Village)) is on Monday.";

/// Lists cost 35 a segment; `lane` is added to the lane that sends them.
async fn world(name: &str, lane: &str) -> World {
    let priced = format!("sender = \"GABA\"\ncurrency = \"UGX\"\nprice_per_segment = \"{PRICE}\"\n{lane}");
    World::configured(name, |toml| toml.replace("sender = \"GABA\"", &priced)).await
}

/// `rows` recipients, none with a number that the gateway treats specially.
fn people(rows: usize) -> String {
    let mut csv = String::from("Phone,Name,village\n");
    for n in 0..rows {
        csv.push_str(&format!("25677{:07},Recipient {n},Gulu\n", 1_000_100 + n));
    }
    csv
}

async fn uploaded(world: &World, csv: String, template: &str) -> Value {
    let fields = [("kind", "sms"), ("sms_template", template)];
    let created = upload(&world.gaba.maker, &fresh(), form(csv, "people.csv", &fields)).await;
    assert_eq!((created.status, &created.body["kind"]), (202, &json!("sms")), "{}", created.body);
    world.gaba.maker.batch_in(id(&created.body), &["ready", "import_failed"]).await
}

async fn approved(world: &World, ready: &Value) -> Value {
    let submitted = command(&world.gaba.maker, ready, "submit", json!({"exclude_invalid": true})).await;
    assert_eq!(submitted.status, 200, "{}", submitted.body);
    let (status, approved) = world.gaba.checker.approve(&submitted.body).await;
    assert_eq!(status, 200, "{approved}");
    approved
}

fn count(batch: &Value, state: &str) -> i64 {
    batch["counts"][state].as_i64().unwrap_or_else(|| panic!("no {state} in {batch}"))
}

fn total(batch: &Value, name: &str) -> i64 {
    number(&batch["totals"][name])
}

/// The numbers that the gateway took a message for.
async fn told(world: &World) -> Vec<String> {
    let book = world.network.book().await;
    let sms = book.iter().filter(|e| e["rail"] == "sms-http" && e["state"] != "seen" && e["state"] != "rejected");
    sms.map(|e| e["msisdn"].as_str().unwrap().to_owned()).collect()
}

/// Waits until no receipt is awaited any more.
async fn settled(world: &World, batch: &Value) -> Value {
    until("every receipt", || async {
        let (_, batch) = world.gaba.maker.get(&format!("/v1/batches/{}", id(batch))).await;
        (count(&batch, "submitted") == 0).then_some(batch)
    })
    .await
}

#[tokio::test]
async fn everybody_on_a_list_is_told_once_and_the_wallet_pays_for_what_was_sent() {
    let world = world("bulk", "").await;
    world.network.control(json!({"sms-http": {"receipt_double": 1}})).await;
    let before = world.wallet().await.0;
    // One is told in two SMS, one is refused by the gateway, one cannot be reached.
    let long = "b".repeat(150);
    let csv = format!("{}256772000002,Refused,Lira\n256773000001,Absent,Lira\n256774000100,{long},Lira\n", people(20));
    let ready = uploaded(&world, csv, TEMPLATE).await;
    assert_eq!((&ready["state"], count(&ready, "queued")), (&json!("ready"), 23), "{ready}");
    let expected: Vec<&str> =
        "rows valid invalid excluded duplicates warnings queued sending submitted delivered undelivered expired rejected \
                               unknown cancelled"
            .split_whitespace()
            .collect();
    let counts: BTreeSet<&str> = ready["counts"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(counts, expected.into_iter().collect());
    assert_eq!((total(&ready, "amount"), total(&ready, "fees")), (24 * PRICE, 0));

    let approved = approved(&world, &ready).await;
    assert_eq!(total(&approved, "reserved"), 24 * PRICE);
    world.gaba.maker.batch_in(id(&ready), &["completed"]).await;
    let done = settled(&world, &ready).await;
    assert_eq!(
        (count(&done, "delivered"), count(&done, "undelivered"), count(&done, "rejected")),
        (21, 1, 1),
        "{done}"
    );
    assert_eq!((total(&done, "paid"), total(&done, "released"), total(&done, "held")), (23 * PRICE, PRICE, 0));
    assert_eq!(world.wallet().await, (before - 23 * PRICE, 0));

    let path = format!("/v1/batches/{}/messages", id(&ready));
    let messages = world.gaba.maker.all(&path).await;
    let text = "Dear Recipient 0, the meeting of Gulu is on Monday.";
    assert_eq!((&messages[0]["text"], &messages[0]["purpose"]), (&json!(text), &json!("bulk")));
    assert_eq!((&messages[0]["cost"], &messages[0]["segments"]), (&json!("35"), &json!(1)));
    let told = told(&world).await;
    let numbers: BTreeSet<&String> = told.iter().collect();
    assert_eq!((told.len(), numbers.len()), (22, 22), "the gateway's own book");
    let rejected = world.gaba.maker.all(&format!("{path}?state=rejected")).await;
    assert_eq!(rejected[0]["msisdn"], "256772000002");
    judge::at_rest(&world.gaba, &world.network, &[id(&ready)]).await;
}

#[tokio::test]
async fn the_report_of_a_list_sums_to_what_the_wallet_paid() {
    let world = world("bulk-report", "").await;
    let csv = format!("{}256772000002,Refused,Lira\n0414123456,Fixed line,Lira\n", people(5));
    let ready = uploaded(&world, csv, TEMPLATE).await;
    assert_eq!((count(&ready, "valid"), count(&ready, "invalid")), (6, 1), "{ready}");
    approved(&world, &ready).await;
    world.gaba.maker.batch_in(id(&ready), &["completed"]).await;
    let done = settled(&world, &ready).await;
    let output = world.gaba.run(&["report", id(&ready), "--format", "csv"]);
    let text = stdout(&output);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 7, "{text}");
    let of = |state: &str| rows.iter().filter(|row| row[at("state")] == state).count();
    assert_eq!((of("delivered"), of("rejected"), of("excluded")), (5, 1, 1), "{text}");
    let sent = rows.iter().filter(|row| row[at("state")] == "delivered");
    let sum: i64 = sent.map(|row| row[at("amount")].parse::<i64>().unwrap()).sum();
    assert_eq!(sum, total(&done, "paid"));
    world.books_balance();
}

/// Two are told, one of them in two SMS; one cannot be reached and is charged all the same; one is refused by the gateway, one is
/// set aside, one has no mobile number.
#[tokio::test]
async fn the_report_of_a_list_says_who_was_not_told_and_why_and_ties_to_the_ledger() {
    let world = world("bulk-ties", "").await;
    let maker = &world.gaba.maker;
    let long = "b".repeat(150);
    let csv = format!(
        "{}256774000100,{long},Lira\n256773000001,Absent,Lira\n256772000002,Refused,Lira\n256774000101,Aside,Lira\n\
         0414123456,Fixed line,Lira\n",
        people(1)
    );
    let ready = uploaded(&world, csv, TEMPLATE).await;
    let aside = correct(&world, &ready, 6, json!({"excluded": true})).await;
    approved(&world, &aside["batch"]).await;
    maker.batch_in(id(&ready), &["completed"]).await;
    let done = settled(&world, &ready).await;
    let charged = 4 * PRICE;
    assert_eq!((total(&done, "paid"), total(&done, "released")), (charged, PRICE), "{done}");

    let path = |format: &str| format!("/v1/batches/{}/report?format={format}", id(&ready));
    let (_, report) = maker.get(&path("json")).await;
    let sum = |state: &str, rows: i64, amount: i64| {
        let amount = amount.to_string();
        json!({"state": state, "rows": rows, "amount": amount, "fee": "0", "tax": "0", "total": amount})
    };
    let told = json!({
        "states": [sum("delivered", 2, 3 * PRICE), sum("undelivered", 1, PRICE), sum("rejected", 1, PRICE), sum("excluded", 2, 0)],
        "paid": charged.to_string(), "taken_back": "0", "sent_out": charged.to_string(), "difference": "0",
    });
    assert_eq!(report["summary"], told);
    let sms = report["ledger"].as_array().unwrap().iter().find(|sum| sum["kind"] == "sms").unwrap();
    assert_eq!((&sms["amount"], &sms["to"]), (&json!(charged.to_string()), &json!("fees")));

    let book = send(request(maker, "GET", &path("xlsx"))).await.body;
    let mut book: Workbook = open_workbook_from_rs(std::io::Cursor::new(book)).unwrap();
    let number = |number: i64| Data::Float(number as f64);
    let amounts: Vec<Data> = table(&mut book, "Payments").into_iter().map(|row| row["amount"].clone()).collect();
    assert_eq!(amounts[..4], [PRICE, 2 * PRICE, PRICE, PRICE].map(number));
    let failures: Vec<[String; 3]> = table(&mut book, "Failures")
        .iter()
        .map(|row| ["row", "state", "reason_code"].map(|column| row[column].to_string()))
        .collect();
    let expected = [
        ["4", "undelivered", "UNDELIVERED"],
        ["5", "rejected", "REJECTED"],
        ["6", "excluded", "set_aside"],
        ["7", "excluded", "phone_landline"],
    ];
    assert_eq!(failures, expected.map(|row| row.map(str::to_owned)));
    let summary = summary(&mut book);
    assert_eq!((&summary["delivered"][0], &summary["delivered"][1]), (&number(2), &number(3 * PRICE)));
    assert_eq!((&summary["all"][0], &summary["all"][1]), (&number(6), &number(5 * PRICE)));
    for told in ["charged, by the lines", "charged, by the ledger"] {
        assert_eq!(summary[told][1], number(charged), "{told}");
    }
    assert_eq!(summary["difference"][1], number(0));
    world.books_balance();
}

#[tokio::test]
async fn a_number_is_said_as_its_spreadsheet_shows_it() {
    let world = world("shown", "").await;
    let maker = &world.gaba.maker;
    let template = "((name)): ((rate)), ((fine)) of ((balance)), account ((account))";
    for (file, said, codes) in [
        ("shown.xlsx", "Grace Nakato: 5%, $5,000.00 of 1,234,567.13, account 256772123456", &[][..]),
        ("shown_libreoffice.xlsx", "Grace Nakato: 5%, $5,000.00 of 1,234,567.13, account 256772123456", &[]),
        ("shown_libreoffice.ods", "Grace Nakato: 5%, $5,000.00 of 1,234,567.13, account 256772123456", &[]),
        ("shown_97.xls", "Grace Nakato: 0.05, 5000 of 1234567.125, account 256772123456", &["shown_unknown"; 4]),
    ] {
        let bytes = std::fs::read(fixture("sheets").join(file)).unwrap();
        let fields = [("kind", "sms"), ("sms_template", template)];
        let created = upload(maker, &fresh(), form(bytes, file, &fields)).await;
        assert_eq!(created.status, 202, "{}", created.body);
        let ready = maker.batch_in(id(&created.body), &["ready", "import_failed"]).await;
        let path = format!("/v1/batches/{}", id(&ready));
        let (_, preview) = maker.get(&format!("{path}/preview")).await;
        assert_eq!(preview["first"]["text"], said, "{file}: {ready}");
        let issues = maker.all(&format!("{path}/issues")).await;
        assert_eq!(issues.iter().map(|i| i["code"].as_str().unwrap()).collect::<Vec<_>>(), codes, "{file}");
    }
}

#[tokio::test]
async fn a_preview_shows_what_will_be_said_and_what_it_costs() {
    let world = world("preview", "").await;
    let maker = &world.gaba.maker;
    let csv = format!("{}256774000100,{},Lira\n", people(4), "b".repeat(150));
    let ready = uploaded(&world, csv, TEMPLATE).await;
    let path = format!("/v1/batches/{}/preview", id(&ready));
    let (status, preview) = maker.get(&path).await;
    assert_eq!(status, 200, "{preview}");
    let first = &preview["first"];
    assert_eq!(first["text"], "Dear Recipient 0, the meeting of Gulu is on Monday.");
    assert_eq!((&first["row"], &first["msisdn"]), (&json!(2), &json!("256771000100")));
    assert_eq!((&first["segments"], &first["encoding"], &first["cost"]), (&json!(1), &json!("gsm-7"), &json!("35")));
    assert_eq!((&preview["longest"]["row"], &preview["longest"]["segments"]), (&json!(6), &json!(2)));
    assert!((2..=6).contains(&preview["random"]["row"].as_u64().unwrap()), "{preview}");
    assert_eq!(preview["totals"], json!({"messages": 5, "segments": 6, "cost": "210"}));
    assert_eq!(preview["totals"]["cost"], ready["totals"]["amount"]);

    let csv = "name,phone,amount,reference\nAkello,0772345678,50000,R1\n";
    let payroll = upload(maker, &fresh(), form(csv, "a.csv", &[("notify", "true")])).await.body;
    maker.batch_in(id(&payroll), &["ready"]).await;
    let (status, preview) = maker.get(&format!("/v1/batches/{}/preview", id(&payroll))).await;
    assert_eq!(status, 200, "{preview}");
    let text = "Dear Akello, Kampala Relief has paid you UGX 50,000. Ref R1.";
    assert_eq!((&preview["first"]["text"], &preview["totals"]["cost"]), (&json!(text), &json!("0")));

    let silent = upload(maker, &fresh(), form(csv, "a.csv", &[])).await.body;
    maker.batch_in(id(&silent), &["ready"]).await;
    let refused = reply(request(maker, "GET", &format!("/v1/batches/{}/preview", id(&silent)))).await;
    refused.is_problem(409, "nobody_is_told");
    let (_, stranger, _) = world.other_organisation();
    reply(request(&stranger, "GET", &path)).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn a_text_is_tried_on_a_phone_of_the_makers_own() {
    let world = world("test-send", "").await;
    let maker = &world.gaba.maker;
    let ready = uploaded(&world, people(3), TEMPLATE).await;
    let wallet = world.wallet().await;
    let path = format!("/v1/batches/{}/test-send", id(&ready));
    let (status, sent) = maker.post_as("try-1", &path, json!({"msisdn": "0772 999 999", "row": 3})).await;
    assert_eq!(status, 202, "{sent}");
    assert_eq!((&sent["purpose"], &sent["msisdn"]), (&json!("test"), &json!("256772999999")));
    assert_eq!(sent["text"], "Dear Recipient 1, the meeting of Gulu is on Monday.");
    assert_eq!(maker.post_as("try-1", &path, json!({"msisdn": "0772 999 999", "row": 3})).await, (202, sent.clone()));
    until("the test to arrive", || async {
        let (_, message) = maker.get(&format!("/v1/messages/{}", id(&sent))).await;
        (message["state"] == "delivered").then_some(())
    })
    .await;
    assert_eq!(told(&world).await, ["256772999999"], "nobody else, and once");
    let (_, batch) = maker.get(&format!("/v1/batches/{}", id(&ready))).await;
    assert_eq!((&batch["state"], count(&batch, "queued"), count(&batch, "delivered")), (&json!("ready"), 3, 0));
    assert_eq!(world.wallet().await, wallet, "nobody is charged for a test");

    let wrong = command(maker, &ready, "test-send", json!({"msisdn": "12"})).await;
    wrong.is_problem(400, "invalid_request");
    assert_eq!((wrong.pointer(), &wrong.body["errors"][0]["code"]), ("/msisdn", &json!("phone_too_short")));
    command(maker, &ready, "test-send", json!({"msisdn": "0772999999", "row": 9}))
        .await
        .is_problem(400, "invalid_request");
    let keyless = reply(request(maker, "POST", &path).json(&json!({"msisdn": "0772999999"}))).await;
    assert_eq!(keyless.pointer(), "#Idempotency-Key");
    command(&world.gaba.checker, &ready, "test-send", json!({"msisdn": "0772999999"}))
        .await
        .is_problem(403, "forbidden");
    for _ in 1..10 {
        assert_eq!(command(maker, &ready, "test-send", json!({"msisdn": "0772999999"})).await.status, 202);
    }
    command(maker, &ready, "test-send", json!({"msisdn": "0772999999"})).await.is_problem(409, "too_many_tests");
    approved(&world, &ready).await;
    command(maker, &ready, "test-send", json!({"msisdn": "0772999999"})).await.is_problem(409, "invalid_state");
}

#[tokio::test]
async fn a_list_that_cannot_be_told_says_why() {
    let world = world("bulk-refused", "").await;
    let failed = uploaded(&world, people(1), "Dear ((surname))").await;
    assert_eq!(failed["state"], "import_failed", "{failed}");
    let why = failed["failure"].as_str().unwrap();
    assert!(why.contains("((surname))") && why.contains("\"Phone\", \"Name\", \"village\""), "{why}");

    let csv = "Phone,Name,village\n256771000100,Ann,\n256771000101,Bo,Gulu\n";
    let ready = uploaded(&world, csv.into(), TEMPLATE).await;
    let issues = world.gaba.maker.all(&format!("/v1/batches/{}/issues", id(&ready))).await;
    assert_eq!((&issues[0]["code"], &issues[0]["column"]), (&json!("missing_value"), &json!("village")), "{issues:?}");
    assert!(issues[0]["message"].as_str().unwrap().contains("((village))"), "{issues:?}");
    command(&world.gaba.maker, &ready, "submit", json!({})).await.is_problem(409, "rows_invalid");

    for (fields, pointer) in [
        (&[("kind", "sms")][..], "/sms_template"),
        (&[("kind", "sms"), ("sms_template", "Dear ((name")], "/sms_template"),
        (&[("kind", "sms"), ("sms_template", "Come"), ("notify", "true")], "/notify"),
    ] {
        let refused = upload(&world.gaba.maker, &fresh(), form(people(1), "a.csv", fields)).await;
        refused.is_problem(400, "invalid_request");
        assert_eq!(refused.pointer(), pointer);
    }
    let kes = [("kind", "sms"), ("sms_template", "Come"), ("currency", "KES")];
    let refused = upload(&world.gaba.maker, &fresh(), form(people(1), "a.csv", &kes)).await;
    refused.is_problem(422, "unprocessable");
    assert_eq!((refused.pointer(), &refused.body["errors"][0]["code"]), ("/currency", &json!("no_lane")));
}

async fn correct(world: &World, batch: &Value, row: u32, correction: Value) -> Value {
    let path = format!("/v1/batches/{}/rows/{row}", id(batch));
    let corrected = reply(request(&world.gaba.maker, "PATCH", &path).json(&correction)).await;
    assert_eq!(corrected.status, 200, "{}", corrected.body);
    corrected.body
}

#[tokio::test]
async fn a_row_is_corrected_priced_again_and_told_what_it_now_says() {
    let world = world("bulk-correct", "").await;
    let csv = "Phone,Full name,village\n256771000100,Ann,\n256771000101,Bo,Gulu\n256771000102,Cy,Lira\n";
    let ready = uploaded(&world, csv.into(), TEMPLATE).await;
    assert_eq!((count(&ready, "invalid"), total(&ready, "amount")), (1, 2 * PRICE), "{ready}");
    let fixed = correct(&world, &ready, 2, json!({"variables": {"village": "v".repeat(150)}})).await;
    assert_eq!((&fixed["state"], total(&fixed["batch"], "amount")), (&json!("valid"), 4 * PRICE), "{fixed}");
    assert_eq!(count(&fixed["batch"], "queued"), 3, "{fixed}");
    let digest = fixed["batch"]["digest"].clone();
    assert_ne!(digest, ready["digest"]);

    // Set aside and brought back it is the same list, under the same digest.
    let aside = correct(&world, &ready, 3, json!({"excluded": true})).await;
    assert_eq!((total(&aside["batch"], "amount"), count(&aside["batch"], "excluded")), (3 * PRICE, 1), "{aside}");
    assert_ne!(aside["batch"]["digest"], digest);
    let back = correct(&world, &ready, 3, json!({"excluded": false})).await;
    assert_eq!((&back["state"], &back["batch"]["digest"]), (&json!("valid"), &digest), "{back}");
    let renamed = correct(&world, &ready, 4, json!({"name": "Cyrus"})).await;
    assert_eq!(renamed["state"], "valid", "{renamed}");
    let again = correct(&world, &ready, 4, json!({"name": "Cy"})).await;
    assert_eq!(again["batch"]["digest"], digest);
    correct(&world, &ready, 4, json!({"name": "Cyrus"})).await;

    let (_, batch) = world.gaba.maker.get(&format!("/v1/batches/{}", id(&ready))).await;
    approved(&world, &batch).await;
    world.gaba.maker.batch_in(id(&ready), &["completed"]).await;
    let messages = world.gaba.maker.all(&format!("/v1/batches/{}/messages", id(&ready))).await;
    assert_eq!(messages[2]["text"], "Dear Cyrus, the meeting of Lira is on Monday.", "{messages:?}");
    assert_eq!((&messages[0]["segments"], &messages[0]["cost"]), (&json!(2), &json!("70")));
    judge::at_rest(&world.gaba, &world.network, &[id(&ready)]).await;
}

#[tokio::test]
async fn a_digest_that_is_reckoned_again_is_that_of_the_import() {
    let world = world("bulk-digest", "").await;
    let ready = uploaded(&world, people(3), TEMPLATE).await;
    correct(&world, &ready, 2, json!({"excluded": true})).await;
    let back = correct(&world, &ready, 2, json!({"excluded": false})).await;
    assert_eq!(back["batch"]["digest"], ready["digest"]);
}

#[tokio::test]
async fn a_list_cancelled_in_the_middle_pays_for_those_who_were_told() {
    const ROWS: usize = 200;
    let world = world("bulk-cancel", "rate_per_second = 40").await;
    let before = world.wallet().await.0;
    let ready = uploaded(&world, people(ROWS), TEMPLATE).await;
    approved(&world, &ready).await;
    let path = format!("/v1/batches/{}", id(&ready));
    until("some to be told", || async { (told(&world).await.len() >= 10).then_some(()) }).await;
    let paused = command(&world.gaba.maker, &ready, "pause", json!({})).await;
    assert_eq!(paused.body["state"], "paused", "{}", paused.body);
    let still = until("nothing to be under way", || async {
        let (_, batch) = world.gaba.maker.get(&path).await;
        (count(&batch, "sending") == 0).then_some(batch)
    })
    .await;
    assert!(count(&still, "queued") > 0, "{still}");
    let sent = told(&world).await.len();
    let resumed = command(&world.gaba.maker, &ready, "resume", json!({})).await;
    assert_eq!(resumed.body["state"], "running", "{}", resumed.body);
    until("more to be told", || async { (told(&world).await.len() > sent).then_some(()) }).await;
    assert_eq!(command(&world.gaba.maker, &ready, "cancel", json!({})).await.status, 200);
    world.gaba.maker.batch_in(id(&ready), &["cancelled"]).await;
    let done = settled(&world, &ready).await;
    let (delivered, cancelled) = (count(&done, "delivered"), count(&done, "cancelled"));
    assert!(delivered > 0 && cancelled > 0, "{done}");
    assert_eq!(delivered + cancelled, ROWS as i64, "{done}");
    assert_eq!(told(&world).await.len() as i64, delivered);
    assert_eq!((total(&done, "paid"), total(&done, "held")), (delivered * PRICE, 0));
    assert_eq!(world.wallet().await, (before - delivered * PRICE, 0));
    judge::at_rest(&world.gaba, &world.network, &[id(&ready)]).await;
}

#[tokio::test]
async fn nobody_is_told_twice_however_often_the_server_is_killed() {
    const ROWS: usize = 300;
    let mut world = world("bulk-kill", "rate_per_second = 120").await;
    // A receipt that is posted while nobody listens is lost in the end: it is waited for, but not long.
    let config = world.gaba.folder.file("gaba.toml");
    let patient = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, patient.replace("receipt_deadline = \"10m\"", "receipt_deadline = \"10s\"")).unwrap();
    world.gaba.kill();
    world.gaba.serve().await;
    let faults = json!({"timeout_after": 0.05, "receipt_double": 0.3, "slow_ms": 20, "seed": 11});
    world.network.control(json!({"sms-http": faults})).await;
    let before = world.wallet().await.0;
    let ready = uploaded(&world, people(ROWS), TEMPLATE).await;
    approved(&world, &ready).await;
    for quarter in 1..=4 {
        until("more to be told", || async { (told(&world).await.len() >= ROWS * quarter / 5).then_some(()) }).await;
        world.gaba.kill();
        world.gaba.serve().await;
    }
    world.gaba.maker.batch_in(id(&ready), &["completed"]).await;
    let done = settled(&world, &ready).await;
    let sent = count(&done, "delivered") + count(&done, "expired");
    assert_eq!(sent + count(&done, "unknown"), ROWS as i64, "{done}");
    let told: BTreeSet<String> = told(&world).await.into_iter().collect();
    let messages = world.gaba.maker.all(&format!("/v1/batches/{}/messages", id(&ready))).await;
    for message in &messages {
        let reached = told.contains(message["msisdn"].as_str().unwrap());
        assert!(reached || message["state"] == "unknown", "nobody is forgotten: {message}");
    }
    assert_eq!(total(&done, "paid"), ROWS as i64 * PRICE, "what may be out is charged");
    assert_eq!(world.wallet().await, (before - ROWS as i64 * PRICE, 0));
    judge::at_rest(&world.gaba, &world.network, &[id(&ready)]).await;
}

#[tokio::test]
async fn a_list_waits_for_its_time_and_for_its_money() {
    let mut world = World::stopped("bulk-funds", |toml| {
        toml.replace("sender = \"GABA\"", "sender = \"GABA\"\nprice_per_segment = \"35\"")
    })
    .await;
    world.gaba.serve().await;
    let ready = uploaded(&world, people(2), TEMPLATE).await;
    let submitted = command(&world.gaba.maker, &ready, "submit", json!({})).await.body;
    let refused = approval(&world.gaba.checker, &fresh(), &submitted).await;
    refused.is_problem(409, "insufficient_funds");
    assert_eq!(refused.body["needed"], json!({"amount": "70", "currency": "UGX"}));
    world.gaba.fund("70", "bank-1");
    assert_eq!(approval(&world.gaba.checker, &fresh(), &submitted).await.status, 200);
    world.gaba.maker.batch_in(id(&ready), &["completed"]).await;
    assert_eq!(world.wallet().await, (0, 0));
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let fields = [("kind", "sms"), ("sms_template", "Come"), ("scheduled_at", soon.as_str())];
    let later = upload(&world.gaba.maker, &fresh(), form(people(1), "a.csv", &fields)).await.body;
    let later = world.gaba.maker.batch_in(id(&later), &["ready"]).await;
    world.gaba.fund("35", "bank-2");
    assert_eq!(approved(&world, &later).await["state"], "scheduled");
    assert_eq!(world.wallet().await, (0, 35));
    let cancelled = command(&world.gaba.maker, &later, "cancel", json!({})).await;
    assert_eq!(cancelled.body["state"], "cancelled", "{}", cancelled.body);
    assert_eq!(world.wallet().await, (35, 0));
    world.books_balance();
}
