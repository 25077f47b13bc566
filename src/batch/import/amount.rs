//! Reading one cell as an amount.
//!
//! An amount is accepted only when it can mean one thing: `1,000` is a thousand, `1.000` may be one or a thousand and
//! is refused. Grouping must be regular (`1,250,000`), the currency, when written, must be the batch's.

use crate::money::{Currency, Money, MoneyError};
use crate::text::is_invisible;

/// Why a cell is no amount; every message tells the remedy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AmountError {
    #[error("there is no amount. Type what the recipient shall get, such as 50000")]
    Missing,
    #[error("the amount is negative. A payment cannot be: type it without the minus sign, or remove the row")]
    Negative,
    #[error(
        "the amount stands in parentheses, which means negative in accounting. Type it without them, or remove the \
         row"
    )]
    Parentheses,
    #[error("the amount begins with a plus sign. Type it without the sign")]
    Signed,
    #[error("the amount is zero. Type what the recipient shall get, or remove the row")]
    Zero,
    #[error(
        "the amount is written with an exponent, so digits may be lost. Format the column as a number and type it \
         in full"
    )]
    Exponent,
    #[error("the cell holds no number; a formula may have failed. Type the amount, such as 50000")]
    NotANumber,
    #[error("the amount is written as a hexadecimal number. Type it with the digits 0 to 9")]
    Hexadecimal,
    #[error(
        "the amount is written in digits of another script, or in full-width digits. Type it again with the digits \
         0 to 9"
    )]
    ForeignDigits,
    #[error("the amount is a percentage. Type the amount itself, such as 50000")]
    Percent,
    #[error("the amount is too large to be paid. Check it for digits too many")]
    TooLarge,
    #[error("{} has {}; this amount has more. Round it, and type it again", currency.code(), decimals(*currency))]
    Decimals { currency: Currency },
    #[error(
        "the dot in the amount may stand for thousands or for decimals. Type thousands without a dot (1000), \
         decimals with two digits (1.50)"
    )]
    AmbiguousDot,
    #[error(
        "the comma in the amount may stand for thousands or for decimals. Type thousands without a comma (1000), \
         decimals with a dot (1.50)"
    )]
    AmbiguousComma,
    #[error("the digits of the amount are not in groups of three. Type it without separators, such as 1250000")]
    Grouping,
    #[error(
        "the amount is in {found}, and this batch is in {}. Correct it, or put the row into a batch in {found}",
        batch.code()
    )]
    OtherCurrency { found: Currency, batch: Currency },
    #[error(
        "the amount begins with 0, like a phone number or a code. If it is the amount, type it without the leading 0"
    )]
    LeadingZero,
    #[error(
        "there is a line break, a tab or something invisible between the digits of the amount, so there may be two amounts \
         in the cell. Type one, such as 50000"
    )]
    Several,
    #[error("the amount contains letters. Type digits only, such as 50000")]
    Letters,
    #[error("the amount contains {0:?}. Type digits only, such as 50000")]
    Character(char),
}

fn decimals(currency: Currency) -> &'static str {
    match currency.exponent() {
        0 => "no decimals",
        _ => "two decimals",
    }
}

impl AmountError {
    pub fn code(&self) -> &'static str {
        match self {
            AmountError::Missing => "amount_missing",
            AmountError::Negative => "amount_negative",
            AmountError::Parentheses => "amount_in_parentheses",
            AmountError::Signed => "amount_signed",
            AmountError::Zero => "amount_zero",
            AmountError::Exponent => "amount_exponent",
            AmountError::NotANumber => "amount_not_a_number",
            AmountError::Hexadecimal => "amount_hexadecimal",
            AmountError::ForeignDigits => "amount_foreign_digits",
            AmountError::Percent => "amount_percent",
            AmountError::TooLarge => "amount_too_large",
            AmountError::Decimals { .. } => "amount_decimals",
            AmountError::AmbiguousDot | AmountError::AmbiguousComma => "amount_ambiguous",
            AmountError::Grouping => "amount_grouping",
            AmountError::OtherCurrency { .. } => "amount_other_currency",
            AmountError::LeadingZero => "amount_leading_zero",
            AmountError::Several => "amount_several",
            AmountError::Letters => "amount_letters",
            AmountError::Character(_) => "amount_character",
        }
    }
}

/// Reads an amount of `currency` as people type it: `50000`, `1,250,000`, `1 250 000`, `UGX 500`, `500/=`.
pub fn parse(text: &str, currency: Currency) -> Result<Money, AmountError> {
    // The usual case first: a million plain numbers shall cost nothing more.
    let money = match Money::parse(text, currency) {
        Ok(money) if is_plain(text) => money,
        _ => parse_typed(text, currency)?,
    };
    if money.minor == 0 { Err(AmountError::Zero) } else { Ok(money) }
}

fn is_plain(text: &str) -> bool {
    !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse_typed(text: &str, currency: Currency) -> Result<Money, AmountError> {
    let text = text.trim_matches(is_invisible);
    let text = text.strip_prefix('\'').unwrap_or(text).trim_matches(is_invisible);
    if text.is_empty() {
        return Err(AmountError::Missing);
    }
    if text.contains(|c| is_invisible(c) && !groups_digits(c)) {
        return Err(AmountError::Several);
    }
    let text = &text.replace(groups_digits, " ");
    let number = without_currency(text, currency)?;
    check_characters(number)?;
    let plain = ungroup(number)?;
    if plain.len() > 1 && plain.starts_with('0') && !plain.starts_with("0.") {
        return Err(AmountError::LeadingZero);
    }
    Money::parse(&plain, currency).map_err(|error| match error {
        MoneyError::TooLarge(_) => AmountError::TooLarge,
        // More digits than a decimal number can hold exactly.
        MoneyError::Number(_) if plain.len() > 20 => AmountError::TooLarge,
        MoneyError::Decimals { .. } => AmountError::Decimals { currency },
        _ => AmountError::NotANumber,
    })
}

/// The spaces that stand between groups of three.
fn groups_digits(c: char) -> bool {
    matches!(c, ' ' | '\u{00A0}' | '\u{2007}' | '\u{2009}' | '\u{202F}')
}

/// Takes off the batch's currency code before or after the number, or the shilling sign `/=` after it.
fn without_currency(text: &str, currency: Currency) -> Result<&str, AmountError> {
    if let Some(number) = text.strip_suffix("/=").or_else(|| text.strip_suffix("/-"))
        && currency.has_shillings()
    {
        return without_currency(number.trim(), currency);
    }
    for code in [text.get(..3), text.len().checked_sub(3).and_then(|at| text.get(at..))].into_iter().flatten() {
        let Ok(found) = code.parse::<Currency>() else { continue };
        if !code.bytes().all(|b| b.is_ascii_alphabetic()) {
            continue;
        }
        if found != currency {
            return Err(AmountError::OtherCurrency { found, batch: currency });
        }
        let number = if text.starts_with(code) { &text[3..] } else { &text[..text.len() - 3] };
        return Ok(number.trim());
    }
    Ok(text)
}

/// Names what is wrong with a text that is not only digits and separators.
fn check_characters(text: &str) -> Result<(), AmountError> {
    if let Some(found) = text.chars().find(|c| c.is_numeric() && !c.is_ascii_digit()) {
        // `½` and `²` are numeric, but nobody's digits.
        return Err(if found.is_alphabetic() { AmountError::Letters } else { AmountError::ForeignDigits });
    }
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.trim_start_matches(['-', '+', '\u{2212}']);
    if matches!(unsigned, "nan" | "inf" | "infinity" | "\u{221E}" | "null" | "none" | "") || text.starts_with('#') {
        return Err(AmountError::NotANumber);
    }
    if text.starts_with('(') && text.ends_with(')') {
        return Err(AmountError::Parentheses);
    }
    if lower.starts_with(['-', '\u{2212}', '\u{2013}']) || lower.ends_with(['-', '\u{2212}']) {
        return Err(AmountError::Negative);
    }
    if text.contains('%') {
        return Err(AmountError::Percent);
    }
    if lower.strip_prefix("0x").is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(AmountError::Hexadecimal);
    }
    if is_exponent(&lower) {
        return Err(AmountError::Exponent);
    }
    if text.starts_with('+') {
        return Err(AmountError::Signed);
    }
    match text.chars().find(|c| !c.is_ascii_digit() && !matches!(c, ',' | '.' | ' ' | '\'' | '\u{2019}')) {
        Some(c) if c.is_alphabetic() => Err(AmountError::Letters),
        Some(c) => Err(AmountError::Character(c)),
        None if !text.contains(|c: char| c.is_ascii_digit()) => Err(AmountError::NotANumber),
        None => Ok(()),
    }
}

fn is_exponent(lower: &str) -> bool {
    let Some((mantissa, exponent)) = lower.split_once('e') else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    !exponent.is_empty()
        && exponent.bytes().all(|b| b.is_ascii_digit())
        && mantissa.starts_with(|c: char| c.is_ascii_digit())
        && mantissa.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
}

/// The number without its grouping; refuses what is grouped irregularly or could be read in two ways.
fn ungroup(text: &str) -> Result<String, AmountError> {
    let (whole, fraction) = match text.split_once('.') {
        None => (text, None),
        // 1.000,50 and 1.000.000
        Some((_, rest)) if rest.contains(['.', ',']) => return Err(AmountError::AmbiguousDot),
        Some((whole, rest)) => (whole, Some(rest)),
    };
    let digits = ungroup_whole(whole)?;
    match fraction {
        None => Ok(digits),
        Some(f) if f.is_empty() || !f.bytes().all(|b| b.is_ascii_digit()) => Err(AmountError::Grouping),
        Some(f) if f.len() == 3 && !digits.starts_with('0') => Err(AmountError::AmbiguousDot),
        Some(f) => Ok(format!("{digits}.{f}")),
    }
}

fn ungroup_whole(whole: &str) -> Result<String, AmountError> {
    let separators: Vec<char> = whole.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some(&separator) = separators.first() else {
        return if whole.is_empty() { Err(AmountError::Grouping) } else { Ok(whole.to_owned()) };
    };
    let groups: Vec<&str> = whole.split(separator).collect();
    // 1000,50: a decimal comma. 0,500 is none of a thousand.
    let last_is_decimals = separator == ',' && groups.len() == 2 && (1..=2).contains(&groups[1].len());
    if last_is_decimals || separator == ',' && groups[0] == "0" {
        return Err(AmountError::AmbiguousComma);
    }
    let regular = matches!(separator, ',' | ' ')
        && separators.iter().all(|s| *s == separator)
        && (1..=3).contains(&groups[0].len())
        && groups[1..].iter().all(|g| g.len() == 3);
    if regular { Ok(groups.concat()) } else { Err(AmountError::Grouping) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Currency::*;
    use proptest::prelude::*;

    #[test]
    fn reads_amounts_that_mean_one_thing() {
        for (text, currency, minor) in [
            ("50000", Ugx, 50_000),
            (" 50000 ", Ugx, 50_000),
            ("'50000", Ugx, 50_000),
            ("50,000", Ugx, 50_000),
            ("1,250,000", Ugx, 1_250_000),
            ("1,000", Kes, 100_000),
            ("1,000.50", Kes, 100_050),
            ("1 250 000", Ugx, 1_250_000),
            ("1\u{00A0}250\u{00A0}000", Ugx, 1_250_000),
            ("1\u{202F}250\u{202F}000", Ugx, 1_250_000),
            ("1 250.50", Kes, 125_050),
            ("\u{202A}500\u{202C}", Ugx, 500),
            ("UGX 500", Ugx, 500),
            ("ugx500", Ugx, 500),
            ("500 UGX", Ugx, 500),
            ("500/=", Ugx, 500),
            ("50,000/=", Ugx, 50_000),
            ("UGX 50,000/=", Ugx, 50_000),
            ("KES 12.5", Kes, 1_250),
            ("12.50", Kes, 1_250),
            ("0.50", Kes, 50),
            ("500\n", Ugx, 500),
            ("500.00", Ugx, 500),
            ("9223372036854775807", Ugx, i64::MAX),
        ] {
            assert_eq!(parse(text, currency), Ok(Money::new(minor, currency)), "{text:?}");
        }
    }

    #[test]
    fn refuses_everything_else_and_says_what_it_is() {
        for (text, currency, code) in [
            ("", Ugx, "amount_missing"),
            ("\u{00A0}", Ugx, "amount_missing"),
            ("UGX", Ugx, "amount_not_a_number"),
            ("500\n300", Ugx, "amount_several"),
            ("1\n500", Ugx, "amount_several"),
            ("100\t200", Ugx, "amount_several"),
            ("500\u{200B}000", Ugx, "amount_several"),
            ("-", Ugx, "amount_not_a_number"),
            ("1.000", Ugx, "amount_ambiguous"),
            ("1.000", Kes, "amount_ambiguous"),
            ("1.000,50", Kes, "amount_ambiguous"),
            ("1.000.000", Ugx, "amount_ambiguous"),
            ("1000,50", Kes, "amount_ambiguous"),
            ("0,500", Kes, "amount_ambiguous"),
            ("1'000", Ugx, "amount_grouping"),
            ("1,00,000", Ugx, "amount_grouping"),
            ("1,0000", Ugx, "amount_grouping"),
            ("1000,000", Ugx, "amount_grouping"),
            ("1,000 000", Ugx, "amount_grouping"),
            ("1  000", Ugx, "amount_grouping"),
            ("500.", Kes, "amount_grouping"),
            (".50", Kes, "amount_grouping"),
            ("-5", Ugx, "amount_negative"),
            ("\u{2212}5", Ugx, "amount_negative"),
            ("5-", Ugx, "amount_negative"),
            ("UGX -5", Ugx, "amount_negative"),
            ("(5)", Ugx, "amount_in_parentheses"),
            ("+5", Ugx, "amount_signed"),
            ("0", Ugx, "amount_zero"),
            ("0.00", Kes, "amount_zero"),
            ("0.001", Kes, "amount_decimals"),
            ("12.345678", Kes, "amount_decimals"),
            ("500.5", Ugx, "amount_decimals"),
            ("500.50", Ugx, "amount_decimals"),
            ("1e3", Ugx, "amount_exponent"),
            ("1.5E+6", Ugx, "amount_exponent"),
            ("1e400", Ugx, "amount_exponent"),
            ("NaN", Ugx, "amount_not_a_number"),
            ("Infinity", Ugx, "amount_not_a_number"),
            ("-inf", Ugx, "amount_not_a_number"),
            ("#N/A", Ugx, "amount_not_a_number"),
            ("0x10", Ugx, "amount_hexadecimal"),
            ("٥٠٠", Ugx, "amount_foreign_digits"),
            ("１００", Ugx, "amount_foreign_digits"),
            ("5%", Ugx, "amount_percent"),
            ("9223372036854775808", Ugx, "amount_too_large"),
            ("92233720368547758.08", Kes, "amount_too_large"),
            ("99999999999999999999999999999999999", Ugx, "amount_too_large"),
            ("KES 500", Ugx, "amount_other_currency"),
            ("500USD", Ugx, "amount_other_currency"),
            ("0772123456", Ugx, "amount_leading_zero"),
            ("Shs 500", Ugx, "amount_letters"),
            ("5OO", Ugx, "amount_letters"),
            ("five", Ugx, "amount_letters"),
            ("500/=", Xof, "amount_character"),
            ("$500", Usd, "amount_character"),
            ("2026-03-01", Ugx, "amount_character"),
        ] {
            let error = parse(text, currency).expect_err(text);
            assert_eq!(error.code(), code, "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back_what_it_shows(
            text in "\\PC{0,24}|[-+0-9.,' eExUGXKS/=%()]{0,16}|[0-9]{1,3}([, ][0-9]{3}){0,5}(\\.[0-9]{1,2})?",
        ) {
            for currency in Currency::ALL {
                if let Ok(money) = parse(&text, currency) {
                    prop_assert!(money.minor > 0);
                    prop_assert_eq!(parse(&money.amount(), currency), Ok(money));
                    prop_assert_eq!(parse(&money.display(), currency), Ok(money));
                }
            }
        }
    }
}
