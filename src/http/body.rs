//! Request bodies: read whole up to the route's limit, JSON only where JSON is meant, unknown members refused.

use super::problem::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// A body as it came, within the route's `DefaultBodyLimit`.
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(RawBody).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is larger than 64 KiB"),
            _ => Problem::invalid("the body could not be read to its end; send it again"),
        })
    }
}

/// A JSON body and what it is recognised by when it is sent again. No body at all is taken as `{}`.
pub struct JsonBody<T> {
    pub value: T,
    pub fingerprint: [u8; 32],
}

/// The body of a request that needs none.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        if !json && !bytes.is_empty() {
            return Err(Problem::unsupported_media_type("application/json"));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value = read(text)?;
        Ok(JsonBody { value, fingerprint: Sha256::digest(text).into() })
    }
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(text)
        .map_err(|e| Problem::field("", "invalid_json", format!("the JSON body is not as expected: {e}")))
}

/// Whether the headers announce JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers)
        .is_some_and(|m| m == "application/json" || (m.starts_with("application/") && m.ends_with("+json")))
}

/// The media type in lower case, without its parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Reason {
        #[expect(dead_code, reason = "only read by serde")]
        reason: String,
    }

    #[test]
    fn json_that_says_more_less_or_twice_is_refused() {
        assert!(read::<Reason>(br#"{"reason":"late"}"#).is_ok());
        let deep = "[".repeat(100_000);
        let deep = format!(r#"{{"reason":{deep}"#);
        for bad in ["", "{}", "[]", "null", r#"{"reason":1}"#, r#"{"reason":"a","x":1}"#, deep.as_str()]
            .into_iter()
            .chain([r#"{"reason":"a","reason":"b"}"#, r#"{"reason":"a"} {}"#])
        {
            assert_eq!(read::<Reason>(bad.as_bytes()).unwrap_err().code, "invalid_request", "{:.40}", bad);
        }
        assert!(read::<Nothing>(b"{}").is_ok());
        assert!(read::<Nothing>(br#"{"force":true}"#).is_err());
    }

    #[test]
    fn the_media_type_is_read_without_parameters_and_case() {
        let json = |value: &str| is_json(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]));
        assert!(json("Application/JSON; charset=utf-8") && json("application/merge-patch+json"));
        assert!(!json("text/plain") && !json("application/jsonp") && !is_json(&HeaderMap::new()));
    }
}
