//! What commands print: a sentence for people or, with `--json`, a value for scripts. Logs go to stderr.

use serde_json::Value;
use std::io::{Error, ErrorKind, IsTerminal, Write, stderr, stdout};
use tracing_subscriber::EnvFilter;

#[derive(Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn tell(self, text: impl AsRef<str>, value: &Value) {
        let said = if self.json { writeln!(stdout(), "{value}") } else { writeln!(stdout(), "{}", text.as_ref()) };
        // Whoever reads may have seen enough, as `head` has.
        if let Err(e) = said.and_then(|()| stdout().flush()).or_else(unless_closed) {
            eprintln!("gaba: what was done cannot be shown: {e}");
        }
    }
}

fn unless_closed(e: Error) -> Result<(), Error> {
    if e.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(e) }
}

/// Logs to stderr by `filter`, which `GABA_LOG` overrides (the configuration has seen to that where there is one).
pub fn log(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
    // Somebody may log already: then theirs stays.
    drop(if json { logs.json().try_init() } else { logs.try_init() });
}
