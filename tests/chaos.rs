//! Faults by the hundred on the main job: whatever happens on the wire, and however often the process dies, everybody is
//! paid once or not at all, and the books say which.

use crate::support::{Installation, Network, judge, list, until};
use rand::{RngExt, SeedableRng};
use serde_json::json;
use std::time::Duration;

const ROWS: usize = 2_000;
const KILLS: usize = 20;
/// Recipients whom the network never pays.
const BARRED: usize = 36;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_paid_twice_or_forgotten_however_often_the_server_is_killed() {
    let seed: u64 = std::env::var("GABA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("GABA_SEED={seed}");
    let total = (ROWS + BARRED) as i64;
    let mut chance = rand::rngs::StdRng::seed_from_u64(seed);
    let folder = crate::support::Folder::new("chaos-book");
    let network = Network::start(&folder).await;
    let faults = json!({
        "timeout_after": 0.15, "error_before": 0.05, "error_after": 0.05, "refuse": 0.02, "receipt_double": 0.3,
        "receipt_late_ms": 600, "receipt_lost": 0.2, "receipt_early": 0.05, "receipt_forged": 0.1, "slow_ms": 5, "seed": seed,
    });
    network
        .control(
            json!({"mtn-momo": faults, "http": faults, "sms-http": {"receipt_double": 0.3, "timeout_after": 0.05}}),
        )
        .await;
    let mut installation = Installation::new("chaos", &network, "rate_per_second = 120").await;
    installation.fund("400000000", "bank-1");
    installation.serve().await;
    let (status, uploaded) =
        installation.maker.upload_as("payroll", "payroll", recipients().into_bytes(), &[("notify", "true")]).await;
    assert_eq!(status, 202, "{uploaded}");
    let id = uploaded["id"].as_str().unwrap();
    // Once in the middle of the import, too.
    installation.kill();
    installation.serve().await;
    let batch = installation.maker.batch_in(id, &["ready"]).await;
    assert_eq!(batch["counts"]["valid"], total, "{batch}");
    let (status, batch) = installation.maker.post(&format!("/v1/batches/{id}/submit"), json!({})).await;
    assert_eq!(status, 200, "{batch}");
    let (status, approved) = installation.checker.approve(&batch).await;
    assert_eq!(status, 200, "{approved}");

    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..700))).await;
        installation.kill();
        installation.serve().await;
    }

    let done = settled(&installation, id).await;
    let count = |state: &str| done["counts"][state].as_i64().unwrap();
    assert_eq!(count("paid") + count("failed"), total, "{done}");
    assert!(count("paid") > ROWS as i64 * 8 / 10, "{done}");
    assert!(count("failed") >= BARRED as i64, "{done}");
    assert_eq!(done["totals"]["held"], "0", "{done}");
    told(&installation, id, count("paid")).await;
    judge::at_rest(&installation, &network, &[id]).await;
}

/// Everybody who was paid has one message, and all but those that a crash or a timeout caught were delivered.
async fn told(installation: &Installation, id: &str, paid: i64) {
    let messages = until("every message to be sent or given up", || async {
        let messages = installation.maker.all(&format!("/v1/batches/{id}/messages")).await;
        let open = messages.iter().any(|m| ["queued", "sending", "submitted"].contains(&m["state"].as_str().unwrap()));
        (!open).then_some(messages)
    })
    .await;
    assert_eq!(messages.len() as i64, paid);
    let delivered = messages.iter().filter(|m| m["state"] == "delivered").count() as i64;
    assert!(delivered > paid * 7 / 10, "{delivered} of {paid} were told");
}

/// Ordinary recipients, and some whom the network refuses for good (…000001) or in every attempt anew (…000004).
fn recipients() -> String {
    let mut csv = list(ROWS, 100_000);
    for n in 0..BARRED {
        let (prefix, ending) = (["25677", "25670"][n % 2], ["000001", "000004"][n / 2 % 2]);
        csv.push_str(&format!("Barred {n},{prefix}{}{ending},5000{n:02},B{n}\n", 1 + n / 4 % 9));
    }
    csv
}

/// Waits until everything is final. No fault of the wire and no crash is a matter for a person, and the database never
/// had to refuse what the engine wanted: its triggers are the second line.
async fn settled(installation: &Installation, id: &str) -> serde_json::Value {
    let done = until("everything to be final", || async {
        let (_, exceptions) = installation.maker.get("/v1/exceptions").await;
        assert_eq!(exceptions["items"], json!([]), "exceptions were opened");
        let (_, batch) = installation.maker.get(&format!("/v1/batches/{id}")).await;
        (batch["state"] == "completed").then_some(batch)
    })
    .await;
    let log = std::fs::read_to_string(installation.folder.file("serve.log")).unwrap();
    let refused: Vec<&str> = log.lines().filter(|l| l.contains("the database refused it")).take(3).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    done
}
