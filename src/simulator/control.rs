//! What tests and people look at and turn: the knobs under `/_control`, the book under `/_book`.

use super::answers::Refusal;
use super::entry::{Entry, Rail, State as Stands, transaction_id};
use super::network::Network;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use uuid::Uuid;

const LIST_DEFAULT: usize = 1000;
const LIST_MAX: usize = 5000;
/// Of the payouts paid more than once, so many are named.
const NAMED_MAX: usize = 100;

pub fn routes() -> Router<Arc<Network>> {
    Router::new()
        .route("/_control", get(knobs).put(turn))
        .route("/_book", get(list))
        .route("/_book/summary", get(summary))
}

async fn knobs(State(network): State<Arc<Network>>) -> Json<Value> {
    let shown = Rail::ALL.map(|rail| (rail.name().to_owned(), json!(network.control(rail).shown())));
    Json(Value::Object(Map::from_iter(shown)))
}

/// Merges what is sent into the knobs: all of it, or with a 400 nothing.
async fn turn(State(network): State<Arc<Network>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let wrong = |message: String| Refusal::new(400, "INVALID_KNOBS", message);
    let patch: BTreeMap<String, Map<String, Value>> = serde_json::from_slice(&body)
        .map_err(|e| wrong(format!("the body has to be {{\"<rail>\": {{\"<knob>\": …}}}}: {e}")))?;
    let mut turned = Vec::with_capacity(patch.len());
    for (name, knobs) in &patch {
        let rail = Rail::ALL.into_iter().find(|r| r.name() == name).ok_or_else(|| {
            wrong(format!("unknown rail {name:?}; there are {}", Rail::ALL.map(Rail::name).join(", ")))
        })?;
        network.control(rail).checked(knobs).map_err(|e| wrong(format!("{name}: {e}")))?;
        turned.push((rail, knobs));
    }
    for (rail, knobs) in turned {
        network.control(rail).turn(knobs).map_err(wrong)?;
    }
    Ok(self::knobs(State(network)).await)
}

#[derive(Deserialize)]
struct Page {
    cursor: Option<usize>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Item<'a> {
    rail: Rail,
    reference: Uuid,
    payout_id: Option<&'a str>,
    msisdn: Option<&'a str>,
    amount: Option<&'a str>,
    currency: Option<&'a str>,
    state: &'static str,
    seen_at: String,
    paid_at: Option<String>,
    transaction_id: Option<String>,
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl<'a> Item<'a> {
    fn of(position: usize, entry: &'a Entry) -> Self {
        let (details, money) = (&entry.details, entry.rail != Rail::SmsHttp);
        let paid = entry.state == Stands::Paid && money;
        Item {
            rail: entry.rail,
            reference: entry.reference,
            payout_id: details.payout_id.as_deref(),
            msisdn: details.msisdn.as_deref(),
            amount: details.amount.as_deref(),
            currency: details.currency.as_deref(),
            state: entry.state.name(entry.rail),
            seen_at: time(entry.seen_at),
            paid_at: entry.paid_at.filter(|_| paid).map(time),
            transaction_id: paid.then(|| transaction_id(position)),
            code: entry.code(),
            text: details.more.as_deref().filter(|_| !money).map(|m| m.text.as_ref()),
        }
    }
}

fn time(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us).map(|t| t.to_string()).unwrap_or_default()
}

/// `GET /_book?cursor=&limit=`: in the order of arrival, which never changes; states may.
async fn list(State(network): State<Arc<Network>>, Query(page): Query<Page>) -> Result<Response, Refusal> {
    let limit = page.limit.unwrap_or(LIST_DEFAULT);
    if !(1..=LIST_MAX).contains(&limit) {
        return Err(Refusal::new(400, "INVALID_LIMIT", format!("limit is 1 to {LIST_MAX}")));
    }
    let cursor = page.cursor.unwrap_or(0);
    let mut items = Vec::with_capacity(limit);
    let read = network.book.page(cursor, limit, |position, entry| {
        items.push(serde_json::value::to_raw_value(&Item::of(position, entry)));
    });
    network.book.durable().await;
    let items: Result<Vec<_>, _> = items.into_iter().collect();
    let items = items.map_err(|e| Refusal::new(500, "INTERNAL_ERROR", e.to_string()))?;
    let next = cursor.saturating_add(read);
    let next_cursor = (next < network.book.len()).then(|| next.to_string());
    let body = serde_json::to_string(&Listed { items, next_cursor })
        .map_err(|e| Refusal::new(500, "INTERNAL_ERROR", e.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

#[derive(Serialize)]
struct Listed {
    items: Vec<Box<serde_json::value::RawValue>>,
    next_cursor: Option<String>,
}

/// `GET /_book/summary`: counts per rail and state, and whether anybody was paid twice.
async fn summary(State(network): State<Arc<Network>>) -> Json<Value> {
    let mut rails = BTreeMap::<&str, BTreeMap<&str, u64>>::new();
    let mut calls = BTreeMap::<&str, u64>::new();
    let mut paid = HashMap::<Box<str>, u32>::new();
    let mut cursor = 0;
    // Page by page, so that the book is not held for the whole count.
    loop {
        let read = network.book.page(cursor, LIST_MAX, |_, entry| {
            *rails.entry(entry.rail.name()).or_default().entry(entry.state.name(entry.rail)).or_default() += 1;
            *calls.entry(entry.rail.name()).or_default() += u64::from(entry.visits);
            if let (Stands::Paid, Some(payout)) = (entry.state, &entry.details.payout_id) {
                *paid.entry(payout.clone()).or_default() += 1;
            }
        });
        cursor += read;
        if read < LIST_MAX {
            break;
        }
        tokio::task::yield_now().await;
    }
    network.book.durable().await;
    let mut twice: Vec<_> = paid.iter().filter(|(_, times)| **times > 1).map(|(payout, _)| payout).collect();
    twice.sort_unstable();
    let counted = twice.len();
    twice.truncate(NAMED_MAX);
    let receipts = &network.receipts;
    Json(json!({
        "rails": rails,
        // Submits that came in whole, repetitions of a reference included.
        "calls": calls,
        "payouts_paid": paid.len(),
        "payouts_paid_twice": counted,
        "paid_twice": twice,
        "receipts": {
            "posted": receipts.posted.load(Ordering::Relaxed),
            "lost": receipts.lost.load(Ordering::Relaxed),
            "waiting": receipts.waiting.load(Ordering::Relaxed),
        },
    }))
}
