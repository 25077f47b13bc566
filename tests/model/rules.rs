//! The model: what an installation must look like, in plain structures and by the rules of the design alone.
//!
//! It shares no code with what it judges. Where the engine may choose (which of the due rows, which moment within the
//! jitter of a backoff) the model knows the choices that are allowed, is told which was taken, and goes on from there.

use super::cases::{Case, Person};
use super::lane::*;
use super::list::{Content, Line};
use crate::support::walks::Tally;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Microseconds since the epoch.
pub type Micros = i64;

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    Queued,
    Sending,
    Accepted,
    Unknown,
    Paid,
    Failed,
    Cancelled,
}

impl Stand {
    pub const ALL: [Stand; 7] =
        [Stand::Queued, Stand::Sending, Stand::Accepted, Stand::Unknown, Stand::Paid, Stand::Failed, Stand::Cancelled];

    pub fn name(self) -> &'static str {
        match self {
            Stand::Queued => "queued",
            Stand::Sending => "sending",
            Stand::Accepted => "accepted",
            Stand::Unknown => "unknown",
            Stand::Paid => "paid",
            Stand::Failed => "failed",
            Stand::Cancelled => "cancelled",
        }
    }

    /// The provider may have it and has not said how it ended.
    pub fn is_out(self) -> bool {
        matches!(self, Stand::Sending | Stand::Accepted | Stand::Unknown)
    }

    pub fn is_over(self) -> bool {
        matches!(self, Stand::Paid | Stand::Failed | Stand::Cancelled)
    }
}

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Importing,
    ImportFailed,
    Ready,
    Awaiting,
    Scheduled,
    Running,
    Paused,
    Cancelling,
    Cancelled,
    Completed,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Phase::Importing => "importing",
            Phase::ImportFailed => "import_failed",
            Phase::Ready => "ready",
            Phase::Awaiting => "awaiting_approval",
            Phase::Scheduled => "scheduled",
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Cancelling => "cancelling",
            Phase::Cancelled => "cancelled",
            Phase::Completed => "completed",
        }
    }

    /// Something of it may be on the wire.
    pub fn is_live(self) -> bool {
        matches!(self, Phase::Running | Phase::Paused | Phase::Cancelling)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Send,
    Ask,
}

/// What must next be done, and the span in which it falls due (a backoff is spread by chance).
#[derive(Clone, Copy, Debug)]
pub struct Due {
    pub what: What,
    pub from: Micros,
    pub until: Micros,
}

/// One reference under which a payout was sent.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub reference: Uuid,
    pub request: String,
    /// `open`, `succeeded` or `failed`.
    pub state: &'static str,
    pub sends: u32,
}

/// One recipient.
#[derive(Clone, Debug)]
pub struct Row {
    pub number: u32,
    pub lane: &'static str,
    pub msisdn: String,
    pub amount: i64,
    pub total: i64,
    pub stand: Stand,
    pub attempt: u32,
    /// The first attempt of the present try: 1, or what a person's retry began.
    pub first_attempt: u32,
    pub due: Option<Due>,
    /// Rises with every claim and every change: what is in hand under an older one is void.
    pub version: u64,
    /// Claims since something was last recorded, and how often whoever recorded said that it died of it.
    pub claims: u32,
    pub deaths: u32,
    /// Polls, or sends that surely did not arrive, in the present state.
    pub tries: u32,
    /// Something under the present reference may have reached the provider.
    pub reached: bool,
    pub denials: u32,
    pub denied_at: Option<Micros>,
    pub intended_at: Option<Micros>,
    pub sent_at: Option<Micros>,
    pub frozen: bool,
    /// From when on it may be paid again, if people found that it was not paid.
    pub retry_from: Micros,
    /// Its payment came back, as two people found.
    pub reversed: bool,
    /// What was really paid, where they found that it was not the amount.
    pub paid_amount: Option<i64>,
    /// What was paid beside it, by attempt.
    pub surplus: HashMap<u32, i64>,
    /// Two people have said what became of it: what the provider's book says is not all there is to say.
    pub judged: bool,
    pub attempts: Vec<Attempt>,
}

impl Row {
    pub fn new(number: u32, msisdn: &str, amount: i64, charges: i64, now: Micros) -> Row {
        Row {
            number,
            lane: lane_of(msisdn),
            msisdn: msisdn.to_owned(),
            amount,
            total: amount + charges,
            stand: Stand::Queued,
            attempt: 1,
            first_attempt: 1,
            due: Some(Due { what: What::Send, from: now, until: now }),
            version: 0,
            claims: 0,
            deaths: 0,
            tries: 0,
            reached: false,
            denials: 0,
            denied_at: None,
            intended_at: None,
            sent_at: None,
            frozen: false,
            retry_from: 0,
            reversed: false,
            paid_amount: None,
            surplus: HashMap::new(),
            judged: false,
            attempts: Vec::new(),
        }
    }

    /// What is recorded as paid, if it was.
    pub fn came_to(&self) -> i64 {
        self.paid_amount.unwrap_or(self.amount)
    }

    /// What has gone out for it and is not back.
    pub fn is_out_with(&self) -> i64 {
        let paid = self.stand == Stand::Paid && !self.reversed;
        self.surplus.values().sum::<i64>() + if paid { self.came_to() } else { 0 }
    }

    pub fn ask_at(&mut self, at: Micros) {
        self.due = Some(Due { what: What::Ask, from: at, until: at });
    }

    /// Asked after the wait that its number of polls gives.
    pub fn ask_later(&mut self, now: Micros) {
        self.ask_at(now + POLL_AFTER[(self.tries as usize).min(POLL_AFTER.len() - 1)]);
    }

    /// The next send goes out under a new reference.
    pub fn begin_attempt(&mut self) {
        self.attempt += 1;
        (self.reached, self.denials, self.denied_at, self.intended_at) = (false, 0, None, None);
    }

    /// Whoever had it in hand ended without a word, more than once.
    pub fn is_suspect(&self) -> bool {
        self.claims + self.deaths >= SUSPECT
    }

    pub fn is_due(&self, what: What, now: Micros) -> bool {
        self.due.is_some_and(|due| due.what == what && due.from <= now)
    }

    /// The rule for sending again: twice denied, soon enough after the first intent, late enough after the last send.
    pub fn may_resend(&self, now: Micros, lane_is_well: bool) -> bool {
        let (Some(intended), Some(sent)) = (self.intended_at, self.sent_at) else { return false };
        lane_is_well && self.denials >= 2 && now - intended < REMEMBERED / 2 && now - sent >= RESEND_AFTER
    }
}

/// One list.
#[derive(Clone, Debug)]
pub struct Batch {
    pub id: Uuid,
    pub org: usize,
    /// What it is approved by, as the engine reckoned it; not since a row was corrected.
    pub digest: Option<String>,
    /// What it was before.
    pub earlier: Vec<String>,
    /// Rises with every correction.
    pub revision: u64,
    pub notify: bool,
    pub scheduled_at: Option<Micros>,
    pub phase: Phase,
    /// When the batch itself is due: to be started, or swept.
    pub due: Option<Micros>,
    /// All that its file has, paid or not.
    pub lines: Vec<Line>,
    /// Those that are paid.
    pub rows: Vec<Row>,
    pub import: Import,
    pub rejection: Option<String>,
    pub reserved: i64,
    pub paid: i64,
    pub released: i64,
    pub held: i64,
    pub submitted_by: Option<Person>,
    /// Who corrected rows of it.
    pub corrected_by: HashSet<Person>,
    /// Idempotency keys under which it was approved, and by whom.
    pub keys: HashSet<(Person, u8)>,
    /// And its failed rows retried.
    pub retries: HashSet<(Person, u8)>,
}

impl Batch {
    /// Whoever uploaded, corrected or submitted a list decides nothing about its money.
    pub fn is_of(&self, person: Person) -> bool {
        person == Person::Maker || self.submitted_by == Some(person) || self.corrected_by.contains(&person)
    }

    pub fn needs(&self) -> i64 {
        self.rows.iter().map(|r| r.total).sum()
    }

    pub fn sum(&self, stand: Stand) -> (i64, i64, i64) {
        let of = self.rows.iter().filter(|r| r.stand == stand);
        of.fold((0, 0, 0), |(n, amount, total), r| (n + 1, amount + r.amount, total + r.total))
    }

    pub fn is_unfinished(&self) -> bool {
        self.rows.iter().any(|r| !r.stand.is_over())
    }
}

/// How far the reading of a list has got.
#[derive(Clone, Debug, Default)]
pub struct Import {
    pub version: u64,
    pub due: Micros,
    /// Rows that have arrived, those that cannot be paid included.
    pub arrived: usize,
    /// How often it was begun.
    pub begun: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Org {
    pub wallet: i64,
    pub references: HashSet<u32>,
}

/// Whose words they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The answer to the request itself.
    Answer,
    Query,
    Receipt,
    /// A receipt that nobody vouches for.
    Hint,
}

/// A receipt, or an answer that came too late, in the inbox.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The store's name for it, known from its first claim on.
    pub id: Option<Uuid>,
    /// What tells it apart until then; `None` for answers that were kept.
    pub nonce: Option<u64>,
    pub lane: &'static str,
    pub reference: Uuid,
    pub outcome: gaba::rail::Outcome,
    pub by: By,
    pub readable: bool,
    pub due: Option<Micros>,
    pub version: u64,
    pub claims: u32,
}

/// A row: its batch and its place in it.
pub type At = (usize, usize);

#[derive(Default)]
pub struct Model {
    pub now: Micros,
    pub lane_is_well: bool,
    /// When this process began, if another one did before.
    pub began: Option<Micros>,
    pub orgs: Vec<Org>,
    pub batches: Vec<Batch>,
    pub letters: Vec<Letter>,
    /// Receipts and kept answers come once.
    pub post_known: HashSet<String>,
    /// In the order in which they were opened.
    pub cases: Vec<Case>,
    pub by_reference: HashMap<Uuid, (At, u32)>,
    /// What was ever approved by each digest, or might have been.
    pub digests: Vec<(String, Content)>,
    pub tally: Tally,
    /// Batches of which rows ended in the present act.
    pub ending: BTreeSet<usize>,
    /// Batches that a step may have changed.
    pub touched: BTreeSet<usize>,
}

impl Model {
    pub fn tell(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    pub fn row(&mut self, at: At) -> &mut Row {
        self.touched.insert(at.0);
        &mut self.batches[at.0].rows[at.1]
    }

    pub fn rows(&self) -> impl Iterator<Item = (At, &Batch, &Row)> {
        let of = |(b, batch)| Batch::each(b, batch);
        self.batches.iter().enumerate().flat_map(of)
    }

    /// Money after a row went from `before` to where it stands.
    pub fn settle(&mut self, at: At, before: Stand) {
        let batch = &mut self.batches[at.0];
        let (after, total) = (batch.rows[at.1].stand, batch.rows[at.1].total);
        if before.is_over() || !after.is_over() {
            return;
        }
        batch.held -= total;
        if after == Stand::Paid {
            batch.paid += total;
        } else {
            batch.released += total;
            self.orgs[batch.org].wallet += total;
        }
        self.ending.insert(at.0);
    }

    /// At the end of an act, which is one transaction, batches close.
    pub fn end_act(&mut self) {
        for b in std::mem::take(&mut self.ending) {
            self.close(b);
        }
    }

    /// A batch ends with its last row, when nothing of it is held or in doubt.
    pub fn close(&mut self, b: usize) {
        let in_doubt = self.in_doubt(b);
        let batch = &mut self.batches[b];
        let to = match batch.phase {
            Phase::Running => Phase::Completed,
            Phase::Cancelling => Phase::Cancelled,
            _ => return,
        };
        if batch.held == 0 && !batch.is_unfinished() && !in_doubt {
            (batch.phase, batch.due) = (to, None);
            self.tell(format!("a batch is {}", to.name()));
        }
    }

    /// Whether what others may have died of is taken up: not by a process that has only just begun.
    pub fn is_steady(&self) -> bool {
        self.began.is_none_or(|began| self.now - began >= STEADY)
    }

    /// The process died: what was claimed is nobody's.
    pub fn take_over(&mut self) {
        let now = self.now;
        self.began = Some(now);
        self.tell("a crash");
        for batch in &mut self.batches {
            for row in &mut batch.rows {
                let asks = row.due.is_some_and(|due| due.what == What::Ask);
                if asks && (row.stand == Stand::Sending || row.claims > 0) {
                    row.version += 1;
                    row.ask_at(now);
                }
            }
            if batch.phase == Phase::Importing {
                batch.import.version += 1;
                batch.import.due = now;
            }
        }
        for letter in self.letters.iter_mut().filter(|l| l.due.is_some()) {
            letter.version += 1;
            letter.due = Some(now);
        }
    }
}

impl Batch {
    fn each(b: usize, batch: &Batch) -> impl Iterator<Item = (At, &Batch, &Row)> {
        batch.rows.iter().enumerate().map(move |(r, row)| ((b, r), batch, row))
    }
}
