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
mod batches;
mod exceptions;
mod installation;
mod list;
mod messages;
mod organisations;
mod payouts;
mod quarantines;
mod receipts;
mod reports;
pub mod sqlite;
mod wallets;

use crate::clock::{SharedClock, Time};
use crate::config::Config;
use crate::faults::Injected;
use crate::money::Money;
use crate::payout::exception::Difference;
pub use batches::{Batches, IMPORTS_AT_ONCE, IMPORTS_OF_ONE_MAX, ImportTotals, NewRecipient, NewRow, RejectedRow};
pub use exceptions::{Exceptions, TermsOfLanes};
pub use installation::Installation;
pub use list::{
    BadRow, Compared, DigestLine, Duplicate, IssueView, JudgeRow, Lists, LookedAt, OtherList, ReferenceLine,
    RepeatedReference, SameFile, SamePayment,
};
pub use messages::{DecideMessage, MessageRecord, Messages, PrepareText, TestMessage};
pub use organisations::Organisations;
pub use payouts::{AskInstead, DecidePayout, PayoutRecord, Payouts, PrepareTransfer};
pub use quarantines::Quarantines;
pub use receipts::Receipts;
pub use reports::{Reports, Statements};
use serde::Serialize;
use std::sync::Arc;
pub use wallets::Wallets;

/// Why an act was refused: the caller's to read, nothing is wrong with the system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the batch is {state}, which does not allow this")]
    InvalidState { state: String },
    #[error(
        "whoever uploaded, corrected or submitted a batch may not approve it, nor have what failed paid again; ask another person with the role checker"
    )]
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
        "{by} proposed {proposed}, and your {} is not theirs. Give the same to confirm it (what proves it and paid_amount may \
         be left out); to disagree while it is not confirmed, let {by} propose another one after talking to each other",
        difference.name()
    )]
    VerdictDiffers { proposed: String, by: String, difference: Difference },
    /// Why the `paid_amount` of a verdict cannot be what was paid.
    #[error("{0}")]
    PaidAmount(String),
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

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Applied,
    /// The claim had lapsed or the state moved on; a definitive answer was kept to be applied by its reference.
    Fenced,
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
