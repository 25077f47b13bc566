//! XLS (Excel 97 and 95): the first visible sheet.
//!
//! calamine reads the whole workbook at once and believes the sizes it states; a file that states too much ends the child,
//! and the parent says to save the list as XLSX. Which rows are hidden it does not tell.

use super::read::{Line, Sink};
use super::{Opening, Ranges, SheetError, number, xlsx};
use calamine::{Data, Range, Reader, Xls, XlsError};
use std::io::{BufReader, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) fn read<R: Read + Seek>(file: R, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let mut workbook = guarded(|| Xls::new(BufReader::new(file)))?;
    let mut lists = xlsx::visible(workbook.sheets_metadata()).into_iter();
    let name = lists.next().ok_or(SheetError::NoSheet)?;
    sink.begin(&Opening { format: "xls".into(), sheet: name.clone(), hidden_columns: Ranges::default() })?;
    let range = guarded(|| workbook.worksheet_range(&name))?;
    rows(&range, sink)?;
    let has_cells = |range: Range<Data>| range.used_cells().next().is_some();
    let others = lists.filter(|name| guarded(|| workbook.worksheet_range(name)).is_ok_and(has_cells));
    sink.end(&others.collect::<Vec<_>>())
}

fn rows(range: &Range<Data>, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let Some((first_row, first_column)) = range.start() else { return Ok(()) };
    let mut line = Line::default();
    for (row, cells) in (first_row + 1..).zip(range.rows()) {
        for (column, cell) in (u64::from(first_column)..).zip(cells) {
            line.place(row, column, number::owned(cell))?;
        }
        if !line.cells.is_empty() {
            sink.row(row, false, &line.cells)?;
        }
        line.clear();
    }
    Ok(())
}

fn guarded<T>(read: impl FnOnce() -> Result<T, XlsError>) -> Result<T, SheetError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| match error {
            XlsError::Password => SheetError::PasswordProtected,
            error => SheetError::damaged(error),
        }),
        Err(_) => Err(SheetError::damaged("its parts contradict each other")),
    }
}
