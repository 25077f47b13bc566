//! The lanes as they stand: which work, and which are parked and why.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page;
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::store::Page;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/v1/lanes", get(list))
}

async fn list(
    State(app): State<Arc<App>>,
    Reader(_): Reader,
    mut params: Params,
) -> Result<Json<Page<Value>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    let items = match (app.lanes)() {
        Value::Array(lanes) => lanes,
        other => vec![other],
    };
    Ok(Json(page::cut(items, &page)?))
}
