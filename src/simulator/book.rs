//! The book: every reference that ever arrived, in the order of arrival, and what became of it.
//!
//! One lock, held for about a microsecond per call and never across an await. A deed (seen, taken, settled) changes the
//! memory and appends its line under that lock; [`Book::durable`] is awaited before anything is said of it.

use super::entry::{Details, Ending, Entry, Rail, State};
use super::journal::Journal;
use super::knobs::{Control, Fault, Knobs};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use uuid::Uuid;

/// The index is cut up so that no single growth of it stalls the network.
const INDEX_SHARDS: usize = 64;

pub struct Book {
    pages: Mutex<Pages>,
    journal: Option<Journal>,
}

struct Pages {
    entries: Vec<Entry>,
    index: Vec<HashMap<(Rail, Uuid), u32>>,
}

/// A well-formed request to pay or to send.
pub struct Ask {
    pub rail: Rail,
    pub reference: Uuid,
    pub details: Details,
    /// Of the body.
    pub digest: u64,
    pub callback: Option<Box<str>>,
    /// How the number ends it, if nothing else does.
    pub ending: Ending,
    /// In hundredths; 0 where nothing is paid.
    pub amount: i64,
    pub short_of_float: &'static str,
    pub refusal: Ending,
}

/// What became of an [`Ask`].
pub struct Taken {
    pub position: usize,
    /// False: the reference had been taken before.
    pub fresh: bool,
    /// Whether the body is the one that was taken.
    pub same: bool,
    pub state: State,
    pub fault: Option<Fault>,
    pub due_at: i64,
    /// Whom to tell, when it ended at once and is not told in the answer.
    pub callback: Option<Arc<str>>,
}

pub struct Settled {
    pub position: usize,
    pub rail: Rail,
    pub reference: Uuid,
    pub state: State,
    pub callback: Option<Arc<str>>,
}

impl Book {
    pub fn open(path: Option<&Path>) -> io::Result<Book> {
        let mut pages = Pages { entries: Vec::new(), index: vec![HashMap::new(); INDEX_SHARDS] };
        let journal = path.map(|path| Journal::open(path, |entry| pages.replay(entry))).transpose()?;
        Ok(Book { pages: Mutex::new(pages), journal })
    }

    /// Notes a reference that is not going to be taken.
    pub fn see(&self, rail: Rail, reference: Uuid, details: Details) {
        let mut pages = self.pages();
        let (position, new) = pages.sight(rail, reference);
        if new {
            pages.entries[position].details = details;
            self.write(&pages.entries[position]);
        }
    }

    /// Takes a request on, unless a fault comes before or its reference was taken already.
    pub fn take(&self, ask: Ask, control: &Control, knobs: &Knobs) -> Taken {
        let mut pages = self.pages();
        let (position, new) = pages.sight(ask.rail, ask.reference);
        let entry = &mut pages.entries[position];
        let (reference, visit) = (ask.reference, entry.visits);
        let before = knobs.fault_before(reference, visit);
        let fresh = entry.state == State::Seen && before.is_none();
        let same = entry.state == State::Seen || entry.digest == ask.digest;
        let mut callback = None;
        if fresh {
            callback = entry.take(ask, control, knobs);
        } else if new {
            entry.details = ask.details;
        }
        if fresh || new {
            self.write(entry);
        }
        let fault = before.or_else(|| knobs.fault_after(reference, visit));
        Taken { position, fresh, same, state: entry.state, fault, due_at: entry.due_at, callback }
    }

    /// Ends what is due at these places.
    pub fn settle(&self, positions: &[usize]) -> Vec<Settled> {
        let mut pages = self.pages();
        let mut settled = Vec::with_capacity(positions.len());
        let now = now_us();
        for &position in positions {
            let entry = &mut pages.entries[position];
            if entry.state != State::Pending {
                continue;
            }
            let callback = entry.settle(now);
            if entry.state == State::Pending {
                continue;
            }
            self.write(entry);
            let (rail, reference, state) = (entry.rail, entry.reference, entry.state);
            settled.push(Settled { position, rail, reference, state, callback });
        }
        settled
    }

    /// What was pending when the book was closed or lost its process: when it is due, and where it stands.
    pub fn pending(&self) -> Vec<(i64, usize)> {
        let pages = self.pages();
        let ends = |e: &Entry| e.state == State::Pending && e.ending != Some(Ending::Never);
        pages.entries.iter().enumerate().filter(|(_, e)| ends(e)).map(|(i, e)| (e.due_at, i)).collect()
    }

    /// Looks at one place.
    pub fn read<T>(&self, position: usize, look: impl FnOnce(&Entry) -> T) -> T {
        look(&self.pages().entries[position])
    }

    /// Looks at what was taken under a reference; a reference that was only seen does not exist.
    pub fn find<T>(&self, rail: Rail, reference: Uuid, look: impl FnOnce(usize, &Entry) -> T) -> Option<T> {
        let pages = self.pages();
        let position = *pages.shard(reference).get(&(rail, reference))? as usize;
        let entry = &pages.entries[position];
        (entry.state != State::Seen).then(|| look(position, entry))
    }

    /// Looks at up to `limit` entries from `cursor` on; returns how many there were.
    pub fn page(&self, cursor: usize, limit: usize, mut look: impl FnMut(usize, &Entry)) -> usize {
        let pages = self.pages();
        let from = cursor.min(pages.entries.len());
        let to = from.saturating_add(limit).min(pages.entries.len());
        pages.entries[from..to].iter().enumerate().for_each(|(i, entry)| look(from + i, entry));
        to - from
    }

    pub fn len(&self) -> usize {
        self.pages().entries.len()
    }

    /// Waits until all deeds so far are on disk.
    pub async fn durable(&self) {
        if let Some(journal) = &self.journal {
            journal.durable().await;
        }
    }

    pub async fn failed(&self) -> io::Error {
        match &self.journal {
            Some(journal) => journal.failed().await,
            None => std::future::pending().await,
        }
    }

    pub fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }

    fn write(&self, entry: &Entry) {
        if let Some(journal) = &self.journal {
            journal.append(entry);
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("no panic while the book is open: it would not be to be trusted")
    }
}

impl Pages {
    /// Where the reference stands, making a place for one never seen.
    fn sight(&mut self, rail: Rail, reference: Uuid) -> (usize, bool) {
        let next = self.entries.len();
        let slot = self.index[shard(reference)].entry((rail, reference));
        let position = *slot.or_insert(next as u32) as usize;
        let new = position == next;
        if new {
            self.entries.push(Entry::new(rail, reference, now_us()));
        }
        self.entries[position].visits += 1;
        (position, new)
    }

    fn replay(&mut self, entry: Entry) {
        let next = self.entries.len();
        let slot = self.index[shard(entry.reference)].entry((entry.rail, entry.reference));
        let position = *slot.or_insert(next as u32) as usize;
        match self.entries.get_mut(position) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    fn shard(&self, reference: Uuid) -> &HashMap<(Rail, Uuid), u32> {
        &self.index[shard(reference)]
    }
}

impl Entry {
    /// Decides how it ends and, where that is at once, ends it.
    fn take(&mut self, ask: Ask, control: &Control, knobs: &Knobs) -> Option<Arc<str>> {
        let now = now_us();
        let (reference, early) = (ask.reference, knobs.is_early(ask.reference));
        self.told = self.rail == Rail::Http && ask.ending != Ending::Never && knobs.is_sync(reference);
        self.ending = Some(if ask.ending == Ending::Paid && knobs.refuses(reference) {
            ask.refusal
        } else if ask.ending == Ending::Paid && !control.spend(knobs, ask.amount) {
            Ending::Failed(Cow::Borrowed(ask.short_of_float))
        } else {
            ask.ending
        });
        self.details = ask.details;
        self.digest = ask.digest;
        self.callback = ask.callback.filter(|_| !self.told);
        self.state = State::Pending;
        let at_once = knobs.settle_ms == 0 || early || self.told || matches!(self.ending, Some(Ending::Rejected(_)));
        if !at_once {
            self.due_at = now + knobs.settle_ms as i64 * 1000;
            return None;
        }
        let callback = self.settle(now);
        callback.filter(|_| self.state != State::Rejected)
    }
}

fn shard(reference: Uuid) -> usize {
    reference.as_u64_pair().1 as usize % INDEX_SHARDS
}

pub fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
