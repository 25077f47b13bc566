//! Payouts: a batch's list, and one with everything that happened to it.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page;
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::payout::{PayoutTimeline, PayoutView};
use crate::store::Page;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/v1/batches/{id}/payouts", get(list)).route("/v1/payouts/{id}", get(show))
}

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

async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(payout): Id,
    params: Params,
) -> Result<Json<PayoutTimeline>, Problem> {
    params.end()?;
    Ok(Json(app.store.payout(who.organisation, payout).await?))
}
