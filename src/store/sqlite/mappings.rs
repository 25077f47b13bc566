//! Which column is which, as uploads said: for the next upload of the same kind with the same header.

use super::rows::get;
use super::{Result, Tx, error, sql};
use crate::batch::Kind;
use crate::batch::import::{Mapping, Remembered};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::store::StoreError;
use sqlx::sqlite::SqlitePool;

/// An organisation's latest headers of a kind; lists come from a handful of programs.
const REMEMBERED_MAX: i64 = 200;

pub(super) async fn of_organisation(
    reader: &SqlitePool,
    organisation: OrganisationId,
    kind: Kind,
) -> Result<Remembered> {
    let list = sql!("mapping_list").bind(organisation).bind(kind.name()).bind(REMEMBERED_MAX);
    let found = list.fetch_all(reader).await.map_err(error)?;
    let damaged = |what| StoreError::Rejected(format!("a remembered mapping cannot be read: {what}"));
    let one = |row: &sqlx::sqlite::SqliteRow| {
        let fingerprint: Vec<u8> = get(row, "fingerprint")?;
        let fingerprint = fingerprint.try_into().map_err(|_| damaged("its fingerprint".to_owned()))?;
        let mapping = Mapping::parse(get(row, "mapping")?).map_err(|e| damaged(e.to_string()))?;
        Ok((fingerprint, mapping))
    };
    found.iter().map(one).collect()
}

/// Only what a person said is remembered, and another one has approved: what was recognised will be recognised again.
pub(super) async fn remember(tx: &mut Tx, batch: BatchId, now: Time) -> Result<()> {
    sql!("mapping_remember").bind(batch).bind(now.micros()).execute(tx).await.map_err(error)?;
    Ok(())
}
