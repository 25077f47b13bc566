//! XLS (Excel 97 and 95): the first visible sheet.
//!
//! calamine reads the whole workbook at once and believes the sizes it states; a file that states too much ends the child,
//! and the parent says to save the list as XLSX. Which rows are hidden it does not tell ([`super::biff`] does).

use super::read::{Line, Sink};
use super::{Opening, Ranges, SheetError, Shown, biff, number, xlsx};
use calamine::{Data, Range, Reader, Xls, XlsError};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) fn read<R: Read + Seek>(mut file: R, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let hidden = biff::find(&mut file);
    file.seek(SeekFrom::Start(0)).map_err(SheetError::Unreadable)?;
    let mut workbook = guarded(|| Xls::new(BufReader::new(file)))?;
    let mut lists = xlsx::visible(workbook.sheets_metadata()).into_iter();
    let name = lists.next().ok_or(SheetError::NoSheet)?;
    let knows_hidden = hidden.is_some();
    let hidden = hidden.unwrap_or_default();
    sink.begin(&Opening { format: "xls".into(), sheet: name.clone(), knows_hidden, hidden_columns: hidden.columns })?;
    let range = guarded(|| workbook.worksheet_range(&name))?;
    rows(&range, &hidden.rows, sink)?;
    let has_cells = |range: Range<Data>| range.used_cells().next().is_some();
    let others = lists.filter(|name| guarded(|| workbook.worksheet_range(name)).is_ok_and(has_cells));
    sink.end(&others.collect::<Vec<_>>())
}

fn rows(range: &Range<Data>, hidden: &Ranges, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let Some((first_row, first_column)) = range.start() else { return Ok(()) };
    let mut line = Line::default();
    for (row, cells) in (first_row + 1..).zip(range.rows()) {
        for (column, cell) in (u64::from(first_column)..).zip(cells) {
            // Of numbers it does not tell how they are shown.
            let shown = matches!(cell, Data::Float(_) | Data::Int(_)).then_some(Shown::Unknown);
            line.place(row, column, number::owned(cell).shown(shown))?;
        }
        if !line.cells.is_empty() {
            sink.row(row, hidden.contains(row), &line.cells)?;
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
