//! One fault, injected so many times: its size, its chance, and the line that says what came of it.

use super::report;
use crate::support::judge::Findings;
use crate::support::page;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::time::Instant;

/// How often a fault is injected, and into how many payouts.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub faults: usize,
    pub payouts: usize,
}

pub const fn size(faults: usize, payouts: usize) -> Size {
    Size { faults, payouts }
}

pub struct Trial {
    /// The fault, as its line names it.
    fault: &'static str,
    pub size: Size,
    pub seed: u64,
    pub chance: StdRng,
    /// Whether this is more than the cut that runs with all other tests.
    pub large: bool,
    began: Instant,
}

/// One line of the table.
pub struct Line {
    pub fault: &'static str,
    pub injected: usize,
    pub payouts: usize,
    pub doubles: usize,
    pub lost: usize,
    pub sound: bool,
    pub seconds: u64,
    pub seed: u64,
    pub note: String,
}

impl Trial {
    /// `full` is the figure to reach, `cut` what runs with all other tests. `GABA_CHAOS_SCALE=1` asks for the whole of it,
    /// `0.1` for a tenth, but never for less than the cut.
    pub fn begin(fault: &'static str, full: Size, cut: Size) -> Trial {
        let scale = scale();
        let scaled = |full: usize, cut: usize| scale.map_or(cut, |s| cut.max((full as f64 * s).round() as usize));
        let size = size(scaled(full.faults, cut.faults), scaled(full.payouts, cut.payouts));
        let told = std::env::var("GABA_SEED").ok().map(|seed| seed.parse().expect("GABA_SEED is a number"));
        let seed = told.unwrap_or_else(|| rand::random::<u64>() >> 16);
        eprintln!("{fault}: GABA_SEED={seed}");
        let chance = StdRng::seed_from_u64(seed);
        Trial { fault, size, seed, chance, large: scale.is_some(), began: Instant::now() }
    }

    /// Prints the line, keeps it where that is asked for, and fails unless everything was sound.
    pub fn end(self, injected: usize, found: Findings, note: impl Into<String>) {
        let line = Line {
            fault: self.fault,
            injected,
            payouts: found.payouts,
            doubles: found.doubles,
            lost: found.lost,
            sound: found.off.is_empty(),
            seconds: self.began.elapsed().as_secs(),
            seed: self.seed,
            note: note.into(),
        };
        eprintln!("{}", report::row(&line));
        if self.large && page::is_blessed() {
            report::keep(&line);
        }
        assert!(found.are_sound(), "{}: {found:#?}", self.fault);
        assert!(injected > 0, "{}: no fault was injected", self.fault);
    }
}

fn scale() -> Option<f64> {
    let told = std::env::var("GABA_CHAOS_SCALE").ok()?;
    Some(told.parse::<f64>().ok().filter(|s| *s > 0.0).expect("GABA_CHAOS_SCALE is a positive number: 1 is everything"))
}
