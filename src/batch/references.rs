//! A reference that another list has for somebody else.
//!
//! The same reference in the list of next month is the same person again, and nothing to tell. With another number it is
//! told, once a row: a row that was refused because its reference stood in the list already would else be paid as soon as it
//! is uploaded by itself. It is a warning and stops nothing, so an approval does not look.
//!
//! References are in no index, which every import would pay for. Where another list of these weeks has references at all, both
//! lists are gone through, and compared by the hashes of [`super::import`]: what they find by accident is one warning too many.

use super::Batch;
use crate::clock::Time;
use crate::store::{OtherList, RepeatedReference, Result, SharedStore};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Rows read at a time.
const ROWS_AT_ONCE: u32 = 5_000;
/// Of other lists, the newest first: a list that begins beyond is not compared.
const ROWS_MAX: i64 = 1_000_000;
/// Rows that are told. Whose lists count their rows from 1 has as many as the list is long.
const TOLD_MAX: usize = 100;

/// What is paid by a reference: in which row, to whom.
struct Own {
    keys: RandomState,
    rows: HashMap<u64, (u32, u64)>,
}

/// Tells the rows of `batch` whose reference another list has for another number. Gives how many are told now.
pub async fn tell(store: &SharedStore, batch: &Batch, since: Time) -> Result<i64> {
    let lists = store.lists_with_references(batch, since).await?;
    if lists.is_empty() {
        return Ok(0);
    }
    let mut own = Own::read(store, batch).await?;
    let (mut found, mut left) = (Vec::new(), ROWS_MAX);
    for list in lists {
        if own.rows.is_empty() || found.len() == TOLD_MAX || left <= 0 {
            break;
        }
        left -= list.rows;
        own.compare(store, list, since, &mut found).await?;
    }
    match found.is_empty() {
        true => Ok(0),
        false => store.tell_references(batch, found).await,
    }
}

impl Own {
    async fn read(store: &SharedStore, batch: &Batch) -> Result<Own> {
        let mut own = Own { keys: RandomState::new(), rows: HashMap::new() };
        let mut after = 0;
        loop {
            let rows = store.own_references(batch.id, after, ROWS_AT_ONCE).await?;
            let Some(last) = rows.last() else { break };
            after = last.row;
            for row in rows {
                own.rows.insert(own.keys.hash_one(&row.reference), (row.row, number(&row.msisdn)));
            }
        }
        Ok(own)
    }

    /// Looks at the payments of another list. A row that is found is told of no further list.
    async fn compare(
        &mut self,
        store: &SharedStore,
        list: OtherList,
        since: Time,
        found: &mut Vec<RepeatedReference>,
    ) -> Result<()> {
        let mut after = 0;
        loop {
            let others = store.references(list.id, since, after, ROWS_AT_ONCE).await?;
            let Some(last) = others.last() else { return Ok(()) };
            after = last.row;
            for other in others {
                let key = self.keys.hash_one(&other.reference);
                let Some((row, _)) = self.rows.get(&key).filter(|(_, paid)| *paid != number(&other.msisdn)).copied()
                else {
                    continue;
                };
                self.rows.remove(&key);
                let last = found.len() + 1 == TOLD_MAX;
                found.push(RepeatedReference { row, list: list.clone(), other_row: other.row, last });
                if last {
                    return Ok(());
                }
            }
        }
    }
}

/// The digits of a number, which are fewer than a `u64` holds.
fn number(msisdn: &str) -> u64 {
    msisdn.parse().unwrap_or_default()
}
