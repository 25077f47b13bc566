//! Messages: a batch's list, and a single one.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page;
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::sms::MessageView;
use crate::store::Page;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/v1/batches/{id}/messages", get(list)).route("/v1/messages/{id}", get(show))
}

async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    mut params: Params,
) -> Result<Json<Page<MessageView>>, Problem> {
    let (state, page) = (params.state()?, page::take(&mut params)?);
    params.end()?;
    Ok(Json(app.store.messages(who.organisation, batch, state, page).await?))
}

async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(message): Id,
    params: Params,
) -> Result<Json<MessageView>, Problem> {
    params.end()?;
    Ok(Json(app.store.message(who.organisation, message).await?))
}
