//! Uploads and batches: what an import writes, and what people do to a batch.

use super::{Compared, Done, Idempotency, IssueView, Page, PageRequest, Result};
use crate::batch::import::{Remembered, Severity};
use crate::batch::{Batch, Kind, NewBatch, Understood};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::money::Money;
use crate::org::Principal;
use crate::sms::segments::Size;
use async_trait::async_trait;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// Lists read at once: one that takes long, or a spreadsheet that means harm, does not hold up the others.
pub const IMPORTS_AT_ONCE: usize = 4;
/// Lists of one organisation in hand at once: one that uploads many leaves places for the others.
pub const IMPORTS_OF_ONE_MAX: usize = IMPORTS_AT_ONCE / 2;

/// A row of the file on its way into the database.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub row: u32,
    pub recipient: Option<NewRecipient>,
    /// For rows that cannot be paid: what is known of them, for reports.
    pub rejected: Option<RejectedRow>,
    pub issues: Vec<IssueView>,
}

#[derive(Clone, Debug)]
pub struct NewRecipient {
    pub msisdn: String,
    pub network: Option<String>,
    pub lane: String,
    /// What is paid; of a message, what it costs.
    pub amount: Money,
    pub fee: Money,
    pub tax: Money,
    pub name: String,
    pub reference: Option<String>,
    pub note: Option<String>,
    /// JSON object of all other columns; of a message, of all columns.
    pub variables: String,
    /// How large the text is, in a batch of kind `sms`.
    pub sms: Option<Size>,
}

#[derive(Clone, Debug, Default)]
pub struct RejectedRow {
    pub reference: Option<String>,
    pub name: Option<String>,
    pub msisdn: Option<String>,
    pub amount: Option<String>,
    /// JSON array of `[header, value]` as uploaded.
    pub cells: String,
}

/// What an import found in all.
#[derive(Clone, Debug)]
pub struct ImportTotals {
    pub rows: i64,
    pub valid: i64,
    pub invalid: i64,
    pub warnings: i64,
    pub amount: i64,
    pub fees: i64,
    pub tax: i64,
    pub digest: String,
    /// `None` for rows that no file was read for.
    pub understood: Option<Understood>,
}

/// Uploads and batches. What a person does to a batch gives the batch as it is then, as JSON.
#[async_trait]
pub trait Batches: Send + Sync {
    /// Stores one part of an upload. Uploads that no batch names are removed after a day.
    async fn store_upload_part(
        &self,
        organisation: OrganisationId,
        upload: Uuid,
        part: u32,
        data: Vec<u8>,
    ) -> Result<()>;
    /// The next part of an upload, `None` after the last.
    async fn upload_part(&self, upload: Uuid, part: u32) -> Result<Option<Vec<u8>>>;
    /// Creates the batch in state `importing`, due at once. The same id with the same fingerprint is found again; with
    /// another it is refused as [`Refusal::KeyReused`].
    async fn create_batch(&self, batch: NewBatch) -> Result<Done<Batch>>;
    async fn batch(&self, organisation: OrganisationId, batch: BatchId) -> Result<Batch>;
    async fn batches(&self, organisation: OrganisationId, page: PageRequest) -> Result<Page<Batch>>;
    /// Operator: a batch of whichever organisation.
    async fn find_batch(&self, batch: BatchId) -> Result<Batch>;
    /// What is said of the rows, in row order; all of it, or only that of one severity.
    async fn issues(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        severity: Option<Severity>,
        page: PageRequest,
    ) -> Result<Page<IssueView>>;

    /// Engine: takes one batch that is due to be imported, of an organisation with the fewest in hand, and with less than
    /// [`IMPORTS_OF_ONE_MAX`]. What an earlier, broken import left behind is removed. One whose reader never came back is
    /// claimed only while no other is in hand, and then is the only one.
    async fn claim_import(&self, lease: Duration) -> Result<Option<Batch>>;
    /// What approved lists of a kind with a mapping of their own taught of headers, the latest of each header. What a list of
    /// SMS taught says nothing of whom a payroll pays.
    async fn remembered_mappings(&self, organisation: OrganisationId, kind: Kind) -> Result<Remembered>;
    /// Engine: adds rows to a batch being imported, and to its counters; `batch.reading` says how far the file was read.
    /// A row of neither a recipient nor a rejected row is no row of the list, only what is said of it. [`StoreError::Fenced`] when the claim is no longer ours.
    async fn import_rows(&self, batch: &Batch, lease: Duration, rows: Vec<NewRow>) -> Result<()>;
    /// Engine: the batch becomes `ready`. The mapping that its upload gave is remembered for its header when it is approved.
    async fn finish_import(&self, batch: &Batch, totals: ImportTotals) -> Result<()>;
    /// Engine: gives a claimed import back, to be read from its beginning after `wait`. That it was begun does not count: only
    /// lists whose readers never came back are given up.
    async fn give_back_import(&self, batch: &Batch, wait: Duration) -> Result<()>;
    /// Engine: the batch becomes `import_failed`; the reason is what its maker reads. What was read of the
    /// list before is removed.
    async fn fail_import(&self, batch: &Batch, reason: &str) -> Result<()>;

    /// `ready` → `awaiting_approval`.
    async fn submit(
        &self,
        actor: &Principal,
        batch: BatchId,
        exclude_invalid: bool,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    /// `awaiting_approval` → `running` (or `scheduled`) with the hold, in one transaction of O(1) rows.
    /// [`StoreError::Fenced`] when `compared` is out of date.
    async fn approve(
        &self,
        actor: &Principal,
        batch: BatchId,
        digest: &str,
        compared: Compared,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    async fn reject(
        &self,
        actor: &Principal,
        batch: BatchId,
        reason: &str,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    /// `awaiting_approval` → `ready`: whoever made it takes it back, to correct it.
    async fn withdraw(
        &self,
        actor: &Principal,
        batch: BatchId,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    async fn pause(&self, actor: &Principal, batch: BatchId, idempotency: Option<Idempotency>) -> Result<Done<Value>>;
    async fn resume(&self, actor: &Principal, batch: BatchId, idempotency: Option<Idempotency>) -> Result<Done<Value>>;
    /// Gives up what is not sent. A running batch becomes `cancelling` and converges.
    async fn cancel(&self, actor: &Principal, batch: BatchId, idempotency: Option<Idempotency>) -> Result<Done<Value>>;
    /// Pays the failed rows again, each under a new reference: reserves their money anew, or refuses as a whole. Rows
    /// that are frozen, or that another batch pays which is open or was last paid from after `since`, are skipped and
    /// named; without `since` batches are not compared. Gives a [`crate::batch::retry::Retried`].
    async fn retry_failed(
        &self,
        actor: &Principal,
        batch: BatchId,
        since: Option<Time>,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    /// Engine: starts some of the batches that are scheduled and due. Returns whether there were any.
    async fn start_scheduled(&self) -> Result<bool>;
    /// Engine: cancels up to `rows_max` queued rows of one batch that was cancelled. Returns whether there was one.
    async fn sweep_cancelled(&self, rows_max: u32) -> Result<bool>;
}
