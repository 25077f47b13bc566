//! The engine in a world of faults: its real code under a virtual clock, against a provider and a gateway with books of their
//! own, while everything that can go wrong does, at places that a seed settles; and an auditor who looks at it all after
//! every step and shares no code with it.
//!
//! A *walk* is an empty installation, some hundred steps, and the truth about everything at its end: then all must be over or
//! wait for people, and who was paid must be who we say was paid.
//!
//! - `GABA_SIM_SEEDS`: how many walks (`make simulation` takes 10,000).
//! - `GABA_SIM_STEPS`: steps of each.
//! - `GABA_SEED`: the seed of the first walk; each one after it has the next. A walk that fails prints its own, and what it
//!   found is told in `stories`: where the commands change, a seed takes other steps.
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
use crate::support::walks::{self, Done, Enough, number};

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

fn steps() -> usize {
    number("GABA_SIM_STEPS").map_or(STEPS, |steps| steps as usize)
}

#[test]
fn whatever_goes_wrong_everybody_is_paid_once_and_nobody_is_forgotten() {
    let wanted = number("GABA_SIM_SEEDS").map_or(SEEDS, |seeds| seeds as usize);
    let done = walks::run(Enough::Walks(wanted), "GABA_SIM_SEEDS=1", |seed| walk::walk(seed, steps()), walk::replay);
    eprintln!("{:#?}", done.tally);
    if done.walks >= LONG {
        done.must_have_met(&HAPPENS);
    }
    if page::is_blessed() {
        page::rewrite("simulation", |_| told(&done));
    }
}

/// A run in words, for the page.
fn told(done: &Done) -> String {
    let of = |what: &str| done.tally.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, n)| n).sum::<usize>();
    format!(
        "{} walks of {} steps from seed {}: {} steps in {} minutes, every invariant looked at after each step and at \
         the end of each walk; 0 broken. In them: {} injected faults, {} crashes of the process, {} receipts, {} verdicts of \
         people, {} steps of the clock.",
        done.walks,
        steps(),
        done.first,
        done.steps,
        done.minutes(),
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
        let ((one, its), (other, others)) = (walk::traced(seed, steps()), walk::traced(seed, steps()));
        assert_eq!(format!("{:?}", one.taken), format!("{:?}", other.taken), "seed {seed}");
        assert_eq!((its, one.tally, one.wrong), (others, other.tally, other.wrong), "seed {seed}");
    }
}
