//! Faults by the thousand on the main job: real processes, a network with a book of its own, and a judge that holds both
//! books against each other. Whatever happens on the wire, and however often the process dies, everybody is paid once or
//! not at all, and the books say which.
//!
//! A test is a fault. `make test` runs a cut of each; `make chaos` runs the sizes that `docs/RELIABILITY.md` tells of, and
//! with `GABA_BLESS=1` writes what came of them into its table. `GABA_CHAOS_SCALE=0.1` takes a tenth of those sizes,
//! `GABA_SEED` repeats a run.

mod clock;
mod commits;
mod deploy;
mod disk;
mod kills;
mod parked;
mod poison;
mod races;
mod receipts;
mod report;
mod stage;
mod storm;
mod trial;
mod wire;
mod zombie;

use serde_json::{Value, json};

/// A network as it is on a bad day; nothing here is lost for good, so that a message's receipt comes however long the
/// server is away.
fn bad_day(seed: u64) -> Value {
    let faults = json!({
        "timeout_after": 0.1, "error_before": 0.05, "error_after": 0.05, "refuse": 0.02, "receipt_double": 0.3,
        "receipt_late_ms": 600, "receipt_lost": 0.2, "receipt_early": 0.05, "receipt_forged": 0.1, "slow_ms": 5,
        "seed": seed,
    });
    let sms = json!({"receipt_double": 0.3, "timeout_after": 0.05, "receipt_tries_more": 1000, "seed": seed});
    json!({"mtn-momo": faults, "http": faults, "sms-http": sms})
}

/// A network that never refuses and never loses a payment, but whose receipts cannot be relied on.
fn forgetful(seed: u64) -> Value {
    let faults = json!({"timeout_after": 0.1, "receipt_lost": 0.3, "receipt_late_ms": 300, "slow_ms": 5, "seed": seed});
    json!({"mtn-momo": faults, "http": faults})
}
