//! I5 and I6, reckoned from the transfers alone.

use super::snapshot::{Account, Batch, Snapshot};
use crate::support::walks::Wrong;
use std::collections::BTreeMap;
use uuid::Uuid;

pub fn check(now: &Snapshot) -> Result<(), Wrong> {
    balances(now)?;
    let moved = moved(now)?;
    let sums = by_batch(now);
    now.batches.iter().try_for_each(|batch| held(now, batch, &sums))?;
    payouts(now, &moved)?;
    messages(now, &moved)
}

/// I5: the folded balances are the sums of their transfers; wallet and hold are never below zero.
fn balances(now: &Snapshot) -> Result<(), Wrong> {
    let mut sums: BTreeMap<Uuid, i64> = BTreeMap::new();
    let accounts: BTreeMap<Uuid, &Account> = now.accounts.iter().map(|a| (a.id, a)).collect();
    for t in &now.transfers {
        *sums.entry(t.debit).or_default() -= t.amount;
        *sums.entry(t.credit).or_default() += t.amount;
        for side in [t.debit, t.credit] {
            let account =
                accounts.get(&side).ok_or_else(|| format!("I5: transfer {} moves nobody's money", t.position))?;
            if account.currency != t.currency || t.amount <= 0 {
                return Err(format!("I5: transfer {} is {} {}", t.position, t.amount, t.currency));
            }
        }
    }
    for account in &now.accounts {
        let sum = sums.get(&account.id).copied().unwrap_or_default();
        let folded = matches!(account.kind.as_str(), "wallet" | "hold");
        if folded && (account.balance != sum || sum < 0) {
            return Err(format!(
                "I5: the {} {} has {}, its transfers {sum}",
                account.kind, account.id, account.balance
            ));
        }
        // What was funded only goes in, what was paid out only goes out.
        if (account.kind == "funding" && sum > 0) || (account.kind == "fees" && sum < 0) {
            return Err(format!("I5: the {} {} has {sum}", account.kind, account.id));
        }
    }
    Ok(())
}

/// What was moved of one row.
#[derive(Default)]
struct Moved {
    paid: i64,
    payments: i64,
    fees: i64,
    released: i64,
    releases: i64,
}

/// Per batch and row; of what was moved for a batch as a whole the row is `None`.
type Movements = BTreeMap<(Uuid, Option<i64>), Moved>;

fn moved(now: &Snapshot) -> Result<Movements, Wrong> {
    let accounts: BTreeMap<Uuid, &Account> = now.accounts.iter().map(|a| (a.id, a)).collect();
    let mut all = Movements::new();
    for t in &now.transfers {
        let (from, to) = (accounts[&t.debit].kind.as_str(), accounts[&t.credit].kind.as_str());
        let fits = matches!(
            (t.kind.as_str(), from, to),
            ("funding", "funding", "wallet")
                | ("reserve", "wallet", "hold")
                | ("receivable", "suspense", "hold")
                | ("paid", "hold", "settlement")
                | ("fee" | "sms", "hold", "fees")
                | ("tax", "hold", "tax")
                | ("release", "hold", "wallet")
                | ("surplus", "suspense", "settlement")
                | ("reversal", "settlement", "suspense")
                | ("refund", "suspense", "wallet")
        );
        if !fits {
            return Err(format!("I5: transfer {} is {} from {from} to {to}", t.position, t.kind));
        }
        let Some(batch) = t.batch else { continue };
        let hold = [t.debit, t.credit].into_iter().find(|a| accounts[a].kind == "hold");
        if hold.is_some_and(|hold| accounts[&hold].batch != Some(batch)) {
            return Err(format!("I6: transfer {} of batch {batch} moves the hold of another", t.position));
        }
        let m = all.entry((batch, t.row)).or_default();
        match t.kind.as_str() {
            "paid" => (m.paid, m.payments) = (m.paid + t.amount, m.payments + 1),
            "fee" | "tax" | "sms" => m.fees += t.amount,
            "release" => (m.released, m.releases) = (m.released + t.amount, m.releases + 1),
            _ => {}
        }
    }
    Ok(all)
}

/// What was reserved, paid and released.
type Sums = (i64, i64, i64);

fn by_batch(now: &Snapshot) -> BTreeMap<Uuid, Sums> {
    let mut sums: BTreeMap<Uuid, Sums> = BTreeMap::new();
    for t in &now.transfers {
        let Some(batch) = t.batch else { continue };
        let sum = sums.entry(batch).or_default();
        match t.kind.as_str() {
            "reserve" | "receivable" => sum.0 += t.amount,
            "paid" | "fee" | "tax" | "sms" => sum.1 += t.amount,
            "release" => sum.2 += t.amount,
            _ => {}
        }
    }
    sums
}

/// I6: reserved = paid + released + held, as transfers say; the hold is what unfinished rows need, and nothing at rest.
fn held(now: &Snapshot, batch: &Batch, sums: &BTreeMap<Uuid, Sums>) -> Result<(), Wrong> {
    let by_transfers = sums.get(&batch.id).copied().unwrap_or_default();
    let told = (batch.reserved, batch.paid, batch.released);
    if told != by_transfers {
        return Err(format!("I6: batch {} says {told:?}, its transfers {by_transfers:?}", batch.id));
    }
    let held = now.accounts.iter().find(|a| a.kind == "hold" && a.batch == Some(batch.id)).map_or(0, |a| a.balance);
    if told.0 != told.1 + told.2 + held {
        return Err(format!("I6: batch {}: reserved, paid, released {told:?} and held {held}", batch.id));
    }
    let unfinished: i64 = now.payouts.iter().filter(|p| p.batch == batch.id && !p.is_over()).map(|p| p.total).sum();
    let waiting = now
        .messages
        .iter()
        .filter(|m| m.batch == batch.id && m.purpose == "bulk" && matches!(m.state.as_str(), "queued" | "sending"));
    let unfinished = unfinished + waiting.map(|m| m.cost).sum::<i64>();
    let needed = if batch.is_live() || batch.state == "scheduled" { unfinished } else { 0 };
    if held != needed {
        return Err(format!("I6: batch {} is {}, holds {held} and needs {needed}", batch.id, batch.state));
    }
    Ok(())
}

/// I6, row by row: a payout is paid once exactly when it says so, in its amount and through its lane.
fn payouts(now: &Snapshot, moved: &Movements) -> Result<(), Wrong> {
    let none = Moved::default();
    for p in &now.payouts {
        let m = moved.get(&(p.batch, Some(p.row))).unwrap_or(&none);
        let wanted = i64::from(p.state == "paid");
        if m.payments != wanted || m.paid != wanted * p.amount || m.fees != wanted * (p.total - p.amount) {
            return Err(format!("I6: {} is {} with {} payments of {}", p.id, p.state, m.payments, m.paid));
        }
        if m.released != m.releases * p.total {
            return Err(format!("I6: {} has {} releases of {}", p.id, m.releases, m.released));
        }
    }
    let lanes: BTreeMap<Uuid, &str> = now.accounts.iter().filter_map(|a| Some((a.id, a.lane.as_deref()?))).collect();
    let rows: BTreeMap<(Uuid, i64), &str> = now.payouts.iter().map(|p| ((p.batch, p.row), p.lane.as_str())).collect();
    for t in now.transfers.iter().filter(|t| t.kind == "paid") {
        let row = t.batch.zip(t.row).and_then(|at| rows.get(&at).copied());
        if row.is_none() || row != lanes.get(&t.credit).copied() || t.attempt.is_none() {
            return Err(format!("I6: transfer {} goes out through a lane that is not the payout's", t.position));
        }
    }
    Ok(())
}

/// A message of a list is charged exactly when it is, or may be, out.
fn messages(now: &Snapshot, moved: &Movements) -> Result<(), Wrong> {
    let none = Moved::default();
    for m in now.messages.iter().filter(|m| m.purpose == "bulk") {
        let row = moved.get(&(m.batch, Some(m.row))).unwrap_or(&none);
        let out = matches!(m.state.as_str(), "submitted" | "delivered" | "undelivered" | "expired" | "unknown");
        let wanted = if out { m.cost } else { 0 };
        if row.fees != wanted || row.releases > i64::from(!out) {
            return Err(format!("I6: message {} is {}, costs {}, charged {}", m.id, m.state, m.cost, row.fees));
        }
    }
    Ok(())
}
