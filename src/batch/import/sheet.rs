//! Reading a workbook: the first visible sheet, cell by cell.
//!
//! * Only calamine's streaming cell reader is used. Its range reader allocates the rectangle between the outermost
//!   cells, so that two cells can ask for half a terabyte; its expanding formula readers allocate by indices the file
//!   names. The metadata reader used here does neither, and tells a formula without a value from an empty cell.
//! * Positions come from the file: they must advance, and stay within what Excel has.
//! * A panic of the reader on a hostile file is the file's fault: it is caught and told as damage.

use super::issue::ImportError;
use super::rows::{Cell, Intake};
use super::{CELL_BYTES_MAX, COLUMNS_MAX, number, package};
use calamine::{Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Excel's own last row.
const SHEET_ROWS_MAX: u32 = 1_048_576;

/// Hands the rows of the first visible sheet to `intake`; returns the sheet's name.
pub(super) fn read(mut file: File, intake: &mut Intake<'_>) -> Result<String, ImportError> {
    package::check(BufReader::new(&mut file))?;
    file.seek(SeekFrom::Start(0))?;
    let mut workbook = guarded(|| Xlsx::new(BufReader::new(file)))?;
    let first = workbook.sheets_metadata().iter().find(|sheet| is_list(sheet.typ, sheet.visible));
    let name = first.map(|sheet| sheet.name.clone()).ok_or(ImportError::NoSheet)?;
    let mut cells = Cells { reader: guarded(|| workbook.worksheet_cells_reader(&name))?, last: None };
    let mut row = Vec::new();
    let mut row_at = None;
    while let Some((at, column, cell)) = cells.next()? {
        if row_at != Some(at) {
            take(intake, row_at.replace(at), &mut row)?;
        }
        place(&mut row, at, column, cell)?;
    }
    take(intake, row_at, &mut row)?;
    Ok(name)
}

fn is_list(kind: SheetType, visible: SheetVisible) -> bool {
    matches!(kind, SheetType::WorkSheet) && matches!(visible, SheetVisible::Visible)
}

fn take(intake: &mut Intake<'_>, at: Option<u32>, row: &mut Vec<Cell<'_>>) -> Result<(), ImportError> {
    if let Some(at) = at {
        intake.take(at + 1, row)?;
    }
    row.clear();
    Ok(())
}

/// Blank cells take no place: formatting alone can reach to the last column.
fn place<'a>(row: &mut Vec<Cell<'a>>, at: u32, column: u32, cell: Cell<'a>) -> Result<(), ImportError> {
    if cell.is_blank() {
        return Ok(());
    }
    let column = column as usize;
    if column >= COLUMNS_MAX {
        return Err(ImportError::TooManyColumns { row: at + 1, max: COLUMNS_MAX });
    }
    if cell.text.len() > CELL_BYTES_MAX {
        return Err(ImportError::CellTooLong { row: at + 1, max_kib: CELL_BYTES_MAX / 1024 });
    }
    row.resize(column, Cell::default());
    row.push(cell);
    Ok(())
}

/// The cells of a sheet in reading order.
struct Cells<'a, R: Read + Seek> {
    reader: XlsxCellReader<'a, R>,
    /// Row and column of the last cell, counted from 0.
    last: Option<(u32, u32)>,
}

impl<'a, R: Read + Seek> Cells<'a, R> {
    fn next(&mut self) -> Result<Option<(u32, u32, Cell<'a>)>, ImportError> {
        let reader = &mut self.reader;
        let Some(record) = guarded(|| reader.next_cell_with_formula_metadata())? else { return Ok(None) };
        let (row, column) = record.pos;
        if self.last.is_some_and(|last| record.pos <= last) {
            let why = format!("its cells are out of order near row {}", self.last.map_or(0, |(row, _)| row + 1));
            return Err(ImportError::Damaged { why });
        }
        if row >= SHEET_ROWS_MAX {
            return Err(ImportError::Damaged { why: format!("it has a cell in row {}", u64::from(row) + 1) });
        }
        self.last = Some(record.pos);
        Ok(Some((row, column, number::cell(record.value, record.formula.is_some()))))
    }
}

/// Runs the reader, and turns what it says, or its panic, into words.
fn guarded<T>(read: impl FnOnce() -> Result<T, XlsxError>) -> Result<T, ImportError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| match error {
            XlsxError::Password => ImportError::PasswordProtected,
            XlsxError::CellError(shown) => {
                let why = format!("one of its cells shows the error {shown}; correct that cell");
                ImportError::Damaged { why }
            }
            error => ImportError::Damaged { why: error.to_string() },
        }),
        Err(_) => Err(ImportError::Damaged { why: "its parts contradict each other".into() }),
    }
}
