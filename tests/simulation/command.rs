//! The steps of a walk, as data: a list of them can be taken again, and with some of them left out. Indices are taken modulo
//! what there is when the step is taken.

use super::clock::{DAY, Micros, SECOND};
use super::faulty::{Fault, How};
use super::provider::Fate;
use super::world::World;
use crate::support::chance::Chance;
use gaba::faults::Point;
use gaba::payout::exception::Verdict;

/// One step, and what goes wrong in the middle of it.
#[derive(Clone, Debug)]
pub struct Step {
    pub command: Command,
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    Maker,
    Checker,
    Finance,
}

/// Somebody does something with a batch.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Submit,
    Withdraw,
    Approve { stale: bool },
    Reject,
    Pause,
    Resume,
    Cancel,
    Retry,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// No connection.
    Refused,
    /// Our account is barred; it may or may not have been executed.
    Barred { perhaps: bool },
    /// Whoever waits for it panics, before or after it arrives.
    Panic { after: bool },
    /// It is refused for good by somebody who has not looked whether it had come before.
    TurnedDown { retryable: bool },
    /// It never arrives, and we do not learn that: a 5xx, a reset, a timeout.
    Lost,
    /// It arrives later than we wait.
    Late,
    /// It arrives; `heard`: so does the answer.
    Through { settled: bool, heard: bool },
    /// Who answers a question has not heard of anything new.
    Behind,
}

/// What a receipt says.
#[derive(Clone, Copy, Debug)]
pub enum Tale {
    True,
    /// A success that does not say whom and how much.
    Incomplete,
    OtherAmount,
    OtherNumber,
    /// Nobody vouches for it, whatever it says.
    Forged,
    /// It comes in by the address of another reference.
    OtherAddress,
    OtherLane,
    Unclear,
    /// It says that a payment failed, whether that is true or not.
    Denied,
    /// Of a reference that nobody knows.
    Stray,
    Unreadable,
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
        bad: u32,
        sms: bool,
        notify: bool,
        later: Option<u32>,
        seed: u64,
    },
    UploadAgain {
        batch: usize,
        same: bool,
    },
    Import,
    Correct {
        batch: usize,
        row: u32,
        how: u8,
    },
    Act {
        batch: usize,
        by: Person,
        act: Act,
    },
    Verdict {
        case: usize,
        by: Person,
        verdict: Verdict,
    },
    Drive {
        rows: u32,
    },
    /// Rows are claimed and, unless `wait`, begun at once.
    Send {
        lane: usize,
        n: u32,
        wait: bool,
    },
    Ask {
        lane: usize,
        n: u32,
        wait: bool,
    },
    Text {
        n: u32,
        wait: bool,
    },
    /// Claimed rows are begun, or given back.
    Begin {
        n: usize,
        give_back: bool,
    },
    /// Calls are answered, so that what follows is recorded together.
    Answer {
        calls: Vec<(usize, Way, Fate)>,
    },
    /// A request that was late arrives.
    Arrive {
        which: usize,
        fate: Fate,
    },
    /// A pending transfer ends.
    Settle {
        which: usize,
    },
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
    Shown {
        which: usize,
        delivered: bool,
        forged: bool,
    },
    Read {
        n: u32,
    },
    Wait {
        span: Micros,
    },
    /// The clock on the wall is set wrong, or right again.
    SetClock {
        wrong: Micros,
    },
    Crash,
}

impl Command {
    /// What a tally counts it as.
    pub fn name(&self) -> String {
        let text = format!("{self:?}");
        let detail = match self {
            Command::Act { act, .. } => format!("{act:?}"),
            Command::Receipt { tale, .. } => format!("{tale:?}"),
            Command::Upload { sms: true, .. } => "Sms".to_owned(),
            _ => String::new(),
        };
        let word = |text: &str| text.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
        if detail.is_empty() { word(&text) } else { format!("{} {}", word(&text), word(&detail)) }
    }
}

/// Batches of one walk.
const BATCHES_MAX: usize = 9;
/// One of so many steps has a fault in it.
const FAULT_ONE_IN: u32 = 18;

type Make = fn(&World, &mut Chance) -> Command;

/// The next step: by chance, of those that find something to do.
pub fn choose(world: &World, chance: &mut Chance) -> Step {
    let now = &world.auditor.now;
    let some = |n: usize, weight: u32| if n > 0 { weight } else { 0 };
    let rarely = |chance: &mut Chance, n: u32| u32::from(chance.one_in(n));
    let batches = now.batches.len();
    let importing = now.batches.iter().filter(|b| b.state == "importing").count();
    let ready = now.batches.iter().filter(|b| b.state == "ready").count();
    let swept = now.batches.iter().filter(|b| b.due_at.is_some() && b.state != "importing").count();
    let to_do = now.payouts.iter().filter(|p| p.due_at.is_some() && now.batch(p.batch).is_some_and(|b| b.is_live()));
    let (send, ask): (Vec<_>, Vec<_>) = to_do.partition(|p| p.action == "submit");
    let texts = now.messages.iter().filter(|m| m.state == "queued" && m.due_at.is_some()).count();
    let open = now.exceptions.iter().filter(|e| e.is_open()).count();
    let calls = world.calls();
    let pending = world.provider.book.iter().filter(|e| !e.settled).count();
    let menu: [(u32, Make); 23] = [
        (2, fund),
        (if batches < BATCHES_MAX && importing == 0 { 6 } else { 0 }, upload),
        (rarely(chance, 3) * some(batches, 1), |_, c| Command::UploadAgain { batch: c.any(), same: !c.one_in(3) }),
        (some(importing, 8), |_, _| Command::Import),
        (some(ready, 1), |_, c| Command::Correct { batch: c.any(), row: c.below(8), how: c.below(5) as u8 }),
        (some(batches, 10), act),
        (some(open, 5) + rarely(chance, 8) * some(now.exceptions.len(), 1), verdict),
        (some(swept, 6) + rarely(chance, 3), |_, c| Command::Drive { rows: c.below(5) + 1 }),
        (some(send.len(), 12) + rarely(chance, 4), |_, c| Command::Send {
            lane: c.any(),
            n: many(c),
            wait: c.one_in(4),
        }),
        (some(ask.len(), 10) + rarely(chance, 4), |_, c| Command::Ask { lane: c.any(), n: many(c), wait: c.one_in(5) }),
        (some(texts, 6) + rarely(chance, 8), |_, c| Command::Text { n: many(c), wait: c.one_in(5) }),
        (some(world.hands.len(), 6), |_, c| Command::Begin { n: c.below(4) as usize + 1, give_back: c.one_in(5) }),
        (some(calls, 22), answer),
        (some(world.provider.transit.len(), 3), |_, c| Command::Arrive { which: c.any(), fate: fate(c) }),
        (some(pending, 4), |_, c| Command::Settle { which: c.any() }),
        (rarely(chance, 6) * some(world.provider.book.len(), 2), |_, c| Command::Contradict { which: c.any() }),
        (some(world.provider.book.len(), 6) + rarely(chance, 8), receipt),
        (some(world.posted.len(), 2), |_, c| Command::ReceiptAgain { which: c.any() }),
        (some(world.gateway.order.len(), 2), |_, c| Command::Shown {
            which: c.any(),
            delivered: !c.one_in(4),
            forged: c.one_in(6),
        }),
        (if now.letters > 0 { 9 } else { 0 }, |_, c| Command::Read { n: many(c) }),
        (if send.len() + ask.len() > 0 { 9 } else { 3 }, wait),
        (rarely(chance, 5), |_, c| Command::SetClock {
            wrong: c.of(&[0, 0, 600 * SECOND, -600 * SECOND, DAY, -DAY, 5 * SECOND]),
        }),
        (rarely(chance, 4), |_, _| Command::Crash),
    ];
    let mut left = chance.below(menu.iter().map(|(weight, _)| weight).sum());
    for (weight, make) in menu {
        if left < weight {
            let command = make(world, chance);
            let fault = chance.one_in(FAULT_ONE_IN).then(|| fault(&command, chance));
            return Step { command, fault };
        }
        left -= weight;
    }
    unreachable!("the weights were summed")
}

/// How many rows are claimed: few, or more than there are.
fn many(c: &mut Chance) -> u32 {
    if c.one_in(3) { 64 } else { c.below(4) + 1 }
}

/// At a point that the command passes: one of the store's, or one of its own.
fn fault(command: &Command, c: &mut Chance) -> Fault {
    use Point::*;
    let own: &[Point] = match command {
        Command::Send { .. } => &[BeforeIntent, AfterIntent],
        Command::Answer { .. } => &[AfterAnswer, BeforeRecord, AfterRecord, AfterSms],
        Command::Receipt { .. } | Command::ReceiptAgain { .. } => &[BeforeReceipt, AfterReceipt],
        Command::Read { .. } => &[BeforeApply],
        _ => &[],
    };
    let how = c.of(&[How::Crash, How::Crash, How::Crash, How::Fail, How::Fail, How::Panic]);
    let point = match how {
        // A panic that nobody records is a crash of its own kind: only workers' are told apart.
        How::Panic => c.of(&[AfterAnswer, AfterAnswer, AfterSms]),
        _ if !own.is_empty() && c.one_in(2) => c.of(own),
        _ => c.of(&[StoreBegin, StoreCommit, StoreCommitted]),
    };
    Fault { point, nth: if c.one_in(3) { c.below(4) } else { 0 }, how }
}

fn fund(_: &World, c: &mut Chance) -> Command {
    let amount = if c.one_in(10) { 0 } else { i64::from(c.below(20_000)) + 1 };
    Command::Fund { org: c.any(), amount, reference: c.one_in(8).then(|| c.below(4)) }
}

fn upload(_: &World, c: &mut Chance) -> Command {
    Command::Upload {
        org: c.any(),
        rows: if c.one_in(10) { 0 } else { c.below(7) + 1 },
        bad: if c.one_in(3) { c.below(3) } else { 0 },
        sms: c.one_in(4),
        notify: c.one_in(2),
        later: c.one_in(5).then(|| c.of(&[30, 300, 4_000])),
        seed: c.next(),
    }
}

/// Mostly what makes sense as the batch stands.
fn act(world: &World, c: &mut Chance) -> Command {
    let now = &world.auditor.now;
    let batch = c.any();
    let state = now.batches.get(batch % now.batches.len().max(1)).map_or("", |b| b.state.as_str());
    let any = [
        Act::Submit,
        Act::Withdraw,
        Act::Approve { stale: false },
        Act::Approve { stale: true },
        Act::Reject,
        Act::Pause,
        Act::Resume,
        Act::Cancel,
        Act::Retry,
    ];
    let act = match (state, c.below(16)) {
        (_, 0) => c.of(&any),
        ("ready", _) => Act::Submit,
        ("awaiting_approval", 1) => Act::Withdraw,
        ("awaiting_approval", 2) => Act::Reject,
        ("awaiting_approval", _) => Act::Approve { stale: c.one_in(10) },
        ("running", 1..=4) => Act::Pause,
        ("running" | "scheduled", 5) => Act::Cancel,
        ("paused", 1) => Act::Cancel,
        ("paused", _) => Act::Resume,
        ("running" | "completed", _) => Act::Retry,
        _ => c.of(&any),
    };
    let mostly = match act {
        Act::Approve { .. } | Act::Reject | Act::Retry => Person::Checker,
        _ => Person::Maker,
    };
    let by = if c.one_in(12) { c.of(&[Person::Maker, Person::Checker, Person::Finance]) } else { mostly };
    Command::Act { batch, by, act }
}

fn verdict(_: &World, c: &mut Chance) -> Command {
    // Rarely two agree by chance alone: more often than not they say the same of the same case.
    let case = c.any();
    let verdict = if c.one_in(3) { c.of(&Verdict::ALL) } else { Verdict::ALL[case / 8 % 4] };
    Command::Verdict { case, by: c.of(&[Person::Checker, Person::Finance]), verdict }
}

pub fn fate(c: &mut Chance) -> Fate {
    match c.below(8) {
        0 | 1 => Fate::Refuses { retryable: true },
        2 => Fate::Refuses { retryable: false },
        _ => Fate::Pays,
    }
}

fn answer(world: &World, c: &mut Chance) -> Command {
    // Now and then the provider is out of order for everybody.
    let storm = c.one_in(9);
    let n = if storm {
        world.calls() as u32
    } else if c.one_in(3) {
        c.below(5) + 1
    } else {
        1
    };
    let calls = (0..n).map(|_| (c.any(), if storm { c.of(&[Way::Lost, Way::Refused]) } else { way(c) }, fate(c)));
    Command::Answer { calls: calls.collect() }
}

fn way(c: &mut Chance) -> Way {
    match c.below(19) {
        0 | 1 => Way::Refused,
        18 => Way::TurnedDown { retryable: c.one_in(2) },
        2 => Way::Barred { perhaps: c.one_in(2) },
        3 => Way::Lost,
        4 => Way::Panic { after: c.one_in(2) },
        5 | 6 => Way::Late,
        7 | 8 => Way::Through { settled: c.one_in(2), heard: false },
        9 => Way::Behind,
        _ => Way::Through { settled: c.one_in(2), heard: true },
    }
}

fn receipt(_: &World, c: &mut Chance) -> Command {
    let tale = match c.below(28) {
        0..=12 => Tale::True,
        13 => Tale::Incomplete,
        14 => Tale::OtherAmount,
        15 => Tale::OtherNumber,
        16..=18 => Tale::Forged,
        19 => Tale::OtherAddress,
        20 => Tale::OtherLane,
        21 => Tale::Unclear,
        22 => Tale::Denied,
        23 | 24 => Tale::Stray,
        25 => Tale::Unreadable,
        _ => Tale::True,
    };
    Command::Receipt { which: c.any(), tale }
}

fn wait(_: &World, c: &mut Chance) -> Command {
    let seconds = match c.below(40) {
        0..=15 => c.below(15),
        16..=29 => 55 + c.below(80),
        30..=35 => 200 + c.below(500),
        36 | 37 => 3_700,
        38 => 7 * 3_600,
        _ => c.of(&[13, 21, 25]) * 3_600,
    };
    Command::Wait { span: Micros::from(seconds) * SECOND }
}
