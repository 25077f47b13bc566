//! The store: whole business acts, each one transaction, grouped by noun.
//!
//! Two promises bind every engine, and `tests/conformance` holds each engine to them:
//!
//! - **An act happens wholly or not at all**, also when the caller is dropped or killed in the middle. Nothing outside
//!   an act is left for the caller to repair.
//! - **Every act takes the caller's organisation**; what belongs to another does not exist ([`StoreError::NotFound`]).
//!   Acts of the engine itself (claims, records) run over all organisations and say so.
//!
//! Refusals are values ([`Refusal`]), errors are trouble with the database. A fence that does not match is neither: the
//! row was moved on by somebody else, and the act says which rows it left alone.

pub mod backup;
mod list;
pub mod sqlite;

use crate::batch::correction::{Corrected, RowView, StoredRow};
use crate::batch::import::{Remembered, Severity};
use crate::batch::{Batch, NewBatch, Understood};
use crate::clock::{SharedClock, Time};
use crate::config::Config;
use crate::faults::Injected;
use crate::ids::{AccountId, BatchId, OrganisationId, PayoutId};
use crate::money::{Currency, Money};
use crate::org::audit::Entry;
use crate::org::{Organisation, Principal, Role};
use crate::payout::exception::{self, ExceptionView, LaneTerms, Proposal};
use crate::payout::resolve::{Change, Observation};
use crate::payout::{Enquiry, Payout, PayoutTimeline, PayoutView, Submission};
use crate::phone::Msisdn;
use crate::quarantine::statement::{Differences, StatementLine};
use crate::quarantine::{AttemptAnswer, AttemptEnquiry, AttemptsMax, Lifting, Matched, Quarantine, Report};
use crate::rail::{Answer, Request, Transfer};
use crate::receipt::{ClaimedReceipt, JudgedReceipt, NewReceipt};
use crate::report::settlement::{Head, Line};
use crate::report::statement::{self, Movement, Span};
use crate::sms::segments::Size;
use crate::sms::{Dispatch, DueMessage, MessageView};
use crate::wallet::WalletView;
use crate::wallet::check::{Folded, LedgerCheck};
use async_trait::async_trait;
use backup::{Backup, BackupError};
pub use list::{BadRow, Compared, DigestLine, Duplicate, SameFile};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Why an act was refused: the caller's to read, nothing is wrong with the system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the batch is {state}, which does not allow this")]
    InvalidState { state: String },
    #[error("whoever submitted a batch may not approve it; ask another person with the role checker")]
    SelfApproval,
    #[error(
        "the batch changed since it was looked at: its digest is now {current}. Look again, then approve that digest"
    )]
    DigestMismatch { current: String },
    #[error("the wallet has {} available and the batch needs {}; load the wallet or split the list", available.display(), needed.display())]
    InsufficientFunds { available: Money, needed: Money },
    #[error("{invalid} rows cannot be paid; correct them, or submit with exclude_invalid to leave them out")]
    RowsInvalid { invalid: i64 },
    #[error(
        "the upload declared {declared}, and what can be paid is {found}. Correct the rows, or upload the list again \
         with the right figures"
    )]
    DeclaredMismatch { declared: String, found: String },
    #[error("no row of the batch can be paid")]
    NothingToPay,
    #[error(
        "{} rows pay the same amount to the same number as another list that came in since the submission. Look at \
         them, then let the maker submit again to accept them, or set them aside", rows.len()
    )]
    DuplicatesChanged { rows: Vec<(u32, String)> },
    #[error("nobody is told anything by this batch: it was uploaded without notify=true")]
    NobodyIsTold,
    #[error("{max} test messages of this batch were sent already; submit it, or look at its preview")]
    TooManyTests { max: u32 },
    #[error("this Idempotency-Key was used before for something else; use a new key for a new request")]
    KeyReused,
    #[error("the reference {0:?} was used before; every funding needs a reference of its own")]
    ReferenceUsed(String),
    #[error("the payout is {payout}: this verdict makes no sense now; possible are {possible}")]
    VerdictNotPossible { payout: String, possible: String },
    #[error(
        "the provider may still act on the earlier reference: a payment can be made anew from {at} on. Until then, ask \
         the provider, or wait"
    )]
    TooEarly { at: Time },
    #[error(
        "{by} proposed {proposed}. Give that verdict to confirm it; to disagree, let {by} propose another one after \
         talking to each other"
    )]
    VerdictDiffers { proposed: String, by: String },
    #[error("the installation is in quarantine, and this batch may have run meanwhile; an operator lifts it first")]
    InQuarantine,
    /// Why a quarantine cannot be lifted yet.
    #[error("{0}")]
    StillInQuarantine(String),
    #[error("{0}")]
    Invalid(String),
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("not found")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The row is not as the caller left it (another claim, a cancelled batch): stop working on it.
    #[error("the row was taken over or changed meanwhile")]
    Fenced,
    /// The database cannot be used now; trying again later may succeed.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refused what was asked (a constraint, a trigger): trying again will not help.
    #[error("the database refused it: {0}")]
    Rejected(String),
}

impl From<Injected> for StoreError {
    fn from(fault: Injected) -> Self {
        StoreError::Unavailable(fault.to_string())
    }
}

impl StoreError {
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A request's Idempotency-Key with its scope: organisation, principal, route and path. An act that takes one answers as
/// it did when the same principal asked for the same under the same key, whatever has become of it since; for something
/// else it is refused as [`Refusal::KeyReused`]. The answer is stored in the transaction of the effect; what was refused
/// leaves the key unused.
#[derive(Clone, Debug)]
pub struct Idempotency {
    pub key: String,
    /// Route and path.
    pub route: String,
    /// SHA-256 of the body.
    pub fingerprint: [u8; 32],
}

/// What an act gave: done now, or found done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done<T> {
    Applied(T),
    AlreadyApplied(T),
}

impl<T> Done<T> {
    pub fn into_inner(self) -> T {
        match self {
            Done::Applied(t) | Done::AlreadyApplied(t) => t,
        }
    }
}

/// A page of a list. `next` is the cursor of the page after it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Which page of a list is wanted; `limit` is 1–500.
#[derive(Clone, Debug)]
pub struct PageRequest {
    pub cursor: Option<String>,
    pub limit: u32,
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
}

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

/// A payout outcome to be recorded under its claim.
#[derive(Clone, Debug)]
pub struct PayoutRecord {
    pub payout: Payout,
    pub change: Change,
    /// The attempt that the answer speaks of; the present one unless a receipt names an earlier reference.
    pub of_attempt: u32,
    /// The answer behind it, for the attempt's audit trail.
    pub answer: Option<Answer>,
    /// `submit` or `query`: how the answer is kept should it come too late.
    pub source: &'static str,
    /// When the answer came.
    pub at: Time,
    /// The SMS lane that tells the recipient, should the batch want that and this be the payment.
    pub sms_lane: Option<String>,
}

/// A text to be shown on one phone.
#[derive(Clone, Debug)]
pub struct TestMessage {
    pub msisdn: Msisdn,
    /// Whose text; the first row's where none is named.
    pub row: Option<u32>,
    pub lane: String,
}

/// A message outcome to be recorded under its claim.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    pub message: Uuid,
    pub organisation: OrganisationId,
    pub claim: i64,
    pub change: crate::sms::resolve::Change,
    pub at: Time,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Applied,
    /// The claim had lapsed or the state moved on; a definitive answer was kept to be applied by its reference.
    Fenced,
}

/// Decides, inside the store's transaction, what news mean for the payout it found.
pub type DecidePayout = Arc<dyn Fn(&Payout, Observation<'_>) -> (Option<Change>, Option<String>) + Send + Sync>;
/// The same for a message: `(state, step, outcome, at, lane)`.
pub type DecideMessage = Arc<
    dyn Fn(crate::sms::State, u32, &crate::rail::SmsOutcome, Time, &str) -> Option<crate::sms::resolve::Change>
        + Send
        + Sync,
>;
/// Writes the request of an attempt: pure.
pub type PrepareTransfer = Arc<dyn Fn(&Transfer) -> Request + Send + Sync>;
/// Whether a resend that is about to be claimed must be asked about instead, and when: `(payout, now, its batch
/// sends nothing)`. See [`crate::payout::resolve::ask_instead`].
pub type AskInstead = Arc<dyn Fn(&Payout, Time, bool) -> Option<Time> + Send + Sync>;
/// Judges a row again with what was changed of it: pure.
pub type CorrectRow = Arc<dyn Fn(&StoredRow, &Batch) -> Result<Corrected> + Send + Sync>;
/// What the lanes say about verdicts, by name.
pub type TermsOfLanes = Arc<dyn Fn(&str) -> LaneTerms + Send + Sync>;
/// Writes the text of a message: pure.
pub type PrepareText = Arc<dyn Fn(&DueMessage) -> String + Send + Sync>;

/// Organisations, members, keys, and what they did.
#[async_trait]
pub trait Organisations: Send + Sync {
    /// Creates a verified organisation with an empty wallet. The name is unique.
    async fn create_organisation(&self, name: &str, currency: Currency) -> Result<Organisation>;
    /// By id or by name.
    async fn find_organisation(&self, id_or_name: &str) -> Result<Organisation>;
    async fn add_member(&self, organisation: OrganisationId, email: &str, role: Role) -> Result<Uuid>;
    /// Adds a key; `member` is an e-mail address. Returns the key's id.
    async fn create_key(
        &self,
        organisation: OrganisationId,
        role: Role,
        member: Option<&str>,
        hash: [u8; 32],
        prefix: &str,
    ) -> Result<Uuid>;
    async fn revoke_key(&self, organisation: OrganisationId, key: Uuid) -> Result<()>;
    /// Who a presented key is; `None` for unknown and revoked keys.
    async fn principal(&self, key_hash: [u8; 32]) -> Result<Option<Principal>>;
    /// What was answered to this principal under this key, for an act that does more than its one transaction.
    async fn answered(&self, actor: &Principal, key: &Idempotency) -> Result<Option<Value>>;
    async fn audit(&self, organisation: OrganisationId, page: PageRequest) -> Result<Page<Entry>>;
    /// Walks every chain; the first broken place of each, in words.
    async fn verify_audit(&self) -> Result<Vec<String>>;
}

/// Wallets and the ledger.
#[async_trait]
pub trait Wallets: Send + Sync {
    async fn wallets(&self, organisation: OrganisationId) -> Result<Vec<WalletView>>;
    async fn wallet(&self, organisation: OrganisationId, wallet: AccountId) -> Result<WalletView>;
    /// Loads the wallet of `amount`'s currency: funding → wallet. `reference` is unique in the organisation.
    async fn fund(
        &self,
        actor: &Principal,
        amount: Money,
        reference: &str,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    /// Trial balance, and every difference between transfers, balances, counters and rows.
    async fn check_ledger(&self) -> Result<LedgerCheck> {
        Ok(self.check_ledger_from(Folded::default()).await?.0)
    }
    /// The same, going on from an earlier check: what moved since, every balance, and the batches that run.
    async fn check_ledger_from(&self, folded: Folded) -> Result<(LedgerCheck, Folded)>;
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

    /// Engine: takes one batch that is due to be imported. What an earlier, broken import left behind is removed.
    async fn claim_import(&self, lease: Duration) -> Result<Option<Batch>>;
    /// What uploads with a mapping taught of headers, the latest of each header.
    async fn remembered_mappings(&self, organisation: OrganisationId) -> Result<Remembered>;
    /// Engine: adds rows to a batch being imported, and to its counters; `batch.reading` says how far the file was read.
    /// A row of neither a recipient nor a rejected row is no row of the list, only what is said of it. [`StoreError::Fenced`] when the claim is no longer ours.
    async fn import_rows(&self, batch: &Batch, lease: Duration, rows: Vec<NewRow>) -> Result<()>;
    /// Engine: the batch becomes `ready`, and the mapping that its upload gave is remembered for its header.
    async fn finish_import(&self, batch: &Batch, totals: ImportTotals) -> Result<()>;
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
    /// that are frozen are skipped and named. Gives a [`crate::batch::retry::Retried`].
    async fn retry_failed(
        &self,
        actor: &Principal,
        batch: BatchId,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
    /// Engine: starts some of the batches that are scheduled and due. Returns whether there were any.
    async fn start_scheduled(&self) -> Result<bool>;
    /// Engine: cancels up to `rows_max` queued rows of one batch that was cancelled. Returns whether there was one.
    async fn sweep_cancelled(&self, rows_max: u32) -> Result<bool>;
}

/// Lists before they are submitted: their rows, and what is concluded from all of them.
#[async_trait]
pub trait Lists: Send + Sync {
    async fn row(&self, organisation: OrganisationId, batch: BatchId, row: u32) -> Result<RowView>;
    /// Puts a row of a batch that is `ready` in the place of itself. Its digest is stale afterwards.
    /// [`StoreError::Fenced`] when `expected` is given and no longer the digest.
    async fn correct_row(
        &self,
        actor: &Principal,
        batch: BatchId,
        row: u32,
        expected: Option<String>,
        correct: CorrectRow,
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
    /// The rows after `after` that repeat a payment of another batch which is open or was created after `since`, as far as
    /// that is not told yet.
    async fn duplicates(&self, batch: &Batch, since: Time, after: u32, limit: u32) -> Result<Vec<Duplicate>>;
    /// Writes them down as warnings of the batch. [`StoreError::Fenced`] when the batch moved on.
    async fn tell_duplicates(&self, batch: &Batch, found: Vec<Duplicate>) -> Result<()>;
    /// The latest other batch of the same file that was created after `since`.
    async fn same_file(&self, batch: &Batch, since: Time) -> Result<Option<SameFile>>;
    /// A number that rises whenever a list of the organisation changes.
    async fn lists_seen(&self, organisation: OrganisationId) -> Result<i64>;
}

/// Payouts: claims and records.
#[async_trait]
pub trait Payouts: Send + Sync {
    /// Engine: claims up to `n` payouts of `lane` to be sent, driven from the running batches, fairly over
    /// organisations and batches; commits the intent (attempt, reference, request) of each. A resend for which the rule
    /// no longer holds is not claimed but becomes due to be asked about.
    async fn claim_submissions(
        &self,
        lane: &str,
        n: u32,
        lease: Duration,
        prepare: PrepareTransfer,
        ask_instead: AskInstead,
    ) -> Result<Vec<Submission>>;
    /// Engine: claims up to `n` payouts of `lane` to be asked about. Those found `sending` become `unknown`.
    async fn claim_enquiries(&self, lane: &str, n: u32, lease: Duration) -> Result<Vec<Enquiry>>;
    /// Engine: records outcomes together in one transaction: states, ledger, counters, messages, events. Answers in
    /// the order of `records`.
    async fn record_payouts(&self, records: Vec<PayoutRecord>) -> Result<Vec<Recorded>>;
    /// Engine: the lanes that still have something to do, whether they are configured or not.
    async fn lanes_in_use(&self) -> Result<Vec<String>>;
    /// Engine: when the next payout of `lane` falls due, for either action.
    async fn next_payout_due(&self, lane: &str, action: crate::payout::Action) -> Result<Option<Time>>;
    async fn payouts(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        state: Option<crate::payout::State>,
        page: PageRequest,
    ) -> Result<Page<PayoutView>>;
    async fn payout(&self, organisation: OrganisationId, payout: PayoutId) -> Result<PayoutTimeline>;
}

/// What only people can settle.
#[async_trait]
pub trait Exceptions: Send + Sync {
    async fn exceptions(
        &self,
        organisation: OrganisationId,
        state: Option<exception::State>,
        kind: Option<exception::Kind>,
        page: PageRequest,
    ) -> Result<Page<ExceptionView>>;
    async fn exception(&self, organisation: OrganisationId, exception: Uuid) -> Result<ExceptionView>;
    /// Proposes a verdict; or, given by another principal than the proposed one, confirms it: then it is done, with the
    /// money it moves, in the same transaction. A proposer who says something else takes their first proposal back. Gives
    /// the [`ExceptionView`].
    async fn resolve(
        &self,
        actor: &Principal,
        exception: Uuid,
        proposal: Proposal,
        lanes: TermsOfLanes,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
}

/// Messages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Engine: claims up to `n` messages of `lane`, commits the text of each. Those whose claim lapsed while sending
    /// become `unknown`, those without a receipt by their deadline `expired`.
    async fn claim_messages(&self, lane: &str, n: u32, lease: Duration, prepare: PrepareText) -> Result<Vec<Dispatch>>;
    async fn record_messages(&self, records: Vec<MessageRecord>) -> Result<Vec<Recorded>>;
    async fn messages(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        state: Option<crate::sms::State>,
        page: PageRequest,
    ) -> Result<Page<MessageView>>;
    async fn message(&self, organisation: OrganisationId, message: Uuid) -> Result<MessageView>;
    /// What the texts of a batch are made of, in row order after row `after`, at most `limit`: its messages, or for a
    /// batch of payouts what the paid will be told.
    async fn message_sources(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<DueMessage>>;
    /// Queues the text of one row for a phone of the maker's choice, before anybody else gets it. Nobody is charged, it
    /// counts nowhere, and a batch has at most [`crate::sms::TESTS_MAX`] of them.
    async fn send_test(
        &self,
        actor: &Principal,
        batch: BatchId,
        test: TestMessage,
        prepare: PrepareText,
        idempotency: Option<Idempotency>,
    ) -> Result<Done<Value>>;
}

/// The inbox of receipts.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// Stores receipts as they came; repeats are dropped. Durable when it returns.
    async fn store_receipts(&self, receipts: Vec<NewReceipt>) -> Result<()>;
    async fn claim_receipts(&self, n: u32, lease: Duration) -> Result<Vec<ClaimedReceipt>>;
    /// Applies judged receipts in one transaction, exactly as if the answers had come from the provider directly.
    async fn apply_receipts(
        &self,
        receipts: Vec<JudgedReceipt>,
        payout: DecidePayout,
        message: DecideMessage,
    ) -> Result<()>;
}

/// Reports.
#[async_trait]
pub trait Reports: Send + Sync {
    /// The lines after row `after`, in row order, at most `limit`.
    async fn report_lines(
        &self,
        organisation: OrganisationId,
        batch: BatchId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Line>>;
    /// What the report of a batch begins with: the batch, and what the ledger moved for it, of one moment.
    async fn report_head(&self, organisation: OrganisationId, batch: BatchId) -> Result<Head>;
    /// Position of the last transfer of the ledger.
    async fn ledger_position(&self) -> Result<i64>;
}

/// Statements of wallets.
#[async_trait]
pub trait Statements: Send + Sync {
    /// The stretch of the ledger that `span` means, with what was in the wallet before it and what it adds up to.
    async fn statement_head(
        &self,
        organisation: OrganisationId,
        wallet: AccountId,
        span: Span,
    ) -> Result<statement::Head>;
    /// The transfers that touched the wallet after position `after` up to `until`, in order, at most `limit`.
    async fn statement_lines(
        &self,
        organisation: OrganisationId,
        wallet: AccountId,
        after: i64,
        until: i64,
        limit: u32,
    ) -> Result<Vec<Movement>>;
}

/// Standing still until it is known what happened: see [`crate::quarantine`].
#[async_trait]
pub trait Quarantines: Send + Sync {
    /// The quarantine that stands.
    async fn quarantine(&self) -> Result<Option<Quarantine>>;
    /// Operator: begins one; from `gap_from` on (absent: now) providers may have done what this database does not know.
    async fn begin_quarantine(&self, reason: &str, gap_from: Option<Time>) -> Result<Done<Quarantine>>;
    /// Engine: goes through up to `rows_max` rows of an approved batch and writes down what to ask. Returns whether there
    /// was such a batch.
    async fn list_enquiries(&self, rows_max: u32, attempts: &AttemptsMax) -> Result<bool>;
    /// Engine: claims up to `n` attempts of `lane` to be asked about.
    async fn claim_attempt_enquiries(&self, lane: &str, n: u32, lease: Duration) -> Result<Vec<AttemptEnquiry>>;
    /// Engine: when the next attempt of `lane` is to be asked about.
    async fn next_attempt_enquiry(&self, lane: &str) -> Result<Option<Time>>;
    /// Engine: records what providers said, with whatever follows for the payouts, in one transaction.
    async fn record_attempt_answers(&self, answers: Vec<AttemptAnswer>, decide: DecidePayout) -> Result<()>;
    /// Operator: how far it is, for the `lanes` that pay and whatever else was asked; `None` when none stands.
    async fn quarantine_report(&self, lanes: &[String]) -> Result<Option<Report>>;
    /// Operator: holds a provider's statement against what we call paid, and remembers how that went.
    async fn match_statement(
        &self,
        lane: &str,
        currency: Currency,
        file_hash: [u8; 32],
        lines: Vec<StatementLine>,
    ) -> Result<(Matched, Differences)>;
    /// Operator: sets aside up to `rows_max` messages that wait and may have been sent; how many there were.
    async fn withhold_messages(&self, rows_max: u32) -> Result<u32>;
    /// Operator: lifts it; refused as [`Refusal::StillInQuarantine`] while anything is not answered for.
    async fn lift_quarantine(&self, lifting: Lifting) -> Result<Quarantine>;
}

/// The installation itself.
#[async_trait]
pub trait Installation: Send + Sync {
    /// The key that signs capability addresses, made at the first start.
    async fn capability_key(&self) -> Result<[u8; 32]>;
    /// Takes the database for this process's workers and voids the leases of the process before. SQLite only lets one
    /// process have it; the error says which.
    async fn take_over(&self) -> Result<()>;
    /// Whether the database can be written and has the schema of this program.
    async fn ready(&self) -> Result<()>;
    /// Operator: copies one moment of the database to the new file `to`, beside whoever works on it.
    async fn backup(&self, to: &Path) -> Result<Backup, BackupError>;
}

/// Everything an engine offers.
pub trait Store:
    Organisations
    + Wallets
    + Batches
    + Lists
    + Payouts
    + Exceptions
    + Messages
    + Receipts
    + Reports
    + Statements
    + Quarantines
    + Installation
    + Send
    + Sync
    + 'static
{
}

impl<T> Store for T where
    T: Organisations
        + Wallets
        + Batches
        + Lists
        + Payouts
        + Exceptions
        + Messages
        + Receipts
        + Reports
        + Statements
        + Quarantines
        + Installation
        + Send
        + Sync
        + 'static
{
}

pub type SharedStore = Arc<dyn Store>;

/// Opens the engine that `database_url` names, with its schema brought up to date.
pub async fn open(config: &Config, clock: SharedClock) -> Result<SharedStore> {
    Ok(Arc::new(sqlite::SqliteStore::open(&config.database_url, clock).await?))
}
