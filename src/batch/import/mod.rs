//! Import: from an uploaded file to judged rows.
//!
//! * Nothing is guessed and nothing is lost: every row of the file that is not blank reaches the sink once, with a
//!   recipient or with at least one error that names row, column and remedy.
//! * Rows are streamed; memory does not grow with their number, except for the compact `duplicates` detector.
//! * What the file is, is told by its content, never by its name.
//! * A file that cannot be read as a list is an [`ImportError`]; it can come after rows were handed out, which are then
//!   to be discarded.
//!
//! A file walks: `sniff` → `csv` or `sheet` → `rows`, which asks `columns` once and `amount` and
//! [`crate::phone`] for every row.

mod amount;
mod columns;
mod csv;
mod duplicates;
mod issue;
mod message;
mod number;
mod package;
mod rows;
mod sheet;
mod sniff;
#[cfg(test)]
mod tests;

pub use amount::{AmountError, parse as parse_amount};
pub use columns::{Field, Mapping};
pub use issue::{ImportError, Issue, Severity, SinkError};
pub use rows::{NAME_CHARS_MAX, NOTE_CHARS_MAX, REFERENCE_CHARS_MAX};

use crate::lane::route::Router;
use crate::money::{Currency, Money};
use crate::phone::{Country, Msisdn};
use crate::sms::segments::Size;
use rows::{Intake, Shape};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Widest list, in columns.
pub const COLUMNS_MAX: usize = 256;
/// Longest cell, in bytes.
pub const CELL_BYTES_MAX: usize = 64 * 1024;

/// What the rows are judged by.
pub struct Terms<'a> {
    pub currency: Currency,
    pub country: Country,
    pub router: &'a Router,
    pub mapping: Option<Mapping>,
    pub rows_max: u32,
    /// For a list whose people are told something and not paid.
    pub sms: Option<SmsTerms>,
}

/// What everybody on a list is told, and by what.
#[derive(Clone, Debug)]
pub struct SmsTerms {
    pub template: String,
    pub lane: String,
    /// Of one segment.
    pub price: Money,
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
    /// Header and value of every cell, as uploaded.
    pub cells: Vec<(Arc<str>, String)>,
    pub stated: Stated,
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
}

/// How the file was understood, so that a person can see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Csv { encoding: &'static str, delimiter: char },
    Xlsx { sheet: String },
}

/// Reads a list. Every row is handed to `sink` in the order of the file; an error of the sink ends the import.
pub fn read(
    file: &Path,
    terms: &Terms<'_>,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkError>,
) -> Result<Summary, ImportError> {
    let mut file = File::open(file)?;
    let (tally, source) = match sniff::kind(&mut file)? {
        sniff::Kind::Text(text) => {
            let mut intake = Intake::new(terms, Shape::Strict, sink);
            csv::read(file, &text, &mut intake)?;
            (intake.finish()?, Source::Csv { encoding: "UTF-8", delimiter: char::from(text.delimiter) })
        }
        sniff::Kind::Workbook => {
            let mut intake = Intake::new(terms, Shape::Placed, sink);
            let sheet = sheet::read(file, &mut intake)?;
            (intake.finish()?, Source::Xlsx { sheet })
        }
    };
    let invalid = tally.rows - tally.valid;
    Ok(Summary { rows: tally.rows, valid: tally.valid, invalid, warnings: tally.warnings, total: tally.total, source })
}
