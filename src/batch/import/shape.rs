//! How the cells of a row relate to the header: what was shifted, split, wrapped or swallowed on the way into the file.

use super::Terms;
use super::columns::{Columns, Field};
use super::header;
use super::issue::Issue;
use super::rows::{Cell, Fault};
use crate::money::Currency;
use crate::text::bare;

/// How a file's rows relate to its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Every record has as many cells as the header, or its cells may have shifted (CSV).
    Strict,
    /// Cells have positions of their own (spreadsheets).
    Placed,
}

/// What is in quotes in a record of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quoting {
    Nothing,
    /// The amount or what stands behind it, so that no comma of this file has divided them.
    Amount,
    Others,
}

/// Whether one of the lines in a cell looks like a recipient, whom a missing quote has made a part of it.
pub(super) fn has_rows_in_a_cell(terms: &Terms<'_>, cells: &[Cell<'_>]) -> bool {
    let is_recipient = |line: &str| {
        let pieces: Vec<&str> = line.split([',', ';', '\t', '|']).map(|piece| piece.trim_matches(['"', ' '])).collect();
        match terms.sms {
            Some(_) => pieces.len() > 1 && pieces.iter().any(|piece| header::is_number(piece, terms.country)),
            None => header::looks_paid(&pieces, terms.country, terms.currency),
        }
    };
    cells.iter().any(|cell| further_lines(&cell.text).any(is_recipient))
}

/// The lines of a cell but for its first.
fn further_lines(text: &str) -> impl Iterator<Item = &str> {
    // Most cells have none.
    let end = memchr::memchr2(b'\n', b'\r', text.as_bytes()).unwrap_or(text.len());
    text[end..].split(['\n', '\r']).skip(1)
}

/// Digits that make a piece of a line more than the number of a house, in a line that is no prose, and in one that is.
const DIGITS_OF_AN_AMOUNT: usize = 5;
const DIGITS_OF_A_NUMBER: usize = 7;

/// The warning that a cell has lines which may be rows of the list, of people who could not be paid as they stand there: in
/// prose a space follows a comma.
pub(super) fn lines_like_rows(columns: &Columns, row: u32, cells: &[Cell<'_>], delimiter: char) -> Option<Issue> {
    let columns_min = columns.headers.len().max(3);
    let is_row = |line: &str| {
        let pieces: Vec<&str> = line.split(delimiter).collect();
        let digits = |piece: &str| piece.chars().filter(|c| c.is_numeric()).count();
        let longest = pieces.iter().map(|piece| digits(piece)).max().unwrap_or(0);
        let prose = pieces.iter().skip(1).all(|piece| piece.is_empty() || piece.starts_with(' '));
        match prose {
            true => pieces.len() >= columns_min && longest >= DIGITS_OF_A_NUMBER,
            false => pieces.len() >= columns_min || longest >= DIGITS_OF_AN_AMOUNT,
        }
    };
    let (at, cell) = cells.iter().enumerate().find(|(_, cell)| further_lines(&cell.text).any(is_row))?;
    let message = "the cell has several lines, and one of them reads like a row of the list. If it is one, a double quote (\") is \
                   not closed, and whoever stands there is not on the list: close it, and upload the file again";
    let header = columns.headers.get(at).map_or("", |header| &**header);
    Some(Issue::warning(row, "lines_in_cell", message).in_column(header, &cell.text))
}

/// `="0772123456"`: how exports keep a spreadsheet from taking a text for a number. What it says is certain.
fn as_formula(text: &str) -> Option<&str> {
    text.strip_prefix("=\"")?.strip_suffix('"').filter(|inner| !inner.contains('"'))
}

/// The cells without that, where one is written so.
pub(super) fn unwrapped<'c>(cells: &'c [Cell<'_>]) -> Option<Vec<Cell<'c>>> {
    cells.iter().any(|cell| as_formula(&cell.text).is_some()).then(|| unwrap(cells))
}

fn unwrap<'c>(cells: &'c [Cell<'_>]) -> Vec<Cell<'c>> {
    let plain = |cell: &'c Cell<'_>| cell.saying(as_formula(&cell.text).unwrap_or(&cell.text));
    cells.iter().map(plain).collect()
}

/// Whether anything in the column of phone numbers can be one.
pub(super) fn has_number(columns: &Columns, cells: &[Cell<'_>]) -> bool {
    let cell = columns.of(Field::Msisdn).and_then(|at| cells.get(at));
    cell.is_some_and(|cell| cell.text.bytes().any(|b| b.is_ascii_digit()))
}

/// The cells with a mark on an amount that may have been split at its comma, so that each row fits the header: `500,000`
/// without quotes. A spreadsheet that got it from such a file has lost the zeros before the rest.
pub(super) fn split_amount<'c>(
    columns: &Columns,
    cells: &'c [Cell<'_>],
    shape: Shape,
    quoting: Quoting,
    currency: Currency,
) -> Option<Vec<Cell<'c>>> {
    let at = columns.of(Field::Amount)?;
    let (amount, rest) = (cells.get(at)?, cells.get(at + 1)?);
    let whole = start_of_amount(&amount.text);
    let (rest, tail) = digits_before(bare(&rest.text));
    let ends = ends_amount(tail);
    let thousand = rest.len() == 3 && ends;
    // Hardly anybody is paid so little: less than a hundred, or than a thousand where money has no decimals.
    let small = currency.exponent() == 0 || whole.len() < 3;
    let is_rest = match shape {
        // Something made it longer than the header, though the last of it is blank.
        Shape::Strict if cells.len() > columns.width && small && quoting != Quoting::Amount => thousand,
        // Who quotes other cells may quote for commas, and would have quoted the amount too; zeros look like one all the same,
        // in quotes too, which may be of a file that was made from one in which it came apart.
        Shape::Strict if quoting != Quoting::Nothing => {
            let unusual = small && quoting == Quoting::Others;
            thousand && (unusual || rest.ends_with("00")) && !columns.is_number(at + 1)
        }
        Shape::Strict => thousand && (rest.ends_with("00") || !columns.counts(at + 1)),
        Shape::Placed => {
            let digits = ends && (1..=3).contains(&rest.len());
            let is_zeros = |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'0');
            let zeros = digits && is_zeros(rest);
            let headed = at + 1 < columns.headers.len();
            // What followed the amount has then moved by one, and the last cell has no header.
            let beyond = cells.get(columns.headers.len()..).is_some_and(|cells| !cells.iter().all(Cell::is_blank));
            match (headed, beyond) {
                (false, _) => digits,
                (true, true) => zeros || thousand,
                // Or there was nothing to move: then they stand where no number should.
                (true, false) => (zeros || thousand) && currency.exponent() == 0 && !columns.is_number(at + 1),
            }
        }
    };
    if amount.fault.is_some() || !(1..=3).contains(&whole.len()) || whole == "0" || !is_rest {
        return None;
    }
    let marked = |(n, cell): (usize, &'c Cell<'_>)| Cell {
        fault: if n == at { Some(Fault::Split) } else { cell.fault },
        ..cell.saying(&*cell.text)
    };
    Some(cells.iter().enumerate().map(marked).collect())
}

/// The digits of an amount, when nothing follows them; before them the currency may stand.
fn start_of_amount(text: &str) -> &str {
    let text = bare(text).trim_start_matches(|c: char| c.is_alphabetic() || matches!(c, '.' | '\'' | ' ' | '\u{A0}'));
    if text.bytes().all(|b| b.is_ascii_digit()) { text } else { "" }
}

fn digits_before(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Whether this can stand behind the last digits of an amount: decimals, `/=`, a currency.
fn ends_amount(tail: &str) -> bool {
    let tail = tail.strip_prefix('.').map_or(tail, |decimals| digits_before(decimals).1);
    let word = tail.trim_matches([' ', '/', '=', '-', '.', '\'', '\u{A0}']);
    word.is_empty() || word.eq_ignore_ascii_case("only") || word.to_uppercase().parse::<Currency>().is_ok()
}

/// Whether values may stand in the wrong columns. Cells beyond the header are harmless when blank: a delimiter at the end
/// of each line is common.
pub(super) fn shifted(columns: &Columns, cells: &[Cell<'_>]) -> bool {
    let beyond = cells.get(columns.headers.len()..);
    beyond.is_none_or(|cells| !cells.iter().all(Cell::is_blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a row that ends like this, under columns that end like that, may be one of an amount that came apart.
    fn is_split(header: &str, row: &str, quoting: Quoting, currency: Currency) -> bool {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let columns = Columns::read(&header, None, None).unwrap();
        let cells: Vec<Cell<'_>> = row.split(',').map(Cell::text).collect();
        split_amount(&columns, &cells, Shape::Strict, quoting, currency).is_some()
    }

    #[test]
    fn an_amount_that_may_have_come_apart_is_told_from_one_that_did_not() {
        use {Currency::*, Quoting::*};
        for (header, row, quoting, currency, split) in [
            ("phone,amount,remark", "0712,648,725", Nothing, Kes, true),
            ("phone,amount,staff no", "0712,648,725", Nothing, Kes, false),
            ("phone,amount,staff no", "0712,500,000", Nothing, Kes, true),
            // As R writes it, and who quotes for commas.
            ("phone,amount,points", "0712,500,250", Others, Kes, false),
            ("phone,amount,points", "0712,1,250", Others, Kes, true),
            ("phone,amount,points", "0712,500,250", Others, Ugx, true),
            ("phone,amount,reference", "0712,500,101", Amount, Kes, false),
            ("phone,amount,reference", "0712,500,000", Amount, Ugx, true),
            ("phone,amount,days", "0712,500,100", Amount, Kes, false),
            // A delimiter at the end of each row.
            ("phone,amount,staff no", "0712,500,101,", Nothing, Kes, false),
            ("phone,amount,staff no", "0712,512,550,", Nothing, Ugx, true),
            ("phone,amount,staff no,", "0712,512,550,", Nothing, Ugx, false),
        ] {
            assert_eq!(is_split(header, row, quoting, currency), split, "{header}: {row} {quoting:?} {currency}");
        }
    }
}
