//! Receipts: what providers post to us. Stored raw first and answered 2xx, then applied: verified, matched, in any order,
//! any number of times.

pub mod verify;

use crate::clock::Time;
use crate::rail::{News, Outcome, RawReceipt, SmsOutcome};
use uuid::Uuid;

/// A receipt to be stored as it came.
#[derive(Clone, Debug)]
pub struct NewReceipt {
    pub lane: String,
    pub raw: RawReceipt,
    /// The reference it seems to speak of, read without judging; a resend waits for receipts of its reference.
    pub reference: Option<Uuid>,
    /// Somebody vouches for it ([`crate::rail::vouched`]). What nobody vouches for waits behind what somebody does, and only
    /// the newest of it are kept.
    pub vouched: bool,
    /// Equal for repeats of the same receipt: they are stored once.
    pub fingerprint: [u8; 32],
}

/// A stored receipt, claimed to be applied.
#[derive(Clone, Debug)]
pub struct ClaimedReceipt {
    pub id: Uuid,
    pub lane: String,
    pub claim: i64,
    /// An answer of our own that came too late to be recorded and was kept; else what a provider posted.
    pub kept: Option<KeptAnswer>,
    pub raw: RawReceipt,
}

/// A definitive answer that came after its claim had lapsed.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct KeptAnswer {
    pub reference: Uuid,
    /// `submit` or `query`: a late refusal of a *request* is not a verdict on its reference.
    pub source: String,
    pub outcome: Outcome,
}

/// What a claimed receipt turned out to say.
#[derive(Clone, Debug)]
pub enum Verdict {
    Payout {
        news: News<Outcome>,
        source: crate::payout::resolve::Source,
    },
    Message(News<SmsOutcome>),
    /// Nothing can be done with it; why, in a sentence.
    Ignored(String),
}

/// A receipt with its verdict, to be applied.
#[derive(Clone, Debug)]
pub struct JudgedReceipt {
    pub id: Uuid,
    pub claim: i64,
    pub lane: String,
    pub verdict: Verdict,
    pub at: Time,
}
