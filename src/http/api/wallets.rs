//! Wallets, and the operator's confirmation that money has come in.

use crate::http::App;
use crate::http::auth::{Funder, Reader};
use crate::http::body::JsonBody;
use crate::http::idempotency::RequiredKey;
use crate::http::page::{self, Paged};
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::money::{Currency, Money};
use crate::store::Page;
use crate::wallet::{FundingView, WalletView};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const REFERENCE_CHARS_MAX: usize = 200;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(fund))
}

/// Lists the wallets
#[utoipa::path(get, path = "/v1/wallets", operation_id = "list_wallets", tag = "Wallets", params(Paged),
    responses((status = 200, body = Page<WalletView>)))]
async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    mut params: Params,
) -> Result<Json<Page<WalletView>>, Problem> {
    let page = page::take(&mut params)?;
    params.end()?;
    Ok(Json(page::cut(app.store.wallets(who.organisation).await?, &page)?))
}

/// Shows a wallet
#[utoipa::path(get, path = "/v1/wallets/{id}", operation_id = "get_wallet", tag = "Wallets", params(Id),
    responses((status = 200, body = WalletView)))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(wallet): Id,
    params: Params,
) -> Result<Json<WalletView>, Problem> {
    params.end()?;
    Ok(Json(app.store.wallet(who.organisation, wallet).await?))
}

/// The amount is in the wallet's currency; a currency that is named must be that one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFunding)]
struct Funding {
    amount: String,
    currency: Option<String>,
    reference: String,
}

impl Funding {
    fn read(self, currency: Currency) -> Result<(Money, String), Problem> {
        if self.currency.is_some_and(|given| given != currency.code()) {
            return Err(Problem::field("/currency", "mismatch", format!("this wallet is in {currency}")));
        }
        let amount = Money::parse(&self.amount, currency)
            .map_err(|error| Problem::field("/amount", "invalid_amount", error.to_string()))?;
        if amount.minor == 0 {
            return Err(Problem::field("/amount", "invalid_amount", "the amount must be more than nothing"));
        }
        let reference = self.reference.trim();
        if !(1..=REFERENCE_CHARS_MAX).contains(&reference.chars().count()) || reference.chars().any(char::is_control) {
            let message = "the reference is the bank's or provider's own: 1 to 200 characters on one line";
            return Err(Problem::field("/reference", "invalid", message));
        }
        Ok((amount, reference.to_owned()))
    }
}

/// Confirms money that came in (operators only)
#[utoipa::path(post, path = "/v1/wallets/{id}/fundings", operation_id = "create_funding", tag = "Wallets",
    params(Id, RequiredKey), request_body = Funding,
    responses((status = 201, body = FundingView)),
    extensions(("x-problems" = json!(["reference_used"]))))]
async fn fund(
    State(app): State<Arc<App>>,
    Funder(who): Funder,
    Id(wallet): Id,
    key: RequiredKey,
    body: JsonBody<Funding>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let currency = app.store.wallet(who.organisation, wallet).await?.currency;
    let currency: Currency = currency.parse().map_err(|_| Problem::internal())?;
    let (amount, reference) = body.value.read(currency)?;
    let funded = app.store.fund(&who, amount, &reference, Some(key.with(body.fingerprint))).await?;
    Ok((StatusCode::CREATED, Json(funded.into_inner())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(amount: &str, currency: Option<&str>, reference: &str) -> Result<(Money, String), Problem> {
        let currency = currency.map(str::to_owned);
        Funding { amount: amount.into(), currency, reference: reference.into() }.read(Currency::Ugx)
    }

    #[test]
    fn a_funding_is_a_positive_amount_of_the_wallets_currency_under_a_reference() {
        assert_eq!(read("50000", Some("UGX"), " R1 ").unwrap(), (Money::new(50_000, Currency::Ugx), "R1".into()));
        for (amount, currency, reference) in
            [("0", None, "R"), ("-1", None, "R"), ("1", Some("KES"), "R"), ("1", None, " "), ("1", None, "a\nb")]
        {
            assert!(read(amount, currency, reference).is_err(), "{amount} {currency:?} {reference:?}");
        }
        let float = r#"{"amount": 50000.5, "reference": "R"}"#;
        assert!(serde_json::from_str::<Funding>(float).is_err());
    }
}
