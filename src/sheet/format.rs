//! What a number is shown as by a number format of a workbook.
//!
//! A format is a row of marks: places for digits, a comma among them for groups of thousands, a point, `%`, and texts beside
//! them; up to three of these, divided by `;`, for numbers above nought, those below it, and nought itself. What is more than
//! that (fractions, exponents, conditions, thousands left out, digits of other scripts) is not half understood: it is told.
//! A format says nothing of the language of whoever looks at it: points and commas are those of English.

use super::Shown;
use rust_decimal::{Decimal, RoundingStrategy};

const COLOURS: [&str; 8] = ["black", "blue", "cyan", "green", "magenta", "red", "white", "yellow"];

/// How a format shows numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// As they are; or as dates, which are no numbers here.
    Plain,
    /// By its only section, or by that for their sign.
    By(Vec<Section>),
    Unknown,
}

impl Shows {
    pub fn of(code: &str) -> Shows {
        if code.eq_ignore_ascii_case("General") || code == "@" {
            return Shows::Plain;
        }
        match sections(code) {
            // Built in and not spelled out in the file: the money of whoever opens it.
            Some(_) if code.starts_with("_($*") => Shows::Unknown,
            Some(sections) => Shows::By(sections),
            None if is_date(code) => Shows::Plain,
            None => Shows::Unknown,
        }
    }

    /// What is seen of this number, where that is not the number as it is written here.
    pub fn shown(&self, number: &str) -> Option<Shown<'static>> {
        let shown = match self {
            Shows::Plain => return None,
            Shows::By(sections) => by(sections, number),
            Shows::Unknown => None,
        };
        match shown {
            Some(text) if text == number => None,
            Some(text) => Some(Shown::As(text.into())),
            None => Some(Shown::Unknown),
        }
    }
}

fn by(sections: &[Section], number: &str) -> Option<String> {
    let number: Decimal = number.parse().ok()?;
    let is_below = number.is_sign_negative() && !number.is_zero();
    match sections {
        [only] => only.text(number.abs(), is_below),
        [_, below, ..] if is_below => below.text(number.abs(), false),
        [_, _, nought] if number.is_zero() => nought.text(number, false),
        [above, ..] => above.text(number, false),
        [] => None,
    }
}

fn is_date(code: &str) -> bool {
    let unquoted = code.split('"').step_by(2);
    let mut plain = unquoted.flat_map(|part| part.split('[').filter_map(|part| part.rsplit(']').next()));
    plain.any(|part| {
        // What follows one of these is shown as it is, left out for its width, or repeated.
        let mut marks = part.chars();
        std::iter::from_fn(|| match marks.next()? {
            '\\' | '_' | '*' => Some(marks.next().map_or(' ', |_| ' ')),
            mark => Some(mark.to_ascii_lowercase()),
        })
        .any(|mark| "ymdhs".contains(mark))
    })
}

/// One of the formats that `;` divides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    before: String,
    after: String,
    /// It has places for digits.
    has_places: bool,
    grouped: bool,
    percent: bool,
    point: bool,
    /// Digits that are shown in any case.
    whole_min: usize,
    decimals_min: usize,
    decimals_max: u32,
}

impl Section {
    /// `number` without its sign; `minus`: which is to be seen.
    fn text(&self, number: Decimal, minus: bool) -> Option<String> {
        let digits = if self.has_places { self.digits(number)? } else { String::new() };
        let is_nought = self.has_places && !digits.contains(|c| matches!(c, '1'..='9'));
        let sign = if minus && !is_nought { "-" } else { "" };
        let text = format!("{sign}{}{digits}{}", self.before, self.after);
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn digits(&self, number: Decimal) -> Option<String> {
        let number = if self.percent { number.checked_mul(Decimal::ONE_HUNDRED)? } else { number };
        let rounded = number.round_dp_with_strategy(self.decimals_max, RoundingStrategy::MidpointAwayFromZero);
        let plain = rounded.normalize().to_string();
        let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
        let whole = if whole == "0" { "" } else { whole };
        let mut text = format!("{whole:0>least$}", least = self.whole_min);
        if self.grouped {
            (1..=text.len().saturating_sub(1) / 3).for_each(|group| text.insert(text.len() + 1 - 4 * group, ','));
        }
        if self.point {
            text.push_str(&format!(".{decimals:0<least$}", least = self.decimals_min));
        }
        Some(text)
    }
}

/// The sections for numbers; `None` when something is not understood.
fn sections(code: &str) -> Option<Vec<Section>> {
    let (mut marks, mut sections) = (Marks(code), Vec::new());
    loop {
        let (section, ended) = marks.section()?;
        sections.push(section);
        // The fourth is for texts.
        if ended || sections.len() == 3 {
            return Some(sections);
        }
    }
}

struct Marks<'c>(&'c str);

impl<'c> Marks<'c> {
    /// Reads one section; whether it was the last.
    fn section(&mut self) -> Option<(Section, bool)> {
        let mut section = Section::default();
        // A comma that stands behind a place: it groups, if another follows.
        let mut comma = false;
        while let Some(mark) = self.take() {
            match mark {
                '0' | '#' | '?' => {
                    section.grouped |= std::mem::take(&mut comma);
                    section.place(mark)?;
                }
                // At the end it leaves thousands out.
                _ if comma => return None,
                ';' => return Some((section, false)),
                ',' => {
                    section.is_open().then_some(())?;
                    comma = true;
                }
                '.' => {
                    (section.after.is_empty() && !section.point).then_some(())?;
                    (section.point, section.has_places) = (true, true);
                }
                '%' => {
                    section.percent = true;
                    section.beside("%");
                }
                '"' => section.beside(self.until('"')?),
                '\\' => section.beside(self.one()?),
                // As much room as the next mark takes.
                '_' => {
                    self.one()?;
                    section.beside(" ");
                }
                // What fills the cell.
                '*' => section.beside(Some(self.one()?).filter(|filling| *filling == " ")?),
                '[' => section.beside(symbol(self.until(']')?)?),
                '/' | '@' => return None,
                other if other.is_alphanumeric() => return None,
                other => section.beside(other.encode_utf8(&mut [0; 4])),
            }
        }
        (!comma).then_some((section, true))
    }

    fn take(&mut self) -> Option<char> {
        self.one()?.chars().next()
    }

    /// The next mark.
    fn one(&mut self) -> Option<&'c str> {
        let length = self.0.chars().next()?.len_utf8();
        let (one, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(one)
    }

    /// What stands before the next such mark, which is passed over.
    fn until(&mut self, end: char) -> Option<&'c str> {
        let (before, rest) = self.0.split_once(end)?;
        self.0 = rest;
        Some(before)
    }
}

impl Section {
    /// Whether more digits may follow before the point.
    fn is_open(&self) -> bool {
        self.has_places && !self.point && self.after.is_empty()
    }

    fn place(&mut self, mark: char) -> Option<()> {
        // Not behind a text, as in the numbers of telephones.
        self.after.is_empty().then_some(())?;
        self.has_places = true;
        match (self.point, mark) {
            (false, '0') => self.whole_min += 1,
            (false, _) => self.whole_min += usize::from(self.whole_min > 0),
            (true, _) => {
                self.decimals_max = self.decimals_max.checked_add(1)?;
                if mark == '0' {
                    self.decimals_min = self.decimals_max as usize;
                }
            }
        }
        Some(())
    }

    fn beside(&mut self, text: &str) {
        match self.has_places {
            true => self.after.push_str(text),
            false => self.before.push_str(text),
        }
    }
}

/// What of `[$KSh-441]` is seen; nothing of a colour. Conditions are not understood, nor languages that bring digits of their
/// own.
fn symbol(inside: &str) -> Option<&str> {
    let folded = inside.to_ascii_lowercase();
    let is_colour =
        folded.strip_prefix("color").is_some_and(|n| n.parse::<u8>().is_ok()) || COLOURS.contains(&&*folded);
    if is_colour {
        return Some("");
    }
    let (symbol, language) = inside.strip_prefix('$')?.split_once('-').unwrap_or((&inside[1..], ""));
    let has_digits = language.len() > 4 && language.bytes().all(|b| b.is_ascii_hexdigit());
    (!has_digits).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(code: &str, number: &str) -> String {
        match Shows::of(code).shown(number) {
            None => number.to_owned(),
            Some(Shown::As(text)) => text.into_owned(),
            Some(Shown::Unknown) => "unknown".to_owned(),
        }
    }

    #[test]
    fn a_number_is_shown_as_its_format_says() {
        for (code, number, expected) in [
            ("General", "0.05", "0.05"),
            ("@", "5000", "5000"),
            ("0", "12.5", "13"),
            ("0", "-12.5", "-13"),
            ("0.00", "5", "5.00"),
            ("0.0#", "5.256", "5.26"),
            ("0.0#", "5.2", "5.2"),
            ("#.##", "0.5", ".5"),
            ("00000", "42", "00042"),
            ("#,##0", "999", "999"),
            ("#,##0", "5000", "5,000"),
            ("#,##0", "1234567", "1,234,567"),
            ("#,##0.00", "-1234567.891", "-1,234,567.89"),
            ("#,##0", "-0.4", "0"),
            ("#,##0.00", "0.30000000000000004", "0.30"),
            ("0%", "0.05", "5%"),
            ("0%", "0.125", "13%"),
            ("0.0%", "-0.125", "-12.5%"),
            ("0\"%\"", "50", "50%"),
            ("0.0\\%", "5", "5.0%"),
            ("\"$\"#,##0.00", "5000", "$5,000.00"),
            ("\"$\"#,##0.00", "-5000", "-$5,000.00"),
            ("[$$-409]#,##0", "5000", "$5,000"),
            ("[$KES] #,##0", "5000", "KES 5,000"),
            ("#,##0.00\\ [$€-407]", "5000", "5,000.00 €"),
            ("#,##0\"/=\"", "5000", "5,000/="),
            ("£#,##0", "5000", "£5,000"),
            ("0 \"kg\"", "5", "5 kg"),
            ("#,##0_);[Red](#,##0)", "-5000", "(5,000)"),
            ("#,##0_);[Red](#,##0)", "5000", "5,000"),
            ("_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00);_(\"$\"* \"-\"??_);_(@_)", "5000", "$ 5,000.00"),
            ("_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00);_(\"$\"* \"-\"??_);_(@_)", "-5000", "$ (5,000.00)"),
            ("_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00);_(\"$\"* \"-\"??_);_(@_)", "0", "$ -"),
            ("0;-0;;@", "0", ""),
            (";;;", "5", ""),
            ("\"paid\"", "5", "paid"),
            ("yyyy-mm-dd", "45000", "45000"),
            ("d\\.m\\.yy", "45000", "45000"),
            ("0.0,,\\M", "5000000", "unknown"),
            ("0.0,_h", "5000", "unknown"),
            ("[$-409]d mmm yyyy", "45000", "45000"),
            ("#,##0", "1000000000000000000000", "1,000,000,000,000,000,000,000"),
            ("#,##0", "NaN", "unknown"),
            ("0", "1000000000000000000000000000000", "unknown"),
            ("0.00E+00", "5000", "unknown"),
            ("# ?/?", "0.5", "unknown"),
            ("#,##0,", "5000", "unknown"),
            ("#,##0,\"k\"", "5000", "unknown"),
            ("0.0,,", "5000000", "unknown"),
            ("[>=1000]#,##0;0", "5000", "unknown"),
            ("[$-2000401]0", "5", "unknown"),
            ("[Red]0.00E+00", "5", "unknown"),
            ("000\\-000", "123456", "unknown"),
            ("0*-", "5", "unknown"),
            ("_($* #,##0.00_)", "5000", "unknown"),
            ("\"unclosed", "5", "unknown"),
            ("[$", "5", "unknown"),
            ("_", "5", "unknown"),
        ] {
            assert_eq!(seen(code, number), expected, "{code} of {number}");
        }
    }

    proptest! {
        #[test]
        fn no_format_makes_it_panic(code in "[0#?.,%;$€ _*@/\\[\\]\"\\\\a-z-]{0,20}", number in "-?[0-9]{1,20}(\\.[0-9]{1,12})?") {
            seen(&code, &number);
        }
    }
}
