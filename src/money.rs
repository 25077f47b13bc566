//! Money: an amount in integer minor units together with its currency.
//!
//! Inside Gaba an amount is never a float and never travels without its currency across a function border. At the
//! edges (files, JSON) amounts are decimal strings, read and written through [`Currency::exponent`].

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 currency that Gaba can pay in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    Ugx,
    Kes,
    Tzs,
    Rwf,
    Ghs,
    Xof,
    Eur,
    Usd,
}

impl Currency {
    pub const ALL: [Currency; 8] = [
        Currency::Ugx,
        Currency::Kes,
        Currency::Tzs,
        Currency::Rwf,
        Currency::Ghs,
        Currency::Xof,
        Currency::Eur,
        Currency::Usd,
    ];

    /// The three-letter ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Currency::Ugx => "UGX",
            Currency::Kes => "KES",
            Currency::Tzs => "TZS",
            Currency::Rwf => "RWF",
            Currency::Ghs => "GHS",
            Currency::Xof => "XOF",
            Currency::Eur => "EUR",
            Currency::Usd => "USD",
        }
    }

    /// Whether people write `/=` and Shs for it.
    pub fn has_shillings(self) -> bool {
        matches!(self, Currency::Ugx | Currency::Kes | Currency::Tzs)
    }

    /// Decimal places of the minor unit, per ISO 4217 (UGX 0, KES 2).
    pub fn exponent(self) -> u32 {
        match self {
            Currency::Ugx | Currency::Rwf | Currency::Xof => 0,
            Currency::Kes | Currency::Tzs | Currency::Ghs | Currency::Eur | Currency::Usd => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    #[error("{0:?} is not a currency Gaba pays in; use one of UGX, KES, TZS, RWF, GHS, XOF, EUR, USD")]
    Currency(String),
    #[error("{0:?} is not a decimal number such as 50000 or 12.50")]
    Number(String),
    #[error("{amount} has more decimals than {currency} has ({})", currency.exponent())]
    Decimals { amount: String, currency: Currency },
    #[error("{0} is too large")]
    TooLarge(String),
    #[error("the currencies {0} and {1} differ")]
    Mixed(Currency, Currency),
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Currency::ALL
            .into_iter()
            .find(|c| c.code().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| MoneyError::Currency(text.to_owned()))
    }
}

/// An amount of one currency, in minor units (cents, or whole shillings where there are none).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Money { minor, currency }
    }

    pub const fn zero(currency: Currency) -> Self {
        Money { minor: 0, currency }
    }

    /// Reads a plain decimal number (`50000`, `12.50`): no grouping, sign, exponent or spaces.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !plain {
            return Err(MoneyError::Number(text.to_owned()));
        }
        let decimal = Decimal::from_str_exact(text).map_err(|e| match e {
            // Only digits and points got this far: whatever is well-formed and refused is too long to be held.
            _ if text.split('.').count() <= 2 && text.starts_with(|c: char| c.is_ascii_digit()) => {
                MoneyError::TooLarge(text.to_owned())
            }
            _ => MoneyError::Number(text.to_owned()),
        })?;
        Self::from_decimal(decimal, currency)
    }

    /// Converts a decimal amount of the major unit; refuses more decimals than the currency has.
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let scaled = amount
            .normalize()
            .checked_mul(Decimal::from(10_i64.pow(currency.exponent())))
            .ok_or_else(|| MoneyError::TooLarge(amount.to_string()))?
            .normalize();
        if scaled.scale() > 0 {
            return Err(MoneyError::Decimals { amount: amount.to_string(), currency });
        }
        let minor = i64::try_from(scaled).map_err(|_| MoneyError::TooLarge(amount.to_string()))?;
        Ok(Money { minor, currency })
    }

    /// The amount as a decimal string of the major unit: `"50000"`, `"12.50"`.
    pub fn amount(self) -> String {
        Decimal::new(self.minor, self.currency.exponent()).to_string()
    }

    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or_else(|| MoneyError::TooLarge(format!("{} + {}", self.amount(), other.amount())))?;
        Ok(Money { minor, ..self })
    }

    /// For people: `UGX 1,250,000`.
    pub fn display(self) -> String {
        let plain = self.amount();
        let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |d| ("-", d));
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
        let mut grouped = String::with_capacity(plain.len() + whole.len() / 3 + 4);
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        match fraction {
            Some(f) => format!("{} {sign}{grouped}.{f}", self.currency),
            None => format!("{} {sign}{grouped}", self.currency),
        }
    }
}

/// An amount as a decimal string, with its currency.
#[derive(utoipa::ToSchema)]
#[schema(as = Money)]
#[expect(dead_code, reason = "only described")]
pub struct MoneyView {
    amount: String,
    currency: Currency,
}

/// `{"amount":"50000","currency":"UGX"}`, as the API writes money.
impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Money", 2)?;
        out.serialize_field("amount", &self.amount())?;
        out.serialize_field("currency", self.currency.code())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Currency::*;

    #[test]
    fn reads_and_writes_the_minor_units_of_the_currency() {
        assert_eq!(Money::parse("50000", Ugx), Ok(Money::new(50_000, Ugx)));
        assert_eq!(Money::parse("12.5", Kes), Ok(Money::new(1_250, Kes)));
        assert_eq!(Money::parse("500.00", Ugx), Ok(Money::new(500, Ugx)));
        assert_eq!(Money::new(1_250, Kes).amount(), "12.50");
        assert_eq!(Money::new(50_000, Ugx).amount(), "50000");
        assert_eq!(Money::new(1_234_567, Ugx).display(), "UGX 1,234,567");
        assert_eq!(Money::new(-123_456, Kes).display(), "KES -1,234.56");
    }

    #[test]
    fn refuses_what_is_not_a_plain_amount_of_the_currency() {
        for text in ["", "-5", "1e3", "1,000", " 5", "NaN", "0x10", "٥", ".", "1.2.3"] {
            assert!(matches!(Money::parse(text, Ugx), Err(MoneyError::Number(_))), "{text:?}");
        }
        assert!(matches!(Money::parse("0.5", Ugx), Err(MoneyError::Decimals { .. })));
        assert!(matches!(Money::parse("9223372036854775808", Ugx), Err(MoneyError::TooLarge(_))));
        let huge = "9".repeat(60);
        assert!(matches!(Money::parse(&huge, Ugx), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn never_adds_two_currencies() {
        assert_eq!(Money::new(1, Ugx).checked_add(Money::new(1, Kes)), Err(MoneyError::Mixed(Ugx, Kes)));
        assert!(Money::new(i64::MAX, Ugx).checked_add(Money::new(1, Ugx)).is_err());
    }
}
