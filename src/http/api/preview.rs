//! What a batch will say: its texts before anybody is told, and one of them on the maker's own phone.

use crate::batch::Kind;
use crate::http::App;
use crate::http::auth::{Maker, Reader};
use crate::http::body::JsonBody;
use crate::http::idempotency::RequiredKey;
use crate::http::params::{Id, Params};
use crate::http::problem::{FieldError, Problem};
use crate::lane::route;
use crate::phone;
use crate::sms::preview::{Preview, Previewer};
use crate::sms::template;
use crate::store::TestMessage;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tower::limit::GlobalConcurrencyLimitLayer;

/// Previews made at the same time: each merges every text of its batch.
const PREVIEWS_MAX: usize = 4;
const ROWS_AT_A_TIME: u32 = 1_000;

pub fn routes() -> Router<Arc<App>> {
    let preview = Router::new()
        .route("/v1/batches/{id}/preview", get(preview))
        .layer(GlobalConcurrencyLimitLayer::new(PREVIEWS_MAX));
    Router::new().route("/v1/batches/{id}/test-send", post(test_send)).merge(preview)
}

async fn preview(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(id): Id,
    params: Params,
) -> Result<Json<Preview>, Problem> {
    params.end()?;
    let batch = app.store.batch(who.organisation, id).await?;
    let chosen = rand::random_range(0..u64::try_from(batch.valid).unwrap_or(0).max(1));
    let mut previewer = Previewer::new(batch.currency, chosen);
    let mut after = 0;
    loop {
        let messages = app.store.message_sources(who.organisation, id, after, ROWS_AT_A_TIME).await?;
        let Some(last) = messages.last() else { return Ok(Json(previewer.finish())) };
        after = last.row;
        messages.iter().for_each(|message| previewer.see(message));
        if messages.len() < ROWS_AT_A_TIME as usize {
            return Ok(Json(previewer.finish()));
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestSend {
    msisdn: String,
    #[serde(default)]
    row: Option<u32>,
}

async fn test_send(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    Id(id): Id,
    key: RequiredKey,
    body: JsonBody<TestSend>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let batch = app.store.batch(who.organisation, id).await?;
    let lanes = &app.config.lanes;
    let number = phone::normalise(&body.value.msisdn, route::country(lanes, batch.currency));
    let number = number.map_err(|error| Problem::field("/msisdn", error.code(), error.to_string()))?;
    let lane = match batch.kind {
        Kind::Sms => route::bulk_sms_lane(lanes, batch.currency).map(|(lane, _)| lane),
        Kind::Payout => route::sms_lane(lanes).ok_or(route::NoSmsLane::None),
    };
    let lane = lane.map_err(|why| {
        Problem::unprocessable(vec![FieldError::new("", "no_lane", format!("{why}; ask the operator for one"))])
    })?;
    let test = TestMessage { msisdn: number.msisdn, row: body.value.row, lane: lane.name.clone() };
    let key = key.with(body.fingerprint);
    let sent = app.store.send_test(&who, id, test, Arc::new(template::text), Some(key)).await?;
    app.wake.poke();
    Ok((StatusCode::ACCEPTED, Json(sent.into_inner())))
}
