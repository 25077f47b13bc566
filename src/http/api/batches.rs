//! Batches: upload, look, submit, approve, and what may be done to one that runs.
//!
//! Every command finds itself done when it is repeated: only creating, approving and retrying move something that a
//! repetition must not move again, and only they demand an `Idempotency-Key`.

use super::upload;
use crate::batch::{Batch, approval};
use crate::http::App;
use crate::http::auth::{Checker, Maker, Reader};
use crate::http::body::{JsonBody, Nothing};
use crate::http::idempotency::{OptionalKey, RequiredKey};
use crate::http::page;
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::store::Page;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tower::limit::GlobalConcurrencyLimitLayer;

/// Uploads read at the same time; more wait for their turn. Each holds up to two parts in memory.
const UPLOADS_MAX: usize = 32;
const REASON_CHARS_MAX: usize = 1_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/batches", get(list))
        .route("/v1/batches/{id}", get(show))
        .route("/v1/batches/{id}/submit", post(submit))
        .route("/v1/batches/{id}/approve", post(approve))
        .route("/v1/batches/{id}/reject", post(reject))
        .route("/v1/batches/{id}/pause", post(pause))
        .route("/v1/batches/{id}/resume", post(resume))
        .route("/v1/batches/{id}/cancel", post(cancel))
        .route("/v1/batches/{id}/retry-failed", post(retry_failed))
}

/// The upload, whose body may be large.
pub fn upload_routes(upload_bytes_max: u64) -> Router<Arc<App>> {
    let body_bytes_max = usize::try_from(upload::body_bytes_max(upload_bytes_max)).unwrap_or(usize::MAX);
    Router::new()
        .route("/v1/batches", post(upload::create))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(GlobalConcurrencyLimitLayer::new(UPLOADS_MAX))
}

async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    mut params: Params,
) -> Result<Json<Page<Batch>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    Ok(Json(app.store.batches(who.organisation, page).await?))
}

async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    params: Params,
) -> Result<Json<Batch>, Problem> {
    params.end()?;
    Ok(Json(app.store.batch(who.organisation, batch).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    #[serde(default)]
    exclude_invalid: bool,
}

async fn submit(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    _: OptionalKey,
    body: JsonBody<Submission>,
) -> Result<Json<Batch>, Problem> {
    let since = app.config.duplicates_since(app.clock.now());
    let submitted = approval::submit(&app.store, &who, batch, body.value.exclude_invalid, since).await?;
    Ok(Json(submitted.into_inner()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    digest: String,
}

async fn approve(
    State(app): State<Arc<App>>,
    Checker(who): Checker,
    Id(batch): Id,
    key: RequiredKey,
    body: JsonBody<Approval>,
) -> Result<Json<Value>, Problem> {
    let (since, key) = (app.config.duplicates_since(app.clock.now()), key.with(body.fingerprint));
    let approved = approval::approve(&app.store, &who, batch, &body.value.digest, since, Some(key)).await?;
    app.wake.poke();
    Ok(Json(approved.into_inner()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejection {
    reason: String,
}

async fn reject(
    State(app): State<Arc<App>>,
    Checker(who): Checker,
    Id(batch): Id,
    _: OptionalKey,
    body: JsonBody<Rejection>,
) -> Result<Json<Batch>, Problem> {
    let reason = body.value.reason.trim();
    if !(1..=REASON_CHARS_MAX).contains(&reason.chars().count()) {
        let message = "say in 1 to 1,000 characters why, so that the maker knows what to correct";
        return Err(Problem::field("/reason", "invalid", message));
    }
    Ok(Json(app.store.reject(&who, batch, reason).await?.into_inner()))
}

async fn pause(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    _: OptionalKey,
    _: JsonBody<Nothing>,
) -> Result<Json<Batch>, Problem> {
    Ok(Json(app.store.pause(&who, batch).await?.into_inner()))
}

async fn resume(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    _: OptionalKey,
    _: JsonBody<Nothing>,
) -> Result<Json<Batch>, Problem> {
    let resumed = app.store.resume(&who, batch).await?;
    app.wake.poke();
    Ok(Json(resumed.into_inner()))
}

async fn cancel(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    _: OptionalKey,
    _: JsonBody<Nothing>,
) -> Result<Json<Batch>, Problem> {
    let cancelled = app.store.cancel(&who, batch).await?;
    app.wake.poke();
    Ok(Json(cancelled.into_inner()))
}

async fn retry_failed(
    State(app): State<Arc<App>>,
    Checker(who): Checker,
    Id(batch): Id,
    key: RequiredKey,
    body: JsonBody<Nothing>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let retried = app.store.retry_failed(&who, batch, Some(key.with(body.fingerprint))).await?;
    app.wake.poke();
    Ok((StatusCode::ACCEPTED, Json(retried.into_inner())))
}
