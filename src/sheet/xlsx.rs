//! XLSX (and XLSM, and Strict): the first visible sheet, cell by cell.
//!
//! * Only calamine's streaming cell reader is used. Its range reader allocates the rectangle between the outermost
//!   cells, so that two cells can ask for half a terabyte; its expanding formula readers allocate by indices the file
//!   names. The metadata reader used here does neither, and tells a formula without a value from an empty cell.
//! * Positions come from the file: they must advance, and stay within what Excel has.
//! * A panic of the reader on a hostile file is the file's fault: it is caught and told as damage.

use super::looks::Looks;
use super::read::{Line, Sink};
use super::{Cell, Opening, SHEET_ROWS_MAX, SheetError, hidden, number, package};
use calamine::{DataRef, Reader, Sheet, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How far another sheet is looked into for a cell that is not empty, in cells.
const OTHER_CELLS_MAX: usize = 10_000;
const OTHERS_MAX: usize = 64;

pub(super) fn read<R: Read + Seek>(mut file: R, shown: bool, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let hides = package::weigh(&mut package::open(BufReader::new(&mut file))?)?;
    let found = if hides { hidden::find(&mut file) } else { None };
    file.seek(SeekFrom::Start(0)).map_err(SheetError::Unreadable)?;
    let mut workbook = guarded(|| Xlsx::new(BufReader::new(file)))?;
    let mut lists = visible(workbook.sheets_metadata()).into_iter();
    let name = lists.next().ok_or(SheetError::NoSheet)?;
    let hidden = found.filter(|(sheet, _)| *sheet == name).map(|(_, hidden)| hidden);
    let knows_hidden = !hides || hidden.is_some();
    let hidden = hidden.unwrap_or_default();
    sink.begin(&Opening { format: "xlsx".into(), sheet: name.clone(), knows_hidden, hidden_columns: hidden.columns })?;
    let looks = looks(&mut workbook, &name, shown)?;
    let mut cells = Cells { looks: &looks, reader: guarded(|| workbook.worksheet_cells_reader(&name))?, last: None };
    let (mut line, mut line_at) = (Line::default(), None);
    while let Some((at, column, cell)) = cells.next()? {
        if let Some(done) = line_at.replace(at).filter(|done| *done != at) {
            hand_over(sink, done, hidden.rows.contains(done), &mut line)?;
        }
        line.place(at, column.into(), cell)?;
    }
    if let Some(done) = line_at {
        hand_over(sink, done, hidden.rows.contains(done), &mut line)?;
    }
    drop((line, cells));
    let others: Vec<String> = lists.take(OTHERS_MAX).filter(|name| has_cells(&mut workbook, name)).collect();
    sink.end(&others)
}

/// The names of the sheets that can hold a list and are seen by whoever opens the workbook.
pub(super) fn visible(sheets: &[Sheet]) -> Vec<String> {
    let shown = sheets.iter().filter(|s| s.typ == SheetType::WorkSheet && s.visible == SheetVisible::Visible);
    shown.map(|s| s.name.clone()).collect()
}

fn hand_over(sink: &mut dyn Sink, number: u32, hidden: bool, line: &mut Line<'_>) -> Result<(), SheetError> {
    if !line.cells.is_empty() {
        sink.row(number, hidden, &line.cells)?;
    }
    line.clear();
    Ok(())
}

/// Which cells show more than their number.
fn looks<R: Read + Seek>(workbook: &mut Xlsx<R>, name: &str, shown: bool) -> Result<Looks, SheetError> {
    let mut reader = guarded(|| workbook.worksheet_cells_reader(name))?;
    let mut looks = Looks::of(reader.styles(), shown);
    while !looks.is_empty()
        && let Some((row, column, style)) = guarded(|| reader.next_style_id())?
    {
        looks.note(row.saturating_add(1), column, style)?;
    }
    Ok(looks)
}

fn has_cells<R: Read + Seek>(workbook: &mut Xlsx<R>, name: &str) -> bool {
    let look = guarded(|| {
        let mut reader = workbook.worksheet_cells_reader(name)?;
        for _ in 0..OTHER_CELLS_MAX {
            match reader.next_cell()? {
                Some(cell) if *cell.get_value() != DataRef::Empty => return Ok(true),
                Some(_) => {}
                None => return Ok(false),
            }
        }
        Ok(false)
    });
    // A sheet that nobody pays from need not be sound.
    look.unwrap_or(false)
}

/// The cells of a sheet in reading order.
struct Cells<'a, R: Read + Seek> {
    reader: XlsxCellReader<'a, R>,
    looks: &'a Looks,
    /// Row and column of the last cell, counted from 0.
    last: Option<(u32, u32)>,
}

impl<'a, R: Read + Seek> Cells<'a, R> {
    /// Row (from 1), column (from 0) and cell.
    fn next(&mut self) -> Result<Option<(u32, u32, Cell<'a>)>, SheetError> {
        let reader = &mut self.reader;
        let Some(record) = guarded(|| reader.next_cell_with_formula_metadata())? else { return Ok(None) };
        let (row, column) = record.pos;
        if self.last.is_some_and(|last| record.pos <= last) {
            let near = self.last.map_or(0, |(row, _)| row + 1);
            return Err(SheetError::damaged(format!("its cells are out of order near row {near}")));
        }
        if row >= SHEET_ROWS_MAX {
            return Err(SheetError::damaged(format!("it has a cell in row {}", u64::from(row) + 1)));
        }
        self.last = Some(record.pos);
        let is_number = matches!(record.value, DataRef::Float(_) | DataRef::Int(_));
        let cell = number::cell(record.value, record.formula.is_some());
        let cell = if is_number { self.looks.shown(row + 1, column, cell) } else { cell };
        Ok(Some((row + 1, column, cell)))
    }
}

/// Runs the reader, and turns what it says, or its panic, into words.
fn guarded<T>(read: impl FnOnce() -> Result<T, XlsxError>) -> Result<T, SheetError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| match error {
            XlsxError::Password => SheetError::PasswordProtected,
            XlsxError::CellError(shown) => {
                SheetError::damaged(format!("one of its cells shows the error {shown}; correct that cell"))
            }
            error => SheetError::damaged(error),
        }),
        Err(_) => Err(SheetError::damaged("its parts contradict each other")),
    }
}
