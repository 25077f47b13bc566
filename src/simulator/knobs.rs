//! The knobs of `/_control`, one set per rail (`mtn-momo`, `http`, `sms-http`).
//!
//! Probabilities are 0 to 1 (`true` and `false` are 1 and 0). They concern submits; queries feel `slow_ms` only.
//!
//! | knob | effect |
//! |---|---|
//! | `slow_ms` | every answer comes that much later, after the deed |
//! | `error_before` | 500, 502 or 503; the reference is noted as seen, nothing else |
//! | `error_after` | taken, and then 500, 502 or 503 |
//! | `timeout_before`, `timeout_after` | the same, but the call is never answered: hung up after 60 s |
//! | `refuse` | a definitive failure with a final code (`sms-http`: 422) |
//! | `receipt_lost` | no receipt |
//! | `receipt_double` | two to four receipts |
//! | `receipt_copies` | so many receipts of everything that is not lost; 0: as `receipt_double` says |
//! | `receipt_late_ms` | each receipt waits a random time up to that, so they also overtake each other |
//! | `receipt_early` | settled at once, and the receipt is posted before the answer is given |
//! | `receipt_forged` | beside the true one, one that an outsider made: other key, changed body, stale timestamp; for `mtn-momo` to an address with a wrong or without its last segment. Posted on acceptance, also for what never settles |
//! | `receipt_mismatch` | before the true receipt of a payment, one from the network itself that names another amount |
//! | `receipt_tries_more` | so often more than three times is a receipt tried again that nobody takes, 1.2 s apart |
//! | `barred` | our account is: every submit and query gets a 403 (`sms-http`: submits), and nothing is noted |
//! | `float` | money left, as decimal string, `null` for endless; each payment takes from it, `GET` shows the rest |
//! | `rate_per_second` | submits above it get 429 and are noted as seen; `null` for no limit; bursts up to one second's worth |
//! | `seed` | the same seed draws the same faults for the same references |
//! | `settle_ms` | time from acceptance to the end, 0: the 202 is given when all is done |
//! | `sync` | `http` only: settled at once, told in a 200, no receipt |

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;
use uuid::Uuid;

use super::amount;

const WAIT_MAX_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    pub slow_ms: u64,
    #[serde(deserialize_with = "probability")]
    pub error_before: f64,
    #[serde(deserialize_with = "probability")]
    pub error_after: f64,
    #[serde(deserialize_with = "probability")]
    pub refuse: f64,
    #[serde(deserialize_with = "probability")]
    pub timeout_before: f64,
    #[serde(deserialize_with = "probability")]
    pub timeout_after: f64,
    #[serde(deserialize_with = "probability")]
    pub receipt_lost: f64,
    #[serde(deserialize_with = "probability")]
    pub receipt_double: f64,
    pub receipt_copies: u32,
    pub receipt_late_ms: u64,
    #[serde(deserialize_with = "probability")]
    pub receipt_early: f64,
    #[serde(deserialize_with = "probability")]
    pub receipt_forged: f64,
    #[serde(deserialize_with = "probability")]
    pub receipt_mismatch: f64,
    pub receipt_tries_more: usize,
    pub barred: bool,
    pub float: Option<String>,
    pub rate_per_second: Option<u32>,
    pub seed: u64,
    pub settle_ms: u64,
    #[serde(deserialize_with = "probability")]
    pub sync: f64,
}

fn probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match value {
        Value::Bool(on) => Some(f64::from(u8::from(on))),
        Value::Number(n) => n.as_f64().filter(|p| (0.0..=1.0).contains(p)),
        _ => None,
    }
    .ok_or_else(|| serde::de::Error::custom("a probability is a number from 0 to 1"))
}

/// What is drawn for. The discriminant is part of the hash: never renumber, seeds of failed runs are kept as tests.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    ErrorBefore = 1,
    ErrorAfter,
    TimeoutBefore,
    TimeoutAfter,
    Refuse,
    Lost,
    Double,
    Late,
    Early,
    Forged,
    Mismatch,
    Sync,
    Flavour,
}

/// How a call ends without the answer it deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// One of several ways to answer 5xx.
    Error(u8),
    Hang,
}

impl Knobs {
    /// A number in 0..1, the same for the same arguments and seed. `nth` tells repeated draws of one kind apart.
    pub(super) fn number(&self, reference: Uuid, nth: u32, what: Draw) -> f64 {
        let (high, low) = reference.as_u64_pair();
        let mut x = mix(self.seed ^ high);
        x = mix(x ^ low);
        x = mix(x ^ (u64::from(nth) << 8) ^ what as u64);
        (x >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn happens(&self, probability: f64, reference: Uuid, nth: u32, what: Draw) -> bool {
        probability > 0.0 && self.number(reference, nth, what) < probability
    }

    pub(super) fn fault_before(&self, reference: Uuid, visit: u32) -> Option<Fault> {
        if self.happens(self.timeout_before, reference, visit, Draw::TimeoutBefore) {
            return Some(Fault::Hang);
        }
        let error = self.happens(self.error_before, reference, visit, Draw::ErrorBefore);
        error.then(|| self.error(reference, visit))
    }

    pub(super) fn fault_after(&self, reference: Uuid, visit: u32) -> Option<Fault> {
        if self.happens(self.timeout_after, reference, visit, Draw::TimeoutAfter) {
            return Some(Fault::Hang);
        }
        let error = self.happens(self.error_after, reference, visit, Draw::ErrorAfter);
        error.then(|| self.error(reference, visit))
    }

    fn error(&self, reference: Uuid, visit: u32) -> Fault {
        Fault::Error((self.number(reference, visit, Draw::Flavour) * 3.0) as u8)
    }

    pub(super) fn refuses(&self, reference: Uuid) -> bool {
        self.happens(self.refuse, reference, 0, Draw::Refuse)
    }

    pub(super) fn is_sync(&self, reference: Uuid) -> bool {
        self.happens(self.sync, reference, 0, Draw::Sync)
    }

    pub(super) fn is_early(&self, reference: Uuid) -> bool {
        self.happens(self.receipt_early, reference, 0, Draw::Early)
    }

    pub(super) fn is_forged(&self, reference: Uuid) -> bool {
        self.happens(self.receipt_forged, reference, 0, Draw::Forged)
    }

    pub(super) fn is_mismatched(&self, reference: Uuid) -> bool {
        self.happens(self.receipt_mismatch, reference, 0, Draw::Mismatch)
    }

    /// How many receipts are posted.
    pub(super) fn copies(&self, reference: Uuid) -> u32 {
        if self.happens(self.receipt_lost, reference, 0, Draw::Lost) {
            return 0;
        }
        if self.receipt_copies > 0 {
            return self.receipt_copies;
        }
        match self.happens(self.receipt_double, reference, 0, Draw::Double) {
            true => 2 + (self.number(reference, 1, Draw::Double) * 3.0) as u32,
            false => 1,
        }
    }

    /// How long the nth receipt dallies.
    pub(super) fn late_ms(&self, reference: Uuid, nth: u32) -> u64 {
        match self.receipt_late_ms {
            0 => 0,
            most => (self.number(reference, nth, Draw::Late) * (most + 1) as f64) as u64,
        }
    }

    fn merged(&self, patch: &Map<String, Value>) -> Result<Knobs, String> {
        let Ok(Value::Object(mut all)) = serde_json::to_value(self) else {
            return Err("the knobs cannot be written as JSON".into());
        };
        for (key, value) in patch {
            let slot = all.get_mut(key).ok_or_else(|| {
                let known: Vec<_> = Knobs::names();
                format!("unknown knob {key:?}; there are {}", known.join(", "))
            })?;
            *slot = value.clone();
            // One by one, so that the message can name the knob.
            Self::checked(Value::Object(all.clone())).map_err(|e| format!("{key}: {e}"))?;
        }
        Self::checked(Value::Object(all))
    }

    fn names() -> Vec<String> {
        match serde_json::to_value(Knobs::default()) {
            Ok(Value::Object(all)) => all.into_iter().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    }

    fn checked(value: Value) -> Result<Knobs, String> {
        let knobs: Knobs = serde_json::from_value(value).map_err(|e| e.to_string())?;
        if knobs.slow_ms.max(knobs.receipt_late_ms).max(knobs.settle_ms) > WAIT_MAX_MS {
            return Err(format!("at most {WAIT_MAX_MS} milliseconds"));
        }
        if knobs.rate_per_second == Some(0) {
            return Err("at least 1 a second, or null for no limit".into());
        }
        if knobs.float.as_deref().is_some_and(|f| amount::hundredths(f).is_none()) {
            return Err("money is a decimal string such as \"50000\" or \"12.50\", or null for endless".into());
        }
        Ok(knobs)
    }
}

fn mix(x: u64) -> u64 {
    // splitmix64
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The knobs of one rail together with what they meter.
#[derive(Debug, Default)]
pub(super) struct Control {
    knobs: RwLock<Arc<Knobs>>,
    meter: Mutex<Meter>,
}

#[derive(Debug, Default)]
struct Meter {
    /// Hundredths left.
    float: Option<i64>,
    permits: f64,
    refilled_at: Option<Instant>,
}

impl Control {
    pub fn knobs(&self) -> Arc<Knobs> {
        self.knobs.read().expect("no panic while turning knobs").clone()
    }

    /// The knobs with what is left of the float.
    pub fn shown(&self) -> Knobs {
        let knobs = self.knobs();
        Knobs { float: self.meter().float.map(amount::text), ..Knobs::clone(&knobs) }
    }

    /// The knobs as they would be after `patch`.
    pub fn checked(&self, patch: &Map<String, Value>) -> Result<(), String> {
        self.knobs().merged(patch).map(drop)
    }

    pub fn turn(&self, patch: &Map<String, Value>) -> Result<(), String> {
        let mut slot = self.knobs.write().expect("no panic while turning knobs");
        let knobs = slot.merged(patch)?;
        let mut meter = self.meter();
        if patch.contains_key("float") {
            meter.float = knobs.float.as_deref().and_then(amount::hundredths);
        }
        if patch.contains_key("rate_per_second") {
            meter.refilled_at = None;
        }
        *slot = Arc::new(knobs);
        Ok(())
    }

    /// Takes an amount from the float; false when it does not suffice.
    pub fn spend(&self, knobs: &Knobs, hundredths: i64) -> bool {
        if knobs.float.is_none() {
            return true;
        }
        let mut meter = self.meter();
        match meter.float {
            Some(left) if left < hundredths => false,
            Some(left) => {
                meter.float = Some(left - hundredths);
                true
            }
            None => true,
        }
    }

    /// What is left, in hundredths; `None`: endless.
    pub fn float(&self) -> Option<i64> {
        self.meter().float
    }

    /// Whether one more submit fits the rate limit: a bucket that holds one second's worth.
    pub fn permits(&self, knobs: &Knobs) -> bool {
        let Some(rate) = knobs.rate_per_second else { return true };
        let (rate, now) = (f64::from(rate), Instant::now());
        let mut meter = self.meter();
        meter.permits = match meter.refilled_at {
            Some(then) => (meter.permits + rate * now.duration_since(then).as_secs_f64()).min(rate),
            None => rate,
        };
        meter.refilled_at = Some(now);
        let permitted = meter.permits >= 1.0;
        if permitted {
            meter.permits -= 1.0;
        }
        permitted
    }

    fn meter(&self) -> std::sync::MutexGuard<'_, Meter> {
        self.meter.lock().expect("no panic while metering")
    }
}
