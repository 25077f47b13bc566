//! The configuration: `gaba.toml`, overridden by a few environment variables; secrets only from the environment.
//!
//! `gaba.example.toml` documents every key and is read by a test, so that it cannot fall behind.

use crate::clock::Time;
use crate::money::{Currency, Money};
use crate::payout::exception::LaneTerms;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {why}. Name another file with --config, or start from gaba.example.toml", path.display())]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error("{}: {why}", path.display())]
    Invalid { path: PathBuf, why: String },
    #[error("lane {lane:?}: {why}")]
    Lane { lane: String, why: String },
    #[error(
        "lane {lane:?}: {key} names the environment variable {variable}, which is not set. \
         Set it to the secret and start again"
    )]
    SecretMissing { lane: String, key: &'static str, variable: String },
    #[error("{0}")]
    Other(String),
}

/// Whether the worker loops run inside `gaba serve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Workers {
    #[default]
    Embedded,
    None,
}

/// How far a lane's callbacks are believed; see `receipt/verify.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callbacks {
    /// Never believed: they only trigger a status query.
    Hint,
    /// Believed when they come to an address that only the provider was told.
    Capability,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub database_url: String,
    pub bind: String,
    pub public_url: Option<String>,
    pub data_dir: PathBuf,
    pub workers: Workers,
    /// A `tracing` filter such as `info` or `gaba=debug`.
    pub log: String,
    /// Connections that one source may hold at a time; never more than a quarter of all.
    pub connections_per_source: usize,
    /// Largest upload, in bytes.
    pub upload_bytes_max: u64,
    /// Largest list, in rows.
    pub rows_max: u32,
    /// How far back lists are compared with others; zero not at all.
    #[serde(deserialize_with = "duration")]
    pub duplicate_window: Duration,
    /// How often the books are checked while the workers run; zero never.
    #[serde(deserialize_with = "duration")]
    pub ledger_check_every: Duration,
    pub lanes: Vec<LaneConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            database_url: "sqlite://data/gaba.db".into(),
            bind: "127.0.0.1:8080".into(),
            public_url: None,
            data_dir: PathBuf::from("data"),
            workers: Workers::default(),
            log: "info".into(),
            connections_per_source: 1024,
            upload_bytes_max: 64 * 1024 * 1024,
            rows_max: 1_000_000,
            duplicate_window: Duration::from_secs(14 * 24 * 3600),
            ledger_check_every: Duration::from_secs(300),
            lanes: Vec::new(),
        }
    }
}

/// One account at one provider. Keys that a rail does not use are refused only where they would mislead; what each
/// means is written in `gaba.example.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneConfig {
    pub name: String,
    pub rail: String,
    pub base_url: String,
    #[serde(default)]
    pub country: Option<String>,
    #[serde(default)]
    pub currency: Option<Currency>,
    /// E.164 digits without `+`; the longest match over all lanes wins.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Least and most that is paid at once, as a decimal in `currency`.
    #[serde(default)]
    pub amount_min: Option<String>,
    #[serde(default)]
    pub amount_max: Option<String>,
    /// Requests a second; absent: as fast as `concurrency` allows.
    #[serde(default)]
    pub rate_per_second: Option<u32>,
    #[serde(default = "defaults::concurrency")]
    pub concurrency: usize,
    #[serde(default)]
    pub target_environment: Option<String>,
    #[serde(default)]
    pub api_user: Option<String>,
    #[serde(default)]
    pub api_key_env: Option<String>,
    #[serde(default)]
    pub subscription_key_env: Option<String>,
    #[serde(default)]
    pub secret_env: Option<String>,
    /// Sender shown to the recipient of an SMS.
    #[serde(default)]
    pub sender: Option<String>,
    /// What an organisation pays for each segment of a list of SMS: a decimal string in the lane's currency, or where it
    /// has none, in the list's. Absent: nothing.
    #[serde(default)]
    pub price_per_segment: Option<String>,
    #[serde(default = "defaults::poll_after", deserialize_with = "durations")]
    pub poll_after: Vec<Duration>,
    /// An accepted or unknown payout older than this becomes an exception for a person; polling goes on hourly.
    #[serde(default = "defaults::unknown_after", deserialize_with = "duration")]
    pub unknown_after: Duration,
    #[serde(default, deserialize_with = "optional_duration")]
    pub idempotent_for: Option<Duration>,
    #[serde(default = "defaults::resend_after", deserialize_with = "duration")]
    pub resend_after: Duration,
    #[serde(default = "defaults::query_rate_per_second")]
    pub query_rate_per_second: Option<u32>,
    #[serde(default)]
    pub callbacks: Option<Callbacks>,
    #[serde(default = "defaults::attempts_max")]
    pub attempts_max: u32,
    /// First and longest wait before a payout is tried again; doubles in between, with jitter.
    #[serde(default = "defaults::backoff_min", deserialize_with = "duration")]
    pub backoff_min: Duration,
    #[serde(default = "defaults::backoff_max", deserialize_with = "duration")]
    pub backoff_max: Duration,
    #[serde(default = "defaults::lease", deserialize_with = "duration")]
    pub lease: Duration,
    #[serde(default = "defaults::request_timeout", deserialize_with = "duration")]
    pub request_timeout: Duration,
    /// An SMS without a delivery receipt for so long is `expired`.
    #[serde(default = "defaults::receipt_deadline", deserialize_with = "duration")]
    pub receipt_deadline: Duration,
    #[serde(skip)]
    pub secrets: Secrets,
}

impl LaneConfig {
    fn check_limits(&self) -> Result<(), String> {
        let read = |key: &str, text: &Option<String>| match (text, self.currency) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(format!("`{key}` is an amount of `currency`, which is missing")),
            (Some(text), Some(currency)) => Money::parse(text, currency)
                .ok()
                .filter(|money| money.minor > 0)
                .map(Some)
                .ok_or_else(|| format!("`{key}` must be an amount of {currency} such as \"500\", not {text:?}")),
        };
        let (min, max) = (read("amount_min", &self.amount_min)?, read("amount_max", &self.amount_max)?);
        match (min, max) {
            (Some(min), Some(max)) if min.minor > max.minor => {
                Err("`amount_min` is more than `amount_max`, so nothing could be paid".into())
            }
            _ => Ok(()),
        }
    }
}

/// The secrets of a lane, resolved from the environment at the start. Never printed.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    pub api_key: Option<SecretString>,
    pub subscription_key: Option<SecretString>,
    pub secret: Option<SecretString>,
}

impl Secrets {
    pub fn expose(secret: &Option<SecretString>) -> &str {
        secret.as_ref().map_or("", |s| s.expose_secret())
    }
}

mod defaults {
    use std::time::Duration;

    pub fn concurrency() -> usize {
        64
    }
    pub fn poll_after() -> Vec<Duration> {
        [60, 120, 300, 600].map(Duration::from_secs).to_vec()
    }
    pub fn unknown_after() -> Duration {
        Duration::from_secs(24 * 3600)
    }
    pub fn resend_after() -> Duration {
        Duration::from_secs(15 * 60)
    }
    pub fn query_rate_per_second() -> Option<u32> {
        Some(10)
    }
    pub fn attempts_max() -> u32 {
        5
    }
    pub fn backoff_min() -> Duration {
        Duration::from_secs(2)
    }
    pub fn backoff_max() -> Duration {
        Duration::from_secs(600)
    }
    pub fn lease() -> Duration {
        Duration::from_secs(60)
    }
    pub fn request_timeout() -> Duration {
        Duration::from_secs(20)
    }
    pub fn receipt_deadline() -> Duration {
        Duration::from_secs(48 * 3600)
    }
}

/// Longest `request_timeout`: what is still out when a process is told to stop must end within its 25 s drain.
pub const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(24);

impl Config {
    /// Lists created before this are not compared with others; `None` when none are.
    pub fn duplicates_since(&self, now: Time) -> Option<Time> {
        (!self.duplicate_window.is_zero()).then(|| now - self.duplicate_window)
    }

    /// What the lane says about verdicts. A provider that does not say how long it remembers a reference is given as
    /// long as an outcome may stay unknown.
    pub fn lane_terms(&self, lane: &str) -> LaneTerms {
        let lane = self.lanes.iter().find(|l| l.name == lane);
        let sms_lane = crate::lane::route::sms_lane(&self.lanes);
        let wait = lane.map(|l| l.idempotent_for.unwrap_or(l.unknown_after));
        LaneTerms {
            reissue_after: wait.unwrap_or_else(defaults::unknown_after),
            sms_lane: sms_lane.map(|lane| lane.name.clone()),
        }
    }

    /// Reads `path` (or `gaba.toml` where present, or the defaults), applies the environment and checks everything.
    pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
        let mut config = match path {
            Some(path) => Self::read(path)?,
            None if Path::new("gaba.toml").exists() => Self::read(Path::new("gaba.toml"))?,
            None => Config::default(),
        };
        let get = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        if let Some(url) = get("GABA_DATABASE_URL") {
            config.database_url = url;
        }
        if let Some(bind) = get("GABA_BIND") {
            config.bind = bind;
        }
        if let Some(url) = get("GABA_PUBLIC_URL") {
            config.public_url = Some(url);
        }
        if let Some(dir) = get("GABA_DATA_DIR") {
            config.data_dir = dir.into();
        }
        if let Some(log) = get("GABA_LOG") {
            config.log = log;
        }
        config.resolve_secrets(&get)?;
        config.check()?;
        Ok(config)
    }

    fn read(path: &Path) -> Result<Config, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|why| ConfigError::Unreadable { path: path.to_owned(), why })?;
        Self::parse(&text)
            .map_err(|e| ConfigError::Invalid { path: path.to_owned(), why: e.to_string().trim_end().to_owned() })
    }

    /// Parses the text of a configuration file; neither environment nor secrets are looked at.
    pub fn parse(text: &str) -> Result<Config, toml::de::Error> {
        toml::from_str(text)
    }

    fn resolve_secrets(&mut self, get: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        for lane in &mut self.lanes {
            let resolve = |key: &'static str, variable: &Option<String>| match variable {
                None => Ok(None),
                Some(variable) => get(variable).map(|v| Some(SecretString::from(v))).ok_or_else(|| {
                    ConfigError::SecretMissing { lane: lane.name.clone(), key, variable: variable.clone() }
                }),
            };
            lane.secrets = Secrets {
                api_key: resolve("api_key_env", &lane.api_key_env)?,
                subscription_key: resolve("subscription_key_env", &lane.subscription_key_env)?,
                secret: resolve("secret_env", &lane.secret_env)?,
            };
        }
        Ok(())
    }

    /// Refuses what could not work, or would not be safe.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.database_url.starts_with("sqlite://") {
            return Err(ConfigError::Other(format!(
                "database_url {:?} is not supported: use sqlite://path/to/gaba.db",
                self.database_url
            )));
        }
        if self.connections_per_source == 0 {
            let why = "connections_per_source is 0, so nobody could connect: give a number such as 1024";
            return Err(ConfigError::Other(why.into()));
        }
        let mut names = std::collections::HashSet::new();
        for lane in &self.lanes {
            let fail = |why: String| Err(ConfigError::Lane { lane: lane.name.clone(), why });
            if !names.insert(&lane.name) {
                return fail("the name is used twice; give each lane a name of its own".into());
            }
            if lane.name.is_empty()
                || !lane.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            {
                return fail("a name consists of lower-case letters, digits and hyphens".into());
            }
            let telco = crate::rail::TELCO_RAILS.contains(&lane.rail.as_str());
            if !telco && !crate::rail::SMS_RAILS.contains(&lane.rail.as_str()) {
                return fail(format!(
                    "rail {:?} is unknown; choose one of {:?} or {:?}",
                    lane.rail,
                    crate::rail::TELCO_RAILS,
                    crate::rail::SMS_RAILS
                ));
            }
            if !(lane.base_url.starts_with("http://") || lane.base_url.starts_with("https://")) {
                return fail(format!("base_url {:?} must begin with https:// (or http://)", lane.base_url));
            }
            if telco && (lane.currency.is_none() || lane.prefixes.is_empty()) {
                return fail("a lane that pays needs `currency` and `prefixes`".into());
            }
            if let Err(why) = lane.check_limits() {
                return fail(why);
            }
            if let Some(bad) = lane.prefixes.iter().find(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit())) {
                return fail(format!("prefix {bad:?} must be digits such as \"25677\", without +"));
            }
            if let Some(price) = &lane.price_per_segment {
                // Three of the currencies have no decimals; one that has two says whether it is a number at all.
                let currency = lane.currency.unwrap_or(Currency::Usd);
                if let Err(why) = Money::parse(price, currency) {
                    return fail(format!("price_per_segment: {why}"));
                }
                if telco {
                    return fail("price_per_segment belongs to a lane that sends SMS".into());
                }
            }
            if lane.rail == "mtn-momo" && (lane.api_user.is_none() || lane.target_environment.is_none()) {
                return fail("rail mtn-momo needs `api_user` and `target_environment`".into());
            }
            if lane.concurrency == 0
                || lane.attempts_max == 0
                || lane.rate_per_second == Some(0)
                || lane.query_rate_per_second == Some(0)
            {
                return fail("`concurrency`, `attempts_max` and the rates must be at least 1".into());
            }
            if lane.poll_after.is_empty() || lane.poll_after.contains(&Duration::ZERO) {
                return fail("`poll_after` needs at least one time, and none of zero".into());
            }
            if lane.request_timeout >= lane.lease {
                return fail(
                    "`request_timeout` must be less than `lease`, or a slow call could outlive its claim".into(),
                );
            }
            if lane.request_timeout > REQUEST_TIMEOUT_MAX {
                return fail("`request_timeout` must be at most 24s, so that a stopping process can drain".into());
            }
            if lane.idempotent_for.is_some() && lane.resend_after < lane.request_timeout {
                return fail("`resend_after` must be at least `request_timeout`: a call may still be under way".into());
            }
            if let Some(remembered) = lane.idempotent_for
                && lane.resend_after >= remembered / 2
            {
                return fail(
                    "`resend_after` must be less than half of `idempotent_for`, or a resend could pay twice".into(),
                );
            }
        }
        Ok(())
    }

    /// Where providers reach our hooks, without a trailing slash.
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.bind)).trim_end_matches('/').to_owned()
    }

    pub fn lane(&self, name: &str) -> Option<&LaneConfig> {
        self.lanes.iter().find(|l| l.name == name)
    }
}

/// Reads `"50ms"`, `"20s"`, `"15m"`, `"24h"`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let value: u64 = number
        .parse()
        .map_err(|_| format!("{text:?} is not a time; write a whole number and a unit, such as \"20s\""))?;
    let millis = match unit {
        "ms" => Some(value),
        "s" => value.checked_mul(1_000),
        "m" => value.checked_mul(60_000),
        "h" => value.checked_mul(3_600_000),
        "d" => value.checked_mul(86_400_000),
        _ => return Err(format!("{text:?} has no unit Gaba knows; use ms, s, m, h or d, such as \"20s\"")),
    };
    millis.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is too long"))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(serde::de::Error::custom)
}

fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

fn durations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|t| parse_duration(t).map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(extra: &str) -> Result<Config, String> {
        let text = format!(
            "[[lanes]]\nname = \"mtn-ug\"\nrail = \"http\"\nbase_url = \"http://x\"\ncurrency = \"UGX\"\nprefixes = [\"25677\"]\n{extra}"
        );
        let config = Config::parse(&text).map_err(|e| e.to_string())?;
        config.check().map_err(|e| e.to_string())?;
        Ok(config)
    }

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(parse_duration("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(parse_duration("24h"), Ok(Duration::from_secs(86_400)));
        assert!(parse_duration("20").unwrap_err().contains("unit"));
        assert!(parse_duration("").is_err());
        assert!(parse_duration("99999999999999999999s").is_err());
        assert!(parse_duration("9999999999999999d").is_err());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = Config::parse("databse_url = \"x\"").unwrap_err().to_string();
        assert!(error.contains("databse_url"), "{error}");
        assert!(lane("rat_per_second = 5").unwrap_err().contains("rat_per_second"));
    }

    #[test]
    fn a_server_that_lets_nobody_in_does_not_start() {
        let error = Config::parse("connections_per_source = 0").unwrap().check().unwrap_err().to_string();
        assert!(error.contains("connections_per_source"), "{error}");
    }

    #[test]
    fn a_resend_window_that_could_pay_twice_stops_the_start() {
        assert!(lane("idempotent_for = \"1h\"\nresend_after = \"29m\"").is_ok());
        assert!(lane("idempotent_for = \"1h\"\nresend_after = \"30m\"").unwrap_err().contains("resend_after"));
    }

    #[test]
    fn the_price_of_an_sms_is_an_amount_of_its_lanes_currency() {
        let sms = |more: &str| {
            let lane = "[[lanes]]\nname = \"s\"\nrail = \"sms-http\"\nbase_url = \"http://x\"\n";
            Config::parse(&format!("{lane}{more}")).unwrap().check().map_err(|e| e.to_string())
        };
        assert_eq!(sms("price_per_segment = \"35\"\ncurrency = \"UGX\""), Ok(()));
        assert_eq!(sms("price_per_segment = \"0.80\""), Ok(()));
        assert!(sms("price_per_segment = \"0.80\"\ncurrency = \"UGX\"").unwrap_err().contains("decimals"));
        assert!(sms("price_per_segment = \"-1\"").unwrap_err().contains("price_per_segment"));
        assert!(lane("price_per_segment = \"35\"").unwrap_err().contains("sends SMS"));
    }

    #[test]
    fn a_call_may_not_outlive_its_lease() {
        assert!(lane("lease = \"10s\"\nrequest_timeout = \"10s\"").unwrap_err().contains("lease"));
    }

    #[test]
    fn limits_are_amounts_of_the_lanes_currency() {
        assert!(lane("amount_min = \"500\"\namount_max = \"5000000\"").is_ok());
        for (limits, why) in [
            ("amount_min = \"0.5\"", "amount_min"),
            ("amount_max = \"0\"", "amount_max"),
            ("amount_max = \"5,000\"", "amount_max"),
            ("amount_min = \"2\"\namount_max = \"1\"", "more than"),
        ] {
            assert!(lane(limits).unwrap_err().contains(why), "{limits}");
        }
    }

    #[test]
    fn a_secret_that_is_not_set_stops_the_start_and_says_which() {
        let mut config = lane("secret_env = \"NOT_SET\"").unwrap();
        let error = config.resolve_secrets(&|_| None).unwrap_err().to_string();
        assert!(error.contains("NOT_SET") && error.contains("secret_env"), "{error}");
        config.resolve_secrets(&|_| Some("s3cret".into())).unwrap();
        assert_eq!(Secrets::expose(&config.lanes[0].secrets.secret), "s3cret");
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
