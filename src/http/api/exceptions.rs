//! What only people can settle: one proposes what happened, another confirms it.

use crate::http::App;
use crate::http::auth::{Reader, Settler};
use crate::http::body::JsonBody;
use crate::http::idempotency::OptionalKey;
use crate::http::page::{self, Paged};
use crate::http::params::{Id, Params, if_match};
use crate::http::problem::{FieldError, Problem};
use crate::money::Money;
use crate::payout::exception::{self, ExceptionView, Kind, Proposal, Verdict};
use crate::store::{Page, Refusal, StoreError};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const NOTE_CHARS_MAX: usize = 2_000;
const TRANSACTION_ID_CHARS_MAX: usize = 100;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(resolve))
}

/// Lists what only a person can settle
#[utoipa::path(get, path = "/v1/exceptions", operation_id = "list_exceptions", tag = "Exceptions",
    params(Paged, ("state" = Option<exception::State>, Query, description = "Only those in this state"),
        ("kind" = Option<String>, Query, description = "Only those of this kind")),
    responses((status = 200, body = Page<ExceptionView>)))]
async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    mut params: Params,
) -> Result<Json<Page<ExceptionView>>, Problem> {
    let page = page::take(&mut params)?;
    let state = params.state::<exception::State>()?;
    let kind = match params.take("kind")? {
        None => None,
        Some(name) => Some(Kind::parse(&name).ok_or_else(|| {
            let known = Kind::ALL.map(Kind::name).join(", ");
            Problem::field("?kind", "unknown", format!("kind must be one of {known}"))
        })?),
    };
    params.end()?;
    Ok(Json(app.store.exceptions(who.organisation, state, kind, page).await?))
}

/// Shows an exception, and what each verdict would do
#[utoipa::path(get, path = "/v1/exceptions/{id}", operation_id = "get_exception", tag = "Exceptions", params(Id),
    responses((status = 200, body = ExceptionView)))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(exception): Id,
    params: Params,
) -> Result<Json<ExceptionView>, Problem> {
    params.end()?;
    Ok(Json(app.store.exception(who.organisation, exception).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resolution {
    verdict: String,
    note: String,
    evidence_sha256: Option<String>,
    provider_transaction_id: Option<String>,
    /// What was really paid, in the payout's currency: with the verdict `paid` on a mismatch alone. Left out, it is the
    /// payout's amount.
    paid_amount: Option<String>,
}

/// Proposes what becomes of an exception; given by another principal, confirms it
///
/// Whoever proposed may propose something else: that takes the place of the first proposal. Whoever confirms gives the same
/// verdict and a note of their own, and the same `paid_amount` if there is one; evidence and transaction id are those of the
/// proposal, and need not be repeated. With the proposal's digest as If-Match, nothing is confirmed that took its place
/// meanwhile.
#[utoipa::path(post, path = "/v1/exceptions/{id}/resolve", operation_id = "resolve_exception", tag = "Exceptions",
    params(Id, OptionalKey, ("If-Match" = Option<String>, Header, description = "The digest of the proposal that was looked at")),
    request_body = Resolution,
    responses((status = 200, body = ExceptionView)),
    extensions(("x-problems" = json!(["invalid_state", "precondition_failed", "too_early", "verdict_differs"]))))]
async fn resolve(
    State(app): State<Arc<App>>,
    Settler(who): Settler,
    Id(exception): Id,
    key: OptionalKey,
    headers: HeaderMap,
    body: JsonBody<Resolution>,
) -> Result<Json<Value>, Problem> {
    let key = key.with(body.fingerprint);
    let paid_amount = match &body.value.paid_amount {
        None => None,
        Some(text) => {
            let currency = app.store.exception(who.organisation, exception).await?.currency;
            Some(Money::parse(text, currency).map_err(|e| Refusal::PaidAmount(e.to_string()))?)
        }
    };
    let proposal = Proposal { seen: if_match(&headers)?, paid_amount, ..proposal(body.value)? };
    let fenced = proposal.seen.is_some();
    let config = app.config.clone();
    let lanes = Arc::new(move |lane: &str| config.lane_terms(lane));
    let resolved = app.store.resolve(&who, exception, proposal, lanes, key).await.map_err(|e| match e {
        StoreError::Fenced if fenced => {
            let detail = "the proposal changed since that digest; look at the exception again";
            Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
        }
        e => e.into(),
    })?;
    app.wake.poke();
    Ok(Json(resolved.into_inner()))
}

fn proposal(said: Resolution) -> Result<Proposal, Problem> {
    let mut errors = Vec::new();
    let verdict = Verdict::parse(&said.verdict);
    if verdict.is_none() {
        let known = Verdict::ALL.map(Verdict::name).join(", ");
        errors.push(FieldError::new("/verdict", "unknown", format!("verdict must be one of {known}")));
    }
    let note = said.note.trim().to_owned();
    if !(1..=NOTE_CHARS_MAX).contains(&note.chars().count()) {
        let message = "say in 1 to 2,000 characters what was looked at and what it says, for whoever confirms it";
        errors.push(FieldError::new("/note", "invalid", message));
    }
    let evidence = said.evidence_sha256.map(|hash| hash.trim().to_ascii_lowercase());
    if evidence.as_ref().is_some_and(|hash| hash.len() != 64 || hex::decode(hash).is_err()) {
        let message = "give the SHA-256 of the evidence's file as 64 hexadecimal digits (`sha256sum FILE` prints it)";
        errors.push(FieldError::new("/evidence_sha256", "invalid", message));
    }
    let transaction_id = said.provider_transaction_id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    if transaction_id.as_ref().is_some_and(|id| id.chars().count() > TRANSACTION_ID_CHARS_MAX) {
        let message = "a provider's transaction id has at most 100 characters";
        errors.push(FieldError::new("/provider_transaction_id", "invalid", message));
    }
    match verdict {
        Some(verdict) if errors.is_empty() => {
            Ok(Proposal { verdict, note, evidence_sha256: evidence, transaction_id, paid_amount: None, seen: None })
        }
        _ => Err(Problem::fields(errors)),
    }
}
