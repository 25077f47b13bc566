//! The statement of a wallet in each format: it ties to the wallet, and made again it is the same bytes.

use super::*;
use crate::support::list;
use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use std::io::Cursor;

async fn download(api: &Api, wallet: &str, query: &str) -> crate::support::described::Answer {
    let answer = send(request(api, "GET", &format!("/v1/wallets/{wallet}/statement?{query}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

#[tokio::test]
async fn a_statement_ties_to_the_wallet_in_every_format() {
    let world = World::start("statement-formats").await;
    let maker = &world.gaba.maker;
    let failing = format!("{}Okot,256700000001,90000,=cmd\n", list(3, 50_000));
    world.settle("=Payroll", failing, &[]).await;
    let wallet = maker.get("/v1/wallets").await.1["items"][0].clone();

    let json = download(maker, id(&wallet), "format=json").await;
    let told = json.json();
    let kinds: Vec<&str> = told["lines"].as_array().unwrap().iter().map(|l| l["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["funding", "reserve", "release"]);
    assert_eq!((&told["opening"], &told["closing"]), (&json!("0"), &wallet["available"]));
    assert_eq!(number(&told["in"]) - number(&told["out"]), number(&told["closing"]));
    assert_eq!(told["lines"][2]["balance"], told["closing"]);
    assert_eq!(json.headers["x-ledger-position"].to_str().unwrap(), told["position"].to_string());

    let csv = download(maker, id(&wallet), "").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let text = csv.text();
    let records: Vec<csv::StringRecord> =
        csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect();
    let column = |n: usize| records.iter().map(|r| r.get(n).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(column(2), ["opening", "funding", "reserve", "release", "closing"]);
    assert_eq!(column(11).last().unwrap(), wallet["available"].as_str().unwrap());
    assert_eq!(
        (column(3)[3].as_str(), column(5)[2].as_str()),
        ("'=cmd", "'=Payroll"),
        "nothing a spreadsheet would run"
    );

    let xlsx = download(maker, id(&wallet), "format=xlsx").await;
    assert_eq!(xlsx.headers["content-length"].to_str().unwrap(), xlsx.body.len().to_string());
    assert_eq!(xlsx.body, download(maker, id(&wallet), "format=xlsx").await.body, "made twice it is the same");
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(xlsx.body)).unwrap();
    assert_eq!(book.sheet_names(), ["Summary", "Transfers"]);
    let rows = book.worksheet_range("Transfers").unwrap();
    let last = rows.rows().next_back().unwrap();
    assert_eq!((&last[8], &last[3]), (&Data::Float(number(&wallet["available"]) as f64), &Data::String("=cmd".into())));
    assert!(matches!(last[1], Data::DateTime(_)), "{:?}", last[1]);
}

#[tokio::test]
async fn stretches_of_time_meet_and_what_is_no_time_is_refused() {
    let world = World::start("statement-spans").await;
    let maker = &world.gaba.maker;
    world.settle("payroll", list(3, 50_000), &[]).await;
    let wallet = maker.get("/v1/wallets").await.1["items"][0].clone();
    let all = download(maker, id(&wallet), "format=json").await.json();
    let middle = all["lines"][1]["at"].as_str().unwrap();
    let before = download(maker, id(&wallet), &format!("format=json&to={middle}")).await.json();
    let after = download(maker, id(&wallet), &format!("format=json&from={middle}")).await.json();
    assert_eq!((&before["opening"], &after["opening"]), (&json!("0"), &before["closing"]));
    assert_eq!(after["closing"], all["closing"]);
    assert_eq!((before["lines"].as_array().unwrap().len(), after["lines"].as_array().unwrap().len()), (1, 1));
    let none = download(maker, id(&wallet), "format=json&from=2099-01-01T00:00:00Z").await.json();
    assert_eq!((&none["opening"], &none["closing"], &none["lines"]), (&all["closing"], &all["closing"], &json!([])));

    let path = format!("/v1/wallets/{}/statement", id(&wallet));
    for query in
        ["from=yesterday", "to=2026-03-01", "format=pdf", "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "x=1"]
    {
        reply(request(maker, "GET", &format!("{path}?{query}"))).await.is_problem(400, "invalid_request");
    }
    let (_, stranger, _) = world.other_organisation();
    reply(request(&stranger, "GET", &path)).await.is_problem(404, "not_found");
}
