//! The OpenAPI document, made from the code.
//!
//! A handler says what it takes and gives in `#[utoipa::path]` and is registered through `routes!`: what is served is what
//! is described. What is alike everywhere (the key, the problems that any request may meet, required members) is added
//! here, once; the examples stand in one file, in the order in which they work, and the tests send them to a server.

mod examples;
mod finish;
mod page;

use super::App;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gaba",
        description = "Pays many people by mobile money, once each, and can prove it.\n\n\
            Every request under `/v1` carries `Authorization: Bearer gaba_live_…`. Errors are RFC 9457 problems with a stable \
            `code`. Money is a decimal string, never a JSON number. Times are RFC 3339, UTC. Lists come in pages: follow \
            `next_cursor`. Every POST under `/v1` takes an `Idempotency-Key` and can be repeated under it: the same key and \
            body give the same answer, whatever has happened since; another body is refused with 422. What was refused can be \
            tried again."
    ),
    components(schemas(super::problem::ProblemView)),
    tags(
        (name = "Batches", description = "One upload each, from the file to the last recipient"),
        (name = "Payouts", description = "One recipient's transfer each"),
        (name = "Messages", description = "One recipient's SMS each"),
        (name = "Reports", description = "What finance takes away"),
        (name = "Wallets", description = "What an organisation may spend"),
        (name = "Exceptions", description = "What only a person can settle"),
        (name = "Installation", description = "Lanes, the audit trail, health, this description"),
        (name = "Hooks", description = "Where providers post their receipts"),
    )
)]
struct Gaba;

/// The document that is served at `/openapi.json` and printed by `gaba openapi`.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let mut described = Gaba::openapi();
        described.merge(super::described(0).into_openapi());
        examples::put(finish::finish(serde_json::to_value(described).expect("a document of strings")))
    });
    &DOCUMENT
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(page::json)).routes(routes!(page::html))
}
