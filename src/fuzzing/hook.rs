//! The hooks that providers post to, one target a rail. An input is what stands after `/hooks/{lane}/` in the address
//! (nothing: the open hook), a line for each header, an empty line, and the body.
//!
//! Whatever is posted never panics, is read the same way twice, and is believed only by who holds the secret: that is
//! reckoned here once more, from the headers as they were sent and without the code that verifies.

use crate::clock::Time;
use crate::config::{Config, LaneConfig};
use crate::http::read_receipt;
use crate::rail::{self, News, Outcome, RailContext, RawReceipt, Reason, ReceiptError, SmsOutcome, SmsRail, TelcoRail};
use crate::receipt::NewReceipt;
use crate::receipt::verify::capability_token;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;
use std::fmt::Debug;
use std::sync::Arc;

/// When every receipt comes in.
const RECEIVED_AT: Time = Time(1_763_715_600_000_000);
const TOLERANCE_SECONDS: i64 = 300;
const SECRET: &[u8] = b"gaba-test-secret-of-32-bytes!!!!";
const CAPABILITY_KEY: [u8; 32] = [7; 32];

/// A receipt of MTN's: it vouches for nothing itself, its address does.
pub fn hook_mtn_momo(bytes: &[u8]) {
    telco("mtn-momo", bytes, |post, news| {
        let token = capability_token(&CAPABILITY_KEY, "lane", news.reference);
        post.token == Some(token.as_str())
    });
}

/// A receipt of the generic gateway, signed.
pub fn hook_http(bytes: &[u8]) {
    telco("http", bytes, |post, _| post.is_signed());
}

/// A delivery receipt of the generic SMS gateway, signed.
pub fn hook_sms_http(bytes: &[u8]) {
    thread_local! {
        static LANE: Lane<Arc<dyn SmsRail>> = lane("sms-http", rail::sms);
    }
    LANE.with(|lane| {
        let Some((post, news)) = read_post(bytes, lane, |rail, raw| rail.parse_receipt(raw)) else { return };
        assert!(!news.verified || post.is_signed(), "believed without a signature: {news:?}");
        match &news.outcome {
            SmsOutcome::Delivered => {}
            SmsOutcome::Undelivered { reason } | SmsOutcome::Unknown { reason } => is_bounded(reason),
            other => panic!("no receipt says {other:?}"),
        }
    });
}

/// Whether a target's input is a receipt that somebody vouches for.
pub fn is_vouched_for(target: &str, bytes: &[u8]) -> bool {
    let rail = target.trim_start_matches("hook_").replace('_', "-");
    let stored = Post::read(bytes).and_then(|post| post.stored(&configured(&rail)));
    stored.is_some_and(|receipt| receipt.vouched)
}

fn telco(rail: &'static str, bytes: &[u8], is_proven: impl Fn(&Post, &News<Outcome>) -> bool) {
    thread_local! {
        static LANES: [Lane<Arc<dyn TelcoRail>>; 2] = ["mtn-momo", "http"].map(|rail| lane(rail, rail::telco));
    }
    LANES.with(|[mtn_momo, http]| {
        let lane = if rail == "mtn-momo" { mtn_momo } else { http };
        let Some((post, news)) = read_post(bytes, lane, |rail, raw| rail.parse_receipt(raw)) else { return };
        assert!(!news.verified || is_proven(&post, &news), "believed without a proof: {news:?}");
        match &news.outcome {
            Outcome::Paid(payment) => {
                assert!(payment.transaction_id.as_ref().is_some_and(|id| !id.is_empty()), "{payment:?}");
                assert!(payment.amount_minor.is_none_or(|minor| minor >= 0), "{payment:?}");
            }
            Outcome::Accepted { .. } => {}
            Outcome::Failed { reason, .. } | Outcome::Unknown { reason } => is_bounded(reason),
            other => panic!("no receipt says {other:?}"),
        }
    });
}

/// A post and what the lane makes of it; `None` where it is no receipt of ours.
fn read_post<'b, R, O: PartialEq + Debug>(
    bytes: &'b [u8],
    lane: &Lane<R>,
    read: impl Fn(&R, &RawReceipt) -> Result<News<O>, ReceiptError>,
) -> Option<(Post<'b>, News<O>)> {
    let post = Post::read(bytes)?;
    let receipt = post.stored(&lane.config)?;
    let news = read(&lane.rail, &receipt.raw);
    assert_eq!(news, read(&lane.rail, &receipt.raw), "read in two ways");
    let news = news.ok()?;
    assert_eq!(news.verified, receipt.vouched, "believed, and stored as what nobody vouches for: {news:?}");
    Some((post, news))
}

fn is_bounded(reason: &Reason) {
    assert!(reason.code.chars().count() <= Reason::CODE_CHARS_MAX, "{reason:?}");
    assert!(reason.message.chars().count() <= Reason::MESSAGE_CHARS_MAX, "{reason:?}");
}

/// A lane with its rail.
struct Lane<R> {
    config: LaneConfig,
    rail: R,
}

fn lane<R>(rail: &str, open: fn(&LaneConfig, &RailContext) -> Option<R>) -> Lane<R> {
    let config = configured(rail);
    let context = RailContext { public_url: "https://x".into(), capability_key: Arc::new(CAPABILITY_KEY) };
    Lane { rail: open(&config, &context).expect("a rail of this kind"), config }
}

fn configured(rail: &str) -> LaneConfig {
    let text = format!(
        "[[lanes]]\nname = \"lane\"\nrail = \"{rail}\"\nbase_url = \"http://x\"\ncurrency = \"UGX\"\n\
         prefixes = [\"25677\"]\ntarget_environment = \"x\"\napi_user = \"x\"\nsender = \"X\"\n"
    );
    let mut lane = Config::parse(&text).expect("a configuration").lanes.remove(0);
    lane.secrets.secret = Some(SecretString::from(STANDARD.encode(SECRET)));
    lane
}

struct Post<'b> {
    token: Option<&'b str>,
    headers: HeaderMap,
    body: &'b [u8],
}

impl<'b> Post<'b> {
    fn read(bytes: &'b [u8]) -> Option<Post<'b>> {
        let (token, mut rest) = line(bytes)?;
        let mut headers = HeaderMap::new();
        loop {
            let (header, after) = line(rest)?;
            rest = after;
            if header.is_empty() {
                break;
            }
            // What is no header never gets as far as a hook.
            let mut halves = header.splitn(2, |byte| *byte == b':');
            let name = HeaderName::from_bytes(halves.next()?).ok()?;
            headers.append(name, HeaderValue::from_bytes(halves.next()?.trim_ascii()).ok()?);
        }
        let token = std::str::from_utf8(token).ok()?;
        Some(Post { token: Some(token).filter(|t| !t.is_empty()), headers, body: rest })
    }

    fn stored(&self, lane: &LaneConfig) -> Option<NewReceipt> {
        let receipt =
            || read_receipt(&CAPABILITY_KEY, lane, self.token, &self.headers, self.body.to_vec(), RECEIVED_AT);
        let (stored, again) = (receipt()?, receipt()?);
        assert_eq!(stored.fingerprint, again.fingerprint, "a repeat would be stored twice");
        Some(stored)
    }

    /// Whether one of the signatures is over one of the ids and one of the timestamps, and in time.
    fn is_signed(&self) -> bool {
        let all = |name: &str| self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        let (ids, times, signatures) = (all("webhook-id"), all("webhook-timestamp"), all("webhook-signature"));
        ids.iter().any(|id| {
            times.iter().filter(|time| is_near(time)).any(|time| {
                let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("HMAC takes a key of any length");
                for part in [id, b".".as_slice(), time, b".", self.body] {
                    mac.update(part);
                }
                let signed = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
                signatures.iter().any(|s| s.split(|b| *b == b' ').any(|one| one == signed.as_bytes()))
            })
        })
    }
}

fn is_near(time: &[u8]) -> bool {
    let seconds = std::str::from_utf8(time).ok().and_then(|text| text.parse::<i64>().ok());
    seconds.is_some_and(|s| (s - RECEIVED_AT.micros() / 1_000_000).unsigned_abs() <= TOLERANCE_SECONDS as u64)
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
