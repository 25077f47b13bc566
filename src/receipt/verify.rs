//! Capability addresses: how a provider that signs nothing is believed all the same.
//!
//! Where the provider lets us name the callback address per request (MTN's `X-Callback-Url`), the address carries a
//! token: the attempt's reference and a MAC over lane and reference. Only the provider was ever told it, over TLS. Whoever
//! posts there knows the token of *that* reference on *that* lane; it vouches for no other.
//!
//! The token is `base64url(reference ‖ first 16 bytes of HMAC-SHA256(key, length of lane ‖ lane ‖ reference))` without
//! padding, 43 characters. There is one spelling for each token (base64's spare bits must be zero).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

const TAG_BYTES: usize = 16;
const TOKEN_BYTES: usize = 16 + TAG_BYTES;

/// The token that lets its bearer speak about `reference` on `lane`.
pub fn capability_token(key: &[u8; 32], lane: &str, reference: Uuid) -> String {
    let mut token = [0; TOKEN_BYTES];
    token[..16].copy_from_slice(reference.as_bytes());
    token[16..].copy_from_slice(&tag(key, lane, reference));
    URL_SAFE_NO_PAD.encode(token)
}

/// The reference a token vouches for on this lane; `None` when the token is not ours. In constant time.
pub fn verify_capability_token(key: &[u8; 32], lane: &str, token: &str) -> Option<Uuid> {
    let bytes: [u8; TOKEN_BYTES] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    let (reference, given) = bytes.split_at(16);
    let reference = Uuid::from_slice(reference).ok()?;
    bool::from(tag(key, lane, reference).ct_eq(given)).then_some(reference)
}

fn tag(key: &[u8; 32], lane: &str, reference: Uuid) -> [u8; TAG_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    // Length first: a lane's name must never run into what follows it.
    mac.update(&(lane.len() as u64).to_be_bytes());
    mac.update(lane.as_bytes());
    mac.update(reference.as_bytes());
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    std::array::from_fn(|i| full[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [9; 32];

    #[test]
    fn a_token_vouches_for_its_reference_on_its_lane_only() {
        let reference = Uuid::from_u128(7);
        let token = capability_token(&KEY, "mtn-ug", reference);
        assert_eq!(token.len(), 43);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "fit for a path");
        assert_eq!(verify_capability_token(&KEY, "mtn-ug", &token), Some(reference));
        assert_eq!(verify_capability_token(&KEY, "mtn-rw", &token), None);
        assert_eq!(verify_capability_token(&[8; 32], "mtn-ug", &token), None);
    }

    #[test]
    fn anything_shorter_longer_or_padded_is_refused() {
        let token = capability_token(&KEY, "mtn-ug", Uuid::from_u128(7));
        for cut in 0..token.len() {
            assert_eq!(verify_capability_token(&KEY, "mtn-ug", &token[..cut]), None);
        }
        for more in ["A", "=", "AAAA", " "] {
            assert_eq!(verify_capability_token(&KEY, "mtn-ug", &format!("{token}{more}")), None);
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let token = capability_token(&KEY, "mtn-ug", Uuid::from_u128(7));
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify_capability_token(&KEY, "mtn-ug", &URL_SAFE_NO_PAD.encode(forged)), None, "bit {bit}");
        }
        for bit in 0..token.len() * 8 {
            let mut forged = token.clone().into_bytes();
            forged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(text) = String::from_utf8(forged) {
                assert_eq!(verify_capability_token(&KEY, "mtn-ug", &text), None, "bit {bit} of the text");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_posted_never_panics_and_only_ours_is_believed(token in ".{0,60}", reference in any::<u128>(), lane in "[a-z-]{0,12}") {
            prop_assert_eq!(verify_capability_token(&KEY, &lane, &token), None);
            let reference = Uuid::from_u128(reference);
            let ours = capability_token(&KEY, &lane, reference);
            prop_assert_eq!(verify_capability_token(&KEY, &lane, &ours), Some(reference));
        }
    }
}
