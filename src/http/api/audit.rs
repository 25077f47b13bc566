//! The audit trail of the caller's organisation.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page;
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::org::audit::Entry;
use crate::store::Page;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/v1/audit", get(list))
}

async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    mut params: Params,
) -> Result<Json<Page<Entry>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    Ok(Json(app.store.audit(who.organisation, page).await?))
}
