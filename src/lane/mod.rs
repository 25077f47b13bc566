//! A lane: one account at one provider, such as `mtn-ug`, with the numbers that go over it, its rate, its breaker.

pub mod breaker;
pub mod gate;
pub mod route;

use crate::money::Currency;
use serde::Serialize;

/// A lane as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Lane)]
pub struct LaneView {
    pub name: String,
    pub rail: String,
    pub currency: Option<Currency>,
    /// Whether the breaker lets calls through; null for a lane that has none.
    pub breaker: Option<BreakerState>,
    /// Why the lane is parked, where it is.
    pub parked: Option<String>,
    pub rate_per_second: Option<u32>,
    pub concurrency: usize,
}

#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    Closed,
    Open,
}
