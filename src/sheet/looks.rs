//! What the number formats of an XLSX show beside numbers, and which cells have them.
//!
//! 0.05 that is shown as 5 %, and 5000 shown as $5,000, are not what they are to whoever looks at the list. The cells are
//! gone through once more for it, and only when a format of the workbook shows more than the number; they are kept as ranges
//! of rows, column by column. The format of cells that name none is not looked at.

use super::format::Shows;
use super::sign::sign;
use super::{COLUMNS_MAX, Cell, Fault, Ranges, SheetError};
use calamine::Style;
use std::collections::BTreeMap;

/// Ranges that are kept, eight bytes each: a list has a few per column.
const RANGES_MAX: usize = 4_000_000;

/// What a number format adds to the number.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sign {
    Percent,
    /// With this sign, or in the currency of this code.
    Money(String),
}

#[derive(Debug, PartialEq, Eq)]
struct Look {
    sign: Option<Sign>,
    shows: Shows,
}

#[derive(Debug, Default)]
pub(super) struct Looks {
    looks: Vec<Look>,
    /// Which of the looks each style has.
    styles: Vec<Option<usize>>,
    /// Rows, counted from 1, by column and look.
    cells: BTreeMap<(u32, usize), Ranges>,
    ranges: usize,
}

impl Looks {
    /// `shown`: whether all that is seen of numbers matters, or only signs beside them.
    pub fn of(styles: &[Style], shown: bool) -> Looks {
        let mut looks = Looks::default();
        for style in styles {
            let look = style.number_format.as_ref().and_then(|format| Look::of(&format.format_code, shown));
            let at = look.map(|look| looks.at(look));
            looks.styles.push(at);
        }
        looks
    }

    fn at(&mut self, look: Look) -> usize {
        self.looks.iter().position(|known| *known == look).unwrap_or_else(|| {
            self.looks.push(look);
            self.looks.len() - 1
        })
    }

    /// Whether all formats show numbers as they are.
    pub fn is_empty(&self) -> bool {
        self.looks.is_empty()
    }

    /// A cell has this style; rows ascend.
    pub fn note(&mut self, row: u32, column: u32, style: usize) -> Result<(), SheetError> {
        let look = self.styles.get(style).copied().flatten();
        let Some(look) = look.filter(|_| column < COLUMNS_MAX as u32) else { return Ok(()) };
        let rows = self.cells.entry((column, look)).or_default();
        let before = rows.len();
        rows.add(row, row);
        self.ranges += rows.len() - before;
        match self.ranges {
            0..=RANGES_MAX => Ok(()),
            _ => Err(SheetError::too_large("the formats of its numbers change too often")),
        }
    }

    /// A number as it is shown at this place.
    pub fn shown<'a>(&self, row: u32, column: u32, number: Cell<'a>) -> Cell<'a> {
        let here = self.cells.range((column, 0)..=(column, usize::MAX)).find(|(_, rows)| rows.contains(row));
        let Some(look) = here.map(|((_, look), _)| &self.looks[*look]) else { return number };
        let shown = look.shows.shown(&number.text);
        let signed = match &look.sign {
            Some(Sign::Percent) => Cell { fault: number.fault.or(Some(Fault::Percent)), ..number },
            Some(Sign::Money(sign)) => number.in_money(sign),
            None => number,
        };
        signed.shown(shown)
    }
}

impl Look {
    /// Of this format; `None` when it shows numbers as they are.
    fn of(code: &str, shown: bool) -> Option<Look> {
        let shows = if shown { Shows::of(code) } else { Shows::Plain };
        let look = Look { sign: beside(code), shows };
        (look.sign.is_some() || look.shows != Shows::Plain).then_some(look)
    }
}

/// What a format code shows beside the number, in any of its sections.
fn beside(code: &str) -> Option<Sign> {
    // Built in and not spelled out in the file: the money of whoever opens it.
    if code.starts_with("_($*") {
        return None;
    }
    let mut beside = String::new();
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => beside.extend(chars.by_ref().take_while(|c| *c != '"')),
            '\\' => beside.extend(chars.next()),
            // As much room as the next character takes, and what fills the cell.
            '_' | '*' => drop(chars.next()),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                if let Some(sign) = bracketed(&inside) {
                    return Some(Sign::Money(sign));
                }
            }
            // `General`, an exponent, parts of a date.
            c if c.is_alphabetic() => beside.push(' '),
            c => beside.push(c),
        }
    }
    match beside.contains('%') {
        true => Some(Sign::Percent),
        false => sign(&beside).map(Sign::Money),
    }
}

/// The sign in `[$KSh-441]`; a colour, a condition and a language without a sign have none.
fn bracketed(inside: &str) -> Option<String> {
    const UNITED_STATES: &str = "409";
    let inside = inside.strip_prefix('$')?;
    let (symbol, language) = inside.split_once('-').unwrap_or((inside, ""));
    let symbol: String = symbol.split_whitespace().collect();
    match symbol.as_str() {
        "" => None,
        "$" if language == UNITED_STATES => Some("USD".into()),
        other => sign(other).or(Some(symbol)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_says_what_it_shows_beside_the_number() {
        let money = |sign: &str| Some(Sign::Money(sign.into()));
        for (code, expected) in [
            ("General", None),
            ("0.00E+00", None),
            ("#,##0", None),
            ("#,##0_);[Red](#,##0)", None),
            ("yyyy\\-mm\\-dd", None),
            ("[$-409]d mmm yyyy", None),
            ("0 \"kg\"", None),
            ("_($* #,##0.00_)", None),
            ("0%", Some(Sign::Percent)),
            ("0.0\\%", Some(Sign::Percent)),
            ("#,##0\"%\"", Some(Sign::Percent)),
            ("\"$\"#,##0.00", money("$")),
            ("$#,##0", money("$")),
            ("\\$#,##0", money("$")),
            ("_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00)", money("$")),
            ("[$$-409]#,##0.00", money("USD")),
            ("[$$-C09]#,##0.00", money("$")),
            ("[$KES] #,##0", money("KES")),
            ("[$KSh-441]#,##0.00", money("KES")),
            ("[$R-1C09]\\ #,##0.00", money("R")),
            ("#,##0.00\\ [$€-407]", money("EUR")),
            ("\"UGX\" #,##0", money("UGX")),
            ("\\U\\G\\X\\ #,##0", money("UGX")),
            ("#,##0\"/=\"", money("/=")),
            ("\"unclosed", None),
            ("[$", None),
            ("_", None),
        ] {
            assert_eq!(beside(code), expected, "{code}");
        }
    }
}
