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
mod edge;
mod health;
mod hooks;
mod idempotency;
mod page;
mod params;
mod patient;
mod problem;
mod remainder;
mod serve;

use crate::clock::SharedClock;
use crate::config::Config;
use crate::engine::{ReceiptInbox, Wake};
use crate::store::SharedStore;
pub(crate) use api::read_upload;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
pub use health::metrics_handle;
use metrics_exporter_prometheus::PrometheusHandle;
use problem::Problem;
use serde_json::Value;
pub use serve::serve;
use std::sync::Arc;
use std::time::Duration;

/// Largest body of anything but an upload.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest time from a request's head to the head of its answer.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(600);

/// What the handlers work with.
pub struct App {
    pub store: SharedStore,
    pub config: Arc<Config>,
    pub clock: SharedClock,
    /// Wakes the workers after new work; does nothing where none run here.
    pub wake: Wake,
    pub inbox: ReceiptInbox,
    /// The lanes as they stand, for `GET /v1/lanes`.
    pub lanes: Arc<dyn Fn() -> Value + Send + Sync>,
    pub metrics: PrometheusHandle,
    /// Signs the addresses that only a provider is told.
    pub capability_key: [u8; 32],
    /// Whether the workers of this process run; true where it shall have none.
    pub workers_alive: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// Every route, with what each request passes through on its way.
pub fn router(app: Arc<App>) -> Router {
    let uploads = api::batches::upload_routes(app.config.upload_bytes_max)
        .layer(from_fn_with_state(UPLOAD_TIME_MAX, edge::deadline));
    Router::new()
        .merge(api::routes())
        .merge(hooks::routes())
        .merge(health::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(REQUEST_TIME_MAX, edge::deadline))
        .merge(uploads)
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(remainder::read_out))
        .layer(from_fn(edge::request))
        .with_state(app)
}

async fn no_such_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such address")
}

async fn wrong_method(method: Method) -> Problem {
    let detail = format!("this address does not take {method}; the Allow header says what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
