//! Spreadsheets: XLSX, XLS and ODS, read by a process of their own.
//!
//! A spreadsheet is a program somebody else wrote for a reader somebody else wrote. So it is read by `gaba read-sheet`, a
//! child that takes away from itself what it does not need before it looks at the first byte (`limits`), and hands over
//! nothing but rows of text (`frame`). The parent (`parent`) never opens the file; it believes no length and no number of
//! the child, waits only so long, and turns every way to die into a [`SheetError`] that says what to do.
//!
//! * The child reads row by row and is slowed down by the pipe: memory grows on neither side.
//! * What a file is, is told by its content, never by its name (`read`).
//! * XLSX goes through calamine's streaming cell reader after its package was weighed (`package`), XLS through calamine,
//!   which holds a whole workbook, under the child's limits; ODS through a reader of our own (`ods`), because calamine
//!   expands what an ODS merely repeats.
//! * Rows and columns that are hidden are read like the others, and told (`hidden`, of an XLS `biff`).
//! * A sign of money, or of per cent, that a cell shows and does not hold is told with its number (`sign`, `looks`); and all
//!   that is seen of the number, for texts that say it (`format`).

mod biff;
mod cell;
pub mod child;
mod error;
mod format;
mod frame;
mod hidden;
mod limits;
mod looks;
pub mod memory;
mod number;
mod ods;
mod package;
mod parent;
mod ranges;
mod read;
mod sign;
mod xls;
mod xlsx;

pub use cell::{Cell, Fault, Shown};
pub use error::SheetError;
pub use frame::Opening;
pub use parent::{Answer, Program, Stream};
pub use ranges::Ranges;
pub use read::read_sheet_bytes;
pub(crate) use sign::{is_money_of, only_sign, sign};

/// Widest list, in columns.
pub const COLUMNS_MAX: usize = 256;
/// Longest cell, in bytes.
pub const CELL_BYTES_MAX: usize = 64 * 1024;
/// Longest row of a spreadsheet, all its cells together, in bytes.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Excel's own last row.
const SHEET_ROWS_MAX: u32 = 1_048_576;
