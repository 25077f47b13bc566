//! Reports: what finance takes away. The settlement report has one line per recipient of an upload, excluded rows included;
//! the statement of a wallet one per transfer that touched it.
//!
//! A report is written while its lines are read, page by page, so that a million lines cost no more memory than a
//! thousand. What is written depends on the lines alone, never on the time or the machine: made again from the same
//! lines, it is the same bytes.

pub mod csv;
pub mod issues;
pub mod settlement;
pub mod statement;
pub mod xlsx;

use std::fs::File;
use utoipa::ToSchema;
pub use xlsx::BookError;

/// Lines that are read at a time.
pub const LINES_AT_A_TIME: u32 = 1_000;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(as = ReportFormat, rename_all = "snake_case")]
pub enum Format {
    Csv,
    Json,
    Xlsx,
}

impl Format {
    pub const ALL: [Format; 3] = [Format::Csv, Format::Json, Format::Xlsx];

    /// The name in queries and on the command line; also how such a file's name ends.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Xlsx => "xlsx",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// A report as text, in pieces.
pub trait Text<L>: Send {
    fn begin(&mut self) -> Vec<u8>;
    fn lines(&mut self, lines: &[L]) -> Vec<u8>;
    fn end(&mut self) -> Vec<u8>;
}

/// A report as a workbook, which can only be read once it is whole.
pub trait Book<L> {
    fn lines(&mut self, lines: &[L]) -> Result<(), BookError>;
    /// Writes the workbook to `file` and leaves the file at its beginning.
    fn save(self: Box<Self>, file: &File) -> Result<(), BookError>;
}

/// Items of a JSON array, with a comma before all but the very first.
fn json_items<T: serde::Serialize>(items: &[T], first: &mut bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(items.len() * 512);
    for item in items {
        if !std::mem::replace(first, false) {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, item).expect("writing to memory");
    }
    text
}

/// A page's text of CSV records.
fn csv_lines<L>(lines: &[L], line: impl Fn(&L) -> Vec<u8>) -> Vec<u8> {
    lines.iter().flat_map(line).collect()
}
