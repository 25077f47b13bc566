//! A payout: one recipient's transfer, from import to its final state.
//!
//! The row is the job: `state` says where it stands, `due_at` when something must next be done, `claim` fences whoever
//! does it. [`resolve::decide`] turns what was observed into a [`resolve::Change`]; the store executes it together with
//! the money it moves. Nothing else changes a payout.

pub mod attempt;
pub mod backoff;
pub mod exception;
pub mod resolve;
pub mod states;

use crate::clock::Time;
use crate::ids::{BatchId, OrganisationId, PayoutId};
use crate::money::Money;
use crate::phone::Msisdn;
use crate::rail::{Reason, Request};
use attempt::AttemptView;
use serde::Serialize;
pub use states::State;
use std::time::Instant;
use uuid::Uuid;

/// The reason that tells that whoever worked on a payout panicked.
pub const PANIC: &str = "panic";

/// What must be done with a payout when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send it (again, under the same reference, when it is `unknown`).
    Submit,
    /// Ask the provider what became of it. A row that was claimed for sending is due for this when its lease lapses,
    /// so that whoever finds it asks and never sends.
    Query,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Action::Submit => "submit",
            Action::Query => "query",
        }
    }
}

/// The part of a payout that deciding needs, as it was when it was claimed or read.
#[derive(Clone, Debug)]
pub struct Payout {
    pub id: PayoutId,
    pub organisation: OrganisationId,
    pub batch: BatchId,
    pub row: u32,
    pub lane: String,
    pub msisdn: Msisdn,
    pub amount: Money,
    pub fee: Money,
    pub tax: Money,
    pub state: State,
    /// Fencing token: rises with every claim and every change of state.
    pub claim: i64,
    /// Number of the present attempt, from 1. Rises only when a new reference is allowed.
    pub attempt: u32,
    /// The first attempt of the present try: 1, or what a person's retry began. A retry grants the lane's
    /// `attempts_max` again.
    pub first_attempt: u32,
    /// Steps taken in the present state: polls, or sends that surely did not arrive. Drives the backoff.
    pub step: u32,
    /// The present attempt may have reached the provider: it may not be given up on our word alone.
    pub exposed: bool,
    /// Authenticated NOT_FOUND answers that count for the resend rule, and when the last of them came.
    pub not_found: u32,
    pub not_found_at: Option<Time>,
    /// First and last intent of the present attempt.
    pub intended_at: Option<Time>,
    pub sent_at: Option<Time>,
    pub frozen: bool,
}

impl Payout {
    /// What is held for it: amount, fee and tax, in minor units.
    pub fn reserved_minor(&self) -> i64 {
        self.amount.minor + self.fee.minor + self.tax.minor
    }

    /// Attempts of the present try, this one included.
    pub fn tries(&self) -> u32 {
        (self.attempt + 1).saturating_sub(self.first_attempt)
    }

    pub fn reference(&self) -> Uuid {
        crate::ids::attempt_reference(self.id, self.attempt)
    }
}

/// A payout claimed to be sent: the intent is committed.
#[derive(Clone, Debug)]
pub struct Submission {
    pub payout: Payout,
    pub reference: Uuid,
    pub request: Request,
    /// When the claim lapses, on the monotonic clock read before the claim statement.
    pub lease_until: Instant,
}

/// A payout claimed to be asked about.
#[derive(Clone, Debug)]
pub struct Enquiry {
    pub payout: Payout,
    pub reference: Uuid,
    pub lease_until: Instant,
}

/// A payout as lists of the API show it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Payout)]
pub struct PayoutView {
    #[schema(value_type = Uuid)]
    pub id: PayoutId,
    #[schema(value_type = Uuid)]
    pub batch_id: BatchId,
    pub row: u32,
    pub reference: Option<String>,
    pub name: String,
    pub msisdn: String,
    pub amount: String,
    /// What was really paid, where two people found that it is not the amount.
    pub paid_amount: Option<String>,
    #[schema(value_type = crate::money::Currency)]
    pub currency: String,
    pub lane: String,
    #[schema(value_type = State)]
    pub state: String,
    pub frozen_by: Option<Uuid>,
    pub reason: Option<Reason>,
    pub provider_reference: Option<Uuid>,
    pub provider_transaction_id: Option<String>,
    pub attempt: u32,
    pub created_at: Time,
    pub sent_at: Option<Time>,
    pub settled_at: Option<Time>,
}

/// One payout with everything that happened to it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PayoutTimeline {
    #[serde(flatten)]
    pub payout: PayoutView,
    pub attempts: Vec<AttemptView>,
    pub events: Vec<EventView>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PayoutEvent)]
pub struct EventView {
    pub at: Time,
    pub kind: String,
    pub detail: Option<String>,
}
