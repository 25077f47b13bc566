//! Time: it passes when a step says so. The clock on the wall may be wrong and be set; the other one only goes on.

use gaba::clock::{Clock, Time};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

pub type Micros = i64;
pub const SECOND: Micros = 1_000_000;
pub const DAY: Micros = 24 * 3600 * SECOND;
const BEGINNING: Micros = 1_800_000_000_000_000;

pub struct VirtualClock {
    began: Instant,
    passed: AtomicI64,
    wrong: AtomicI64,
}

impl VirtualClock {
    pub fn new() -> VirtualClock {
        VirtualClock { began: Instant::now(), passed: AtomicI64::new(0), wrong: AtomicI64::new(0) }
    }

    pub fn pass(&self, span: Micros) {
        self.passed.fetch_add(span, Ordering::Relaxed);
    }

    /// Sets the clock on the wall, so that it is wrong by so much.
    pub fn set_wrong(&self, by: Micros) {
        self.wrong.store(by, Ordering::Relaxed);
    }

    /// A clock that is behind is set right.
    pub fn catch_up(&self) {
        self.wrong.fetch_max(0, Ordering::Relaxed);
    }

    /// How much time has truly passed.
    pub fn passed(&self) -> Micros {
        self.passed.load(Ordering::Relaxed)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Time {
        Time(BEGINNING + self.passed() + self.wrong.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Instant {
        self.began + Duration::from_micros(self.passed() as u64)
    }
}
