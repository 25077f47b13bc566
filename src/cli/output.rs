//! What commands print: a sentence for people or, with `--json`, a value for scripts. Logs go to stderr.

use serde_json::Value;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

#[derive(Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn tell(self, text: impl AsRef<str>, value: &Value) {
        if self.json {
            println!("{value}");
        } else {
            println!("{}", text.as_ref());
        }
    }
}

/// Logs to stderr by `filter`, which `GABA_LOG` overrides (the configuration has seen to that where there is one).
pub fn log(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
    // Somebody may log already: then theirs stays.
    drop(if json { logs.json().try_init() } else { logs.try_init() });
}
