//! Payouts a second, end to end: from the approval to the last recipient paid, through the real server process, the real
//! database file and real HTTP to the simulated network; and the HTTP calls alone, in the same run, to compare with.
//!
//! `make bench`, or `cargo bench --bench throughput -- 10000 100000` for other sizes.

#[path = "../tests/support/mod.rs"]
mod support;

use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Folder, Installation, Network, list};

/// Requests in flight, in the lanes and in the calls alone.
const IN_FLIGHT: usize = 512;

#[tokio::main]
async fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000] } else { sizes };
    println!("{} cores; SQLite with synchronous=FULL on {}", cores(), std::env::temp_dir().display());
    println!("{:>9}  {:<34} {:>9} {:>11} {:>9}", "payouts", "what", "seconds", "per second", "of calls");
    for size in sizes {
        let calls = calls_alone(size).await;
        row(size, "HTTP calls alone", size, calls, calls);
        for (what, lane) in
            [("http lane, answer says paid", Lane::Sync), ("mtn-momo lane, paid by callback", Lane::Callback)]
        {
            let (import, pay) = end_to_end(size, lane).await;
            row(size, &format!("{what}: import"), size, import, calls);
            row(size, &format!("{what}: pay"), size, pay, calls);
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn row(size: usize, what: &str, done: usize, took: Duration, calls: Duration) {
    let (seconds, share) = (took.as_secs_f64(), 100.0 * calls.as_secs_f64() / took.as_secs_f64());
    println!("{size:>9}  {what:<34} {seconds:>9.2} {:>11.0} {share:>8.1}%", done as f64 / seconds);
}

/// The transfers of a list, posted as fast as the client and the network go, nothing else.
async fn calls_alone(size: usize) -> Duration {
    let network = Network::start_with(&[]);
    network.control(json!({"http": {"sync": 1.0}})).await;
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(IN_FLIGHT).build().unwrap();
    let (next, url) = (Arc::new(AtomicUsize::new(0)), format!("{}/http/transfers", network.url));
    let started = Instant::now();
    let callers = (0..IN_FLIGHT).map(|_| {
        let (client, next, url) = (client.clone(), next.clone(), url.clone());
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= size {
                    return;
                }
                let (reference, payout) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
                let body = json!({
                    "reference": reference, "payout_id": payout, "msisdn": format!("25670{:07}", 1_000_100 + n),
                    "amount": "100000", "currency": "UGX", "narration": "bench", "callback_url": "http://127.0.0.1:9/none",
                });
                let request = client.post(&url).bearer_auth("secret").header("Idempotency-Key", reference.to_string());
                let answer = request.json(&body).send().await.unwrap();
                assert!(answer.status().is_success(), "{}", answer.status());
                answer.bytes().await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    started.elapsed()
}

#[derive(Clone, Copy)]
enum Lane {
    Sync,
    Callback,
}

/// Import and payment of one list.
async fn end_to_end(size: usize, lane: Lane) -> (Duration, Duration) {
    let network = Network::start_with(&[]);
    network.control(json!({"http": {"sync": 1.0}})).await;
    let mut installation =
        Installation::configured("bench", |folder, port| configuration(folder, port, &network.url, lane));
    installation.fund("900000000000", "bank-1");
    installation.serve().await;
    let started = Instant::now();
    let batch = installation.maker.submit_list("bench", list(size, 100_000), &[]).await;
    let import = started.elapsed();
    let started = Instant::now();
    let (status, approved) = installation.checker.approve(&batch).await;
    assert_eq!(status, 200, "{approved}");
    let done = installation.maker.batch_in(batch["id"].as_str().unwrap(), &["completed"]).await;
    let pay = started.elapsed();
    assert_eq!(done["counts"]["paid"], size as i64, "{done}");
    let check = installation.run(&["ledger", "check"]);
    assert!(check.status.success(), "the books do not balance");
    (import, pay)
}

fn configuration(folder: &Folder, port: u16, network: &str, lane: Lane) -> String {
    let data = folder.path().display();
    let rail = match lane {
        Lane::Sync => format!("rail = \"http\"\nbase_url = \"{network}/http\"\nsecret_env = \"TEST_SECRET\""),
        Lane::Callback => format!(
            "rail = \"mtn-momo\"\nbase_url = \"{network}/mtn-momo\"\ntarget_environment = \"mtnuganda\"\n\
             api_user = \"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"\napi_key_env = \"TEST_SECRET\"\n\
             subscription_key_env = \"TEST_SECRET\""
        ),
    };
    format!(
        "database_url = \"sqlite://{data}/gaba.db\"\ndata_dir = \"{data}\"\nbind = \"127.0.0.1:{port}\"\nlog = \"warn\"\n\
         [[lanes]]\nname = \"bench\"\n{rail}\ncurrency = \"UGX\"\ncountry = \"UG\"\n\
         prefixes = [\"25677\", \"25670\"]\nconcurrency = {IN_FLIGHT}\n"
    )
}
