//! Amounts as the simulator needs them: checked, compared and subtracted in hundredths, echoed as they were sent.

/// Currencies without minor units among those the simulated networks take.
const WHOLE: [&str; 4] = ["UGX", "RWF", "XOF", "XAF"];
const DIGITS_MAX: usize = 15;

/// Hundredths of a positive plain decimal (`50000`, `12.50`) that the currency can express.
pub fn of_currency(text: &str, currency: &str) -> Option<i64> {
    let hundredths = hundredths(text)?;
    let expressible = hundredths % 100 == 0 || !WHOLE.contains(&currency);
    (hundredths > 0 && expressible).then_some(hundredths)
}

/// Hundredths of a plain decimal that is not negative.
pub fn hundredths(text: &str) -> Option<i64> {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(cents) || whole.len() > DIGITS_MAX || cents.len() > 2 {
        return None;
    }
    let scale = if cents.len() == 1 { 10 } else { 1 };
    Some(whole.parse::<i64>().ok()? * 100 + cents.parse::<i64>().ok()? * scale)
}

/// The other way: `5000` → `50`, `1250` → `12.50`.
pub fn text(hundredths: i64) -> String {
    match hundredths % 100 {
        0 => (hundredths / 100).to_string(),
        cents => format!("{}.{cents:02}", hundredths / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plain_positive_amounts_and_nothing_else() {
        assert_eq!(of_currency("50000", "UGX"), Some(5_000_000));
        assert_eq!(of_currency("500.00", "UGX"), Some(50_000));
        assert_eq!(of_currency("12.5", "EUR"), Some(1_250));
        for text in ["", "0", "-5", "+5", "1e3", "1,000", ".5", "5.", "1.005", "NaN", "9999999999999999"] {
            assert_eq!(of_currency(text, "EUR"), None, "{text}");
        }
        assert_eq!(of_currency("0.50", "UGX"), None);
    }

    #[test]
    fn writes_what_it_reads() {
        assert_eq!(text(5_000_000), "50000");
        assert_eq!(text(1_205), "12.05");
    }
}
