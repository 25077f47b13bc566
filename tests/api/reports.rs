//! The settlement report: one line per row of the upload, money that ties to the ledger, nothing a spreadsheet would run.

use super::*;
use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use std::collections::HashMap;
use std::io::Cursor;

const HEADER: &str = "batch_id,batch_name,row,reference,payout_id,provider_reference,provider_transaction_id,name,msisdn,\
                      network,currency,amount,fee,tax,total,state,reason_code,reason,attempts,approved_at,sent_at,\
                      settled_at,approved_by,paid_amount";

/// Names that a spreadsheet would take for formulas, a failure, two rows that cannot be paid.
const LIST: &str = "name,phone,amount,reference\n\
                    \"=HYPERLINK(\"\"http://evil\"\")\",256772345678,50000,+1\n\
                    \"@SUM(A1)\",256752345678,60000,-2\n\
                    ＝1+1,256772345679,70000,R3\n\
                    \"Nakato, Grace \"\"G\"\"\",256752345679,80000,R4\n\
                    Okot,256700000001,90000,R5\n\
                    =cmd|' /C calc'!A0,0414345678,-50000,R6\n\
                    Akello,25677234567,1.000,R7\n";

async fn csv(api: &Api, batch: &Value) -> (HeaderMap, String) {
    let answer = send(request(api, "GET", &format!("/v1/batches/{}/report?format=csv", id(batch)))).await;
    assert_eq!(answer.status, 200);
    (answer.headers.clone(), answer.text())
}

fn records(text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_report_has_a_line_for_every_row_and_ties_to_the_ledger() {
    let world = World::start("report").await;
    let maker = &world.gaba.maker;
    let name = "=Payroll \"März\"; 2026";
    let uploaded = upload(maker, &fresh(), form(LIST, "list.csv", &[("name", name)])).await.body;
    let ready = maker.batch_in(id(&uploaded), &["ready"]).await;
    let submitted = command(maker, &ready, "submit", json!({"exclude_invalid": true})).await.body;
    assert_eq!(world.gaba.checker.approve(&submitted).await.0, 200);
    let done = maker.batch_in(id(&ready), &["completed"]).await;
    let (headers, text) = csv(maker, &done).await;
    assert_eq!(text.lines().next().unwrap(), HEADER);
    assert!(text.ends_with("\r\n"));
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"settlement-payroll-m-rz-2026-"), "{disposition}");
    let position: i64 = headers["x-ledger-position"].to_str().unwrap().parse().unwrap();
    assert!(position > 0);
    assert_eq!(csv(maker, &done).await.1, text, "made twice it is the same");

    let lines = records(&text);
    let field = |line: &csv::StringRecord, name: &str| {
        line.get(HEADER.split(',').position(|column| column == name).unwrap()).unwrap().to_owned()
    };
    assert_eq!(lines.iter().map(|l| field(l, "row")).collect::<Vec<_>>(), ["2", "3", "4", "5", "6", "7", "8"]);
    let states: Vec<String> = lines.iter().map(|l| field(l, "state")).collect();
    assert_eq!(states, ["paid", "paid", "paid", "paid", "failed", "excluded", "excluded"]);
    for line in &lines {
        for cell in line.iter() {
            let first = cell.trim_start().chars().next();
            assert!(!matches!(first, Some('=' | '+' | '-' | '@' | '＝')), "{cell:?} would be run");
        }
        let excluded = field(line, "state") == "excluded";
        assert_eq!(field(line, "payout_id").is_empty(), excluded);
        assert_eq!(field(line, "approved_by"), field(&lines[0], "approved_by"));
    }
    assert_eq!(field(&lines[0], "name"), "'=HYPERLINK(\"http://evil\")");
    assert_eq!(field(&lines[3], "name"), "Nakato, Grace \"G\"");
    let paid: i64 =
        lines.iter().filter(|l| field(l, "state") == "paid").map(|l| field(l, "amount").parse::<i64>().unwrap()).sum();
    assert_eq!((paid, number(&done["totals"]["paid_amount"])), (260_000, 260_000));
    assert_eq!(paid, world.paid_out_of_the_ledger(&done).await);
    ties_in_json(maker, &done, &lines).await;
    the_position_is_that_of_its_last_transfer(&world, &done, position, &text).await;
}

/// A later position shows the same, because nothing of the batch moved since; an earlier one is not shown.
async fn the_position_is_that_of_its_last_transfer(world: &World, batch: &Value, position: i64, text: &str) {
    world.gaba.fund("5", "later");
    let path = |position: i64| format!("/v1/batches/{}/report?format=csv&position={position}", id(batch));
    for same in [position, position + 1] {
        let again = send(request(&world.gaba.maker, "GET", &path(same))).await;
        assert_eq!((again.status, again.text().as_str()), (200, text), "at {same}");
        assert_eq!(again.headers["x-ledger-position"].to_str().unwrap(), position.to_string());
    }
    let earlier = reply(request(&world.gaba.maker, "GET", &path(position - 1))).await;
    earlier.is_problem(400, "invalid_request");
    assert!(earlier.body["detail"].as_str().unwrap().contains(&position.to_string()), "{}", earlier.body);
}

/// The JSON report tells the same lines, and the batch's totals.
async fn ties_in_json(maker: &Api, batch: &Value, lines: &[csv::StringRecord]) {
    let (status, report) = maker.get(&format!("/v1/batches/{}/report?format=json", id(batch))).await;
    assert_eq!((status, &report["totals"]), (200, &batch["totals"]));
    assert_eq!(&report["batch"], batch);
    assert_eq!(report["summary"]["difference"], "0");
    assert_eq!(report["summary"]["sent_out"], batch["totals"]["paid_amount"]);
    let told = report["lines"].as_array().unwrap();
    assert_eq!(told.len(), lines.len());
    for (one, line) in told.iter().zip(lines) {
        assert_eq!(one["row"].to_string(), line.get(2).unwrap());
        assert_eq!(one["state"], line.get(15).unwrap());
    }
}

impl World {
    async fn paid_out_of_the_ledger(&self, batch: &Value) -> i64 {
        let batch = uuid::Uuid::parse_str(id(batch)).unwrap();
        let sum = sqlx::query_scalar("SELECT SUM(amount) FROM transfers WHERE kind = 'paid' AND batch_id = $1");
        sum.bind(batch).fetch_one(&self.database().await).await.unwrap()
    }
}

#[tokio::test]
async fn a_report_can_be_made_at_any_time_and_refuses_what_it_cannot_be() {
    let world = World::start("report-early").await;
    let maker = &world.gaba.maker;
    let batch = maker.submit_list("early", crate::support::list(1_203, 50_000), &[]).await;
    let early = csv(maker, &batch).await.1;
    let lines = records(&early);
    assert_eq!(lines.len(), 1_203, "more than one page of the store");
    assert!(
        lines.iter().enumerate().all(|(n, l)| l.get(2) == Some(&(n + 2).to_string()) && l.get(15) == Some("queued"))
    );
    let path = format!("/v1/batches/{}/report", id(&batch));
    for query in [
        "format=pdf",
        "format=CSV",
        "position=x",
        "position=-1",
        "position=999999",
        "colour=red",
        "format=csv&format=csv",
    ] {
        let refused = reply(request(maker, "GET", &format!("{path}?{query}"))).await;
        refused.is_problem(400, "invalid_request");
    }
    let pdf = reply(request(maker, "GET", &format!("{path}?format=pdf"))).await;
    assert!(pdf.body["detail"].as_str().unwrap().contains("xlsx"), "{}", pdf.body);
    let viewer = world.key(&["--role", "viewer"]);
    assert_eq!(csv(&viewer, &batch).await.1, early);
}

/// Row, code and value of every issue of a list that is read.
async fn refused(maker: &Api, file: Vec<u8>, name: &str) -> (Value, Vec<String>) {
    let uploaded = upload(maker, &fresh(), form(file, name, &[])).await.body;
    let batch = maker.batch_in(id(&uploaded), &["ready"]).await;
    let issues = maker.all(&format!("/v1/batches/{}/issues", id(&batch))).await;
    (batch, issues.iter().map(|i| format!("{} {} {} {}", i["row"], i["column"], i["code"], i["value"])).collect())
}

#[tokio::test]
async fn the_bad_rows_come_back_as_they_were_refused_as_csv_and_as_a_workbook() {
    let world = World::start("issues").await;
    let maker = &world.gaba.maker;
    let list = "Name,Phone,Amount,Team\nZoë Müller,077234567,5000,A\n=1+1,0312345678,-5,+B\n\
                \"Nakato \"\"G\"\" Grace\",0772345678,\"1,00\",\"Plot 1\nKampala\"\n";
    let (batch, issues) = refused(maker, list.into(), "list.csv").await;
    assert_eq!((&batch["counts"]["invalid"], &batch["counts"]["valid"]), (&json!(3), &json!(0)), "{issues:?}");
    let mut books = Vec::new();
    for (format, media_type) in [
        ("csv", "text/csv; charset=utf-8"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ] {
        let answer = send(request(maker, "GET", &format!("/v1/batches/{}/issues.{format}", id(&batch)))).await;
        assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, media_type));
        let disposition = answer.headers["content-disposition"].to_str().unwrap();
        assert_eq!(disposition, format!("attachment; filename=\"a-list-issues.{format}\""));
        assert!(!answer.headers.contains_key("x-ledger-position"));
        let (again, same) = refused(maker, answer.body.clone(), "list").await;
        assert_eq!((again["counts"]["invalid"].as_i64(), same), (Some(3), issues.clone()), "as {format}, unchanged");
        books.push(answer.body);
    }
    assert!(books[0].starts_with("\u{feff}Name,Phone,Amount,Team,gaba_reason\r\nZoë Müller,".as_bytes()), "for Excel");
    let mut book: Workbook = open_workbook_from_rs(Cursor::new(books.remove(1))).unwrap();
    let rows = table(&mut book, "Rows to correct");
    let cells: Vec<&Data> = ["Name", "Phone", "Amount"].iter().map(|header| &rows[1][*header]).collect();
    let texts = ["=1+1", "0312345678", "-5"].map(|text| Data::String(text.into()));
    assert_eq!(cells, texts.iter().collect::<Vec<_>>(), "texts, zero and all");
    assert!(book.worksheet_formula("Rows to correct").unwrap().used_cells().next().is_none());
    assert!(matches!(&rows[0]["gaba_reason"], Data::String(why) if why.len() > 20), "{rows:?}");

    let (_, stranger, _) = world.other_organisation();
    let look = request(&stranger, "GET", &format!("/v1/batches/{}/issues.xlsx", id(&batch)));
    reply(look).await.is_problem(404, "not_found");
    let (sound, none) = refused(maker, crate::support::list(2, 5_000).into(), "list.csv").await;
    assert_eq!(none, [""; 0]);
    let empty = send(request(maker, "GET", &format!("/v1/batches/{}/issues.xlsx", id(&sound)))).await;
    let mut book: Workbook = open_workbook_from_rs(Cursor::new(empty.body)).unwrap();
    assert_eq!(table(&mut book, "Rows to correct").len(), 0, "nothing is to be corrected");
}

pub(super) type Workbook = Xlsx<Cursor<Vec<u8>>>;

/// The rows of a sheet under its header, by heading.
pub(super) fn table(book: &mut Workbook, sheet: &str) -> Vec<HashMap<String, Data>> {
    let range = book.worksheet_range(sheet).unwrap();
    let mut rows = range.rows();
    let header: Vec<String> = rows.next().unwrap().iter().map(ToString::to_string).collect();
    rows.map(|row| header.iter().cloned().zip(row.iter().cloned()).collect()).collect()
}

/// What stands beside each label of the summary.
pub(super) fn summary(book: &mut Workbook) -> HashMap<String, Vec<Data>> {
    let range = book.worksheet_range("Summary").unwrap();
    range.rows().map(|row| (row[0].to_string(), row[1..].to_vec())).collect()
}

#[tokio::test]
async fn a_workbook_has_real_numbers_and_dates_ties_and_is_the_same_bytes_each_time() {
    let world = World::start("workbook").await;
    let maker = &world.gaba.maker;
    let uploaded = upload(maker, &fresh(), form(LIST, "list.csv", &[("name", "=Payroll")])).await.body;
    maker.batch_in(id(&uploaded), &["ready"]).await;
    let submitted = command(maker, &uploaded, "submit", json!({"exclude_invalid": true})).await.body;
    assert_eq!(world.gaba.checker.approve(&submitted).await.0, 200);
    let done = maker.batch_in(id(&uploaded), &["completed"]).await;
    let path = format!("/v1/batches/{}/report?format=xlsx", id(&done));
    let answer = send(request(maker, "GET", &path)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["content-length"].to_str().unwrap(), answer.body.len().to_string());
    let name = answer.headers["content-disposition"].to_str().unwrap();
    assert!(name.ends_with(".xlsx\""), "{name}");
    assert_eq!(send(request(maker, "GET", &path)).await.body, answer.body, "made twice it is the same");
    let file = world.gaba.folder.file("report.xlsx");
    let written = world.gaba.run(&["report", id(&done), "--format", "xlsx", "-o", file.to_str().unwrap()]);
    assert!(written.status.success(), "{}", stderr(&written));
    assert_eq!(std::fs::read(&file).unwrap(), answer.body, "the command writes what the server gives");
    assert!(std::fs::read_dir(world.gaba.folder.file("tmp")).unwrap().next().is_none(), "nothing is left behind");

    let mut book: Workbook = open_workbook_from_rs(Cursor::new(answer.body)).unwrap();
    assert_eq!(book.sheet_names(), ["Summary", "Payments", "Failures"]);
    let payments = table(&mut book, "Payments");
    let column = |name: &str| payments.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("row"), (2..9).map(|row| Data::Float(row.into())).collect::<Vec<_>>());
    let first = &payments[0];
    assert_eq!(first["name"], Data::String("=HYPERLINK(\"http://evil\")".into()), "text, and no formula");
    assert_eq!((&first["msisdn"], &first["amount"]), (&Data::String("256772345678".into()), &Data::Float(50_000.0)));
    assert!(matches!(first["settled_at"], Data::DateTime(_)) && matches!(first["payout_id"], Data::String(_)));
    assert_eq!(payments[6]["amount"], Data::String("1.000".into()), "as uploaded");
    for sheet in ["Summary", "Payments", "Failures"] {
        assert!(book.worksheet_formula(sheet).unwrap().used_cells().next().is_none(), "{sheet} has a formula");
    }
    let failures = table(&mut book, "Failures");
    let states: Vec<String> = failures.iter().map(|row| row["state"].to_string()).collect();
    assert_eq!(states, ["failed", "excluded", "excluded"]);
    assert_eq!(failures[0]["reason_code"], Data::String("PAYEE_NOT_FOUND".into()));

    let summary = summary(&mut book);
    assert_eq!(summary["batch"][0], Data::String("=Payroll".into()));
    assert_eq!((&summary["paid"][0], &summary["paid"][1]), (&Data::Float(4.0), &Data::Float(260_000.0)));
    assert_eq!((&summary["all"][0], &summary["excluded"][0]), (&Data::Float(7.0), &Data::Float(2.0)));
    assert_eq!(summary["sent out, by the ledger"][1], Data::Float(260_000.0));
    assert_eq!(summary["difference"][1], Data::Float(0.0));
    assert_eq!(summary["approved_by"][0].to_string(), column_of(&world, &done).await, "as the CSV says");
}

async fn column_of(world: &World, batch: &Value) -> String {
    let (_, text) = csv(&world.gaba.maker, batch).await;
    records(&text)[0].get(22).unwrap().to_owned()
}
