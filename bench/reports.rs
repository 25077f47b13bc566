//! The books of a long list against themselves, whole and from an earlier check on, and its backup. Reports of a long list: seconds to the first byte and to the last, and the most memory that the server held, for each
//! format; and the statement of a wallet to which half of the list came back.
//!
//! `make bench`, or `cargo bench --bench reports -- 100000` for another number of rows. The rows are put into the database
//! through the store, without a network.

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::{new_batch, peak_mib};
use gaba::batch::Batch;
use gaba::clock::{Clock, SystemClock, Time};
use gaba::config::{Config, LaneConfig};
use gaba::money::{Currency, Money};
use gaba::org::{Principal, Role};
use gaba::payout::Submission;
use gaba::payout::resolve::{Conditions, Observation, Source, decide};
use gaba::rail::{Answer, Outcome, Payment, Reason, Request, Transfer};
use gaba::store::{ImportTotals, NewRecipient, NewRow, PayoutRecord, SharedStore};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Folder, Installation};
use uuid::Uuid;

const LANE: &str = "bench";
const AMOUNT: i64 = 50_000;
const LEASE: Duration = Duration::from_secs(600);
/// Of every so many rows one fails.
const FAILS: u32 = 2;

#[tokio::main]
async fn main() {
    let rows: u32 = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(1_000_000);
    let mut installation = Installation::configured("bench-reports", configuration);
    let began = Instant::now();
    let batch = fill(&installation, rows).await;
    println!("{rows} rows, filled in {:.0} s", began.elapsed().as_secs_f64());
    check(&installation).await;
    println!(
        "{:<18} {:>10} {:>9} {:>11} {:>9} {:>12}",
        "report", "first byte", "seconds", "rows/s", "MiB", "peak RSS MiB"
    );
    let report = |format: &str| format!("/v1/batches/{batch}/report?format={format}");
    for format in ["csv", "json", "xlsx"] {
        measure(&mut installation, &format!("settlement {format}"), &report(format), rows).await;
    }
    installation.serve().await;
    let wallet = installation.checker.get("/v1/wallets").await.1["items"][0]["id"].as_str().unwrap().to_owned();
    installation.kill();
    for format in ["csv", "xlsx"] {
        let path = format!("/v1/wallets/{wallet}/statement?format={format}");
        measure(&mut installation, &format!("statement {format}"), &path, rows / FAILS).await;
    }
}

/// Seconds that a check of the ledger takes, and a backup.
async fn check(installation: &Installation) {
    let store = open(installation).await;
    let mut folded = gaba::wallet::check::Folded::default();
    for what in ["whole", "nothing moved"] {
        let began = Instant::now();
        let (check, so_far) = store.check_ledger_from(folded).await.unwrap();
        println!("ledger check, {what}: {:.3} s, {} transfers", began.elapsed().as_secs_f64(), check.transfers);
        assert!(check.balances(), "{:#?}", check.differences.first());
        folded = so_far;
    }
    let began = Instant::now();
    let backup = store.backup(&installation.folder.file("backup.db")).await.unwrap();
    println!("backup: {:.1} s, {:.0} MiB", began.elapsed().as_secs_f64(), backup.bytes as f64 / 1_048_576.0);
}

async fn open(installation: &Installation) -> SharedStore {
    let url = format!("sqlite://{}", installation.folder.file("gaba.db").display());
    let config = Config { database_url: url, ..Config::default() };
    gaba::store::open(&config, Arc::new(SystemClock)).await.unwrap()
}

/// One report from a server that was started for it.
async fn measure(installation: &mut Installation, what: &str, path: &str, rows: u32) {
    installation.serve().await;
    let idle = peak_mib(installation.server_id()).unwrap_or(f64::NAN);
    let api = &installation.checker;
    let request = api.client.get(format!("{}{path}", api.url)).bearer_auth(&api.key).timeout(LEASE);
    let began = Instant::now();
    let mut response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    let (mut bytes, mut first) = (0, None);
    while let Some(chunk) = response.chunk().await.unwrap() {
        first.get_or_insert_with(|| began.elapsed());
        bytes += chunk.len();
    }
    let (took, peak) = (began.elapsed().as_secs_f64(), peak_mib(installation.server_id()).unwrap_or(f64::NAN));
    installation.kill();
    println!(
        "{what:<18} {:>10.2} {took:>9.2} {:>11.0} {:>9.1} {:>12}",
        first.unwrap_or_default().as_secs_f64(),
        f64::from(rows) / took,
        bytes as f64 / 1048576.0,
        format!("{peak:.0} ({idle:.0})")
    );
}

fn configuration(folder: &Folder, port: u16) -> String {
    let data = folder.path().display();
    format!(
        "database_url = \"sqlite://{data}/gaba.db\"\ndata_dir = \"{data}\"\nbind = \"127.0.0.1:{port}\"\nlog = \"warn\"\n\
         workers = \"none\"\n"
    )
}

/// A batch of `rows` recipients, of whom every other one was paid.
async fn fill(installation: &Installation, rows: u32) -> Uuid {
    let store = open(installation).await;
    let organisation = installation.organisation.parse().unwrap();
    let principal =
        |role: Role| Principal { id: Uuid::new_v4(), organisation, role, label: format!("the {}", role.name()) };
    let (maker, checker) = (principal(Role::Maker), principal(Role::Checker));
    installation.fund(&(i64::from(rows) * AMOUNT).to_string(), "bank-1");
    let batch = import(&store, &maker, rows).await;
    store.submit(&maker, batch.id, false, None).await.unwrap();
    store
        .approve(&checker, batch.id, batch.digest.as_deref().unwrap(), gaba::store::Compared::Not, None)
        .await
        .unwrap();
    pay(&store).await;
    batch.id
}

async fn import(store: &SharedStore, maker: &Principal, rows: u32) -> Batch {
    new_batch(store, maker.organisation, maker.id).await;
    let batch = store.claim_import(LEASE).await.unwrap().unwrap();
    let all: Vec<u32> = (2..rows + 2).collect();
    for chunk in all.chunks(1_000) {
        store.import_rows(&batch, LEASE, chunk.iter().copied().map(row).collect()).await.unwrap();
    }
    let (rows, amount) = (i64::from(rows), i64::from(rows) * AMOUNT);
    let digest = format!("sha256:{}", "0".repeat(64));
    let totals =
        ImportTotals { rows, valid: rows, invalid: 0, warnings: 0, amount, fees: 0, tax: 0, digest, understood: None };
    store.finish_import(&batch, totals).await.unwrap();
    store.batch(maker.organisation, batch.id).await.unwrap()
}

fn row(row: u32) -> NewRow {
    let money = |minor| Money::new(minor, Currency::Ugx);
    let recipient = NewRecipient {
        sms: None,
        msisdn: format!("25677{row:07}"),
        network: Some("MTN".into()),
        lane: LANE.into(),
        amount: money(AMOUNT),
        fee: money(0),
        tax: money(0),
        name: format!("Recipient number {row}"),
        reference: Some(format!("STAFF-{row:07}")),
        note: None,
        variables: "{}".into(),
    };
    NewRow { row, recipient: Some(recipient), rejected: None, issues: Vec::new() }
}

/// Claims and records everything, as the workers would.
async fn pay(store: &SharedStore) {
    let lane: LaneConfig =
        toml::from_str("name = \"bench\"\nrail = \"http\"\nbase_url = \"http://127.0.0.1:1\"").unwrap();
    let conditions = Conditions { lane: &lane, breaker_closed: true, seed: 1 };
    loop {
        let prepare = Arc::new(|transfer: &Transfer| Request { body: format!("{transfer:?}"), callback_url: None });
        let claimed = store.claim_submissions(LANE, 1_000, LEASE, prepare, Arc::new(|_, _, _| None)).await.unwrap();
        if claimed.is_empty() {
            return;
        }
        let at = SystemClock.now();
        let records = claimed.iter().map(|submission| record(submission, at, conditions)).collect();
        store.record_payouts(records).await.unwrap();
    }
}

fn record(submission: &Submission, at: Time, conditions: Conditions<'_>) -> PayoutRecord {
    let payout = submission.payout.clone();
    let outcome = if payout.row.is_multiple_of(FAILS) {
        Outcome::Failed { reason: Reason::new("PAYEE_NOT_FOUND", "there is no such number"), retryable: false }
    } else {
        Outcome::Paid(Payment {
            transaction_id: Some(format!("T-{}", payout.row)),
            amount_minor: Some(payout.amount.minor),
            currency: Some(payout.amount.currency),
            msisdn: Some(payout.msisdn.as_str().to_owned()),
            payout_id: Some(payout.id.to_string()),
        })
    };
    let seen = Observation { outcome: &outcome, source: Source::Submit, attempt: payout.attempt, at };
    let change = decide(&payout, seen, conditions).unwrap();
    let of_attempt = payout.attempt;
    let answer = Some(Answer { outcome, http_status: Some(200), response: Some("{}".into()) });
    PayoutRecord { payout, change, of_attempt, answer, source: "submit", at, sms_lane: None }
}
