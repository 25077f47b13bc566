//! Faults by the hundred on the main job: whatever happens on the wire, and however often the process dies, everybody is
//! paid once or not at all, and the books say which.

use crate::support::{Installation, Network, judge, list};
use rand::{RngExt, SeedableRng};
use serde_json::json;
use std::time::Duration;

const ROWS: usize = 2_000;
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_paid_twice_or_forgotten_however_often_the_server_is_killed() {
    let seed: u64 = std::env::var("GABA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("GABA_SEED={seed}");
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
    let batch = installation.maker.submit_list("payroll", list(ROWS, 100_000), &[("notify", "true")]).await;
    let (status, approved) = installation.checker.approve(&batch).await;
    assert_eq!(status, 200, "{approved}");
    let id = batch["id"].as_str().unwrap();

    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..700))).await;
        installation.kill();
        installation.serve().await;
    }

    let done = installation.maker.batch_in(id, &["completed"]).await;
    let counts = &done["counts"];
    let finished = counts["paid"].as_i64().unwrap() + counts["failed"].as_i64().unwrap();
    assert_eq!(finished, ROWS as i64, "{done}");
    assert!(counts["paid"].as_i64().unwrap() > ROWS as i64 * 8 / 10, "{done}");
    assert_eq!(done["totals"]["held"], "0", "{done}");
    judge::at_rest(&installation, &network, &[id]).await;
}
