//! The rows of a list before it is submitted: what is wrong with them, and correcting them.

use crate::batch::Batch;
use crate::batch::approval;
use crate::batch::correction::{self, Correction, RowView};
use crate::batch::import::{self, Mapping, Severity, SmsTerms, Terms};
use crate::http::App;
use crate::http::auth::{Maker, Reader};
use crate::http::body::JsonBody;
use crate::http::download::{self, Download, Pages, slug};
use crate::http::page::{self, Paged};
use crate::http::params::{BatchRow, Id, Params, if_match};
use crate::http::problem::Problem;
use crate::lane::route::{self, Router as Lanes};
use crate::report::Format;
use crate::report::issues::{self, Csv, Workbook};
use crate::store::{BadRow, IssueView, JudgeRow, Page, Refusal, StoreError};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bad rows read at a time.
const ROWS_AT_ONCE: u32 = 500;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(csv)).routes(routes!(xlsx)).routes(routes!(show, correct))
}

/// Lists every bad or doubtful row of the file
#[utoipa::path(get, path = "/v1/batches/{id}/issues", operation_id = "list_issues", tag = "Batches",
    params(Id, Paged, ("severity" = inline(Option<Severity>), Query, description = "Only those of this severity")),
    responses((status = 200, body = Page<IssueView>)))]
async fn list(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    mut params: Params,
) -> Result<Json<Page<IssueView>>, Problem> {
    let page = page::take(&mut params)?;
    let severity = match params.take("severity")? {
        None => None,
        Some(name) => Some(Severity::parse(&name).ok_or_else(|| {
            let known = Severity::ALL.map(Severity::name).join(", ");
            Problem::field("?severity", "unknown", format!("severity must be one of {known}"))
        })?),
    };
    params.end()?;
    Ok(Json(app.store.issues(who.organisation, batch, severity, page).await?))
}

/// Shows a row as it stands
#[utoipa::path(get, path = "/v1/batches/{id}/rows/{row}", operation_id = "get_row", tag = "Batches", params(BatchRow),
    responses((status = 200, body = RowView)))]
async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    BatchRow { batch, row }: BatchRow,
    params: Params,
) -> Result<Json<RowView>, Problem> {
    params.end()?;
    Ok(Json(app.store.row(who.organisation, batch, row).await?))
}

/// Corrects a row of a batch that is ready, or sets it aside; rows that were told of it are judged again
#[utoipa::path(patch, path = "/v1/batches/{id}/rows/{row}", operation_id = "correct_row", tag = "Batches",
    params(BatchRow, ("If-Match" = Option<String>, Header, description = "The digest that was looked at")),
    request_body = Correction,
    responses((status = 200, body = RowView)),
    extensions(("x-problems" = json!(["invalid_state", "precondition_failed", "conflict"]))))]
async fn correct(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    BatchRow { batch, row }: BatchRow,
    headers: HeaderMap,
    body: JsonBody<Correction>,
) -> Result<Json<RowView>, Problem> {
    let expected = if_match(&headers)?;
    let lanes = Lanes::new(&app.config.lanes).map_err(|e| {
        tracing::error!(error = %e, "the lanes overlap");
        Problem::internal()
    })?;
    let config = app.config.clone();
    let judge: JudgeRow = Arc::new(move |stored, correction, batch| {
        let mapping = batch.mapping.as_deref().map(Mapping::parse).transpose();
        let terms = Terms {
            currency: batch.currency,
            country: route::country(&config.lanes, batch.currency),
            router: &lanes,
            mapping: mapping.map_err(|e| StoreError::Rejected(e.to_string()))?,
            rows_max: config.rows_max,
            sms: SmsTerms::of(&config.lanes, batch).map_err(|why| Refusal::Invalid(why.to_string()))?,
            notice: import::notice_of(batch),
        };
        correction::correct(stored, correction, &terms).map_err(Refusal::into)
    });
    let fenced = expected.is_some();
    let corrected =
        app.store.correct_row(&who, batch, row, expected, &body.value, judge).await.map_err(|e| match e {
            StoreError::Fenced if fenced => {
                let detail = "the list changed since that digest; look at the batch again";
                Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
            }
            e => e.into(),
        })?;
    let mut view = corrected.into_inner();
    if view.batch.rows <= approval::DIGEST_AT_ONCE_ROWS {
        view.batch = match approval::with_digest(&app.store, view.batch.clone()).await {
            Ok(batch) => batch,
            // Corrected again meanwhile: whoever did that reckons the digest.
            Err(StoreError::Fenced) => view.batch,
            Err(e) => return Err(e.into()),
        };
    }
    Ok(Json(view))
}

/// The rows that cannot be paid, as uploaded, each with why: to be corrected and uploaded again
///
/// It begins with a byte order mark, so that Excel reads its letters as they are. Excel makes numbers of phone numbers all the
/// same: to be corrected there, take `issues.xlsx`.
#[utoipa::path(get, path = "/v1/batches/{id}/issues.csv", operation_id = "download_issues", tag = "Batches", params(Id),
    responses((status = 200, body = String, content_type = "text/csv; charset=utf-8")))]
async fn csv(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    params: Params,
) -> Result<Response, Problem> {
    params.end()?;
    let found = app.store.batch(who.organisation, batch).await?;
    let (headers, rows) = bad_rows(&app, &found).await?;
    Ok(download(Format::Csv, &found).text(rows, Csv { headers }))
}

/// The same rows as a workbook, with texts in all cells: a phone number keeps its zero when Excel opens and saves it
#[utoipa::path(get, path = "/v1/batches/{id}/issues.xlsx", operation_id = "download_issues_workbook", tag = "Batches",
    params(Id),
    responses((status = 200, body = String,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
    extensions(("x-problems" = json!(["too_many_requests"]))))]
async fn xlsx(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    params: Params,
) -> Result<Response, Problem> {
    params.end()?;
    let found = app.store.batch(who.organisation, batch).await?;
    let place = app.places.workbooks.take(who.organisation, "workbooks")?;
    let (headers, rows) = bad_rows(&app, &found).await?;
    let download = download(Format::Xlsx, &found);
    download.workbook(&app, place, rows, move |folder| Ok(Box::new(Workbook::new(&found, headers, folder)?))).await
}

fn download(format: Format, batch: &Batch) -> Download {
    Download { format, name: format!("{}issues", slug(&batch.name)), position: None }
}

/// The rows that cannot be paid, and the columns of the first of them.
async fn bad_rows(app: &Arc<App>, batch: &Batch) -> Result<(Vec<String>, Pages<BadRow>), StoreError> {
    let (app, organisation, batch) = (app.clone(), batch.organisation, batch.id);
    let headers = issues::headers(app.store.bad_rows(organisation, batch, 0, 1).await?.first());
    let pages = download::pages(0, move |after| {
        let app = app.clone();
        async move {
            let rows = app.store.bad_rows(organisation, batch, after, ROWS_AT_ONCE).await?;
            let last = rows.last().map_or(after, |row| row.row);
            Ok((rows, last))
        }
    });
    Ok((headers, pages.await?))
}
