//! Gaba from the outside: the HTTP API, the hooks that providers post to, and health.
//!
//! A handler reads who calls and what is wanted, asks the store for one act, and tells the outcome. Nothing is decided
//! here that the store would not decide again: roles aside, every rule of money lives behind [`crate::store`].
//!
//! Everything is bounded: connections, headers, bodies, the time a peer may take to send or to read, the time an answer
//! may take.

pub mod api;
mod auth;
mod body;
mod door;
mod download;
mod edge;
mod health;
mod hooks;
mod idempotency;
pub mod openapi;
mod page;
mod params;
mod patient;
mod places;
mod problem;
mod remainder;
mod serve;

use crate::clock::SharedClock;
use crate::config::Config;
use crate::engine::{ReceiptInbox, Wake};
use crate::lane::LaneView;
use crate::store::SharedStore;
pub(crate) use api::read_upload;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
pub use health::{Writable, metrics_handle};
pub use hooks::Strangers;
pub(crate) use hooks::read_receipt;
use metrics_exporter_prometheus::PrometheusHandle;
pub use places::AllPlaces;
use problem::Problem;
pub use serve::serve;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

/// Largest body of anything but an upload.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest time from a request's head to the head of its answer.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(600);
/// The same for a report: a workbook is whole before its answer begins.
const REPORT_TIME_MAX: Duration = Duration::from_secs(600);

/// What the handlers work with.
pub struct App {
    pub store: SharedStore,
    pub config: Arc<Config>,
    pub clock: SharedClock,
    /// Wakes the workers after new work; does nothing where none run here.
    pub wake: Wake,
    pub inbox: ReceiptInbox,
    /// How many receipts each lane takes that nobody vouches for.
    pub strangers: Strangers,
    /// The lanes as they stand, for `GET /v1/lanes`.
    pub lanes: Arc<dyn Fn() -> Vec<LaneView> + Send + Sync>,
    pub metrics: PrometheusHandle,
    /// Signs the addresses that only a provider is told.
    pub capability_key: [u8; 32],
    pub places: AllPlaces,
    pub writable: Writable,
    /// Cancelled when this process stops serving: streams that would never end by themselves end then.
    pub closing: CancellationToken,
    /// Whether the workers of this process run; true where it shall have none.
    pub workers_alive: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// Every route, with what each request passes through on its way.
pub fn router(app: Arc<App>) -> Router {
    let uploads = api::batches::upload_routes(app.config.upload_bytes_max)
        .layer(from_fn_with_state(UPLOAD_TIME_MAX, edge::deadline));
    let reports = api::report_routes().layer(from_fn_with_state(REPORT_TIME_MAX, edge::deadline));
    quick_routes()
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(REQUEST_TIME_MAX, edge::deadline))
        .merge(uploads)
        .merge(reports)
        .split_for_parts()
        .0
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(remainder::read_out))
        .layer(from_fn(edge::request))
        .with_state(app)
}

/// Every route that is answered at once.
fn quick_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(api::routes()).merge(hooks::routes()).merge(health::routes()).merge(openapi::routes())
}

/// Every route with its description, without what requests pass through.
fn described(upload_bytes_max: u64) -> OpenApiRouter<Arc<App>> {
    quick_routes().merge(api::batches::upload_routes(upload_bytes_max)).merge(api::report_routes())
}

async fn no_such_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such address")
}

async fn wrong_method(method: Method) -> Problem {
    let detail = format!("this address does not take {method}; the Allow header says what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
