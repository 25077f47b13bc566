//! I1, I2 and I10: our rows against the books of the provider and the gateway. What is paid there is paid for good, so that
//! what we call paid must be so at any moment, and not at rest alone.

use super::super::gateway::Gateway;
use super::super::provider::{Entry, Provider};
use super::snapshot::{Exception, Snapshot};
use crate::support::walks::Wrong;
use std::collections::BTreeMap;
use uuid::Uuid;

pub fn check(now: &Snapshot, provider: &Provider, gateway: &Gateway) -> Result<(), Wrong> {
    if let Some((message, n)) = gateway.shown.iter().find(|(_, n)| **n > 1) {
        return Err(format!("I10: message {message} was shown {n} times"));
    }
    let mut paid: BTreeMap<Uuid, Vec<&Entry>> = BTreeMap::new();
    for entry in provider.book.iter().filter(|e| e.paid()) {
        paid.entry(entry.order.payout).or_default().push(entry);
    }
    for (payout, entries) in paid.iter().filter(|(_, entries)| entries.len() > 1) {
        twice(now, *payout, entries)?;
    }
    for payout in now.payouts.iter().filter(|p| p.state == "paid" && !paid.contains_key(&p.id)) {
        let judged = |e: &&Exception| e.payout == payout.id && e.resolution.as_deref() == Some("paid");
        if !now.exceptions.iter().any(|e| judged(&e)) {
            return Err(format!("I2: {} is called paid, and neither the provider nor two people say so", payout.id));
        }
    }
    for payout in now.payouts.iter().filter(|p| matches!(p.state.as_str(), "failed" | "cancelled")) {
        let judged = now.exceptions.iter().any(|e| e.payout == payout.id && e.resolution.is_some());
        let out = provider.book.iter().find(|e| e.order.payout == payout.id && e.denied.is_none());
        if let Some(out) = out.filter(|_| !judged) {
            return Err(format!("I2: {} is {} and nobody said so of {out:?}", payout.id, payout.state));
        }
    }
    for entry in &provider.book {
        let payout = now.payout(entry.order.payout).ok_or_else(|| format!("I3: a payment of nobody's: {entry:?}"))?;
        let ours = (payout.msisdn.as_str(), payout.amount, payout.currency.as_str(), payout.lane.as_str());
        let theirs =
            (entry.order.msisdn.as_str(), entry.order.amount, entry.order.currency.as_str(), entry.lane.as_str());
        if ours != theirs {
            return Err(format!("I3: {payout:?} was ordered as {entry:?}"));
        }
    }
    Ok(())
}

/// I1: each payment but the last was called off before the next was ordered, by the provider or by two people.
fn twice(now: &Snapshot, payout: Uuid, entries: &[&Entry]) -> Result<(), Wrong> {
    let attempt = |reference| now.attempts.iter().find(|a| a.reference == reference).map(|a| a.attempt);
    for pair in entries.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let denied = before.denied.is_some_and(|at| at < after.seen);
        let judged = now.exceptions.iter().any(|e| {
            e.payout == payout
                && Some(e.attempt) == attempt(before.reference)
                && matches!(e.resolution.as_deref(), Some("not_paid" | "reissue" | "dismiss"))
        });
        if !denied && !judged {
            return Err(format!("I1: {payout} was paid twice, as {before:?} and as {after:?}"));
        }
    }
    Ok(())
}

/// I2, both ways. What people had to look at is theirs to say; but that they had to, somebody must have told them.
pub fn at_rest(now: &Snapshot, provider: &Provider) -> Result<(), Wrong> {
    for p in &now.payouts {
        let entries = provider.book.iter().filter(|e| e.order.payout == p.id && e.paid()).count();
        let doubtful = now.exceptions.iter().any(|e| e.payout == p.id && (e.kind != "overdue" || e.verdict.is_some()));
        let overdue = now.exceptions.iter().any(|e| e.payout == p.id && e.is_open() && e.kind == "overdue");
        let agree = if overdue { p.state != "paid" } else { (p.state == "paid") == (entries == 1) && entries < 2 };
        if !agree && !doubtful {
            return Err(format!("I2: {} ({}) was paid {entries} times and is {}", p.id, p.action, p.state));
        }
    }
    notices(now)
}

/// Whoever is paid by a batch that tells them is told, once.
fn notices(now: &Snapshot) -> Result<(), Wrong> {
    for p in &now.payouts {
        let told = now.messages.iter().filter(|m| (m.batch, m.row) == (p.batch, p.row) && m.purpose == "paid").count();
        let wanted = usize::from(p.state == "paid" && now.batch(p.batch).is_some_and(|b| b.notify));
        if told != wanted {
            return Err(format!("I10: {} is {} and {told} notices were made of it", p.id, p.state));
        }
    }
    Ok(())
}
