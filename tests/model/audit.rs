//! The auditor: what the store shows against what the model says, and the invariants of the books.

use super::lane::LANES;
use super::list::{FEE, Standing};
use super::rules::*;
use super::told;
use super::world::{World, same};
use crate::support::walks::Wrong;
use gaba::batch::Batch as Shown;
use gaba::payout::{Action, PayoutView, State};
use gaba::store::PageRequest;
use std::collections::BTreeMap;

fn page() -> PageRequest {
    PageRequest { cursor: None, limit: 500 }
}

/// After each step: every batch that it may have changed, and the wallets as they are shown (I4, I6, I7). What the books say of
/// them (I5) is `books`'.
pub async fn touched(world: &mut World, people: bool) -> Result<(), Wrong> {
    let touched = world.model.touched.clone();
    for &b in &touched {
        batch(world, b, people).await?;
    }
    let concerned = |org: &usize| touched.is_empty() || touched.iter().any(|&b| world.model.batches[b].org == *org);
    for org in (0..world.tenants.len()).filter(concerned) {
        wallet(world, org).await?;
    }
    Ok(())
}

async fn wallet(world: &World, org: usize) -> Result<(), Wrong> {
    let wallets = world.store.wallets(world.tenants[org].id).await.map_err(|e| e.to_string())?;
    let [wallet] = wallets.as_slice() else { return Err(format!("I5: {} wallets", wallets.len())) };
    let number = |text: &str| text.parse::<i64>().map_err(|e| e.to_string());
    let shown = (number(&wallet.available)?, number(&wallet.held)?);
    let held = world.model.batches.iter().filter(|b| b.org == org).map(|b| b.held).sum();
    same(format!("I5: what tenant {org} has, and has set aside"), shown, (world.model.orgs[org].wallet, held))?;
    if shown.0 < 0 || shown.1 < 0 { Err(format!("I5: below zero: {shown:?}")) } else { Ok(()) }
}

async fn batch(world: &mut World, b: usize, people: bool) -> Result<(), Wrong> {
    let model = &world.model.batches[b];
    let organisation = world.tenants[model.org].id;
    let shown = world.store.batch(organisation, model.id).await.map_err(|e| e.to_string())?;
    same(format!("the phase of batch {b}"), shown.state.to_string().as_str(), model.phase.name())?;
    if model.phase == Phase::Importing {
        return Ok(());
    }
    let page = world.store.payouts(organisation, model.id, None, page()).await.map_err(|e| e.to_string())?;
    same(format!("the rows of batch {b}"), page.items.len(), model.rows.len())?;
    counts(b, model, &shown)?;
    money(b, model, &shown)?;
    for (r, (shown, model)) in page.items.iter().zip(&model.rows).enumerate() {
        row((b, r), shown, model)?;
        nothing_leaves_its_end(&mut world.finals, (b, r), &shown.state, people)?;
    }
    if model.phase == Phase::Ready {
        told::list(world, b, &shown).await?;
    }
    Ok(())
}

/// I4: every row is in one state, with its money.
fn counts(b: usize, model: &Batch, shown: &Shown) -> Result<(), Wrong> {
    if model.phase != Phase::ImportFailed {
        same(
            format!("valid, invalid and set aside of batch {b}"),
            (shown.valid, shown.invalid, shown.excluded),
            (model.rows.len() as i64, model.lines_that(Standing::Refused), model.lines_that(Standing::Aside)),
        )?;
        same(format!("all lines of batch {b}"), shown.rows, model.lines.len() as i64)?;
        let amounts = model.rows.iter().map(|row| row.amount).sum::<i64>();
        let told = (shown.amount, shown.fees, shown.tax);
        same(format!("what batch {b} comes to"), told, (amounts, FEE * model.rows.len() as i64, 0))?;
        same(format!("the digest of batch {b}"), &shown.digest, &model.digest)?;
    }
    let mut sum = (0, 0);
    for (stand, state) in Stand::ALL.into_iter().zip(<State as gaba::machine::State>::ALL) {
        let tally = shown.tally(*state);
        same(format!("I4: {} of batch {b}", stand.name()), (tally.rows, tally.amount, tally.total), model.sum(stand))?;
        same("the name of a state", state.to_string().as_str(), stand.name())?;
        sum = (sum.0 + tally.rows, sum.1 + tally.amount);
    }
    let all = (model.rows.len() as i64, model.rows.iter().map(|r| r.amount).sum());
    same(format!("I4: all rows of batch {b}"), sum, all)
}

/// I6: reserved = paid + released + held, and a closed batch holds nothing.
fn money(b: usize, model: &Batch, shown: &Shown) -> Result<(), Wrong> {
    let told = (shown.reserved, shown.paid, shown.released, shown.held);
    same(format!("I6: batch {b}"), told, (model.reserved, model.paid, model.released, model.held))?;
    same(format!("I6: batch {b} reserved"), shown.reserved, shown.paid + shown.released + shown.held)?;
    let unpaid = model.rows.iter().filter(|r| !r.stand.is_over()).map(|r| r.total).sum();
    if model.phase.is_live() || model.phase == Phase::Scheduled {
        same(format!("I6: batch {b} holds what its unfinished rows need"), shown.held, unpaid)?;
    } else {
        same(format!("I6: batch {b} is at rest and holds"), shown.held, 0)?;
    }
    same(format!("the rejection of batch {b}"), &shown.rejection, &model.rejection)
}

fn row(at: At, shown: &PayoutView, model: &Row) -> Result<(), Wrong> {
    let told = (shown.row, shown.state.as_str(), shown.attempt, shown.frozen_by.is_some());
    same(format!("row {at:?}"), told, (model.number, model.stand.name(), model.attempt, model.frozen))?;
    same(format!("whether {at:?} is settled"), shown.settled_at.is_some(), model.stand.is_over())?;
    same(
        format!("amount and number of {at:?}"),
        (shown.amount.as_str(), shown.msisdn.as_str()),
        (model.amount.to_string().as_str(), model.msisdn.as_str()),
    )?;
    same(format!("what {at:?} was paid instead"), &shown.paid_amount, &model.paid_amount.map(|paid| paid.to_string()))
}

/// I7, told apart from the model: what is final stays so, but for what people do.
fn nothing_leaves_its_end(
    finals: &mut std::collections::HashMap<At, String>,
    at: At,
    state: &str,
    people: bool,
) -> Result<(), Wrong> {
    match finals.get(&at).map(String::as_str) {
        Some(before) if before != state => {
            let allowed = people && matches!((before, state), ("failed", "queued" | "paid") | ("cancelled", "paid"));
            if !allowed {
                return Err(format!("I7: {at:?} was {before} and is {state}"));
            }
            finals.remove(&at);
        }
        _ => {}
    }
    if matches!(state, "paid" | "failed" | "cancelled") {
        finals.insert(at, state.to_owned());
    }
    Ok(())
}

/// Everything: the whole ledger, every batch, every exception, what falls due next.
pub async fn everything(world: &mut World) -> Result<(), Wrong> {
    world.model.touched.extend(0..world.model.batches.len());
    touched(world, false).await?;
    ledger(world).await?;
    for org in 0..world.tenants.len() {
        cases(world, org).await?;
    }
    for lane in LANES {
        due(world, lane).await?;
    }
    Ok(())
}

/// I5, as the store itself adds it up: balances are the sums of transfers, and what goes out of one account comes into another.
async fn ledger(world: &World) -> Result<(), Wrong> {
    let check = world.store.check_ledger().await.map_err(|e| e.to_string())?;
    if !check.balances() {
        return Err(format!("the ledger does not balance: {:?}", check.differences));
    }
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for line in &check.trial_balance {
        *sums.entry(line.currency.as_str()).or_default() += line.debits - line.credits;
    }
    if sums.values().any(|sum| *sum != 0) {
        return Err(format!("I5: transfers sum to {sums:?}"));
    }
    let lanes = check.trial_balance.iter().filter(|line| line.account.starts_with("settlement"));
    let out = lanes.map(|line| line.credits - line.debits).sum();
    let model = world.model.rows().map(|(_, _, row)| row.is_out_with()).sum::<i64>();
    same("I2: what has gone out through all lanes", out, model)
}

async fn cases(world: &World, org: usize) -> Result<(), Wrong> {
    let told = world.store.exceptions(world.tenants[org].id, None, None, page()).await.map_err(|e| e.to_string())?;
    let shown = told.items.iter().map(|e| {
        let at = world.rows_of.get(&e.payout_id).copied();
        let paid_amount = e.proposal.as_ref().and_then(|proposal| proposal.paid_amount.clone());
        (at, e.kind.clone(), e.attempt, e.state.clone(), e.resolution.clone(), paid_amount)
    });
    let of = world.model.cases.iter().filter(|c| world.model.batches[c.at.0].org == org);
    let model = of.map(|c| {
        let paid_amount = c.proposal.and_then(|(_, word)| word.paid_amount).map(|paid| paid.to_string());
        let resolution = c.resolution.map(str::to_owned);
        (Some(c.at), c.kind.to_owned(), c.attempt, c.state().to_owned(), resolution, paid_amount)
    });
    let (mut shown, mut model): (Vec<_>, Vec<_>) = (shown.collect(), model.collect());
    shown.sort();
    model.sort();
    same(format!("the exceptions of tenant {org}"), shown, model)
}

/// What is due next is neither forgotten nor found too early.
async fn due(world: &World, lane: &str) -> Result<(), Wrong> {
    let next = |action| world.store.next_payout_due(lane, action);
    let ask = next(Action::Query).await.map_err(|e| e.to_string())?.map(|time| time.micros());
    let of = |what| {
        let rows = world.model.rows().filter(move |(_, _, r)| r.lane == lane);
        rows.filter_map(move |(_, batch, r)| r.due.filter(|due| due.what == what).map(|due| (batch, r, due)))
    };
    same(format!("the next question of {lane}"), ask, of(What::Ask).map(|(_, _, due)| due.from).min())?;
    let send = next(Action::Submit).await.map_err(|e| e.to_string())?.map(|time| time.micros());
    // What is frozen goes nowhere, due or not: two people may issue anew what another exception still holds.
    let goes = |batch: &Batch, r: &Row| {
        !r.frozen && (batch.phase == Phase::Running || (batch.phase.is_live() && r.stand == Stand::Unknown))
    };
    let sends: Vec<Due> = of(What::Send).filter(|(batch, r, _)| goes(batch, r)).map(|(_, _, due)| due).collect();
    let (from, until) = (sends.iter().map(|d| d.from).min(), sends.iter().map(|d| d.until).min());
    let fits = match (send, from, until) {
        (Some(send), Some(from), Some(until)) => from <= send && send <= until,
        (None, None, None) => true,
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("the next send of {lane} is {send:?}, expected {from:?} to {until:?}")) }
}

/// At the end: every attempt, every message, and the provider's own book (I1, I2, I3, I8, I10).
pub async fn at_rest(world: &mut World) -> Result<(), Wrong> {
    everything(world).await?;
    for entry in &world.provider.book {
        let at = world.model.by_reference.get(&entry.reference).map(|(at, _)| *at);
        same("I3: whose a reference at the provider is", Some(entry.at), at)?;
    }
    for b in 0..world.model.batches.len() {
        batch_at_rest(world, b).await?;
    }
    Ok(())
}

async fn batch_at_rest(world: &World, b: usize) -> Result<(), Wrong> {
    let model = &world.model.batches[b];
    let organisation = world.tenants[model.org].id;
    let messages = world.store.messages(organisation, model.id, None, page()).await.map_err(|e| e.to_string())?.items;
    for (r, row) in model.rows.iter().enumerate() {
        let at = (b, r);
        let told = messages.iter().filter(|m| m.row == row.number).count();
        let wanted = usize::from(model.notify && row.stand == Stand::Paid);
        same(format!("I10: messages of {at:?}"), told, wanted)?;
        let doubtful = row.judged || world.model.cases.iter().any(|c| c.at == at);
        if !doubtful {
            same(format!("I2: whether {at:?} is paid"), row.stand == Stand::Paid, world.provider.has_paid(at))?;
        }
        if !row.attempts.is_empty() {
            attempts(world, at, row).await?;
        }
    }
    Ok(())
}

async fn attempts(world: &World, at: At, row: &Row) -> Result<(), Wrong> {
    let batch = &world.model.batches[at.0];
    let id = gaba::ids::payout(batch.id, row.number);
    let timeline = world.store.payout(world.tenants[batch.org].id, id).await.map_err(|e| e.to_string())?;
    let shown: Vec<_> = timeline.attempts.iter().map(|a| (a.reference, a.state.as_str(), a.sends)).collect();
    let model: Vec<_> = row.attempts.iter().map(|a| (a.reference, a.state, a.sends)).collect();
    same(format!("the attempts of {at:?}"), &shown, &model)?;
    for (state, most) in [("open", 1), ("succeeded", 1)] {
        let n = shown.iter().filter(|a| a.1 == state).count();
        if n > most {
            return Err(format!("I8: {at:?} has {n} attempts that are {state}"));
        }
    }
    Ok(())
}
