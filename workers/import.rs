//! Importing uploads.

use crate::batch::digest::{DigestRow, DigestTerms, Digester};
use crate::batch::import::{self, ImportError, Mapping, Row, SmsTerms, Summary, Terms};
use crate::batch::{Batch, Kind};
use crate::config::Config;
use crate::lane::route::{self, Router};
use crate::money::Money;
use crate::queue::Work;
use crate::store::{ImportTotals, IssueView, NewRecipient, NewRow, RejectedRow, SharedStore, StoreError};
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;

/// Renewed with every chunk of rows.
const LEASE: Duration = Duration::from_secs(60);
/// Folder of uploads while they are read.
const SPOOL: &str = "imports";
/// Rows per transaction, which bounds how long the writer is held.
const CHUNK_ROWS: usize = 1_000;

pub struct Import {
    pub store: SharedStore,
    pub config: Arc<Config>,
    pub router: Arc<Router>,
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
        match self.import(batch).await {
            Ok(()) => {}
            Err(Trouble::File(why)) => self.fail(batch, &why.to_string()).await,
            Err(Trouble::Store(StoreError::Fenced)) => {
                tracing::info!(batch = %batch.id, "the import was taken over by another worker");
            }
            Err(Trouble::Store(e @ StoreError::Rejected(_))) => {
                tracing::error!(batch = %batch.id, error = %e, "an import cannot be stored");
                self.fail(batch, "the list could not be stored; ask your operator to look into the log").await;
            }
            // The claim lapses and the import is begun again.
            Err(Trouble::Store(e)) => {
                tracing::error!(batch = %batch.id, error = %e, "an import broke off; it is tried again")
            }
            Err(Trouble::Io(e)) => {
                tracing::error!(batch = %batch.id, error = %e, "an import broke off; it is tried again")
            }
        }
    }

    /// Nothing to do: a restart voids the claim.
    async fn give_back(&self, _: &Batch) {}

    async fn panicked(&self, batch: &Batch) {
        self.fail(batch, "the file could not be read. Save it again as XLSX or as CSV UTF-8 and upload that").await;
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
    async fn fail(&self, batch: &Batch, why: &str) {
        if let Err(e) = self.store.fail_import(batch, why).await {
            tracing::error!(batch = %batch.id, error = %e, "a failed import could not be recorded; it is tried again");
        }
    }

    async fn import(&self, batch: &Batch) -> Result<(), Trouble> {
        let file = self.spool(batch).await?;
        let (store, router, batch) = (self.store.clone(), self.router.clone(), batch.clone());
        let country = route::country(&self.config.lanes, batch.currency);
        let sms = sms_terms(&self.config, &batch)?;
        let rows_max = self.config.rows_max;
        let reading = tokio::task::spawn_blocking(move || {
            let mut loader = Loader::new(store, &batch);
            let mapping = batch.mapping.as_deref().map(Mapping::parse).transpose().map_err(Trouble::File)?;
            let terms = Terms { currency: batch.currency, country, router: &router, mapping, rows_max, sms };
            let read = import::read(&file.0, &terms, &mut |row| loader.take(row).map_err(|e| Box::new(e) as _));
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

    /// The upload as a file that goes away when it is dropped.
    async fn spool(&self, batch: &Batch) -> Result<Spool, Trouble> {
        let folder = self.config.data_dir.join(SPOOL);
        tokio::fs::create_dir_all(&folder).await?;
        let spool = Spool(folder.join(format!("{}-{}", batch.id, batch.claim)));
        let mut file = tokio::fs::File::create(&spool.0).await?;
        let mut part = 0;
        while let Some(data) = self.store.upload_part(batch.upload, part).await? {
            file.write_all(&data).await?;
            part += 1;
        }
        file.flush().await?;
        Ok(spool)
    }
}

/// What the people of a list are told, and what that costs: the price is that of the moment of the import.
fn sms_terms(config: &Config, batch: &Batch) -> Result<Option<SmsTerms>, Trouble> {
    if batch.kind == Kind::Payout {
        return Ok(None);
    }
    let lane = route::bulk_sms_lane(&config.lanes, batch.currency);
    let (lane, price) = lane.map_err(|why| Trouble::File(ImportError::NoSmsLane(why.to_string())))?;
    let template = batch.sms_template.clone().unwrap_or_default();
    Ok(Some(SmsTerms { template, lane: lane.name.clone(), price }))
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
    batch: &'a Batch,
    runtime: Handle,
    digest: Digester,
    excluded: Vec<u32>,
    chunk: Vec<NewRow>,
    trouble: Option<StoreError>,
}

impl<'a> Loader<'a> {
    fn new(store: SharedStore, batch: &'a Batch) -> Self {
        let digest = Digester::new(&DigestTerms {
            organisation: batch.organisation,
            batch: batch.id,
            kind: batch.kind.name(),
            currency: batch.currency,
            sms_template: batch.sms_template.as_deref(),
            notify: batch.notify,
            scheduled_at: batch.scheduled_at.map(|t| t.micros()),
        });
        let chunk = Vec::with_capacity(CHUNK_ROWS);
        Loader { store, batch, runtime: Handle::current(), digest, excluded: Vec::new(), chunk, trouble: None }
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
        self.chunk.push(new_row(row));
        if self.chunk.len() == CHUNK_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Broken> {
        let rows = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_ROWS));
        let added = self.runtime.block_on(self.store.import_rows(self.batch, LEASE, rows));
        added.map_err(|e| {
            self.trouble = Some(e);
            Broken
        })
    }

    fn finish(mut self, summary: Summary) -> Result<(), Trouble> {
        if self.flush().is_err() {
            return Err(Trouble::Store(self.trouble.take().unwrap_or(StoreError::Fenced)));
        }
        for row in self.excluded {
            self.digest.excluded(row);
        }
        let totals = ImportTotals {
            rows: summary.rows.into(),
            valid: summary.valid.into(),
            invalid: summary.invalid.into(),
            warnings: summary.warnings.into(),
            amount: summary.total.minor,
            fees: 0,
            tax: 0,
            digest: self.digest.finish(),
        };
        Ok(self.runtime.block_on(self.store.finish_import(self.batch, totals))?)
    }
}

/// The store could not take the rows; [`Loader::trouble`] has the reason.
#[derive(Debug, thiserror::Error)]
#[error("the rows could not be stored")]
struct Broken;

fn new_row(row: Row) -> NewRow {
    let issues = row.issues.into_iter().map(|i| IssueView {
        row: i.row,
        column: i.column,
        code: i.code.to_owned(),
        severity: i.severity.name().to_owned(),
        message: i.message,
        value: i.value,
    });
    let shown = |text: String| Some(text).filter(|t| !t.is_empty());
    let rejected = row.recipient.is_none().then(|| RejectedRow {
        reference: shown(row.stated.reference),
        name: shown(row.stated.name),
        msisdn: shown(row.stated.msisdn),
        amount: shown(row.stated.amount),
        cells: serde_json::Value::from_iter(row.cells.iter().map(|(h, v)| serde_json::json!([h.as_ref(), v])))
            .to_string(),
    });
    let recipient = row.recipient.map(|r| NewRecipient {
        msisdn: r.msisdn.as_str().to_owned(),
        network: r.network.map(str::to_owned),
        lane: r.lane,
        fee: Money::zero(r.amount.currency),
        tax: Money::zero(r.amount.currency),
        amount: r.amount,
        name: r.name,
        reference: r.reference,
        note: r.note,
        variables: serde_json::to_string(&r.variables).unwrap_or_else(|_| "{}".into()),
        sms: r.sms,
    });
    NewRow { row: row.row, recipient, rejected, issues: issues.collect() }
}
