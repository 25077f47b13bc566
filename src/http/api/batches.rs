//! Batches: upload, look, submit, approve, and what may be done to one that runs.
//!
//! Every command finds itself done when it is repeated: only creating, approving and retrying move something that a
//! repetition must not move again, and only they demand an `Idempotency-Key`. Under a key, each answers a repetition as it
//! did at first, also when the batch has moved on since.

use super::upload;
use crate::batch::retry::Retried;
use crate::batch::view::BatchView;
use crate::batch::{Batch, approval};
use crate::http::App;
use crate::http::auth::{Checker, Maker, Reader};
use crate::http::body::{JsonBody, Nothing};
use crate::http::idempotency::{OptionalKey, RequiredKey};
use crate::http::page::{self, Paged};
use crate::http::params::{Id, Params};
use crate::http::places::UPLOADS_MAX;
use crate::http::problem::Problem;
use crate::store::Page;
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tower::limit::GlobalConcurrencyLimitLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const REASON_CHARS_MAX: usize = 1_000;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(submit))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(withdraw))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(retry_failed))
}

/// The upload, whose body may be large.
pub fn upload_routes(upload_bytes_max: u64) -> OpenApiRouter<Arc<App>> {
    let body_bytes_max = usize::try_from(upload::body_bytes_max(upload_bytes_max)).unwrap_or(usize::MAX);
    OpenApiRouter::new()
        .routes(routes!(upload::create))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        // More wait for their turn.
        .layer(GlobalConcurrencyLimitLayer::new(UPLOADS_MAX))
}

/// Lists the batches, newest first
#[utoipa::path(get, path = "/v1/batches", operation_id = "list_batches", tag = "Batches", params(Paged),
    responses((status = 200, body = Page<BatchView>)))]
async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    mut params: Params,
) -> Result<Json<Page<Batch>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    Ok(Json(app.store.batches(who.organisation, page).await?))
}

/// Shows a batch
#[utoipa::path(get, path = "/v1/batches/{id}", operation_id = "get_batch", tag = "Batches", params(Id),
    responses((status = 200, body = BatchView)))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    params: Params,
) -> Result<Json<Batch>, Problem> {
    params.end()?;
    Ok(Json(app.store.batch(who.organisation, batch).await?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Submission {
    #[serde(default)]
    exclude_invalid: bool,
}

/// Hands a batch to a checker
#[utoipa::path(post, path = "/v1/batches/{id}/submit", operation_id = "submit_batch", tag = "Batches",
    params(Id, OptionalKey), request_body = Submission,
    responses((status = 200, body = BatchView)),
    extensions(("x-problems" = json!(["invalid_state", "rows_invalid", "nothing_to_pay", "declared_mismatch", "conflict"]))))]
async fn submit(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    key: OptionalKey,
    body: JsonBody<Submission>,
) -> Result<Json<Value>, Problem> {
    let (since, key) = (app.config.duplicates_since(app.clock.now()), key.with(body.fingerprint));
    let submitted = approval::submit(&app.store, &who, batch, body.value.exclude_invalid, since, key).await?;
    Ok(Json(submitted.into_inner()))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Approval {
    digest: String,
}

/// Approves exactly what a digest stands for: the money is set aside and the batch runs
#[utoipa::path(post, path = "/v1/batches/{id}/approve", operation_id = "approve_batch", tag = "Batches",
    params(Id, RequiredKey), request_body = Approval,
    responses((status = 200, body = BatchView)),
    extensions(("x-problems" = json!(["invalid_state", "self_approval", "digest_mismatch", "duplicates_changed", "insufficient_funds",
        "conflict"]))))]
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

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Rejection {
    reason: String,
}

/// Sends a batch back to its maker
#[utoipa::path(post, path = "/v1/batches/{id}/reject", operation_id = "reject_batch", tag = "Batches",
    params(Id, OptionalKey), request_body = Rejection,
    responses((status = 200, body = BatchView)),
    extensions(("x-problems" = json!(["invalid_state", "self_approval"]))))]
async fn reject(
    State(app): State<Arc<App>>,
    Checker(who): Checker,
    Id(batch): Id,
    key: OptionalKey,
    body: JsonBody<Rejection>,
) -> Result<Json<Value>, Problem> {
    let reason = body.value.reason.trim();
    if !(1..=REASON_CHARS_MAX).contains(&reason.chars().count()) {
        let message = "say in 1 to 1,000 characters why, so that the maker knows what to correct";
        return Err(Problem::field("/reason", "invalid", message));
    }
    Ok(Json(app.store.reject(&who, batch, reason, key.with(body.fingerprint)).await?.into_inner()))
}

/// Takes a submitted batch back, to correct it
#[utoipa::path(post, path = "/v1/batches/{id}/withdraw", operation_id = "withdraw_batch", tag = "Batches",
    params(Id, OptionalKey),
    responses((status = 200, body = BatchView)),
    extensions(("x-problems" = json!(["invalid_state"]))))]
async fn withdraw(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    key: OptionalKey,
    body: JsonBody<Nothing>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(app.store.withdraw(&who, batch, key.with(body.fingerprint)).await?.into_inner()))
}

/// Stops sending; what is out is followed to its end
#[utoipa::path(post, path = "/v1/batches/{id}/pause", operation_id = "pause_batch", tag = "Batches",
    params(Id, OptionalKey), request_body = Nothing,
    responses((status = 200, body = BatchView)),
    extensions(("x-problems" = json!(["invalid_state"]))))]
async fn pause(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    key: OptionalKey,
    body: JsonBody<Nothing>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(app.store.pause(&who, batch, key.with(body.fingerprint)).await?.into_inner()))
}

/// Goes on with a paused batch
#[utoipa::path(post, path = "/v1/batches/{id}/resume", operation_id = "resume_batch", tag = "Batches",
    params(Id, OptionalKey), request_body = Nothing,
    responses((status = 200, body = BatchView)),
    extensions(("x-problems" = json!(["invalid_state"]))))]
async fn resume(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    key: OptionalKey,
    body: JsonBody<Nothing>,
) -> Result<Json<Value>, Problem> {
    let resumed = app.store.resume(&who, batch, key.with(body.fingerprint)).await?;
    app.wake.poke();
    Ok(Json(resumed.into_inner()))
}

/// Gives up what is not sent
#[utoipa::path(post, path = "/v1/batches/{id}/cancel", operation_id = "cancel_batch", tag = "Batches",
    params(Id, OptionalKey), request_body = Nothing,
    responses((status = 200, body = BatchView)),
    extensions(("x-problems" = json!(["invalid_state", "in_quarantine"]))))]
async fn cancel(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(batch): Id,
    key: OptionalKey,
    body: JsonBody<Nothing>,
) -> Result<Json<Value>, Problem> {
    let cancelled = app.store.cancel(&who, batch, key.with(body.fingerprint)).await?;
    app.wake.poke();
    Ok(Json(cancelled.into_inner()))
}

/// Pays the failed rows again, each under a new reference, but for those that another list pays
#[utoipa::path(post, path = "/v1/batches/{id}/retry-failed", operation_id = "retry_failed", tag = "Batches",
    params(Id, RequiredKey),
    responses((status = 202, body = Retried)),
    extensions(("x-problems" = json!(["invalid_state", "self_approval", "insufficient_funds"]))))]
async fn retry_failed(
    State(app): State<Arc<App>>,
    Checker(who): Checker,
    Id(batch): Id,
    key: RequiredKey,
    body: JsonBody<Nothing>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (since, key) = (app.config.duplicates_since(app.clock.now()), key.with(body.fingerprint));
    let retried = app.store.retry_failed(&who, batch, since, Some(key)).await?;
    app.wake.poke();
    Ok((StatusCode::ACCEPTED, Json(retried.into_inner())))
}
