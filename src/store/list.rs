//! What crosses the port when a list is read, corrected and compared with others.

use super::{Done, NewRecipient, NewRow, RejectedRow, Result};
use crate::batch::correction::{Corrected, Correction, RowView, StoredRow};
use crate::batch::import::{Issue, Row, Uploaded};
use crate::batch::{Batch, Kind};
use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId};
use crate::money::Money;
use crate::org::Principal;
use async_trait::async_trait;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A payable row as the digest has it. Amounts in minor units.
#[derive(Clone, Debug)]
pub struct DigestLine {
    pub row: u32,
    pub msisdn: String,
    pub amount: i64,
    pub fee: i64,
    pub tax: i64,
    pub name: String,
    pub reference: Option<String>,
    pub note: Option<String>,
    pub variables: BTreeMap<String, String>,
}

/// A row that cannot be paid, to be corrected outside and uploaded again.
#[derive(Clone, Debug)]
pub struct BadRow {
    pub row: u32,
    pub cells: Vec<Uploaded>,
    pub reasons: Vec<String>,
}

/// How an approval knows that no other list pays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Lists are not compared.
    Not,
    /// Compared when [`super::Lists::lists_seen`] said this; a list that changed since fences the approval.
    Seen(i64),
    /// The same; a list that changed since makes it compare once more itself, with those last paid from after the given
    /// time.
    SeenOrAgain(i64, Time),
}

/// A row that pays the same amount to the same number as rows of other batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    pub row: u32,
    /// Of the batches that pay the same, the newest.
    pub newest: SamePayment,
    pub others: Vec<SamePayment>,
}

/// The first row of another batch that pays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamePayment {
    pub batch: BatchId,
    pub batch_name: String,
    pub batch_created_at: Time,
    pub row: u32,
}

impl Duplicate {
    /// The row, and what is told of it.
    pub fn said(&self) -> (u32, String) {
        let SamePayment { row, batch_name, batch_created_at, .. } = &self.newest;
        let day = batch_created_at.day();
        let more = match self.others.len() {
            0 => String::new(),
            1 => ", and so does another list".into(),
            more => format!(", and so do {more} other lists"),
        };
        let all = if more.is_empty() { "both" } else { "all of them" };
        let message = format!(
            "row {row} of the list \"{batch_name}\" of {day} pays the same amount to the same number{more}. Set this row \
             aside unless {all} shall be paid"
        );
        (self.row, message)
    }
}

/// Another list that pays by references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherList {
    pub id: BatchId,
    pub name: String,
    pub created_at: Time,
    /// Of the upload, with a reference or without.
    pub rows: i64,
}

/// A payment by its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceLine {
    pub row: u32,
    pub reference: String,
    pub msisdn: String,
}

/// A row whose reference another list has for another number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedReference {
    pub row: u32,
    pub list: OtherList,
    pub other_row: u32,
    /// No more are looked for.
    pub last: bool,
}

impl RepeatedReference {
    pub fn message(&self) -> String {
        let OtherList { name, created_at, .. } = &self.list;
        let more =
            if self.last { ". Further rows are not compared, so look at the references of the whole list" } else { "" };
        format!(
            "row {} of the list \"{name}\" of {} has the same reference and another number. If both mean the same person, set \
             this row aside or correct its number; if not, nothing is wrong{more}",
            self.other_row,
            created_at.day()
        )
    }
}

/// What some rows of a batch turned out to repeat.
#[derive(Clone, Debug)]
pub struct LookedAt {
    pub found: Vec<Duplicate>,
    /// The last of them; `None` when there were none.
    pub last: Option<u32>,
}

/// Another batch that does the same with the very same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameFile {
    pub batch_name: String,
    pub batch_created_at: Time,
}

impl SameFile {
    /// What is told of a list of this kind that comes again. It is read for as long as the list waits, so it does not say how far
    /// the other one is.
    pub fn said(&self, kind: Kind) -> String {
        let (again, done) = match kind {
            Kind::Payout => ("", "paid"),
            Kind::Sms => (" with the same text", "told"),
        };
        format!(
            "the very same file was uploaded before{again}, as the list \"{}\" of {}. Cancel this batch unless everybody on it \
             shall be {done} by both",
            self.batch_name,
            self.batch_created_at.day()
        )
    }
}

impl From<Issue> for IssueView {
    fn from(issue: Issue) -> IssueView {
        IssueView {
            row: issue.row,
            column: issue.column,
            code: issue.code.to_owned(),
            severity: issue.severity.name().to_owned(),
            message: issue.message,
            value: issue.value,
            other_row: issue.other_row,
        }
    }
}

impl From<Row> for NewRow {
    fn from(row: Row) -> NewRow {
        let shown = |text: String| Some(text).filter(|t| !t.is_empty());
        let rejected = row.recipient.is_none().then(|| RejectedRow {
            reference: shown(row.stated.reference),
            name: shown(row.stated.name),
            msisdn: shown(row.stated.msisdn),
            amount: shown(row.stated.amount),
            cells: serde_json::json!(row.cells).to_string(),
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
        NewRow { row: row.row, recipient, rejected, issues: row.issues.into_iter().map(IssueView::from).collect() }
    }
}

/// A problem of a row, as stored and shown.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Issue)]
pub struct IssueView {
    pub row: u32,
    pub column: Option<String>,
    pub code: String,
    pub severity: String,
    pub message: String,
    pub value: Option<String>,
    /// Another row of the list that it is about.
    pub other_row: Option<u32>,
}

/// Judges a row again with what is changed of it: pure.
pub type JudgeRow = Arc<dyn Fn(&StoredRow, &Correction, &Batch) -> Result<Corrected> + Send + Sync>;

/// Lists before they are submitted: their rows, and what is concluded from all of them.
#[async_trait]
pub trait Lists: Send + Sync {
    async fn row(&self, organisation: OrganisationId, batch: BatchId, row: u32) -> Result<RowView>;
    /// Puts a row of a batch that is `ready` in the place of itself, and judges again what was told of that row. The
    /// digest is stale afterwards.
    /// [`StoreError::Fenced`] when `expected` is given and no longer the digest.
    async fn correct_row(
        &self,
        actor: &Principal,
        batch: BatchId,
        row: u32,
        expected: Option<String>,
        correction: &Correction,
        judge: JudgeRow,
    ) -> Result<Done<RowView>>;
    /// The payable rows after row `after`, in row order.
    async fn digest_rows(&self, batch: &Batch, after: u32, limit: u32) -> Result<Vec<DigestLine>>;
    /// The rows that are not paid, in row order.
    async fn excluded_rows(&self, batch: &Batch, after: u32, limit: u32) -> Result<Vec<u32>>;
    /// [`StoreError::Fenced`] when the batch was corrected since it was read.
    async fn set_digest(&self, batch: &Batch, digest: &str) -> Result<()>;
    /// The rows that cannot be paid, as uploaded, in row order.
    async fn bad_rows(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<BadRow>>;
    /// Looks at up to `rows` rows after `after`: which of them repeat a payment of another batch that is open or was last
    /// paid from after `since`, as far as they are not told of that one yet.
    async fn duplicates(&self, batch: &Batch, since: Time, after: u32, rows: u32) -> Result<LookedAt>;
    /// Writes them down as warnings of the batch, once. [`StoreError::Fenced`] when the batch moved on.
    async fn tell_duplicates(&self, batch: &Batch, found: Vec<Duplicate>) -> Result<()>;
    /// Other batches of the organisation whose rows have references, and which are open or were over after `since`: the newest
    /// first, and not more than are looked at.
    async fn lists_with_references(&self, batch: &Batch, since: Time) -> Result<Vec<OtherList>>;
    /// The payments of a list after row `after` that have a reference, as far as they will be made, or were made or may have
    /// been after `since`.
    async fn references(&self, list: BatchId, since: Time, after: u32, limit: u32) -> Result<Vec<ReferenceLine>>;
    /// The rows of a list after row `after` that are to be paid and have a reference, however far the list is.
    async fn own_references(&self, list: BatchId, after: u32, limit: u32) -> Result<Vec<ReferenceLine>>;
    /// Writes them down as warnings of the batch, of each row once; how many are new. [`StoreError::Fenced`] when the batch
    /// moved on.
    async fn tell_references(&self, batch: &Batch, found: Vec<RepeatedReference>) -> Result<i64>;
    /// The latest other batch of the same file and kind (and, of SMS, of the same text) that is open, or was created or completed
    /// after `since`.
    async fn same_file(&self, batch: &Batch, since: Time) -> Result<Option<SameFile>>;
    /// A number that rises whenever a list of the organisation changes.
    async fn lists_seen(&self, organisation: OrganisationId) -> Result<i64>;
}
