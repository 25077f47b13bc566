//! Reading one cell as a telephone number.

use super::{Country, Msisdn, Normalised, PhoneError, PhoneWarning};
use crate::text::is_invisible;

/// Longer cells hold no telephone number, whatever is in them.
const DIGITS_MAX: usize = 40;
/// From so many digits on, a piece of a cell is a number of its own.
const DIGITS_OF_A_NUMBER: usize = 7;
/// A decimal number has more digits before its dot than people type before one: a country code, a network.
const FLOAT_DIGITS_MIN: usize = 5;
/// So many zeros at its end has a number that a spreadsheet shortened and somebody made long again.
const ZEROS_OF_A_SHORTENED: usize = 5;

/// Reads a number as people type it: `0772 123 456`, `+256 (0) 772-123456`, `00256772123456`, `256772123456`.
pub fn normalise(text: &str, country: Country) -> Result<Normalised, PhoneError> {
    let text = bare(text);
    if text.is_empty() {
        return Err(PhoneError::Missing { country });
    }
    if is_shortened(text) {
        return Err(PhoneError::DigitsLost { country });
    }
    if is_negative(text) {
        return Err(PhoneError::Negative { country });
    }
    if decimals(text).is_some() {
        return Err(PhoneError::Decimals { country });
    }
    let typed = Typed::read(text, country).map_err(|error| explain(text, error))?;
    let (national, warning) = typed.national(country).map_err(|error| explain(text, error))?;
    if country.is_landline(national.as_str()) {
        return Err(PhoneError::Landline { country });
    }
    let network = country.network(national.as_str());
    let zeros = national.as_str().bytes().rev().take_while(|b| *b == b'0').count();
    let shortened = zeros >= ZEROS_OF_A_SHORTENED && text.starts_with(country.calling_code());
    let warning = if shortened { Some(PhoneWarning::Zeros { zeros }) } else { warning };
    let msisdn = Msisdn(format!("{}{}", country.calling_code(), national.as_str()));
    Ok(Normalised { msisdn, network, warning })
}

/// Without what is invisible at the ends, and the apostrophe that makes a spreadsheet keep a number as text.
fn bare(text: &str) -> &str {
    let text = text.trim_matches(is_invisible);
    let text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text).trim_matches(is_invisible);
    // `256772123456.0`: a float written out by a program; exact, so nothing is lost without its fraction.
    match decimals(text) {
        Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}

/// The digits before and after the dot of what is written like a decimal number, and not grouped by dots.
fn decimals(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.strip_prefix('+').unwrap_or(text).split_once('.')?;
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let is_decimal = whole.len() >= FLOAT_DIGITS_MIN && digits(whole) && digits(fraction);
    is_decimal.then_some((whole, fraction))
}

/// `-772123200`: what a spreadsheet makes of `+256-772123456`, which it takes for a formula.
fn is_negative(text: &str) -> bool {
    let signed = text.strip_prefix(['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2212}']);
    // As accounts write it: (772123200), (-772123456).
    let bracketed = || text.strip_prefix('(')?.strip_suffix(')').filter(|inside| !inside.contains(['(', ')']));
    let digits = |rest: &str| rest.bytes().filter(u8::is_ascii_digit).count();
    signed.or_else(bracketed).is_some_and(|rest| digits(rest) >= DIGITS_OF_A_NUMBER)
}

/// `2.56772E+11`: what a spreadsheet shows, and saves, when a column is too narrow for a number.
fn is_shortened(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(exponent) && mantissa.starts_with(|c: char| c.is_ascii_digit()) && digits(&mantissa.replace(['.', ','], ""))
}

/// Several numbers in a cell would otherwise be told as "contains '/'", or "too long".
fn explain(text: &str, error: PhoneError) -> PhoneError {
    use PhoneError::*;
    if let Letters { country } = error
        && !text.contains(|c: char| c.is_numeric())
    {
        return Text { country };
    }
    let unclear = matches!(error, Letters { .. } | Character { .. } | TooLong { .. } | OtherCountry { .. });
    let part_of_a_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '(' | ')');
    let numbers = text
        .split(|c| !part_of_a_number(c))
        .filter(|piece| piece.bytes().filter(u8::is_ascii_digit).count() >= DIGITS_OF_A_NUMBER)
        .count();
    if unclear && numbers > 1 { Several } else { error }
}

/// The digits of a cell, and whether a `+` stood before them.
struct Typed {
    digits: Digits,
    plus: bool,
}

/// Digits on the stack: reading a number allocates nothing but its result.
#[derive(Clone, Copy)]
struct Digits {
    bytes: [u8; DIGITS_MAX],
    len: usize,
}

impl Digits {
    fn empty() -> Digits {
        Digits { bytes: [0; DIGITS_MAX], len: 0 }
    }

    fn of(text: &str) -> Digits {
        let mut digits = Digits::empty();
        text.bytes().for_each(|b| digits.push(b));
        digits
    }

    /// Past the bound only the count goes on; such a number is too long in any case.
    fn push(&mut self, digit: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = digit;
        }
        self.len += 1;
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len.min(DIGITS_MAX)]).unwrap_or_default()
    }
}

impl Typed {
    fn read(text: &str, country: Country) -> Result<Typed, PhoneError> {
        let mut typed = Typed { digits: Digits::empty(), plus: false };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            // `+256 (0) 772…`: the zero in parentheses is what to dial at home instead of +256.
            if rest.starts_with("(0)") && typed.is_country_code(country) {
                rest = &rest[3..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match c {
                '0'..='9' => typed.digits.push(c as u8),
                '+' if typed.digits.len == 0 && !typed.plus => typed.plus = true,
                '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2013}' => {}
                c if is_invisible(c) && c != '\n' && c != '\r' => {}
                c => return Err(refuse(c, rest, typed.digits.len, country)),
            }
        }
        if typed.digits.len == 0 { Err(PhoneError::Missing { country }) } else { Ok(typed) }
    }

    fn is_country_code(&self, country: Country) -> bool {
        let digits = self.digits.as_str();
        digits.strip_prefix("00").unwrap_or(digits) == country.calling_code()
    }

    /// The national number, without the trunk zero.
    fn national(&self, country: Country) -> Result<(Digits, Option<PhoneWarning>), PhoneError> {
        let digits = self.digits.as_str();
        let home = country.national_digits();
        if self.digits.len > DIGITS_MAX {
            return Err(PhoneError::TooLong { digits: self.digits.len, country });
        }
        if self.plus {
            return international(digits, country);
        }
        if let Some(abroad) = digits.strip_prefix("00") {
            return international(abroad, country);
        }
        if country.trunk_zero() && digits.starts_with('0') {
            return Ok((exactly(&digits[1..], 1, country)?, None));
        }
        if digits.len() == home {
            let warning = country.trunk_zero().then_some(PhoneWarning::NoTrunkZero { country });
            return Ok((Digits::of(digits), warning));
        }
        // Where the zero belongs to the number, a spreadsheet drops it all the same.
        if !country.trunk_zero() && digits.len() + 1 == home && country.network(&format!("0{digits}")).is_some() {
            return Ok((Digits::of(&format!("0{digits}")), Some(PhoneWarning::NoTrunkZero { country })));
        }
        if digits.len() > home && is_of_a_known_country(digits, country) {
            return international(digits, country);
        }
        exactly(digits, usize::from(country.trunk_zero()), country).map(|d| (d, None))
    }
}

/// Without `+`, digits begin with a country code only when the rest is a number of that country, or begin with ours.
fn is_of_a_known_country(digits: &str, country: Country) -> bool {
    digits.starts_with(country.calling_code())
        || Country::ALL.into_iter().any(|other| {
            digits.strip_prefix(other.calling_code()).is_some_and(|rest| rest.len() == other.national_digits())
        })
}

fn international(digits: &str, country: Country) -> Result<(Digits, Option<PhoneWarning>), PhoneError> {
    let Some(national) = digits.strip_prefix(country.calling_code()) else {
        // A number cut off inside the country code is short, not foreign.
        if country.calling_code().starts_with(digits) {
            return Err(PhoneError::TooShort { digits: digits.len(), country });
        }
        let start = digits.chars().take(3).collect();
        return Err(PhoneError::OtherCountry { start, country });
    };
    match national.strip_prefix('0') {
        Some(rest) if country.trunk_zero() => {
            Ok((exactly(rest, 1, country)?, Some(PhoneWarning::ZeroAfterCountryCode { country })))
        }
        _ => Ok((exactly(national, usize::from(country.trunk_zero()), country)?, None)),
    }
}

/// `trunk` is the zero that stood, or could have stood, before: messages count digits as people type them at home.
fn exactly(national: &str, trunk: usize, country: Country) -> Result<Digits, PhoneError> {
    let digits = national.len() + trunk;
    // No number begins with the zero that is dialled before it: whoever typed two of them has left out another digit.
    if country.trunk_zero() && national.len() == country.national_digits() && national.starts_with('0') {
        return Err(PhoneError::TooShort { digits: digits - 1, country });
    }
    match national.len().cmp(&country.national_digits()) {
        std::cmp::Ordering::Less => Err(PhoneError::TooShort { digits, country }),
        std::cmp::Ordering::Greater => Err(PhoneError::TooLong { digits, country }),
        std::cmp::Ordering::Equal => Ok(Digits::of(national)),
    }
}

/// What `found` in a number means, with what follows it and how many digits came before.
fn refuse(found: char, rest: &str, digits_before: usize, country: Country) -> PhoneError {
    let complete = digits_before >= DIGITS_OF_A_NUMBER;
    let extension = matches!(found, 'x' | 'X' | '#')
        || matches!(found, 'e' | 'E') && rest.get(..2).is_some_and(|r| r.eq_ignore_ascii_case("xt"))
        || matches!(found, ';' | ',') && rest.trim_start().get(..3).is_some_and(|r| r.eq_ignore_ascii_case("ext"));
    if complete && extension {
        return PhoneError::Extension;
    }
    match found {
        c if c.is_ascii_alphabetic() => PhoneError::Letters { country },
        c if c.is_numeric() || c == '\u{FF0B}' => PhoneError::ForeignDigits,
        c if c.is_alphabetic() => PhoneError::Letters { country },
        found => PhoneError::Character { found, country },
    }
}

#[cfg(test)]
mod tests {
    use super::Country::*;
    use super::*;
    use proptest::prelude::*;

    fn digits(text: &str, country: Country) -> (String, Option<&'static str>) {
        let read = normalise(text, country).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        (read.msisdn.to_string(), read.warning.map(PhoneWarning::code))
    }

    #[test]
    fn reads_a_number_however_it_is_typed() {
        for text in [
            "0772123456",
            "256772123456",
            "+256772123456",
            "00256772123456",
            "+256(0)772123456",
            "+256 (0) 772 123 456",
            "00256 (0)772123456",
            "256(0)772123456",
            "(+256) 772-123-456",
            "0772 123 456",
            "0772-123-456",
            "0772.123.456",
            "(0772) 123456",
            "'0772123456",
            " '+256 772 123456 ",
            "\u{202A}+256772123456\u{202C}",
            "0772\u{200B}123\u{00A0}456",
            "\u{FEFF}0772123456",
            "0772\u{2011}123\u{2013}456",
            "256772123456.0",
            "0772123456\n",
        ] {
            assert_eq!(digits(text, Uganda), ("256772123456".into(), None), "{text:?}");
        }
    }

    #[test]
    fn a_lost_zero_is_put_back_with_a_warning() {
        for (text, country, read, warning) in [
            ("772123456", Uganda, "256772123456", "phone_no_leading_zero"),
            ("772123456.0", Uganda, "256772123456", "phone_no_leading_zero"),
            ("772.123456", Uganda, "256772123456", "phone_no_leading_zero"),
            ("256772000000", Uganda, "256772000000", "phone_zeros"),
            ("2560772123456", Uganda, "256772123456", "phone_zero_after_country_code"),
            ("+256 0772 123456", Uganda, "256772123456", "phone_zero_after_country_code"),
            ("712345678", IvoryCoast, "2250712345678", "phone_no_leading_zero"),
        ] {
            assert_eq!(digits(text, country), (read.into(), Some(warning)), "{text:?}");
        }
    }

    #[test]
    fn each_country_has_its_own_length_and_code() {
        for (text, country, read) in [
            ("0722123456", Kenya, "254722123456"),
            ("0110123456", Kenya, "254110123456"),
            ("+255742123456", Tanzania, "255742123456"),
            ("0782123456", Rwanda, "250782123456"),
            ("233242123456", Ghana, "233242123456"),
            ("0712345678", IvoryCoast, "2250712345678"),
            ("+225 07 12 34 56 78", IvoryCoast, "2250712345678"),
        ] {
            assert_eq!(digits(text, country), (read.into(), None), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_is_not_one_mobile_number_and_says_what_it_is() {
        for (text, code) in [
            ("", "phone_missing"),
            (" \u{200B} ", "phone_missing"),
            ("-", "phone_missing"),
            ("2.56772E+11", "phone_digits_lost"),
            ("2,56772E+11", "phone_digits_lost"),
            ("2.56772e11", "phone_digits_lost"),
            ("0772l23456", "phone_letters"),
            ("O772123456", "phone_letters"),
            ("0772-FLOWER", "phone_letters"),
            ("Tel 0772123456", "phone_letters"),
            ("n/a", "phone_letters"),
            ("0772123456 ext 12", "phone_extension"),
            ("0772123456x12", "phone_extension"),
            ("0772123456 #12", "phone_extension"),
            ("0772123456;ext=12", "phone_extension"),
            ("0772123456/0752123456", "phone_several"),
            ("0772123456 0752123456", "phone_several"),
            ("0772123456, 0752123456", "phone_several"),
            ("0772123456\n0752123456", "phone_several"),
            ("0772123456 or 0752123456", "phone_several"),
            ("+256772123456 +256752123456", "phone_several"),
            ("0772123456/7", "phone_character"),
            ("０７７２１２３４５６", "phone_foreign_digits"),
            ("٠٧٧٢١٢٣٤٥٦", "phone_foreign_digits"),
            ("077212345", "phone_too_short"),
            ("077212345.0", "phone_too_short"),
            ("25677212345", "phone_too_short"),
            ("+256", "phone_too_short"),
            ("+256 00 23421656", "phone_too_short"),
            ("12345", "phone_too_short"),
            ("07721234567", "phone_too_long"),
            ("2567721234567", "phone_too_long"),
            ("256772123456.5", "phone_decimals"),
            ("77212345.6", "phone_decimals"),
            ("77212345.0", "phone_too_short"),
            ("7721234.00", "phone_too_short"),
            ("-772123200", "phone_negative"),
            ("- 772123200", "phone_negative"),
            ("(772123200)", "phone_negative"),
            ("+25677212345.6", "phone_decimals"),
            ("07721234.56", "phone_decimals"),
            ("\u{2212}772123200", "phone_negative"),
            ("7721234567", "phone_too_long"),
            ("+254722123456", "phone_other_country"),
            ("254722123456", "phone_other_country"),
            ("00447911123456", "phone_other_country"),
            ("0414123456", "phone_landline"),
            ("+256 414 123456", "phone_landline"),
        ] {
            let error = normalise(text, Uganda).expect_err(text);
            assert_eq!(error.code(), code, "{text:?}: {error}");
        }
        assert_eq!(normalise(&"7".repeat(70_000), Uganda).unwrap_err().code(), "phone_too_long");
        assert_eq!(normalise("0202123456", Kenya).unwrap_err().code(), "phone_landline");
        assert_eq!(normalise("2722123456", IvoryCoast).unwrap_err().code(), "phone_landline");
    }

    #[test]
    fn messages_count_digits_as_people_type_them() {
        let message = normalise("077212345", Uganda).unwrap_err().to_string();
        assert!(message.contains("9 digits") && message.contains("has 10"), "{message}");
        let message = normalise("25677212345", Uganda).unwrap_err().to_string();
        assert!(message.contains("9 digits") && message.contains("has 10"), "{message}");
    }

    proptest! {
        #[test]
        fn never_panics_and_is_stable(text in "\\PC{0,30}|[-+0-9(). \u{200B}eExX/]{0,30}") {
            for country in Country::ALL {
                if let Ok(once) = normalise(&text, country) {
                    let twice = normalise(once.msisdn.as_str(), country).unwrap();
                    prop_assert_eq!(&twice.msisdn, &once.msisdn);
                    prop_assert_eq!(twice.network, once.network);
                    let sound = matches!(twice.warning, None | Some(PhoneWarning::Zeros { .. }));
                    prop_assert!(sound, "{:?}", twice.warning);
                }
            }
        }

        #[test]
        fn every_national_number_reads_the_same_in_all_its_forms(tail in "[0-9]{7}") {
            let plain = normalise(&format!("077{tail}"), Uganda).unwrap();
            for start in ["+25677", "25677", "0025677", "+256(0)77", "77"] {
                let text = format!("{start}{tail}");
                prop_assert_eq!(&normalise(&text, Uganda).unwrap().msisdn, &plain.msisdn);
            }
        }
    }
}
