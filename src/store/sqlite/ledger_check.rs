//! The books against themselves: every folded number is compared with the rows it was folded from.
//!
//! No snapshot is held for long, because an old one keeps the log from being written back while it lasts: transfers are added
//! up a stretch at a time, the payouts of a batch are looked at a stretch of rows at a time, and only the counters of one batch
//! are compared with all its rows at once. A check that goes on from an earlier one adds up what came since, compares every
//! balance, and looks at the batches that moved or may move.

use super::rows::{self, get};
use super::{Result, Tx, error, own};
use crate::batch;
use crate::ids::BatchId;
use crate::wallet::check::{Difference, Folded, LedgerCheck, Sides, Sums, TrialBalanceLine};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Transfers added up at once.
pub(super) const STRETCH: i64 = 50_000;
/// Rows of a batch looked at at once.
const ROWS: i64 = 20_000;

/// Goes on from `folded`, adding up at most `stretch` transfers at once.
pub(super) async fn check(reader: &SqlitePool, mut folded: Folded, stretch: i64) -> Result<(LedgerCheck, Folded)> {
    let whole = folded.position == 0;
    let mut found = Found { differences: Vec::new(), moved: BTreeSet::new() };
    // As far as it is now: what comes meanwhile is little.
    loop {
        let mut connection = reader.acquire().await.map_err(error)?;
        let last = last_position(&mut connection).await?;
        if last - folded.position <= stretch {
            break;
        }
        let until = folded.position + stretch;
        fold(&mut connection, &mut folded, until, &mut found).await?;
    }
    let (trial_balance, batches) = balances(reader, &mut folded, &mut found).await?;
    for (batch, state) in &batches {
        let open = matches!(state, batch::State::Running | batch::State::Paused | batch::State::Cancelling);
        if whole || open || found.moved.contains(batch) {
            one_batch(reader, *batch, &mut found).await?;
        }
    }
    let (position, transfers) = (folded.position, folded.transfers);
    Ok((LedgerCheck { position, transfers, trial_balance, differences: found.differences }, folded))
}

struct Found {
    differences: Vec<Difference>,
    /// Batches with a transfer that was not added up before.
    moved: BTreeSet<BatchId>,
}

impl Found {
    fn tell(&mut self, invariant: &str, what: String) {
        self.differences.push(Difference { invariant: invariant.to_owned(), what });
    }

    fn all(&mut self, invariant: &str, rows: &[SqliteRow]) -> Result<()> {
        for row in rows {
            self.tell(invariant, get(row, "what")?);
        }
        Ok(())
    }
}

async fn last_position(tx: &mut Tx) -> Result<i64> {
    get(&own!("check_position").fetch_one(tx).await.map_err(error)?, "position")
}

/// Adds up the transfers up to `until`.
async fn fold(tx: &mut Tx, folded: &mut Folded, until: i64, found: &mut Found) -> Result<()> {
    let after = folded.position;
    let accounts = own!("check_accounts").bind(after).bind(until).fetch_all(&mut *tx).await.map_err(error)?;
    for row in &accounts {
        let sides: &mut Sides = folded.accounts.entry(get(row, "account")?).or_default();
        sides.debits += get::<i64>(row, "debits")?;
        sides.credits += get::<i64>(row, "credits")?;
    }
    let sums = own!("check_sums").bind(after).bind(until).fetch_all(&mut *tx).await.map_err(error)?;
    for row in &sums {
        folded.transfers += get::<i64>(row, "transfers")?;
        let Some(batch) = get::<Option<BatchId>>(row, "batch_id")? else { continue };
        found.moved.insert(batch);
        let sums = folded.batches.entry(batch).or_default();
        sums.reserved += get::<i64>(row, "reserved")?;
        sums.paid += get::<i64>(row, "paid")?;
        sums.released += get::<i64>(row, "released")?;
    }
    let foreign = own!("check_currencies").bind(after).bind(until).fetch_all(tx).await.map_err(error)?;
    found.all("I5", &foreign)?;
    folded.position = until;
    Ok(())
}

/// Every folded balance and every batch's sums against the transfers, all of one moment.
async fn balances(
    reader: &SqlitePool,
    folded: &mut Folded,
    found: &mut Found,
) -> Result<(Vec<TrialBalanceLine>, Vec<(BatchId, batch::State)>)> {
    let mut tx = reader.begin().await.map_err(error)?;
    let last = last_position(&mut tx).await?;
    fold(&mut tx, folded, last, found).await?;
    let accounts = own!("check_balances").fetch_all(&mut *tx).await.map_err(error)?;
    let batches = own!("check_batches").fetch_all(&mut *tx).await.map_err(error)?;
    tx.rollback().await.map_err(error)?;
    let mut lines: BTreeMap<(String, String), Sides> = BTreeMap::new();
    let mut holds: HashMap<BatchId, i64> = HashMap::new();
    for row in &accounts {
        let (id, kind, balance): (uuid::Uuid, &str, i64) = (get(row, "id")?, get(row, "kind")?, get(row, "balance")?);
        let sides = folded.accounts.get(&id).copied().unwrap_or_default();
        if let Some(batch) = get::<Option<BatchId>>(row, "batch_id")? {
            holds.insert(batch, balance);
        }
        if matches!(kind, "wallet" | "hold") && balance != sides.balance() {
            let id = hex::encode(id.as_bytes());
            found
                .tell("I5", format!("account {id} ({kind}) holds {balance}, its transfers sum to {}", sides.balance()));
        }
        if folded.accounts.contains_key(&id) {
            let line = lines.entry((get(row, "currency")?, get(row, "account")?)).or_default();
            line.debits += sides.debits;
            line.credits += sides.credits;
        }
    }
    let mut known = Vec::with_capacity(batches.len());
    for row in &batches {
        let id: BatchId = get(row, "id")?;
        let said = Sums { reserved: get(row, "reserved")?, paid: get(row, "paid")?, released: get(row, "released")? };
        let (held, summed) =
            (holds.get(&id).copied().unwrap_or(0), folded.batches.get(&id).copied().unwrap_or_default());
        if said.reserved != said.paid + said.released + held || said != summed {
            let Sums { reserved, paid, released } = said;
            found.tell(
                "I6",
                format!(
                    "batch {}: reserved {reserved}, paid {paid}, released {released}, held {held}; by transfers reserved {}, \
                     paid {}, released {}",
                    hex::encode(id.as_bytes()),
                    summed.reserved,
                    summed.paid,
                    summed.released
                ),
            );
        }
        known.push((id, rows::state(row, "state")?));
    }
    let line = |((currency, account), sides): ((String, String), Sides)| TrialBalanceLine {
        account,
        currency,
        debits: sides.debits,
        credits: sides.credits,
    };
    Ok((lines.into_iter().map(line).collect(), known))
}

async fn one_batch(reader: &SqlitePool, batch: BatchId, found: &mut Found) -> Result<()> {
    let mut tx = reader.begin().await.map_err(error)?;
    found.all("I6", &own!("check_holds").bind(batch).fetch_all(&mut *tx).await.map_err(error)?)?;
    found.all("I4", &own!("check_tallies").bind(batch).fetch_all(&mut *tx).await.map_err(error)?)?;
    found.all("I4", &own!("check_counts").bind(batch).fetch_all(&mut *tx).await.map_err(error)?)?;
    tx.rollback().await.map_err(error)?;
    let last: i64 = get(&own!("check_last_row").bind(batch).fetch_one(reader).await.map_err(error)?, "row")?;
    let mut after = 0;
    while after < last {
        let until = after + ROWS;
        let messages = own!("check_messages").bind(batch).bind(after).bind(until).fetch_all(reader).await;
        found.all("I6", &messages.map_err(error)?)?;
        let payments = own!("check_payments").bind(batch).bind(after).bind(until).fetch_all(reader).await;
        found.all("I8", &payments.map_err(error)?)?;
        after = until;
    }
    Ok(())
}
