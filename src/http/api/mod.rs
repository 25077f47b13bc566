//! The API, one file per noun.

mod audit;
pub mod batches;
mod events;
mod exceptions;
mod lanes;
mod messages;
mod payouts;
mod preview;
mod quarantine;
mod reports;
mod rows;
mod statement;
mod terms;
mod upload;
mod wallets;

use super::App;
use std::sync::Arc;
pub(crate) use upload::read_upload;
use utoipa_axum::router::OpenApiRouter;

/// Every route but the upload and the reports, which have limits of their own.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(batches::routes())
        .merge(rows::routes())
        .merge(payouts::routes())
        .merge(messages::routes())
        .merge(preview::routes())
        .merge(events::routes())
        .merge(wallets::routes())
        .merge(exceptions::routes())
        .merge(lanes::routes())
        .merge(quarantine::routes())
        .merge(audit::routes())
}

/// Reports, which take as long as there are lines.
pub fn report_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(reports::routes()).merge(statement::routes())
}
