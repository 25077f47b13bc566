//! The rows of one moment, in one reading transaction.

use super::super::Wrong;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct Payout {
    pub id: Uuid,
    pub batch: Uuid,
    pub row: i64,
    pub lane: String,
    pub msisdn: String,
    pub amount: i64,
    pub total: i64,
    pub currency: String,
    pub state: String,
    pub action: String,
    pub due_at: Option<i64>,
    pub claim: i64,
    pub attempt: i64,
    pub frozen: bool,
}

impl Payout {
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "paid" | "failed" | "cancelled")
    }
}

#[derive(Clone, Debug)]
pub struct Batch {
    pub id: Uuid,
    pub organisation: Uuid,
    pub state: String,
    pub due_at: Option<i64>,
    pub notify: bool,
    pub digest: Option<String>,
    pub valid: i64,
    pub invalid: i64,
    pub amount: i64,
    pub reserved: i64,
    pub paid: i64,
    pub released: i64,
}

impl Batch {
    pub fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused" | "cancelling")
    }
}

#[derive(Clone, Debug)]
pub struct Tally {
    pub batch: Uuid,
    pub state: String,
    pub rows: i64,
    pub amount: i64,
    pub total: i64,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub batch: Uuid,
    pub row: i64,
    pub attempt: i64,
    pub reference: Uuid,
    pub state: String,
}

#[derive(Clone, Debug)]
pub struct Account {
    pub id: Uuid,
    pub kind: String,
    pub currency: String,
    pub batch: Option<Uuid>,
    pub lane: Option<String>,
    pub balance: i64,
}

#[derive(Clone, Debug)]
pub struct Transfer {
    pub position: i64,
    pub kind: String,
    pub debit: Uuid,
    pub credit: Uuid,
    pub amount: i64,
    pub currency: String,
    pub batch: Option<Uuid>,
    pub row: Option<i64>,
    pub attempt: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Exception {
    pub id: Uuid,
    pub organisation: Uuid,
    pub payout: Uuid,
    pub kind: String,
    pub attempt: i64,
    pub state: String,
    pub verdict: Option<String>,
    pub resolution: Option<String>,
}

impl Exception {
    pub fn is_open(&self) -> bool {
        self.state != "resolved"
    }
}

#[derive(Clone, Debug)]
pub struct Message {
    pub id: Uuid,
    pub batch: Uuid,
    pub row: i64,
    pub purpose: String,
    pub cost: i64,
    pub state: String,
    pub due_at: Option<i64>,
}

#[derive(Default)]
pub struct Snapshot {
    pub payouts: Vec<Payout>,
    pub batches: Vec<Batch>,
    pub tallies: Vec<Tally>,
    pub attempts: Vec<Attempt>,
    pub accounts: Vec<Account>,
    /// All that were ever seen: they are only added to.
    pub transfers: Vec<Transfer>,
    pub exceptions: Vec<Exception>,
    pub messages: Vec<Message>,
    /// Receipts that are not applied yet.
    pub letters: i64,
    pub batch_of: BTreeMap<Uuid, usize>,
    pub payout_of: BTreeMap<Uuid, usize>,
}

pub async fn version(connection: &mut SqliteConnection) -> Result<i64, Wrong> {
    let row = sqlx::query("PRAGMA data_version").fetch_one(connection).await.map_err(|e| e.to_string())?;
    Ok(row.get(0))
}

async fn all<T>(tx: &mut SqliteConnection, sql: &'static str, read: fn(&SqliteRow) -> T) -> Result<Vec<T>, Wrong> {
    let rows = sqlx::query(sql).fetch_all(tx).await.map_err(|e| format!("{sql}: {e}"))?;
    Ok(rows.iter().map(read).collect())
}

impl Snapshot {
    pub fn batch(&self, id: Uuid) -> Option<&Batch> {
        self.batch_of.get(&id).map(|&b| &self.batches[b])
    }

    pub fn payout(&self, id: Uuid) -> Option<&Payout> {
        self.payout_of.get(&id).map(|&p| &self.payouts[p])
    }

    /// Whether people have to settle something of a batch.
    pub fn in_doubt(&self, batch: Uuid) -> bool {
        self.exceptions.iter().any(|e| e.is_open() && self.payout(e.payout).is_some_and(|p| p.batch == batch))
    }

    /// What stands where, for a trace: no ids, because what is fresh differs.
    pub fn hash_states(&self, trace: &mut impl Hasher) {
        for b in &self.batches {
            (&b.state, b.reserved, b.paid, b.released).hash(trace);
        }
        for p in &self.payouts {
            (p.row, &p.state, &p.action, p.due_at, p.claim, p.attempt, p.frozen).hash(trace);
        }
        for m in &self.messages {
            (m.row, &m.state, m.due_at).hash(trace);
        }
        (self.transfers.len(), self.exceptions.len(), self.letters).hash(trace);
    }

    pub async fn read(&mut self, connection: &mut SqliteConnection) -> Result<(), Wrong> {
        let mut tx = connection.begin().await.map_err(|e| e.to_string())?;
        self.payouts = all(
            &mut tx,
            "SELECT id, batch_id, row, lane, msisdn, amount, amount + fee + tax, currency, state, action, due_at, claim, \
             attempt, frozen_by IS NOT NULL FROM payouts ORDER BY batch_id, row",
            |r| Payout {
                id: r.get(0),
                batch: r.get(1),
                row: r.get(2),
                lane: r.get(3),
                msisdn: r.get(4),
                amount: r.get(5),
                total: r.get(6),
                currency: r.get(7),
                state: r.get(8),
                action: r.get(9),
                due_at: r.get(10),
                claim: r.get(11),
                attempt: r.get(12),
                frozen: r.get(13),
            },
        )
        .await?;
        self.batches = all(
            &mut tx,
            "SELECT id, organisation_id, state, due_at, notify, digest, valid, invalid, amount, reserved, paid, \
             released FROM batches ORDER BY created_at, id",
            |r| Batch {
                id: r.get(0),
                organisation: r.get(1),
                state: r.get(2),
                due_at: r.get(3),
                notify: r.get(4),
                digest: r.get(5),
                valid: r.get(6),
                invalid: r.get(7),
                amount: r.get(8),
                reserved: r.get(9),
                paid: r.get(10),
                released: r.get(11),
            },
        )
        .await?;
        self.tallies = all(&mut tx, "SELECT batch_id, state, rows, amount, total FROM batch_tallies", |r| Tally {
            batch: r.get(0),
            state: r.get(1),
            rows: r.get(2),
            amount: r.get(3),
            total: r.get(4),
        })
        .await?;
        self.attempts = all(&mut tx, "SELECT batch_id, row, attempt, reference, state FROM attempts", |r| Attempt {
            batch: r.get(0),
            row: r.get(1),
            attempt: r.get(2),
            reference: r.get(3),
            state: r.get(4),
        })
        .await?;
        self.accounts = all(&mut tx, "SELECT id, kind, currency, batch_id, lane, balance FROM accounts", |r| Account {
            id: r.get(0),
            kind: r.get(1),
            currency: r.get(2),
            batch: r.get(3),
            lane: r.get(4),
            balance: r.get(5),
        })
        .await?;
        self.exceptions = all(
            &mut tx,
            "SELECT id, organisation_id, payout_id, kind, attempt, state, verdict, resolution FROM exceptions ORDER BY rowid",
            |r| Exception {
                id: r.get(0),
                organisation: r.get(1),
                payout: r.get(2),
                kind: r.get(3),
                attempt: r.get(4),
                state: r.get(5),
                verdict: r.get(6),
                resolution: r.get(7),
            },
        )
        .await?;
        self.messages = all(
            &mut tx,
            "SELECT id, batch_id, row, purpose, cost, state, due_at FROM messages ORDER BY batch_id, row, purpose",
            |r| Message {
                id: r.get(0),
                batch: r.get(1),
                row: r.get(2),
                purpose: r.get(3),
                cost: r.get(4),
                state: r.get(5),
                due_at: r.get(6),
            },
        )
        .await?;
        self.transfers(&mut tx).await?;
        self.letters = all(&mut tx, "SELECT COUNT(*) FROM receipts WHERE due_at IS NOT NULL", |r| r.get(0)).await?[0];
        tx.rollback().await.map_err(|e| e.to_string())?;
        self.batch_of = self.batches.iter().enumerate().map(|(n, b)| (b.id, n)).collect();
        self.payout_of = self.payouts.iter().enumerate().map(|(n, p)| (p.id, n)).collect();
        Ok(())
    }

    /// Those after the last one that was seen; that none of the others went away is told by their number.
    async fn transfers(&mut self, tx: &mut SqliteConnection) -> Result<(), Wrong> {
        let after = self.transfers.last().map_or(0, |t| t.position);
        let new = sqlx::query(
            "SELECT position, kind, debit_account, credit_account, amount, currency, batch_id, row, attempt \
             FROM transfers WHERE position > $1 ORDER BY position",
        );
        let new = new.bind(after).fetch_all(&mut *tx).await.map_err(|e| e.to_string())?;
        self.transfers.extend(new.iter().map(|r| Transfer {
            position: r.get(0),
            kind: r.get(1),
            debit: r.get(2),
            credit: r.get(3),
            amount: r.get(4),
            currency: r.get(5),
            batch: r.get(6),
            row: r.get(7),
            attempt: r.get(8),
        }));
        let count: i64 = all(tx, "SELECT COUNT(*) FROM transfers", |r| r.get(0)).await?[0];
        if count == self.transfers.len() as i64 {
            Ok(())
        } else {
            Err(format!("I5: {} transfers were seen and {count} are there", self.transfers.len()))
        }
    }
}
