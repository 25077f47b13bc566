//! Rows a second of one long list: through the real server process, beside the parts that it is made of, each alone, in the
//! same run; how much memory the server took at most, and for a spreadsheet, the process that read it. More memory than its
//! budget is a failure.
//!
//! `make bench`, or `cargo bench --bench import -- 100000` for another size; a workbook has a fifth of the rows.

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::{children, new_batch, peak_mib};
use gaba::batch::import::{self, Terms};
use gaba::clock::SystemClock;
use gaba::config::Config;
use gaba::lane::route::Router;
use gaba::money::{Currency, Money};
use gaba::phone::Country;
use gaba::sheet::Program;
use gaba::store::{self, NewRecipient, NewRow};
use rust_xlsxwriter::Workbook;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Folder, GABA, Installation, Network, list};
use uuid::Uuid;

/// Rows of one transaction, as the importer writes them.
const CHUNK_ROWS: usize = 1_000;
const LEASE: Duration = Duration::from_secs(600);
/// The most that the server may hold while it reads a list, and the process that reads a spreadsheet for it.
const SERVER_MIB_MAX: f64 = 256.0;
const READER_MIB_MAX: f64 = 512.0;
/// How often a reader's memory is looked at.
const LOOK: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() {
    let rows = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let csv = list(rows, 100_000);
    println!("{rows} rows, {} MiB of CSV; SQLite on {}", csv.len() >> 20, std::env::temp_dir().display());
    println!("{:<44} {:>9} {:>11}", "what", "seconds", "rows/s");
    tell("csv's parser alone", rows, parse_alone(&csv));
    tell("reading and judging alone", rows, judge_alone("list.csv", csv.as_bytes(), rows));
    tell("the inserts alone, a thousand at a time", rows, inserts_alone(rows).await);
    let imported = through_the_server(rows, csv.into_bytes()).await;
    tell("import through the server, digest and all", rows, imported.took);
    println!("the server held at most {:.0} MiB ({:.0} before the upload)", imported.peak_mib, imported.idle_mib);
    assert!(imported.peak_mib <= SERVER_MIB_MAX, "the budget of the server is {SERVER_MIB_MAX} MiB");
    let rows = rows / 5;
    let workbook = workbook(&list(rows, 100_000));
    println!("{rows} rows, {} MiB of XLSX", workbook.len() >> 20);
    tell("reading (by a process of its own), judging", rows, judge_alone("list.xlsx", &workbook, rows));
    let imported = through_the_server(rows, workbook).await;
    tell("import through the server, digest and all", rows, imported.took);
    println!(
        "the server held at most {:.0} MiB ({:.0} before), its reader {:.0} MiB",
        imported.peak_mib, imported.idle_mib, imported.reader_mib
    );
    assert!(imported.peak_mib <= SERVER_MIB_MAX, "the budget of the server is {SERVER_MIB_MAX} MiB");
    assert!(imported.reader_mib <= READER_MIB_MAX, "the budget of the reader is {READER_MIB_MAX} MiB");
}

fn tell(what: &str, rows: usize, took: Duration) {
    let seconds = took.as_secs_f64();
    println!("{what:<44} {seconds:>9.2} {:>11.0}", rows as f64 / seconds);
}

fn parse_alone(csv: &str) -> Duration {
    let started = Instant::now();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let (mut record, mut cells) = (csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).unwrap() {
        cells += record.len();
    }
    assert!(cells > 0);
    started.elapsed()
}

/// The same list as spreadsheet programs write it: words in the table of shared strings, amounts as numbers.
fn workbook(csv: &str) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, line) in (0..).zip(csv.lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            match cell.parse::<f64>() {
                Ok(number) if column == 2 => sheet.write_number(row, column, number).unwrap(),
                _ => sheet.write_string(row, column, cell).unwrap(),
            };
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn judge_alone(name: &str, content: &[u8], rows: usize) -> Duration {
    let folder = Folder::new("bench-read");
    let file = folder.file(name);
    std::fs::write(&file, content).unwrap();
    let lanes =
        "[[lanes]]\nname = \"a\"\nrail = \"http\"\nbase_url = \"http://x\"\ncurrency = \"UGX\"\nprefixes = [\"256\"]";
    let router = Router::new(&Config::parse(lanes).unwrap().lanes).unwrap();
    let (currency, country) = (Currency::Ugx, Country::Uganda);
    let terms =
        Terms { currency, country, router: &router, mapping: None, rows_max: u32::MAX, sms: None, notice: None };
    let started = Instant::now();
    let summary = import::read(&file, &terms, &Program::new(GABA), &mut |_| Ok(())).unwrap();
    assert_eq!((summary.valid as usize, summary.invalid), (rows, 0));
    started.elapsed()
}

/// Rows that nobody has to read, into the same tables.
async fn inserts_alone(rows: usize) -> Duration {
    let folder = Folder::new("bench-inserts");
    let config = Config { database_url: format!("sqlite://{}", folder.file("gaba.db").display()), ..Config::default() };
    let store = store::open(&config, Arc::new(SystemClock)).await.unwrap();
    let organisation = store.create_organisation("Bench", Currency::Ugx).await.unwrap().id;
    new_batch(&store, organisation, Uuid::nil()).await;
    let batch = store.claim_import(LEASE).await.unwrap().unwrap();
    let mut took = Duration::ZERO;
    for first in (0..rows).step_by(CHUNK_ROWS) {
        let chunk: Vec<NewRow> = (first..rows.min(first + CHUNK_ROWS)).map(row).collect();
        let started = Instant::now();
        store.import_rows(&batch, LEASE, chunk).await.unwrap();
        took += started.elapsed();
    }
    took
}

fn row(n: usize) -> NewRow {
    let money = |minor| Money::new(minor, Currency::Ugx);
    let recipient = NewRecipient {
        sms: None,
        msisdn: format!("25677{:07}", n % 10_000_000),
        network: Some("MTN".into()),
        lane: "bench".into(),
        amount: money(100_000 + n as i64 % 100),
        fee: money(0),
        tax: money(0),
        name: format!("Recipient {n}"),
        reference: Some(format!("R{n}")),
        note: None,
        variables: "{}".into(),
    };
    NewRow { row: n as u32 + 2, recipient: Some(recipient), rejected: None, issues: Vec::new() }
}

struct Imported {
    /// From the answer to the upload until the batch is ready.
    took: Duration,
    /// What the server held before the upload.
    idle_mib: f64,
    /// What the server held at most.
    peak_mib: f64,
    /// What the largest of its children held at most; zero where it had none.
    reader_mib: f64,
}

async fn through_the_server(rows: usize, file: Vec<u8>) -> Imported {
    let folder = Folder::new("bench-book");
    let network = Network::start(&folder).await;
    let mut installation = Installation::new("bench-import", &network, "").await;
    installation.serve().await;
    let server = installation.server_id();
    let idle_mib = peak_mib(server).unwrap_or(f64::NAN);
    let watch = tokio::spawn(async move {
        let mut most = 0.0;
        while peak_mib(server).is_some() {
            most = children(server).into_iter().filter_map(peak_mib).fold(most, f64::max);
            tokio::time::sleep(LOOK).await;
        }
        most
    });
    let (status, batch) = installation.maker.upload_as("bench", "bench", file, &[]).await;
    assert_eq!(status, 202, "{batch}");
    let started = Instant::now();
    let ready = installation.maker.batch_in(batch["id"].as_str().unwrap(), &["ready", "import_failed"]).await;
    let took = started.elapsed();
    assert_eq!(ready["counts"]["valid"], rows as i64, "{ready}");
    let held = peak_mib(server).unwrap_or(f64::NAN);
    installation.kill();
    Imported { took, idle_mib, peak_mib: held, reader_mib: watch.await.unwrap() }
}
