//! The rows that cannot be paid, as a list to correct and to upload again.
//!
//! The columns are those of the upload, in their order, and one more that says why; an import passes over that one. Cells
//! that a spreadsheet would take for formulas are written as text, and an import of this list takes the mark off again. A
//! row that had more or fewer cells than the header still has: made to fit, it would be believed.

use super::csv::{record, safe};
use crate::batch::import::REASON_HEADER;
use crate::sheet::Fault;
use crate::store::BadRow;

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
    let reasons = safe(&row.reasons.join("; "));
    let cells: Vec<String> = match as_it_came(headers, row) {
        Some(cells) => cells.iter().map(|text| safe(text)).collect(),
        None => headers.iter().map(|header| in_column(row, header)).collect(),
    };
    record(cells.into_iter().chain([reasons]))
}

/// The cells of a row that does not fit the header, one after the other.
fn as_it_came<'r>(headers: &[String], row: &'r BadRow) -> Option<Vec<&'r str>> {
    let cells: Vec<&str> = row.cells.iter().filter_map(|cell| cell.text.as_deref()).collect();
    let fits = row.cells.iter().all(|cell| cell.header.is_some() && cell.text.is_some());
    (!fits && cells.len() != headers.len()).then_some(cells)
}

/// What stands in a column, unless that is in doubt.
fn in_column(row: &BadRow, header: &str) -> String {
    let found = row.cells.iter().find(|cell| cell.is_in(header) && cell.fault != Some(Fault::Shifted));
    found.map(|cell| safe(cell.text())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::import::Uploaded;

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
}
