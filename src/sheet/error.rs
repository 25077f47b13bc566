//! Why a spreadsheet cannot be read as a list.

use std::io;

/// A message is read by a payroll officer and says what to do; a code is read by programs and never changes.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    #[error("the file cannot be read: {0}. Upload it again")]
    Unreadable(io::Error),
    /// Ours, not the file's: to be tried again.
    #[error("spreadsheets cannot be read at the moment ({0}). Upload the list as CSV UTF-8, or tell your operator")]
    NotStarted(io::Error),
    /// Ours, not the file's: to be tried again.
    #[error("the reading of the spreadsheet was stopped from outside. Upload it again")]
    Stopped,

    #[error(
        "the workbook is protected by a password. Open it in Excel, remove the password under File > Info > \
         Protect Workbook, save it and upload it again"
    )]
    PasswordProtected,
    #[error(
        "the file is an Excel binary workbook (.xlsb). Open it in Excel, choose File > Save As > \"Excel Workbook \
         (.xlsx)\" and upload that file"
    )]
    Binary,
    #[error(
        "the file is {what}, not a list. Save the list as an Excel workbook (.xlsx) or as CSV UTF-8 and upload \
         that file"
    )]
    NotASpreadsheet { what: String },
    #[error(
        "the workbook is damaged ({why}). Open it in Excel or LibreOffice, save it under another name as XLSX and upload \
         that file; if it does not open, export the list again"
    )]
    Damaged { why: String },
    #[error(
        "the workbook is too large: {why}. Copy the list alone into a new workbook saved as XLSX, or save it as CSV \
         UTF-8, and upload that file"
    )]
    TooLarge { why: String },
    #[error(
        "reading the workbook takes longer than a list should need. Copy the list alone into a new workbook saved as \
         XLSX, or save it as CSV UTF-8, and upload that file"
    )]
    TooSlow,
    #[error("the workbook has no visible sheet with cells. Put the list on the first sheet and upload it again")]
    NoSheet,
    #[error(
        "row {row} has more than {} columns. Keep the columns that are needed and upload the file again",
        super::COLUMNS_MAX
    )]
    TooManyColumns { row: u32 },
    #[error(
        "row {row} has a cell with more than {} KiB of text. Shorten it and upload the file again",
        super::CELL_BYTES_MAX / 1024
    )]
    CellTooLong { row: u32 },
}

impl SheetError {
    pub fn code(&self) -> &'static str {
        use SheetError::*;
        match self {
            Unreadable(_) => "file_unreadable",
            NotStarted(_) | Stopped => "sheet_reader_unavailable",
            PasswordProtected => "password_protected",
            Binary => "binary_workbook",
            NotASpreadsheet { .. } => "not_a_list",
            Damaged { .. } => "workbook_damaged",
            TooLarge { .. } => "workbook_too_large",
            TooSlow => "workbook_too_slow",
            NoSheet => "no_sheet",
            TooManyColumns { .. } => "too_many_columns",
            CellTooLong { .. } => "cell_too_long",
        }
    }

    /// Whether the same file may well be read at another time.
    pub fn is_ours(&self) -> bool {
        matches!(self, SheetError::NotStarted(_) | SheetError::Stopped)
    }

    pub(super) fn damaged(why: impl ToString) -> SheetError {
        SheetError::Damaged { why: why.to_string() }
    }

    pub(super) fn too_large(why: impl ToString) -> SheetError {
        SheetError::TooLarge { why: why.to_string() }
    }

    /// As the child tells it: the row and the words that belong to the code.
    pub(super) fn told(&self) -> (u32, String) {
        use SheetError::*;
        match self {
            Unreadable(why) | NotStarted(why) => (0, why.to_string()),
            Damaged { why } | TooLarge { why } => (0, why.clone()),
            NotASpreadsheet { what } => (0, what.clone()),
            TooManyColumns { row } | CellTooLong { row } => (*row, String::new()),
            Stopped | PasswordProtected | Binary | TooSlow | NoSheet => (0, String::new()),
        }
    }

    /// What the child told, with its words made harmless.
    pub(super) fn heard(code: &str, row: u32, words: &str) -> SheetError {
        let why: String = words.chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect();
        match code {
            "file_unreadable" => SheetError::Unreadable(io::Error::other(why)),
            "password_protected" => SheetError::PasswordProtected,
            "binary_workbook" => SheetError::Binary,
            "not_a_list" => SheetError::NotASpreadsheet { what: why },
            "workbook_too_large" => SheetError::TooLarge { why },
            "no_sheet" => SheetError::NoSheet,
            "too_many_columns" => SheetError::TooManyColumns { row },
            "cell_too_long" => SheetError::CellTooLong { row },
            _ => SheetError::Damaged { why },
        }
    }
}

/// Longest explanation that is passed on; it can quote the file.
const WORDS_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_child_tells_is_what_is_heard() {
        for error in [
            SheetError::PasswordProtected,
            SheetError::Binary,
            SheetError::NotASpreadsheet { what: "a Word document".into() },
            SheetError::damaged("its parts contradict each other"),
            SheetError::too_large("it unpacks to more than 1024 MiB"),
            SheetError::NoSheet,
            SheetError::TooManyColumns { row: 7 },
            SheetError::CellTooLong { row: 8 },
            SheetError::Unreadable(io::Error::other("gone")),
        ] {
            let (row, words) = error.told();
            let heard = SheetError::heard(error.code(), row, &words);
            assert_eq!((heard.code(), heard.to_string()), (error.code(), error.to_string()));
        }
    }

    #[test]
    fn the_words_of_a_child_are_bounded_and_printable() {
        let heard = SheetError::heard("anything", 0, &("\u{1B}[31m\r\n".repeat(3) + &"x".repeat(10_000)));
        let text = heard.to_string();
        assert!(text.len() < 1_000 && !text.contains(char::is_control), "{text}");
    }
}
