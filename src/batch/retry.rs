//! What became of a wish to pay the failed rows of a batch again.

use super::Batch;
use super::view::BatchView;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Retried {
    #[schema(value_type = BatchView)]
    pub batch: Batch,
    /// Rows that are paid again under a new reference.
    pub retried: i64,
    /// Failed rows that were left as they are.
    pub skipped: Vec<Skipped>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Skipped {
    pub row: u32,
    /// `frozen`: an open exception says that it may have been paid after all; settle that first. `too_early`: two people found
    /// it unpaid, and its provider may still act on the reference that it has; try again when the lane's `idempotent_for`, or
    /// else its `unknown_after`, has passed since it was sent. `paid_elsewhere`: another list pays the same amount to the same
    /// number, or did within the `duplicate_window`; upload a list of those who shall have both.
    pub code: &'static str,
}
