//! The API, one file per noun.

mod audit;
pub mod batches;
mod exceptions;
mod lanes;
mod messages;
mod payouts;
mod preview;
mod reports;
mod rows;
mod terms;
mod upload;
mod wallets;

use super::App;
use axum::Router;
use std::sync::Arc;
pub(crate) use upload::read_upload;

/// Every route but the upload, which has limits of its own.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(batches::routes())
        .merge(rows::routes())
        .merge(payouts::routes())
        .merge(messages::routes())
        .merge(preview::routes())
        .merge(reports::routes())
        .merge(wallets::routes())
        .merge(exceptions::routes())
        .merge(lanes::routes())
        .merge(audit::routes())
}
