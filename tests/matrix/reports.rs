//! The rows of the matrix about reports: what stands in a list, and what a spreadsheet finds in the report of it.

use super::{Ground, said, upload};

/// A name as uploaded, and its cell in the report: nothing that a spreadsheet would run.
const CELLS: [(&str, &str, &str); 16] = [
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
    ("quotes", "Nakato \"G\" Grace", "Nakato \"G\" Grace"),
    ("a delimiter", "Nakato, Grace; PhD", "Nakato, Grace; PhD"),
    ("a name", "Grace Nakato", "Grace Nakato"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_holds_nothing_that_a_spreadsheet_would_run() {
    let ground = Ground::start("matrix-reports").await;
    let maker = &ground.gaba.maker;
    let mut list = csv::Writer::from_writer(Vec::new());
    list.write_record(["name", "phone", "amount"]).unwrap();
    for (at, (_, name, _)) in CELLS.iter().enumerate() {
        list.write_record([*name, &format!("07723456{at:02}"), "5000"]).unwrap();
    }
    let (status, uploaded) = upload(maker, "reports", "list.csv", list.into_inner().unwrap(), &[]).await;
    assert_eq!(status, 202, "{uploaded}");
    let batch = maker.batch_in(said(&uploaded["id"]), &["ready"]).await;
    let path = format!("{}/v1/batches/{}/report?format=csv", maker.url, said(&batch["id"]));
    let report = maker.client.get(path).bearer_auth(&maker.key).send().await.unwrap().text().await.unwrap();
    let mut reader = csv::Reader::from_reader(report.as_bytes());
    let column = |name: &str, headers: &csv::StringRecord| headers.iter().position(|h| h == name).unwrap();
    let headers = reader.headers().unwrap().clone();
    let (name, msisdn) = (column("name", &headers), column("msisdn", &headers));
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), CELLS.len());
    for (line, (what, _, cell)) in lines.iter().zip(CELLS) {
        assert_eq!(&line[name], cell, "{what}");
        assert!(line[msisdn].starts_with("256"), "{what}: {}", &line[msisdn]);
        for cell in line.iter() {
            let first = cell.trim_start().chars().next();
            assert!(
                !matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')),
                "{what}: {cell:?} would be run"
            );
        }
    }
}
