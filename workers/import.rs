//! Importing uploads.

use crate::batch::approval;
use crate::batch::digest::{DigestRow, Digester};
use crate::batch::import::{self, ImportError, Issue, Mapping, Progress, Row, SmsTerms, Summary, Terms};
use crate::batch::{Batch, Kind, Reading, Understood, declared};
use crate::chance;
use crate::clock::{SharedClock, Time};
use crate::config::Config;
use crate::lane::route::{self, Router};
use crate::payout::backoff;
use crate::queue::{Wake, Work};
use crate::sheet::Program;
use crate::store::{ImportTotals, IssueView, NewRow, SharedStore, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Renewed with every chunk of rows.
const LEASE: Duration = Duration::from_secs(60);
/// Folder of uploads while they are read.
const SPOOL: &str = "imports";
/// Rows per transaction, which bounds how long the writer is held; fewer where they are long, so that what is held in memory
/// has a bound too.
const CHUNK_ROWS: usize = 1_000;
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// When a list is read again after a trouble that is not its own.
const AGAIN: Duration = Duration::from_secs(10);
/// How often, and with which waits, a list is given back to a database in trouble: for about the time of its lease.
const GIVE_BACK_TRIES: u32 = 16;
const TROUBLE_MIN: Duration = Duration::from_millis(50);
const TROUBLE_MAX: Duration = Duration::from_secs(5);

pub struct Import {
    pub store: SharedStore,
    pub config: Arc<Config>,
    pub router: Arc<Router>,
    pub sheets: Program,
    pub clock: SharedClock,
    /// Poked when a list is out of hand.
    pub wake: Wake,
    /// Cancelled when the process is told to stop: what is being read is given back.
    pub stop: CancellationToken,
}

#[async_trait]
impl Work for Import {
    type Row = Batch;

    fn name(&self) -> &str {
        "import"
    }

    async fn claim(&self, _: u32) -> Result<Vec<Batch>, StoreError> {
        Ok(self.store.claim_import(LEASE).await?.into_iter().collect())
    }

    async fn perform(&self, batch: &Batch) {
        tokio::select! {
            biased;
            imported = self.import(batch) => self.record(batch, imported).await,
            () = self.stop.cancelled() => self.again(batch, Duration::ZERO).await,
        }
        // Another list may have waited until this one was out of hand.
        self.wake.poke();
    }

    async fn give_back(&self, batch: &Batch) {
        self.again(batch, Duration::ZERO).await;
    }

    async fn panicked(&self, batch: &Batch) {
        self.fail(batch, "the file could not be read. Save it again as XLSX or as CSV UTF-8 and upload that").await;
        self.wake.poke();
    }
}

enum Trouble {
    File(ImportError),
    Store(StoreError),
    Io(std::io::Error),
}

impl From<StoreError> for Trouble {
    fn from(e: StoreError) -> Self {
        Trouble::Store(e)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(e: std::io::Error) -> Self {
        Trouble::Io(e)
    }
}

impl Import {
    /// What becomes of a list that was read, or not.
    async fn record(&self, batch: &Batch, imported: Result<(), Trouble>) {
        match imported {
            Ok(()) => {}
            // The file may well be sound.
            Err(Trouble::File(ImportError::Sheet(why))) if why.is_ours() => {
                tracing::error!(batch = %batch.id, error = %why, "a spreadsheet could not be read; it is tried again");
                self.again(batch, AGAIN).await;
            }
            Err(Trouble::File(why)) => self.fail(batch, &why.to_string()).await,
            Err(Trouble::Store(StoreError::Fenced)) => {
                tracing::info!(batch = %batch.id, "the import was taken over by another worker");
            }
            Err(Trouble::Store(e @ StoreError::Rejected(_))) => {
                tracing::error!(batch = %batch.id, error = %e, "an import cannot be stored");
                self.fail(batch, "the list could not be stored; ask your operator to look into the log").await;
            }
            Err(Trouble::Store(e)) => {
                tracing::error!(batch = %batch.id, error = %e, "an import broke off; it is tried again");
                self.again(batch, AGAIN).await;
            }
            Err(Trouble::Io(e)) => {
                tracing::error!(batch = %batch.id, error = %e, "an import broke off; it is tried again");
                self.again(batch, AGAIN).await;
            }
        }
    }

    /// Gives the list back, to be read from its beginning. What a reader that was left alone still adds finds another claim.
    async fn again(&self, batch: &Batch, wait: Duration) {
        for failures in 0..GIVE_BACK_TRIES {
            match self.store.give_back_import(batch, wait).await {
                Err(e) if e.is_transient() => {
                    let seed = chance::draw();
                    tokio::time::sleep(backoff::delay(failures, TROUBLE_MIN, TROUBLE_MAX, seed)).await;
                }
                Err(StoreError::Fenced) | Ok(()) => return,
                Err(e) => return tracing::error!(batch = %batch.id, error = %e, "an import could not be given back"),
            }
        }
        tracing::error!(batch = %batch.id, "an import could not be given back; its claim lapses, and this reading counts");
    }

    async fn fail(&self, batch: &Batch, why: &str) {
        if let Err(e) = self.store.fail_import(batch, why).await {
            tracing::error!(batch = %batch.id, error = %e, "a failed import could not be recorded; it is tried again");
        }
    }

    async fn import(&self, batch: &Batch) -> Result<(), Trouble> {
        let (file, file_bytes) = self.spool(batch).await?;
        let remembered = self.store.remembered_mappings(batch.organisation, batch.kind).await?;
        let (store, router, batch) = (self.store.clone(), self.router.clone(), batch.clone());
        let country = route::country(&self.config.lanes, batch.currency);
        let since = self.config.duplicates_since(self.clock.now());
        let sms = SmsTerms::of(&self.config.lanes, &batch);
        let sms = sms.map_err(|why| Trouble::File(ImportError::NoSmsLane(why.to_string())))?;
        let (rows_max, sheets, stop) = (self.config.rows_max, self.sheets.clone(), self.stop.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let progress = Progress::default();
            let mut loader = Loader::new(store, &batch, &progress, file_bytes, since, stop);
            let mapping = batch.mapping.as_deref().map(Mapping::parse).transpose().map_err(Trouble::File)?;
            let terms = Terms {
                currency: batch.currency,
                country,
                router: &router,
                mapping,
                rows_max,
                sms,
                notice: import::notice_of(&batch),
            };
            let mut sink = |row| loader.take(row).map_err(|e| Box::new(e) as _);
            let read = import::read_with(&file.0, &terms, &sheets, &remembered, &progress, &mut sink);
            // Trouble of the store reaches us through the reader; it is not the file's fault.
            if let Some(e) = loader.trouble.take() {
                return Err(Trouble::Store(e));
            }
            loader.finish(read.map_err(Trouble::File)?)
        });
        match reading.await {
            Ok(done) => done,
            Err(e) if e.is_panic() => std::panic::resume_unwind(e.into_panic()),
            Err(e) => Err(Trouble::Io(std::io::Error::other(e))),
        }
    }

    /// The upload as a file that goes away when it is dropped, and its size in bytes.
    async fn spool(&self, batch: &Batch) -> Result<(Spool, i64), Trouble> {
        let folder = self.config.data_dir.join(SPOOL);
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).await?;
        let spool = Spool(folder.join(format!("{}-{}", batch.id, batch.claim)));
        let mut file = tokio::fs::File::create(&spool.0).await?;
        let (mut part, mut bytes) = (0, 0);
        while let Some(data) = self.store.upload_part(batch.upload, part).await? {
            file.write_all(&data).await?;
            part += 1;
            bytes += data.len() as i64;
        }
        file.flush().await?;
        Ok((spool, bytes))
    }
}

/// Removes what a killed process left: lists hold names and numbers of people.
pub fn clear_spool(data_dir: &Path) {
    let folder = data_dir.join(SPOOL);
    if folder.exists()
        && let Err(e) = std::fs::remove_dir_all(&folder)
    {
        tracing::warn!(folder = %folder.display(), error = %e, "spooled uploads could not be removed");
    }
}

struct Spool(PathBuf);

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_file(&self.0) {
            tracing::warn!(file = %self.0.display(), error = %e, "a spooled upload could not be removed");
        }
    }
}

/// Takes rows from the reader to the store, chunk by chunk, hashing what is approved.
struct Loader<'a> {
    store: SharedStore,
    /// With how far its file was read.
    batch: Batch,
    progress: &'a Progress,
    file_bytes: i64,
    /// Lists older than this are not compared with this one.
    since: Option<Time>,
    runtime: Handle,
    digest: Digester,
    excluded: Vec<u32>,
    chunk: Vec<NewRow>,
    chunk_bytes: usize,
    trouble: Option<StoreError>,
    stop: CancellationToken,
}

impl<'a> Loader<'a> {
    fn new(
        store: SharedStore,
        batch: &Batch,
        progress: &'a Progress,
        file_bytes: i64,
        since: Option<Time>,
        stop: CancellationToken,
    ) -> Self {
        let digest = Digester::new(&approval::terms(batch));
        let chunk = Vec::with_capacity(CHUNK_ROWS);
        let batch = Batch { reading: Some(Reading { read_bytes: 0, file_bytes }), ..batch.clone() };
        let runtime = Handle::current();
        Loader {
            store,
            batch,
            progress,
            file_bytes,
            since,
            runtime,
            digest,
            excluded: Vec::new(),
            chunk,
            chunk_bytes: 0,
            trouble: None,
            stop,
        }
    }

    fn take(&mut self, row: Row) -> Result<(), Broken> {
        match &row.recipient {
            Some(recipient) => self.digest.row(&DigestRow {
                row: row.row,
                msisdn: &recipient.msisdn,
                amount: if self.batch.kind == Kind::Payout { recipient.amount.minor } else { 0 },
                fee: if self.batch.kind == Kind::Sms { recipient.amount.minor } else { 0 },
                tax: 0,
                name: &recipient.name,
                reference: recipient.reference.as_deref(),
                note: recipient.note.as_deref(),
                variables: &recipient.variables,
            }),
            None => self.excluded.push(row.row),
        }
        self.chunk_bytes += row.kept_bytes();
        self.chunk.push(row.into());
        if self.chunk.len() == CHUNK_ROWS || self.chunk_bytes >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Broken> {
        if self.stop.is_cancelled() {
            // The list is given back: the process need not wait for its end.
            self.trouble = Some(StoreError::Fenced);
            return Err(Broken);
        }
        let rows = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_ROWS));
        self.chunk_bytes = 0;
        // Workbooks are not read in order: of them only the rows tell how far they are.
        let read_bytes = (self.progress.read_bytes() as i64).min(self.file_bytes);
        self.batch.reading = (read_bytes > 0).then_some(Reading { read_bytes, file_bytes: self.file_bytes });
        let added = self.runtime.block_on(self.store.import_rows(&self.batch, LEASE, rows));
        added.map_err(|e| {
            self.trouble = Some(e);
            Broken
        })
    }

    fn finish(mut self, summary: Summary) -> Result<(), Trouble> {
        let notices = self.notices(&summary)?;
        let warnings = i64::from(summary.warnings) + (notices.len() - summary.notices.len()) as i64;
        self.chunk.extend(of_rows(notices));
        if self.flush().is_err() {
            return Err(Trouble::Store(self.trouble.take().unwrap_or(StoreError::Fenced)));
        }
        let told = self.runtime.block_on(approval::tell_duplicates(&self.store, &self.batch, self.since))?;
        for row in self.excluded {
            self.digest.excluded(row);
        }
        let totals = ImportTotals {
            rows: summary.rows.into(),
            valid: summary.valid.into(),
            invalid: summary.invalid.into(),
            warnings: warnings + told,
            amount: summary.total.minor,
            fees: 0,
            tax: 0,
            digest: self.digest.finish(),
            understood: Some(understood(&summary)),
        };
        Ok(self.runtime.block_on(self.store.finish_import(&self.batch, totals))?)
    }

    /// What is to be said of the list as a whole.
    fn notices(&self, summary: &Summary) -> Result<Vec<Issue>, StoreError> {
        let mut notices = summary.notices.clone();
        if let Some(message) = self.batch.declared.mismatch(summary.valid.into(), summary.total) {
            notices.push(Issue::warning(summary.header.row, declared::MISMATCH, message));
        }
        if let Some(since) = self.since
            && let Some(same) = self.runtime.block_on(self.store.same_file(&self.batch, since))?
        {
            notices.push(Issue::warning(summary.header.row, "same_file", same.said(self.batch.kind)));
        }
        Ok(notices)
    }
}

fn understood(summary: &Summary) -> Understood {
    Understood {
        source: summary.source.shown(&summary.header),
        mapping: serde_json::to_string(&summary.header.mapping).unwrap_or_else(|_| "{}".into()),
        mapping_source: summary.header.mapping_source,
        header: summary.header.fingerprint,
    }
}

/// Issues that belong to no recipient, row by row.
fn of_rows(issues: Vec<Issue>) -> Vec<NewRow> {
    let mut rows: BTreeMap<u32, Vec<IssueView>> = BTreeMap::new();
    for issue in issues {
        rows.entry(issue.row).or_default().push(issue.into());
    }
    rows.into_iter().map(|(row, issues)| NewRow { row, recipient: None, rejected: None, issues }).collect()
}

/// The store could not take the rows; [`Loader::trouble`] has the reason.
#[derive(Debug, thiserror::Error)]
#[error("the rows could not be stored")]
struct Broken;
