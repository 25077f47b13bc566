//! Columns without a header, of which something may be meant.

use super::columns::Columns;
use super::issue::Issue;
use super::rows::Cell;
use crate::text::bare;

/// The first that stands in each column without a header and is no number, as rows are counted: its row and its text.
#[derive(Default)]
pub(super) struct Unnamed(Vec<(usize, Option<(u32, String)>)>);

impl Unnamed {
    pub fn new(columns: &Columns) -> Unnamed {
        Unnamed(columns.unused().map(|at| (at, None)).collect())
    }

    pub fn notice(&mut self, row: u32, cells: &[Cell<'_>]) {
        for (at, seen) in self.0.iter_mut().filter(|(_, seen)| seen.is_none()) {
            let text = cells.get(*at).map(|cell| bare(&cell.text)).unwrap_or_default();
            if text.chars().any(char::is_alphabetic) {
                *seen = Some((row, text.to_owned()));
            }
        }
    }

    /// The warnings, on the header's row.
    pub fn warnings(self, header: u32, columns: &Columns) -> impl Iterator<Item = Issue> {
        self.0.into_iter().filter_map(move |(at, seen)| {
            let (row, text) = seen?;
            let message = format!(
                "the column has no header, so what stands in it is not used, such as this in row {row}. If it matters, \
                 name the column in row {header} and upload the list again"
            );
            Some(Issue::warning(header, "cell_without_header", message).in_column(&columns.headers[at], &text))
        })
    }
}
