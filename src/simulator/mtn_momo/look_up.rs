//! MTN's look-ups: the balance, whether a number has an account, whose it is.

use super::super::answers::Refusal;
use super::super::entry::Rail;
use super::super::network::Network;
use super::super::{amount, numbers};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use std::sync::Arc;

/// What an endless float shows.
const ENDLESS: &str = "1000000000";
const GIVEN: [&str; 8] = ["Aisha", "Brian", "Christine", "David", "Esther", "Fred", "Grace", "Henry"];
const FAMILY: [&str; 8] = ["Akello", "Byaruhanga", "Kato", "Lutaaya", "Mugisha", "Nakato", "Okello", "Ssali"];

pub async fn balance(State(network): State<Arc<Network>>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let caller = network.access.caller(&headers)?;
    network.dawdle(Rail::MtnMomo).await;
    let available = network.control(Rail::MtnMomo).float().map_or_else(|| ENDLESS.to_owned(), amount::text);
    Ok(Json(json!({"availableBalance": available, "currency": caller.currency})))
}

pub async fn active(
    State(network): State<Arc<Network>>,
    Path(msisdn): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let caller = network.access.caller(&headers)?;
    network.dawdle(Rail::MtnMomo).await;
    let active = numbers::mtn_active(&msisdn, caller.sandbox).ok_or_else(no_account)?;
    Ok(Json(json!({"result": active})))
}

pub async fn basic_user_info(
    State(network): State<Arc<Network>>,
    Path(msisdn): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let caller = network.access.caller(&headers)?;
    network.dawdle(Rail::MtnMomo).await;
    numbers::mtn_active(&msisdn, caller.sandbox).ok_or_else(no_account)?;
    let sum = msisdn.bytes().fold(0_usize, |sum, b| sum * 31 % 65_521 + usize::from(b));
    let (given, family) = (GIVEN[sum % GIVEN.len()], FAMILY[sum / GIVEN.len() % FAMILY.len()]);
    Ok(Json(json!({
        "name": format!("{given} {family}"), "given_name": given, "family_name": family, "birthdate": "1990-01-01",
        "locale": "en_UG", "gender": if sum % 2 == 0 { "FEMALE" } else { "MALE" }, "updated_at": 1_700_000_000,
    })))
}

fn no_account() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.")
}
