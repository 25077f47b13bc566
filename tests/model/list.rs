//! A list until it is submitted: its lines in the words of its file, which of them are paid, and what it is approved by.
//!
//! The engine's digest is not reckoned here but learned: the same content has the same digest, and another has another.

use super::acts::Answer;
use super::cases::Person;
use super::rules::*;
use crate::support::walks::Wrong;

/// What is charged for each payment.
pub const FEE: i64 = 7;

/// The word that stands in a cell, and what it means, if that can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<T> {
    pub text: String,
    pub means: Option<T>,
}

impl<T: ToString> Cell<T> {
    /// Written as we would write it ourselves.
    pub fn plain(means: T) -> Cell<T> {
        Cell { text: means.to_string(), means: Some(means) }
    }

    pub fn unreadable(text: &str) -> Cell<T> {
        Cell { text: text.to_owned(), means: None }
    }

    /// A row that is paid keeps what was understood of it.
    fn settled(&mut self) {
        if let Some(means) = &self.means {
            self.text = means.to_string();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Payable,
    Refused,
    /// Set aside by a person.
    Aside,
}

/// A line of the file, as it now stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub number: u32,
    pub msisdn: Cell<String>,
    pub amount: Cell<i64>,
    pub name: String,
    /// Empty for none.
    pub reference: String,
    /// A column that is none of ours.
    pub team: String,
    pub standing: Standing,
}

impl Line {
    pub fn new(number: u32, msisdn: Cell<String>, amount: Cell<i64>) -> Line {
        let (name, reference, team) = (format!("Recipient {number}"), format!("R-{number}"), "A".to_owned());
        let line = Line { number, msisdn, amount, name, reference, team, standing: Standing::Payable };
        Line { standing: if line.is_readable() { Standing::Payable } else { Standing::Refused }, ..line }
    }

    pub fn is_readable(&self) -> bool {
        self.msisdn.means.is_some() && self.amount.means.is_some()
    }

    /// Whether it is paid under the reference that this one has as well.
    fn holds_reference_of(&self, other: &Line) -> bool {
        let same = !other.reference.is_empty() && self.reference == other.reference;
        same && self.number != other.number && self.standing == Standing::Payable
    }
}

/// What somebody changes of a line.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub msisdn: Option<Cell<String>>,
    pub amount: Option<Cell<i64>>,
    pub name: Option<String>,
    pub reference: Option<String>,
    pub team: Option<String>,
    pub aside: Option<bool>,
}

impl Change {
    fn of(&self, line: &Line) -> Line {
        let text = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
        let stays = if line.standing == Standing::Aside { Standing::Aside } else { Standing::Payable };
        Line {
            number: line.number,
            msisdn: self.msisdn.as_ref().unwrap_or(&line.msisdn).clone(),
            amount: self.amount.as_ref().unwrap_or(&line.amount).clone(),
            name: text(&self.name, &line.name),
            reference: text(&self.reference, &line.reference),
            team: text(&self.team, &line.team),
            standing: self.aside.map_or(stays, |aside| if aside { Standing::Aside } else { Standing::Payable }),
        }
    }
}

/// All that an approval is bound to, of which list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    batch: usize,
    paid: Vec<Line>,
    left_out: Vec<u32>,
}

impl Batch {
    pub fn lines_that(&self, standing: Standing) -> i64 {
        self.lines.iter().filter(|line| line.standing == standing).count() as i64
    }

    /// Whether this was its digest before.
    pub fn was(&self, digest: &str) -> bool {
        self.earlier.iter().any(|earlier| earlier == digest)
    }

    /// Nobody could read it.
    pub fn give_up(&mut self) {
        self.phase = Phase::ImportFailed;
        self.lines.clear();
        self.rows.clear();
    }

    /// The rows that are paid: those that were before as they are, but for line `anew`.
    pub fn list_rows(&mut self, anew: Option<u32>, now: Micros) {
        let before = std::mem::take(&mut self.rows);
        for line in self.lines.iter_mut().filter(|line| line.standing == Standing::Payable) {
            line.msisdn.settled();
            line.amount.settled();
            let before = before.iter().find(|row| row.number == line.number && anew != Some(line.number));
            let new = || Row::new(line.number, &line.msisdn.text, line.amount.means.unwrap_or_default(), FEE, now);
            self.rows.push(before.cloned().unwrap_or_else(new));
        }
    }

    /// A reference is that of one payment: whoever comes later is refused, until the one who has it gives it up.
    fn judged(&self, line: &Line) -> Standing {
        let refused = !line.is_readable() || self.lines.iter().any(|other| other.holds_reference_of(line));
        match line.standing {
            Standing::Aside => Standing::Aside,
            _ if refused => Standing::Refused,
            _ => Standing::Payable,
        }
    }

    fn content(&self, batch: usize) -> Content {
        let (paid, other): (Vec<&Line>, Vec<&Line>) =
            self.lines.iter().partition(|line| line.standing == Standing::Payable);
        let left_out = other.into_iter().map(|line| line.number).collect();
        Content { batch, paid: paid.into_iter().cloned().collect(), left_out }
    }
}

impl Model {
    /// `look`: the digest of what was looked at before.
    pub fn correct(&mut self, b: usize, number: u32, by: Person, change: &Change, look: Option<&str>) -> Answer {
        let (now, batch) = (self.now, &mut self.batches[b]);
        if look.is_some_and(|look| batch.digest.as_deref() != Some(look)) {
            self.tell("a correction of an older look");
            return Answer::Fenced;
        }
        if batch.phase != Phase::Ready {
            if !matches!(batch.phase, Phase::Importing | Phase::ImportFailed) {
                self.tell("a correction comes too late");
            }
            return self.refuse(b);
        }
        let Some(at) = batch.lines.iter().position(|line| line.number == number) else { return Answer::NotFound };
        let before = batch.lines[at].clone();
        let mut after = change.of(&before);
        after.standing = batch.judged(&after);
        if after == before {
            return Answer::Already;
        }
        let told = told(before.standing, after.standing);
        batch.lines[at] = after;
        batch.corrected_by.insert(by);
        let mut freed = 0;
        for n in 0..batch.lines.len() {
            let line = &batch.lines[n];
            if n != at && line.standing == Standing::Refused && batch.judged(line) == Standing::Payable {
                batch.lines[n].standing = Standing::Payable;
                freed += 1;
            }
        }
        batch.list_rows(Some(number), now);
        batch.earlier.extend(batch.digest.take());
        batch.revision += 1;
        self.tell(told);
        (0..freed).for_each(|_| self.tell("a row gets the reference that another gave up"));
        Answer::Applied
    }

    /// The engine reckoned what the list is approved by.
    pub fn reckoned(&mut self, b: usize, digest: Option<String>) -> Result<(), Wrong> {
        let Some(digest) = digest else { return Err(format!("batch {b} has no digest")) };
        let content = self.batches[b].content(b);
        match self.digests.iter().find(|(known, of)| *known == digest || *of == content) {
            None => self.digests.push((digest.clone(), content)),
            Some((known, of)) if (known, of) == (&digest, &content) => {}
            Some((known, of)) => {
                return Err(format!("batch {b}: {known} is the digest of {of:?}, and {digest} that of {content:?}"));
            }
        }
        self.batches[b].digest = Some(digest);
        Ok(())
    }

    /// A digest arrives that was reckoned when the list had this revision.
    pub fn reckoned_late(&mut self, b: usize, revision: u64) -> Answer {
        let batch = &self.batches[b];
        if batch.phase == Phase::Ready && batch.revision == revision {
            return Answer::Applied;
        }
        self.tell("a digest comes too late");
        Answer::Fenced
    }
}

fn told(before: Standing, after: Standing) -> &'static str {
    match (before, after) {
        (Standing::Aside, Standing::Aside) => "a row that is set aside is corrected",
        (_, Standing::Aside) => "a row is set aside",
        (Standing::Aside, _) => "a row is taken back in",
        (Standing::Refused, Standing::Payable) => "a refused row is made payable",
        (Standing::Payable, Standing::Refused) => "a row is refused as corrected",
        _ => "a row is corrected",
    }
}
