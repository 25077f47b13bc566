//! Where providers post their receipts. A receipt is stored as it came and only then answered; what it means is found out
//! later, by the engine. Nothing a stranger posts here changes anything by itself.
//!
//! `/hooks/{lane}/{token}` is an address that only the provider was told: its token vouches for one reference. A token
//! that is not ours is no address at all.

mod strangers;

use super::App;
use super::body::RawBody;
use super::problem::Problem;
use crate::clock::Time;
use crate::config::LaneConfig;
use crate::rail::{self, RawReceipt, webhook};
use crate::receipt::NewReceipt;
use crate::receipt::verify::verify_capability_token;
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;
pub use strangers::Strangers;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The answer to a receipt: nothing that anybody could learn from.
#[derive(Serialize, utoipa::ToSchema)]
struct Empty {}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(open)).routes(routes!(capability))
}

/// The parameters of a hook's path. What cannot be read is no address of ours.
struct Address<T>(T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Address<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(parameters)| Address(parameters)).map_err(|_| Problem::not_found())
    }
}

/// Takes a receipt in the provider's own format
#[utoipa::path(method(post, put), path = "/hooks/{lane}", operation_id = "post_receipt", tag = "Hooks",
    params(("lane" = String, Path, description = "Name of the lane")), request_body(content = String, content_type = "*/*"),
    responses((status = 200, description = "It is stored", body = Empty)),
    extensions(("x-problems" = json!(["too_many_requests"]))))]
async fn open(
    State(app): State<Arc<App>>,
    Address(lane): Address<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Json<Empty>, Problem> {
    receive(&app, &lane, None, &headers, body.into()).await
}

/// Takes a receipt at an address that only the provider was told
#[utoipa::path(method(post, put), path = "/hooks/{lane}/{token}", operation_id = "post_receipt_to_capability", tag = "Hooks",
    params(("lane" = String, Path, description = "Name of the lane"), ("token" = String, Path, description = "What makes the address a capability")),
    request_body(content = String, content_type = "*/*"),
    responses((status = 200, description = "It is stored", body = Empty)),
    extensions(("x-problems" = json!(["too_many_requests"]))))]
async fn capability(
    State(app): State<Arc<App>>,
    Address((lane, token)): Address<(String, String)>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Json<Empty>, Problem> {
    receive(&app, &lane, Some(&token), &headers, body.into()).await
}

async fn receive(
    app: &App,
    lane: &str,
    token: Option<&str>,
    headers: &HeaderMap,
    body: Vec<u8>,
) -> Result<Json<Empty>, Problem> {
    let lane = app.config.lane(lane).ok_or_else(Problem::not_found)?;
    let receipt = read_receipt(&app.capability_key, lane, token, headers, body, app.clock.now());
    let receipt = receipt.ok_or_else(Problem::not_found)?;
    if !receipt.vouched {
        let headers: usize = receipt.raw.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        app.strangers.admit(&lane.name, receipt.raw.body.len() + headers)?;
    }
    app.inbox.store(receipt).await?;
    metrics::counter!("gaba_receipts_total", "lane" => lane.name.clone()).increment(1);
    Ok(Json(Empty {}))
}

/// What was posted to a lane's hook, as it is stored; `None` where the token in its address is not ours.
pub(crate) fn read_receipt(
    key: &[u8; 32],
    lane: &LaneConfig,
    token: Option<&str>,
    headers: &HeaderMap,
    body: Vec<u8>,
    received_at: Time,
) -> Option<NewReceipt> {
    let token_reference = match token {
        Some(token) => Some(verify_capability_token(key, &lane.name, token)?),
        None => None,
    };
    Some(receipt(lane, RawReceipt { token_reference, headers: kept(headers), body, received_at }))
}

fn receipt(lane: &LaneConfig, raw: RawReceipt) -> NewReceipt {
    let reference = raw.token_reference.or_else(|| spoken_of(&raw.body));
    let (vouched, fingerprint) = (rail::vouched(lane, &raw), fingerprint(&lane.name, &raw));
    NewReceipt { lane: lane.name.clone(), reference, fingerprint, vouched, raw }
}

/// The headers that a signature is verified with; never credentials.
fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let wanted = |name: &str| name == "content-type" || webhook::HEADERS.contains(&name);
    let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned()))
    };
    let mut kept: Vec<_> = headers.iter().filter(|(name, _)| wanted(name.as_str())).filter_map(text).collect();
    kept.sort();
    kept
}

/// Over everything that a verdict on the receipt rests on. The signature belongs to it: otherwise a forged copy that comes
/// first would make the genuine receipt look like a repeat.
fn fingerprint(lane: &str, raw: &RawReceipt) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(lane.as_bytes());
    add(raw.token_reference.as_ref().map_or(&[][..], |r| r.as_bytes()));
    for (name, value) in &raw.headers {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    add(&raw.body);
    hash.finalize().into()
}

/// The reference a JSON body seems to speak of, read without judging.
fn spoken_of(body: &[u8]) -> Option<Uuid> {
    let body: Value = serde_json::from_slice(body).ok()?;
    ["reference", "id"].into_iter().find_map(|field| body.get(field)?.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane() -> LaneConfig {
        let lane = "[[lanes]]\nname = \"airtel-ug\"\nrail = \"http\"\nbase_url = \"http://x\"\ncurrency = \"UGX\"\n";
        crate::config::Config::parse(lane).unwrap().lanes.remove(0)
    }

    fn posted(headers: &[(&'static str, &str)], body: &str) -> NewReceipt {
        let headers = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        let raw =
            RawReceipt { token_reference: None, headers: kept(&headers), body: body.into(), received_at: Time(0) };
        receipt(&lane(), raw)
    }

    #[test]
    fn credentials_are_not_kept() {
        let headers = [("authorization", "Bearer x"), ("cookie", "a=b"), ("webhook-id", "1"), ("content-type", "a/b")];
        let names: Vec<_> = posted(&headers, "").raw.headers.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["content-type", "webhook-id"]);
    }

    #[test]
    fn a_repeat_is_recognised_and_a_forged_copy_is_no_repeat() {
        let signed =
            |signature: &str| posted(&[("webhook-id", "1"), ("webhook-signature", signature)], "{}").fingerprint;
        assert_eq!(signed("v1,good"), signed("v1,good"));
        assert_ne!(signed("v1,good"), signed("v1,forged"));
        assert_ne!(signed("v1,good"), posted(&[], "{}").fingerprint);
    }

    #[test]
    fn the_reference_is_read_where_there_is_one() {
        let reference = Uuid::from_u128(7);
        assert_eq!(posted(&[], &format!(r#"{{"reference":"{reference}"}}"#)).reference, Some(reference));
        assert_eq!(posted(&[], &format!(r#"{{"reference":"x","id":"{reference}"}}"#)).reference, Some(reference));
        for body in ["", "{}", "[]", "no json", r#"{"reference":5}"#] {
            assert_eq!(posted(&[], body).reference, None, "{body}");
        }
    }
}
