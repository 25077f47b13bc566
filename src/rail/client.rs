//! The HTTP client of every rail: one place where "was it sent?" is answered.
//!
//! **Only a failure to connect is [`Failure::NotSent`].** reqwest's `is_connect()` is true when hyper-util's connector
//! failed: DNS, TCP, TLS or the connect timeout, all before a byte of the request exists on the wire (no TLS early data,
//! no HTTP/2). Everything later is [`Failure::Unknown`]: a timeout, a reset, half an answer, an answer beyond
//! [`BODY_BYTES_MAX`].
//!
//! **A request is written at most once.** No redirects, no proxies from the environment, reqwest's retries off. One retry
//! is left inside hyper-util and is safe: a request that a pooled connection handed back *unwritten*, because the peer had
//! closed it meanwhile, goes to a fresh connection (`TrySendError::take_message`, hyper-util `client/legacy/client.rs`).
//! Once hyper has taken the request from its queue nothing is handed back, and the close is `Unknown`.
//!
//! **A call ends in time.** One [`Deadline`] of `request_timeout` covers all requests of a call (a fresh token, the
//! resend after a 401), since a claim's lease is reckoned on it. Nothing is begun that leaves no room for the connect
//! timeout: so it is always the connect timeout that ends a slow connect, and such a call counts as not sent.

use super::{Answer, Executed, Outcome, Reason};
use crate::config::LaneConfig;
use reqwest::{Client, RequestBuilder, Response, redirect, retry};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::Instant;

/// Longest answer that is read. Real answers are under 2 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How much of an answer the audit trail keeps.
pub const AUDIT_BYTES_MAX: usize = 4 * 1024;
/// Shorter "secrets" are words, or digits of an amount: not searched for.
const SECRET_BYTES_MIN: usize = 8;
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// Below the shortest keep-alive commonly met (Node's 5 s): a request written to a connection that the provider is just
/// closing is `Unknown`, so we close first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Until when a whole call, with all its requests, must have ended.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(span: Duration) -> Self {
        Deadline(Instant::now() + span)
    }

    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub fn instant(self) -> Instant {
        self.0
    }
}

/// Why there is no answer to classify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No byte of the request was written.
    NotSent(Reason),
    /// The request may have been read. `status`: where at least the head of an answer came.
    Unknown { status: Option<u16>, reason: Reason },
    /// No request can be made at all with this lane's configuration.
    Unusable(Reason),
}

impl Failure {
    pub fn into_reason(self) -> Reason {
        match self {
            Failure::NotSent(reason) | Failure::Unusable(reason) | Failure::Unknown { reason, .. } => reason,
        }
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Answer {
        let (http_status, outcome) = match failure {
            Failure::NotSent(reason) => (None, Outcome::NotSent { reason }),
            Failure::Unknown { status, reason } => (status, Outcome::Unknown { reason }),
            Failure::Unusable(reason) => (None, Outcome::LaneBlocked { reason, executed: Executed::No }),
        };
        Answer { outcome, http_status, response: None }
    }
}

/// An answer that was read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    /// As the header `Retry-After` gave it.
    pub retry_after: Option<String>,
}

impl Reply {
    /// The body as JSON of this shape; `None` when it is anything else.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The answer with its audit copy, from which `secrets` are removed. A reason's message was cut already and might hold
    /// half of one: where there was any, the message goes.
    pub fn answer(&self, mut outcome: Outcome, secrets: &[&str]) -> Answer {
        let holds_secret = audit_text(&self.body, &[]) != audit_text(&self.body, secrets);
        if let Some(reason) = outcome.reason_mut()
            && holds_secret
        {
            reason.message = "the provider's words hold a secret and are not kept".to_owned();
        }
        Answer { outcome, http_status: Some(self.status), response: Some(audit_copy(&self.body, secrets)) }
    }
}

/// The client of one lane.
pub struct RailClient {
    http: Result<Client, String>,
    timeout: Duration,
    connect_timeout: Duration,
}

impl RailClient {
    pub fn new(lane: &LaneConfig) -> Self {
        let connect_timeout = CONNECT_TIMEOUT_MAX.min(lane.request_timeout / 2);
        let http = Client::builder()
            .user_agent(concat!("gaba/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .connect_timeout(connect_timeout)
            .timeout(lane.request_timeout)
            .pool_max_idle_per_host(lane.concurrency)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(|e| format!("the HTTP client cannot be set up: {}", chain(&e)));
        RailClient { http, timeout: lane.request_timeout, connect_timeout }
    }

    /// The deadline of a call that begins now.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }

    /// Writes one request at most once and reads its answer.
    pub async fn send(
        &self,
        deadline: Deadline,
        build: impl FnOnce(&Client) -> RequestBuilder,
    ) -> Result<Reply, Failure> {
        let http = self.http.as_ref().map_err(|why| Failure::Unusable(Reason::new("client", why)))?;
        let left = deadline.remaining();
        if left < self.connect_timeout {
            return Err(Failure::NotSent(Reason::new("out_of_time", "no time was left to begin the request")));
        }
        let request = build(http).timeout(left);
        #[cfg(feature = "faults")]
        let request = halves::torn(request);
        match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => Err(classify(&error)),
        }
    }
}

/// The class of an error before the head of an answer had come.
fn classify(error: &reqwest::Error) -> Failure {
    let reason = |code: &str| Reason::new(code, chain(error));
    if error.is_builder() {
        Failure::Unusable(reason("request"))
    } else if error.is_connect() {
        Failure::NotSent(reason(match (error.is_dns(), error.is_timeout()) {
            (true, _) => "dns",
            (_, true) => "connect_timeout",
            _ => "connect",
        }))
    } else if error.is_timeout() {
        Failure::Unknown { status: None, reason: reason("timeout") }
    } else {
        Failure::Unknown { status: None, reason: reason("no_answer") }
    }
}

async fn read(mut response: Response) -> Result<Reply, Failure> {
    let status = response.status().as_u16();
    let unknown = |code: &str, why: String| Failure::Unknown { status: Some(status), reason: Reason::new(code, why) };
    if response.status().is_redirection() {
        return Err(unknown("redirect", format!("HTTP {status}: the provider redirects, which is never followed")));
    }
    let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > BODY_BYTES_MAX => {
                return Err(unknown("answer_too_long", format!("the answer is longer than {BODY_BYTES_MAX} bytes")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(Reply { status, body, retry_after }),
            Err(error) if error.is_timeout() => return Err(unknown("timeout", chain(&error))),
            Err(error) => return Err(unknown("broken_answer", chain(&error))),
        }
    }
}

/// What a query may say. That *asking* failed before it was sent, or was refused, says nothing of the payout: read as
/// the payout's own class, `NotSent` would send it a second time.
pub fn of_query(answer: Answer) -> Answer {
    let outcome = match answer.outcome {
        Outcome::NotSent { reason } => Outcome::Unknown { reason },
        Outcome::LaneBlocked { reason, .. } => Outcome::LaneBlocked { reason, executed: Executed::Perhaps },
        told => told,
    };
    Answer { outcome, ..answer }
}

/// The start of a body for the audit trail, without secrets.
fn audit_copy(body: &[u8], secrets: &[&str]) -> String {
    // Secrets go before the cut: half a secret is one too.
    let mut text = audit_text(body, secrets);
    text.truncate(text.floor_char_boundary(AUDIT_BYTES_MAX));
    text
}

/// A body as valid UTF-8 without NUL (which Postgres cannot store) and without secrets.
fn audit_text(body: &[u8], secrets: &[&str]) -> String {
    let text = String::from_utf8_lossy(body).replace('\0', "\u{FFFD}");
    let secrets = secrets.iter().filter(|s| s.len() >= SECRET_BYTES_MIN);
    secrets.fold(text, |text, secret| text.replace(secret, "[removed]"))
}

/// An error with its causes, without the URL (which may carry more than a log should).
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}

#[cfg(feature = "faults")]
mod halves;
#[cfg(test)]
mod tests;
