//! The API, one file per noun.

mod audit;
pub mod batches;
mod exceptions;
mod lanes;
mod messages;
mod payouts;
mod reports;
mod terms;
mod upload;
mod wallets;

use super::App;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

/// Every route but the upload, which has limits of its own.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(batches::routes())
        .merge(payouts::routes())
        .merge(messages::routes())
        .merge(reports::routes())
        .merge(wallets::routes())
        .merge(exceptions::routes())
        .merge(lanes::routes())
        .merge(audit::routes())
}
