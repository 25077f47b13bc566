//! Rails: the code that speaks a provider's protocol. One folder per protocol; adding one is one folder and one line in
//! [`telco`] or [`sms`].
//!
//! **The rail classifies, the engine decides.** A rail turns whatever came back (or did not) into an [`Outcome`]; it
//! never retries a money call, never follows a redirect, and a code it does not know is [`Outcome::Unknown`], never
//! [`Outcome::Failed`].

pub mod client;
pub mod http;
pub mod mtn_momo;
pub mod sms_http;
#[cfg(test)]
mod testing;
pub mod webhook;
mod wire;

use crate::clock::Time;
use crate::config::{LaneConfig, Secrets};
use crate::ids::{MessageId, PayoutId};
use crate::money::{Currency, Money};
use crate::phone::Msisdn;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;
use webhook::SigningKey;

/// Why something ended as it did: a stable code and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// The provider's own code where it gave one (`PAYEE_NOT_FOUND`), else ours in lower case (`timeout`).
    pub code: String,
    pub message: String,
}

impl Reason {
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Reason { code: code.into(), message: message.into() }
    }

    /// Longest code and message kept of what a provider says.
    pub const CODE_CHARS_MAX: usize = 64;
    pub const MESSAGE_CHARS_MAX: usize = 300;

    /// In a provider's words, cut to what is kept.
    pub fn told(code: &str, message: &str) -> Self {
        let cut = |text: &str, chars_max| text.chars().filter(|c| !c.is_control()).take(chars_max).collect();
        Reason { code: cut(code, Self::CODE_CHARS_MAX), message: cut(message, Self::MESSAGE_CHARS_MAX) }
    }
}

/// What a provider said about a payment it made. Every field present must match what we sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub transaction_id: Option<String>,
    /// In the minor units of `currency`.
    pub amount_minor: Option<i64>,
    pub currency: Option<Currency>,
    /// As E.164 digits without `+`.
    pub msisdn: Option<String>,
    /// Our payout's id, where the provider gives it back (MTN's `externalId`): tells two payouts of the same amount to
    /// the same number apart.
    pub payout_id: Option<String>,
}

/// Whether a request that a blocked lane refused may have been executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executed {
    No,
    Perhaps,
}

/// The class of what was observed on the wire (`submit`), or of what the provider says of a reference (`query`,
/// receipt).
///
/// | | may come from |
/// |---|---|
/// | `Paid`, `Accepted`, `Failed`, `Unknown` | submit, query, receipt |
/// | `NotSent`, `LaneBlocked` with `executed: No` | submit only |
/// | `NotFound`, `LaneBlocked` with `executed: Perhaps` and nothing learnt | query |
///
/// `Unknown` as the answer to a query means that nothing was learnt (it could not even be asked, perhaps): what was known
/// of the payout before still holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum Outcome {
    /// The provider confirms the payment.
    Paid(Payment),
    /// The provider has it (202, pending, or "duplicate reference"); how it ends will be told.
    Accepted { provider_id: Option<String> },
    /// The provider definitively did not pay under this reference. `retryable`: a new attempt may succeed.
    Failed { reason: Reason, retryable: bool },
    /// No byte of the request was written (DNS, connect, TLS), or it was refused before anything could be executed in a
    /// way that says "later" (a documented rate limit).
    NotSent { reason: Reason },
    /// Anything after the first byte that does not say how it ended.
    Unknown { reason: Reason },
    /// Only as the answer to a query: authenticated and coded by the provider itself, "I never saw this reference". A
    /// gateway's bare 404 is `Unknown`.
    NotFound,
    /// Our account or our credentials are refused: nothing is wrong with this payout, the lane is parked.
    LaneBlocked { reason: Reason, executed: Executed },
}

impl Outcome {
    /// Why, where the outcome has a reason.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Outcome::Failed { reason, .. }
            | Outcome::NotSent { reason }
            | Outcome::Unknown { reason }
            | Outcome::LaneBlocked { reason, .. } => Some(reason),
            Outcome::Paid(_) | Outcome::Accepted { .. } | Outcome::NotFound => None,
        }
    }

    fn reason_mut(&mut self) -> Option<&mut Reason> {
        match self {
            Outcome::Failed { reason, .. }
            | Outcome::NotSent { reason }
            | Outcome::Unknown { reason }
            | Outcome::LaneBlocked { reason, .. } => Some(reason),
            Outcome::Paid(_) | Outcome::Accepted { .. } | Outcome::NotFound => None,
        }
    }
}

/// One transfer to be asked for. What is sent is fixed at the intent and stored: see [`TelcoRail::request`].
#[derive(Clone, Debug)]
pub struct Transfer {
    pub payout: PayoutId,
    /// The attempt's reference, which makes the call idempotent at the provider.
    pub reference: Uuid,
    pub msisdn: Msisdn,
    pub amount: Money,
    /// Shown to the payee where the provider can; the rail cleans and cuts it to what the provider takes.
    pub note: Option<String>,
}

/// What is sent under a reference, byte for byte, on the first send and on a resend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub body: String,
    /// Where the provider shall post its receipt, when the rail lets us name the address per request.
    pub callback_url: Option<String>,
}

/// An answer with what the audit trail keeps of it: secrets removed, cut to 4 KiB; no `response` where no whole answer
/// was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub outcome: Outcome,
    pub http_status: Option<u16>,
    pub response: Option<String>,
}

/// A receipt as it came in.
#[derive(Clone, Debug)]
pub struct RawReceipt {
    /// The reference that the capability token in the address vouches for, when the token was valid.
    pub token_reference: Option<Uuid>,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub received_at: Time,
}

impl RawReceipt {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// What a receipt says of one reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News<O> {
    pub reference: Uuid,
    pub outcome: O,
    /// Signed, or come in by an address only the provider was told. What is not verified is a hint: it may trigger a
    /// status query and nothing else.
    pub verified: bool,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReceiptError {
    #[error("the body is not a receipt of this rail: {0}")]
    Malformed(String),
    #[error("the receipt names no reference of ours")]
    NoReference,
}

/// A telco that pays.
#[async_trait]
pub trait TelcoRail: Send + Sync {
    /// The request for a transfer: pure, made once per attempt and stored before anything is sent.
    fn request(&self, transfer: &Transfer) -> Request;

    /// Sends a stored request. Never retries, except once with a fresh token after a 401 (documented as not executed).
    /// Ends within the lane's `request_timeout`, all of that included.
    async fn submit(&self, reference: Uuid, request: &Request) -> Answer;

    /// Asks what became of a reference. Never `NotSent`: that a question was not sent says nothing of the payout.
    async fn query(&self, reference: Uuid) -> Answer;

    /// Reads a receipt: pure.
    fn parse_receipt(&self, receipt: &RawReceipt) -> Result<News<Outcome>, ReceiptError>;

    /// What the provider says we have left, where it can say.
    async fn balance(&self) -> Option<Result<Money, Reason>> {
        None
    }
}

/// The class of what a gateway did with a message, or of its delivery receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum SmsOutcome {
    Submitted { gateway_id: Option<String> },
    Delivered,
    Undelivered { reason: Reason },
    Rejected { reason: Reason },
    NotSent { reason: Reason },
    Unknown { reason: Reason },
}

/// One SMS to be sent.
#[derive(Clone, Debug)]
pub struct Sms {
    /// Our id, sent as the idempotency key and given back in receipts.
    pub id: MessageId,
    pub msisdn: Msisdn,
    pub text: String,
}

/// A gateway that sends SMS.
#[async_trait]
pub trait SmsRail: Send + Sync {
    async fn send(&self, sms: &Sms) -> SmsOutcome;

    /// Reads a delivery receipt: pure.
    fn parse_receipt(&self, receipt: &RawReceipt) -> Result<News<SmsOutcome>, ReceiptError>;
}

/// What a rail needs to know of the installation beside its lane.
#[derive(Clone)]
pub struct RailContext {
    /// Where providers reach our hooks, without a trailing slash.
    pub public_url: String,
    /// Signs capability addresses; see [`crate::receipt::verify`].
    pub capability_key: Arc<[u8; 32]>,
}

/// Whether somebody vouches for a receipt: it is signed with the lane's secret, or came in by an address that only the provider
/// was told. The same that [`News::verified`] says, of a receipt that may not even be readable.
pub fn vouched(lane: &LaneConfig, receipt: &RawReceipt) -> bool {
    match lane.rail.as_str() {
        "mtn-momo" => receipt.token_reference.is_some(),
        "http" | "sms-http" => {
            let key = SigningKey::parse(Secrets::expose(&lane.secrets.secret));
            key.is_some_and(|key| key.verify(receipt).is_ok())
        }
        _ => false,
    }
}

/// Whether receipts of the lane can be believed at all: where they are signed, its secret must be a key. Else why not, and what
/// to do.
pub fn receipts(lane: &LaneConfig) -> Result<(), String> {
    let signed = matches!(lane.rail.as_str(), "http" | "sms-http");
    if !signed || SigningKey::parse(Secrets::expose(&lane.secrets.secret)).is_some() {
        return Ok(());
    }
    let variable = lane.secret_env.as_deref().unwrap_or("secret_env");
    Err(format!(
        "the secret in {variable} is no signing key, so no receipt of this lane would be believed; it must be whsec_ and base64, \
         as the provider gives it"
    ))
}

/// Names of the rails that pay, as in `rail = "…"` of a lane.
pub const TELCO_RAILS: [&str; 2] = ["mtn-momo", "http"];
/// Names of the rails that send SMS.
pub const SMS_RAILS: [&str; 1] = ["sms-http"];

/// The rail of a telco lane; `None` when the lane's rail is none that pays.
pub fn telco(lane: &LaneConfig, context: &RailContext) -> Option<Arc<dyn TelcoRail>> {
    match lane.rail.as_str() {
        "mtn-momo" => Some(Arc::new(mtn_momo::MtnMomo::new(lane, context))),
        "http" => Some(Arc::new(http::HttpGateway::new(lane, context))),
        _ => None,
    }
}

/// The rail of an SMS lane; `None` when the lane's rail is none that sends SMS.
pub fn sms(lane: &LaneConfig, context: &RailContext) -> Option<Arc<dyn SmsRail>> {
    match lane.rail.as_str() {
        "sms-http" => Some(Arc::new(sms_http::SmsHttp::new(lane, context))),
        _ => None,
    }
}
