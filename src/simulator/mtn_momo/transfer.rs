//! Transfers, and what became of them.

use super::super::answers::Refusal;
use super::super::book::Ask;
use super::super::entry::{Details, Ending, More, Rail, State as Stands, Told};
use super::super::network::Network;
use super::super::{amount, numbers};
use super::access::{self, Caller};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

const NOTE_MAX_CHARS: usize = 160;
const NOTE_PUNCTUATION: &str = " .,-_/:()";

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    amount: Option<Cow<'a, str>>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
    #[serde(borrow)]
    external_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payee: Option<Party<'a>>,
    #[serde(borrow, default)]
    payer_message: Cow<'a, str>,
    #[serde(borrow, default)]
    payee_note: Cow<'a, str>,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Party<'a> {
    #[serde(borrow, default)]
    party_id_type: Cow<'a, str>,
    #[serde(borrow, default)]
    party_id: Cow<'a, str>,
}

/// `POST /disbursement/v1_0/transfer`
pub async fn submit(State(network): State<Arc<Network>>, headers: HeaderMap, bytes: Bytes) -> Response {
    if let Err(refusal) = network.admits(Rail::MtnMomo) {
        return refusal.into_response();
    }
    let parsed = serde_json::from_slice::<Body>(&bytes);
    let details = parsed.as_ref().map(details).unwrap_or_default();
    let noted = access::text(&headers, "x-reference-id").and_then(|id| Uuid::try_parse(id).ok());
    let body = parsed.map_err(|e| bad(format!("the body is no transfer: {e}")));
    let ask = network.access.caller(&headers).and_then(|caller| {
        let (reference, body) = (access::reference(&headers)?, body?);
        ask(&caller, &headers, reference, &body)
    });
    let mut ask = match ask {
        Ok(ask) => ask,
        Err(refusal) => {
            network.refused(Rail::MtnMomo, noted, details).await;
            return refusal.into_response();
        }
    };
    ask.details = details;
    match network.submit(ask).await {
        Ok(taken) if taken.fresh => StatusCode::ACCEPTED.into_response(),
        Ok(_) => Refusal::new(409, "RESOURCE_ALREADY_EXIST", "Duplicated reference id. Creation of resource failed.")
            .into_response(),
        Err(stop) => network.stopped(Rail::MtnMomo, stop).await,
    }
}

fn bad(message: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(400, "BAD_REQUEST", message)
}

fn details(body: &Body) -> Details {
    let own = |text: &Option<Cow<str>>| text.as_deref().map(Box::from);
    let more = More {
        payer_message: body.payer_message.as_ref().into(),
        payee_note: body.payee_note.as_ref().into(),
        ..More::default()
    };
    Details {
        payout_id: own(&body.external_id),
        msisdn: body.payee.as_ref().map(|p| p.party_id.as_ref().into()),
        amount: own(&body.amount),
        currency: own(&body.currency),
        more: (more != More::default()).then(|| Box::new(more)),
    }
}

/// Checks what was sent; the details are filled in by the caller, who has them already.
fn ask(caller: &Caller, headers: &HeaderMap, reference: Uuid, body: &Body) -> Result<Ask, Refusal> {
    if body.currency.as_deref() != Some(caller.currency) {
        let message = format!("Currency not supported: this target environment pays in {}.", caller.currency);
        return Err(Refusal::new(400, "INVALID_CURRENCY", message));
    }
    let amount = body.amount.as_deref().and_then(|a| amount::of_currency(a, caller.currency));
    let amount = amount.ok_or_else(|| bad("amount is not a positive decimal string of the currency"))?;
    let payee = body.payee.as_ref().ok_or_else(|| bad("payee is missing"))?;
    if payee.party_id_type != "MSISDN" {
        return Err(bad("the simulated network pays parties of type MSISDN only"));
    }
    if !numbers::is_msisdn(&payee.party_id) {
        return Err(bad("partyId is no MSISDN: 8 to 15 digits with the country code, no +"));
    }
    check_note("payerMessage", &body.payer_message)?;
    check_note("payeeNote", &body.payee_note)?;
    let ending = match caller.sandbox {
        true => numbers::mtn_sandbox(&payee.party_id),
        false => numbers::mtn_live(&payee.party_id),
    };
    Ok(Ask {
        rail: Rail::MtnMomo,
        reference,
        details: Details::default(),
        digest: 0,
        callback: callback(caller, headers)?,
        ending,
        amount,
        short_of_float: "NOT_ENOUGH_FUNDS",
        refusal: Ending::Failed(Cow::Borrowed("PAYEE_NOT_ALLOWED_TO_RECEIVE")),
    })
}

fn check_note(field: &str, note: &str) -> Result<(), Refusal> {
    if note.chars().count() > NOTE_MAX_CHARS {
        return Err(bad(format!("{field} is longer than {NOTE_MAX_CHARS} characters")));
    }
    match note.chars().find(|c| !c.is_ascii_alphanumeric() && !NOTE_PUNCTUATION.contains(*c)) {
        Some(special) => Err(bad(format!("{field} has the special character {special:?}"))),
        None => Ok(()),
    }
}

/// `X-Callback-Url`, on the registered host where there is one.
fn callback(caller: &Caller, headers: &HeaderMap) -> Result<Option<Box<str>>, Refusal> {
    let Some(url) = access::text(headers, "x-callback-url") else { return Ok(None) };
    let host = url.parse::<Uri>().ok().and_then(|u| u.host().map(str::to_owned));
    let host = host.ok_or_else(|| bad("X-Callback-Url is no address"))?;
    match &caller.callback_host {
        Some(registered) if *registered != host => Err(Refusal::new(
            500,
            "INVALID_CALLBACK_URL_HOST",
            "Callback URL with different host name then configured.",
        )),
        _ => Ok(Some(url.into())),
    }
}

/// `GET /disbursement/v1_0/transfer/{reference}`
pub async fn status(
    State(network): State<Arc<Network>>,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = network.admits(Rail::MtnMomo).and_then(|()| network.access.caller(&headers).map(drop)) {
        return refusal.into_response();
    }
    network.dawdle(Rail::MtnMomo).await;
    let body = Uuid::try_parse(&reference).ok().and_then(|reference| {
        network.book.find(Rail::MtnMomo, reference, |position, entry| status_body(&Told::truth(position, entry)))
    });
    // What is said must not be unsaid by a crash.
    network.book.durable().await;
    match body {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => Refusal::new(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.").into_response(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    amount: &'a str,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    financial_transaction_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    payee: Party<'a>,
    payer_message: &'a str,
    payee_note: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Reason<'a> {
    Bare(&'a str),
    Coded { code: &'a str, message: String },
}

/// The answer to a query, which is also the body of a callback.
pub fn status_body(told: &Told) -> String {
    let (entry, details) = (told.entry, &told.entry.details);
    let nothing = More::default();
    let more = details.more.as_deref().unwrap_or(&nothing);
    let reason = told.code.map(|code| match entry.reference.as_bytes()[15] & 1 {
        0 => Reason::Bare(code),
        _ => Reason::Coded { code, message: code.replace('_', " ").to_lowercase() },
    });
    let status = Status {
        amount: &told.amount,
        currency: details.currency.as_deref().unwrap_or_default(),
        financial_transaction_id: told.transaction_id.as_deref(),
        external_id: details.payout_id.as_deref(),
        payee: Party { party_id_type: "MSISDN".into(), party_id: details.msisdn.as_deref().unwrap_or_default().into() },
        payer_message: &more.payer_message,
        payee_note: &more.payee_note,
        status: match told.state {
            Stands::Paid => "SUCCESSFUL",
            Stands::Failed | Stands::Rejected => "FAILED",
            Stands::Pending | Stands::Seen => "PENDING",
        },
        reason,
    };
    serde_json::to_string(&status).expect("a status is always JSON")
}
