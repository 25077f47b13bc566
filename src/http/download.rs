//! Reports on their way out: text while it is read, a workbook once it is whole.

use super::App;
use super::params::Params;
use super::places::Place;
use super::problem::Problem;
use crate::report::{Book, BookError, Format, Text};
use crate::store::StoreError;
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

const POSITION: &str = "x-ledger-position";
/// Bytes of a workbook that are read at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Pages that wait for the workbook's thread.
const PAGES_WAITING_MAX: usize = 2;
const SLUG_CHARS_MAX: usize = 60;

/// The lines of a report, page by page. An error breaks the answer off, which no client takes for its end.
pub type Pages<L> = Pin<Box<dyn Stream<Item = Result<Vec<L>, StoreError>> + Send>>;

/// Takes `?format=` from the query.
pub fn format(params: &mut Params) -> Result<Format, Problem> {
    let Some(name) = params.take("format")? else { return Ok(Format::Csv) };
    let message = match name.as_str() {
        "pdf" => "reports as PDF are not made by this version; take format=xlsx, csv or json",
        _ => "format must be csv, json or xlsx",
    };
    let known = Format::ALL.into_iter().find(|format| format.name() == name);
    known.ok_or_else(|| Problem::field("?format", "unsupported", message))
}

/// What an answer that is saved is called, and how far it knows the ledger, where it tells of money.
pub struct Download {
    pub format: Format,
    /// Without its ending; letters, digits and hyphens.
    pub name: String,
    pub position: Option<i64>,
}

impl Download {
    fn response(&self, body: Body) -> Response {
        let mut response = saved(body, self.format.media_type(), &format!("{}.{}", self.name, self.format.name()));
        if let Some(position) = self.position {
            response.headers_mut().insert(POSITION, position.into());
        }
        response
    }

    /// A report as text.
    pub fn text<L: Send + 'static>(&self, pages: Pages<L>, mut text: impl Text<L> + 'static) -> Response {
        let begin = Bytes::from(text.begin());
        let rest = stream::try_unfold(Some((pages, text)), |state| async move {
            let Some((mut pages, mut text)) = state else { return Ok(None) };
            match pages.next().await {
                Some(Ok(page)) => Ok(Some((Bytes::from(text.lines(&page)), Some((pages, text))))),
                Some(Err(error)) => {
                    tracing::error!(%error, "a report broke off");
                    Err(error)
                }
                None => Ok(Some((Bytes::from(text.end()), None))),
            }
        });
        self.response(Body::from_stream(stream::once(async { Ok(begin) }).chain(rest)))
    }

    /// A report as a workbook. It is made on a thread of its own, in a file that has no name; `place` is given back when
    /// it is made.
    pub async fn workbook<L, M>(
        &self,
        app: &App,
        place: Place,
        mut pages: Pages<L>,
        make: M,
    ) -> Result<Response, Problem>
    where
        L: Send + 'static,
        M: FnOnce(&Path) -> Result<Box<dyn Book<L>>, BookError> + Send + 'static,
    {
        let folder = app.config.data_dir.join("tmp");
        let (sender, receiver) = mpsc::channel(PAGES_WAITING_MAX);
        let made = tokio::task::spawn_blocking(move || {
            let _place = place;
            write(&folder, receiver, make)
        });
        while let Some(page) = pages.next().await {
            // A thread that ended early says why below.
            if sender.send(Some(page?)).await.is_err() {
                break;
            }
        }
        drop(sender.send(None).await);
        let file = match made.await {
            Ok(Ok(Some(file))) => file,
            Ok(Ok(None)) => return Err(Problem::internal()),
            Ok(Err(error)) => return Err(failed(&error)),
            Err(error) => return Err(failed(&error)),
        };
        let bytes = file.metadata().map_err(|error| failed(&error))?.len();
        let mut response = self.response(streamed(file));
        response.headers_mut().insert(CONTENT_LENGTH, bytes.into());
        Ok(response)
    }
}

/// Reads pages until one is empty. The first is read before the answer begins, so that trouble with the database is an
/// answer with a status.
pub async fn pages<L, S, F>(state: S, mut read: impl FnMut(S) -> F + Send + 'static) -> Result<Pages<L>, StoreError>
where
    L: Send + 'static,
    S: Send + 'static,
    F: Future<Output = Result<(Vec<L>, S), StoreError>> + Send,
{
    let (first, state) = read(state).await?;
    let pages = stream::try_unfold((first, state, read), |(page, state, mut read)| async move {
        if page.is_empty() {
            return Ok(None);
        }
        let (next, state) = read(state).await?;
        Ok(Some((page, (next, state, read))))
    });
    Ok(Box::pin(pages))
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a workbook could not be made");
    Problem::internal()
}

/// Writes pages until `None`; gives nothing when they end without it, because whoever asked is gone.
fn write<L, M>(folder: &Path, mut pages: mpsc::Receiver<Option<Vec<L>>>, make: M) -> Result<Option<File>, BookError>
where
    M: FnOnce(&Path) -> Result<Box<dyn Book<L>>, BookError>,
{
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut book = make(folder)?;
    while let Some(page) = pages.blocking_recv() {
        match page {
            Some(lines) => book.lines(&lines)?,
            None => {
                let file = nameless(folder.join(crate::ids::fresh().to_string()))?;
                book.save(&file)?;
                return Ok(Some(file));
            }
        }
    }
    Ok(None)
}

/// A file that is gone as soon as nobody holds it, however the process ends.
fn nameless(path: PathBuf) -> io::Result<File> {
    let file = File::options().create_new(true).read(true).write(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn streamed(file: File) -> Body {
    let file = tokio::fs::File::from_std(file);
    let chunks = stream::try_unfold(file, |mut file| async move {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await?;
        io::Result::Ok((read > 0).then(|| (Bytes::from(chunk), file)))
    });
    Body::from_stream(chunks)
}

/// An answer that is saved as a file of this name.
pub fn saved(body: Body, media_type: &'static str, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// `march-payroll-`: letters, digits and hyphens, whatever something is called.
pub fn slug(name: &str) -> String {
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
        assert_eq!(format(&mut params(&[])).unwrap(), Format::Csv);
        assert_eq!(format(&mut params(&[("format", "xlsx")])).unwrap(), Format::Xlsx);
        for unknown in ["pdf", "CSV", ""] {
            let problem = format(&mut params(&[("format", unknown)])).err().unwrap();
            assert!(problem.detail.contains("csv") && problem.detail.contains("json"), "{}", problem.detail);
        }
    }

    #[tokio::test]
    async fn whoever_goes_away_stops_the_workbook() {
        let folder = std::env::temp_dir().join(format!("gaba-download-{}", crate::ids::fresh()));
        let (sender, receiver) = mpsc::channel(1);
        struct Never;
        impl Book<u8> for Never {
            fn lines(&mut self, _: &[u8]) -> Result<(), BookError> {
                Ok(())
            }
            fn save(self: Box<Self>, _: &File) -> Result<(), BookError> {
                panic!("nobody waits for it")
            }
        }
        let at = folder.clone();
        let made =
            tokio::task::spawn_blocking(move || write(&at, receiver, |_| Ok(Box::new(Never) as Box<dyn Book<u8>>)));
        sender.send(Some(vec![1])).await.unwrap();
        drop(sender);
        assert!(made.await.unwrap().unwrap().is_none());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
