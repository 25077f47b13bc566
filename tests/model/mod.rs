//! The batch and the payout against a model of them: random commands, answers, receipts, verdicts and crashes, through the
//! store and the engine's own decisions, with the books audited after every step.
//!
//! A *walk* is an empty installation, some hundred steps that its seed settles, and the truth about everything at its end.
//! After each step are compared: the act's answer; every wallet and every hold, with its transfers and with the model (I5);
//! and each batch that the model or a transfer says was changed (I4, I6, I7). Every few steps, and at the end, everything is,
//! what falls due and the store's own check of the ledger too.
//!
//! - `GABA_MODEL_STEPS`: how many steps in all (`make model` takes a million).
//! - `GABA_SEED`: the seed of the first walk; each one after it has the next. A walk that fails prints its own, and what it
//!   found is kept as a case of `conformance`: where the commands change, a seed takes other steps.
//!
//! | file | what |
//! |---|---|
//! | `rules`, `news`, `claims`, `acts`, `list`, `cases`, `inbox` | the model: it shares no code with what it judges |
//! | `provider` | the other side: who was paid under which reference |
//! | `command`, `world/` | the steps, and how each is taken in the store and in the model |
//! | `audit`, `books`, `told` | the comparison, and the invariants of the payouts, of the money and of the lists |
//! | `walk` | a walk from a seed; `support/walks` takes one after the other, and finds the fewest steps that fail |
//!
//! Another command is a line in `command` (what, and how often), one in `World::take`, and its rule in the model.

mod acts;
mod audit;
mod books;
mod cases;
mod claims;
mod command;
mod inbox;
mod lane;
mod list;
mod news;
mod provider;
mod rules;
mod told;
mod walk;
mod world;

use crate::support::page;
use crate::support::walks::{self, Enough, number};

/// Steps of a run that is not told how many.
const STEPS: usize = 6_000;

/// What must have happened in a run of so many steps.
const LONG: usize = 100_000;
const HAPPENS: [&str; 39] = [
    "a batch is cancelled",
    "a batch is completed",
    "a correction as a receivable",
    "a correction comes too late",
    "a correction from the wallet",
    "a correction of an older look",
    "a crash",
    "a digest comes too late",
    "a list is submitted without a digest",
    "a list is withdrawn",
    "a receipt put aside",
    "a refused row is made payable",
    "a resend",
    "a resend that is asked about instead",
    "a retry",
    "a row gets the reference that another gave up",
    "a row is corrected",
    "a row is refused as corrected",
    "a row is set aside",
    "a row is taken back in",
    "an answer that was kept",
    "an approval of what was corrected since",
    "an exception late_success",
    "an exception mismatch",
    "an exception overdue",
    "an exception poison",
    "an exception reversal",
    "an import is given back",
    "late_success is settled as paid",
    "less was paid",
    "mismatch is settled as not_paid",
    "more was paid",
    "overdue is settled as reissue",
    "poison is settled as dismiss",
    "two differ in the evidence_sha256",
    "two differ in the paid_amount",
    "what is settled is said with another evidence_sha256",
    "what is settled is said with another paid_amount",
    "what was settled is said again",
];

#[test]
fn whatever_happens_batches_and_payouts_do_as_the_model_says() {
    let wanted = number("GABA_MODEL_STEPS").map_or(STEPS, |steps| steps as usize);
    let done = walks::run(Enough::Steps(wanted), "GABA_MODEL_STEPS=1", walk::walk, walk::replay);
    if wanted >= LONG {
        eprintln!("{:#?}", done.tally);
        done.must_have_met(&HAPPENS);
    }
    if page::is_blessed() {
        let (steps, walks, first, minutes) = (done.steps, done.walks, done.first, done.minutes());
        page::rewrite("model", |_| {
            format!(
                "{steps} steps in {walks} walks from seed {first}, {minutes} minutes: the engine and the model agree after each."
            )
        });
    }
}
