//! Time is passed in: wall time as integer microseconds (what both databases store), and a monotonic clock for leases.

use crate::faults::{self, Guard};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Add, Sub};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

/// A moment in microseconds since the Unix epoch, UTC. Written as RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(pub i64);

impl Time {
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The day, UTC, as `2026-11-24`.
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// Time from `earlier` to `self`; zero when the clock stepped back in between.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, by: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, by: Duration) -> Time {
        Time(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(t) => write!(f, "{t:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl std::str::FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<Timestamp>().map(|t| Time(t.as_microsecond()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let object = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        object.description(Some("RFC 3339, UTC, with microseconds")).into()
    }
}

impl utoipa::ToSchema for Time {}

/// Where the engine gets its time from.
pub trait Clock: Send + Sync + 'static {
    /// Wall time, which may step.
    fn now(&self) -> Time;
    /// Monotonic time, which leases are reckoned on.
    fn monotonic(&self) -> Instant;
}

pub type SharedClock = Arc<dyn Clock>;

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time(Timestamp::now().as_microsecond() + crate::faults::clock_offset())
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that is not set back while the process lives: it goes on by the monotonic time until the one on the wall has
/// caught up. Whether the provider still knows a reference is reckoned from when it was sent; after a step back that would
/// seem to be less long ago than it is.
pub struct NeverBack {
    clock: SharedClock,
    last: Mutex<Last>,
}

struct Last {
    now: Time,
    monotonic: Instant,
    /// The wall clock is behind, and somebody was told.
    told: bool,
}

/// A wall clock that is further behind than this is a matter for people: until the next start scheduled batches begin early
/// by as much, and signed receipts may seem to be too old.
const BEHIND_MAX: Duration = Duration::from_secs(60);

impl NeverBack {
    pub fn new(clock: SharedClock) -> Self {
        let last = Mutex::new(Last { now: clock.now(), monotonic: clock.monotonic(), told: false });
        NeverBack { clock, last }
    }
}

impl Clock for NeverBack {
    fn now(&self) -> Time {
        let (wall, monotonic) = (self.clock.now(), self.clock.monotonic());
        if !faults::stands(Guard::NeverBack) {
            return wall;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = wall.max(last.now + monotonic.saturating_duration_since(last.monotonic));
        let behind = now.since(wall);
        if (behind > BEHIND_MAX) != last.told {
            last.told = !last.told;
            metrics::gauge!("gaba_clock_behind").set(f64::from(u8::from(last.told)));
            if last.told {
                let seconds = behind.as_secs();
                tracing::error!(seconds, "the wall clock was set back: once it is right, restart this process");
            }
        }
        // Another thread may have looked at a later moment already.
        (last.now, last.monotonic) = (now, monotonic.max(last.monotonic));
        now
    }

    fn monotonic(&self) -> Instant {
        self.clock.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// Wall and monotonic time in microseconds, told apart.
    struct Told(Instant, AtomicI64, AtomicI64);

    impl Clock for Told {
        fn now(&self) -> Time {
            Time(self.1.load(Ordering::Relaxed))
        }

        fn monotonic(&self) -> Instant {
            self.0 + Duration::from_micros(self.2.load(Ordering::Relaxed) as u64)
        }
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on_until_the_wall_has_caught_up() {
        let told = Arc::new(Told(Instant::now(), AtomicI64::new(1_000), AtomicI64::new(0)));
        let clock = NeverBack::new(told.clone());
        let at = |wall: i64, monotonic: i64| {
            told.1.store(wall, Ordering::Relaxed);
            told.2.store(monotonic, Ordering::Relaxed);
            clock.now().micros()
        };
        assert_eq!([at(1_000, 0), at(1_005, 5), at(5, 10), at(10, 15)], [1_000, 1_005, 1_010, 1_015]);
        assert_eq!([at(9_000, 20), at(1_050, 50), at(9_100, 60)], [9_000, 9_030, 9_100]);
    }

    #[test]
    fn writes_rfc_3339_and_reads_it_back() {
        let time = Time(1_763_715_600_123_456);
        assert_eq!(time.to_string(), "2025-11-21T09:00:00.123456Z");
        assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
    }

    #[test]
    fn a_clock_that_stepped_back_gives_no_negative_span() {
        assert_eq!(Time(5).since(Time(10)), Duration::ZERO);
    }
}
