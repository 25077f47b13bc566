//! Places for what takes long: so many in all, so many for one organisation, so that none can take everybody's.

use super::problem::Problem;
use crate::ids::OrganisationId;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Uploads that are read at a time. Each holds up to two parts in memory.
pub const UPLOADS_MAX: usize = 32;
const UPLOADS_EACH_MAX: usize = 8;

/// The places of one kind, shared out to those who want them: organisations, or the sources of connections.
pub struct Places<K = OrganisationId> {
    all_max: usize,
    each_max: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of them; given back when it is dropped.
pub struct Place<K: Copy + Eq + Hash = OrganisationId> {
    taken: Arc<Mutex<HashMap<K, usize>>>,
    by: K,
}

/// Why there is no place.
#[derive(Debug)]
pub enum Full {
    /// Whoever asks has so many already.
    Own(usize),
    All,
}

impl<K: Copy + Eq + Hash> Places<K> {
    pub fn new(all_max: usize, each_max: usize) -> Places<K> {
        Places { all_max, each_max, taken: Arc::default() }
    }

    pub fn find(&self, by: K) -> Result<Place<K>, Full> {
        let mut taken = lock(&self.taken);
        let own = taken.get(&by).copied().unwrap_or_default();
        if own >= self.each_max {
            return Err(Full::Own(own));
        }
        if taken.values().sum::<usize>() >= self.all_max {
            return Err(Full::All);
        }
        taken.insert(by, own + 1);
        Ok(Place { taken: self.taken.clone(), by })
    }
}

impl Places {
    /// A place for something of `organisation`; `what` names it to whoever must wait.
    pub fn take(&self, organisation: OrganisationId, what: &str) -> Result<Place, Problem> {
        self.find(organisation).map_err(|full| match full {
            Full::Own(own) => Problem::too_many(format!("{own} {what} of yours are under way; wait for one to end")),
            Full::All => Problem::too_many(format!("too many {what} are under way; wait and repeat the request")),
        })
    }
}

impl<K: Copy + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        match taken.get_mut(&self.by) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.by)),
        }
    }
}

fn lock<K>(taken: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything there are places for.
pub struct AllPlaces {
    /// Uploads that are being read. There are as many as are read at a time at all: no organisation has them all.
    pub uploads: Places,
    /// Workbooks that are being made, each on a thread and in temporary files.
    pub workbooks: Places,
    /// Listeners to the events of batches.
    pub listeners: Places,
}

impl Default for AllPlaces {
    fn default() -> Self {
        AllPlaces {
            uploads: Places::new(UPLOADS_MAX, UPLOADS_EACH_MAX),
            workbooks: Places::new(4, 2),
            listeners: Places::new(1_000, 50),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_organisation_never_takes_the_place_of_another() {
        let places = Places::new(4, 2);
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let take = |organisation| places.take(organisation, "uploads");
        let mine = [take(one).ok().unwrap(), take(one).ok().unwrap()];
        assert_eq!(take(one).err().unwrap().status.as_u16(), 429);
        let theirs = [take(two).ok().unwrap(), take(two).ok().unwrap()];
        assert_eq!(take(Uuid::from_u128(3)).err().unwrap().code, "too_many_requests");
        drop(mine);
        assert!(take(one).is_ok() && take(Uuid::from_u128(3)).is_ok());
        drop(theirs);
        assert!(lock(&places.taken).is_empty(), "nothing is kept of those who left");
    }
}
