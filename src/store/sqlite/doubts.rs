//! Exceptions as the engine opens them: weighed against what was told and settled before.
//!
//! An exception that is settled stays settled. The same words again are nothing new, and must not freeze a row that nobody
//! could unfreeze any more; other words, or a provider that insists when it is asked, are an exception of their own.

use super::rows::get;
use super::{Result, Tx, error, sql};
use crate::clock::Time;
use crate::ids::{self, BatchId, OrganisationId, PayoutId};
use crate::payout::exception::{Earlier, Kind, Standing, standing};
use crate::store::PayoutRecord;
use std::collections::HashMap;
use uuid::Uuid;

/// What the exceptions of a group of records come to, by payout and claim.
#[derive(Default)]
pub(super) struct Doubts(HashMap<(PayoutId, i64), Doubt>);

enum Doubt {
    /// Settled before: nothing changes.
    Settled,
    Open {
        id: Uuid,
        fresh: bool,
    },
}

pub(super) async fn weigh(tx: &mut Tx, records: &[PayoutRecord]) -> Result<Doubts> {
    let mut doubts = Doubts::default();
    for record in records {
        let Some(kind) = record.change.exception else { continue };
        let payout = &record.payout;
        let earlier = earlier(tx, payout.id, kind, record.of_attempt).await?;
        let detail = record.change.detail.as_deref().unwrap_or_default();
        // A row that is asked about must not be left to nobody.
        let insists = record.source == "query" && !payout.state.is_final() && record.of_attempt == payout.attempt;
        let doubt = match standing(&earlier, detail, insists) {
            Standing::Settled => Doubt::Settled,
            Standing::Open(id) => Doubt::Open { id, fresh: false },
            Standing::New => {
                Doubt::Open { id: exception_id(payout.id, kind, record.of_attempt, earlier.len()), fresh: true }
            }
        };
        doubts.0.entry((payout.id, payout.claim)).or_insert(doubt);
    }
    Ok(doubts)
}

impl Doubts {
    fn of(&self, record: &PayoutRecord) -> Option<&Doubt> {
        record.change.exception?;
        self.0.get(&(record.payout.id, record.payout.claim))
    }

    /// Whether a record says nothing but what two people have settled.
    pub fn settled(&self, record: &PayoutRecord) -> bool {
        matches!(self.of(record), Some(Doubt::Settled))
    }

    /// The exception that freezes the row of a record.
    pub fn freezes(&self, record: &PayoutRecord) -> Option<Uuid> {
        match self.of(record) {
            Some(Doubt::Open { id, .. }) if record.change.exception.is_some_and(Kind::freezes) => Some(*id),
            _ => None,
        }
    }

    /// Whether a record opens an exception that is not open yet.
    pub fn opens(&self, record: &PayoutRecord) -> bool {
        matches!(self.of(record), Some(Doubt::Open { fresh: true, .. }))
    }

    /// Opens what the records that applied open.
    pub async fn open(&self, tx: &mut Tx, done: &[&PayoutRecord], now: Time) -> Result<()> {
        for record in done {
            if let (Some(Doubt::Open { id, fresh: true }), Some(kind)) = (self.of(record), record.change.exception) {
                let (payout, attempt) = (&record.payout, record.of_attempt);
                let about =
                    About { organisation: payout.organisation, batch: payout.batch, payout: payout.id, attempt };
                insert(tx, *id, &about, kind, record.change.detail.as_deref().unwrap_or_default(), now).await?;
            }
        }
        Ok(())
    }
}

/// The attempt that an exception speaks of.
pub(super) struct About {
    pub organisation: OrganisationId,
    pub batch: BatchId,
    pub payout: PayoutId,
    pub attempt: u32,
}

/// Opens an exception of the engine's own making; the one that is open already, if there is one.
pub(super) async fn raise(tx: &mut Tx, about: &About, kind: Kind, detail: &str, now: Time) -> Result<(Uuid, bool)> {
    let earlier = earlier(tx, about.payout, kind, about.attempt).await?;
    if let Standing::Open(id) = standing(&earlier, detail, true) {
        return Ok((id, false));
    }
    let id = exception_id(about.payout, kind, about.attempt, earlier.len());
    insert(tx, id, about, kind, detail, now).await?;
    Ok((id, true))
}

async fn earlier(tx: &mut Tx, payout: PayoutId, kind: Kind, attempt: u32) -> Result<Vec<Earlier>> {
    let found = sql!("exceptions_earlier").bind(payout).bind(kind.name()).bind(i64::from(attempt));
    let found = found.fetch_all(tx).await.map_err(error)?;
    let earlier = |row| -> Result<Earlier> {
        Ok(Earlier { id: get(row, "id")?, detail: get(row, "detail")?, resolution: get(row, "resolution")? })
    };
    found.iter().map(earlier).collect()
}

async fn insert(tx: &mut Tx, id: Uuid, about: &About, kind: Kind, detail: &str, now: Time) -> Result<()> {
    let open = sql!("exception_open")
        .bind(id)
        .bind(about.organisation)
        .bind(about.batch)
        .bind(about.payout)
        .bind(kind.name())
        .bind(i64::from(about.attempt))
        .bind(detail)
        .bind(now.micros());
    open.execute(tx).await.map_err(error)?;
    Ok(())
}

/// The n-th exception of its kind about one attempt.
fn exception_id(payout: PayoutId, kind: Kind, attempt: u32, earlier: usize) -> Uuid {
    ids::account("exception", payout, &[kind.name(), &attempt.to_string(), &earlier.to_string()])
}
