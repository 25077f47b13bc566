//! The inbox of receipts.

use super::{DecideMessage, DecidePayout, Result};
use crate::receipt::{ClaimedReceipt, JudgedReceipt, NewReceipt};
use async_trait::async_trait;
use std::time::Duration;

/// The inbox of receipts.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// Stores receipts as they came; repeats are dropped. Durable when it returns.
    async fn store_receipts(&self, receipts: Vec<NewReceipt>) -> Result<()>;
    async fn claim_receipts(&self, n: u32, lease: Duration) -> Result<Vec<ClaimedReceipt>>;
    /// Applies judged receipts in one transaction, exactly as if the answers had come from the provider directly.
    async fn apply_receipts(
        &self,
        receipts: Vec<JudgedReceipt>,
        payout: DecidePayout,
        message: DecideMessage,
    ) -> Result<()>;
}
