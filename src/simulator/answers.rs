//! Answers that the rails share: refusals, and the ways a gateway answers when it is broken.

use super::entry::Rail;
use axum::Json;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::borrow::Cow;

/// A 4xx in the words of the rail: `{"code","message"}`.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    /// Empty: the gateway in front of MTN speaks, which says `{"statusCode","message"}`.
    pub code: &'static str,
    pub message: Cow<'static, str>,
}

impl Refusal {
    pub fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Refusal {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Refusal { status, code, message: message.into() }
    }

    pub fn gateway(status: u16, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(status, "", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = match self.code {
            "" => json!({"statusCode": self.status.as_u16(), "message": self.message}),
            code => json!({"code": code, "message": self.message}),
        };
        (self.status, Json(body)).into_response()
    }
}

pub fn too_many(rail: Rail) -> Response {
    let refusal = match rail {
        Rail::MtnMomo => Refusal::gateway(429, "Rate limit is exceeded. Try again in 1 seconds."),
        Rail::Http | Rail::SmsHttp => Refusal::new(429, "RATE_LIMITED", "too many requests; try again in a second"),
    };
    ([(header::RETRY_AFTER, "1")], refusal).into_response()
}

/// One of the ways to answer 5xx: the rail's own words, a proxy's page, or "unavailable".
pub fn broken(rail: Rail, flavour: u8) -> Response {
    match (flavour, rail) {
        (0, Rail::MtnMomo) => {
            Refusal::new(500, "INTERNAL_PROCESSING_ERROR", "An internal error occurred").into_response()
        }
        (0, _) => Refusal::new(500, "INTERNAL_ERROR", "something went wrong").into_response(),
        (1, _) => {
            let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
            (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        (_, Rail::MtnMomo) => {
            Refusal::new(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable").into_response()
        }
        (_, _) => Refusal::new(503, "UNAVAILABLE", "try again later").into_response(),
    }
}

/// Also where doubled slashes end up, which MTN's gateway answers with a 400.
pub async fn no_such_route(uri: Uri) -> Refusal {
    match uri.path().contains("//") {
        true => Refusal::gateway(400, "Bad Request: doubled slashes in the path"),
        false => Refusal::gateway(404, "Resource not found"),
    }
}
