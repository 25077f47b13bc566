//! Import: from an uploaded file to judged rows.
//!
//! * Nothing is guessed and nothing is lost: every row of the file that is not blank reaches the sink once, with a
//!   recipient or with at least one error that names row, column and remedy.
//! * Rows are streamed; memory does not grow with their number, except for the compact `duplicates` detector.
//! * What the file is, is told by its content, never by its name.
//! * A file that cannot be read as a list is an [`ImportError`]; it can come after rows were handed out, which are then
//!   to be discarded.
//!
//! A file walks: `sniff` (with `encoding`) → `csv` or `sheet` → `rows`, which asks `header` and `columns` until the header
//! is found, `amount` and [`crate::phone`] for every row, and `totals` for the last ones.

mod amount;
mod beside;
mod columns;
mod csv;
mod duplicates;
mod encoding;
mod fault;
mod foreign;
mod header;
mod intake;
mod issue;
mod message;
mod names;
mod rows;
mod shape;
mod sheet;
mod sniff;
#[cfg(test)]
mod tests;
mod totals;
mod unnamed;
mod uploaded;

pub use crate::sheet::{CELL_BYTES_MAX, COLUMNS_MAX};
pub use amount::{AmountError, parse as parse_amount};
pub use columns::{Field, Fingerprint, Mapping, REASON_HEADER};
pub use header::{Header, MappingSource, Remembered};
pub use issue::{ImportError, Issue, Severity, SinkError, is_of_the_file};
pub use rows::{NAME_CHARS_MAX, NOTE_CHARS_MAX, REFERENCE_CHARS_MAX};
pub use uploaded::{Uploaded, shown};

use super::{Batch, Kind};
use crate::config::LaneConfig;
use crate::lane::route::{self, NoSmsLane, Router};
use crate::money::{Currency, Money};
use crate::phone::{Country, Msisdn};
use crate::sheet::Program;
use crate::sms::segments::Size;
use intake::{Intake, Taken};
use serde_json::{Value, json};
use shape::Shape;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the rows are judged by.
pub struct Terms<'a> {
    pub currency: Currency,
    pub country: Country,
    pub router: &'a Router,
    pub mapping: Option<Mapping>,
    pub rows_max: u32,
    /// For a list whose people are told something and not paid.
    pub sms: Option<SmsTerms>,
    /// What the paid are told, where the upload says what.
    pub notice: Option<String>,
}

/// What everybody on a list is told, and by what.
#[derive(Clone, Debug)]
pub struct SmsTerms {
    pub template: String,
    pub lane: String,
    /// Of one segment.
    pub price: Money,
}

/// The text for the paid that an upload gave, if they are told at all.
pub fn notice_of(batch: &Batch) -> Option<String> {
    batch.sms_template.clone().filter(|_| batch.notify && batch.kind == Kind::Payout)
}

impl SmsTerms {
    /// What the people of a batch are told and what that costs now; `None` when they are paid.
    pub fn of(lanes: &[LaneConfig], batch: &Batch) -> Result<Option<SmsTerms>, NoSmsLane> {
        if batch.kind == Kind::Payout {
            return Ok(None);
        }
        let (lane, price) = route::bulk_sms_lane(lanes, batch.currency)?;
        let template = batch.sms_template.clone().unwrap_or_default();
        Ok(Some(SmsTerms { template, lane: lane.name.clone(), price }))
    }
}

/// One row of the file that is not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number in the file as a spreadsheet shows it: the header is 1, blank rows count. A line break inside a
    /// quoted cell does not begin a row, and a leading `sep=;` is none.
    pub row: u32,
    /// Who is paid; `None` when the row has an error.
    pub recipient: Option<Recipient>,
    pub issues: Vec<Issue>,
    /// Every cell, as uploaded.
    pub cells: Vec<Uploaded>,
    pub stated: Stated,
}

impl Row {
    /// About as many bytes as are kept of it: each cell goes with its header.
    pub fn kept_bytes(&self) -> usize {
        const OVERHEAD: usize = 8;
        let length = |text: &Option<String>| text.as_deref().map_or(0, escaped);
        let cell = |cell: &Uploaded| cell.header.as_deref().map_or(0, escaped) + length(&cell.text) + OVERHEAD;
        let issue = |issue: &Issue| issue.message.len() + length(&issue.column) + length(&issue.value) + OVERHEAD;
        self.cells.iter().map(cell).sum::<usize>() + self.issues.iter().map(issue).sum::<usize>()
    }
}

/// Bytes of a text in JSON, in which cells are kept.
fn escaped(text: &str) -> usize {
    let more = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(more).sum::<usize>()
}

/// What a report can show of any row, rejected ones included: as read where it could be read, else as uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    pub name: String,
    pub msisdn: String,
    pub amount: String,
    pub reference: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub msisdn: Msisdn,
    pub network: Option<&'static str>,
    pub lane: String,
    /// What is paid; of a message, what it costs.
    pub amount: Money,
    /// Empty when the file has none.
    pub name: String,
    pub reference: Option<String>,
    pub note: Option<String>,
    /// The columns that are none of ours, by header.
    pub variables: BTreeMap<String, String>,
    /// How large the text is that the recipient is sent; `None` for a payout.
    pub sms: Option<Size>,
}

/// What an import found. `rows = valid + invalid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub rows: u32,
    pub valid: u32,
    pub invalid: u32,
    /// Issues that are warnings; one row can have several.
    pub warnings: u32,
    /// Sum over the valid rows.
    pub total: Money,
    pub source: Source,
    pub header: Header,
    /// Warnings of the file as a whole, on the row of its header, and of rows that are no recipients.
    pub notices: Vec<Issue>,
}

/// How the file was understood, so that a person can see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Csv {
        encoding: &'static str,
        delimiter: char,
    },
    /// `format`: `xlsx`, `xls` or `ods`.
    Workbook {
        format: String,
        sheet: String,
    },
}

impl Source {
    /// As the API shows it.
    pub fn shown(&self, header: &Header) -> Value {
        let (format, encoding, delimiter, sheet) = match self {
            Source::Csv { encoding, delimiter: '\t' } => ("tsv", Some(encoding), Some('\t'), None),
            Source::Csv { encoding, delimiter } => ("csv", Some(encoding), Some(*delimiter), None),
            Source::Workbook { format, sheet } => (format.as_str(), None, None, Some(sheet)),
        };
        json!({
            "format": format,
            "encoding": encoding,
            "delimiter": delimiter,
            "sheet": sheet,
            "header_row": header.row,
        })
    }
}

/// How far the reading of a file is; looked at from elsewhere.
#[derive(Debug, Default)]
pub struct Progress {
    read_bytes: AtomicU64,
}

impl Progress {
    /// Bytes of the file that were read, those that were read ahead included.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }
}

/// Counts what is read of a file.
struct Counted<'a, R> {
    file: R,
    progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.progress.read_bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Counted<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = self.file.seek(to)?;
        self.progress.read_bytes.store(at, Ordering::Relaxed);
        Ok(at)
    }
}

/// Judges a row again, outside of its file: a person corrected it. The headers of `cells` are those of the file, or our own
/// words `msisdn`, `amount`, …; a cell without one is not looked at, and a fault that is still there is still one. Repeats
/// of other rows are not seen here. Headers that do not say which column is which make a row with that error and no
/// recipient.
pub fn judge_one(terms: &Terms<'_>, cells: &[Uploaded], row: u32) -> Row {
    rows::judge_one(terms, cells, row)
}

/// Whether two headers name the same column, as a file could not have both.
pub fn is_same_header(one: &str, other: &str) -> bool {
    columns::fold(one) == columns::fold(other)
}

/// Reads a list. Every row is handed to `sink` in the order of the file; an error of the sink ends the import.
/// Spreadsheets are opened by `sheets`, never here.
pub fn read(
    file: &Path,
    terms: &Terms<'_>,
    sheets: &Program,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkError>,
) -> Result<Summary, ImportError> {
    read_with(file, terms, sheets, &Remembered::new(), &Progress::default(), sink)
}

/// The same, knowing what `remembered` knows of headers, and telling how far it is.
pub fn read_with(
    file: &Path,
    terms: &Terms<'_>,
    sheets: &Program,
    remembered: &Remembered,
    progress: &Progress,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkError>,
) -> Result<Summary, ImportError> {
    let mut file = File::open(file)?;
    let bytes = file.metadata()?.len();
    match sniff(&mut file, terms)? {
        sniff::Kind::Text(text) => read_text(Counted { file, progress }, bytes, &text, terms, remembered, sink),
        sniff::Kind::Workbook => {
            let (taken, source) = sheet::read(file, bytes, sheets, terms, remembered, sink)?;
            Ok(summary(taken, source))
        }
    }
}

fn sniff(file: &mut (impl Read + Seek), terms: &Terms<'_>) -> Result<sniff::Kind, ImportError> {
    let mapped: Vec<String> = terms.mapping.iter().flat_map(|m| m.0.values()).map(|h| columns::fold(h)).collect();
    let is_known = |header: &str| columns::recognise(header).is_some() || mapped.contains(&columns::fold(header));
    sniff::kind(file, &terms.country.iso().to_ascii_lowercase(), &is_known)
}

fn read_text(
    file: impl Read + Seek,
    bytes: u64,
    text: &sniff::Text,
    terms: &Terms<'_>,
    remembered: &Remembered,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkError>,
) -> Result<Summary, ImportError> {
    let mut intake = Intake::new(terms, remembered, Shape::Strict, sink);
    intake.of_file(bytes);
    if text.encoded.guessed {
        intake.doubt_encoding();
    }
    csv::read(file, text, &mut intake)?;
    let encoding = text.encoded.encoding.name();
    Ok(summary(intake.finish(encoding)?, Source::Csv { encoding, delimiter: char::from(text.delimiter) }))
}

/// A text that is in memory; `None` for a workbook. For the fuzzer, which would spend its time on files.
pub(crate) fn read_bytes(
    bytes: &[u8],
    terms: &Terms<'_>,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkError>,
) -> Option<Result<Summary, ImportError>> {
    let mut file = std::io::Cursor::new(bytes);
    match sniff(&mut file, terms) {
        Ok(sniff::Kind::Text(text)) => {
            Some(read_text(file, bytes.len() as u64, &text, terms, &Remembered::new(), sink))
        }
        Ok(sniff::Kind::Workbook) => None,
        Err(error) => Some(Err(error)),
    }
}

fn summary(taken: Taken, source: Source) -> Summary {
    let Taken { tally, header, notices } = taken;
    Summary {
        rows: tally.rows,
        valid: tally.valid,
        invalid: tally.rows - tally.valid,
        warnings: tally.warnings,
        total: tally.total,
        source,
        header,
        notices,
    }
}
