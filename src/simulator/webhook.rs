//! Standard Webhooks, the sender's side, written anew here so that the judge does not share a mistake with the judged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io;

const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

pub struct Key(Hmac<Sha256>);

impl Key {
    /// Reads `whsec_<base64>`.
    pub fn parse(secret: &str) -> io::Result<Key> {
        let wrong = || {
            let message = "the simulator's secret is not whsec_ and the base64 of 24 to 64 bytes";
            io::Error::new(io::ErrorKind::InvalidInput, message)
        };
        let encoded = secret.strip_prefix("whsec_").ok_or_else(wrong)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| wrong())?;
        if !KEY_BYTES.contains(&bytes.len()) {
            return Err(wrong());
        }
        Ok(Key::of(&bytes))
    }

    pub fn of(bytes: &[u8]) -> Key {
        Key(Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}
