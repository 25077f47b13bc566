//! Receipts that nobody vouches for. Anybody can post them, as many and as large as he likes; they are hints and no more. So a
//! lane takes only so many of them a second, and small ones: storing them must never hold up those that somebody vouches
//! for. How many of them are kept, the store decides.

use super::Problem;
use crate::config::LaneConfig;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;

/// More hints than any lane can ask about.
const PER_SECOND_MAX: u32 = 200;
const BURST_MAX: u32 = 500;
/// The receipts of all rails are below 2 KiB.
const BYTES_MAX: usize = 8 * 1024;

/// How much of it each lane takes.
pub struct Strangers(HashMap<String, DefaultDirectRateLimiter>);

impl Strangers {
    pub fn new(lanes: &[LaneConfig]) -> Strangers {
        let number = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(number(PER_SECOND_MAX)).allow_burst(number(BURST_MAX));
        Strangers(lanes.iter().map(|lane| (lane.name.clone(), RateLimiter::direct(quota))).collect())
    }

    /// Lets a receipt in that nobody vouches for, or says why not.
    pub(super) fn admit(&self, lane: &str, bytes: usize) -> Result<(), Problem> {
        let told = |became: &'static str| {
            let labels = [("lane", lane.to_owned()), ("became", became.to_owned())];
            metrics::counter!("gaba_receipts_unvouched_total", &labels).increment(1);
        };
        if bytes > BYTES_MAX {
            told("too_large");
            return Err(Problem::too_large("nobody vouches for this receipt, and it is larger than 8 KiB"));
        }
        if self.0.get(lane).is_none_or(|rate| rate.check().is_err()) {
            told("too_many");
            return Err(Problem::too_many(
                "nobody vouches for this receipt, and there are too many like it; post it later",
            ));
        }
        told("stored");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn strangers_to_one_lane_do_not_use_up_what_another_takes() {
        let lane = |name| {
            format!("[[lanes]]\nname = \"{name}\"\nrail = \"http\"\nbase_url = \"http://x\"\ncurrency = \"UGX\"\n")
        };
        let config = Config::parse(&(lane("one") + &lane("two"))).unwrap();
        let strangers = Strangers::new(&config.lanes);
        assert_eq!(strangers.admit("one", BYTES_MAX + 1).unwrap_err().code, "too_large");
        let taken = (0..10 * BURST_MAX).take_while(|_| strangers.admit("one", 10).is_ok()).count();
        assert!((BURST_MAX as usize..5 * BURST_MAX as usize).contains(&taken), "{taken}");
        assert!(strangers.admit("two", BYTES_MAX).is_ok());
        assert!(strangers.admit("three", 0).is_err());
    }
}
