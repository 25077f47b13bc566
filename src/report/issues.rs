//! The rows that cannot be paid, as a list to correct and to upload again.
//!
//! The columns are those of the upload, in their order, and one more that says why; an import passes over that one. Cells
//! that a spreadsheet would take for formulas are written as text, and an import of this list takes the mark off again.
//!
//! Excel reads a CSV as text of its own country, unless it begins with a byte order mark, and makes numbers of phone numbers
//! whatever it begins with. The workbook has texts in all cells, so that nothing is lost when it is opened and saved.

use super::csv::{record, safe};
use super::xlsx::{self, Cell, Table};
use super::{Book, BookError, Text};
use crate::batch::Batch;
use crate::batch::import::REASON_HEADER;
use crate::store::BadRow;
use std::fs::File;
use std::path::Path;

const BYTE_ORDER_MARK: &str = "\u{FEFF}";
/// Widths of the columns of the upload, and of that of the reasons, in characters.
const COLUMN_CHARS: f64 = 20.0;
const REASON_CHARS: f64 = 80.0;

/// The columns of the upload, by the first of its bad rows.
pub fn headers(first: Option<&BadRow>) -> Vec<String> {
    first.map(|row| row.cells.iter().map(|(header, _)| header.clone()).collect()).unwrap_or_default()
}

pub fn header_line(headers: &[String]) -> Vec<u8> {
    record(headers.iter().map(|header| safe(header)).chain([REASON_HEADER.to_owned()]))
}

/// One row; cells that stand in no column of the others are left to the reason to tell.
pub fn line(headers: &[String], row: &BadRow) -> Vec<u8> {
    let cell = |header: &String| {
        let found = row.cells.iter().find(|(h, _)| h == header);
        found.map(|(_, value)| safe(value)).unwrap_or_default()
    };
    let reasons = safe(&row.reasons.join("; "));
    record(headers.iter().map(cell).chain([reasons]))
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
        let reasons = row.reasons.join("; ");
        let cell = |header: &String| {
            let found = row.cells.iter().find(|(h, _)| h == header);
            Cell::text(found.map(|(_, value)| value.as_str()))
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

    fn bad(cells: &[(&str, &str)], reasons: &[&str]) -> BadRow {
        let cells = cells.iter().map(|(h, v)| ((*h).to_owned(), (*v).to_owned())).collect();
        BadRow { row: 3, cells, reasons: reasons.iter().map(|r| (*r).to_owned()).collect() }
    }

    #[test]
    fn a_bad_row_keeps_its_columns_and_gets_its_reasons() {
        let row = bad(&[("Phone", "12"), ("To pay", "1,00"), ("Name", "Okello, J")], &["too short", "ambiguous"]);
        let headers = headers(Some(&row));
        assert_eq!(header_line(&headers), b"Phone,To pay,Name,gaba_reason\r\n");
        assert_eq!(line(&headers, &row), b"12,\"1,00\",\"Okello, J\",too short; ambiguous\r\n");
        let other = bad(&[("Name", "=1+1"), ("column 4", "x")], &[]);
        assert_eq!(line(&headers, &other), b",,'=1+1,\r\n");
    }
}
