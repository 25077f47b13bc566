//! The lanes as they stand: which work, and which are parked and why.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page::{self, Paged};
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::lane::LaneView;
use crate::store::Page;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Shows the lanes as they stand
#[utoipa::path(get, path = "/v1/lanes", operation_id = "list_lanes", tag = "Installation", params(Paged),
    responses((status = 200, body = Page<LaneView>)))]
async fn list(State(app): State<Arc<App>>, _: Reader, mut params: Params) -> Result<Json<Page<LaneView>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    Ok(Json(page::cut((app.lanes)(), &page)?))
}
