//! One line of the book: a reference, who it was for, and what became of it.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rail {
    MtnMomo,
    Http,
    SmsHttp,
}

impl Rail {
    pub const ALL: [Rail; 3] = [Rail::MtnMomo, Rail::Http, Rail::SmsHttp];

    pub fn name(self) -> &'static str {
        match self {
            Rail::MtnMomo => "mtn-momo",
            Rail::Http => "http",
            Rail::SmsHttp => "sms-http",
        }
    }
}

/// Where a reference stands. `Seen` is not taken: to a query it does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Seen,
    Pending,
    Paid,
    Failed,
    Rejected,
}

impl State {
    /// The word the book lists it under; a message is not paid but delivered.
    pub fn name(self, rail: Rail) -> &'static str {
        match (self, rail) {
            (State::Seen, _) => "seen",
            (State::Rejected, _) => "rejected",
            (State::Pending, Rail::SmsHttp) => "submitted",
            (State::Paid, Rail::SmsHttp) => "delivered",
            (State::Failed, Rail::SmsHttp) => "undelivered",
            (State::Pending, _) => "pending",
            (State::Paid, _) => "paid",
            (State::Failed, _) => "failed",
        }
    }
}

/// How a reference that was taken ends, fixed when it is taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Paid,
    Failed(Cow<'static, str>),
    /// Refused in the answer itself, nothing taken on.
    Rejected(Cow<'static, str>),
    /// Pending forever.
    Never,
}

/// What the client sent. All optional: a refused request may have said less.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Details {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout_id: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Box<str>>,
    /// What only some rails send, apart so that the others do not pay for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<Box<More>>,
}

#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct More {
    /// The text of an SMS.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub text: Box<str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub payer_message: Box<str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub payee_note: Box<str>,
}

/// A reference. Also a line of the journal, where the last line of a reference counts. Times are microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub rail: Rail,
    pub reference: Uuid,
    pub state: State,
    pub seen_at: i64,
    /// How often the reference arrived: makes the draws of a repeated call differ from those of the first.
    pub visits: u32,
    #[serde(flatten)]
    pub details: Details,
    /// Of the body that was taken; another body under the same key is refused.
    #[serde(default)]
    pub digest: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    #[serde(default)]
    pub due_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<i64>,
    /// Whether the client was told the end in the answer, which leaves nothing to say in a receipt.
    #[serde(default)]
    pub told: bool,
    /// Until it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Box<str>>,
}

impl Entry {
    pub fn new(rail: Rail, reference: Uuid, seen_at: i64) -> Self {
        Entry {
            rail,
            reference,
            state: State::Seen,
            seen_at,
            visits: 0,
            details: Details::default(),
            digest: 0,
            ending: None,
            due_at: 0,
            paid_at: None,
            told: false,
            callback: None,
        }
    }

    /// The provider's code, once it has failed.
    pub fn code(&self) -> Option<&str> {
        match (&self.ending, self.state) {
            (Some(Ending::Failed(code)), State::Failed) => Some(code),
            (Some(Ending::Rejected(code)), State::Rejected) => Some(code),
            _ => None,
        }
    }

    /// Ends it as it was decided. Returns the callback address to tell it to, if there is one.
    pub fn settle(&mut self, now: i64) -> Option<Arc<str>> {
        self.state = match self.ending {
            Some(Ending::Paid) => State::Paid,
            Some(Ending::Failed(_)) => State::Failed,
            Some(Ending::Rejected(_)) => State::Rejected,
            Some(Ending::Never) | None => return None,
        };
        if self.state == State::Paid {
            self.paid_at = Some(now);
        }
        self.callback.take().map(Arc::from)
    }
}

/// The network's own number of a payment. Made from the place in the book, so that a replay gives the same.
pub fn transaction_id(position: usize) -> String {
    (10_000_000_000 + position as u64).to_string()
}

/// What a receipt or an answer says of an entry: the truth, or what a forger would have it.
pub struct Told<'a> {
    pub entry: &'a Entry,
    pub state: State,
    pub code: Option<&'a str>,
    pub amount: Cow<'a, str>,
    pub transaction_id: Option<String>,
}

impl<'a> Told<'a> {
    pub fn truth(position: usize, entry: &'a Entry) -> Self {
        Told {
            entry,
            state: entry.state,
            code: entry.code(),
            amount: Cow::Borrowed(entry.details.amount.as_deref().unwrap_or_default()),
            transaction_id: (entry.state == State::Paid).then(|| transaction_id(position)),
        }
    }

    /// The opposite of how it ends.
    pub fn lie(entry: &'a Entry, code: &'a str) -> Self {
        let paid = entry.ending == Some(Ending::Paid);
        let amount = Cow::Borrowed(entry.details.amount.as_deref().unwrap_or_default());
        match paid {
            true => Told { entry, state: State::Failed, code: Some(code), amount, transaction_id: None },
            false => Told { entry, state: State::Paid, code: None, amount, transaction_id: Some("66600000000".into()) },
        }
    }

    /// The truth with another amount.
    pub fn mismatch(position: usize, entry: &'a Entry) -> Self {
        let truth = Self::truth(position, entry);
        Told { amount: Cow::Owned(format!("9{}", truth.amount)), ..truth }
    }
}
