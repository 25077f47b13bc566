//! The document itself, and a page that shows it to people: one file, nothing from elsewhere.

use super::document;
use crate::http::params::Params;
use crate::http::problem::Problem;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use std::sync::LazyLock;

const PAGE: &str = include_str!("docs.html");
/// The page holds its own script and style and may fetch the document, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FOR_AN_HOUR: &str = "public, max-age=3600";

/// Gives this description
#[utoipa::path(get, path = "/openapi.json", operation_id = "get_openapi", tag = "Installation",
    extensions(("x-problems" = json!(["invalid_request"]))),
    responses((status = 200, content_type = "application/json", body = Object)))]
pub async fn json(params: Params) -> Result<impl IntoResponse, Problem> {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    params.end()?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, FOR_AN_HOUR)], TEXT.as_str()))
}

/// Shows this description to people
#[utoipa::path(get, path = "/docs", operation_id = "get_docs", tag = "Installation",
    extensions(("x-problems" = json!(["invalid_request"]))),
    responses((status = 200, content_type = "text/html; charset=utf-8", body = String)))]
pub async fn html(params: Params) -> Result<impl IntoResponse, Problem> {
    params.end()?;
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, FOR_AN_HOUR)];
    Ok((headers, PAGE))
}
