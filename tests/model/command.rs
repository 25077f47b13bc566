//! The steps of a walk, as data: a list of them can be played again, and with some of them left out. Indices are taken
//! modulo what there is when the step is taken.

use super::cases::{Case, Person, Say, Word};
use super::provider::{Entry, Fate};
use super::rules::*;
use super::world::{World, pick};
use crate::support::chance::Chance;

/// Somebody does something with a batch.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Submit { exclude: bool },
    Reject { reason: u8 },
    Withdraw,
    Approve { stale: bool, seen: bool, key: Option<u8> },
    Pause,
    Resume,
    Cancel,
    Retry { key: Option<u8> },
}

/// What becomes of a request between us and the provider.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// No connection.
    Refused,
    /// Our account is barred; it may or may not have been executed.
    Barred { perhaps: bool },
    /// Whoever sends it panics, before or after it arrives.
    Panic { after: bool },
    /// It never arrives, and we do not learn that.
    Lost,
    /// It arrives later than we wait.
    Late,
    /// It arrives; `heard`: so does the answer.
    Through { settled: bool, heard: bool },
}

/// What a receipt says.
#[derive(Clone, Copy, Debug)]
pub enum Tale {
    True,
    /// A success that does not say whom and how much.
    Incomplete,
    OtherAmount,
    OtherNumber,
    /// Nobody vouches for it.
    Hint,
    /// It comes in through another lane than the payout's.
    OtherLane,
    Unclear,
}

#[derive(Clone, Debug)]
pub enum Command {
    Fund {
        org: usize,
        amount: i64,
        reference: Option<u32>,
    },
    Upload {
        org: usize,
        rows: u32,
        invalid: u32,
        notify: bool,
        later: Option<u32>,
        seed: u64,
    },
    UploadAgain {
        batch: usize,
        same: bool,
    },
    ClaimImport,
    ImportRows {
        hand: usize,
        n: usize,
        again: bool,
    },
    FinishImport {
        hand: usize,
        wrong: bool,
    },
    FailImport {
        hand: usize,
    },
    GiveBackImport {
        hand: usize,
        seconds: u32,
    },
    Act {
        batch: usize,
        by: Person,
        stranger: bool,
        act: Act,
    },
    Resolve {
        case: usize,
        by: Person,
        word: Word,
        stranger: bool,
    },
    StartScheduled,
    Sweep {
        n: u32,
    },
    Claim {
        lane: usize,
        n: u32,
    },
    Ask {
        lane: usize,
        n: u32,
    },
    /// A request or a question reaches the provider, or does not.
    Contact {
        hand: usize,
        way: Way,
        fate: Fate,
    },
    /// Answers are recorded in one group; `twice`: the first of them is there twice.
    Record {
        hands: Vec<usize>,
        twice: bool,
    },
    /// An answer that was recorded before is recorded again.
    Repeat {
        spent: usize,
    },
    /// A request that was late arrives.
    Arrive {
        which: usize,
    },
    /// A pending transfer ends.
    Settle {
        which: usize,
    },
    /// The provider pays what it had said failed.
    Contradict {
        which: usize,
    },
    Receipt {
        which: usize,
        tale: Tale,
    },
    ReceiptAgain {
        which: usize,
    },
    /// A receipt of nobody's reference, or one that cannot be read.
    Stray {
        readable: bool,
        which: usize,
    },
    Collect {
        n: u32,
    },
    Open {
        n: usize,
        keep: bool,
    },
    Wait {
        seconds: u32,
    },
    Breaker {
        closed: bool,
    },
    Crash {
        zombies: bool,
    },
}

impl Command {
    /// Whether it is a step of the engine's; what the provider does by itself is not counted.
    pub fn counts(&self) -> bool {
        use Command::*;
        !matches!(
            self,
            Contact { .. } | Arrive { .. } | Settle { .. } | Contradict { .. } | Wait { .. } | Breaker { .. }
        )
    }
}

type Make = fn(&mut Chance) -> Command;

/// The next step: by chance, of those that find something to do.
pub fn choose(world: &World, chance: &mut Chance) -> Command {
    let (model, provider) = (&world.model, &world.provider);
    let importing = model.batches.iter().any(|b| b.phase == Phase::Importing);
    let some = |n: usize, weight: u32| if n > 0 { weight } else { 0 };
    let batches = model.batches.len();
    let unanswered = world.hands.iter().filter(|h| h.answer.is_none()).count();
    let open = model.cases.iter().filter(|c| c.resolution.is_none()).count();
    let short = model.cases.iter().filter(|c| is_short(model, c)).count();
    let out = model.rows().filter(|(_, _, r)| r.stand.is_out() || r.stand == Stand::Queued).count();
    // Deaths over the same row are rare by chance alone, and so are two people who agree.
    let suspect = model.rows().any(|(_, _, r)| r.is_suspect());
    let menu: [(u32, Make); 28] = [
        (if model.batches.iter().any(|b| b.phase == Phase::Awaiting) { 5 } else { 2 }, fund),
        (if batches < BATCHES_MAX && !importing { 12 } else { 0 }, upload),
        (some(batches, 1), |c| Command::UploadAgain { batch: c.any(), same: !c.one_in(3) }),
        (if importing { 8 } else { 0 }, |_| Command::ClaimImport),
        (some(world.uploads.len(), 10), |c| Command::ImportRows {
            hand: c.any(),
            n: c.below(5) as usize + 1,
            again: c.one_in(12),
        }),
        (some(world.uploads.len(), 8), |c| Command::FinishImport { hand: c.any(), wrong: c.one_in(10) }),
        (if world.uploads.is_empty() || !chance.one_in(15) { 0 } else { 1 }, |c| Command::FailImport { hand: c.any() }),
        (if world.uploads.is_empty() || !chance.one_in(6) { 0 } else { 2 }, |c| Command::GiveBackImport {
            hand: c.any(),
            seconds: c.below(3) * 10,
        }),
        (some(batches, 14), act),
        (some(model.cases.len(), 1) + some(open, 10) + some(short, 60), resolve),
        (1, |_| Command::StartScheduled),
        (if model.to_sweep().is_some() { 6 } else { 1 }, |c| Command::Sweep { n: c.below(5) + 1 }),
        (some(batches, 2) + some(out, 8), |c| Command::Claim { lane: c.any(), n: c.below(6) + 1 }),
        (some(batches, 1) + some(out, if suspect { 14 } else { 7 }), |c| Command::Ask {
            lane: c.any(),
            n: c.below(6) + 1,
        }),
        (some(unanswered, 8), contact),
        (some(world.hands.len(), 12), record),
        (some(world.spent.len(), 1), |c| Command::Repeat { spent: c.any() }),
        (some(provider.transit.len(), 3), |c| Command::Arrive { which: c.any() }),
        (some(provider.book.len(), 3), |c| Command::Settle { which: c.any() }),
        (if provider.book.is_empty() || !chance.one_in(2) { 0 } else { 3 }, |c| Command::Contradict { which: c.any() }),
        (some(provider.book.len(), 5), receipt),
        (some(world.posted.len(), 2), |c| Command::ReceiptAgain { which: c.any() }),
        (if chance.one_in(4) { 1 } else { 0 }, |c| Command::Stray { readable: !c.one_in(3), which: c.any() }),
        (some(model.letters_due(), 7), |c| Command::Collect { n: c.below(5) + 1 }),
        (some(world.mail.len(), 9), |c| Command::Open { n: c.below(5) as usize + 1, keep: c.one_in(6) }),
        (if out > 0 { 9 } else { 3 }, wait),
        (if model.lane_is_well { 1 } else { 3 }, |c| Command::Breaker { closed: !c.one_in(3) }),
        (if suspect { 8 } else { u32::from(chance.one_in(3)) }, |c| Command::Crash { zombies: c.one_in(2) }),
    ];
    let mut left = chance.below(menu.iter().map(|(weight, _)| weight).sum());
    for (weight, make) in menu {
        if left < weight {
            return steered(world, make(chance), chance);
        }
        left -= weight;
    }
    unreachable!("the weights were summed")
}

/// Batches of one walk.
const BATCHES_MAX: usize = 6;

fn fund(c: &mut Chance) -> Command {
    // A wallet that once got so much is never short again.
    let amount = match c.below(36) {
        0 | 1 => 0,
        2 => 900_000_000_000_000,
        3 => 1_000_000_000_000_000,
        4..=10 => i64::from(c.below(8_000)) + 1,
        _ => i64::from(c.below(300)) + 1,
    };
    Command::Fund { org: c.any(), amount, reference: c.one_in(8).then(|| c.below(4)) }
}

fn upload(c: &mut Chance) -> Command {
    let invalid = if c.one_in(3) { c.below(3) } else { 0 };
    let later = c.one_in(4).then(|| c.of(&[30, 300, 4_000]));
    let rows = if c.one_in(10) { 0 } else { c.below(6) + 1 };
    Command::Upload { org: c.any(), rows, invalid, notify: c.one_in(2), later, seed: c.next() }
}

fn act(c: &mut Chance) -> Command {
    let key = |c: &mut Chance| c.one_in(2).then(|| c.below(3) as u8);
    let (act, mostly) = match c.below(20) {
        0..=3 => (Act::Submit { exclude: !c.one_in(3) }, Person::Maker),
        4 if c.one_in(2) => (Act::Reject { reason: c.below(2) as u8 }, Person::Checker),
        4 => (Act::Withdraw, Person::Maker),
        5..=11 => (Act::Approve { stale: c.one_in(8), seen: !c.one_in(12), key: key(c) }, Person::Checker),
        12 | 13 => (Act::Pause, Person::Maker),
        14..=16 => (Act::Resume, Person::Maker),
        17 => (Act::Cancel, Person::Maker),
        _ => (Act::Retry { key: key(c) }, Person::Checker),
    };
    let other = if mostly == Person::Maker { Person::Checker } else { Person::Maker };
    let by = if c.one_in(8) { other } else { mostly };
    Command::Act { batch: c.any(), by, stranger: c.one_in(25), act }
}

fn resolve(c: &mut Chance) -> Command {
    let by = c.of(&[Person::Maker, Person::Checker]);
    let say = if c.one_in(5) { Say::Paid } else { c.of(&Say::ALL) };
    let (evidence, transaction) = (proof(c), proof(c));
    let word = Word { say, note: c.below(2) as u8, evidence, transaction, paid_amount: paid_amount(c) };
    Command::Resolve { case: c.any(), by, word, stranger: c.one_in(25) }
}

/// What would happen too rarely by chance alone is helped along.
fn steered(world: &World, command: Command, c: &mut Chance) -> Command {
    match command {
        Command::Fund { .. } => frugal(&world.model, command, c),
        Command::Act { .. } if !c.one_in(3) => timely(&world.model, command, c),
        Command::Resolve { .. } => agreeing(&world.model, urgent(&world.model, command, c), c),
        command => contradicting(world, command, c),
    }
}

/// A list that can just now be approved, or of which something failed.
fn timely(model: &Model, command: Command, c: &mut Chance) -> Command {
    let Command::Act { by, stranger, act, .. } = command else { return command };
    let fits = |b: &Batch| match act {
        Act::Approve { .. } => b.phase == Phase::Awaiting,
        Act::Retry { .. } => {
            matches!(b.phase, Phase::Running | Phase::Completed) && b.rows.iter().any(|r| r.stand == Stand::Failed)
        }
        _ => false,
    };
    let found: Vec<usize> = (0..model.batches.len()).filter(|b| fits(&model.batches[*b])).collect();
    match pick(c.any(), found.len()) {
        Some(n) => Command::Act { batch: found[n], by, stranger, act },
        None => command,
    }
}

/// A wallet is seldom emptied by chance alone: most of the money that comes is just what a list that waits is short of.
fn frugal(model: &Model, command: Command, c: &mut Chance) -> Command {
    let missing = |b: &Batch| (b.org, b.needs() - model.orgs[b.org].wallet);
    let mut waiting = model.batches.iter().filter(|b| b.phase == Phase::Awaiting).map(missing);
    match (command, waiting.rfind(|(_, missing)| *missing > 0)) {
        (Command::Fund { reference, .. }, Some((org, amount))) if !c.one_in(4) => {
            Command::Fund { org, amount, reference }
        }
        (command, _) => command,
    }
}

/// People mostly look at what is open: first at what they could find paid and have no money for, then at poison. What had
/// failed and was paid after all they mostly find paid.
fn urgent(model: &Model, command: Command, c: &mut Chance) -> Command {
    let Command::Resolve { case, by, mut word, stranger } = command else { return command };
    let open = |which: &usize| model.cases[*which].resolution.is_none();
    let cases: Vec<usize> = (0..model.cases.len()).filter(open).collect();
    let first = |is: &dyn Fn(&Case) -> bool| cases.iter().copied().find(|which| is(&model.cases[*which]));
    let (short, poison) = (first(&|case| is_short(model, case)), first(&|case| case.kind == "poison"));
    let any = pick(c.any(), cases.len()).map(|n| cases[n]);
    let case = if c.one_in(4) { case } else { short.or(poison).or(any).unwrap_or(case) };
    let kind = case.checked_rem(model.cases.len()).map(|which| model.cases[which].kind);
    match kind {
        Some("late_success") if c.one_in(2) => word.say = Say::Paid,
        Some("poison") if c.one_in(4) => word.say = Say::Dismiss,
        // Mostly they say how much only where that can be said.
        Some("mismatch") if c.one_in(2) => {
            word.say = Say::Paid;
            word.paid_amount = word.paid_amount.or_else(|| paid_amount(c));
        }
        _ if !c.one_in(6) => word.paid_amount = None,
        _ => {}
    }
    Command::Resolve { case, by, word, stranger }
}

/// It can be found paid, and the wallet has not the money for that.
fn is_short(model: &Model, case: &Case) -> bool {
    let batch = &model.batches[case.at.0];
    let row = &batch.rows[case.at.1];
    let given_up = matches!(row.stand, Stand::Failed | Stand::Cancelled);
    case.resolution.is_none() && given_up && model.orgs[batch.org].wallet < row.total
}

/// Rarely two agree by chance alone: of a case that somebody has spoken of, the other mostly says the same.
fn agreeing(model: &Model, command: Command, c: &mut Chance) -> Command {
    let Command::Resolve { case, word, stranger, .. } = command else { return command };
    let spoken_of = case.checked_rem(model.cases.len()).and_then(|which| model.cases[which].proposal);
    let Some((proposer, proposed)) = spoken_of.filter(|_| !c.one_in(4)) else { return command };
    let by = if proposer == Person::Maker { Person::Checker } else { Person::Maker };
    let proof = if c.one_in(6) { word } else { proposed };
    let paid_amount = if c.one_in(12) { word.paid_amount } else { proof.paid_amount };
    let word =
        Word { note: word.note, evidence: proof.evidence, transaction: proof.transaction, paid_amount, ..proposed };
    Command::Resolve { case, by, word, stranger }
}

/// A provider seldom contradicts itself by chance alone: it is of what it said failed, and then it mostly says so.
fn contradicting(world: &World, command: Command, c: &mut Chance) -> Command {
    let book = &world.provider.book;
    let some = |of: fn(&Entry) -> bool, c: &mut Chance| {
        let found: Vec<usize> = (0..book.len()).filter(|which| of(&book[*which])).collect();
        pick(c.any(), found.len()).map(|n| found[n])
    };
    let found = match command {
        Command::Contradict { .. } => some(|e| e.settled && e.said_failed && !e.contradicted, c),
        Command::Receipt { tale: Tale::True, .. } if c.one_in(2) => some(|e| e.contradicted, c),
        _ => None,
    };
    match (command, found) {
        (Command::Contradict { .. }, Some(which)) => Command::Contradict { which },
        (Command::Receipt { tale, .. }, Some(which)) => Command::Receipt { which, tale },
        (command, _) => command,
    }
}

/// Mostly the same, or none.
fn proof(c: &mut Chance) -> Option<u8> {
    c.one_in(3).then(|| u8::from(c.one_in(5)))
}

/// Less than most rows have, more than all, or nothing.
fn paid_amount(c: &mut Chance) -> Option<i64> {
    let amount = match c.below(12) {
        0 => 0,
        1..=8 => i64::from(c.below(900)) + 1,
        _ => i64::from(c.below(100_000)) + 1_000,
    };
    c.one_in(3).then_some(amount)
}

fn contact(c: &mut Chance) -> Command {
    let way = match c.below(16) {
        0 | 1 => Way::Refused,
        2 => Way::Barred { perhaps: c.one_in(2) },
        3 => Way::Lost,
        4 => Way::Panic { after: c.one_in(2) },
        5 | 6 => Way::Late,
        7 | 8 => Way::Through { settled: c.one_in(2), heard: false },
        _ => Way::Through { settled: c.one_in(2), heard: true },
    };
    let fate = match c.below(8) {
        0 | 1 => Fate::Refuses { retryable: true },
        2 | 3 => Fate::Refuses { retryable: false },
        _ => Fate::Pays,
    };
    Command::Contact { hand: c.any(), way, fate }
}

fn record(c: &mut Chance) -> Command {
    let n = if c.one_in(3) { c.below(5) + 1 } else { 1 };
    Command::Record { hands: (0..n).map(|_| c.any()).collect(), twice: c.one_in(10) }
}

fn receipt(c: &mut Chance) -> Command {
    let tale = match c.below(20) {
        0..=10 => Tale::True,
        11 => Tale::Incomplete,
        12 => Tale::OtherAmount,
        13 => Tale::OtherNumber,
        14..=16 => Tale::Hint,
        17 => Tale::OtherLane,
        _ => Tale::Unclear,
    };
    Command::Receipt { which: c.any(), tale }
}

fn wait(c: &mut Chance) -> Command {
    let seconds = match c.below(40) {
        0..=15 => c.below(15),
        16..=29 => 55 + c.below(80),
        30..=35 => 200 + c.below(500),
        36 | 37 => 3_700,
        38 => 7 * 3_600,
        _ => c.of(&[13, 21, 25]) * 3_600,
    };
    Command::Wait { seconds }
}
