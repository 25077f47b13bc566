//! The engine in a world of faults: its real code under a virtual clock, against a provider and a gateway with books of their
//! own, while everything that can go wrong does, at places that a seed settles; and an auditor who looks at it all after
//! every step and shares no code with it.
//!
//! A *walk* is an empty installation, some hundred steps, and the truth about everything at its end: then all must be over or
//! wait for people, and who was paid must be who we say was paid.
//!
//! - `GABA_SIM_SEEDS`: how many walks (`make simulation` takes 10,000).
//! - `GABA_SIM_STEPS`: steps of each.
//! - `GABA_SEED`: the seed of the first walk; each one after it has the next. A walk that fails prints its own.
//!
//! | file | what |
//! |---|---|
//! | `process`, `board` | one life of the process: the workers as the engine puts them together, and the calls they have in flight |
//! | `clock`, `faulty` | time, and what goes wrong at which point of the engine |
//! | `provider`, `gateway` | the other side, with its own books |
//! | `command`, `world/` | the steps, and how each is taken |
//! | `auditor/` | what must hold, from the rows as they lie in the database |
//! | `walk` | a walk from a seed, and its end |
//!
//! One step runs at a time and until nothing moves any more, and all chance is the seed's: the same seed takes the same
//! steps. What runs side by side are the calls: they are made in one step and answered in another one, in any order.

mod auditor;
mod board;
mod clock;
mod command;
mod faulty;
mod gateway;
mod process;
mod provider;
mod refusals;
mod stories;
mod walk;
mod world;

use crate::support::page;
use crate::support::shrink::shrink;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use walk::Walked;
use world::Tally;

/// What is not as it should be, in words.
type Wrong = String;

/// Seeds that failed once: they are walked first. Where the commands change, a seed takes other steps; what it found is then
/// told in `stories`.
const FAILED_ONCE: &[u64] = &[];

const SEEDS: usize = 200;
const STEPS: usize = 500;

/// What must have happened in a run of so many walks.
const LONG: usize = 150;
const HAPPENS: [&str; 63] = [
    "Answer",
    "Arrive",
    "Begin",
    "Contradict",
    "Crash",
    "Drive",
    "Receipt Denied",
    "Receipt Forged",
    "Receipt Incomplete",
    "Receipt OtherAddress",
    "Receipt OtherAmount",
    "Receipt OtherLane",
    "Receipt OtherNumber",
    "Receipt Stray",
    "Receipt True",
    "Receipt Unclear",
    "Receipt Unreadable",
    "ReceiptAgain",
    "SetClock",
    "Settle",
    "Shown",
    "Upload Sms",
    "UploadAgain",
    "a payment that had failed",
    "done: Approve",
    "done: Cancel",
    "done: Correct",
    "done: Pause",
    "done: Reject",
    "done: Resume",
    "done: Retry",
    "done: Submit",
    "done: Withdraw",
    "fault: Crash at after_answer",
    "fault: Crash at after_intent",
    "fault: Crash at after_receipt",
    "fault: Crash at after_record",
    "fault: Crash at before_apply",
    "fault: Crash at before_intent",
    "fault: Crash at before_receipt",
    "fault: Crash at before_record",
    "fault: Crash at store_begin",
    "fault: Crash at store_commit",
    "fault: Crash at store_committed",
    "fault: Fail at store_begin",
    "fault: Fail at store_commit",
    "fault: Fail at store_committed",
    "fault: Panic at after_answer",
    "refused: InsufficientFunds",
    "refused: SelfApproval",
    "settled: late_success as dismiss",
    "settled: late_success as paid",
    "settled: mismatch as paid",
    "settled: overdue as paid",
    "settled: overdue as not_paid",
    "settled: overdue as reissue",
    "settled: reversal as not_paid",
    "the breaker holds",
    "way: Barred",
    "way: Behind",
    "way: Late",
    "way: Panic",
    "way: TurnedDown",
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

fn steps() -> usize {
    number("GABA_SIM_STEPS").map_or(STEPS, |steps| steps as usize)
}

#[test]
fn whatever_goes_wrong_everybody_is_paid_once_and_nobody_is_forgotten() {
    let wanted = number("GABA_SIM_SEEDS").map_or(SEEDS, |seeds| seeds as usize);
    let run = Run::new(wanted, steps(), number("GABA_SEED"));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| run.work());
        }
    });
    let (took, first) = (began.elapsed(), run.first);
    let mut done = run.done.into_inner().unwrap();
    if let Some((seed, walked)) = done.failed.take() {
        explain(seed, walked);
    }
    let rate = done.steps as f64 / took.as_secs_f64();
    eprintln!("{} walks of {} steps from seed {first}, {took:.1?}: {rate:.0} steps a second", done.walks, run.steps);
    eprintln!("{:#?}", done.tally);
    if done.walks >= LONG {
        let never: Vec<_> = HAPPENS.iter().filter(|what| !done.tally.contains_key(**what)).collect();
        assert!(never.is_empty(), "never happened: {never:?}");
    }
    if page::is_blessed() {
        page::rewrite("simulation", |_| told(&done, run.steps, first, took));
    }
}

/// A run in words, for the page.
fn told(done: &Done, steps: usize, first: u64, took: Duration) -> String {
    let of = |what: &str| done.tally.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, n)| n).sum::<usize>();
    format!(
        "{} walks of {steps} steps from seed {first}: {} steps in {} minutes, every invariant looked at after each step and at \
         the end of each walk; 0 broken. In them: {} injected faults, {} crashes of the process, {} receipts, {} verdicts of \
         people, {} steps of the clock.",
        done.walks,
        done.steps,
        took.as_secs().div_ceil(60),
        of("fault: "),
        of("a crash"),
        of("Receipt"),
        of("settled: "),
        of("SetClock"),
    )
}

#[test]
fn the_same_seed_takes_the_same_steps() {
    for seed in 1..=3 {
        let (one, other) = (walk::walk(seed, steps()), walk::walk(seed, steps()));
        assert_eq!(format!("{:?}", one.taken), format!("{:?}", other.taken), "seed {seed}");
        assert_eq!((one.trace, one.tally, one.wrong), (other.trace, other.tally, other.wrong), "seed {seed}");
    }
}

struct Run {
    wanted: usize,
    steps: usize,
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
    tally: Tally,
    failed: Option<(u64, Walked)>,
}

impl Run {
    fn new(wanted: usize, steps: usize, seed: Option<u64>) -> Run {
        let known = if seed.is_some() { &[] } else { FAILED_ONCE };
        let first = seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        Run { wanted, steps, first, known, begun: AtomicUsize::new(0), done: Mutex::default() }
    }

    /// The next seed, as long as there is one and nothing was wrong.
    fn seed(&self) -> Option<u64> {
        let n = self.begun.fetch_add(1, Ordering::Relaxed);
        let goes_on = n < self.wanted + self.known.len() && self.done.lock().unwrap().failed.is_none();
        let seed = || self.first.wrapping_add((n - self.known.len()) as u64);
        goes_on.then(|| self.known.get(n).copied().unwrap_or_else(seed))
    }

    fn work(&self) {
        while let Some(seed) = self.seed() {
            let walked = walk::walk(seed, self.steps);
            let mut done = self.done.lock().unwrap();
            (done.steps, done.walks) = (done.steps + walked.taken.len(), done.walks + 1);
            for (what, n) in &walked.tally {
                *done.tally.entry(what.clone()).or_default() += n;
            }
            if walked.wrong.is_some() {
                done.failed.get_or_insert((seed, walked));
            }
        }
    }
}

/// The walk that failed, and the fewest steps of it that still do.
fn explain(seed: u64, walked: Walked) {
    let wrong = walked.wrong.unwrap_or_default();
    eprintln!("seed {seed}, after {} steps: {wrong}", walked.taken.len());
    let (left, still) = shrink(walked.taken, |left| walk::replay(seed, left));
    for step in &left {
        eprintln!("  {step:?}");
    }
    let still = still.unwrap_or_default();
    panic!("GABA_SEED={seed} GABA_SIM_SEEDS=1: {wrong}\nshortened to {} steps: {still}", left.len());
}
