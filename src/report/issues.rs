//! The rows that cannot be paid, as a list to correct and to upload again.
//!
//! The columns are those of the upload, in their order, and one more that says why; an import passes over that one. Cells
//! that a spreadsheet would take for formulas are written as text, and an import of this list takes the mark off again. A
//! row that had more or fewer cells than the header still has: made to fit, it would be believed.
//!
//! Excel reads a CSV as text of its own country, unless it begins with a byte order mark, and makes numbers of phone numbers
//! whatever it begins with. The workbook has texts in all cells, so that nothing is lost when it is opened and saved.

use super::csv::{record, safe};
use super::xlsx::{self, Cell, Table};
use super::{Book, BookError, Text};
use crate::batch::Batch;
use crate::batch::import::{REASON_HEADER, Uploaded};
use crate::sheet::Fault;
use crate::store::BadRow;
use std::fs::File;
use std::path::Path;

const BYTE_ORDER_MARK: &str = "\u{FEFF}";
/// Widths of the columns of the upload, and of that of the reasons, in characters.
const COLUMN_CHARS: f64 = 20.0;
const REASON_CHARS: f64 = 80.0;

/// The columns of the upload, by the first of its bad rows.
pub fn headers(first: Option<&BadRow>) -> Vec<String> {
    let headers = first.into_iter().flat_map(|row| &row.cells).filter_map(|cell| cell.header.as_deref());
    headers.map(str::to_owned).collect()
}

pub fn header_line(headers: &[String]) -> Vec<u8> {
    record(headers.iter().map(|header| safe(header)).chain([REASON_HEADER.to_owned()]))
}

/// One row.
pub fn line(headers: &[String], row: &BadRow) -> Vec<u8> {
    let reasons = safe(&reasons(row));
    let cells: Vec<String> = match as_it_came(headers, row) {
        Some(cells) => cells.iter().map(|text| safe(text)).collect(),
        None => headers.iter().map(|header| in_column(row, header)).collect(),
    };
    record(cells.into_iter().chain([reasons]))
}

/// Why the row is here, and what stood in cells that are not handed out because they would be believed.
fn reasons(row: &BadRow) -> String {
    let withheld = row.cells.iter().filter(|cell| is_in_doubt(cell) && cell.fault != Some(Fault::Shifted));
    let was = withheld.filter_map(|cell| Some(format!("{} was {}", cell.header.as_deref()?, cell.text())));
    row.reasons.iter().cloned().chain(was).collect::<Vec<_>>().join("; ")
}

/// The cells of a row that does not fit the header, one after the other.
fn as_it_came<'r>(headers: &[String], row: &'r BadRow) -> Option<Vec<&'r str>> {
    let cells: Vec<&str> = row.cells.iter().filter_map(|cell| cell.text.as_deref()).collect();
    let fits = row.cells.iter().all(|cell| cell.header.is_some() && cell.text.is_some());
    (!fits && cells.len() != headers.len()).then_some(cells)
}

/// Whether a cell, on its own and as a text, would be believed and should not.
fn is_in_doubt(cell: &Uploaded) -> bool {
    matches!(cell.fault, Some(Fault::Shifted | Fault::Split | Fault::Percent | Fault::Money | Fault::Imprecise))
}

/// What stands in a column, unless that is in doubt.
fn in_column(row: &BadRow, header: &str) -> String {
    let found = row.cells.iter().find(|cell| cell.is_in(header) && !is_in_doubt(cell));
    found.map(|cell| safe(cell.text())).unwrap_or_default()
}

/// The list as CSV.
pub struct Csv {
    pub headers: Vec<String>,
}

impl Text<BadRow> for Csv {
    fn begin(&mut self) -> Vec<u8> {
        [BYTE_ORDER_MARK.as_bytes(), &header_line(&self.headers)].concat()
    }

    fn lines(&mut self, rows: &[BadRow]) -> Vec<u8> {
        super::csv_lines(rows, |row| line(&self.headers, row))
    }

    fn end(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// The list as a workbook.
pub struct Workbook {
    book: xlsx::Book,
    table: Table,
    headers: Vec<String>,
}

impl Workbook {
    pub fn new(batch: &Batch, headers: Vec<String>, folder: &Path) -> Result<Workbook, BookError> {
        let mut book = xlsx::Book::new(folder, &batch.name, batch.created_at, batch.currency)?;
        let mut columns: Vec<(&str, f64)> = headers.iter().map(|header| (header.as_str(), COLUMN_CHARS)).collect();
        columns.push((REASON_HEADER, REASON_CHARS));
        let table = book.table("Rows to correct", &columns)?;
        Ok(Workbook { book, table, headers })
    }

    fn row(&mut self, row: &BadRow) -> Result<(), BookError> {
        let mut reasons = reasons(row);
        let came = as_it_came(&self.headers, row);
        if let Some(cells) = &came {
            // In their places they would fit.
            reasons.push_str(&format!("; the row was: {}", cells.join(" | ")));
        }
        let is_sure = |cell: &&Uploaded| came.is_none() && !is_in_doubt(cell);
        let cell = |header: &String| {
            let found = row.cells.iter().find(|cell| cell.is_in(header)).filter(is_sure);
            Cell::text(found.map(Uploaded::text))
        };
        let cells: Vec<Cell<'_>> = self.headers.iter().map(cell).chain([Cell::Text(&reasons)]).collect();
        self.table.row(&mut self.book, &cells)
    }
}

impl Book<BadRow> for Workbook {
    fn lines(&mut self, rows: &[BadRow]) -> Result<(), BookError> {
        rows.iter().try_for_each(|row| self.row(row))
    }

    fn save(mut self: Box<Self>, file: &File) -> Result<(), BookError> {
        self.book.push(self.table.sheets());
        self.book.save(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(cells: Vec<Uploaded>, reasons: &[&str]) -> BadRow {
        BadRow { row: 3, cells, reasons: reasons.iter().map(|r| (*r).to_owned()).collect() }
    }

    #[test]
    fn a_bad_row_keeps_its_columns_and_gets_its_reasons() {
        let cells = [("Phone", "12"), ("To pay", "1,00"), ("Name", "Okello, J")];
        let cells = cells.map(|(header, text)| Uploaded::new(header, text)).to_vec();
        let row = bad(cells, &["too short", "ambiguous"]);
        let headers = headers(Some(&row));
        assert_eq!(header_line(&headers), b"Phone,To pay,Name,gaba_reason\r\n");
        assert_eq!(line(&headers, &row), b"12,\"1,00\",\"Okello, J\",too short; ambiguous\r\n");
        let other = bad(vec![Uploaded::new("Name", "=1+1")], &[]);
        assert_eq!(line(&headers, &other), b",,'=1+1,\r\n");
    }

    #[test]
    fn a_row_that_does_not_fit_is_not_made_to_fit() {
        let shifted = |header: Option<&str>, text: Option<&str>| Uploaded {
            header: header.map(Into::into),
            text: text.map(str::to_owned),
            fault: Some(Fault::Shifted),
        };
        let long =
            vec![shifted(Some("Phone"), Some("077")), shifted(Some("Pay"), Some("1")), shifted(None, Some("000"))];
        let short = vec![shifted(Some("Phone"), Some("077")), shifted(Some("Pay"), None)];
        let headers = headers(Some(&bad(long.clone(), &[])));
        assert_eq!(headers, ["Phone", "Pay"]);
        assert_eq!(line(&headers, &bad(long, &["why"])), b"077,1,000,why\r\n");
        assert_eq!(line(&headers, &bad(short.clone(), &["why"])), b"077,why\r\n");
        // Half corrected: what is still in doubt is not handed out as if it were right.
        let half = vec![short[0].clone(), Uploaded::new("Pay", "5000")];
        assert_eq!(line(&headers, &bad(half, &["why"])), b",5000,why\r\n");
    }

    #[test]
    fn what_would_be_believed_on_its_own_is_told_and_not_handed_out() {
        let split = Uploaded { fault: Some(Fault::Split), ..Uploaded::new("Pay", "500") };
        let row = bad(vec![Uploaded::new("Phone", "077"), split, Uploaded::new("Note", "000")], &["why"]);
        let headers = headers(Some(&row));
        assert_eq!(line(&headers, &row), b"077,,000,why; Pay was 500\r\n");
    }
}
