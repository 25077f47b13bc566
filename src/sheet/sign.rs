//! The sign of money that is shown beside a number and is no part of its value.

use crate::money::Currency;

/// What stands for shillings without saying whose: behind the number, as an amount may be typed.
pub(crate) const SHILLINGS: &str = "/=";

/// Signs, in upper case, that mean one currency; those of all shillings.
const KNOWN: [(&str, &str); 18] = [
    ("USH", "UGX"),
    ("USHS", "UGX"),
    ("KSH", "KES"),
    ("KSHS", "KES"),
    ("TSH", "TZS"),
    ("TSHS", "TZS"),
    ("FRW", "RWF"),
    ("RF", "RWF"),
    ("GH₵", "GHS"),
    ("₵", "GHS"),
    ("GHC", "GHS"),
    ("GH¢", "GHS"),
    ("CFA", "XOF"),
    ("FCFA", "XOF"),
    ("€", "EUR"),
    ("US$", "USD"),
    ("SH", SHILLINGS),
    ("SHS", SHILLINGS),
];

/// The first sign of money in what is shown: its code where it has one, else as it stands. Other words, such as `kg`, are
/// none.
pub(crate) fn sign(shown: &str) -> Option<String> {
    let words = shown.split(|c: char| !c.is_alphabetic() && !is_symbol(c)).filter(|word| !word.is_empty());
    words.filter_map(meant).next().or_else(|| {
        let shillings = shown.contains("/=") || shown.contains("/-");
        shillings.then(|| SHILLINGS.to_owned())
    })
}

/// The sign of money in what is shown, when there is one, or shillings beside one that says whose: not of `USD/UGX`.
pub(crate) fn only_sign(shown: &str) -> Option<String> {
    let first = sign(shown)?;
    let words = shown.split(|c: char| !c.is_alphabetic() && !is_symbol(c)).filter(|word| !word.is_empty());
    let mut signs: Vec<String> = words.filter_map(meant).collect();
    signs.retain(|sign| sign != SHILLINGS);
    signs.dedup();
    match signs.len() {
        0 => Some(first),
        1 => signs.pop(),
        _ => None,
    }
}

/// Whether a sign can mean this currency: of shillings it does not say whose, and dollars are those of the United States.
pub(crate) fn is_money_of(currency: Currency, sign: &str) -> bool {
    match sign {
        SHILLINGS => currency.has_shillings(),
        "$" => currency == Currency::Usd,
        _ => sign == currency.code(),
    }
}

fn meant(word: &str) -> Option<String> {
    let upper = word.to_uppercase();
    if let Some((_, code)) = KNOWN.iter().find(|(known, _)| *known == upper) {
        return Some((*code).to_owned());
    }
    let is_code = word.len() == 3 && word.bytes().all(|b| b.is_ascii_uppercase());
    if is_code || upper.parse::<Currency>().is_ok() {
        return Some(upper);
    }
    word.contains(is_symbol).then(|| word.to_owned())
}

fn is_symbol(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '֏' | '؋' | '৲' | '৳' | '฿' | '៛' | '\u{20A0}'..='\u{20CF}' | '﷼' | '﹩' | '＄')
        || matches!(c, '￠' | '￡' | '￥' | '￦')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_money_is_known_beside_a_number() {
        for (shown, expected) in [
            ("$5,000.00", Some("$")),
            ("5 000 €", Some("EUR")),
            ("-£5", Some("£")),
            ("US$ 5", Some("USD")),
            ("N$5", Some("N$")),
            ("KES 5000", Some("KES")),
            ("kes5000", Some("KES")),
            ("5,000 ZAR", Some("ZAR")),
            ("KSh5,000.00", Some("KES")),
            ("USh 5,000", Some("UGX")),
            ("5 000 F CFA", Some("XOF")),
            ("5,000 Shs", Some("/=")),
            ("5,000/=", Some("/=")),
            ("UGX 5,000/=", Some("UGX")),
            ("5,000", None),
            ("2.57E+11", None),
            ("5 kg", None),
            ("12 days", None),
            ("", None),
        ] {
            assert_eq!(sign(shown).as_deref(), expected, "{shown:?}");
        }
        for (header, expected) in [
            ("amount (ugx)", Some("UGX")),
            ("amount ugx/=", Some("UGX")),
            ("amount shs (ugx)", Some("UGX")),
            ("amount (gh¢)", Some("GHS")),
            ("amount (shs)", Some("/=")),
            ("amount (ugx/usd)", None),
            ("usd 100 equivalent in ugx", None),
            ("amount", None),
        ] {
            assert_eq!(only_sign(header).as_deref(), expected, "{header:?}");
        }
    }
}
