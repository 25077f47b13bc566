//! One try at a payout under one provider reference.

use crate::clock::Time;
use serde::Serialize;
use uuid::Uuid;

/// How an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Intent committed; not definitively ended. At most one per payout.
    Open,
    /// It paid. At most one per payout.
    Succeeded,
    /// The provider definitively did not pay under this reference.
    Failed,
}

impl AttemptState {
    pub fn name(self) -> &'static str {
        match self {
            AttemptState::Open => "open",
            AttemptState::Succeeded => "succeeded",
            AttemptState::Failed => "failed",
        }
    }
}

/// An attempt as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
    pub attempt: u32,
    pub reference: Uuid,
    pub lane: String,
    #[schema(value_type = AttemptState)]
    pub state: String,
    /// How often this reference was sent; more than once only under the resend rule, or when the send surely did not arrive.
    pub sends: u32,
    pub intended_at: Time,
    pub sent_at: Time,
    pub answered_at: Option<Time>,
    pub http_status: Option<u16>,
    pub request: String,
    pub response: Option<String>,
    pub outcome: Option<String>,
}
