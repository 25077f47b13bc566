//! MTN MoMo Open API, Disbursement v1_0.
//!
//! A transfer is accepted with an empty 202 under our `X-Reference-Id` (UUIDv4) and settles later; its status is asked by
//! that reference. Callbacks are unsigned, so each transfer names an address that carries a capability token
//! ([`crate::receipt::verify`]), unless the lane takes callbacks as hints only. MTN refuses a second use of a reference
//! with 409, which makes sending the same request again harmless.
//!
//! What each answer means is in `answer.rs`, each code in [`codes`]. Sources: the momodeveloper portal, npm `mtn-momo`
//! 2.0.0, crate `mtnmomo` 0.1.9; not run against the live API.

mod answer;
pub mod codes;
mod token;
mod wire;

use super::client::{Deadline, Failure, RailClient, Reply, of_query};
use super::{
    Answer, Executed, News, Outcome, RailContext, RawReceipt, Reason, ReceiptError, Request, TelcoRail, Transfer,
};
use crate::config::{Callbacks, LaneConfig, Secrets};
use crate::money::Money;
use crate::receipt::verify::capability_token;
use async_trait::async_trait;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder};
use std::sync::Arc;
use std::time::Instant;
use token::{Token, TokenCache};
use uuid::Uuid;

pub struct MtnMomo {
    lane: LaneConfig,
    context: RailContext,
    client: RailClient,
    tokens: TokenCache,
    base_url: String,
}

impl MtnMomo {
    pub fn new(lane: &LaneConfig, context: &RailContext) -> Self {
        MtnMomo {
            lane: lane.clone(),
            context: context.clone(),
            client: RailClient::new(lane),
            tokens: TokenCache::default(),
            // MTN answers doubled slashes with 400.
            base_url: lane.base_url.trim_end_matches('/').to_owned(),
        }
    }

    fn callback_url(&self, reference: Uuid) -> Option<String> {
        match self.lane.callbacks.unwrap_or(Callbacks::Capability) {
            Callbacks::Hint => None,
            Callbacks::Capability => {
                let token = capability_token(&self.context.capability_key, &self.lane.name, reference);
                Some(format!("{}/hooks/{}/{token}", self.context.public_url, self.lane.name))
            }
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/disbursement/{path}", self.base_url)
    }

    fn subscribed(&self, request: RequestBuilder) -> RequestBuilder {
        let key = Secrets::expose(&self.lane.secrets.subscription_key);
        match HeaderValue::from_str(key) {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header("Ocp-Apim-Subscription-Key", value)
            }
            // An unfit value makes the request unusable, which blocks the lane with its reason.
            Err(_) => request.header("Ocp-Apim-Subscription-Key", key),
        }
    }

    /// A token, or what became of the call that needed it: whatever happens here, nothing was executed.
    async fn token(&self, deadline: Deadline, refused: Option<&Arc<Token>>) -> Result<Arc<Token>, Outcome> {
        let token = self.tokens.get(refused, || self.fetch_token(deadline));
        tokio::time::timeout_at(deadline.instant(), token).await.unwrap_or_else(|_| {
            Err(Outcome::NotSent { reason: Reason::new("token", "no token came before the time was over") })
        })
    }

    async fn fetch_token(&self, deadline: Deadline) -> Result<Token, Outcome> {
        let asked_at = Instant::now();
        let not_sent = |message: &str| Outcome::NotSent { reason: Reason::told("token", message) };
        let reply = self.client.send(deadline, |http| {
            let user = self.lane.api_user.as_deref().unwrap_or("");
            let request = http
                .post(self.url("token/"))
                .basic_auth(user, Some(Secrets::expose(&self.lane.secrets.api_key)))
                .header(CONTENT_LENGTH, "0");
            self.subscribed(request)
        });
        match reply.await {
            Ok(reply) if matches!(reply.status, 401 | 403) => Err(Outcome::LaneBlocked {
                reason: Reason::told(
                    &format!("token_http_{}", reply.status),
                    "MTN refuses our API user, API key or subscription key",
                ),
                executed: Executed::No,
            }),
            Ok(reply) if reply.status == 200 => match reply.json() {
                Some(body) => Ok(Token::read(body, asked_at)),
                None => Err(not_sent("the token endpoint answered with something else than a token")),
            },
            Ok(reply) => Err(not_sent(&format!("the token endpoint answered HTTP {}", reply.status))),
            Err(Failure::Unusable(reason)) => Err(Outcome::LaneBlocked { reason, executed: Executed::No }),
            Err(failure) => {
                let reason = failure.into_reason();
                Err(not_sent(&format!("{}: {}", reason.code, reason.message)))
            }
        }
    }

    /// Sends with a token; after a 401, which is documented as not executed, once more with a fresh one.
    async fn authorised(
        &self,
        deadline: Deadline,
        build: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<(Reply, Arc<Token>), Answer> {
        let blocked = |outcome| Answer { outcome, http_status: None, response: None };
        let send = async |token: &Arc<Token>| {
            let environment = self.lane.target_environment.as_deref().unwrap_or("");
            let request = |http: &Client| {
                let request = build(http).bearer_auth(token.expose()).header("X-Target-Environment", environment);
                self.subscribed(request)
            };
            self.client.send(deadline, request).await.map_err(Answer::from)
        };
        let token = self.token(deadline, None).await.map_err(blocked)?;
        let reply = send(&token).await?;
        if reply.status != 401 {
            return Ok((reply, token));
        }
        let token = self.token(deadline, Some(&token)).await.map_err(blocked)?;
        Ok((send(&token).await?, token))
    }

    fn answer(&self, reply: &Reply, outcome: Outcome, token: &Token, callback_url: Option<&str>) -> Answer {
        let secrets = &self.lane.secrets;
        let capability = callback_url.and_then(|url| url.rsplit('/').next()).unwrap_or("");
        let hidden =
            [token.expose(), Secrets::expose(&secrets.api_key), Secrets::expose(&secrets.subscription_key), capability];
        reply.answer(outcome, &hidden)
    }

    async fn ask(&self, reference: Uuid) -> Answer {
        let url = self.url(&format!("v1_0/transfer/{reference}"));
        match self.authorised(self.client.deadline(), |http| http.get(&url)).await {
            Ok((reply, token)) => {
                let outcome = answer::of_query(&reply, self.lane.currency);
                self.answer(&reply, outcome, &token, self.callback_url(reference).as_deref())
            }
            Err(answer) => answer,
        }
    }
}

#[async_trait]
impl TelcoRail for MtnMomo {
    fn request(&self, transfer: &Transfer) -> Request {
        Request { body: wire::transfer_body(transfer), callback_url: self.callback_url(transfer.reference) }
    }

    async fn submit(&self, reference: Uuid, request: &Request) -> Answer {
        let url = self.url("v1_0/transfer");
        let build = |http: &Client| {
            let post = http
                .post(&url)
                .header("X-Reference-Id", reference.to_string())
                .header(CONTENT_TYPE, "application/json")
                .body(request.body.clone());
            match &request.callback_url {
                Some(address) => post.header("X-Callback-Url", address),
                None => post,
            }
        };
        match self.authorised(self.client.deadline(), build).await {
            Ok((reply, token)) => {
                let outcome = answer::of_submit(&reply);
                self.answer(&reply, outcome, &token, request.callback_url.as_deref())
            }
            Err(answer) => answer,
        }
    }

    async fn query(&self, reference: Uuid) -> Answer {
        of_query(self.ask(reference).await)
    }

    fn parse_receipt(&self, receipt: &RawReceipt) -> Result<News<Outcome>, ReceiptError> {
        let status: wire::Status =
            serde_json::from_slice(&receipt.body).map_err(|e| ReceiptError::Malformed(e.to_string()))?;
        let reference = match (receipt.token_reference, status.reference()) {
            (Some(vouched), Some(named)) if vouched != named => {
                return Err(ReceiptError::Malformed("the address and the body name different references".into()));
            }
            (vouched, named) => vouched.or(named).ok_or(ReceiptError::NoReference)?,
        };
        let outcome = answer::of_status(status, self.lane.currency);
        Ok(News { reference, outcome, verified: receipt.token_reference.is_some() })
    }

    async fn balance(&self) -> Option<Result<Money, Reason>> {
        let url = self.url("v1_0/account/balance");
        let read = match self.authorised(self.client.deadline(), |http| http.get(&url)).await {
            Ok((reply, _)) if reply.status == 200 => match reply.json::<wire::BalanceBody>() {
                Some(body) => super::wire::balance(body.available_balance, body.currency),
                None => Err(Reason::new("unreadable_answer", "the answer is no balance of MTN's")),
            },
            Ok((reply, _)) => Err(super::wire::ErrorBody::of(&reply).reason(reply.status)),
            Err(answer) => {
                Err(answer.outcome.reason().cloned().unwrap_or_else(|| Reason::new("no_answer", "no answer")))
            }
        };
        Some(read)
    }
}

#[cfg(test)]
mod tests;
