//! The settlement report, read and written page by page, so that a million lines cost no more memory than five hundred.

use crate::batch::Batch;
use crate::http::App;
use crate::http::auth::Reader;
use crate::http::page::LIMIT_MAX;
use crate::http::params::{Id, Params};
use crate::http::problem::Problem;
use crate::report::csv;
use crate::report::settlement::Line;
use crate::store::StoreError;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::sync::Arc;

const POSITION: &str = "x-ledger-position";
const SLUG_CHARS_MAX: usize = 60;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/v1/batches/{id}/report", get(show))
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Json,
}

impl Format {
    fn take(params: &mut Params) -> Result<Format, Problem> {
        match params.take("format")?.as_deref() {
            None | Some("csv") => Ok(Format::Csv),
            Some("json") => Ok(Format::Json),
            Some(_) => Err(Problem::field(
                "?format",
                "unsupported",
                "this version writes reports as format=csv or format=json",
            )),
        }
    }
}

async fn show(
    State(app): State<Arc<App>>,
    Reader(who): Reader,
    Id(batch): Id,
    mut params: Params,
) -> Result<Response, Problem> {
    let format = Format::take(&mut params)?;
    if params.take("position")?.is_some() {
        let message = "reports of an earlier ledger position are not offered by this version; leave position out";
        return Err(Problem::field("?position", "unsupported", message));
    }
    params.end()?;
    let batch = app.store.batch(who.organisation, batch).await?;
    let position = app.store.ledger_position().await?;
    let lines = Lines::begin(app, &batch).await?;
    let name = file_name(&batch);
    let mut response = match format {
        Format::Csv => csv_response(lines, &name),
        Format::Json => json_response(lines, &name, &batch, position),
    };
    response.headers_mut().insert(POSITION, position.into());
    Ok(response)
}

/// The lines that are still to be written. The first page is read before the answer begins, so that trouble with the
/// database is an answer with a status; later trouble breaks the answer off, which no client takes for its end.
struct Lines {
    app: Arc<App>,
    batch: Batch,
    next: Vec<Line>,
}

impl Lines {
    async fn begin(app: Arc<App>, batch: &Batch) -> Result<Lines, StoreError> {
        let mut lines = Lines { app, batch: batch.clone(), next: Vec::new() };
        lines.next = lines.after(0).await?;
        Ok(lines)
    }

    async fn after(&self, row: u32) -> Result<Vec<Line>, StoreError> {
        self.app.store.report_lines(self.batch.organisation, self.batch.id, row, LIMIT_MAX).await
    }

    fn pages(self) -> impl Stream<Item = Result<Vec<Line>, StoreError>> {
        stream::try_unfold(self, |mut lines| async move {
            let page = std::mem::take(&mut lines.next);
            let Some(last) = page.last() else { return Ok(None) };
            lines.next = lines.after(last.row).await?;
            Ok(Some((page, lines)))
        })
    }
}

fn csv_response(lines: Lines, name: &str) -> Response {
    let header = stream::once(async { Ok(Bytes::from(csv::header())) });
    let pages = lines.pages().map_ok(|page| Bytes::from(page.iter().flat_map(csv::line).collect::<Vec<u8>>()));
    download(Body::from_stream(header.chain(pages)), "text/csv; charset=utf-8", &format!("{name}.csv"))
}

fn json_response(lines: Lines, name: &str, batch: &Batch, position: i64) -> Response {
    let shown = json!(batch);
    let totals = &shown["totals"];
    // Written by hand around the lines, which are never all in memory.
    let head = format!(r#"{{"batch":{shown},"position":{position},"totals":{totals},"lines":["#);
    let mut first = true;
    let pages = lines.pages().map_ok(move |page| {
        let text = json_lines(&page, first);
        first = false;
        text
    });
    let around = |text: String| stream::once(async move { Ok(Bytes::from(text)) });
    let body = around(head).chain(pages).chain(around("]}".to_owned()));
    download(Body::from_stream(body), "application/json", &format!("{name}.json"))
}

fn json_lines(page: &[Line], first: bool) -> Bytes {
    let lines: Vec<String> = page.iter().map(|line| json!(line).to_string()).collect();
    let comma = if first { "" } else { "," };
    Bytes::from(format!("{comma}{}", lines.join(",")))
}

pub(super) fn download(body: Body, media_type: &'static str, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// `settlement-march-payroll-018f3a2b`: letters, digits and hyphens, whatever the batch is called.
fn file_name(batch: &Batch) -> String {
    let id = batch.id.simple().to_string();
    format!("settlement-{}{}", slug(&batch.name), &id[..8])
}

pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().take(SLUG_CHARS_MAX) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if !slug.is_empty() && !slug.ends_with('-') {
        slug.push('-');
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::tests::params;

    #[test]
    fn a_batchs_name_never_becomes_a_header_or_a_path() {
        assert_eq!(slug("March payroll"), "march-payroll-");
        assert_eq!(slug("../a\"b\r\nSet-Cookie: x"), "a-b-set-cookie-x-");
        assert_eq!(slug("給料"), "");
        assert!(slug(&"x".repeat(500)).len() <= SLUG_CHARS_MAX + 1);
    }

    #[test]
    fn the_formats_that_exist_are_named() {
        assert!(Format::take(&mut params(&[])).is_ok());
        let problem = Format::take(&mut params(&[("format", "pdf")])).err().unwrap();
        assert!(problem.detail.contains("csv") && problem.detail.contains("json"));
    }

    #[test]
    fn pages_of_lines_make_one_array() {
        let text = |page: &[Line], first| String::from_utf8(json_lines(page, first).to_vec()).unwrap();
        let line = || Line {
            batch_id: uuid::Uuid::nil(),
            batch_name: "March".into(),
            row: 2,
            reference: None,
            payout_id: None,
            provider_reference: None,
            provider_transaction_id: None,
            name: None,
            msisdn: None,
            network: None,
            currency: "UGX".into(),
            amount: None,
            fee: None,
            tax: None,
            total: None,
            state: "excluded".into(),
            reason_code: None,
            reason: None,
            attempts: 0,
            approved_at: None,
            sent_at: None,
            settled_at: None,
            approved_by: None,
        };
        let all = format!("[{}{}]", text(&[line(), line()], true), text(&[line()], false));
        let parsed: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
        assert_eq!(parsed.len(), 3);
    }
}
