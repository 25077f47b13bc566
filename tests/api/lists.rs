//! How a list was understood, and what an upload may say of it.

use super::*;
use crate::support::{list, until};

const THEIRS: &str = "Kampala Relief;;\n;;\nTel.;Gross;Net\n0772345678;9000;5000\n0752345678;8000;4000\n";

pub(super) async fn ready(api: &Api, file: impl Into<Vec<u8>>, fields: &[(&str, &str)]) -> Value {
    let uploaded = upload(api, &fresh(), form(file, "list.csv", fields)).await;
    assert_eq!(uploaded.status, 202, "{}", uploaded.body);
    api.batch_in(id(&uploaded.body), &["ready", "import_failed"]).await
}

#[tokio::test]
async fn a_batch_shows_how_its_list_was_understood() {
    let world = World::start("understood").await;
    let maker = &world.gaba.maker;
    let batch = ready(maker, THEIRS, &[("mapping", r#"{"msisdn":"tel","amount":"NET"}"#)]).await;
    let source = json!({"format": "csv", "encoding": "UTF-8", "delimiter": ";", "sheet": null, "header_row": 3});
    assert_eq!(batch["source"], source);
    assert_eq!(batch["mapping"], json!({"msisdn": "Tel.", "amount": "Net"}));
    assert_eq!((&batch["mapping_source"], &batch["import"]), (&json!("given"), &Value::Null));
    let rows = maker.all(&format!("/v1/batches/{}/payouts", id(&batch))).await;
    assert_eq!(rows.iter().map(|r| r["row"].as_u64().unwrap()).collect::<Vec<_>>(), [4, 5]);
    let plain = ready(maker, list(1, 5_000), &[]).await;
    assert_eq!((&plain["mapping_source"], &plain["mapping"]["amount"]), (&json!("recognised"), &json!("amount")));
}

#[tokio::test]
async fn a_mapping_is_remembered_for_the_next_list_with_the_same_header() {
    let world = World::start("remembered").await;
    let maker = &world.gaba.maker;
    let unmapped = ready(maker, THEIRS, &[]).await;
    assert_eq!(unmapped["state"], "import_failed", "{unmapped}");
    let mapped = ready(maker, THEIRS, &[("mapping", r#"{"msisdn":"Tel.","amount":"Net"}"#)]).await;
    assert_eq!(ready(maker, THEIRS, &[]).await["state"], "import_failed", "nobody has approved it");
    command(maker, &mapped, "submit", json!({})).await;
    let submitted = maker.batch_in(id(&mapped), &["awaiting_approval"]).await;
    assert_eq!(world.gaba.checker.approve(&submitted).await.0, 200);
    let next = THEIRS.replace("Tel.;Gross;Net", "TEL;gross;net").replace("5000", "5500");
    let remembered = ready(maker, next.clone(), &[]).await;
    assert_eq!((&remembered["state"], &remembered["mapping_source"]), (&json!("ready"), &json!("remembered")));
    assert_eq!(remembered["totals"]["amount"], "9500");
    let refused = ready(maker, next.clone(), &[("mapping", "{}")]).await;
    assert_eq!(refused["state"], "import_failed", "an empty mapping uses nothing remembered: {refused}");
    let (_, stranger, _) = world.other_organisation();
    assert_eq!(ready(&stranger, next, &[]).await["state"], "import_failed", "nobody else's header is known");
}

/// People are paid on one number and told on another, from the same list.
#[tokio::test]
async fn a_payroll_is_not_paid_to_the_numbers_that_a_list_of_sms_goes_to() {
    let world = World::start("remembered-by-kind").await;
    let maker = &world.gaba.maker;
    let people = |pay: u32| {
        format!(
            "Name,MoMo line,Whatsapp line,Amount\nAkello,0772345678,0752345678,{pay}\nOkot,0772345679,0752345679,6000\n"
        )
    };
    let sms = [("kind", "sms"), ("sms_template", "Dear ((name)), come")];
    let approved = async |batch: Value| {
        assert_eq!(batch["mapping_source"], "given", "{batch}");
        let submitted = command(maker, &batch, "submit", json!({})).await;
        assert_eq!(submitted.status, 200, "{}", submitted.body);
        assert_eq!(world.gaba.checker.approve(&submitted.body).await.0, 200);
    };
    let momo = ("mapping", r#"{"msisdn":"MoMo line"}"#);
    approved(ready(maker, people(5_000), &[momo]).await).await;
    let whatsapp = ("mapping", r#"{"msisdn":"Whatsapp line"}"#);
    approved(ready(maker, people(5_000), &[&sms[..], &[whatsapp]].concat()).await).await;
    for (fields, noun, column, numbers) in [
        (&[][..], "payouts", "MoMo line", ["256772345678", "256772345679"]),
        (&sms[..], "messages", "Whatsapp line", ["256752345678", "256752345679"]),
    ] {
        let next = ready(maker, people(5_500), fields).await;
        assert_eq!((&next["state"], &next["mapping_source"]), (&json!("ready"), &json!("remembered")), "{next}");
        assert_eq!(next["mapping"]["msisdn"], column);
        let rows = maker.all(&format!("/v1/batches/{}/{noun}", id(&next))).await;
        assert_eq!(rows.iter().map(|row| row["msisdn"].as_str().unwrap()).collect::<Vec<_>>(), numbers);
    }
}

/// What is said of the list as a whole: the row it is said in, and the text.
async fn same_file(maker: &Api, batch: &Value) -> Option<(u64, String)> {
    let issues = maker.all(&format!("/v1/batches/{}/issues", id(batch))).await;
    let told: Vec<_> = issues.into_iter().filter(|issue| issue["code"] == "same_file").collect();
    assert!(told.len() <= 1 && told.iter().all(|issue| issue["severity"] == "warning"), "{told:?}");
    told.first().map(|issue| (issue["row"].as_u64().unwrap(), issue["message"].as_str().unwrap().to_owned()))
}

#[tokio::test]
async fn the_same_file_again_is_told_of_before_anybody_is_paid_twice() {
    let world = World::start("same-file").await;
    let maker = &world.gaba.maker;
    let csv = "March payroll\nphone,amount\n0772345678,5000\n0752345678,6000\n";
    let march = ready(maker, csv, &[("name", "March")]).await;
    assert_eq!(same_file(maker, &march).await, None);
    let submitted = command(maker, &march, "submit", json!({})).await.body;
    assert_eq!(world.gaba.checker.approve(&submitted).await.0, 200);
    maker.batch_in(id(&march), &["completed"]).await;

    let again = ready(maker, csv, &[("name", "March again")]).await;
    let day = &march["created_at"].as_str().unwrap()[..10];
    let text = format!(
        "the very same file was uploaded before, as the list \"March\" of {day}. Cancel this batch unless everybody on it shall be \
         paid by both"
    );
    assert_eq!(same_file(maker, &again).await, Some((2, text)), "in the row of the header");
    assert_eq!((&again["counts"]["warnings"], &again["counts"]["duplicates"]), (&json!(3), &json!(2)), "{again}");
    let other = ready(maker, csv.replace("March", "April"), &[]).await;
    assert_eq!(same_file(maker, &other).await, None, "the same payments in another file are told row by row");
    assert_eq!(other["counts"]["duplicates"], 2);
    let (_, stranger, _) = world.other_organisation();
    assert_eq!(same_file(&stranger, &ready(&stranger, csv, &[]).await).await, None);
}

#[tokio::test]
async fn a_list_that_tells_people_is_no_second_payment_of_the_same_file() {
    let world = World::start("same-file-kinds").await;
    let maker = &world.gaba.maker;
    let csv = "phone,amount\n0772345678,5000\n";
    let telling = |text: &'static str| [("kind", "sms"), ("name", "Invitation"), ("sms_template", text)];
    let come = telling("Come on Monday");
    assert_eq!(same_file(maker, &ready(maker, csv, &come).await).await, None);
    let payroll = ready(maker, csv, &[("name", "March")]).await;
    assert_eq!(same_file(maker, &payroll).await, None, "whoever is told first was not paid");
    assert_eq!(payroll["counts"]["warnings"], 0, "{payroll}");
    let reminder = ready(maker, csv, &telling("Do not forget Monday")).await;
    assert_eq!(same_file(maker, &reminder).await, None, "nor is whoever was paid told the same");
    let (_, told) = same_file(maker, &ready(maker, csv, &come).await).await.unwrap();
    assert!(
        told.contains("with the same text, as the list \"Invitation\"") && told.ends_with("told by both"),
        "{told}"
    );
    let (_, told) = same_file(maker, &ready(maker, csv, &[]).await).await.unwrap();
    assert!(
        told.contains("as the list \"March\"") && told.ends_with("paid by both"),
        "whatever was told between: {told}"
    );
}

#[tokio::test]
async fn a_list_that_is_not_what_its_uploader_declared_is_not_submitted() {
    let world = World::start("declared").await;
    let maker = &world.gaba.maker;
    let csv = "phone,amount\n0772345678,5000\n0752345678,6000\n077,7000\n";
    for (total, count, agrees) in [("18000", "3", false), ("11,000", "3", false), ("11,000", "2", true)] {
        let batch = ready(maker, csv, &[("declared_total", total), ("declared_count", count)]).await;
        let declared = (json!(total.replace(',', "")), json!(count.parse::<i64>().unwrap()));
        assert_eq!((batch["declared_total"].clone(), batch["declared_count"].clone()), declared);
        let issues = maker.all(&format!("/v1/batches/{}/issues", id(&batch))).await;
        let notice = issues.iter().find(|i| i["code"] == "declared_mismatch");
        assert_eq!(notice.map(|n| (&n["row"], &n["severity"])), (!agrees).then_some((&json!(1), &json!("warning"))));
        assert_eq!(batch["counts"]["warnings"], issues.iter().filter(|i| i["severity"] == "warning").count());
        let submitted = command(maker, &batch, "submit", json!({"exclude_invalid": true})).await;
        if agrees {
            assert_eq!(submitted.status, 200, "{}", submitted.body);
        } else {
            submitted.is_problem(409, "declared_mismatch");
            assert_eq!(submitted.body["found"], "2 rows of UGX 11,000 together");
        }
    }
}

#[tokio::test]
async fn a_long_import_shows_how_far_it_is() {
    let world = World::start("progress").await;
    let maker = &world.gaba.maker;
    let csv = list(100_000, 5_000);
    let bytes = csv.len() as i64;
    let uploaded = upload(maker, &fresh(), form(csv, "long.csv", &[])).await.body;
    let path = format!("/v1/batches/{}", id(&uploaded));
    let under_way = until("some rows to be read", || async {
        let batch = maker.get(&path).await.1;
        assert_ne!(batch["state"], "import_failed", "{batch}");
        (batch["counts"]["rows"].as_i64()? > 0).then_some(batch)
    })
    .await;
    // On a machine that is fast enough the first look may find it done.
    if under_way["state"] == "importing" {
        let (import, rows) = (&under_way["import"], under_way["counts"]["rows"].as_i64().unwrap());
        assert!((1..=100_000).contains(&rows) && under_way["counts"]["valid"] == rows, "{under_way}");
        assert_eq!(import["file_bytes"], bytes);
        assert!((1..=bytes).contains(&import["read_bytes"].as_i64().unwrap()), "{import}");
    }
    let ready = maker.batch_in(id(&uploaded), &["ready"]).await;
    assert_eq!((&ready["counts"]["rows"], &ready["import"]), (&json!(100_000), &Value::Null));
}

/// Deploys, one after the other, while a long list is read: each process ends at once and well, and nobody died of the list.
#[tokio::test]
async fn a_long_list_is_read_to_its_end_however_often_the_server_is_stopped() {
    const ROWS: usize = 60_000;
    let mut world = World::start("stopped-import").await;
    let uploaded = upload(&world.gaba.maker, &fresh(), form(list(ROWS, 5_000), "list.csv", &[])).await;
    let path = format!("/v1/batches/{}", id(&uploaded.body));
    for _ in 0..4 {
        until("the list to be read in part", || async {
            let (_, batch) = world.gaba.maker.get(&path).await;
            assert_eq!(batch["state"], "importing", "the list is too short to be stopped: {batch}");
            (batch["counts"]["valid"] != 0).then_some(())
        })
        .await;
        assert_eq!(world.gaba.stop(), Some(0));
        world.gaba.serve().await;
    }
    let batch = world.gaba.maker.batch_in(id(&uploaded.body), &["ready", "import_failed"]).await;
    assert_eq!((&batch["state"], &batch["counts"]["valid"]), (&json!("ready"), &json!(ROWS)), "{batch}");
}

#[tokio::test]
async fn a_list_is_read_before_most_of_the_many_that_another_organisation_uploaded_earlier() {
    const MANY: usize = 8;
    const ROWS: usize = 5_000;
    let world = World::start("fairness").await;
    let (many, (_, few, _)) = (&world.gaba.maker, world.other_organisation());
    let long = list(ROWS, 1_000);
    for n in 0..MANY {
        let (status, batch) = many.upload_as(&fresh(), &format!("long {n}"), long.clone().into_bytes(), &[]).await;
        assert_eq!(status, 202, "{batch}");
    }
    let short = ready(&few, list(1, 1_000), &[]).await;
    assert_eq!(short["counts"]["valid"], 1, "{short}");
    let read = many.all("/v1/batches").await.iter().filter(|batch| batch["state"] == "ready").count();
    assert!(read <= MANY / 2, "{read} of {MANY} lists of another were read before this one");
    for batch in many.all("/v1/batches").await {
        assert_eq!(many.batch_in(id(&batch), &["ready"]).await["counts"]["valid"], ROWS);
    }
}
