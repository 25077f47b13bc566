//! How long to wait before something is tried again. The wait itself is a later `due_at`, never a sleep.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// Steps after which the wait no longer grows.
const STEPS_MAX: u32 = 20;

/// Exponential backoff from `min` to `max`, doubling per `step` (from 0), with jitter drawn from `seed`.
pub fn delay(step: u32, min: Duration, max: Duration, seed: u64) -> Duration {
    ExponentialBuilder::new()
        .with_min_delay(min)
        .with_max_delay(max)
        .without_max_times()
        .with_jitter()
        .with_jitter_seed(seed)
        .build()
        .nth(step.min(STEPS_MAX) as usize)
        .unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_from_the_first_wait_to_the_longest_and_is_spread() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(10));
        let first = delay(0, min, max, 1);
        assert!(first >= min && first <= 2 * min, "{first:?}");
        let late = delay(1_000_000, min, max, 1);
        assert!(late >= max && late <= 2 * max, "{late:?}");
        assert_ne!(delay(3, min, max, 1), delay(3, min, max, 2), "jitter follows the seed");
    }
}
