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
/// Of other lists, the newest first: what lies beyond is not compared.
const ROWS_MAX: usize = 1_000_000;
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
        if own.rows.is_empty() || found.len() == TOLD_MAX || left == 0 {
            break;
        }
        left -= own.compare(store, list, since, left, &mut found).await?;
    }
    match found.is_empty() {
        true => Ok(0),
        false => store.tell_references(batch, found).await,
    }
}

impl Own {
    async fn read(store: &SharedStore, batch: &Batch) -> Result<Own> {
        let mut own = Own { keys: RandomState::new(), rows: HashMap::new() };
        let mut after = Some(0);
        while let Some(from) = after {
            let rows = store.digest_rows(batch, from, ROWS_AT_ONCE).await?;
            after = rows.last().map(|last| last.row);
            for row in &rows {
                if let Some(reference) = &row.reference {
                    own.rows.insert(own.keys.hash_one(reference), (row.row, number(&row.msisdn)));
                }
            }
        }
        Ok(own)
    }

    /// Looks at up to `rows_max` payments of another list; gives how many it looked at. A row that is found is told of no
    /// further list.
    async fn compare(
        &mut self,
        store: &SharedStore,
        list: OtherList,
        since: Time,
        rows_max: usize,
        found: &mut Vec<RepeatedReference>,
    ) -> Result<usize> {
        let (mut looked, mut after) = (0, 0);
        while looked < rows_max {
            let others = store.references(list.id, since, after, ROWS_AT_ONCE).await?;
            let Some(last) = others.last() else { break };
            after = last.row;
            looked += others.len();
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
                    return Ok(looked);
                }
            }
        }
        Ok(looked.min(rows_max))
    }
}

/// The digits of a number, which are fewer than a `u64` holds.
fn number(msisdn: &str) -> u64 {
    msisdn.parse().unwrap_or_default()
}
