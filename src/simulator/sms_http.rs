//! The SMS gateway of rail `sms-http`, as docs/RAILS.md fixes it. Idempotent by key, like [`super::http`].

use super::answers::Refusal;
use super::book::{Ask, Taken};
use super::entry::{Details, Ending, More, Rail, State as Stands, Told};
use super::http::{authorised, callback, digest, idempotency_key};
use super::network::Network;
use super::numbers;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

/// Ten segments of GSM-7.
const TEXT_MAX_CHARS: usize = 1530;

pub fn routes() -> Router<Arc<Network>> {
    Router::new().route("/messages", post(send))
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    to: Option<Cow<'a, str>>,
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    callback_url: Option<Cow<'a, str>>,
}

async fn send(State(network): State<Arc<Network>>, headers: HeaderMap, bytes: Bytes) -> Response {
    if let Err(refusal) = network.admits(Rail::SmsHttp) {
        return refusal.into_response();
    }
    let parsed = serde_json::from_slice::<Body>(&bytes);
    let details = parsed.as_ref().map(details).unwrap_or_default();
    let key = idempotency_key(&headers);
    let checked = authorised(&headers).and_then(|()| {
        let body = parsed.map_err(|e| malformed(format!("the body is no message: {e}")))?;
        ask(key, &body, digest(&bytes))
    });
    let mut ask = match checked {
        Ok(ask) => ask,
        Err(refusal) => {
            network.refused(Rail::SmsHttp, key, details).await;
            return refusal.into_response();
        }
    };
    ask.details = details;
    match network.submit(ask).await {
        Ok(taken) => answer(&taken),
        Err(stop) => network.stopped(Rail::SmsHttp, stop).await,
    }
}

fn answer(taken: &Taken) -> Response {
    match (taken.same, taken.state) {
        (false, _) => Refusal::new(409, "DUPLICATE_REFERENCE", "this id came before with another body").into_response(),
        (true, Stands::Rejected) => Refusal::new(422, "REJECTED", "the gateway does not send this").into_response(),
        (true, _) => {
            let body = json!({"id": gateway_id(taken.position), "status": "submitted"});
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
    }
}

fn malformed(message: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(400, "INVALID_REQUEST", message)
}

fn details(body: &Body) -> Details {
    let more = body.text.as_deref().map(|text| Box::new(More { text: text.into(), ..More::default() }));
    Details { msisdn: body.to.as_deref().map(Box::from), more, ..Details::default() }
}

/// Checks what was sent; the details are filled in by the caller, who has them already.
fn ask(key: Option<Uuid>, body: &Body, digest: u64) -> Result<Ask, Refusal> {
    let reference = key.ok_or_else(|| malformed("the header Idempotency-Key is missing or no UUID"))?;
    if body.id.as_deref().and_then(|id| Uuid::try_parse(id).ok()) != Some(reference) {
        return Err(malformed("id is missing or differs from Idempotency-Key"));
    }
    if body.from.as_deref().is_some_and(str::is_empty) {
        return Err(malformed("from is empty: leave it out for the account's own sender"));
    }
    let chars = body.text.as_deref().unwrap_or_default().chars().count();
    if !(1..=TEXT_MAX_CHARS).contains(&chars) {
        return Err(Refusal::new(422, "INVALID_TEXT", format!("a text has 1 to {TEXT_MAX_CHARS} characters")));
    }
    let to = body.to.as_deref().filter(|to| numbers::is_msisdn(to));
    let to = to.ok_or_else(|| Refusal::new(422, "INVALID_MSISDN", "8 to 15 digits with country code, no +"))?;
    Ok(Ask {
        rail: Rail::SmsHttp,
        reference,
        details: Details::default(),
        digest,
        callback: callback(body.callback_url.as_deref())?,
        ending: numbers::sms(to),
        amount: 0,
        short_of_float: "INSUFFICIENT_FLOAT",
        refusal: Ending::Rejected(Cow::Borrowed("REJECTED")),
    })
}

fn gateway_id(position: usize) -> String {
    format!("sms_{position}")
}

pub fn receipt_body(position: usize, told: &Told) -> String {
    let status = if told.state == Stands::Paid { "delivered" } else { "undelivered" };
    let message = told.code.map(|code| code.replace('_', " ").to_lowercase());
    json!({
        "id": told.entry.reference, "gateway_id": gateway_id(position), "status": status, "code": told.code,
        "message": message,
    })
    .to_string()
}
