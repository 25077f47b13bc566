//! The batch and the payout against a model of them: random commands, answers, receipts, verdicts and crashes, through the
//! store and the engine's own decisions, with the books audited after every step.
//!
//! A *walk* is an empty installation, some hundred steps that its seed settles, and the truth about everything at its end.
//! After each step the act's answer and whatever it may have changed are compared with the model; every few steps, and at
//! the end, everything is.
//!
//! - `GABA_MODEL_STEPS`: how many steps in all (`make model` takes a million).
//! - `GABA_SEED`: the seed of the first walk; each one after it has the next. A walk that fails prints its own.
//!
//! | file | what |
//! |---|---|
//! | `rules`, `news`, `claims`, `acts`, `cases`, `inbox` | the model: it shares no code with what it judges |
//! | `provider` | the other side: who was paid under which reference |
//! | `command`, `world/` | the steps, and how each is taken in the store and in the model |
//! | `audit` | the comparison, and the invariants of the books |
//! | `walk` | a walk from a seed; `support/shrink` finds the fewest steps of it that fail |
//!
//! Another command is a line in `command` (what, and how often), one in `World::take`, and its rule in the model.

mod acts;
mod audit;
mod cases;
mod claims;
mod command;
mod inbox;
mod lane;
mod news;
mod provider;
mod rules;
mod walk;
mod world;

use crate::support::page;
use crate::support::shrink::shrink;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use walk::Walked;

/// What is not as it should be, in words.
pub type Wrong = String;

/// Seeds that failed once: they are walked first. Where the commands change, a seed takes other steps; what it found is then a
/// case of `conformance`.
const FAILED_ONCE: &[u64] = &[];

/// Steps of a run that is not told how many.
const STEPS: usize = 6_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

/// What must have happened in a run of so many steps.
const LONG: usize = 100_000;
const HAPPENS: [&str; 20] = [
    "a batch is cancelled",
    "a batch is completed",
    "a correction as a receivable",
    "a correction from the wallet",
    "a crash",
    "a receipt put aside",
    "a resend",
    "a resend that is asked about instead",
    "a retry",
    "an answer that was kept",
    "an exception late_success",
    "an exception mismatch",
    "an exception overdue",
    "an exception poison",
    "an exception reversal",
    "late_success is settled as paid",
    "mismatch is settled as not_paid",
    "overdue is settled as reissue",
    "poison is settled as dismiss",
    "what was settled is said again",
];

#[test]
fn whatever_happens_batches_and_payouts_do_as_the_model_says() {
    let wanted = number("GABA_MODEL_STEPS").map_or(STEPS, |steps| steps as usize);
    let run = Run::new(wanted, number("GABA_SEED"));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| run.work());
        }
    });
    let done = run.done.into_inner().unwrap();
    if let Some((seed, walked)) = done.failed {
        explain(seed, walked);
    }
    let (took, rate) = (began.elapsed(), done.steps as f64 / began.elapsed().as_secs_f64());
    let first = run.first;
    eprintln!("{} steps in {} walks from seed {first}, {took:.1?}: {rate:.0} a second", done.steps, done.walks);
    if wanted >= LONG {
        eprintln!("{:#?}", done.tally);
        let never: Vec<_> = HAPPENS.iter().filter(|what| !done.tally.contains_key(**what)).collect();
        assert!(never.is_empty(), "never happened: {never:?}");
    }
    if page::is_blessed() {
        let (steps, walks, minutes) = (done.steps, done.walks, took.as_secs().div_ceil(60));
        page::rewrite("model", |_| {
            format!(
                "{steps} steps in {walks} walks from seed {first}, {minutes} minutes: the engine and the model agree after each."
            )
        });
    }
}

struct Run {
    wanted: usize,
    first: u64,
    /// Seeds to be walked before those from `first` on.
    known: &'static [u64],
    begun: AtomicUsize,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    steps: usize,
    walks: usize,
    tally: rules::Tally,
    failed: Option<(u64, Walked)>,
}

impl Run {
    fn new(wanted: usize, seed: Option<u64>) -> Run {
        let known = if seed.is_some() { &[] } else { FAILED_ONCE };
        let first = seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        Run { wanted, first, known, begun: AtomicUsize::new(0), done: Mutex::default() }
    }

    fn seed(&self) -> u64 {
        let n = self.begun.fetch_add(1, Ordering::Relaxed);
        self.known.get(n).copied().unwrap_or_else(|| self.first.wrapping_add((n - self.known.len()) as u64))
    }

    fn goes_on(&self) -> bool {
        let done = self.done.lock().unwrap();
        done.failed.is_none() && (done.steps < self.wanted || done.walks < self.known.len())
    }

    fn work(&self) {
        while self.goes_on() {
            let seed = self.seed();
            let walked = runtime().block_on(AssertUnwindSafe(walk::walk(seed)).catch_unwind());
            let walked = walked.unwrap_or_else(|_| Walked { wrong: Some("it panicked".into()), ..Walked::default() });
            let mut done = self.done.lock().unwrap();
            (done.steps, done.walks) = (done.steps + walked.steps, done.walks + 1);
            for (what, n) in &walked.tally {
                *done.tally.entry(what.clone()).or_default() += n;
            }
            if walked.wrong.is_some() {
                done.failed.get_or_insert((seed, walked));
            }
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The walk that failed, and the fewest steps of it that still do.
fn explain(seed: u64, walked: Walked) {
    let wrong = walked.wrong.unwrap_or_default();
    eprintln!("seed {seed}, after {} steps: {wrong}", walked.taken.len());
    let (left, still) = shrink(walked.taken, |left| runtime().block_on(walk::replay(seed, left)));
    for command in &left {
        eprintln!("  {command:?}");
    }
    let still = still.unwrap_or_default();
    panic!("GABA_SEED={seed} GABA_MODEL_STEPS=1: {wrong}\nshortened to {} steps: {still}", left.len());
}
