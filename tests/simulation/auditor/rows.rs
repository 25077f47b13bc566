//! I4, I8, and that nothing unfinished is forgotten (I9).

use super::snapshot::{Batch, Snapshot};
use crate::support::walks::Wrong;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub fn check(now: &Snapshot) -> Result<(), Wrong> {
    counts(now)?;
    attempts(now)?;
    forgotten(now)
}

/// Rows, amount, and amount with fees.
type Sum = (i64, i64, i64);

/// I4: the counters of a batch are its rows, and all of them are there.
fn counts(now: &Snapshot) -> Result<(), Wrong> {
    let mut sums: BTreeMap<(Uuid, &str), Sum> = BTreeMap::new();
    let mut add = |batch, state, amount, total| {
        let sum = sums.entry((batch, state)).or_default();
        *sum = (sum.0 + 1, sum.1 + amount, sum.2 + total);
    };
    for p in &now.payouts {
        add(p.batch, p.state.as_str(), p.amount, p.total);
    }
    for m in now.messages.iter().filter(|m| m.purpose == "bulk") {
        add(m.batch, m.state.as_str(), m.cost, m.cost);
    }
    for batch in now.batches.iter().filter(|b| !matches!(b.state.as_str(), "importing" | "import_failed")) {
        let tallies = now.tallies.iter().filter(|t| t.batch == batch.id);
        let mut all: Sum = (0, 0, 0);
        for tally in tallies {
            let counted = (tally.rows, tally.amount, tally.total);
            let there = sums.remove(&(batch.id, tally.state.as_str())).unwrap_or_default();
            if counted != there {
                return Err(format!("I4: batch {} counts {counted:?} {}, and has {there:?}", batch.id, tally.state));
            }
            all = (all.0 + there.0, all.1 + there.1, all.2 + there.2);
        }
        if (all.0, all.1) != (batch.valid, batch.amount) {
            return Err(format!(
                "I4: batch {} was to have {} rows of {}, and has {all:?}",
                batch.id, batch.valid, batch.amount
            ));
        }
    }
    let read = |batch: Uuid| now.batch(batch).is_some_and(|b| b.state != "importing" && b.state != "import_failed");
    match sums.keys().find(|(batch, _)| read(*batch)) {
        Some(uncounted) => Err(format!("I4: rows that nobody counts: {uncounted:?}")),
        None => Ok(()),
    }
}

/// I8: of one payout one attempt is open at most and one succeeded; they are numbered as the payout says.
fn attempts(now: &Snapshot) -> Result<(), Wrong> {
    let mut of: BTreeMap<(Uuid, i64), (i64, i64, i64)> = BTreeMap::new();
    let mut references = BTreeSet::new();
    for a in &now.attempts {
        if !references.insert(a.reference) {
            return Err(format!("I8: reference {} stands in two attempts", a.reference));
        }
        let seen = of.entry((a.batch, a.row)).or_default();
        *seen =
            (seen.0 + i64::from(a.state == "open"), seen.1 + i64::from(a.state == "succeeded"), seen.2.max(a.attempt));
    }
    for p in &now.payouts {
        let (open, succeeded, last) = of.get(&(p.batch, p.row)).copied().unwrap_or_default();
        if open > 1 || succeeded > 1 {
            return Err(format!("I8: {} has {open} open attempts and {succeeded} that succeeded", p.id));
        }
        if (p.state == "paid") != (succeeded == 1) {
            return Err(format!("I8: {} is {} and has {succeeded} attempts that succeeded", p.id, p.state));
        }
        let out = matches!(p.state.as_str(), "sending" | "accepted" | "unknown");
        if out && last < p.attempt {
            return Err(format!("I8: {} is {} under attempt {}, the last is {last}", p.id, p.state, p.attempt));
        }
    }
    Ok(())
}

/// I9: whatever is not over is due some time, or frozen by an exception that nobody has settled.
fn forgotten(now: &Snapshot) -> Result<(), Wrong> {
    let open: BTreeSet<Uuid> = now.exceptions.iter().filter(|e| e.is_open()).map(|e| e.payout).collect();
    for p in now.payouts.iter().filter(|p| !p.is_over() && p.due_at.is_none()) {
        let begun = now.batch(p.batch).is_some_and(|b| b.state != "importing");
        if begun && !(p.frozen && open.contains(&p.id)) {
            return Err(format!("I9: {} is {} and never due (frozen: {})", p.id, p.state, p.frozen));
        }
    }
    if let Some(p) = now.payouts.iter().find(|p| p.frozen && !open.contains(&p.id)) {
        return Err(format!("I9: {} is frozen by nothing that anybody could settle", p.id));
    }
    for m in &now.messages {
        let waits = matches!(m.state.as_str(), "queued" | "sending" | "submitted");
        if waits && m.due_at.is_none() {
            return Err(format!("I9: message {} is {} and never due", m.id, m.state));
        }
    }
    now.batches.iter().try_for_each(|batch| batch_forgotten(now, batch))
}

fn batch_forgotten(now: &Snapshot, batch: &Batch) -> Result<(), Wrong> {
    let of = |state: &str| {
        let queued = now.payouts.iter().any(|p| p.batch == batch.id && p.state == state && !p.frozen);
        queued || now.messages.iter().any(|m| m.batch == batch.id && m.purpose == "bulk" && m.state == state)
    };
    let undue = batch.due_at.is_none();
    let forgotten = match batch.state.as_str() {
        "importing" | "scheduled" => undue,
        "cancelling" | "cancelled" => undue && of("queued"),
        _ => false,
    };
    if forgotten {
        return Err(format!("I9: batch {} is {} and never due", batch.id, batch.state));
    }
    // A batch whose rows are all over, and that nobody must look at, is closed, or will be by a sweep.
    if matches!(batch.state.as_str(), "running" | "cancelling") && undue {
        let open = |p: Uuid| now.exceptions.iter().any(|e| e.payout == p && e.is_open() && e.kind != "overdue");
        let payouts = now.payouts.iter().any(|p| p.batch == batch.id && (!p.is_over() || open(p.id)));
        let bulk = |m: &super::snapshot::Message| m.batch == batch.id && m.purpose == "bulk";
        let waits = |state: &str| matches!(state, "queued" | "sending");
        let messages = now.messages.iter().any(|m| bulk(m) && waits(&m.state));
        if !payouts && !messages {
            return Err(format!("I9: batch {} is {} and nothing is left to do", batch.id, batch.state));
        }
    }
    Ok(())
}
