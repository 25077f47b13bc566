//! Health: alive is "the process answers"; ready is "a request would be served and worked on".

use super::App;
use super::problem::Problem;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const READY_TIME_MAX: Duration = Duration::from_secs(5);
/// Upper bounds of the histograms of times, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

/// The process's metrics. The first call makes them; there is one set per process.
pub fn metrics_handle() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> PrometheusHandle {
    let builder = || {
        let plain = PrometheusBuilder::new();
        let matcher = Matcher::Suffix("_seconds".into());
        plain.set_buckets_for_metric(matcher, &SECONDS).unwrap_or_else(|_| PrometheusBuilder::new())
    };
    // Somebody else's recorder is there already: ours stays empty rather than stopping the start.
    builder().install_recorder().unwrap_or_else(|_| builder().build_recorder().handle())
}

async fn livez() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    match tokio::time::timeout(READY_TIME_MAX, app.store.ready()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            return Err(Problem::unavailable("the database cannot be written, or its schema is not this program's"));
        }
        Err(_) => return Err(Problem::unavailable("the database does not answer in time")),
    }
    if !(app.workers_alive)() {
        return Err(Problem::unavailable("the workers of this process have ended; restart it"));
    }
    Ok(Json(json!({"status": "ready"})))
}

async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render())
}
