//! The settlement report, read and written page by page, so that a million lines cost no more memory than five hundred.

use crate::batch::Batch;
use crate::http::App;
use crate::http::auth::Reader;
use crate::http::download::{self, Download, Pages, slug};
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::report::settlement::csv::Csv;
use crate::report::settlement::json::{Json, Report};
use crate::report::settlement::xlsx::Book;
use crate::report::settlement::{Head, Line};
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
struct ReportQuery {
    /// Left out: csv
    #[param(inline, nullable = false)]
    format: Option<Format>,
    /// The ledger position to show; this version shows the present one
    #[param(nullable = false, minimum = 0)]
    position: Option<i64>,
}

/// Makes the settlement report of a batch: one line per recipient of the upload
///
/// `X-Ledger-Position` names the last transfer that touched the batch. While nothing moves, the report is the same bytes each
/// time. As XLSX it has the sheets Summary, Payments and Failures.
///
/// In a batch of kind `sms` each line is a message and its `amount` is what it costs. It is charged in the states `submitted`,
/// `delivered`, `undelivered`, `expired` and `unknown`, for then it is, or may be, out; one that is `rejected` or `cancelled` was
/// not sent, and its cost went back to the wallet.
#[utoipa::path(get, path = "/v1/batches/{id}/report", operation_id = "get_report", tag = "Reports",
    params(Id, ReportQuery),
    responses((status = 200, content(
            (Report = "application/json"), (String = "text/csv; charset=utf-8"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
        headers(("X-Ledger-Position" = i64, description = "The last transfer that touched the batch")))),
    extensions(("x-problems" = json!(["too_many_requests"]))))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    mut params: Params,
) -> Result<Response, Problem> {
    let (format, position) = (download::format(&mut params)?, position(&mut params)?);
    params.end()?;
    let head = app.store.report_head(who.organisation, batch).await?;
    if let Some(wanted) = position {
        is_shown(wanted, head.position, app.store.ledger_position().await?)?;
    }
    let download = Download { format, name: file_name(&head.batch), position: Some(head.position) };
    match format {
        Format::Csv => Ok(download.text(lines(&app, &head).await?, Csv)),
        Format::Json => Ok(download.text(lines(&app, &head).await?, Json::new(head))),
        Format::Xlsx => {
            let place = app.places.workbooks.take(who.organisation, "workbooks")?;
            let lines = lines(&app, &head).await?;
            download.workbook(&app, place, lines, |folder| Ok(Box::new(Book::new(head, folder)?))).await
        }
    }
}

fn position(params: &mut Params) -> Result<Option<i64>, Problem> {
    let Some(text) = params.take("position")? else { return Ok(None) };
    let position = text.parse().ok().filter(|position| *position >= 0);
    position.map(Some).ok_or_else(|| Problem::field("?position", "invalid", "position must be a whole number"))
}

/// A report shows the batch as the ledger left it with its last transfer, which is also how it was at every position since.
fn is_shown(wanted: i64, shown: i64, last: i64) -> Result<(), Problem> {
    let refused = |message: String| Err(Problem::field("?position", "unsupported", message));
    match wanted {
        _ if wanted > last => refused(format!("the ledger ends at position {last}")),
        _ if wanted < shown => refused(format!(
            "money of this batch moved up to position {shown}, and this version does not show what was before; take a \
             position from {shown} to {last}, or leave position out"
        )),
        _ => Ok(()),
    }
}

async fn lines(app: &Arc<App>, head: &Head) -> Result<Pages<Line>, StoreError> {
    let (app, organisation, batch) = (app.clone(), head.batch.organisation, head.batch.id);
    download::pages(0, move |after| {
        let app = app.clone();
        async move {
            let lines = app.store.report_lines(organisation, batch, after, LINES_AT_A_TIME).await?;
            let last = lines.last().map_or(after, |line| line.row);
            Ok((lines, last))
        }
    })
    .await
}

/// `settlement-march-payroll-018f3a2b`.
fn file_name(batch: &Batch) -> String {
    let id = batch.id.simple().to_string();
    format!("settlement-{}{}", slug(&batch.name), &id[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_shown_if_nothing_moved_since() {
        assert!(is_shown(7, 7, 9).is_ok() && is_shown(9, 7, 9).is_ok());
        assert!(is_shown(10, 7, 9).unwrap_err().detail.contains("ends at position 9"));
        assert!(is_shown(6, 7, 9).unwrap_err().detail.contains("from 7 to 9"));
    }
}
