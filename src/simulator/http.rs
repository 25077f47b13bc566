//! The telecom gateway of rail `http`, as docs/RAILS.md fixes it.
//!
//! The same key with the same body, byte for byte, is answered with the transfer's present state; with another body it is a
//! 409. Any bearer secret is let in but the literal `wrong`.

use super::answers::Refusal;
use super::book::{Ask, Taken};
use super::entry::{Details, Ending, Entry, Rail, State as Stands, Told};
use super::network::Network;
use super::{amount, numbers};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

const ENDLESS: &str = "1000000000";

pub fn routes() -> Router<Arc<Network>> {
    Router::new()
        .route("/transfers", post(submit))
        .route("/transfers/{reference}", get(query))
        .route("/balance", get(balance))
}

#[derive(Deserialize, Default)]
struct Body<'a> {
    #[serde(borrow)]
    reference: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payout_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    msisdn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    amount: Option<Cow<'a, str>>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
    #[serde(borrow)]
    callback_url: Option<Cow<'a, str>>,
}

async fn submit(State(network): State<Arc<Network>>, headers: HeaderMap, bytes: Bytes) -> Response {
    if let Err(refusal) = network.admits(Rail::Http) {
        return refusal.into_response();
    }
    let parsed = serde_json::from_slice::<Body>(&bytes);
    let details = parsed.as_ref().map(details).unwrap_or_default();
    let key = idempotency_key(&headers);
    let checked = authorised(&headers).and_then(|()| {
        let body = parsed.map_err(|e| Refusal::new(400, "INVALID_REQUEST", format!("the body is no transfer: {e}")))?;
        ask(key, &body, digest(&bytes))
    });
    let mut ask = match checked {
        Ok(ask) => ask,
        Err(refusal) => {
            network.refused(Rail::Http, key, details).await;
            return refusal.into_response();
        }
    };
    ask.details = details;
    match network.submit(ask).await {
        Ok(taken) => answer(&network, &taken),
        Err(stop) => network.stopped(Rail::Http, stop).await,
    }
}

fn answer(network: &Network, taken: &Taken) -> Response {
    if !taken.same {
        return Refusal::new(409, "DUPLICATE_REFERENCE", "this reference came before with another body")
            .into_response();
    }
    network.book.read(taken.position, |entry| {
        // The first answer to a transfer is "accepted", even if it has ended meanwhile, unless it shall be told at once.
        if taken.fresh && !entry.told {
            return transfer(taken.position, &Told { state: Stands::Pending, ..Told::truth(taken.position, entry) });
        }
        transfer(taken.position, &Told::truth(taken.position, entry))
    })
}

fn details(body: &Body) -> Details {
    let own = |text: &Option<Cow<str>>| text.as_deref().map(Box::from);
    Details {
        payout_id: own(&body.payout_id),
        msisdn: own(&body.msisdn),
        amount: own(&body.amount),
        currency: own(&body.currency),
        more: None,
    }
}

/// Checks what was sent; the details are filled in by the caller, who has them already.
fn ask(key: Option<Uuid>, body: &Body, digest: u64) -> Result<Ask, Refusal> {
    let malformed = |message: &'static str| Refusal::new(400, "INVALID_REQUEST", message);
    let reference = key.ok_or_else(|| malformed("the header Idempotency-Key is missing or no UUID"))?;
    if body.reference.as_deref().and_then(|r| Uuid::try_parse(r).ok()) != Some(reference) {
        return Err(malformed("reference is missing or differs from Idempotency-Key"));
    }
    if body.payout_id.as_deref().is_none_or(str::is_empty) {
        return Err(malformed("payout_id is missing"));
    }
    let currency = body.currency.as_deref().filter(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase()));
    let currency = currency.ok_or_else(|| malformed("currency is not a code of three capital letters"))?;
    let amount = body.amount.as_deref().and_then(|a| amount::of_currency(a, currency));
    let amount = amount.ok_or_else(|| Refusal::new(422, "INVALID_AMOUNT", "not a positive amount of the currency"))?;
    let msisdn = body.msisdn.as_deref().filter(|m| numbers::is_msisdn(m));
    let msisdn = msisdn.ok_or_else(|| Refusal::new(422, "INVALID_MSISDN", "8 to 15 digits with country code, no +"))?;
    Ok(Ask {
        rail: Rail::Http,
        reference,
        details: Details::default(),
        digest,
        callback: callback(body.callback_url.as_deref())?,
        ending: numbers::http(msisdn),
        amount,
        short_of_float: "INSUFFICIENT_FLOAT",
        refusal: Ending::Failed(Cow::Borrowed("NOT_ALLOWED")),
    })
}

async fn query(State(network): State<Arc<Network>>, Path(reference): Path<String>, headers: HeaderMap) -> Response {
    if let Err(refusal) = network.admits(Rail::Http).and_then(|()| authorised(&headers)) {
        return refusal.into_response();
    }
    network.dawdle(Rail::Http).await;
    let found = Uuid::try_parse(&reference).ok().and_then(|reference| {
        network.book.find(Rail::Http, reference, |position, entry| {
            let mut answer = transfer(position, &Told::truth(position, entry));
            *answer.status_mut() = StatusCode::OK;
            answer
        })
    });
    // What is said must not be unsaid by a crash.
    network.book.durable().await;
    found.unwrap_or_else(|| Refusal::new(404, "NOT_FOUND", "no transfer under this reference").into_response())
}

async fn balance(State(network): State<Arc<Network>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = authorised(&headers) {
        return refusal.into_response();
    }
    network.dawdle(Rail::Http).await;
    let available = network.control(Rail::Http).float().map_or_else(|| ENDLESS.to_owned(), amount::text);
    Json(serde_json::json!({"available": available, "currency": "UGX"})).into_response()
}

#[derive(Serialize)]
struct Transfer<'a> {
    id: String,
    reference: Uuid,
    status: &'static str,
    #[serde(flatten)]
    end: End<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum End<'a> {
    Pending {},
    Success { transaction_id: &'a str, msisdn: &'a str, amount: &'a str, currency: &'a str },
    Failed { code: &'a str, message: String },
}

/// The transfer as an answer: 202 while it is pending, else 200.
fn transfer(position: usize, told: &Told) -> Response {
    let details = &told.entry.details;
    let end = match told.state {
        Stands::Seen | Stands::Pending => End::Pending {},
        Stands::Paid => End::Success {
            transaction_id: told.transaction_id.as_deref().unwrap_or_default(),
            msisdn: details.msisdn.as_deref().unwrap_or_default(),
            amount: &told.amount,
            currency: details.currency.as_deref().unwrap_or_default(),
        },
        Stands::Failed | Stands::Rejected => {
            let code = told.code.unwrap_or_default();
            End::Failed { code, message: message(code) }
        }
    };
    let status = if matches!(end, End::Pending {}) { StatusCode::ACCEPTED } else { StatusCode::OK };
    let body =
        Transfer { id: format!("tr_{position}"), reference: told.entry.reference, status: word(told.state), end };
    (status, Json(body)).into_response()
}

#[derive(Serialize)]
struct Receipt<'a> {
    reference: Uuid,
    payout_id: Option<&'a str>,
    status: &'static str,
    transaction_id: Option<&'a str>,
    msisdn: Option<&'a str>,
    amount: &'a str,
    currency: Option<&'a str>,
    code: Option<&'a str>,
    message: Option<String>,
}

pub fn receipt_body(told: &Told) -> String {
    let Entry { reference, details, .. } = told.entry;
    let receipt = Receipt {
        reference: *reference,
        payout_id: details.payout_id.as_deref(),
        status: word(told.state),
        transaction_id: told.transaction_id.as_deref(),
        msisdn: details.msisdn.as_deref(),
        amount: &told.amount,
        currency: details.currency.as_deref(),
        code: told.code,
        message: told.code.map(message),
    };
    serde_json::to_string(&receipt).expect("a receipt is always JSON")
}

fn word(state: Stands) -> &'static str {
    match state {
        Stands::Seen | Stands::Pending => "pending",
        Stands::Paid => "success",
        Stands::Failed | Stands::Rejected => "failed",
    }
}

fn message(code: &str) -> String {
    code.replace('_', " ").to_lowercase()
}

/// Lets any bearer secret in but `wrong`. Also for `sms-http`.
pub fn authorised(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok());
    match value.and_then(|h| h.strip_prefix("Bearer ")).map(str::trim) {
        None | Some("" | "wrong") => Err(Refusal::new(401, "UNAUTHORIZED", "the bearer secret is missing or wrong")),
        Some(_) => Ok(()),
    }
}

/// `Idempotency-Key`, which both gateways want to be a UUID. Also for `sms-http`.
pub fn idempotency_key(headers: &HeaderMap) -> Option<Uuid> {
    Uuid::try_parse(headers.get("idempotency-key")?.to_str().ok()?).ok()
}

/// Also for `sms-http`.
pub fn callback(url: Option<&str>) -> Result<Option<Box<str>>, Refusal> {
    let Some(url) = url else { return Ok(None) };
    let known =
        url.parse::<Uri>().is_ok_and(|u| u.host().is_some() && matches!(u.scheme_str(), Some("http" | "https")));
    match known {
        true => Ok(Some(url.into())),
        false => Err(Refusal::new(400, "INVALID_REQUEST", "callback_url is no http or https address")),
    }
}

/// Tells bodies apart, also after a restart of the network. Also for `sms-http`.
pub fn digest(body: &[u8]) -> u64 {
    Sha256::digest(body).iter().take(8).fold(0, |digest, byte| digest << 8 | u64::from(*byte))
}
