//! The rows that cannot be paid, as a list to correct and to upload again.
//!
//! The columns are those of the upload, in their order, and one more that says why; an import passes over that one. Cells
//! that a spreadsheet would take for formulas are written as text, and an import of this list takes the mark off again.

use super::csv::{record, safe};
use crate::batch::import::REASON_HEADER;
use crate::store::BadRow;

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
