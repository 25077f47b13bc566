//! The books against themselves: every folded number is compared with the rows it was folded from.

use super::rows::get;
use super::{Result, error, own};
use crate::wallet::check::{Difference, LedgerCheck, TrialBalanceLine};
use sqlx::sqlite::{SqlitePool, SqliteRow};

pub(super) async fn check(reader: &SqlitePool) -> Result<LedgerCheck> {
    // One transaction, so that all numbers are of the same moment.
    let mut tx = reader.begin().await.map_err(error)?;
    let summary = own!("check_position").fetch_one(&mut *tx).await.map_err(error)?;
    let balance = own!("check_trial_balance").fetch_all(&mut *tx).await.map_err(error)?;
    let mut differences = Vec::new();
    for (invariant, rows) in [
        ("I5", own!("check_balances").fetch_all(&mut *tx).await),
        ("I6", own!("check_holds").fetch_all(&mut *tx).await),
        ("I6", own!("check_batches").fetch_all(&mut *tx).await),
        ("I4", own!("check_tallies").fetch_all(&mut *tx).await),
        ("I4", own!("check_counts").fetch_all(&mut *tx).await),
        ("I6", own!("check_messages").fetch_all(&mut *tx).await),
        ("I8", own!("check_payments").fetch_all(&mut *tx).await),
    ] {
        for row in &rows.map_err(error)? {
            differences.push(Difference { invariant: invariant.to_owned(), what: get(row, "what")? });
        }
    }
    tx.rollback().await.map_err(error)?;
    let trial_balance = balance.iter().map(line).collect::<Result<Vec<_>>>()?;
    Ok(LedgerCheck {
        position: get(&summary, "position")?,
        transfers: get(&summary, "transfers")?,
        trial_balance,
        differences,
    })
}

fn line(row: &SqliteRow) -> Result<TrialBalanceLine> {
    Ok(TrialBalanceLine {
        account: get(row, "account")?,
        currency: get(row, "currency")?,
        debits: get(row, "debits")?,
        credits: get(row, "credits")?,
    })
}
