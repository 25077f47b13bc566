//! Settlements of batches and statements of wallets.

use super::Result;
use crate::ids::{AccountId, BatchId, OrganisationId};
use crate::report::settlement::{Head, Line};
use crate::report::statement::{self, Movement, Span};
use async_trait::async_trait;

/// Reports.
#[async_trait]
pub trait Reports: Send + Sync {
    /// The lines after row `after`, in row order, at most `limit`.
    async fn report_lines(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Line>>;
    /// What the report of a batch begins with: the batch, and what the ledger moved for it, of one moment.
    async fn report_head(&self, organisation: OrganisationId, batch: BatchId) -> Result<Head>;
    /// Position of the last transfer of the ledger.
    async fn ledger_position(&self) -> Result<i64>;
}

/// Statements of wallets.
#[async_trait]
pub trait Statements: Send + Sync {
    /// The stretch of the ledger that `span` means, with what was in the wallet before it and what it adds up to.
    async fn statement_head(
        &self,
        organisation: OrganisationId,
        wallet: AccountId,
        span: Span,
    ) -> Result<statement::Head>;
    /// The transfers that touched the wallet after position `after` up to `until`, in order, at most `limit`.
    async fn statement_lines(
        &self,
        organisation: OrganisationId,
        wallet: AccountId,
        after: i64,
        until: i64,
        limit: u32,
    ) -> Result<Vec<Movement>>;
}
