//! Telephone numbers: from what people type to E.164 digits.
//!
//! * Nothing is guessed. A cell that could mean two numbers, or has lost digits on its way through a spreadsheet, is
//!   refused with an error that says what to do.
//! * Only ASCII digits count. Full-width and Arabic digits are refused rather than converted: whoever typed them shall
//!   see the number that is paid.
//! * [`normalise`] is pure, and stable: what it returns normalises to itself without a warning.

mod plan;
mod read;

pub use plan::Country;
pub use read::normalise;

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

    /// The digits as a number: at most 15 of them, so they always fit, and none begins with zero.
    pub fn as_u64(&self) -> u64 {
        self.0.bytes().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'))
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Normalised {
    pub msisdn: Msisdn,
    /// By prefix; `None` where the plan names no network for it.
    pub network: Option<&'static str>,
    pub warning: Option<PhoneWarning>,
}

/// Read without doubt, but worth a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PhoneWarning {
    #[error(
        "the number has no leading 0 or country code, as when a spreadsheet dropped the 0; it was read as {country} \
         (+{}). Check that it is complete", country.calling_code()
    )]
    NoTrunkZero { country: Country },
    #[error(
        "the number has a 0 after the country code +{}; it was read without that 0. Check that it is right",
        country.calling_code()
    )]
    ZeroAfterCountryCode { country: Country },
    #[error(
        "the number ends in {zeros} zeros, as one does whose last digits a spreadsheet has lost (2.56772E+11). Check it with \
         the recipient"
    )]
    Zeros { zeros: usize },
}

impl PhoneWarning {
    pub fn code(self) -> &'static str {
        match self {
            PhoneWarning::NoTrunkZero { .. } => "phone_no_leading_zero",
            PhoneWarning::ZeroAfterCountryCode { .. } => "phone_zero_after_country_code",
            PhoneWarning::Zeros { .. } => "phone_zeros",
        }
    }
}

/// Why a cell is not a number that can be paid; every message tells the remedy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PhoneError {
    #[error("there is no phone number. Type the recipient's mobile number, such as {}", country.example())]
    Missing { country: Country },
    #[error(
        "the spreadsheet shortened this number and its last digits are lost. Format the column as Text and type the \
         number again in full, such as {}", country.example()
    )]
    DigitsLost { country: Country },
    #[error(
        "the number contains letters; perhaps O was typed for 0, or l for 1. Type it with digits only, such as {}",
        country.example()
    )]
    Letters { country: Country },
    #[error(
        "there is a text and no phone number. Type the recipient's mobile number, such as {}, or remove the row",
        country.example()
    )]
    Text { country: Country },
    #[error(
        "the number has an extension. Money goes to a mobile number: remove the extension, or type the mobile number"
    )]
    Extension,
    #[error("there is more than one number in the cell. Keep the one that shall be paid and remove the others")]
    Several,
    #[error(
        "the number is written in digits of another script, or in full-width digits. Type it again with the digits 0 \
         to 9"
    )]
    ForeignDigits,
    #[error(
        "the number is negative. A spreadsheet takes +256-772… for a formula and calculates it, so its digits are lost. \
         Format the column as Text and type the number again, such as {}", country.example()
    )]
    Negative { country: Country },
    #[error(
        "the number has decimals, so a program has calculated with it. Format the column as Text and type the number \
         again, such as {}", country.example()
    )]
    Decimals { country: Country },
    #[error("the number contains {found:?}. Type digits only, such as {}", country.example())]
    Character { found: char, country: Country },
    #[error(
        "the number begins with +{start}, which is not {country} (+{}). Correct it, or pay it in a batch of its own \
         country", country.calling_code()
    )]
    OtherCountry { start: String, country: Country },
    #[error(
        "the number is too short: {digits} digits{} where a number in {country} has {} (such as {}). Type the missing \
         digits", country.zero_counted(), country.typed_digits(), country.example()
    )]
    TooShort { digits: usize, country: Country },
    #[error(
        "the number is too long: {digits} digits{} where a number in {country} has {} (such as {}). Remove what is too \
         much", country.zero_counted(), country.typed_digits(), country.example()
    )]
    TooLong { digits: usize, country: Country },
    #[error(
        "this is a fixed line in {country}, which can receive neither mobile money nor SMS. Ask the recipient for a mobile number, \
         such as {}", country.example()
    )]
    Landline { country: Country },
}

impl PhoneError {
    pub fn code(&self) -> &'static str {
        match self {
            PhoneError::Missing { .. } => "phone_missing",
            PhoneError::DigitsLost { .. } => "phone_digits_lost",
            PhoneError::Letters { .. } | PhoneError::Text { .. } => "phone_letters",
            PhoneError::Extension => "phone_extension",
            PhoneError::Several => "phone_several",
            PhoneError::ForeignDigits => "phone_foreign_digits",
            PhoneError::Negative { .. } => "phone_negative",
            PhoneError::Decimals { .. } => "phone_decimals",
            PhoneError::Character { .. } => "phone_character",
            PhoneError::OtherCountry { .. } => "phone_other_country",
            PhoneError::TooShort { .. } => "phone_too_short",
            PhoneError::TooLong { .. } => "phone_too_long",
            PhoneError::Landline { .. } => "phone_landline",
        }
    }
}

impl Country {
    /// Digits of a number as people type it at home, with the zero that is dialled first.
    fn typed_digits(self) -> usize {
        self.national_digits() + usize::from(self.trunk_zero())
    }

    /// After a count of digits, however the number was typed.
    fn zero_counted(self) -> &'static str {
        if self.trunk_zero() { ", the leading 0 counted," } else { "" }
    }
}
