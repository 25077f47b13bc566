//! The rows of the matrix about reports: what stands in a list, and what a spreadsheet finds in the report of it.

use super::{Ground, said, upload};
use crate::support::{Api, described};
use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use rust_xlsxwriter::Workbook;
use serde_json::Value;
use std::io::Cursor;

/// A name as uploaded, and its cell in the report: nothing that a spreadsheet would run.
const CELLS: [(&str, &str, &str); 17] = [
    ("=", "=1+1", "'=1+1"),
    ("+", "+1", "'+1"),
    ("-", "-1", "'-1"),
    ("@", "@SUM(A1)", "'@SUM(A1)"),
    ("a link", "=HYPERLINK(\"http://evil\")", "'=HYPERLINK(\"http://evil\")"),
    ("a command", "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("a full-width =", "＝1+1", "'＝1+1"),
    ("a full-width +", "＋1", "'＋1"),
    ("a full-width -", "－1", "'－1"),
    ("a full-width @", "＠A1", "'＠A1"),
    ("a space before it", " =1+1", "'=1+1"),
    ("a tab before it", "\t=1+1", "'=1+1"),
    ("a line break, then a formula", "Grace\n=1+1", "'Grace\n=1+1"),
    ("a carriage return, then a formula", "Grace\r=1+1", "'Grace\r=1+1"),
    ("quotes", "Nakato \"G\" Grace", "Nakato \"G\" Grace"),
    ("a delimiter", "Nakato, Grace; PhD", "Nakato, Grace; PhD"),
    ("a name", "Grace Nakato", "Grace Nakato"),
];

/// What is run where a cell begins with it.
const RUN: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Every cell as it is in the list and in the report, for the page.
pub fn lines() -> Vec<(String, String)> {
    CELLS.iter().map(|(_, name, cell)| ((*name).to_owned(), (*cell).to_owned())).collect()
}

/// An import takes off what is not seen at the beginning of a cell, so these are asked of the guard itself.
#[test]
fn a_cell_that_begins_with_a_tab_or_a_line_end_is_marked() {
    for cell in ["\tGrace", "\rGrace", "\nGrace", "\t=1+1", "\r=1+1", "\"\n=1+1\""] {
        assert_eq!(gaba::report::csv::safe(cell), format!("'{cell}"), "{cell:?}");
    }
}

fn rows() -> impl Iterator<Item = [String; 3]> {
    let header = ["name", "phone", "amount"].map(str::to_owned);
    let rows = CELLS
        .iter()
        .enumerate()
        .map(|(at, (_, name, _))| [(*name).to_owned(), format!("07723456{at:02}"), "5000".to_owned()]);
    [header].into_iter().chain(rows)
}

fn text() -> Vec<u8> {
    let mut list = csv::Writer::from_writer(Vec::new());
    rows().for_each(|row| list.write_record(row).unwrap());
    list.into_inner().unwrap()
}

fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(rows()) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

/// The report of a batch, and the name that it is saved under.
async fn report(maker: &Api, batch: &Value, format: &str) -> (Vec<u8>, String) {
    let path = format!("{}/v1/batches/{}/report?format={format}", maker.url, said(&batch["id"]));
    let answer = described::send(maker.client.get(path).bearer_auth(&maker.key)).await;
    assert_eq!(answer.status, 200, "{format}");
    (answer.body, answer.headers["content-disposition"].to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_holds_nothing_that_a_spreadsheet_would_run() {
    let ground = Ground::start("matrix-reports").await;
    let maker = &ground.gaba.maker;
    for (file, list) in [("list.csv", text()), ("list.xlsx", workbook())] {
        let (status, uploaded) = upload(maker, file, file, list, &[]).await;
        assert_eq!(status, 202, "{uploaded}");
        let batch = maker.batch_in(said(&uploaded["id"]), &["ready"]).await;
        let (report_csv, _) = report(maker, &batch, "csv").await;
        nothing_runs_in_csv(file, &report_csv);
        let (report_xlsx, _) = report(maker, &batch, "xlsx").await;
        nothing_runs_in_a_workbook(file, report_xlsx);
    }
}

fn nothing_runs_in_csv(file: &str, report: &[u8]) {
    let mut reader = csv::Reader::from_reader(report);
    let column = |name: &str, headers: &csv::StringRecord| headers.iter().position(|h| h == name).unwrap();
    let headers = reader.headers().unwrap().clone();
    let (name, msisdn) = (column("name", &headers), column("msisdn", &headers));
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), CELLS.len(), "{file}");
    for (line, (what, _, cell)) in lines.iter().zip(CELLS) {
        assert_eq!(&line[name], cell, "{file}: {what}");
        assert!(line[msisdn].starts_with("256"), "{file}: {what}: {}", &line[msisdn]);
        for cell in line.iter() {
            assert!(!cell.trim_start().starts_with(RUN), "{file}: {what}: {cell:?} would be run");
        }
    }
}

/// Cells are texts there, as they were uploaded, and no formula is one of them.
fn nothing_runs_in_a_workbook(file: &str, report: Vec<u8>) {
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(report)).unwrap();
    let range = book.worksheet_range("Payments").unwrap();
    let name = range.rows().next().unwrap().iter().position(|h| *h == "name").unwrap();
    for (row, (what, uploaded, _)) in range.rows().skip(1).zip(CELLS) {
        assert_eq!(row[name], Data::String(uploaded.trim().to_owned()), "{file}: {what}");
    }
    assert!(book.worksheet_formula("Payments").unwrap().used_cells().next().is_none(), "{file}");
}

/// What a file or a batch is called never becomes a header, a path, or the name of what is saved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_with_line_breaks_names_a_report_like_any_other() {
    let ground = Ground::start("matrix-names").await;
    let maker = &ground.gaba.maker;
    // A raw line break ends the header of the file's part, and the form with it; browsers write it as %0D%0A.
    for (at, (name, answered)) in [
        ("a\r\nSet-Cookie: b.csv", 400),
        ("a%0D%0ASet-Cookie: b.csv", 202),
        ("../../a\"; b.csv", 202),
        ("＝a\u{2028}b.csv", 202),
    ]
    .into_iter()
    .enumerate()
    {
        let list = b"phone,amount\n0772345678,5000\n".to_vec();
        let (status, uploaded) = upload(maker, &format!("file-{at}"), name, list.clone(), &[("name", "named")]).await;
        assert_eq!(status, answered, "{name:?}: {uploaded}");
        // As the batch's own name it is taken or refused, and never a header.
        let (_, named) = upload(maker, &format!("batch-{at}"), "list.csv", list, &[("name", name)]).await;
        for uploaded in [uploaded, named].iter().filter(|uploaded| uploaded["id"].is_string()) {
            let batch = maker.batch_in(said(&uploaded["id"]), &["ready"]).await;
            for format in ["csv", "xlsx"] {
                let (_, saved) = report(maker, &batch, format).await;
                let saved = saved.strip_prefix("attachment; filename=\"").and_then(|n| n.strip_suffix('"')).unwrap();
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
                assert!(saved.chars().all(plain) && !saved.contains(".."), "{name:?}: {saved}");
            }
        }
    }
}
