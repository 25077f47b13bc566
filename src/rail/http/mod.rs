//! `http`: a telecom gateway that speaks the protocol of `docs/RAILS.md`.
//!
//! The reference is the `Idempotency-Key`; the same key with the same body answers as the first call did. Receipts are
//! signed by Standard Webhooks with the lane's secret, which is also the bearer secret. An answer must name our
//! reference and the gateway's own id, or it is unknown.

mod answer;
mod codes;

use super::client::{RailClient, of_query};
use super::webhook::SigningKey;
use super::{Answer, News, Outcome, RailContext, RawReceipt, Reason, ReceiptError, Request, TelcoRail, Transfer};
use crate::config::{LaneConfig, Secrets};
use crate::money::Money;
use answer::Told;
use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Longest narration sent.
const NARRATION_CHARS_MAX: usize = 160;

pub struct HttpGateway {
    lane: LaneConfig,
    client: RailClient,
    /// `None` when the secret is no signing key: no receipt is verified then.
    key: Option<SigningKey>,
    base_url: String,
    callback_url: String,
}

#[derive(Serialize)]
struct TransferBody<'a> {
    reference: Uuid,
    payout_id: Uuid,
    msisdn: &'a str,
    amount: String,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    narration: Option<String>,
    callback_url: &'a str,
}

#[derive(Deserialize)]
struct BalanceBody {
    available: Option<Value>,
    currency: Option<Value>,
}

impl HttpGateway {
    pub fn new(lane: &LaneConfig, context: &RailContext) -> Self {
        HttpGateway {
            lane: lane.clone(),
            client: RailClient::new(lane),
            key: SigningKey::parse(Secrets::expose(&lane.secrets.secret)),
            base_url: lane.base_url.trim_end_matches('/').to_owned(),
            callback_url: format!("{}/hooks/{}", context.public_url, lane.name),
        }
    }

    fn secret(&self) -> &str {
        Secrets::expose(&self.lane.secrets.secret)
    }

    fn get(&self, http: &Client, path: &str) -> RequestBuilder {
        http.get(format!("{}/{path}", self.base_url)).bearer_auth(self.secret())
    }

    async fn ask(&self, reference: Uuid) -> Answer {
        let path = format!("transfers/{reference}");
        match self.client.send(self.client.deadline(), |http| self.get(http, &path)).await {
            Ok(reply) => {
                let outcome = answer::of_query(&reply, reference, self.lane.currency);
                reply.answer(outcome, &[self.secret()])
            }
            Err(failure) => failure.into(),
        }
    }
}

#[async_trait]
impl TelcoRail for HttpGateway {
    fn request(&self, transfer: &Transfer) -> Request {
        let body = TransferBody {
            reference: transfer.reference,
            payout_id: transfer.payout,
            msisdn: transfer.msisdn.as_str(),
            amount: transfer.amount.amount(),
            currency: transfer.amount.currency.code(),
            narration: transfer.note.as_deref().map(narration).filter(|n| !n.is_empty()),
            callback_url: &self.callback_url,
        };
        let body = serde_json::to_string(&body).expect("a struct of strings is always JSON");
        Request { body, callback_url: Some(self.callback_url.clone()) }
    }

    async fn submit(&self, reference: Uuid, request: &Request) -> Answer {
        let post = |http: &Client| {
            http.post(format!("{}/transfers", self.base_url))
                .bearer_auth(self.secret())
                .header("Idempotency-Key", reference.to_string())
                .header(CONTENT_TYPE, "application/json")
                .body(request.body.clone())
        };
        match self.client.send(self.client.deadline(), post).await {
            Ok(reply) => {
                let outcome = answer::of_submit(&reply, reference, self.lane.currency);
                reply.answer(outcome, &[self.secret()])
            }
            Err(failure) => failure.into(),
        }
    }

    async fn query(&self, reference: Uuid) -> Answer {
        of_query(self.ask(reference).await)
    }

    fn parse_receipt(&self, receipt: &RawReceipt) -> Result<News<Outcome>, ReceiptError> {
        let told: Told = serde_json::from_slice(&receipt.body).map_err(|e| ReceiptError::Malformed(e.to_string()))?;
        let reference = told.reference().ok_or(ReceiptError::NoReference)?;
        let verified = self.key.as_ref().is_some_and(|key| key.verify(receipt).is_ok());
        Ok(News { reference, outcome: told.outcome(self.lane.currency), verified })
    }

    async fn balance(&self) -> Option<Result<Money, Reason>> {
        let read = match self.client.send(self.client.deadline(), |http| self.get(http, "balance")).await {
            Ok(reply) if reply.status == 200 => match reply.json::<BalanceBody>() {
                Some(body) => super::wire::balance(body.available, body.currency),
                None => Err(Reason::new("unreadable_answer", "the answer is no balance")),
            },
            Ok(reply) => Err(super::wire::ErrorBody::of(&reply).reason(reply.status)),
            Err(failure) => Err(failure.into_reason()),
        };
        Some(read)
    }
}

/// A note on one line, cut to what is sent.
fn narration(note: &str) -> String {
    let plain: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().chars().take(NARRATION_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
