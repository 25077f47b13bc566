//! The terms of the lanes, known to the engine as configuration and to the model as numbers.

use super::list::Cell;
use super::rules::Micros;
use gaba::config::LaneConfig;
use std::sync::LazyLock;
use std::time::Duration;

pub const LANES: [&str; 2] = ["north", "south"];
/// How the numbers begin that go through each.
pub const PREFIXES: [&str; 2] = ["25677", "25670"];
pub const SMS_LANE: &str = "blasta";

pub const SECOND: Micros = 1_000_000;
pub const LEASE: Micros = 60 * SECOND;
/// What a send must have left of its lease.
pub const TIMEOUT: Micros = 20 * SECOND;
pub const POLL_AFTER: [Micros; 3] = [60 * SECOND, 120 * SECOND, 300 * SECOND];
/// How long the provider knows a reference again.
pub const REMEMBERED: Micros = 24 * 3600 * SECOND;
pub const RESEND_AFTER: Micros = 300 * SECOND;
/// When a payment may be made anew by verdict.
pub const REISSUE_AFTER: Micros = REMEMBERED;
pub const OVERDUE_AFTER: Micros = 20 * 3600 * SECOND;
pub const OVERDUE_POLL: Micros = 3600 * SECOND;
pub const ATTEMPTS_MAX: u32 = 3;
pub const BACKOFF_MIN: Micros = 2 * SECOND;
pub const BACKOFF_MAX: Micros = 40 * SECOND;

/// How long a process lives before it takes up what others may have died of.
pub const STEADY: Micros = 5 * SECOND;
/// Claims without a record that make a suspect, and deaths after which it is put aside.
pub const SUSPECT: u32 = 2;
pub const DEATHS_MAX: u32 = 5;
pub const RECEIPT_DEATHS_MAX: u32 = 3;
/// How often the reading of a list is begun.
pub const IMPORTS_MAX: u32 = 3;

pub fn lane_of(msisdn: &str) -> &'static str {
    LANES[PREFIXES.iter().position(|prefix| msisdn.starts_with(prefix)).unwrap()]
}

/// A number that goes through a lane.
pub fn telephone(number: u32, lane: usize) -> String {
    format!("{}{number:07}", PREFIXES[lane % PREFIXES.len()])
}

/// The same as it is dialled within the country.
pub fn national(number: u32, lane: usize) -> Cell<String> {
    let means = telephone(number, lane);
    Cell { text: means.replacen("256", "0", 1), means: Some(means) }
}

pub fn lease() -> Duration {
    Duration::from_micros(LEASE as u64)
}

pub static LANE_CONFIG: LazyLock<LaneConfig> = LazyLock::new(|| {
    let seconds = |micros: Micros| format!("\"{}s\"", micros / SECOND);
    let polls = POLL_AFTER.map(seconds).join(", ");
    let terms = format!(
        r#"
        name = "any"
        rail = "http"
        base_url = "http://127.0.0.1:1"
        poll_after = [{polls}]
        idempotent_for = {}
        resend_after = {}
        unknown_after = {}
        attempts_max = {ATTEMPTS_MAX}
        backoff_min = {}
        backoff_max = {}
        "#,
        seconds(REMEMBERED),
        seconds(RESEND_AFTER),
        seconds(OVERDUE_AFTER),
        seconds(BACKOFF_MIN),
        seconds(BACKOFF_MAX),
    );
    toml::from_str(&terms).unwrap()
});
