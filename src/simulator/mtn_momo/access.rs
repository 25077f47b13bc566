//! Who may speak to MTN: subscription keys, API users, their keys, and the tokens made from them.

use super::super::answers::Refusal;
use super::super::network::Network;
use super::{SANDBOX, currency_of};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

const USERS_MAX: usize = 10_000;
const TOKENS_MAX: usize = 10_000;
const TOKEN_LIFE: Duration = Duration::from_secs(3600);
/// The one credential that is refused.
const WRONG: &str = "wrong";

#[derive(Default)]
pub struct Access {
    users: Mutex<HashMap<String, User>>,
    tokens: RwLock<HashMap<String, Token>>,
}

struct User {
    callback_host: String,
    key: Option<String>,
}

struct Token {
    user: String,
    expires_at: Instant,
    callback_host: Option<String>,
}

/// What the headers of a request say once they were found in order.
pub struct Caller {
    /// The target environment, one that exists.
    pub sandbox: bool,
    pub currency: &'static str,
    /// The host callbacks are bound to, for users provisioned here.
    pub callback_host: Option<String>,
}

impl Access {
    /// Checks the subscription key, the token and the target environment, in the order of MTN's gateway.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        subscription(headers)?;
        let unauthorised = || Refusal::new(401, "UNAUTHORIZED", "the access token is missing, unknown or expired");
        let token = text(headers, "authorization").and_then(|h| h.strip_prefix("Bearer ")).ok_or_else(unauthorised)?;
        let tokens = self.tokens.read().expect("no panic while reading tokens");
        let token = tokens.get(token).filter(|t| t.expires_at > Instant::now()).ok_or_else(unauthorised)?;
        let target = text(headers, "x-target-environment")
            .ok_or_else(|| Refusal::new(400, "BAD_REQUEST", "the header X-Target-Environment is missing"))?;
        let currency = currency_of(target).ok_or_else(|| {
            Refusal::new(500, "NOT_ALLOWED_TARGET_ENVIRONMENT", "Access to target environment is forbidden.")
        })?;
        Ok(Caller { sandbox: target == SANDBOX, currency, callback_host: token.callback_host.clone() })
    }

    fn let_in(&self, user: &str, key: &str) -> Result<String, Refusal> {
        let refused = || Refusal::new(401, "UNAUTHORIZED", "the API user or key is not known");
        if user == WRONG || key == WRONG || user.is_empty() {
            return Err(refused());
        }
        let users = self.users.lock().expect("no panic while holding users");
        let known = users.get(user);
        if known.is_some_and(|u| u.key.as_deref() != Some(key)) {
            return Err(refused());
        }
        let callback_host = known.map(|u| u.callback_host.clone());
        drop(users);
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let expires_at = Instant::now() + TOKEN_LIFE;
        let mut tokens = self.tokens.write().expect("no panic while writing tokens");
        if tokens.len() >= TOKENS_MAX {
            // Whoever makes so many tokens in an hour has to live with having to make new ones.
            tokens.clear();
        }
        tokens.insert(token.clone(), Token { user: user.to_owned(), expires_at, callback_host });
        Ok(token)
    }
}

/// `POST /disbursement/token/`. The body is not looked at: clients send none, `{}` or a form.
pub async fn token(
    State(network): State<Arc<Network>>,
    headers: HeaderMap,
    _body: Bytes,
) -> Result<Json<Value>, Refusal> {
    subscription(&headers)?;
    let (user, key) =
        basic(&headers).ok_or_else(|| Refusal::new(401, "UNAUTHORIZED", "the Authorization header is not Basic"))?;
    let token = network.access.let_in(&user, &key)?;
    Ok(Json(json!({"access_token": token, "token_type": "access_token", "expires_in": TOKEN_LIFE.as_secs()})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    provider_callback_host: String,
}

/// `POST /v1_0/apiuser`: the reference becomes the user.
pub async fn create_user(
    State(network): State<Arc<Network>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    subscription(&headers)?;
    let id = reference(&headers)?.to_string();
    let new: NewUser = serde_json::from_slice(&body)
        .map_err(|e| Refusal::new(400, "BAD_REQUEST", format!("providerCallbackHost is needed: {e}")))?;
    let mut users = network.access.users.lock().expect("no panic while holding users");
    if users.contains_key(&id) {
        return Err(Refusal::new(
            409,
            "RESOURCE_ALREADY_EXIST",
            "Duplicated reference id. Creation of resource failed.",
        ));
    }
    if users.len() >= USERS_MAX {
        return Err(Refusal::new(503, "SERVICE_UNAVAILABLE", "too many API users"));
    }
    users.insert(id, User { callback_host: new.provider_callback_host, key: None });
    Ok(StatusCode::CREATED)
}

/// `GET /v1_0/apiuser/{id}`
pub async fn show_user(
    State(network): State<Arc<Network>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    subscription(&headers)?;
    let users = network.access.users.lock().expect("no panic while holding users");
    let user = users.get(&id).ok_or_else(no_such_user)?;
    Ok(Json(json!({"providerCallbackHost": user.callback_host, "targetEnvironment": SANDBOX})))
}

/// `POST /v1_0/apiuser/{id}/apikey`: voids the older key and the tokens made from it.
pub async fn create_key(
    State(network): State<Arc<Network>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refusal> {
    subscription(&headers)?;
    let key = Uuid::new_v4().simple().to_string();
    let mut users = network.access.users.lock().expect("no panic while holding users");
    users.get_mut(&id).ok_or_else(no_such_user)?.key = Some(key.clone());
    network.access.tokens.write().expect("no panic while writing tokens").retain(|_, t| t.user != id);
    Ok((StatusCode::CREATED, Json(json!({"apiKey": key}))))
}

fn no_such_user() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.")
}

fn subscription(headers: &HeaderMap) -> Result<(), Refusal> {
    match text(headers, "ocp-apim-subscription-key") {
        None | Some("") => Err(Refusal::gateway(
            401,
            "Access denied due to missing subscription key. Make sure to include subscription key when making requests \
             to an API.",
        )),
        Some(WRONG) => Err(Refusal::gateway(
            401,
            "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
        )),
        Some(_) => Ok(()),
    }
}

/// `X-Reference-Id`, which has to be a UUID of version 4.
pub fn reference(headers: &HeaderMap) -> Result<Uuid, Refusal> {
    text(headers, "x-reference-id")
        .and_then(|id| Uuid::try_parse(id).ok())
        .filter(|id| id.get_version_num() == 4 && id.get_variant() == uuid::Variant::RFC4122)
        .ok_or_else(|| Refusal::new(400, "BAD_REQUEST", "X-Reference-Id is missing or no UUID of version 4"))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = text(headers, "authorization")?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, key) = decoded.split_once(':')?;
    Some((user.to_owned(), key.to_owned()))
}

pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
