//! Which rows and columns of an XLS are hidden, which calamine does not tell.
//!
//! The workbook's stream is gone through once more for it, record by record: two bytes of type, two of length, and as many
//! more. What does not keep to that is not guessed at: then it is not known what is hidden, and the list says so. A filter
//! hides rows like a hand does.

use super::hidden::Hidden;
use cfb::CompoundFile;
use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Of the workbook's stream: calamine, which holds it too, needs many times as much for its cells.
const BYTES_MAX: u64 = 128 * 1024 * 1024;
/// The stream of Excel 97, and that of Excel 95.
const STREAMS: [&str; 2] = ["Workbook", "Book"];

const END: u16 = 0x000A;
const COLUMNS: u16 = 0x007D;
const SHEET: u16 = 0x0085;
const ROW: u16 = 0x0208;
const BEGIN: u16 = 0x0809;

/// Of a row: it is not shown; it has a height of its own, in twentieths of a point.
const ROW_HIDDEN: u16 = 0x20;
const ROW_SIZED: u16 = 0x40;
const HEIGHT: u16 = 0x7FFF;
/// What shows nothing of a cell, as in [`super::hidden`]: less than a point, less than the width of a character.
const HEIGHT_MIN: u16 = 20;
const WIDTH_MIN: u16 = 256;
const COLUMN_HIDDEN: u16 = 0x01;

/// What is hidden in the first visible sheet; `None` when that is not known.
pub(super) fn find(file: &mut (impl Read + Seek)) -> Option<Hidden> {
    catch_unwind(AssertUnwindSafe(|| hidden(&stream(file)?))).ok()?
}

fn stream(file: &mut (impl Read + Seek)) -> Option<Vec<u8>> {
    let mut compound = CompoundFile::open(file).ok()?;
    let name = STREAMS.into_iter().find(|name| compound.is_stream(name))?;
    let mut bytes = Vec::new();
    compound.open_stream(name).ok()?.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn hidden(book: &[u8]) -> Option<Hidden> {
    let mut records = Records(book.get(first_visible(book)?..)?);
    // Both are at most 65,536.
    let (mut rows, mut columns) = (BTreeSet::new(), BTreeSet::new());
    // Of charts inside the sheet nothing is meant.
    let mut depth = 0u32;
    loop {
        match records.next()? {
            (BEGIN, _) => depth += 1,
            (END, _) if depth <= 1 => break,
            (END, _) => depth -= 1,
            (ROW, row) if depth == 1 && is_hidden_row(row)? => drop(rows.insert(number(row, 0)?)),
            (COLUMNS, range) if depth == 1 && are_hidden_columns(range)? => {
                columns.extend(number(range, 0)?..=number(range, 2)?);
            }
            _ => {}
        }
    }
    let mut hidden = Hidden::default();
    rows.into_iter().map(u32::from).for_each(|row| hidden.rows.add(row + 1, row + 1));
    columns.into_iter().map(u32::from).for_each(|column| hidden.columns.add(column, column));
    Some(hidden)
}

/// Where the first visible worksheet begins.
fn first_visible(book: &[u8]) -> Option<usize> {
    let mut records = Records(book);
    loop {
        match records.next()? {
            (SHEET, sheet) if *sheet.get(4)? & 0x3F == 0 && *sheet.get(5)? == 0 => {
                return usize::try_from(u32::from_le_bytes(*sheet.first_chunk()?)).ok();
            }
            (END, _) => return None,
            _ => {}
        }
    }
}

fn is_hidden_row(row: &[u8]) -> Option<bool> {
    let (height, options) = (number(row, 6)? & HEIGHT, number(row, 12)?);
    Some(options & ROW_HIDDEN != 0 || options & ROW_SIZED != 0 && height < HEIGHT_MIN)
}

fn are_hidden_columns(range: &[u8]) -> Option<bool> {
    Some(number(range, 8)? & COLUMN_HIDDEN != 0 || number(range, 4)? < WIDTH_MIN)
}

/// The two bytes at this place.
fn number(record: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*record.get(at..)?.first_chunk()?))
}

struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    /// Type and content of the next record; `None` when there is none, or the stream ends within it.
    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        let (content, rest) = rest.split_at_checked(number(head, 2)?.into())?;
        self.0 = rest;
        Some((number(head, 0)?, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn record(kind: u16, content: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes(), &(content.len() as u16).to_le_bytes(), content].concat()
    }

    fn row(number: u16, height: u16, options: u16) -> Vec<u8> {
        record(ROW, &[number, 0, 5, height, 0, 0, options, 0].map(u16::to_le_bytes).concat())
    }

    fn columns(first: u16, last: u16, width: u16, options: u16) -> Vec<u8> {
        record(COLUMNS, &[first, last, width, 0, options, 0].map(u16::to_le_bytes).concat())
    }

    /// A workbook with a hidden sheet, a chart, and a sheet of these records.
    fn book(sheet: &[Vec<u8>]) -> Vec<u8> {
        let named =
            |at: u32, state: u8, kind: u8| record(SHEET, &[&at.to_le_bytes()[..], &[state, kind, 0, 0]].concat());
        let globals =
            |at| [record(BEGIN, &[]), named(0, 1, 0), named(0, 0, 2), named(at, 0, 0), record(END, &[])].concat();
        let at = globals(0).len() as u32;
        [globals(at), record(BEGIN, &[]), sheet.concat(), record(END, &[])].concat()
    }

    /// Ranges of rows, and of columns.
    type Found = (Vec<(u32, u32)>, Vec<(u32, u32)>);

    fn found(sheet: &[Vec<u8>]) -> Option<Found> {
        hidden(&book(sheet)).map(|hidden| (hidden.rows.iter().collect(), hidden.columns.iter().collect()))
    }

    #[test]
    fn hidden_rows_and_columns_are_found_wherever_they_stand() {
        let sheet = [
            columns(4, 4, 2_560, 1),
            columns(0, 1, 255, 0),
            columns(2, 3, 2_560, 0),
            row(9, 300, 0x20),
            row(2, 300, 0x60),
            row(3, 0x8000, 0),
            row(4, 19, 0x40),
            row(5, 20, 0x40),
        ];
        assert_eq!(found(&sheet), Some((vec![(3, 3), (5, 5), (10, 10)], vec![(0, 1), (4, 4)])));
        let chart = [record(BEGIN, &[]), row(1, 300, 0x20), record(END, &[]), row(7, 300, 0x20)];
        assert_eq!(found(&chart), Some((vec![(8, 8)], vec![])));
        assert_eq!(found(&[columns(9, 3, 2_560, 1), columns(0, u16::MAX, 0, 0)]), Some((vec![], vec![(0, 65_535)])));
        assert_eq!(found(&[]), Some((vec![], vec![])));
    }

    #[test]
    fn what_is_cut_off_is_not_known() {
        assert_eq!(found(&[record(ROW, &[0; 13])]), None);
        assert_eq!(found(&[record(COLUMNS, &[0; 9])]), None);
        let whole = book(&[row(9, 300, 0x20)]);
        assert!((0..whole.len()).all(|length| hidden(&whole[..length]).is_none()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = hidden(&bytes);
            let _ = find(&mut Cursor::new(&bytes));
        }

        #[test]
        fn no_damage_to_a_workbook_makes_it_panic(
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)
        ) {
            let mut bytes = include_bytes!("../../fixtures/uploads/sheets/hidden_97.xls").to_vec();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = stream(&mut Cursor::new(&bytes)).and_then(|book| hidden(&book));
        }
    }
}
