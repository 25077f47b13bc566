//! What a claimer must pass before it claims: rate and breaker of its lane.

use super::breaker::{Breaker, Passage};
use crate::clock::SharedClock;
use crate::rail::Outcome;
use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Passed before each claim.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// Waits until at least one row may be worked on; how many of the `wanted` may be.
    async fn pass(&self, wanted: usize) -> usize;

    /// What came of it: how many were asked for and how many there were.
    fn used(&self, asked: usize, got: usize);
}

/// Lets everything through.
pub struct Open;

#[async_trait]
impl Gate for Open {
    async fn pass(&self, wanted: usize) -> usize {
        wanted
    }

    fn used(&self, _: usize, _: usize) {}
}

/// The breaker of a lane, shared by everything that calls its provider.
#[derive(Clone)]
pub struct SharedBreaker {
    breaker: Arc<Mutex<Breaker>>,
    clock: SharedClock,
}

impl SharedBreaker {
    pub fn new(clock: SharedClock) -> Self {
        SharedBreaker { breaker: Arc::default(), clock }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Breaker) -> T) -> T {
        f(&mut self.breaker.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Takes note of an outcome; says once when the lane opens, parks or is back.
    pub fn observe(&self, lane: &str, outcome: &Outcome) {
        let standing = |b: &Breaker| (b.is_closed(), b.parked().map(str::to_owned));
        let after = self.with(|b| {
            let before = standing(b);
            b.observe(outcome, self.clock.monotonic());
            let after = standing(b);
            let changed = before.0 != after.0 || before.1.is_some() != after.1.is_some();
            // While nobody else can change it, so that what is shown last is how it stands.
            changed.then(|| {
                let gauge = |on: bool| f64::from(u8::from(on));
                metrics::gauge!("gaba_lane_breaker_open", "lane" => lane.to_owned()).set(gauge(!after.0));
                metrics::gauge!("gaba_lane_parked", "lane" => lane.to_owned()).set(gauge(after.1.is_some()));
                after
            })
        });
        let Some(after) = after else { return };
        match after {
            (true, _) => tracing::info!(lane, "the provider is back"),
            (false, Some(why)) => tracing::error!(lane, why, "the lane is parked: mend its account or credentials"),
            (false, None) => tracing::warn!(lane, "the provider is in trouble: the lane waits"),
        }
    }

    pub fn is_closed(&self) -> bool {
        self.with(|b| b.is_closed())
    }

    pub fn admits(&self) -> bool {
        self.with(|b| b.admits(self.clock.monotonic()))
    }

    pub fn parked(&self) -> Option<String> {
        self.with(|b| b.parked().map(str::to_owned))
    }

    fn passage(&self) -> Passage {
        self.with(|b| b.passage(self.clock.monotonic()))
    }
}

/// Rate and breaker of one lane.
pub struct LaneGate {
    rate: Option<DefaultDirectRateLimiter>,
    breaker: Option<SharedBreaker>,
    /// Permits drawn from the rate and not used by the claim they were drawn for.
    spare: Mutex<usize>,
}

impl LaneGate {
    /// `per_second` absent: no rate. `breaker` absent: it is not asked (status queries go on while it is open).
    pub fn new(per_second: Option<u32>, breaker: Option<SharedBreaker>) -> Self {
        // A burst of at most a tenth of a second, so that a lane never shows its provider a second's worth at once.
        let quota = |n: NonZeroU32| {
            Quota::per_second(n).allow_burst(NonZeroU32::new(n.get().div_ceil(10)).unwrap_or(NonZeroU32::MIN))
        };
        let rate = per_second.and_then(NonZeroU32::new).map(|n| RateLimiter::direct(quota(n)));
        LaneGate { rate, breaker, spare: Mutex::new(0) }
    }

    fn take_spare(&self, wanted: usize) -> usize {
        let mut spare = self.spare.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let taken = wanted.min(*spare);
        // What is not taken up now is older than a claim: it lapses, or it could add up to a burst.
        *spare = 0;
        taken
    }
}

#[async_trait]
impl Gate for LaneGate {
    async fn pass(&self, wanted: usize) -> usize {
        let mut allowed = wanted;
        while let Some(breaker) = &self.breaker {
            match breaker.passage() {
                Passage::All => break,
                Passage::One => {
                    allowed = 1;
                    break;
                }
                Passage::Wait(time) => tokio::time::sleep(time.min(Duration::from_secs(1))).await,
            }
        }
        let Some(rate) = &self.rate else { return allowed };
        let mut drawn = self.take_spare(allowed);
        if drawn == 0 {
            rate.until_ready().await;
            drawn = 1;
        }
        while drawn < allowed && rate.check().is_ok() {
            drawn += 1;
        }
        drawn
    }

    fn used(&self, asked: usize, got: usize) {
        if let Some(breaker) = self.breaker.as_ref().filter(|_| got == 0) {
            breaker.with(|b| b.unused(breaker.clock.monotonic()));
        }
        if self.rate.is_some() {
            *self.spare.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = asked - got;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::lane::breaker::FAILURES_MAX;
    use crate::rail::{Executed, Reason};

    #[test]
    fn a_lane_that_is_parked_while_it_waits_says_so() {
        let breaker = SharedBreaker::new(Arc::new(SystemClock));
        let reason = || Reason::new("x", "y");
        for _ in 0..FAILURES_MAX {
            breaker.observe("mtn-ug", &Outcome::Unknown { reason: reason() });
        }
        assert!(!breaker.is_closed() && breaker.parked().is_none());
        breaker.observe("mtn-ug", &Outcome::LaneBlocked { reason: reason(), executed: Executed::No });
        assert_eq!(breaker.parked().as_deref(), Some("x: y"));
        breaker.observe("mtn-ug", &Outcome::NotFound);
        assert!(breaker.is_closed() && breaker.parked().is_none());
    }
}
