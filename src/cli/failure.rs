//! What a command ends with when it fails: one line, and an exit code.

use gaba::config::ConfigError;
use gaba::store::backup::BackupError;
use gaba::store::{Refusal, StoreError};
use std::fmt;
use std::process::ExitCode;

pub type Outcome = Result<(), Failure>;

#[derive(Debug)]
pub struct Failure {
    message: String,
    usage: bool,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), usage: false }
    }

    /// The command was used wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure { message: message.into(), usage: true }
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.usage { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    /// In one line, whatever the message holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        f.write_str(&lines.join(" "))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::usage(format!("the configuration cannot be used: {error}"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Failure::new("there is nothing of that id or name; check it and try again"),
            StoreError::Refused(Refusal::Invalid(why)) => Failure::usage(why),
            StoreError::Refused(refusal) => Failure::new(refusal.to_string()),
            StoreError::Fenced => Failure::new("it changed meanwhile; look again, then repeat the command"),
            StoreError::Unavailable(why) => {
                Failure::new(format!("the database is not available ({why}); `gaba doctor` says more"))
            }
            StoreError::Rejected(why) => Failure::new(format!("the database refused it: {why}")),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            other => Failure::new(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        let toml = "TOML parse error at line 1, column 1\n  |\n1 | bnid = \"x\"\n  | ^^^^\nunknown field `bnid`\n";
        let text = Failure::new(toml).to_string();
        assert!(!text.contains('\n') && text.ends_with("unknown field `bnid`"), "{text}");
    }
}
