//! Quarantine: the installation sends nothing new until somebody knows what happened meanwhile.
//!
//! A database that was restored from a backup has forgotten: rows that it calls queued may have been paid since the backup
//! was taken. While a quarantine stands no transfer, no resend and no SMS is claimed (a condition of the claim, like a paused
//! batch), nothing scheduled starts and nothing is swept; queries, receipts and verdicts go on. For every row of an approved
//! batch that is not paid the provider is asked about each attempt that there may have been: references are derived
//! from payout and attempt number, so they can be written down again. What the provider knows and we do not becomes ours
//! ([`follow`]); what it pays is paid here, once. An operator lifts the quarantine once everything was asked and the
//! providers' statements of the gap were held against the books ([`statement`]).

pub mod follow;
pub mod statement;

use crate::clock::Time;
use crate::payout::Payout;
use crate::rail::{Answer, Outcome, Request};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Attempts asked about on a lane that is not configured (any more).
pub const ATTEMPTS_DEFAULT: u32 = 5;

/// The `attempts_max` of each lane.
pub type AttemptsMax = HashMap<String, u32>;

/// A quarantine that stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Quarantine {
    #[serde(skip)]
    pub id: i64,
    pub reason: String,
    pub began_at: Time,
    /// From when on providers may have done what this database does not know: when the backup was taken.
    pub gap_from: Time,
    /// The last ledger position that the backup knows; null where nothing was restored.
    pub backup_position: Option<i64>,
}

/// One attempt to be asked about, claimed.
#[derive(Clone, Debug)]
pub struct AttemptEnquiry {
    pub quarantine: i64,
    pub payout: Payout,
    pub note: Option<String>,
    pub attempt: u32,
    pub claim: i64,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct AttemptAnswer {
    pub enquiry: AttemptEnquiry,
    pub answer: Answer,
    /// The request of the attempt, written anew: what we keep of an attempt that we have forgotten. None where nothing was
    /// asked.
    pub request: Option<Request>,
    pub at: Time,
    /// When it is asked again, should it have learnt nothing.
    pub again: Duration,
    /// Attempts to go on to when even the last one asked about is known.
    pub attempts_max: u32,
}

/// What a provider says of a reference, as far as it counts here.
pub fn said(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Paid(_) => Some("paid"),
        Outcome::Accepted { .. } => Some("accepted"),
        Outcome::Failed { .. } => Some("failed"),
        Outcome::NotFound => Some("not_found"),
        Outcome::NotSent { .. } | Outcome::Unknown { .. } | Outcome::LaneBlocked { .. } => None,
    }
}

/// How far a lane was asked. Rows, not attempts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LaneProgress {
    pub lane: String,
    pub rows: i64,
    /// Rows of which every attempt was answered for.
    pub asked: i64,
    pub left: i64,
    /// Rows of which the provider knows an attempt that this database did not have.
    pub known_to_provider_only: i64,
    /// Rows of which it knows no attempt at all: they are sent once the quarantine is lifted, if their batch runs.
    pub not_known: i64,
    /// Why the last question that was asked in vain came to nothing.
    pub trouble: Option<String>,
    /// The last statement that was held against the books.
    pub matched: Option<Matched>,
}

/// The result of holding a statement against the books.
#[derive(Clone, Debug, Serialize)]
pub struct Matched {
    pub at: Time,
    pub lines: i64,
    pub unknown: i64,
    pub missing: i64,
    pub differing: i64,
}

impl Matched {
    pub fn agrees(&self) -> bool {
        self.unknown == 0 && self.missing == 0 && self.differing == 0
    }
}

/// A batch that the quarantine concerns.
#[derive(Clone, Debug, Serialize)]
pub struct BatchConcerned {
    pub id: Uuid,
    pub name: String,
    pub organisation: String,
    pub state: String,
    pub rows: i64,
    pub left: i64,
}

/// Everything that an operator must know before lifting.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub quarantine: Quarantine,
    /// Whether every approved batch was gone through for rows to ask about.
    pub listed: bool,
    pub lanes: Vec<LaneProgress>,
    pub batches: Vec<BatchConcerned>,
    /// Messages that wait and may have been sent since the backup.
    pub messages: i64,
    /// Exceptions that wait for two people.
    pub exceptions: i64,
}

impl Report {
    pub fn left(&self) -> i64 {
        self.lanes.iter().map(|lane| lane.left).sum()
    }

    /// Why it cannot be lifted yet, in words; `vouched`: the operator says that the statements were matched by other means.
    pub fn obstacle(&self, vouched: bool) -> Option<String> {
        if !self.listed {
            return Some(
                "the approved batches are still being gone through; `gaba serve` does that while it runs".into(),
            );
        }
        if let Some(lane) = self.lanes.iter().find(|lane| lane.left > 0) {
            let why = lane.trouble.as_deref().map(|t| format!(" (last trouble: {t})")).unwrap_or_default();
            return Some(format!(
                "{} rows of lane {} are not answered for{why}; let `gaba serve` run with that lane until they are",
                lane.left, lane.lane
            ));
        }
        let unmatched = self.lanes.iter().find(|lane| !lane.matched.as_ref().is_some_and(Matched::agrees));
        match unmatched {
            Some(lane) if !vouched => Some(format!(
                "no statement of lane {} agrees with the books yet; run `gaba quarantine match {} STATEMENT.csv`, or say \
                 --statement-matched if you matched it by other means",
                lane.lane, lane.lane
            )),
            _ => None,
        }
    }
}

/// How a quarantine is lifted.
#[derive(Clone, Debug)]
pub struct Lifting {
    pub note: String,
    /// The lanes that pay: the statement of each must have been matched, also where nothing is left to ask about. A list
    /// that nobody has uploaded again is known to it alone.
    pub lanes: Vec<String>,
    /// The operator says that the statements were matched by other means.
    pub vouched: bool,
    /// Messages that wait are sent, although they may have been sent before.
    pub send_messages: bool,
}
