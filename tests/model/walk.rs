//! A walk: steps by chance until its length is reached, then nothing but the truth until everything has ended.

use super::audit;
use super::cases::Person;
use super::command::{Act, Command, Way, choose};
use super::lane::LANES;
use super::provider::Fate;
use super::rules::*;
use super::world::World;
use crate::support::chance::Chance;
use crate::support::walks::Wrong;
use crate::support::walks::{Walked, panicked};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;

/// Steps of a walk before it is brought to its end.
const LENGTH: usize = 400;
/// Steps between two looks at everything.
const AUDIT_EVERY: usize = 16;
/// Rounds of truth within which everything must have ended.
const ROUNDS_MAX: usize = 40;

/// Walks from a seed.
pub fn walk(seed: u64) -> Walked<Command> {
    let mut walked = Walked::default();
    let walking = to_its_end(walk_in(seed, &mut walked));
    walked.wrong = walking.err();
    walked
}

async fn walk_in(seed: u64, walked: &mut Walked<Command>) -> Result<(), Wrong> {
    let (mut chance, mut world) = (Chance::new(seed), World::new(seed).await);
    while walked.taken.len() < LENGTH {
        let command = choose(&world, &mut chance);
        walked.taken.push(command.clone());
        step(&mut world, &command, &mut walked.steps).await?;
    }
    end(&mut world, &mut walked.steps).await?;
    walked.tally = std::mem::take(&mut world.model.tally);
    Ok(())
}

/// Takes the same steps again, or some of them.
pub fn replay(seed: u64, commands: &[Command]) -> Option<Wrong> {
    let replaying = async {
        let (mut world, mut steps) = (World::new(seed).await, 0);
        for command in commands {
            step(&mut world, command, &mut steps).await?;
        }
        end(&mut world, &mut steps).await
    };
    to_its_end(replaying).err()
}

/// Runs to its end in this thread; a panic is as wrong as anything.
fn to_its_end(walking: impl Future<Output = Result<(), Wrong>>) -> Result<(), Wrong> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let walked = runtime.block_on(AssertUnwindSafe(walking).catch_unwind());
    walked.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

async fn step(world: &mut World, command: &Command, steps: &mut usize) -> Result<(), Wrong> {
    let done = world.step(command).await.map_err(|wrong| format!("{wrong}\n  at {command:?}"))?;
    if done && command.counts() {
        *steps += 1;
        if steps.is_multiple_of(AUDIT_EVERY) {
            audit::everything(world).await.map_err(|wrong| format!("{wrong}\n  after {command:?}"))?;
        }
    }
    Ok(())
}

/// From now on everything arrives, ends and is told; what then is not over is for people to settle.
async fn end(world: &mut World, steps: &mut usize) -> Result<(), Wrong> {
    step(world, &Command::Breaker { closed: true }, steps).await?;
    while !world.provider.transit.is_empty() {
        step(world, &Command::Arrive { which: 0 }, steps).await?;
    }
    while world.provider.book.iter().any(|e| !e.settled) {
        step(world, &Command::Settle { which: 0 }, steps).await?;
    }
    world.tell_everything().await?;
    for _ in 0..ROUNDS_MAX {
        if is_over(world) && world.model.letters.iter().all(|l| l.due.is_none()) {
            break;
        }
        round(world, steps).await?;
    }
    if !is_over(world) {
        let left = world.model.rows().find(|(_, batch, row)| !is_done(world, batch, row));
        return Err(format!("everything was told and this has not ended: {left:?}"));
    }
    audit::at_rest(world).await
}

async fn round(world: &mut World, steps: &mut usize) -> Result<(), Wrong> {
    for batch in 0..world.model.batches.len() {
        if world.model.batches[batch].phase == Phase::Paused {
            let resume = Command::Act { batch, by: Person::Maker, stranger: false, act: Act::Resume };
            step(world, &resume, steps).await?;
        }
    }
    step(world, &Command::Wait { seconds: 4_000 }, steps).await?;
    step(world, &Command::StartScheduled, steps).await?;
    while world.model.to_sweep().is_some() {
        step(world, &Command::Sweep { n: 3 }, steps).await?;
    }
    while world.model.letters_due() > 0 {
        step(world, &Command::Collect { n: 50 }, steps).await?;
        step(world, &Command::Open { n: usize::MAX, keep: false }, steps).await?;
    }
    for lane in 0..LANES.len() {
        step(world, &Command::Claim { lane, n: 50 }, steps).await?;
        step(world, &Command::Ask { lane, n: 50 }, steps).await?;
    }
    while !world.hands.is_empty() {
        if world.hands[0].answer.is_none() {
            let way = Way::Through { settled: true, heard: true };
            world.reach(0, way, Fate::Pays)?;
        }
        step(world, &Command::Record { hands: vec![0], twice: false }, steps).await?;
    }
    Ok(())
}

fn is_over(world: &World) -> bool {
    world.model.rows().all(|(_, batch, row)| is_done(world, batch, row))
}

/// Over, not begun, or in doubt: a person's to settle.
fn is_done(world: &World, batch: &Batch, row: &Row) -> bool {
    let waits = !batch.phase.is_live() && batch.phase != Phase::Scheduled && batch.due.is_none();
    row.stand.is_over() || waits || row.frozen || is_overdue(world, batch, row)
}

fn is_overdue(world: &World, batch: &Batch, row: &Row) -> bool {
    world.model.cases.iter().any(|c| {
        let of = &world.model.batches[c.at.0];
        c.kind == "overdue" && c.resolution.is_none() && of.id == batch.id && of.rows[c.at.1].number == row.number
    })
}
