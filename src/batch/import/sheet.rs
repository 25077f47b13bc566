//! Lists that are spreadsheets: rows come from the process that reads them (see [`crate::sheet`]).

use super::columns::Columns;
use super::intake::{Intake, Taken};
use super::issue::{ImportError, Issue, SinkError};
use super::shape::Shape;
use super::{Remembered, Row, Source, Terms};
use crate::sheet::{Answer, Cell, Fault, Opening, Program, Ranges, Shown, Stream};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

/// Sheets or columns that a warning names.
const NAMED_MAX: usize = 12;

/// Hands the rows of the first visible sheet to `sink`. `bytes` is the length of the file. What is to be said of the file as a
/// whole are warnings on its header.
pub(super) fn read(
    file: File,
    bytes: u64,
    program: &Program,
    terms: &Terms<'_>,
    remembered: &Remembered,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkError>,
) -> Result<(Taken, Source), ImportError> {
    let tells = terms.sms.is_some() || terms.notice.is_some();
    let mut stream = program.clone().showing(tells).open(file)?;
    let opening = stream.opening().clone();
    let (seen, mut warned) = (RefCell::new(Seen::default()), 0);
    let mut telling = |mut row: Row| {
        let seen = seen.borrow();
        if seen.hidden.contains(row.row) {
            row.issues.push(hidden_row(row.row));
            warned += 1;
        }
        if seen.signs.contains(row.row) {
            row.issues.iter_mut().for_each(blame_format);
        }
        sink(row)
    };
    let mut intake = Intake::new(terms, remembered, Shape::Placed, &mut telling);
    intake.of_file(bytes);
    let (others, columns, unknown) = match rows(&mut stream, &mut intake, &seen) {
        Err(why) if is_no_list(&why) => return Err(elsewhere(why, opening.sheet, others(&mut stream))),
        read => read?,
    };
    let mut taken = match intake.finish("") {
        Err(ImportError::Empty) if !others.is_empty() => {
            return Err(ImportError::FirstSheetEmpty { sheet: opening.sheet, others });
        }
        Err(why) if is_no_list(&why) => return Err(elsewhere(why, opening.sheet, others)),
        taken => taken?,
    };
    let mut notices = notices(&opening, taken.header.row, &others, &columns);
    notices.extend(unknown.into_iter().map(|(column, first)| shown_otherwise(taken.header.row, column, first)));
    taken.tally.warnings += warned + notices.len() as u32;
    taken.notices.extend(notices);
    Ok((taken, Source::Workbook { format: opening.format, sheet: opening.sheet }))
}

/// What is known of rows that may be judged later.
#[derive(Default)]
struct Seen {
    hidden: Ranges,
    /// The format of the amount shows a sign of money.
    signs: Ranges,
}

/// Whether the list may well stand on another sheet.
fn is_no_list(error: &ImportError) -> bool {
    use ImportError::*;
    matches!(error, MissingColumn { .. } | MappedColumnMissing { .. } | UnknownTag { .. } | NoRows)
}

fn elsewhere(why: ImportError, sheet: String, others: Vec<String>) -> ImportError {
    match others.is_empty() {
        true => why,
        false => ImportError::NotOnFirstSheet { why: Box::new(why), sheet, others },
    }
}

/// The other sheets with cells, when the rows of this one no longer matter.
fn others(stream: &mut Stream) -> Vec<String> {
    loop {
        match stream.read_next() {
            Ok(Answer::Row { .. }) => {}
            Ok(Answer::End { others }) => return others,
            Err(_) => return Vec::new(),
        }
    }
}

/// What is known of all rows: the other sheets with cells, the hidden columns that were not empty, and columns whose numbers
/// are told otherwise than the sheet shows them, each with the first row.
type Read = (Vec<String>, BTreeSet<u32>, BTreeMap<usize, u32>);

/// Takes all rows.
fn rows(stream: &mut Stream, intake: &mut Intake<'_>, seen: &RefCell<Seen>) -> Result<Read, ImportError> {
    let hidden_columns = stream.opening().hidden_columns.clone();
    let (mut used, mut unknown) = (BTreeSet::new(), BTreeMap::new());
    loop {
        match stream.read_next()? {
            Answer::Row { number, hidden: is_hidden, mut cells } => {
                if is_hidden {
                    seen.borrow_mut().hidden.add(number, number);
                }
                if !hidden_columns.is_empty() {
                    used.extend(filled(&cells).filter(|column| hidden_columns.contains(*column)));
                }
                for column in tell_shown(&mut cells, intake.columns().into_iter().flat_map(Columns::told)) {
                    unknown.entry(column).or_insert(number);
                }
                if forget_signs(&mut cells, intake.amounts()) {
                    seen.borrow_mut().signs.add(number, number);
                }
                intake.take(number, &cells)?;
            }
            Answer::End { others } => return Ok((others, used, unknown)),
        }
    }
}

/// Who is told a number is told what the sheet shows for it. Gives the columns where that is not known.
fn tell_shown(cells: &mut [Cell<'_>], told: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut unknown = Vec::new();
    for column in told {
        let Some(cell) = cells.get_mut(column) else { continue };
        match cell.shown.take().filter(|_| cell.fault != Some(Fault::Imprecise)) {
            Some(Shown::As(text)) => *cell = Cell::text(text),
            Some(Shown::Unknown) => unknown.push(column),
            None => {}
        }
    }
    unknown
}

/// What is shown beside a number counts where amounts stand: elsewhere it is how the cell looks. Tells whether the amount is
/// shown with a sign of money.
fn forget_signs(cells: &mut [Cell<'_>], amounts: Option<usize>) -> bool {
    let has_sign = amounts.and_then(|at| cells.get(at)).is_some_and(|cell| cell.fault == Some(Fault::Money));
    for (at, cell) in cells.iter_mut().enumerate() {
        match cell.fault {
            // Whether it is the money of the batch is judged with the amount.
            Some(Fault::Money) if amounts == Some(at) => cell.fault = None,
            Some(Fault::Money) => *cell = Cell::text(cell.without_money().to_owned()),
            Some(Fault::Percent) if amounts != Some(at) => cell.fault = None,
            _ => {}
        }
    }
    has_sign
}

/// Whoever types such an amount again sees the same sign again.
fn blame_format(issue: &mut Issue) {
    if matches!(issue.code, "amount_character" | "amount_letters" | "amount_other_currency") {
        issue.message.push_str(". It is the format of the cell that shows this sign: format the column as Number");
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

fn shown_otherwise(header_row: u32, column: usize, first: u32) -> Issue {
    let message = format!(
        "how the sheet shows the numbers of column {}, first in row {first}, is not known, and the SMS says them as plain \
         numbers. Look at the preview; if they shall be said otherwise, format the column as Text and type them as they shall \
         be read",
        letters(column as u32)
    );
    Issue::warning(header_row, "shown_unknown", message)
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
    if !opening.knows_hidden {
        let message = "which rows and columns of the sheet are hidden, or filtered out, could not be found out; they are paid \
                       like the others. Compare the list with what the sheet shows, or save it as XLSX and upload that file";
        notices.push(Issue::warning(header_row, "hidden_unknown", message));
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
    use super::{letters, tell_shown};
    use crate::sheet::{Cell, Fault, Shown};

    #[test]
    fn digits_that_a_spreadsheet_does_not_keep_are_not_told_as_seen() {
        let cell = |fault| Cell { text: "12345678901234567".into(), fault, shown: Some(Shown::As("1".into())) };
        let mut cells = [cell(Some(Fault::Imprecise)), cell(None)];
        assert!(tell_shown(&mut cells, 0..2).is_empty());
        assert_eq!(cells.each_ref().map(|cell| cell.fault), [Some(Fault::Imprecise), None]);
        assert_eq!(cells[1].text, "1");
    }

    #[test]
    fn columns_are_named_as_a_spreadsheet_shows_them() {
        let names = [0, 25, 26, 51, 52, 701, 702].map(letters);
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
