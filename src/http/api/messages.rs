//! Messages: a batch's list, and a single one.

use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page::{self, Paged};
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::sms::{self, MessageView};
use crate::store::Page;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Lists the messages of a batch
#[utoipa::path(get, path = "/v1/batches/{id}/messages", operation_id = "list_messages", tag = "Messages",
    params(Id, Paged, ("state" = Option<sms::State>, Query, description = "Only those in this state")),
    responses((status = 200, body = Page<MessageView>)))]
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

/// Shows a message
#[utoipa::path(get, path = "/v1/messages/{id}", operation_id = "get_message", tag = "Messages", params(Id),
    responses((status = 200, body = MessageView)))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(message): Id,
    params: Params,
) -> Result<Json<MessageView>, Problem> {
    params.end()?;
    Ok(Json(app.store.message(who.organisation, message).await?))
}
