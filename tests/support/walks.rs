//! Walks by chance: one from each seed, on all cores, until there were enough of them or one went wrong.

use super::shrink::shrink;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is not as it should be, in words.
pub type Wrong = String;

/// What happened, and how often: a walk that never gets anywhere proves nothing.
pub type Tally = BTreeMap<String, usize>;

/// How a walk went.
pub struct Walked<S> {
    /// Steps that count.
    pub steps: usize,
    /// What was done, so that it can be done again.
    pub taken: Vec<S>,
    pub tally: Tally,
    pub wrong: Option<Wrong>,
}

impl<S> Default for Walked<S> {
    fn default() -> Self {
        Walked { steps: 0, taken: Vec::new(), tally: Tally::new(), wrong: None }
    }
}

/// When a run ends.
#[derive(Clone, Copy)]
pub enum Enough {
    Walks(usize),
    Steps(usize),
}

/// A run in which nothing was wrong.
pub struct Done {
    /// The seed of its first walk; each one after it had the next.
    pub first: u64,
    pub walks: usize,
    pub steps: usize,
    pub tally: Tally,
    pub took: Duration,
}

impl Done {
    /// Of a run so long, each of these must have happened.
    pub fn must_have_met(&self, all: &[&str]) {
        let never: Vec<_> = all.iter().filter(|what| !self.tally.contains_key(**what)).collect();
        assert!(never.is_empty(), "never happened: {never:?}");
    }

    pub fn minutes(&self) -> u64 {
        self.took.as_secs().div_ceil(60)
    }
}

/// The number that a variable of the environment gives, if it is set.
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

/// Walks until it is enough, from `GABA_SEED` or from any seed.
///
/// # Panics
/// When a walk went wrong: with its seed and the fewest of its steps that `replay` still finds wrong. `again` is what the
/// environment must hold, beside the seed, for that walk alone.
pub fn run<S: Clone + Send + std::fmt::Debug>(
    enough: Enough,
    again: &str,
    walk: impl Fn(u64) -> Walked<S> + Sync,
    replay: impl Fn(u64, &[S]) -> Option<Wrong>,
) -> Done {
    let first = number("GABA_SEED").unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let run = Run { enough, first, begun: AtomicU64::new(0), state: Mutex::default() };
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| run.work(&walk));
        }
    });
    let state = run.state.into_inner().unwrap();
    if let Some((seed, walked)) = state.failed {
        explain(seed, walked, again, replay);
    }
    let (walks, steps, tally, took) = (state.walks, state.steps, state.tally, began.elapsed());
    let rate = steps as f64 / took.as_secs_f64();
    eprintln!("{steps} steps in {walks} walks from seed {first}, {took:.1?}: {rate:.0} a second");
    Done { first, walks, steps, tally, took }
}

struct Run<S> {
    enough: Enough,
    first: u64,
    begun: AtomicU64,
    state: Mutex<State<S>>,
}

struct State<S> {
    walks: usize,
    steps: usize,
    tally: Tally,
    failed: Option<(u64, Walked<S>)>,
}

impl<S> Default for State<S> {
    fn default() -> Self {
        State { walks: 0, steps: 0, tally: Tally::new(), failed: None }
    }
}

impl<S> Run<S> {
    /// The next seed, as long as there is one and nothing was wrong.
    fn seed(&self) -> Option<u64> {
        let n = self.begun.fetch_add(1, Ordering::Relaxed);
        let state = self.state.lock().unwrap();
        let more = match self.enough {
            Enough::Walks(walks) => n < walks as u64,
            Enough::Steps(steps) => state.steps < steps,
        };
        (more && state.failed.is_none()).then(|| self.first.wrapping_add(n))
    }

    fn work(&self, walk: &impl Fn(u64) -> Walked<S>) {
        while let Some(seed) = self.seed() {
            let walked = walk(seed);
            let mut state = self.state.lock().unwrap();
            (state.walks, state.steps) = (state.walks + 1, state.steps + walked.steps);
            for (what, n) in &walked.tally {
                *state.tally.entry(what.clone()).or_default() += n;
            }
            if walked.wrong.is_some() {
                state.failed.get_or_insert((seed, walked));
            }
        }
    }
}

/// What a walk that panicked says of it.
pub fn panicked(panic: &(dyn Any + Send)) -> Wrong {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why");
    format!("it panicked: {text}")
}

/// The walk that failed, and the fewest steps of it that still do.
fn explain<S: Clone + std::fmt::Debug>(
    seed: u64,
    walked: Walked<S>,
    again: &str,
    replay: impl Fn(u64, &[S]) -> Option<Wrong>,
) -> ! {
    let wrong = walked.wrong.unwrap_or_default();
    eprintln!("seed {seed}, after {} steps: {wrong}", walked.taken.len());
    let (left, still) = shrink(walked.taken, |left| replay(seed, left));
    for step in &left {
        eprintln!("  {step:?}");
    }
    let still = still.unwrap_or_default();
    panic!("GABA_SEED={seed} {again}: {wrong}\nshortened to {} steps: {still}", left.len());
}
