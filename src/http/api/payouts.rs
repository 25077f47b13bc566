//! Payouts: a batch's list, and one with everything that happened to it.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page::{self, Paged};
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::payout::{self, PayoutTimeline, PayoutView};
use crate::store::Page;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Lists the payouts of a batch, in the order of the file
#[utoipa::path(get, path = "/v1/batches/{id}/payouts", operation_id = "list_payouts", tag = "Payouts",
    params(Id, Paged, ("state" = Option<payout::State>, Query, description = "Only those in this state")),
    responses((status = 200, body = Page<PayoutView>)))]
async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    mut params: Params,
) -> Result<Json<Page<PayoutView>>, Problem> {
    let (state, page) = (params.state()?, page::take(&mut params)?);
    params.end()?;
    Ok(Json(app.store.payouts(who.organisation, batch, state, page).await?))
}

/// Shows a payout with every attempt and everything that happened to it
#[utoipa::path(get, path = "/v1/payouts/{id}", operation_id = "get_payout", tag = "Payouts", params(Id),
    responses((status = 200, body = PayoutTimeline)))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(payout): Id,
    params: Params,
) -> Result<Json<PayoutTimeline>, Problem> {
    params.end()?;
    Ok(Json(app.store.payout(who.organisation, payout).await?))
}
