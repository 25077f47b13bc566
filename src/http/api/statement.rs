//! The statement of a wallet.

use crate::clock::Time;
use crate::http::App;
use crate::http::auth::Reader;
use crate::http::download::{self, Download, Pages};
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::ids::OrganisationId;
use crate::report::statement::csv::Csv;
use crate::report::statement::json::{Json, Statement};
use crate::report::statement::xlsx::Book;
use crate::report::statement::{Head, Movement, Span};
use crate::report::{Format, LINES_AT_A_TIME};
use crate::store::StoreError;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct StatementQuery {
    /// The first moment it covers (RFC 3339); left out: from the beginning
    #[param(nullable = false)]
    from: Option<String>,
    /// The first moment it does not cover (RFC 3339); left out: up to now
    #[param(nullable = false)]
    to: Option<String>,
    /// Left out: csv
    #[param(inline, nullable = false)]
    format: Option<Format>,
}

/// Makes the statement of a wallet: opening balance, every transfer that touched it, closing balance
#[utoipa::path(get, path = "/v1/wallets/{id}/statement", operation_id = "get_statement", tag = "Reports",
    params(Id, StatementQuery),
    responses((status = 200, content(
            (Statement = "application/json"), (String = "text/csv; charset=utf-8"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
        headers(("X-Ledger-Position" = i64, description = "The last transfer that the statement knows of")))),
    extensions(("x-problems" = json!(["too_many_requests"]))))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(wallet): Id,
    mut params: Params,
) -> Result<Response, Problem> {
    let format = download::format(&mut params)?;
    let span = Span { from: time(&mut params, "from")?, to: time(&mut params, "to")? };
    params.end()?;
    if span.from.zip(span.to).is_some_and(|(from, to)| from > to) {
        return Err(Problem::field("?to", "invalid", "to must not be before from"));
    }
    let head = app.store.statement_head(who.organisation, wallet, span).await?;
    let name = format!("statement-{}-{}", head.currency.code().to_lowercase(), head.position);
    let download = Download { format, name, position: Some(head.position) };
    match format {
        Format::Csv => Ok(download.text(movements(&app, who.organisation, &head).await?, Csv::new(head))),
        Format::Json => Ok(download.text(movements(&app, who.organisation, &head).await?, Json::new(head))),
        Format::Xlsx => {
            let place = app.places.workbooks.take(who.organisation, "workbooks")?;
            let movements = movements(&app, who.organisation, &head).await?;
            download.workbook(&app, place, movements, |folder| Ok(Box::new(Book::new(head, folder)?))).await
        }
    }
}

fn time(params: &mut Params, name: &str) -> Result<Option<Time>, Problem> {
    let Some(text) = params.take(name)? else { return Ok(None) };
    let message = format!("{name} must be an RFC 3339 time with its offset, such as 2026-03-01T00:00:00Z");
    text.parse().map(Some).map_err(|_| Problem::field(format!("?{name}"), "invalid", message))
}

async fn movements(app: &Arc<App>, organisation: OrganisationId, head: &Head) -> Result<Pages<Movement>, StoreError> {
    let (app, wallet, until) = (app.clone(), head.wallet, head.position);
    download::pages(head.after, move |after| {
        let app = app.clone();
        async move {
            let store = &app.store;
            let movements = store.statement_lines(organisation, wallet, after, until, LINES_AT_A_TIME).await?;
            let last = movements.last().map_or(after, |movement| movement.position);
            Ok((movements, last))
        }
    })
    .await
}
