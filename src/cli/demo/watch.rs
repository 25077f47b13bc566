//! Watches a batch being paid: a progress bar on a terminal, now and then a line elsewhere.

use super::api::Api;
use crate::cli::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Nothing moved for so long: something is wrong, and waiting will not mend it.
const STANDSTILL_MAX: Duration = Duration::from_secs(300);
/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);
const STYLE: &str = "{bar:40.green} {pos}/{len} {msg} ({elapsed})";

/// Looks at the batch until `done` says so.
pub async fn until(
    api: &Api,
    key: &str,
    batch: &str,
    mut done: impl FnMut(&Value) -> Result<bool, Failure>,
) -> Result<Value, Failure> {
    let (mut last, mut moved) = (Value::Null, Instant::now());
    loop {
        let seen = api.get(key, &format!("/v1/batches/{batch}")).await?;
        if done(&seen)? {
            return Ok(seen);
        }
        let mark = serde_json::json!([seen["state"], seen["counts"]]);
        if mark != last {
            (last, moved) = (mark, Instant::now());
        } else if moved.elapsed() > STANDSTILL_MAX {
            let state = &seen["state"];
            return Err(Failure::new(format!(
                "the batch has been {state} for five minutes without any progress: {last}"
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Looks until every recipient's payout has ended, and shows how it goes.
pub async fn payments(api: &Api, key: &str, batch: &str) -> Result<Value, Failure> {
    let mut progress = Progress::new();
    let ended = until(api, key, batch, |seen| {
        progress.show(seen);
        Ok(!matches!(seen["state"].as_str(), Some("running" | "scheduled" | "cancelling" | "paused")))
    })
    .await;
    progress.end();
    ended
}

struct Progress {
    bar: ProgressBar,
    terminal: bool,
    told: Instant,
}

impl Progress {
    fn new() -> Progress {
        let style = ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Draws on stderr, and nothing where that is no terminal.
        Progress { bar: ProgressBar::new(0).with_style(style), terminal: stderr().is_terminal(), told: Instant::now() }
    }

    fn show(&mut self, batch: &Value) {
        let count = |state: &str| batch["counts"][state].as_u64().unwrap_or_default();
        let ended = count("paid") + count("failed") + count("cancelled");
        let out = count("sending") + count("accepted") + count("unknown");
        let text = format!("paid {}, on the way {out}, failed {}", count("paid"), count("failed"));
        if !self.terminal && self.told.elapsed() >= LINE_EVERY {
            eprintln!("{ended}/{} {text}", count("valid"));
            self.told = Instant::now();
        }
        self.bar.set_length(count("valid"));
        self.bar.set_position(ended);
        self.bar.set_message(text);
    }

    fn end(&self) {
        self.bar.abandon();
    }
}
