use super::*;
use crate::clock::Time;
use crate::rail::testing::{SECRET, receipt};
use proptest::prelude::*;
use standardwebhooks::Webhook;

const BODY: &str = "{\"status\":\"success\"}";

fn key() -> SigningKey {
    SigningKey::parse(SECRET).unwrap()
}

fn signed(sent: i64, signature: &str, received_at: Time) -> RawReceipt {
    let headers = [(HEADER_ID, "msg_1"), (HEADER_TIMESTAMP, &sent.to_string()), (HEADER_SIGNATURE, signature)];
    RawReceipt { headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(), received_at, ..receipt(BODY) }
}

fn seconds(n: i64) -> Time {
    Time(n * 1_000_000)
}

#[test]
fn what_was_signed_verifies() {
    let signature = key().sign("msg_1", 1_000, BODY.as_bytes());
    assert_eq!(key().verify(&signed(1_000, &signature, seconds(1_000))), Ok(()));
}

#[test]
fn five_minutes_either_way_and_not_a_microsecond_more() {
    let sent = 1_000_000;
    let verify = |at| key().verify(&signed(sent, &key().sign("msg_1", sent, BODY.as_bytes()), at));
    assert_eq!(verify(seconds(sent + 300)), Ok(()));
    assert_eq!(verify(seconds(sent - 300)), Ok(()));
    assert_eq!(verify(Time(seconds(sent + 300).0 + 1)), Err(SignatureError::Stale));
    assert_eq!(verify(seconds(sent - 301)), Err(SignatureError::Stale));
    let far = key().sign("msg_1", i64::MIN, BODY.as_bytes());
    assert_eq!(key().verify(&signed(i64::MIN, &far, Time(i64::MAX))), Err(SignatureError::Stale));
}

#[test]
fn one_of_several_signatures_is_enough() {
    let other = SigningKey::parse(&format!("whsec_{}", STANDARD.encode([1; 32]))).unwrap();
    let (ours, theirs) = (key().sign("msg_1", 5, BODY.as_bytes()), other.sign("msg_1", 5, BODY.as_bytes()));
    let verify = |header: &str| key().verify(&signed(5, header, seconds(5)));
    assert_eq!(verify(&format!("{theirs} v1a,xyz {ours}")), Ok(()));
    assert_eq!(verify(&format!("{theirs} v1,!!! v1, v1")), Err(SignatureError::Mismatch));
    assert_eq!(verify(&ours.replace("v1,", "v2,")), Err(SignatureError::Mismatch));
    assert_eq!(verify(""), Err(SignatureError::Mismatch));
    let late = format!("{}{ours}", "v1,AAAA ".repeat(SIGNATURES_MAX));
    assert_eq!(verify(&late), Err(SignatureError::Mismatch), "signatures beyond the bound are not looked at");
}

#[test]
fn missing_headers_and_odd_timestamps_are_refused() {
    for missing in [HEADER_ID, HEADER_TIMESTAMP, HEADER_SIGNATURE] {
        let mut receipt = signed(5, &key().sign("msg_1", 5, BODY.as_bytes()), seconds(5));
        receipt.headers.retain(|(n, _)| n != missing);
        assert_eq!(key().verify(&receipt), Err(SignatureError::Missing(missing)));
    }
    for text in ["", "+5", "05", " 5", "5.0", "five", "99999999999999999999"] {
        assert!(matches!(parse_timestamp(text), Err(SignatureError::Timestamp(_))), "{text:?}");
    }
}

#[test]
fn a_secret_that_is_missing_or_short_makes_no_key() {
    let of = |bytes: usize| SigningKey::parse(&format!("whsec_{}", STANDARD.encode(vec![1; bytes])));
    assert!(SigningKey::parse("").is_none() && SigningKey::parse("whsec_").is_none());
    assert!(SigningKey::parse("whsec_not base64").is_none());
    assert!(of(23).is_none() && of(65).is_none());
    assert!(of(24).is_some() && of(64).is_some());
    assert!(SigningKey::parse(SECRET.trim_start_matches("whsec_")).is_some());
}

proptest! {
    #[test]
    fn signatures_equal_those_of_the_reference_implementation(
        key in prop::collection::vec(any::<u8>(), 24..=64), id in "[a-z_0-9]{1,20}", at in any::<i64>(), body in ".{0,200}",
    ) {
        let secret = format!("whsec_{}", STANDARD.encode(&key));
        let oracle = Webhook::new(&secret).unwrap().sign(&id, at, body.as_bytes()).unwrap();
        prop_assert_eq!(SigningKey::parse(&secret).unwrap().sign(&id, at, body.as_bytes()), oracle);
    }

    #[test]
    fn any_flipped_bit_is_refused(byte in any::<prop::sample::Index>(), bit in 0u8..8, in_body in any::<bool>()) {
        let signature = key().sign("msg_1", 5, BODY.as_bytes());
        let mut receipt = signed(5, &signature, seconds(5));
        if in_body {
            let at = byte.index(receipt.body.len());
            receipt.body[at] ^= 1 << bit;
        } else {
            let mut bytes = signature.into_bytes();
            let at = byte.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
            receipt.headers[2].1 = text;
        }
        prop_assert!(key().verify(&receipt).is_err());
    }
}
