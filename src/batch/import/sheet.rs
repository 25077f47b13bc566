//! Lists that are spreadsheets: rows come from the process that reads them (see [`crate::sheet`]).

use super::issue::{ImportError, Issue, SinkError};
use super::rows::{Intake, Taken};
use super::shape::Shape;
use super::{Remembered, Row, Source, Terms};
use crate::sheet::{Answer, Cell, Opening, Program, Ranges, Stream};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;

/// Sheets or columns that a warning names.
const NAMED_MAX: usize = 12;

/// Hands the rows of the first visible sheet to `sink`. What is to be said of the file as a whole are warnings on its
/// header.
pub(super) fn read(
    file: File,
    program: &Program,
    terms: &Terms<'_>,
    remembered: &Remembered,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkError>,
) -> Result<(Taken, Source), ImportError> {
    let mut stream = program.open(file)?;
    let opening = stream.opening().clone();
    let (hidden, mut warned) = (RefCell::new(Ranges::default()), 0);
    let mut telling = |mut row: Row| {
        if hidden.borrow().contains(row.row) {
            row.issues.push(hidden_row(row.row));
            warned += 1;
        }
        sink(row)
    };
    let mut intake = Intake::new(terms, remembered, Shape::Placed, &mut telling);
    let (others, columns) = rows(&mut stream, &mut intake, &hidden)?;
    let mut taken = match intake.finish("") {
        Err(ImportError::Empty) if !others.is_empty() => {
            return Err(ImportError::FirstSheetEmpty { sheet: opening.sheet, others });
        }
        taken => taken?,
    };
    let notices = notices(&opening, taken.header.row, &others, &columns);
    taken.tally.warnings += warned + notices.len() as u32;
    taken.notices.extend(notices);
    Ok((taken, Source::Workbook { format: opening.format, sheet: opening.sheet }))
}

/// Takes all rows; returns the other sheets with cells, and the hidden columns that were not empty.
fn rows(
    stream: &mut Stream,
    intake: &mut Intake<'_>,
    hidden: &RefCell<Ranges>,
) -> Result<(Vec<String>, BTreeSet<u32>), ImportError> {
    let hidden_columns = stream.opening().hidden_columns.clone();
    let mut used = BTreeSet::new();
    loop {
        match stream.read_next()? {
            Answer::Row { number, hidden: is_hidden, cells } => {
                if is_hidden {
                    hidden.borrow_mut().add(number, number);
                }
                if !hidden_columns.is_empty() {
                    used.extend(filled(&cells).filter(|column| hidden_columns.contains(*column)));
                }
                intake.take(number, &cells)?;
            }
            Answer::End { others } => return Ok((others, used)),
        }
    }
}

fn filled(cells: &[Cell<'_>]) -> impl Iterator<Item = u32> {
    (0..).zip(cells).filter(|(_, cell)| !cell.is_blank()).map(|(column, _)| column)
}

fn hidden_row(row: u32) -> Issue {
    let message = "the row is hidden in the sheet, or filtered out, and is paid like the others. Remove it from the file \
                   if it shall not be paid";
    Issue::warning(row, "row_hidden", message)
}

fn notices(opening: &Opening, header_row: u32, others: &[String], columns: &BTreeSet<u32>) -> Vec<Issue> {
    let mut notices = Vec::new();
    if !others.is_empty() {
        let message = format!(
            "the workbook has more sheets than {:?}, the first, which was read: {} was not. Put everybody on one sheet, or \
             upload each sheet as a file of its own",
            opening.sheet,
            listed(others.iter().map(|name| format!("{name:?}")))
        );
        notices.push(Issue::warning(header_row, "other_sheets", message));
    }
    if !columns.is_empty() {
        let message = format!(
            "columns that are hidden in the sheet were read like the others: {}. Check what they hold",
            listed(columns.iter().map(|column| letters(*column)))
        );
        notices.push(Issue::warning(header_row, "column_hidden", message));
    }
    notices
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let beyond = names.len().saturating_sub(NAMED_MAX);
    let mut shown: Vec<String> = names.take(NAMED_MAX).collect();
    if beyond > 0 {
        shown.push(format!("and {beyond} more"));
    }
    shown.join(", ")
}

/// The name of a column, counted from 0, as a spreadsheet shows it: A … Z, AA ….
fn letters(column: u32) -> String {
    let (mut rest, mut name) = (column + 1, Vec::new());
    while rest > 0 {
        name.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    name.iter().rev().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_named_as_a_spreadsheet_shows_them() {
        let names = [0, 25, 26, 51, 52, 701, 702].map(letters);
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
