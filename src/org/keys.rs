//! API keys: shown once, kept only as a SHA-256 (they are 256 random bits, so a slow hash would add nothing).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use sha2::{Digest, Sha256};

const LIVE_PREFIX: &str = "gaba_live_";
/// Letters of a key that are kept readable, so that a person can tell keys apart.
const SHOWN_LETTERS: usize = 16;

/// A new key: the secret to show once, and what is stored.
pub struct NewKey {
    pub secret: String,
    pub hash: [u8; 32],
    pub prefix: String,
}

pub fn generate() -> NewKey {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let secret = format!("{LIVE_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    NewKey { hash: hash(&secret), prefix: secret[..SHOWN_LETTERS].to_owned(), secret }
}

/// What a presented key is looked up by.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_are_found_by_their_hash() {
        let (one, two) = (generate(), generate());
        assert_ne!(one.secret, two.secret);
        assert_eq!(hash(&one.secret), one.hash);
        assert!(one.secret.starts_with(&one.prefix) && one.prefix.len() < one.secret.len() / 2);
    }
}
