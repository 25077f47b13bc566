//! Whether the installation stands still, and why.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::quarantine::Quarantine;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(Serialize, utoipa::ToSchema)]
struct Standing {
    /// While this is true nothing new is sent: no payment and no SMS.
    standing: bool,
    quarantine: Option<Quarantine>,
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get))
}

/// Tells whether the installation is in quarantine
#[utoipa::path(get, path = "/v1/quarantine", operation_id = "get_quarantine", tag = "Installation",
    responses((status = 200, body = Standing)))]
async fn get(State(app): State<Arc<App>>, _: Reader, params: Params) -> Result<Json<Standing>, Problem> {
    params.end()?;
    let quarantine = app.store.quarantine().await?;
    Ok(Json(Standing { standing: quarantine.is_some(), quarantine }))
}
