//! I7: nothing leaves its end, but where people send it on; and what is in doubt waits for them.

use super::snapshot::Snapshot;
use crate::support::walks::Wrong;
use std::collections::HashMap;
use uuid::Uuid;

/// Where a payout stood.
#[derive(Clone, PartialEq)]
struct Stood {
    state: String,
    claim: i64,
    attempt: i64,
    frozen: bool,
}

/// Where everything stood when it was last seen.
#[derive(Default)]
pub struct History {
    payouts: HashMap<Uuid, Stood>,
    batches: HashMap<Uuid, String>,
    messages: HashMap<Uuid, String>,
    attempts: HashMap<Uuid, String>,
    exceptions: HashMap<Uuid, String>,
}

impl History {
    pub fn check(&mut self, now: &Snapshot, people: bool) -> Result<(), Wrong> {
        for p in &now.payouts {
            let told = Stood { state: p.state.clone(), claim: p.claim, attempt: p.attempt, frozen: p.frozen };
            if self.payouts.get(&p.id) == Some(&told) {
                continue;
            }
            let Some(before) = self.payouts.insert(p.id, told.clone()) else { continue };
            let moved = (before.state.as_str(), told.state.as_str());
            if moved.0 != moved.1 {
                let over = matches!(moved.0, "paid" | "failed" | "cancelled");
                let sent_on = matches!(moved, ("failed", "queued" | "paid") | ("cancelled", "paid"));
                if over && !(people && sent_on) {
                    return Err(format!("I7: {} was {} and is {}", p.id, moved.0, moved.1));
                }
                if told.claim <= before.claim {
                    return Err(format!("I7: {} went from {} to {} under the same claim", p.id, moved.0, moved.1));
                }
                if before.frozen && !people && moved != ("sending", "unknown") {
                    return Err(format!("I7: {} was in doubt, and went from {} to {}", p.id, moved.0, moved.1));
                }
            }
            if told.claim < before.claim {
                return Err(format!("I7: the claim of {} fell from {} to {}", p.id, before.claim, told.claim));
            }
            if told.attempt < before.attempt && told.state != "paid" {
                return Err(format!("I7: the attempt of {} fell from {} to {}", p.id, before.attempt, told.attempt));
            }
        }
        for b in &now.batches {
            let Some(before) = self.batches.insert(b.id, b.state.clone()) else { continue };
            let over = matches!(before.as_str(), "completed" | "cancelled" | "import_failed");
            if before != b.state && over && !(people && before == "completed" && b.state == "running") {
                return Err(format!("I7: batch {} was {before} and is {}", b.id, b.state));
            }
        }
        for m in &now.messages {
            if self.messages.get(&m.id).is_some_and(|before| *before == m.state) {
                continue;
            }
            let Some(before) = self.messages.insert(m.id, m.state.clone()) else { continue };
            let goes_on = matches!(before.as_str(), "queued" | "sending" | "submitted");
            if before != m.state && !goes_on {
                return Err(format!("I7: message {} was {before} and is {}", m.id, m.state));
            }
        }
        for a in &now.attempts {
            if self.attempts.get(&a.reference).is_some_and(|before| *before == a.state) {
                continue;
            }
            let Some(before) = self.attempts.insert(a.reference, a.state.clone()) else { continue };
            let corrected = people && (before.as_str(), a.state.as_str()) == ("failed", "succeeded");
            if before != a.state && before != "open" && !corrected {
                return Err(format!("I7: attempt {} was {before} and is {}", a.reference, a.state));
            }
        }
        for e in &now.exceptions {
            let Some(before) = self.exceptions.insert(e.id, e.state.clone()) else { continue };
            if before == "resolved" && e.state != "resolved" {
                return Err(format!("I7: exception {} was settled and is {}", e.id, e.state));
            }
        }
        self.gone(now)
    }

    /// What was committed stays: only the rows of a list that is not submitted may be replaced or go.
    fn gone(&self, now: &Snapshot) -> Result<(), Wrong> {
        let lost = |what: &str, seen: usize, there: usize| match seen <= there {
            true => Ok(()),
            false => Err(format!("durability: {seen} {what} were seen and {there} are there")),
        };
        lost("batches", self.batches.len(), now.batches.len())?;
        lost("attempts", self.attempts.len(), now.attempts.len())?;
        lost("exceptions", self.exceptions.len(), now.exceptions.len())
    }
}
