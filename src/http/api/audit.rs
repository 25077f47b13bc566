//! The audit trail of the caller's organisation.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page::{self, Paged};
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::org::audit::Entry;
use crate::store::Page;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Lists what people and keys did
#[utoipa::path(get, path = "/v1/audit", operation_id = "list_audit", tag = "Installation", params(Paged),
    responses((status = 200, body = Page<Entry>)))]
async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    mut params: Params,
) -> Result<Json<Page<Entry>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    Ok(Json(app.store.audit(who.organisation, page).await?))
}
