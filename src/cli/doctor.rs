//! `gaba doctor`: looks at everything a start rests on, and says how to mend what fails.

use super::{Context, Failure, Outcome, clock};
use gaba::clock::Time;
use gaba::config::{Config, LaneConfig};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const LANE_TIME_MAX: Duration = Duration::from_secs(5);
/// More than this between our clock and a provider's, and signatures and receipts are refused.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);
/// Before this program was written: a clock that says so was never set.
const WRITTEN: &str = "2025-06-01T00:00:00Z";
const PLAUSIBLE_UNTIL: &str = "2100-01-01T00:00:00Z";

#[derive(Serialize)]
struct Finding {
    check: String,
    ok: bool,
    /// What was found; where it fails, what to do.
    detail: String,
}

type Verdict = Result<String, String>;

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn note(&mut self, check: impl Into<String>, verdict: Verdict) {
        let ok = verdict.is_ok();
        self.0.push(Finding { check: check.into(), ok, detail: verdict.unwrap_or_else(|remedy| remedy) });
    }

    fn text(&self) -> String {
        let line = |f: &Finding| format!("{:<4} {}: {}", if f.ok { "ok" } else { "FAIL" }, f.check, f.detail);
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

pub async fn run(context: &Context) -> Outcome {
    let mut findings = Findings::default();
    findings.note("clock", clock_is_set(clock().now()));
    match context.config() {
        Ok(config) => {
            findings.note("settings", Ok(format!("read, {} lanes", config.lanes.len())));
            findings.note("public_url", reachable_for_providers(&config));
            findings.note("database", database(&config).await);
            lanes(&config, &mut findings).await;
        }
        Err(failure) => findings.note("settings", Err(failure.to_string())),
    }
    let failed = findings.0.iter().filter(|finding| !finding.ok).count();
    context.output.tell(findings.text(), &json!({"ok": failed == 0, "checks": findings.0}));
    if failed == 0 { Ok(()) } else { Err(Failure::new(format!("{failed} of {} checks failed", findings.0.len()))) }
}

fn clock_is_set(now: Time) -> Verdict {
    let bound = |text: &str| text.parse::<Time>().map_err(|error| error.to_string());
    if now < bound(WRITTEN)? || now > bound(PLAUSIBLE_UNTIL)? {
        return Err(format!("the clock says {now}; set it, and let chrony or systemd-timesyncd keep it"));
    }
    Ok(now.to_string())
}

/// A provider elsewhere cannot post receipts to this machine's loopback address.
fn reachable_for_providers(config: &Config) -> Verdict {
    let local = |url: &str| ["//127.", "//localhost", "//[::1]", "//0.0.0.0"].iter().any(|host| url.contains(host));
    let url = config.public_url();
    match config.lanes.iter().find(|lane| !local(&lane.base_url)) {
        Some(lane) if local(&url) => Err(format!(
            "{url} cannot be reached by the provider of lane {}; set public_url to your https address",
            lane.name
        )),
        _ => Ok(url),
    }
}

/// Opens it as a start would (which checks its settings on every connection), and writes.
async fn database(config: &Config) -> Verdict {
    let path = config.database_url.strip_prefix("sqlite://").unwrap_or(&config.database_url);
    if !Path::new(path).exists() {
        return Err(format!("{path} does not exist; make it with `gaba migrate`, or set database_url"));
    }
    let remedy = |error| {
        format!("{error}; check the path, its owner, the free space, and that this program is not older than it")
    };
    let store = gaba::store::open(config, clock()).await.map_err(remedy)?;
    store.ready().await.map_err(remedy)?;
    let missing = gaba::engine::missing_lanes(&store, config).await.map_err(remedy)?;
    if !missing.is_empty() {
        return Err(format!(
            "payouts or messages are under way on lanes that are not configured: {}; put these lanes back",
            missing.join(", ")
        ));
    }
    if let Some(quarantine) = store.quarantine().await.map_err(remedy)? {
        // Nothing is ill: it is how it shall be until an operator knows what was paid.
        return Ok(format!(
            "{path} opens and is IN QUARANTINE since {} ({}): nothing new is sent; see `gaba quarantine status`",
            quarantine.began_at, quarantine.reason
        ));
    }
    Ok(format!("{path} opens with its settings, is writable, and its schema is current"))
}

async fn lanes(config: &Config, findings: &mut Findings) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(LANE_TIME_MAX)
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return findings.note("lanes", Err(format!("no HTTP client can be made: {error}"))),
    };
    if config.lanes.is_empty() {
        findings.note("lanes", Err("no lane is configured, so nobody can be paid; see gaba.example.toml".into()));
    }
    for lane in &config.lanes {
        let verdict = match gaba::rail::receipts(lane) {
            Ok(()) => answers(&client, lane).await,
            Err(why) => Err(why),
        };
        findings.note(format!("lane {}", lane.name), verdict);
    }
}

/// Any HTTP answer will do: what is asked for needs credentials. Its date is held against our clock.
async fn answers(client: &reqwest::Client, lane: &LaneConfig) -> Verdict {
    let url = &lane.base_url;
    let response = client.get(url).send().await.map_err(|error| {
        let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        format!("{url} does not answer ({why}); check base_url, DNS and the firewall")
    })?;
    let date = response.headers().get("date").and_then(|date| date.to_str().ok());
    if let Some(theirs) = date.and_then(|date| rfc2822::parse(date).ok()) {
        let skew = Timestamp::now().duration_since(theirs.timestamp()).unsigned_abs();
        if skew > CLOCK_SKEW_MAX {
            return Err(format!("{url} answers, but its clock is {} s from ours; set our clock", skew.as_secs()));
        }
    }
    Ok(format!("{url} answers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_found() {
        assert!(clock_is_set(Time(0)).unwrap_err().contains("1970"));
        assert!(clock_is_set("2026-03-31T06:00:00Z".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_provider_elsewhere_needs_an_address_it_can_reach() {
        let with = |base: &str, public: &str| {
            let lane = format!("[[lanes]]\nname=\"m\"\nrail=\"http\"\nbase_url=\"{base}\"\n");
            reachable_for_providers(&Config::parse(&format!("public_url=\"{public}\"\n{lane}")).unwrap()).is_ok()
        };
        assert!(with("http://127.0.0.1:9001/http", "http://127.0.0.1:8080"));
        assert!(with("https://proxy.momoapi.mtn.com", "https://pay.example.org"));
        assert!(!with("https://proxy.momoapi.mtn.com", "http://localhost:8080"));
    }
}
