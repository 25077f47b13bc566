//! The upload: `POST /v1/batches`, a multipart form of one file and a few terms.
//!
//! The file is never whole in memory: it goes to the store in parts while it comes in, hashed and counted on the way. The
//! batch's id is derived from the `Idempotency-Key`, so an upload that is repeated, even after a restored backup, is the
//! same batch; what it is compared by is the file's hash with every term.

use super::terms::{Form, Terms};
use crate::batch::{Batch, NewBatch};
use crate::http::App;
use crate::http::auth::Maker;
use crate::http::body::media_type;
use crate::http::idempotency::RequiredKey;
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::ids::{self, BatchId, MODE_LIVE, OrganisationId};
use crate::store::{SharedStore, StoreError};
use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of a file that are stored at a time.
const PART_BYTES: usize = 1024 * 1024;
/// What a form may hold beside the file. Generous, so that a file a little too large is read to its end and refused with
/// words rather than cut off.
const BESIDE_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const FILE_NAME_CHARS_MAX: usize = 200;

type Created = (StatusCode, [(axum::http::HeaderName, String); 1], Json<Batch>);

/// Largest body for a largest file.
pub fn body_bytes_max(upload_bytes_max: u64) -> u64 {
    upload_bytes_max.saturating_add(BESIDE_FILE_BYTES_MAX)
}

pub async fn create(
    State(app): State<Arc<App>>,
    Maker(who): Maker,
    key: RequiredKey,
    params: Params,
    request: Request,
) -> Result<Created, Problem> {
    params.end()?;
    let id = ids::batch(who.organisation, MODE_LIVE, &key.key);
    let known = is_known(&app, who.organisation, id).await?;
    // A batch that is there has its file already: this one is only compared with it.
    let store = (!known).then_some(&app.store);
    let upload = Upload::new(store, who.organisation, app.config.upload_bytes_max);
    let (file, form) = receive(request, upload).await?;
    let fingerprint = form.fingerprint(file.hash);
    let terms = form.read()?;
    // A repetition is answered as the first request was, whatever the lanes have become since.
    if !known {
        terms.payable_with(&app.config)?;
    }
    let Terms { kind, name, currency, notify, sms_template, mapping, scheduled_at, declared } = terms;
    let batch = NewBatch {
        id,
        organisation: who.organisation,
        kind,
        name,
        currency,
        notify,
        sms_template,
        mapping,
        scheduled_at,
        declared,
        file_name: file.name,
        fingerprint,
        file_hash: file.hash,
        upload: file.upload,
        created_by: who.id,
        created_by_label: who.label,
    };
    let batch = app.store.create_batch(batch).await?.into_inner();
    app.wake.poke();
    Ok((StatusCode::ACCEPTED, [(LOCATION, format!("/v1/batches/{id}"))], Json(batch)))
}

async fn is_known(app: &App, organisation: OrganisationId, id: BatchId) -> Result<bool, Problem> {
    match app.store.batch(organisation, id).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The body of an upload, for the fuzzer: nothing is kept. `X` is the boundary.
pub(crate) async fn read_upload(body: Vec<u8>) {
    let bytes_max = 64 * 1024;
    let request = Request::post("/v1/batches").header("content-type", "multipart/form-data; boundary=X");
    let Ok(request) = request.body(body.into()) else { return };
    let read = receive(request, Upload::new(None, OrganisationId::nil(), bytes_max)).await;
    match read.and_then(|(file, form)| Ok((file, form.read()?))) {
        Ok((file, terms)) => {
            assert!(!file.name.is_empty() && !file.name.contains(['/', '\\']) && !terms.name.is_empty());
        }
        Err(problem) => assert!(problem.status.is_client_error() && !problem.detail.is_empty(), "{problem:?}"),
    }
}

/// Reads the whole form.
async fn receive(request: Request, upload: Upload<'_>) -> Result<(StoredFile, Form), Problem> {
    let bytes_max = upload.bytes_max;
    refuse_early(request.headers(), bytes_max)?;
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|_| {
        Problem::invalid("the multipart form has no boundary; let your HTTP client write the Content-Type")
    })?;
    read(&mut multipart, upload).await
}

fn refuse_early(headers: &HeaderMap, bytes_max: u64) -> Result<(), Problem> {
    if media_type(headers).as_deref() != Some("multipart/form-data") {
        return Err(Problem::unsupported_media_type("multipart/form-data"));
    }
    let announced: Option<u64> = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes| bytes > body_bytes_max(bytes_max)) { Err(too_large(bytes_max)) } else { Ok(()) }
}

async fn read(multipart: &mut Multipart, upload: Upload<'_>) -> Result<(StoredFile, Form), Problem> {
    let bytes_max = upload.bytes_max;
    let (mut form, mut file, mut upload) = (Form::default(), None, Some(upload));
    while let Some(mut field) = multipart.next_field().await.map_err(|e| broken(&e, bytes_max))? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let upload = upload.take().ok_or_else(|| Problem::field("/file", "repeated", "send one file, once"))?;
            file = Some(upload.store(&mut field).await?);
        } else {
            form.expect(&name)?;
            let value = text(&mut field, form.room(), bytes_max).await?;
            form.put(name, value)?;
        }
    }
    let missing = "send the list of recipients as the field `file`";
    Ok((file.ok_or_else(|| Problem::field("/file", "missing", missing))?, form))
}

/// A text field of at most `room` bytes.
async fn text(field: &mut Field<'_>, room: usize, bytes_max: u64) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e, bytes_max))? {
        if bytes.len() + chunk.len() > room {
            return Err(Problem::too_large("the fields beside the file are larger than 64 KiB together"));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid("the fields beside the file must be UTF-8 text"))
}

fn broken(error: &MultipartError, bytes_max: u64) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(bytes_max),
        _ => Problem::invalid(
            "the multipart form broke off or cannot be read; send it again with the same Idempotency-Key",
        ),
    }
}

fn too_large(bytes_max: u64) -> Problem {
    Problem::too_large(format!("the file is larger than {bytes_max} bytes; split the list into several uploads"))
}

/// A file in the store, not yet named by a batch.
struct StoredFile {
    upload: Uuid,
    name: String,
    hash: [u8; 32],
}

/// A file on its way into the store.
struct Upload<'a> {
    /// `None`: it is read and hashed, and not kept.
    store: Option<&'a SharedStore>,
    organisation: OrganisationId,
    id: Uuid,
    part: u32,
    buffer: Vec<u8>,
    bytes: u64,
    bytes_max: u64,
    hash: Sha256,
}

impl<'a> Upload<'a> {
    fn new(store: Option<&'a SharedStore>, organisation: OrganisationId, bytes_max: u64) -> Self {
        Upload {
            store,
            organisation,
            id: ids::fresh(),
            part: 0,
            buffer: Vec::new(),
            bytes: 0,
            bytes_max,
            hash: Sha256::new(),
        }
    }

    async fn store(mut self, field: &mut Field<'_>) -> Result<StoredFile, Problem> {
        let name = file_name(field.file_name().unwrap_or_default());
        while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e, self.bytes_max))? {
            self.bytes += chunk.len() as u64;
            if self.bytes > self.bytes_max {
                return Err(too_large(self.bytes_max));
            }
            self.hash.update(&chunk);
            if let Some(store) = self.store {
                self.keep(store, &chunk).await?;
            }
        }
        if self.bytes == 0 {
            return Err(Problem::field("/file", "empty_file", "the file is empty; send a list with a header row"));
        }
        if let Some(store) = self.store.filter(|_| !self.buffer.is_empty()) {
            self.flush(store).await?;
        }
        Ok(StoredFile { upload: self.id, name, hash: self.hash.finalize().into() })
    }

    async fn keep(&mut self, store: &SharedStore, mut chunk: &[u8]) -> Result<(), Problem> {
        while !chunk.is_empty() {
            let room = PART_BYTES - self.buffer.len();
            let (now, later) = chunk.split_at(room.min(chunk.len()));
            self.buffer.extend_from_slice(now);
            chunk = later;
            if self.buffer.len() == PART_BYTES {
                self.flush(store).await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self, store: &SharedStore) -> Result<(), Problem> {
        let data = std::mem::take(&mut self.buffer);
        store.store_upload_part(self.organisation, self.id, self.part, data).await?;
        self.part += 1;
        Ok(())
    }
}

/// The last piece of the name the client gave, without what could confuse a terminal, a log or a file system.
fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(FILE_NAME_CHARS_MAX).collect();
    match clean.trim() {
        "" | "." | ".." => "upload".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_a_name_and_no_path() {
        assert_eq!(file_name("payroll.xlsx"), "payroll.xlsx");
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("C:\\pay\\march.csv"), "march.csv");
        assert_eq!(file_name("a\r\nb\u{1b}.csv"), "ab.csv");
        for nameless in ["", "..", "/", "  "] {
            assert_eq!(file_name(nameless), "upload", "{nameless:?}");
        }
        assert_eq!(file_name(&"é".repeat(500)).chars().count(), FILE_NAME_CHARS_MAX);
    }

    #[test]
    fn a_form_that_says_how_large_it_is_is_refused_before_it_is_read() {
        let headers = |bytes: u64| {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", "multipart/form-data; boundary=x".parse().unwrap());
            headers.insert(CONTENT_LENGTH, bytes.into());
            headers
        };
        assert!(refuse_early(&headers(1_000), 10).is_ok(), "only the file is bounded exactly");
        assert_eq!(refuse_early(&headers(1 << 40), 10).unwrap_err().code, "too_large");
        assert_eq!(refuse_early(&HeaderMap::new(), 10).unwrap_err().code, "unsupported_media_type");
    }
}
