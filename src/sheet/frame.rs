//! The stream from the child to its parent.
//!
//! A sequence of frames: the length of what follows (`u32`, little-endian, as all numbers), a tag (one byte), fields. A
//! text is its length in bytes (`u32`) and UTF-8.
//!
//! | tag | frame | fields |
//! |---|---|---|
//! | `B` | begin | format (text), name of the sheet (text), whether what is hidden is known (one byte, 0 or 1), hidden columns: count (`u32`), then first and last of each range (`u32`, from 0) |
//! | `R` | row | number (`u32`, from 1), hidden (one byte, 0 or 1), cells: count (`u32`), then of each its fault (one byte), its text, and what is shown of it: nothing else (one byte, 0), what is not known (1), or (2) a text |
//! | `T` | tick: it goes on | |
//! | `E` | end | names of the other sheets that are not empty: count (`u32`), texts |
//! | `X` | error | code (text), row (`u32`), words (text) |
//!
//! `B` comes first, then rows in ascending order, then `E` or `X`, which is last. An `X` can come at any time; a stream
//! without `E` or `X` at its end is that of a child that died.

use super::{CELL_BYTES_MAX, COLUMNS_MAX, Cell, Fault, ROW_BYTES_MAX, Ranges, SHEET_ROWS_MAX, SheetError, Shown};
use std::io::{self, Write};

/// Longest frame: a row with its numbers.
pub(super) const FRAME_BYTES_MAX: usize = ROW_BYTES_MAX + 64 * 1024;
/// Texts that name sheets.
const NAME_BYTES_MAX: usize = 1024;
const OTHERS_MAX: usize = 64;
/// Ranges of hidden columns: more than any list has.
const HIDDEN_RANGES_MAX: usize = COLUMNS_MAX;

/// What is known of a sheet before its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// `xlsx`, `xls` or `ods`.
    pub format: String,
    pub sheet: String,
    /// Whether it is told which rows and columns are hidden.
    pub knows_hidden: bool,
    /// Counted from 0.
    pub hidden_columns: Ranges,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Begin(Opening),
    Row { number: u32, hidden: bool, cells: Vec<Cell<'a>> },
    Tick,
    End { others: Vec<String> },
    Error { code: String, row: u32, words: String },
}

/// Writes frames, each with one write.
pub(super) struct Writer<W> {
    out: W,
    frame: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Self {
        Writer { out, frame: Vec::new() }
    }

    pub fn begin(&mut self, opening: &Opening) -> io::Result<()> {
        self.start(b'B');
        self.text(cut(&opening.format));
        self.text(cut(&opening.sheet));
        self.frame.push(opening.knows_hidden.into());
        let ranges = opening.hidden_columns.len().min(HIDDEN_RANGES_MAX);
        self.number(ranges as u32);
        for (first, last) in opening.hidden_columns.iter().take(ranges) {
            self.number(first);
            self.number(last);
        }
        self.send()
    }

    pub fn row(&mut self, number: u32, hidden: bool, cells: &[Cell<'_>]) -> io::Result<()> {
        self.start(b'R');
        self.number(number);
        self.frame.push(hidden.into());
        self.number(cells.len() as u32);
        for cell in cells {
            self.frame.push(fault_to(cell.fault));
            self.text(&cell.text);
            match &cell.shown {
                None => self.frame.push(0),
                Some(Shown::Unknown) => self.frame.push(1),
                Some(Shown::As(text)) => {
                    self.frame.push(2);
                    self.text(text);
                }
            }
        }
        self.send()
    }

    /// Reaches the parent at once.
    pub fn tick(&mut self) -> io::Result<()> {
        self.start(b'T');
        self.send()?;
        self.out.flush()
    }

    pub fn end(&mut self, others: &[String]) -> io::Result<()> {
        self.start(b'E');
        let shown = others.len().min(OTHERS_MAX);
        self.number(shown as u32);
        for name in &others[..shown] {
            self.text(cut(name));
        }
        self.send()?;
        self.out.flush()
    }

    pub fn error(&mut self, error: &SheetError) -> io::Result<()> {
        let (row, words) = error.told();
        self.start(b'X');
        self.text(error.code());
        self.number(row);
        self.text(cut(&words));
        self.send()?;
        self.out.flush()
    }

    fn start(&mut self, tag: u8) {
        self.frame.clear();
        self.frame.extend_from_slice(&[0; 4]);
        self.frame.push(tag);
    }

    fn number(&mut self, number: u32) {
        self.frame.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.frame.extend_from_slice(text.as_bytes());
    }

    fn send(&mut self) -> io::Result<()> {
        let length = (self.frame.len() - 4) as u32;
        self.frame[..4].copy_from_slice(&length.to_le_bytes());
        self.out.write_all(&self.frame)
    }
}

/// A name or an explanation that fits.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME_BYTES_MAX)]
}

fn fault_to(fault: Option<Fault>) -> u8 {
    fault.map_or(0, |fault| fault as u8 + 1)
}

fn fault_of(byte: u8) -> Option<Option<Fault>> {
    match byte.checked_sub(1) {
        None => Some(None),
        Some(at) => Fault::ALL.get(usize::from(at)).map(|fault| Some(*fault)),
    }
}

/// Reads a frame without its length; `None` when it is none of ours, or goes beyond what a list can have.
pub(super) fn parse(frame: &[u8]) -> Option<Frame<'_>> {
    let (&tag, fields) = frame.split_first()?;
    let mut fields = Fields(fields);
    let frame = match tag {
        b'B' => fields.begin()?,
        b'R' => fields.row()?,
        b'T' => Frame::Tick,
        b'E' => fields.end()?,
        b'X' => Frame::Error {
            code: fields.text(NAME_BYTES_MAX)?.to_owned(),
            row: fields.number()?,
            words: fields.text(NAME_BYTES_MAX)?.to_owned(),
        },
        _ => return None,
    };
    fields.0.is_empty().then_some(frame)
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|b| b[0])
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn count(&mut self, max: usize) -> Option<usize> {
        self.number().map(|n| n as usize).filter(|n| *n <= max)
    }

    fn text(&mut self, bytes_max: usize) -> Option<&'a str> {
        let length = self.count(bytes_max)?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn begin(&mut self) -> Option<Frame<'a>> {
        let (format, sheet) = (self.text(NAME_BYTES_MAX)?.to_owned(), self.text(NAME_BYTES_MAX)?.to_owned());
        let knows_hidden = self.flag()?;
        let mut hidden_columns = Ranges::default();
        for _ in 0..self.count(HIDDEN_RANGES_MAX)? {
            hidden_columns.add(self.number()?, self.number()?);
        }
        Some(Frame::Begin(Opening { format, sheet, knows_hidden, hidden_columns }))
    }

    fn row(&mut self) -> Option<Frame<'a>> {
        let number = self.number().filter(|n| (1..=SHEET_ROWS_MAX).contains(n))?;
        let hidden = self.flag()?;
        let count = self.count(COLUMNS_MAX)?;
        let mut cells = Vec::with_capacity(count);
        for _ in 0..count {
            let fault = fault_of(self.byte()?)?;
            let text = self.text(CELL_BYTES_MAX)?.into();
            let shown = match self.byte()? {
                0 => None,
                1 => Some(Shown::Unknown),
                2 => Some(Shown::As(self.text(CELL_BYTES_MAX)?.into())),
                _ => return None,
            };
            cells.push(Cell { text, fault, shown });
        }
        Some(Frame::Row { number, hidden, cells })
    }

    fn end(&mut self) -> Option<Frame<'a>> {
        let mut others = Vec::new();
        for _ in 0..self.count(OTHERS_MAX)? {
            others.push(self.text(NAME_BYTES_MAX)?.to_owned());
        }
        Some(Frame::End { others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Writer<&mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut Writer::new(&mut bytes));
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        assert_eq!(length, bytes.len() - 4);
        bytes.split_off(4)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut hidden_columns = Ranges::default();
        hidden_columns.add(2, 3);
        hidden_columns.add(9, u32::MAX);
        let opening = Opening { format: "xlsx".into(), sheet: "März".into(), knows_hidden: true, hidden_columns };
        assert_eq!(parse(&written(|w| w.begin(&opening).unwrap())), Some(Frame::Begin(opening)));
        let faults = Fault::ALL;
        let mut cells: Vec<Cell<'_>> = faults.into_iter().map(|f| Cell::fault(f, "#N/A")).collect();
        cells.extend([Cell::default(), Cell::text("Grace 💸")]);
        cells.extend([Shown::Unknown, Shown::As("5,000".into())].map(|shown| Cell::text("5000").shown(Some(shown))));
        let row = written(|w| w.row(7, true, &cells).unwrap());
        assert_eq!(parse(&row), Some(Frame::Row { number: 7, hidden: true, cells }));
        assert_eq!(parse(&written(|w| w.tick().unwrap())), Some(Frame::Tick));
        let others = vec!["Rates".to_owned(), "é".repeat(5_000)];
        let Some(Frame::End { others: read }) = parse(&written(|w| w.end(&others).unwrap())) else { panic!() };
        assert_eq!((read[0].as_str(), read[1].chars().count()), ("Rates", NAME_BYTES_MAX / 2));
        let error = SheetError::TooManyColumns { row: 9 };
        let read = parse(&written(|w| w.error(&error).unwrap())).map(|f| format!("{f:?}"));
        assert_eq!(read.as_deref(), Some("Error { code: \"too_many_columns\", row: 9, words: \"\" }"));
    }

    #[test]
    fn what_goes_beyond_a_list_is_no_frame() {
        let long = "x".repeat(CELL_BYTES_MAX + 1);
        let wide = vec![Cell::default(); COLUMNS_MAX + 1];
        for row in [
            written(|w| w.row(0, false, &[]).unwrap()),
            written(|w| w.row(SHEET_ROWS_MAX + 1, false, &[]).unwrap()),
            written(|w| w.row(1, false, &[Cell::text(long.as_str())]).unwrap()),
            written(|w| w.row(1, false, &wide).unwrap()),
        ] {
            assert_eq!(parse(&row), None);
        }
        let sound = written(|w| w.row(1, false, &[Cell::text("x")]).unwrap());
        assert!(parse(&sound).is_some());
        assert_eq!(parse(&[sound.as_slice(), b"x"].concat()), None, "something is left over");
        assert_eq!(parse(&sound[..sound.len() - 1]), None, "something is missing");
        assert_eq!(parse(b""), None);
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_the_parent_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
