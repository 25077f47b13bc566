//! Telephone numbers as E.164 digits, with their network by longest prefix.

use serde::Serialize;
use std::fmt;

/// A mobile number as E.164 digits without `+`: `256772123456`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct Msisdn(String);

impl Msisdn {
    /// Takes digits that are already E.164 (from our own database, or a provider's answer): 8 to 15 digits.
    pub fn from_digits(digits: impl Into<String>) -> Option<Msisdn> {
        let digits = digits.into();
        let plausible = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        plausible.then_some(Msisdn(digits))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
