//! A walk: steps by chance until its length is reached, then nothing but the truth until everything has ended.

use super::clock::SECOND;
use super::command::{Act, Command, Person, Step, Tale, Way, choose};
use super::process::LANES;
use super::provider::Fate;
use super::refusals::Refusals;
use super::world::World;
use crate::support::chance::Chance;
use crate::support::walks::Wrong;
use crate::support::walks::{Walked, panicked};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rounds of truth within which everything must have ended: as many as bring a clock that was set back a day up again.
const ROUNDS_MAX: usize = 60;
/// How much time passes in one of them.
const ROUND: i64 = 4_000 * SECOND;
/// Claims of one round: a suspect is claimed alone.
const CLAIMS: usize = 8;

/// Walks from a seed.
pub fn walk(seed: u64, length: usize) -> Walked<Step> {
    traced(seed, length).0
}

/// Walks from a seed, with the hash of its steps and of what stood where after each.
pub fn traced(seed: u64, length: usize) -> (Walked<Step>, u64) {
    let refusals = Refusals::default();
    metrics::with_local_recorder(&refusals, || walk_in(World::new(seed, refusals.share()), seed, length))
}

fn walk_in(mut world: World, seed: u64, length: usize) -> (Walked<Step>, u64) {
    let (mut taken, mut trace) = (Vec::new(), DefaultHasher::new());
    let mut chance = Chance::new(seed);
    let walking = catch_unwind(AssertUnwindSafe(|| {
        while taken.len() < length {
            let step = choose(&world, &mut chance);
            taken.push(step.clone());
            take(&mut world, &step)?;
            format!("{step:?}").hash(&mut trace);
            world.auditor.now.hash_states(&mut trace);
        }
        end(&mut world)
    }));
    let wrong = walking.unwrap_or_else(|panic| Err(panicked(&*panic))).err();
    world.auditor.now.hash_states(&mut trace);
    (Walked { steps: taken.len(), taken, tally: std::mem::take(&mut world.tally), wrong }, trace.finish())
}

/// Takes the same steps again, or some of them.
pub fn replay(seed: u64, steps: &[Step]) -> Option<Wrong> {
    let refusals = Refusals::default();
    metrics::with_local_recorder(&refusals, || replay_in(World::new(seed, refusals.share()), steps))
}

fn replay_in(mut world: World, steps: &[Step]) -> Option<Wrong> {
    let walking = catch_unwind(AssertUnwindSafe(|| {
        steps.iter().try_for_each(|step| take(&mut world, step))?;
        end(&mut world)
    }));
    walking.unwrap_or_else(|panic| Err(panicked(&*panic))).err()
}

fn take(world: &mut World, step: &Step) -> Result<(), Wrong> {
    world.step(step).map_err(|wrong| format!("{wrong}\n  at {step:?}"))
}

fn plain(world: &mut World, command: Command) -> Result<(), Wrong> {
    take(world, &Step { command, fault: None })
}

/// From now on everything arrives, ends and is told; what then is not over is for people to settle.
fn end(world: &mut World) -> Result<(), Wrong> {
    plain(world, Command::SetClock { wrong: 0 })?;
    while !world.provider.transit.is_empty() {
        plain(world, Command::Arrive { which: 0, fate: Fate::Pays })?;
    }
    for _ in 0..ROUNDS_MAX {
        tell_everything(world)?;
        round(world)?;
        if is_over(world) {
            break;
        }
    }
    if !is_over(world) {
        return Err(format!("I9: everything was told and this has not ended: {}", left(world)));
    }
    world.auditor.at_rest(&world.provider)
}

/// Calls in flight are answered, transfers end, and the provider posts what it has to say of everything in its book.
fn tell_everything(world: &mut World) -> Result<(), Wrong> {
    answer(world)?;
    while world.provider.book.iter().any(|e| !e.settled) {
        plain(world, Command::Settle { which: 0 })?;
    }
    for which in 0..world.provider.book.len() {
        // Once more only what has changed its end since.
        let told = world.told.entry(which).or_default();
        let paid = world.provider.book[which].paid();
        if *told != Some(paid) {
            *told = Some(paid);
            plain(world, Command::Receipt { which, tale: Tale::True })?;
        }
    }
    Ok(())
}

fn answer(world: &mut World) -> Result<(), Wrong> {
    while !world.hands.is_empty() {
        plain(world, Command::Begin { n: usize::MAX, give_back: false })?;
    }
    while world.calls() > 0 {
        let calls = vec![(0, Way::Through { settled: true, heard: true }, Fate::Pays); world.calls()];
        plain(world, Command::Answer { calls })?;
    }
    Ok(())
}

fn round(world: &mut World) -> Result<(), Wrong> {
    plain(world, Command::Wait { span: ROUND })?;
    let batches = world.auditor.now.batches.clone();
    for (batch, _) in batches.iter().enumerate().filter(|(_, b)| b.state == "paused") {
        plain(world, Command::Act { batch, by: Person::Maker, act: Act::Resume })?;
    }
    for _ in batches.iter().filter(|b| b.state == "importing") {
        plain(world, Command::Import)?;
    }
    let swept = |world: &World| world.auditor.now.batches.iter().any(|b| b.due_at.is_some() && b.state != "importing");
    for _ in 0..=batches.len() {
        if swept(world) {
            plain(world, Command::Drive { rows: 1_000 })?;
        }
    }
    for _ in 0..CLAIMS {
        if world.auditor.now.letters == 0 {
            break;
        }
        plain(world, Command::Read { n: 64 })?;
    }
    for (lane, name) in LANES.into_iter().enumerate() {
        let waits = |world: &World, action: &str| {
            world.auditor.now.payouts.iter().any(|p| p.lane == name && p.action == action && p.due_at.is_some())
        };
        for _ in 0..2 {
            if waits(world, "submit") {
                plain(world, Command::Send { lane, n: 64, wait: false })?;
            }
            if waits(world, "query") {
                plain(world, Command::Ask { lane, n: 64, wait: false })?;
            }
            answer(world)?;
        }
    }
    if world.auditor.now.messages.iter().any(|m| m.due_at.is_some()) {
        plain(world, Command::Text { n: 64, wait: false })?;
    }
    answer(world)
}

/// Over, not begun, or in doubt: a person's to settle.
fn is_over(world: &World) -> bool {
    unfinished(world).next().is_none() && world.auditor.now.letters == 0
}

fn unfinished(world: &World) -> impl Iterator<Item = String> {
    let now = &world.auditor.now;
    let batches = now.batches.iter().filter(|b| {
        let held = |p: &&super::auditor::snapshot::Payout| p.batch == b.id && !p.is_over();
        match b.state.as_str() {
            "importing" | "scheduled" | "paused" => true,
            // It waits for people alone.
            "running" | "cancelling" => !now.payouts.iter().any(|p| held(&p)) && !now.in_doubt(b.id),
            _ => false,
        }
    });
    let batches = batches.map(|b| format!("batch {b:?}"));
    let doubted = |id| now.exceptions.iter().any(|e| e.payout == id && e.is_open());
    let waits = |id| now.batch(id).is_some_and(|b| b.is_live() || b.due_at.is_some());
    let rows = now.payouts.iter().filter(move |p| !p.is_over() && waits(p.batch) && !doubted(p.id));
    let texts = now.messages.iter().filter(move |m| match m.state.as_str() {
        "sending" => true,
        "queued" => m.purpose != "bulk" || waits(m.batch),
        _ => false,
    });
    batches.chain(rows.map(|p| format!("{p:?}"))).chain(texts.map(|m| format!("{m:?}"))).collect::<Vec<_>>().into_iter()
}

fn left(world: &World) -> String {
    let letters = (world.auditor.now.letters > 0).then(|| format!("{} receipts", world.auditor.now.letters));
    unfinished(world).chain(letters).collect::<Vec<_>>().join("; ")
}
