//! The rows of one moment.

use crate::support::walks::Wrong;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
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
    /// Of the audit trail.
    pub entries: i64,
    pub batch_of: BTreeMap<Uuid, usize>,
    pub payout_of: BTreeMap<Uuid, usize>,
    columns: Columns,
}

pub async fn version(connection: &mut SqliteConnection) -> Result<i64, Wrong> {
    let row = sqlx::query("PRAGMA data_version").fetch_one(connection).await.map_err(|e| e.to_string())?;
    Ok(row.get(0))
}

/// The fields of a line, in their order.
struct Fields<'a>(std::str::Split<'a, char>);

impl<'a> Fields<'a> {
    fn text(&mut self) -> &'a str {
        self.0.next().expect("a line has as many fields as are read of it")
    }

    fn string(&mut self) -> String {
        self.text().to_owned()
    }

    fn number(&mut self) -> i64 {
        self.text().parse().expect("a number")
    }

    fn id(&mut self) -> Uuid {
        Uuid::parse_str(self.text()).expect("an id in hexadecimal digits")
    }

    /// What may be null.
    fn maybe<T>(&mut self, read: fn(&mut Fields<'a>) -> T) -> Option<T> {
        let here = self.0.clone().next().is_some_and(|text| !text.is_empty());
        if here { Some(read(self)) } else { self.0.next().and(None) }
    }

    fn yes(&mut self) -> bool {
        self.text() == "1"
    }
}

/// The lines that a column of the answer has.
fn lines<T>(text: &str, read: fn(&mut Fields<'_>) -> T) -> Vec<T> {
    text.lines().map(|line| read(&mut Fields(line.split('|')))).collect()
}

/// The columns as they were read last: one that is the same is not read again.
#[derive(Default)]
struct Columns([String; 7]);

impl Columns {
    fn renew<T>(&mut self, row: &SqliteRow, column: usize, rows: &mut Vec<T>, read: fn(&mut Fields<'_>) -> T) -> bool {
        let text = row.get::<Option<&str>, _>(column).unwrap_or_default();
        let changed = self.0[column] != text;
        if changed {
            text.clone_into(&mut self.0[column]);
            *rows = lines(text, read);
        }
        changed
    }
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

    /// One statement, and one row of text: hundreds of rows would each be handed from thread to thread.
    pub async fn read(&mut self, connection: &mut SqliteConnection) -> Result<(), Wrong> {
        let after = self.transfers.last().map_or(0, |t| t.position);
        let read = sqlx::query(include_str!("snapshot.sql")).bind(after).fetch_one(connection).await;
        let row = &read.map_err(|e| format!("the auditor cannot read: {e}"))?;
        let columns = &mut self.columns;
        let payouts = columns.renew(row, 0, &mut self.payouts, |f| Payout {
            id: f.id(),
            batch: f.id(),
            row: f.number(),
            lane: f.string(),
            msisdn: f.string(),
            amount: f.number(),
            total: f.number(),
            currency: f.string(),
            state: f.string(),
            action: f.string(),
            due_at: f.maybe(Fields::number),
            claim: f.number(),
            attempt: f.number(),
            frozen: f.yes(),
        });
        if payouts {
            self.payouts.sort_by_key(|p| (p.batch, p.row));
            self.payout_of = self.payouts.iter().enumerate().map(|(n, p)| (p.id, n)).collect();
        }
        let batches = columns.renew(row, 1, &mut self.batches, |f| Batch {
            id: f.id(),
            organisation: f.id(),
            state: f.string(),
            due_at: f.maybe(Fields::number),
            notify: f.yes(),
            digest: f.maybe(Fields::string),
            valid: f.number(),
            invalid: f.number(),
            amount: f.number(),
            reserved: f.number(),
            paid: f.number(),
            released: f.number(),
        });
        columns.renew(row, 2, &mut self.tallies, |f| Tally {
            batch: f.id(),
            state: f.string(),
            rows: f.number(),
            amount: f.number(),
            total: f.number(),
        });
        columns.renew(row, 3, &mut self.attempts, |f| Attempt {
            batch: f.id(),
            row: f.number(),
            attempt: f.number(),
            reference: f.id(),
            state: f.string(),
        });
        columns.renew(row, 4, &mut self.accounts, |f| Account {
            id: f.id(),
            kind: f.string(),
            currency: f.string(),
            batch: f.maybe(Fields::id),
            lane: f.maybe(Fields::string),
            balance: f.number(),
        });
        columns.renew(row, 5, &mut self.exceptions, |f| Exception {
            id: f.id(),
            organisation: f.id(),
            payout: f.id(),
            kind: f.string(),
            attempt: f.number(),
            state: f.string(),
            verdict: f.maybe(Fields::string),
            resolution: f.maybe(Fields::string),
        });
        let messages = columns.renew(row, 6, &mut self.messages, |f| Message {
            id: f.id(),
            batch: f.id(),
            row: f.number(),
            purpose: f.string(),
            cost: f.number(),
            state: f.string(),
            due_at: f.maybe(Fields::number),
        });
        if messages {
            self.messages.sort_by_key(|m| (m.batch, m.row, m.id));
        }
        let new = row.get::<Option<&str>, _>(7).unwrap_or_default();
        self.transfers.extend(lines(new, |f| Transfer {
            position: f.number(),
            kind: f.string(),
            debit: f.id(),
            credit: f.id(),
            amount: f.number(),
            currency: f.string(),
            batch: f.maybe(Fields::id),
            row: f.maybe(Fields::number),
            attempt: f.maybe(Fields::number),
        }));
        let transfers: i64 = row.get(8);
        (self.letters, self.entries) = (row.get(9), row.get(10));
        if batches {
            self.batch_of = self.batches.iter().enumerate().map(|(n, b)| (b.id, n)).collect();
        }
        // Those after the last one that was seen are added; that none of the others went away is told by their number.
        if transfers == self.transfers.len() as i64 {
            Ok(())
        } else {
            Err(format!("I5: {} transfers were seen and {transfers} are there", self.transfers.len()))
        }
    }
}
