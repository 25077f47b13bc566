//! Health: alive is "the process answers"; ready is "a request would be served and worked on".

use super::App;
use super::problem::Problem;
use crate::store::SharedStore;
use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READY_TIME_MAX: Duration = Duration::from_secs(5);
/// How long one look stands for the others.
const READY_FOR: Duration = Duration::from_secs(1);
/// Upper bounds of the histograms of times, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    status: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Readiness {
    status: &'static str,
    /// What keeps it from sending although it is ready.
    warning: Option<String>,
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz)).routes(routes!(metrics))
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

/// Whether the database can be written, as it was seen last: anybody may ask, and each look is a transaction of the only writer.
#[derive(Default)]
pub struct Writable(tokio::sync::Mutex<Option<(Instant, Result<(), &'static str>)>>);

impl Writable {
    async fn look(&self, store: &SharedStore) -> Result<(), &'static str> {
        let mut last = self.0.lock().await;
        if let Some((_, seen)) = last.filter(|(at, _)| at.elapsed() < READY_FOR) {
            return seen;
        }
        let seen = match tokio::time::timeout(READY_TIME_MAX, store.ready()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready");
                Err("the database cannot be written, or its schema is not this program's")
            }
            Err(_) => Err("the database does not answer in time"),
        };
        *last = Some((Instant::now(), seen));
        seen
    }
}

/// Tells that the process answers
#[utoipa::path(get, path = "/livez", operation_id = "get_livez", tag = "Installation",
    responses((status = 200, body = Health)))]
async fn livez() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Tells that requests are served and worked on
#[utoipa::path(get, path = "/readyz", operation_id = "get_readyz", tag = "Installation",
    responses((status = 200, body = Readiness)),
    extensions(("x-problems" = json!(["unavailable"]))))]
async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Readiness>, Problem> {
    app.writable.look(&app.store).await.map_err(Problem::unavailable)?;
    if !(app.workers_alive)() {
        return Err(Problem::unavailable("the workers of this process have ended; restart it"));
    }
    let quarantine = app.store.quarantine().await?;
    // Why is for those who have a key: anybody may ask here.
    let warning = quarantine.map(|q| format!("in quarantine since {}: nothing new is sent", q.began_at));
    Ok(Json(Readiness { status: "ready", warning }))
}

/// Gives the metrics of this process
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "Installation",
    responses((status = 200, content_type = "text/plain; version=0.0.4", body = String)))]
async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    // A database that does not answer leaves the last value, and shows elsewhere.
    if let Ok(quarantine) = app.store.quarantine().await {
        metrics::gauge!("gaba_quarantine").set(f64::from(u8::from(quarantine.is_some())));
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render())
}
