//! Standard Webhooks: signing, and verifying what claims to be signed.
//!
//! `webhook-signature` holds space-separated `v1,<base64>`, each an HMAC-SHA256 over `id.timestamp.body`; several while a
//! secret is rotated. A receipt older or newer than [`TOLERANCE`] against the time *we* received it is refused, so that a
//! replay is worth nothing later. Keys have 24 to 64 bytes: an absent secret must not become an empty key that anyone
//! can sign with. Comparison takes the same time for every signature.
//!
//! Source: the Standard Webhooks specification; tested against its own crate, `standardwebhooks`.

use super::RawReceipt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};

pub const HEADER_ID: &str = "webhook-id";
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// Everything that a signature is verified with, beside the body.
pub const HEADERS: [&str; 3] = [HEADER_ID, HEADER_TIMESTAMP, HEADER_SIGNATURE];

/// How far a receipt's timestamp may lie from our time, either way.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Signatures looked at in one header; a sender that rotates its secret needs two.
const SIGNATURES_MAX: usize = 16;
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    #[error("the header {0} is missing")]
    Missing(&'static str),
    #[error("the timestamp {0:?} is not a whole number of seconds")]
    Timestamp(String),
    #[error("the timestamp is more than five minutes from our time")]
    Stale,
    #[error("no signature matches")]
    Mismatch,
}

/// A secret to sign with and to verify against.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Reads `whsec_<base64>` (the prefix may be missing); `None` when it is no key of 24 to 64 bytes.
    pub fn parse(secret: &str) -> Option<SigningKey> {
        let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
        if !KEY_BYTES.contains(&bytes.len()) {
            return None;
        }
        Hmac::new_from_slice(&bytes).ok().map(SigningKey)
    }

    /// The value of `webhook-signature` for a message: `v1,<base64>`. `timestamp` in seconds since the epoch.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, timestamp, body)))
    }

    /// Whether a receipt was signed with this key and reached us in time.
    pub fn verify(&self, receipt: &RawReceipt) -> Result<(), SignatureError> {
        let header = |name| receipt.header(name).ok_or(SignatureError::Missing(name));
        let (id, signatures) = (header(HEADER_ID)?, header(HEADER_SIGNATURE)?);
        let timestamp = parse_timestamp(header(HEADER_TIMESTAMP)?)?;
        let sent_us = i128::from(timestamp) * 1_000_000;
        if (i128::from(receipt.received_at.micros()) - sent_us).unsigned_abs() > TOLERANCE.as_micros() {
            return Err(SignatureError::Stale);
        }
        let expected = self.mac(id, timestamp, &receipt.body);
        let candidates = signatures.split(' ').filter_map(|s| s.strip_prefix("v1,")).take(SIGNATURES_MAX);
        let matched = candidates.fold(Choice::from(0), |matched, candidate| {
            let given = STANDARD.decode(candidate).unwrap_or_default();
            matched | given.as_slice().ct_eq(&expected)
        });
        if bool::from(matched) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        mac.update(format!(".{timestamp}.").as_bytes());
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

/// Only the one way to write a number: what was signed is rebuilt from the parsed value.
fn parse_timestamp(text: &str) -> Result<i64, SignatureError> {
    text.parse()
        .ok()
        .filter(|seconds: &i64| seconds.to_string() == text)
        .ok_or_else(|| SignatureError::Timestamp(text.to_owned()))
}

#[cfg(test)]
mod tests;
