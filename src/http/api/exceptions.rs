//! What only a person can settle.

use crate::clock::Time;
use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page::{self, Paged};
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::store::Page;
use axum::Json;
use axum::extract::State;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// An exception as the API shows it.
#[derive(ToSchema)]
#[schema(as = Exception)]
#[expect(dead_code, reason = "only described")]
struct ExceptionView {
    id: Uuid,
    payout_id: Uuid,
    kind: String,
    attempt: i64,
    detail: String,
    #[schema(pattern = "^(open|resolved)$")]
    state: String,
    opened_at: Time,
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Lists what only a person can settle
#[utoipa::path(get, path = "/v1/exceptions", operation_id = "list_exceptions", tag = "Exceptions", params(Paged),
    responses((status = 200, body = Page<ExceptionView>)))]
async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    mut params: Params,
) -> Result<Json<Page<Value>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    Ok(Json(app.store.exceptions(who.organisation, page).await?))
}
