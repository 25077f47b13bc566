//! The access token: one for the whole lane, never one per transaction.
//!
//! It is renewed ten minutes before it expires (short ones: at half their life) by one caller while the others go on
//! with the old one. Callers that have none wait for one fetch and share its result, its failure too, so that a dead
//! token endpoint is asked once and not once per waiting payout.
//!
//! Source: `POST /disbursement/token/` lives 3600 s; a new API key voids older tokens, which shows as a 401.

use super::wire::TokenBody;
use crate::rail::Outcome;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

const RENEW_BEFORE: Duration = Duration::from_secs(10 * 60);
/// How long a token without `expires_in` is used.
const LIFE_DEFAULT: Duration = Duration::from_secs(5 * 60);
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Pause after a renewal that failed while the old token still served.
const RENEW_AGAIN_AFTER: Duration = Duration::from_secs(10);

pub struct Token {
    secret: SecretString,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    /// A token asked for at `asked_at` (its life is reckoned from before the request, to be on the safe side).
    pub fn read(body: TokenBody, asked_at: Instant) -> Token {
        let life = seconds(body.expires_in.as_ref())
            .filter(|s| *s > 0)
            .map_or(LIFE_DEFAULT, Duration::from_secs)
            .min(LIFE_MAX);
        let renew_after = if life > RENEW_BEFORE * 2 { life - RENEW_BEFORE } else { life / 2 };
        let (renew_at, expires_at) = (asked_at + renew_after, asked_at + life);
        Token { secret: SecretString::from(body.access_token), renew_at, expires_at }
    }

    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

fn seconds(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[derive(Default)]
pub struct TokenCache {
    current: RwLock<Option<Arc<Token>>>,
    /// Fetches that failed so far: tells a waiter whether one did while it waited.
    failures: AtomicU64,
    turn: Mutex<Turn>,
}

/// What belongs to the one caller that fetches.
#[derive(Default)]
struct Turn {
    failure: Option<Outcome>,
    renew_not_before: Option<Instant>,
}

impl TokenCache {
    /// The token to use. `refused` is one that got a 401: it is not given out again. `fetch` fails with the outcome that
    /// the call which needs the token then has.
    pub async fn get<F>(&self, refused: Option<&Arc<Token>>, fetch: impl FnOnce() -> F) -> Result<Arc<Token>, Outcome>
    where
        F: Future<Output = Result<Token, Outcome>>,
    {
        let failures_seen = self.failures.load(Ordering::Acquire);
        let old = self.usable(refused);
        let mut turn = match &old {
            Some(token) if Instant::now() < token.renew_at => return Ok(token.clone()),
            Some(token) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(token.clone()),
            },
            None => self.turn.lock().await,
        };
        match self.usable(refused) {
            Some(token) if Instant::now() < token.renew_at => return Ok(token),
            Some(token) if turn.renew_not_before.is_some_and(|t| Instant::now() < t) => return Ok(token),
            None if self.failures.load(Ordering::Acquire) != failures_seen => {
                if let Some(failure) = &turn.failure {
                    return Err(failure.clone());
                }
            }
            _ => {}
        }
        match fetch().await {
            Ok(token) => {
                let token = Arc::new(token);
                *self.current.write().unwrap_or_else(|e| e.into_inner()) = Some(token.clone());
                *turn = Turn::default();
                Ok(token)
            }
            Err(failure) => {
                turn.renew_not_before = Some(Instant::now() + RENEW_AGAIN_AFTER);
                turn.failure = Some(failure.clone());
                self.failures.fetch_add(1, Ordering::Release);
                self.usable(refused).ok_or(failure)
            }
        }
    }

    fn usable(&self, refused: Option<&Arc<Token>>) -> Option<Arc<Token>> {
        let current = self.current.read().unwrap_or_else(|e| e.into_inner()).clone()?;
        let refused = refused.is_some_and(|r| Arc::ptr_eq(r, &current));
        (!refused && Instant::now() < current.expires_at).then_some(current)
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
