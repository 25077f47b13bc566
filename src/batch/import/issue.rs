//! What is wrong with an upload: an [`Issue`] of one row, which leaves the other rows alone, or an [`ImportError`] that
//! makes the whole file unreadable as a list.
//!
//! A message is read by a payroll officer, on its own: it says what is wrong and what to do. A code is read by programs
//! and never changes.

use super::columns::Field;
use crate::money::Currency;
use crate::sheet::SheetError;
use serde::Serialize;

/// Longest piece of a cell that an issue quotes.
const VALUE_CHARS_MAX: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The row cannot be paid as it stands.
    Error,
    /// The row can be paid, and should be looked at before.
    Warning,
}

impl Severity {
    pub const ALL: [Severity; 2] = [Severity::Error, Severity::Warning];

    pub fn parse(name: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Something wrong, or doubtful, in one row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Issue {
    /// As in the file; the header is row 1.
    pub row: u32,
    /// The header of the column, as uploaded; `None` when it concerns the whole row.
    pub column: Option<String>,
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    /// The cell as uploaded, cut when long.
    pub value: Option<String>,
    /// Another row of the list that it is about.
    pub other_row: Option<u32>,
}

/// Whether only the reading of the file tells this of a row, so that judging the row again does not answer it.
pub fn is_of_the_file(code: &str) -> bool {
    matches!(code, "row_hidden" | "lines_in_cell" | "cell_without_header")
}

impl Issue {
    pub(super) fn error(row: u32, code: &'static str, message: impl ToString) -> Issue {
        Issue {
            row,
            column: None,
            code,
            severity: Severity::Error,
            message: message.to_string(),
            value: None,
            other_row: None,
        }
    }

    pub fn warning(row: u32, code: &'static str, message: impl ToString) -> Issue {
        Issue { severity: Severity::Warning, ..Issue::error(row, code, message) }
    }

    /// Row `first` has the same reference.
    pub fn duplicate_reference(row: u32, first: u32) -> Issue {
        let message = format!(
            "row {first} has the same reference. A reference names one payment: correct it, or remove the row if it is \
             the same payment"
        );
        Issue::error(row, "duplicate_reference", message).about(first)
    }

    /// Row `first` pays the same.
    pub fn duplicate_payment(row: u32, first: u32) -> Issue {
        let message =
            format!("row {first} pays the same amount to the same number. Remove the row unless both shall be paid");
        Issue::warning(row, "duplicate_payment", message).about(first)
    }

    /// Row `first` pays the same number another amount.
    pub fn repeated_number(row: u32, first: u32) -> Issue {
        let message = format!("row {first} pays another amount to the same number. Check that both shall be paid");
        Issue::warning(row, "repeated_number", message).about(first)
    }

    /// Row `first` tells the same.
    pub fn duplicate_message(row: u32, first: u32) -> Issue {
        let message = format!("row {first} tells the same number the same. Remove the row unless both shall be sent");
        Issue::warning(row, "duplicate_message", message).about(first)
    }

    /// Row `first` tells the same number another text.
    pub fn repeated_message(row: u32, first: u32) -> Issue {
        let message = format!("row {first} tells the same number something else. Check that both shall be sent");
        Issue::warning(row, "repeated_number", message).about(first)
    }

    fn about(self, other_row: u32) -> Issue {
        Issue { other_row: Some(other_row), ..self }
    }

    pub(super) fn in_column(mut self, column: &str, value: &str) -> Issue {
        self.column = Some(column.to_owned());
        self.value = (!value.is_empty()).then(|| Issue::cut(value));
        self
    }

    /// As much of a cell as an issue quotes.
    pub(super) fn cut(value: &str) -> String {
        value.chars().take(VALUE_CHARS_MAX).collect()
    }
}

/// Whatever stopped the receiver of the rows.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Why a file cannot be read as a list. Rows handed out before the error are to be discarded.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the file cannot be read: {0}. Upload it again")]
    Io(#[from] std::io::Error),
    #[error("the rows could not be stored: {0}")]
    Sink(SinkError),

    #[error("the file is empty. Upload a list with a header row and one row per recipient")]
    Empty,
    #[error("the file has a header and no recipients below it. Add one row per recipient and upload it again")]
    NoRows,
    #[error("the file has more than {max} recipients. Split it into several files")]
    TooManyRows { max: u32 },

    #[error(
        "the text of the file is partly UTF-8 and partly in another encoding (first seen in row {row}), so names could \
         be read wrongly. In Excel choose File > Save As > \"CSV UTF-8 (Comma delimited)\", look at the names, and \
         upload that file"
    )]
    NotUtf8 { row: u32 },
    #[error(
        "the text of the file looks like {encoding}, but row {row} cannot be read as that. In Excel choose File > \
         Save As > \"CSV UTF-8 (Comma delimited)\" and upload that file"
    )]
    Undecodable { row: u32, encoding: &'static str },
    #[error(
        "row {row} contains a NUL character, so the file is damaged or not a text file. In Excel choose File > \
         Save As > \"CSV UTF-8 (Comma delimited)\" and upload that file"
    )]
    Nul { row: u32 },
    #[error(
        "the file is {what}, not a list. Save the list as an Excel workbook (.xlsx) or as CSV UTF-8 and upload \
         that file"
    )]
    NotAList { what: &'static str },
    #[error(
        "row {row} opens a double quote (\") that is never closed, so where the row ends is not known. Remove the \
         quote, or close it, and upload the file again"
    )]
    UnclosedQuote { row: u32 },
    #[error(
        "row {row} has text after a double quote (\") that closes a cell, so a quote is missing somewhere and rows may have \
         been taken for a part of a cell. Write a quote inside a cell twice (\"\"), or remove it, and upload the file again"
    )]
    StrayQuote { row: u32 },
    #[error(
        "row {row} has a cell with several lines, and one of them looks like another recipient; perhaps a double quote (\") \
         is not closed. Put every recipient into a row, and upload the file again"
    )]
    RowInCell { row: u32 },
    #[error(
        "row {row} looks like a second header, and names other columns than the first, in row {header}. Keep one header, \
         with all names in one row, and upload the file again"
    )]
    SecondHeader { row: u32, header: u32 },
    #[error(
        "row {row} has a cell with more than {max_kib} KiB of text. Perhaps a double quote (\") is not closed; \
         correct the row and upload the file again"
    )]
    CellTooLong { row: u32, max_kib: usize },
    #[error("row {row} has more than {max} columns. Keep the columns that are needed and upload the file again")]
    TooManyColumns { row: u32, max: usize },
    #[error(
        "the names of the columns in row {row} are {bytes} bytes long, at most {max} are possible. Shorten them, or remove \
         columns that are not needed, and upload the file again"
    )]
    HeaderTooLong { row: u32, bytes: usize, max: usize },
    #[error(
        "the rows up to row {row} hold more text than a list may have, the names of the columns counted with each row. \
         Shorten long names, remove columns that are not needed and what is below the last recipient, or split the list, and \
         upload it again"
    )]
    TooMuchText { row: u32 },

    #[error(transparent)]
    Sheet(#[from] SheetError),
    #[error(
        "the first visible sheet, {sheet:?}, is empty. Put the list on the first sheet, or delete the sheet, and upload \
         the file again. Other sheets: {}",
        listed(others)
    )]
    FirstSheetEmpty { sheet: String, others: Vec<String> },
    /// Its code is that of `why`.
    #[error(
        "of the workbook only the first visible sheet, {sheet:?}, was read, and {why}. If the list is on another sheet, \
         put it on the first one, or delete the sheet {sheet:?}, and upload the file again. Other sheets: {}",
        listed(others)
    )]
    NotOnFirstSheet { why: Box<ImportError>, sheet: String, others: Vec<String> },

    #[error(
        "no column holds the {}. The file has {}. {}",
        joined(fields, " or the ", |field| field.what().into()), listed(found), how_to_name(fields)
    )]
    MissingColumn { fields: Vec<Field>, found: Vec<String> },
    #[error(
        "more than one column may hold the {}: {}. Rename or remove all but one, or tell at the upload which one it \
         is",
        field.what(), listed(columns)
    )]
    AmbiguousColumn { field: Field, columns: Vec<String> },
    #[error(
        "the column {column:?} says its amounts are in {stated}, and this batch is in {batch}. Upload the list as a batch of \
         that money, or correct the name of the column",
        batch = batch.code()
    )]
    OtherCurrency { column: String, stated: String, batch: Currency },
    #[error(
        "row {row} looks like a recipient, but it stands above the header, which was found in row {header}. Put the \
         header above all recipients, or remove the row"
    )]
    RowAboveHeader { row: u32, header: u32 },
    #[error("the text uses (({tag})), and {}", no_such_tag(found, read_as.as_ref()))]
    UnknownTag {
        tag: String,
        found: Vec<String>,
        /// The column of that name, when it is one of ours.
        read_as: Option<(String, Field)>,
    },
    #[error("{0}; ask your operator, then upload the list again")]
    NoSmsLane(String),
    #[error("the column {column:?} occurs more than once. Rename or remove all but one")]
    DuplicateColumn { column: String },
    #[error(
        "the upload says that the {} is in column {column:?}, which the file does not have. It has {}",
        field.what(), listed(found)
    )]
    MappedColumnMissing { field: Field, column: String, found: Vec<String> },
    #[error(
        "the upload uses column {column:?} both for the {} and for the {}. Name one column for each",
        first.what(), second.what()
    )]
    MappedTwice { column: String, first: Field, second: Field },
    #[error(
        "the mapping of columns is not understood ({why}). Send a JSON object such as {{\"msisdn\": \"Tel.\", \
         \"amount\": \"To pay\"}}; its keys may be msisdn, amount, name, reference, note, network"
    )]
    MappingInvalid { why: String },

    #[error(
        "the amounts together are more than Gaba can count. Check the amounts for digits too many, or split the file"
    )]
    TotalTooLarge,
}

impl ImportError {
    pub fn code(&self) -> &'static str {
        use ImportError::*;
        match self {
            Io(_) => "file_unreadable",
            Sink(_) => "not_stored",
            Empty => "file_empty",
            NoRows => "no_rows",
            TooManyRows { .. } => "too_many_rows",
            NotUtf8 { .. } | Undecodable { .. } => "encoding",
            Nul { .. } => "nul_character",
            NotAList { .. } => "not_a_list",
            UnclosedQuote { .. } => "unclosed_quote",
            StrayQuote { .. } => "stray_quote",
            RowInCell { .. } => "row_in_cell",
            SecondHeader { .. } => "second_header",
            CellTooLong { .. } => "cell_too_long",
            TooManyColumns { .. } => "too_many_columns",
            HeaderTooLong { .. } => "header_too_long",
            TooMuchText { .. } => "too_much_text",
            Sheet(error) => error.code(),
            FirstSheetEmpty { .. } => "first_sheet_empty",
            NotOnFirstSheet { why, .. } => why.code(),
            MissingColumn { .. } => "missing_column",
            AmbiguousColumn { .. } => "ambiguous_column",
            OtherCurrency { .. } => "other_currency",
            RowAboveHeader { .. } => "row_above_header",
            UnknownTag { .. } => "unknown_tag",
            NoSmsLane(_) => "no_sms_lane",
            DuplicateColumn { .. } => "duplicate_column",
            MappedColumnMissing { .. } => "mapped_column_missing",
            MappedTwice { .. } => "column_mapped_twice",
            MappingInvalid { .. } => "mapping_invalid",
            TotalTooLarge => "total_too_large",
        }
    }
}

/// Headers for a message: quoted, and not more than a person reads.
fn listed(headers: &[String]) -> String {
    const SHOWN_MAX: usize = 12;
    if headers.is_empty() {
        return "no columns with a header".into();
    }
    let mut shown: Vec<String> = headers
        .iter()
        .take(SHOWN_MAX)
        .map(|h| format!("{:?}", h.chars().take(VALUE_CHARS_MAX).collect::<String>()))
        .collect();
    if headers.len() > SHOWN_MAX {
        shown.push(format!("and {} more", headers.len() - SHOWN_MAX));
    }
    shown.join(", ")
}

fn no_such_tag(found: &[String], read_as: Option<&(String, Field)>) -> String {
    match read_as {
        Some((column, field @ (Field::Name | Field::Amount | Field::Reference))) => {
            format!("the column {column:?} is read as the {}. Write (({})) instead", field.what(), field.name())
        }
        Some((column, field)) => format!(
            "the column {column:?} is read as the {}, which is not put into texts. Remove the tag, or use {}",
            field.what(),
            listed(found)
        ),
        None => {
            format!(
                "the file has no column of that name. It can use {}. Correct the tag, or add the column",
                listed(found)
            )
        }
    }
}

fn how_to_name(fields: &[Field]) -> String {
    let names = joined(fields, " and ", Field::example);
    match fields.len() {
        1 => format!("Name the column {names} or tell at the upload which one it is"),
        _ => format!("Name the columns {names} or tell at the upload which ones they are"),
    }
}

fn joined(fields: &[Field], between: &str, word: impl Fn(Field) -> String) -> String {
    fields.iter().map(|field| word(*field)).collect::<Vec<_>>().join(between)
}
