//! Rows a second of one long list: through the real server process, beside the parts that it is made of, each alone, in the
//! same run; and how much memory the server took at most.
//!
//! `make bench`, or `cargo bench --bench import -- 100000` for another size.

#[path = "../tests/support/mod.rs"]
mod support;

use gaba::batch::NewBatch;
use gaba::batch::import::{self, Terms};
use gaba::clock::{SystemClock, Time};
use gaba::config::Config;
use gaba::ids;
use gaba::lane::route::Router;
use gaba::money::{Currency, Money};
use gaba::phone::Country;
use gaba::store::{self, NewRecipient, NewRow};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Folder, Installation, Network, list};
use uuid::Uuid;

/// Rows of one transaction, as the importer writes them.
const CHUNK_ROWS: usize = 1_000;
const LEASE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() {
    let rows = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let csv = list(rows, 100_000);
    println!("{rows} rows, {} MiB of CSV; SQLite on {}", csv.len() >> 20, std::env::temp_dir().display());
    println!("{:<44} {:>9} {:>11}", "what", "seconds", "rows/s");
    tell("csv's parser alone", rows, parse_alone(&csv));
    tell("reading and judging alone", rows, judge_alone(&csv));
    tell("the inserts alone, a thousand at a time", rows, inserts_alone(rows).await);
    let (took, before, most) = through_the_server(rows, csv).await;
    tell("import through the server, digest and all", rows, took);
    println!("resident at most: {most} MiB (before the upload: {before} MiB)");
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

fn judge_alone(csv: &str) -> Duration {
    let folder = Folder::new("bench-read");
    let file = folder.file("list.csv");
    std::fs::write(&file, csv).unwrap();
    let lanes =
        "[[lanes]]\nname = \"a\"\nrail = \"http\"\nbase_url = \"http://x\"\ncurrency = \"UGX\"\nprefixes = [\"256\"]";
    let router = Router::new(&Config::parse(lanes).unwrap().lanes).unwrap();
    let (currency, country) = (Currency::Ugx, Country::Uganda);
    let terms = Terms { currency, country, router: &router, mapping: None, rows_max: u32::MAX };
    let started = Instant::now();
    let summary = import::read(&file, &terms, &mut |_| Ok(())).unwrap();
    assert_eq!(summary.invalid, 0);
    started.elapsed()
}

/// Rows that nobody has to read, into the same tables.
async fn inserts_alone(rows: usize) -> Duration {
    let folder = Folder::new("bench-inserts");
    let config = Config { database_url: format!("sqlite://{}", folder.file("gaba.db").display()), ..Config::default() };
    let store = store::open(&config, Arc::new(SystemClock)).await.unwrap();
    let organisation = store.create_organisation("Bench", Currency::Ugx).await.unwrap().id;
    let batch = NewBatch {
        id: ids::batch(organisation, ids::MODE_LIVE, "bench"),
        organisation,
        name: "bench".into(),
        currency: Currency::Ugx,
        notify: false,
        sms_template: None,
        mapping: None,
        scheduled_at: None::<Time>,
        declared: Default::default(),
        file_name: "bench.csv".into(),
        fingerprint: [0; 32],
        upload: Uuid::nil(),
        created_by: Uuid::nil(),
        created_by_label: "bench".into(),
    };
    store.create_batch(batch).await.unwrap();
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

/// From the answer to the upload until the batch is ready; resident memory before and at most, in MiB.
async fn through_the_server(rows: usize, csv: String) -> (Duration, u64, u64) {
    let folder = Folder::new("bench-book");
    let network = Network::start(&folder).await;
    let mut installation = Installation::new("bench-import", &network, "").await;
    installation.serve().await;
    let server = installation.server_id().expect("a running server");
    let before = resident_mib(server);
    let (status, batch) = installation.maker.upload_as("bench", "bench", csv.into_bytes(), &[]).await;
    assert_eq!(status, 202, "{batch}");
    let started = Instant::now();
    let ready = installation.maker.batch_in(batch["id"].as_str().unwrap(), &["ready", "import_failed"]).await;
    let took = started.elapsed();
    assert_eq!(ready["counts"]["valid"], rows as i64, "{ready}");
    (took, before, resident_mib(server))
}

/// The most that a process ever had in memory; Linux tells it.
fn resident_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1024
}
