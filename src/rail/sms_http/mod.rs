//! `sms-http`: an SMS gateway that speaks the protocol of `docs/RAILS.md`.
//!
//! A message that may have gone out is never sent again: an SMS has no status query, so whatever is not documented is
//! `Unknown`, and that is final. Receipts are signed by Standard Webhooks with the lane's secret, which is also the bearer
//! secret.

use super::client::{Failure, RailClient, Reply};
use super::webhook::SigningKey;
use super::wire::ErrorBody;
use super::{News, RailContext, RawReceipt, Reason, ReceiptError, Sms, SmsOutcome, SmsRail};
use crate::config::{LaneConfig, Secrets};
use async_trait::async_trait;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub struct SmsHttp {
    lane: LaneConfig,
    client: RailClient,
    /// `None` when the secret is no signing key: no receipt is verified then.
    key: Option<SigningKey>,
    base_url: String,
    callback_url: String,
}

#[derive(Serialize)]
struct MessageBody<'a> {
    id: Uuid,
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    text: &'a str,
    callback_url: &'a str,
}

#[derive(Deserialize)]
struct Submitted {
    id: Option<String>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct DeliveryReport {
    id: Option<String>,
    status: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl SmsHttp {
    pub fn new(lane: &LaneConfig, context: &RailContext) -> Self {
        SmsHttp {
            lane: lane.clone(),
            client: RailClient::new(lane),
            key: SigningKey::parse(Secrets::expose(&lane.secrets.secret)),
            base_url: lane.base_url.trim_end_matches('/').to_owned(),
            callback_url: format!("{}/hooks/{}", context.public_url, lane.name),
        }
    }

    fn body(&self, sms: &Sms) -> String {
        let body = MessageBody {
            id: sms.id,
            to: sms.msisdn.as_str(),
            from: self.lane.sender.as_deref(),
            text: &sms.text,
            callback_url: &self.callback_url,
        };
        serde_json::to_string(&body).expect("a struct of strings is always JSON")
    }
}

#[async_trait]
impl SmsRail for SmsHttp {
    async fn send(&self, sms: &Sms) -> SmsOutcome {
        let post = |http: &Client| {
            http.post(format!("{}/messages", self.base_url))
                .bearer_auth(Secrets::expose(&self.lane.secrets.secret))
                .header("Idempotency-Key", sms.id.to_string())
                .header(CONTENT_TYPE, "application/json")
                .body(self.body(sms))
        };
        match self.client.send(self.client.deadline(), post).await {
            Ok(reply) => of_send(&reply),
            Err(Failure::NotSent(reason) | Failure::Unusable(reason)) => SmsOutcome::NotSent { reason },
            Err(Failure::Unknown { reason, .. }) => SmsOutcome::Unknown { reason },
        }
    }

    fn parse_receipt(&self, receipt: &RawReceipt) -> Result<News<SmsOutcome>, ReceiptError> {
        let report: DeliveryReport =
            serde_json::from_slice(&receipt.body).map_err(|e| ReceiptError::Malformed(e.to_string()))?;
        let id = report.id.as_deref().and_then(|id| Uuid::try_parse(id).ok()).ok_or(ReceiptError::NoReference)?;
        let verified = self.key.as_ref().is_some_and(|key| key.verify(receipt).is_ok());
        Ok(News { reference: id, outcome: of_report(&report), verified })
    }
}

fn of_send(reply: &Reply) -> SmsOutcome {
    let body = ErrorBody::of(reply);
    let reason = body.reason(reply.status);
    match reply.status {
        202 => submitted(reply).unwrap_or(SmsOutcome::Unknown {
            reason: Reason::new("unreadable_answer", "the answer lacks the gateway's id or the status submitted"),
        }),
        400 | 422 if body.code.is_some() => SmsOutcome::Rejected { reason },
        // Our account, or too fast: nothing is wrong with the message, it goes out later.
        401 | 403 | 429 => SmsOutcome::NotSent { reason },
        _ => SmsOutcome::Unknown { reason },
    }
}

fn submitted(reply: &Reply) -> Option<SmsOutcome> {
    let body: Submitted = reply.json()?;
    let id = body.id.filter(|id| !id.is_empty())?;
    (body.status.as_deref() == Some("submitted")).then_some(SmsOutcome::Submitted { gateway_id: Some(id) })
}

fn of_report(report: &DeliveryReport) -> SmsOutcome {
    let told = |code: &str, message: &str| {
        Reason::told(report.code.as_deref().unwrap_or(code), report.message.as_deref().unwrap_or(message))
    };
    match report.status.as_deref() {
        Some("delivered") => SmsOutcome::Delivered,
        Some("undelivered") => {
            SmsOutcome::Undelivered { reason: told("undelivered", "the network did not deliver it") }
        }
        other => SmsOutcome::Unknown {
            reason: Reason::told("unknown_status", &format!("the gateway says status {other:?}")),
        },
    }
}

#[cfg(test)]
mod tests;
