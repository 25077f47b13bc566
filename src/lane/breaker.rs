//! The breaker of a lane: a provider in trouble is left alone for a while, then asked with one call.
//!
//! Pure: time is an argument. A *parked* lane (our credentials or our account are refused) is an open breaker that waits
//! longer, because only a person can mend that; a success closes both.

use crate::rail::Outcome;
use std::time::{Duration, Instant};

/// Consecutive failures that open the breaker.
pub const FAILURES_MAX: u32 = 20;
/// How long an open breaker waits before it lets one call through.
pub const OPEN_FOR: Duration = Duration::from_secs(5);
/// How long a parked lane waits before it lets one call through.
pub const PARKED_FOR: Duration = Duration::from_secs(60);

/// What the breaker lets through now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    All,
    /// One call, to see whether the provider is back.
    One,
    Wait(Duration),
}

#[derive(Clone, Debug, Default)]
pub struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    /// Why operators must look at this lane.
    parked: Option<String>,
}

impl Breaker {
    pub fn observe(&mut self, outcome: &Outcome, now: Instant) {
        match outcome {
            Outcome::LaneBlocked { reason, .. } => {
                self.parked = Some(format!("{}: {}", reason.code, reason.message));
                self.open_until = Some(now + PARKED_FOR);
            }
            Outcome::Unknown { .. } | Outcome::NotSent { .. } => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= FAILURES_MAX {
                    self.open_until = Some(now + OPEN_FOR);
                }
            }
            // The provider answered in its own words: it is there.
            Outcome::Paid(_) | Outcome::Accepted { .. } | Outcome::Failed { .. } | Outcome::NotFound => {
                *self = Breaker::default();
            }
        }
    }

    /// What may pass now. A probe that is let through closes the door behind it until its outcome is seen.
    pub fn passage(&mut self, now: Instant) -> Passage {
        match self.open_until {
            None => Passage::All,
            Some(until) if until > now => Passage::Wait(until - now),
            Some(_) => {
                self.open_until = Some(now + if self.parked.is_some() { PARKED_FOR } else { OPEN_FOR });
                Passage::One
            }
        }
    }

    /// The probe that was let through had nothing to send: the next one may come at once.
    pub fn unused(&mut self, now: Instant) {
        if self.open_until.is_some() {
            self.open_until = Some(now);
        }
    }

    pub fn is_closed(&self) -> bool {
        self.open_until.is_none()
    }

    /// Whether a transfer would be let through now, if only as a probe. A lane on which nothing but resends is left would
    /// otherwise wait for ever: they for the breaker, and it for a transfer.
    pub fn admits(&self, now: Instant) -> bool {
        self.open_until.is_none_or(|until| until <= now)
    }

    pub fn parked(&self) -> Option<&str> {
        self.parked.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rail::{Executed, Reason};

    fn trouble() -> Outcome {
        Outcome::Unknown { reason: Reason::new("timeout", "no answer") }
    }

    #[test]
    fn opens_after_a_run_of_failures_and_closes_with_a_success() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 1..FAILURES_MAX {
            breaker.observe(&trouble(), now);
            assert_eq!(breaker.passage(now), Passage::All);
        }
        breaker.observe(&trouble(), now);
        assert_eq!(breaker.passage(now), Passage::Wait(OPEN_FOR));
        assert!(!breaker.admits(now) && breaker.admits(now + OPEN_FOR) && !breaker.is_closed());
        assert_eq!(breaker.passage(now + OPEN_FOR), Passage::One);
        assert!(!breaker.admits(now + OPEN_FOR), "the door is closed behind a probe");
        assert_eq!(breaker.passage(now + OPEN_FOR), Passage::Wait(OPEN_FOR), "one probe at a time");
        breaker.unused(now + OPEN_FOR);
        assert_eq!(breaker.passage(now + OPEN_FOR), Passage::One, "a probe that sent nothing is none");
        breaker.observe(&trouble(), now + OPEN_FOR);
        assert_eq!(breaker.passage(now + OPEN_FOR), Passage::Wait(OPEN_FOR), "still down: waits again");
        breaker.observe(&Outcome::Accepted { provider_id: None }, now + 2 * OPEN_FOR);
        assert_eq!(breaker.passage(now), Passage::All);
    }

    #[test]
    fn a_success_in_between_keeps_it_closed() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..10 * FAILURES_MAX {
            breaker.observe(&trouble(), now);
            breaker.observe(&Outcome::NotFound, now);
        }
        assert!(breaker.is_closed());
    }

    #[test]
    fn refused_credentials_park_the_lane_at_once_and_say_why() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let reason = Reason::new("401", "the key is refused");
        breaker.observe(&Outcome::LaneBlocked { reason, executed: Executed::No }, now);
        assert_eq!(breaker.passage(now), Passage::Wait(PARKED_FOR));
        assert!(breaker.parked().is_some_and(|why| why.contains("the key is refused")));
    }
}
