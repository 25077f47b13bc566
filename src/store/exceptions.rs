//! What only people can settle.

use super::{Done, Idempotency, Page, PageRequest, Result};
use crate::ids::OrganisationId;
use crate::org::Principal;
use crate::payout::exception::{self, ExceptionView, LaneTerms, Proposal};
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// What the lanes say about verdicts, by name.
pub type TermsOfLanes = Arc<dyn Fn(&str) -> LaneTerms + Send + Sync>;

/// What only people can settle.
#[async_trait]
pub trait Exceptions: Send + Sync {
    async fn exceptions(
        &self,
        organisation: OrganisationId,
        state: Option<exception::State>,
        kind: Option<exception::Kind>,
        page: PageRequest,
    ) -> Result<Page<ExceptionView>>;
    async fn exception(&self, organisation: OrganisationId, exception: Uuid) -> Result<ExceptionView>;
    /// Proposes a verdict; or, given by another principal than the proposed one, confirms it: then it is done, with the
    /// money it moves, in the same transaction. A proposer who says something else takes their first proposal back. Gives
    /// the [`ExceptionView`].
    async fn resolve(
        &self,
        actor: &Principal,
        exception: Uuid,
        proposal: Proposal,
        lanes: TermsOfLanes,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
}
