//! Workbooks: real numbers and dates, everything else as text, nothing that a spreadsheet would run.
//!
//! Rows go to temporary files as they are written, so that memory does not grow with them. A table that is longer than a
//! sheet may be goes on in another one.

use crate::clock::Time;
use crate::money::Currency;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// Rows of a sheet that a spreadsheet program opens.
const SHEET_ROWS_MAX: u32 = 1_048_576;
/// Characters that a cell may hold.
const CELL_CHARS_MAX: usize = 32_767;
/// What 64-bit floats, a spreadsheet's only numbers, hold exactly.
const EXACT_MAX: i64 = 1 << 53;
/// Days from a spreadsheet's day nought to 1970.
const EPOCH_DAYS: f64 = 25_569.0;
const DAY_MICROS: f64 = 86_400_000_000.0;
const WRITE_BYTES: usize = 256 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum BookError {
    #[error("the workbook cannot be written: {0}")]
    Xlsx(#[from] XlsxError),
    #[error("the workbook cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

/// What stands in a cell.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    Empty,
    Text(&'a str),
    Count(i64),
    /// A decimal string.
    Amount(&'a str),
    Time(Time),
}

impl<'a> Cell<'a> {
    pub fn text(text: Option<&'a str>) -> Cell<'a> {
        text.map_or(Cell::Empty, Cell::Text)
    }

    pub fn amount(amount: Option<&'a str>) -> Cell<'a> {
        amount.map_or(Cell::Empty, Cell::Amount)
    }

    pub fn time(time: Option<Time>) -> Cell<'a> {
        time.map_or(Cell::Empty, Cell::Time)
    }
}

/// A heading and the width of its column, in characters.
pub type Column = (&'static str, f64);

/// A workbook on its way.
pub struct Book {
    workbook: Workbook,
    style: Style,
}

struct Style {
    heading: Format,
    count: Format,
    money: Format,
    time: Format,
}

impl Book {
    /// Rows wait in `folder` until the workbook is saved. `created` stands in the file: never the time of making it.
    pub fn new(folder: &Path, title: &str, created: Time, currency: Currency) -> Result<Book, BookError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder)?;
        // Level 1: a third of the time of the default for a tenth more bytes.
        workbook.set_zip_compression_level(1);
        let created = ExcelDateTime::from_timestamp(created.micros().div_euclid(1_000_000))?;
        let properties = DocProperties::new().set_title(title).set_author("Gaba").set_creation_datetime(&created);
        workbook.set_properties(&properties);
        let decimals = usize::try_from(currency.exponent()).unwrap_or_default();
        let money = if decimals == 0 { "#,##0".to_owned() } else { format!("#,##0.{}", "0".repeat(decimals)) };
        let style = Style {
            heading: Format::new().set_bold(),
            count: Format::new().set_num_format("#,##0"),
            money: Format::new().set_num_format(money),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss").set_align(FormatAlign::Left),
        };
        Ok(Book { workbook, style })
    }

    /// A sheet without a header, for a few rows.
    pub fn sheet(&mut self, name: &str, widths: &[f64]) -> Result<Sheet, BookError> {
        let mut sheet = self.workbook.new_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        for (column, width) in (0..).zip(widths) {
            sheet.set_column_width(column, *width)?;
        }
        Ok(Sheet { sheet, rows: 0 })
    }

    pub fn table<H: AsRef<str>>(&mut self, name: &'static str, columns: &[(H, f64)]) -> Result<Table, BookError> {
        let columns = columns.iter().map(|(heading, width)| (heading.as_ref().to_owned(), *width)).collect();
        let mut table = Table { name, columns, sheets: Vec::new(), rows_max: SHEET_ROWS_MAX };
        table.begin_sheet(self)?;
        Ok(table)
    }

    /// Puts sheets into the book, in the order of the calls.
    pub fn push(&mut self, sheets: impl IntoIterator<Item = Sheet>) {
        for sheet in sheets {
            self.workbook.push_worksheet(sheet.sheet);
        }
    }

    pub fn save(mut self, mut file: &File) -> Result<(), BookError> {
        let mut out = BufWriter::with_capacity(WRITE_BYTES, file);
        self.workbook.save_to_writer(&mut out)?;
        out.flush()?;
        drop(out);
        file.seek(SeekFrom::Start(0))?;
        Ok(())
    }
}

pub struct Sheet {
    sheet: Worksheet,
    rows: u32,
}

impl Sheet {
    pub fn heading(&mut self, book: &Book, cells: &[&str]) -> Result<(), BookError> {
        for (column, cell) in (0..).zip(cells) {
            self.sheet.write_string_with_format(self.rows, column, *cell, &book.style.heading)?;
        }
        self.rows += 1;
        Ok(())
    }

    pub fn row(&mut self, book: &Book, cells: &[Cell<'_>]) -> Result<(), BookError> {
        for (column, cell) in (0..).zip(cells) {
            write(&mut self.sheet, self.rows, column, cell, &book.style)?;
        }
        self.rows += 1;
        Ok(())
    }
}

/// Rows under a header, on as many sheets as they need.
pub struct Table {
    name: &'static str,
    columns: Vec<(String, f64)>,
    sheets: Vec<Sheet>,
    rows_max: u32,
}

impl Table {
    pub fn row(&mut self, book: &mut Book, cells: &[Cell<'_>]) -> Result<(), BookError> {
        debug_assert_eq!(cells.len(), self.columns.len(), "{}", self.name);
        if self.sheets.last().is_none_or(|sheet| sheet.rows >= self.rows_max) {
            self.begin_sheet(book)?;
        }
        match self.sheets.last_mut() {
            Some(sheet) => sheet.row(book, cells),
            None => Ok(()),
        }
    }

    fn begin_sheet(&mut self, book: &mut Book) -> Result<(), BookError> {
        let name = match self.sheets.len() {
            0 => self.name.to_owned(),
            before => format!("{} {}", self.name, before + 1),
        };
        let widths: Vec<f64> = self.columns.iter().map(|(_, width)| *width).collect();
        let mut sheet = book.sheet(&name, &widths)?;
        sheet.sheet.set_freeze_panes(1, 0)?;
        let headings: Vec<&str> = self.columns.iter().map(|(heading, _)| heading.as_str()).collect();
        sheet.heading(book, &headings)?;
        self.sheets.push(sheet);
        Ok(())
    }

    pub fn sheets(self) -> Vec<Sheet> {
        self.sheets
    }
}

fn write(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell<'_>, style: &Style) -> Result<(), XlsxError> {
    match *cell {
        Cell::Empty | Cell::Text("") => {}
        Cell::Text(text) => drop(sheet.write_string(row, column, cut(text))?),
        Cell::Count(count) if count.abs() <= EXACT_MAX => {
            sheet.write_number_with_format(row, column, count as f64, &style.count)?;
        }
        Cell::Count(count) => drop(sheet.write_string(row, column, count.to_string())?),
        Cell::Amount(text) => match exact(text) {
            Some(number) => drop(sheet.write_number_with_format(row, column, number, &style.money)?),
            None => drop(sheet.write_string(row, column, cut(text))?),
        },
        Cell::Time(time) => {
            // To the millisecond: what follows is lost in a float of days.
            let days = (time.micros() as f64 / DAY_MICROS + EPOCH_DAYS) * 86_400_000.0;
            sheet.write_number_with_format(row, column, days.round() / 86_400_000.0, &style.time)?;
        }
    }
    Ok(())
}

/// A decimal string as a number, unless a float would round it.
fn exact(text: &str) -> Option<f64> {
    let digits: i64 = text.chars().filter(|c| *c != '.').collect::<String>().parse().ok()?;
    (digits.abs() <= EXACT_MAX).then(|| text.parse().ok()).flatten()
}

/// As much as a cell holds.
fn cut(text: &str) -> &str {
    match text.char_indices().nth(CELL_CHARS_MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
    use std::io::{BufReader, Read};

    fn book() -> Book {
        Book::new(&std::env::temp_dir(), "A report", Time(1_763_715_600_000_000), Currency::Kes).unwrap()
    }

    fn saved(book: Book) -> Vec<u8> {
        let path = std::env::temp_dir().join(format!("gaba-book-{}", uuid::Uuid::now_v7()));
        let file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
        book.save(&file).unwrap();
        let mut bytes = Vec::new();
        BufReader::new(&file).read_to_end(&mut bytes).unwrap();
        std::fs::remove_file(path).unwrap();
        bytes
    }

    fn read(bytes: Vec<u8>) -> Xlsx<std::io::Cursor<Vec<u8>>> {
        open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn numbers_and_times_are_real_and_all_else_is_text() {
        let mut book = book();
        let mut sheet = book.sheet("One", &[10.0]).unwrap();
        let time = Time(1_763_715_600_123_456);
        let cells = [
            Cell::Amount("1234.50"),
            Cell::Amount("99999999999999999.99"),
            Cell::Amount("1,00"),
            Cell::Time(time),
            Cell::Text("=1+1"),
            Cell::Text("256772123456"),
            Cell::Empty,
            Cell::Count(7),
        ];
        sheet.row(&book, &cells).unwrap();
        book.push([sheet]);
        let range = read(saved(book)).worksheet_range("One").unwrap();
        let row: Vec<&Data> = range.rows().next().unwrap().iter().collect();
        assert_eq!((row[0], row[1]), (&Data::Float(1234.5), &Data::String("99999999999999999.99".into())));
        assert_eq!(row[2], &Data::String("1,00".into()));
        let Data::DateTime(shown) = row[3] else { panic!("{:?}", row[3]) };
        assert_eq!(shown.to_ymd_hms_milli(), (2025, 11, 21, 9, 0, 0, 123));
        assert_eq!((row[4], row[5]), (&Data::String("=1+1".into()), &Data::String("256772123456".into())));
        assert_eq!((row[6], row[7]), (&Data::Empty, &Data::Float(7.0)));
    }

    #[test]
    fn what_xml_cannot_hold_and_what_is_too_long_for_a_cell_does_not_break_the_book() {
        let mut book = book();
        let mut sheet = book.sheet("One", &[10.0]).unwrap();
        let long = "é".repeat(CELL_CHARS_MAX + 5);
        let texts = ["a\u{1}b\u{ffff}<&>\"", "_x000D_", " kept ", "a\r\nb", &long];
        sheet.row(&book, &texts.map(Cell::Text)).unwrap();
        book.push([sheet]);
        let range = read(saved(book)).worksheet_range("One").unwrap();
        let row: Vec<String> = range.rows().next().unwrap().iter().map(ToString::to_string).collect();
        assert!(row[0].starts_with('a') && row[0].ends_with("<&>\""), "{:?}", row[0]);
        assert_eq!((row[2].as_str(), row[4].chars().count()), (" kept ", CELL_CHARS_MAX));
    }

    #[test]
    fn a_table_longer_than_a_sheet_goes_on_in_another() {
        let mut book = book();
        let mut table = book.table("Lines", &[("n", 5.0)]).unwrap();
        table.rows_max = 4;
        for n in 0..7 {
            table.row(&mut book, &[Cell::Count(n)]).unwrap();
        }
        book.push(table.sheets());
        let mut read = read(saved(book));
        assert_eq!(read.sheet_names(), ["Lines", "Lines 2", "Lines 3"]);
        let rows: Vec<usize> =
            read.sheet_names().iter().map(|n| read.worksheet_range(n).unwrap().rows().count()).collect();
        assert_eq!(rows, [4, 4, 2], "each with its header");
    }

    #[test]
    fn made_twice_it_is_the_same_bytes() {
        let make = || {
            let mut book = book();
            let mut table = book.table("Lines", &[("n", 5.0)]).unwrap();
            table.row(&mut book, &[Cell::Text("x")]).unwrap();
            book.push(table.sheets());
            saved(book)
        };
        let one = make();
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        assert_eq!(one, make());
    }
}
