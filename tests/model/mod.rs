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
//! | `walk`, `shrink` | a walk from a seed; the fewest steps of it that fail |
//!
//! Another command is a line in `command` (what, and how often), one in `World::take`, and its rule in the model.

mod acts;
mod audit;
mod cases;
mod chance;
mod claims;
mod command;
mod inbox;
mod lane;
mod news;
mod provider;
mod rules;
mod shrink;
mod walk;
mod world;

use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use walk::Walked;

/// What is not as it should be, in words.
pub type Wrong = String;

/// Seeds that failed once: they are walked first.
const FAILED_ONCE: &[u64] = &[];

/// Steps of a run that is not told how many.
const STEPS: usize = 6_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

#[test]
fn whatever_happens_batches_and_payouts_do_as_the_model_says() {
    let wanted = number("GABA_MODEL_STEPS").map_or(STEPS, |steps| steps as usize);
    let seed = number("GABA_SEED");
    let first = seed.unwrap_or_else(rand::random);
    let began = Instant::now();
    let steps = Arc::new(AtomicUsize::new(0));
    let seeds = Arc::new(Seeds {
        known: AtomicUsize::new(if seed.is_some() { FAILED_ONCE.len() } else { 0 }),
        next: AtomicU64::new(first),
    });
    let failed: Arc<Mutex<Option<(u64, Walked)>>> = Arc::default();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let (steps, seeds, failed) = (steps.clone(), seeds.clone(), failed.clone());
            std::thread::spawn(move || work(wanted, &steps, &seeds, &failed))
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let failed = failed.lock().unwrap().take();
    if let Some((seed, walked)) = failed {
        explain(seed, walked);
    }
    let (steps, took) = (steps.load(Ordering::Relaxed), began.elapsed());
    let walks = seeds.next.load(Ordering::Relaxed).wrapping_sub(first);
    eprintln!(
        "{steps} steps in {walks} walks from seed {first}, {took:.1?}: {:.0} a second",
        steps as f64 / took.as_secs_f64()
    );
}

/// The seeds of a run: those that failed once, then one after the other.
struct Seeds {
    known: AtomicUsize,
    next: AtomicU64,
}

impl Seeds {
    fn next(&self) -> u64 {
        match FAILED_ONCE.get(self.known.fetch_add(1, Ordering::Relaxed)) {
            Some(seed) => *seed,
            None => self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

fn work(wanted: usize, steps: &AtomicUsize, seeds: &Seeds, failed: &Mutex<Option<(u64, Walked)>>) {
    while steps.load(Ordering::Relaxed) < wanted && failed.lock().unwrap().is_none() {
        let seed = seeds.next();
        let walked = runtime().block_on(AssertUnwindSafe(walk::walk(seed)).catch_unwind());
        let walked =
            walked.unwrap_or_else(|_| Walked { steps: 0, taken: Vec::new(), wrong: Some("it panicked".into()) });
        steps.fetch_add(walked.steps, Ordering::Relaxed);
        if walked.wrong.is_some() {
            failed.lock().unwrap().get_or_insert((seed, walked));
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
    let (left, still) = runtime().block_on(shrink::shrink(seed, walked.taken));
    for command in &left {
        eprintln!("  {command:?}");
    }
    panic!(
        "GABA_SEED={seed} GABA_MODEL_STEPS=1: {wrong}\nshortened to {} steps: {}",
        left.len(),
        still.unwrap_or_default()
    );
}
