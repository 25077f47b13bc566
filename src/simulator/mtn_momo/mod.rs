//! MTN MoMo Open API, product Disbursement, as MTN's pages and SDKs describe it.
//!
//! - **A reference that was taken is answered 409 for ever after**, whatever the body.
//! - Any API user and key is let in but the literal `wrong`; a user that was provisioned here needs the key it was given,
//!   and its callback addresses must be on the host it registered.
//! - The `reason` of a failure is a bare string for one half of the references and `{code, message}` for the other;
//!   callbacks come by PUT for one half and by POST for the other.
//! - Notes take ASCII letters, digits, blanks and `. , - _ / : ( )`, at most 160.

mod access;
mod look_up;
mod transfer;

pub use access::Access;
pub use transfer::status_body;

use super::network::Network;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// What a target environment pays in. `None`: there is none of that name.
fn currency_of(target: &str) -> Option<&'static str> {
    match target {
        SANDBOX => Some("EUR"),
        "mtnuganda" => Some("UGX"),
        "mtnghana" => Some("GHS"),
        "mtnivorycoast" | "mtnbenin" => Some("XOF"),
        "mtnrwanda" => Some("RWF"),
        _ => None,
    }
}

const SANDBOX: &str = "sandbox";

pub fn routes() -> Router<Arc<Network>> {
    const V1: &str = "/disbursement/v1_0";
    Router::new()
        .route("/v1_0/apiuser", post(access::create_user))
        .route("/v1_0/apiuser/{id}", get(access::show_user))
        .route("/v1_0/apiuser/{id}/apikey", post(access::create_key))
        .route("/disbursement/token/", post(access::token))
        .route("/disbursement/token", post(access::token))
        .route(&format!("{V1}/transfer"), post(transfer::submit))
        .route(&format!("{V1}/transfer/{{reference}}"), get(transfer::status))
        .route(&format!("{V1}/account/balance"), get(look_up::balance))
        .route(&format!("{V1}/accountholder/msisdn/{{msisdn}}/active"), get(look_up::active))
        .route(&format!("{V1}/accountholder/msisdn/{{msisdn}}/basicuserinfo"), get(look_up::basic_user_info))
}
