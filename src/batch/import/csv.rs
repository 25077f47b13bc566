//! Reading CSV: records with bounds, numbered as a spreadsheet shows them.
//!
//! `csv-core` is driven by hand, because what it forgives has to be told here: a quote that is never closed, text after a
//! quote that is, cells without bound, and blank lines, which it drops and which still count in the numbering.

use super::encoding::{self, Malformed};
use super::intake::Intake;
use super::issue::ImportError;
use super::rows::Cell;
use super::sniff::Text;
use super::{CELL_BYTES_MAX, COLUMNS_MAX};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// Longest record, in bytes: a few of the longest cells.
const RECORD_BYTES_MAX: usize = 4 * CELL_BYTES_MAX;

pub(super) fn read(mut file: impl Read + Seek, text: &Text, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    file.seek(SeekFrom::Start(text.encoded.bom))?;
    let mut source = encoding::utf8(file, text.encoded.encoding);
    io::copy(&mut source.by_ref().take(text.skip), &mut io::sink())?;
    let mut records = Records::new(source, text.delimiter);
    while let Some(record) = records.next()? {
        let cells: Vec<Cell<'_>> = record.cells().map(Cell::text).collect();
        intake.in_text(char::from(text.delimiter), record.quoted);
        intake.take(record.row, &cells)?;
    }
    Ok(())
}

/// The records of a CSV text.
pub(super) struct Records<R> {
    source: R,
    reader: Reader,
    delimiter: u8,
    /// The unquoted bytes of all cells of the current record, one after the other.
    bytes: Vec<u8>,
    /// Where each cell ends in `bytes`.
    ends: Vec<usize>,
    row: u32,
    /// The last record ended in CR: a LF that follows belongs to it.
    after_cr: bool,
    finished: bool,
    quotes: Quotes,
    /// The cells of the current record that are in quotes, in order.
    quoted: Vec<usize>,
}

/// Follows the quotes of one record. A quote that is missing makes the reader take rows for a part of a cell, until one that
/// opens another cell ends that; then text follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// A cell begins.
    Begin,
    Plain,
    Open,
    /// A quote in a quoted cell: its end, or the first of two.
    Closed,
    /// Spaces after that.
    Over,
    /// Text stands after the end of a quoted cell.
    Stray,
}

impl Quotes {
    /// Through a piece of a record that begins in `cell`; those that are in quotes are added to `quoted`.
    fn follow(self, text: &[u8], delimiter: u8, mut cell: usize, quoted: &mut Vec<usize>) -> Quotes {
        // Most records have none.
        if matches!(self, Quotes::Begin | Quotes::Plain) && memchr::memchr(b'"', text).is_none() {
            return match text.last() {
                None => self,
                Some(last) if *last == delimiter => Quotes::Begin,
                Some(_) => Quotes::Plain,
            };
        }
        text.iter().fold(self, |quotes, byte| {
            let after = quotes.step(*byte, delimiter);
            match (quotes, after) {
                (Quotes::Begin, Quotes::Open) => quoted.push(cell),
                (_, Quotes::Begin) if *byte == delimiter => cell += 1,
                _ => {}
            }
            after
        })
    }

    fn step(self, byte: u8, delimiter: u8) -> Quotes {
        match (self, byte) {
            (Quotes::Stray, _) => Quotes::Stray,
            (Quotes::Open, b'"') => Quotes::Closed,
            (Quotes::Open, _) => Quotes::Open,
            (Quotes::Begin | Quotes::Closed, b'"') => Quotes::Open,
            (_, byte) if byte == delimiter || matches!(byte, b'\r' | b'\n') => Quotes::Begin,
            (Quotes::Closed | Quotes::Over, b' ') => Quotes::Over,
            (Quotes::Closed | Quotes::Over, _) => Quotes::Stray,
            _ => Quotes::Plain,
        }
    }
}

/// One record; not blank.
pub(super) struct Record<'a> {
    pub row: u32,
    /// The cells in quotes, in order.
    pub quoted: &'a [usize],
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    pub fn cells(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (text, ends) = (self.text, self.ends);
        ends.iter().enumerate().map(move |(i, end)| {
            let start = if i == 0 { 0 } else { ends[i - 1] };
            // A cell ends where a delimiter or a line end was, never inside a character.
            text.get(start..*end).unwrap_or_default()
        })
    }
}

impl<R: BufRead> Records<R> {
    pub fn new(source: R, delimiter: u8) -> Records<R> {
        Records {
            source,
            delimiter,
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            bytes: vec![0; RECORD_BYTES_MAX],
            ends: vec![0; COLUMNS_MAX + 1],
            row: 0,
            after_cr: false,
            finished: false,
            quotes: Quotes::Begin,
            quoted: Vec::new(),
        }
    }

    pub fn next(&mut self) -> Result<Option<Record<'_>>, ImportError> {
        self.skip_blank_lines()?;
        if self.finished {
            return Ok(None);
        }
        self.row += 1;
        let (length, cells) = self.fill()?;
        let (row, quoted) = (self.row, self.quoted.as_slice());
        let bytes = &self.bytes[..length];
        let ends = &self.ends[..cells];
        if bytes.contains(&0) {
            return Err(ImportError::Nul { row });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ImportError::NotUtf8 { row })?;
        let longest = ends.iter().scan(0, |start, end| Some(end - std::mem::replace(start, *end))).max();
        if longest.unwrap_or(0) > CELL_BYTES_MAX {
            return Err(self.cell_too_long());
        }
        Ok(Some(Record { row, quoted, text, ends }))
    }

    /// Counts and skips line ends before a record.
    fn skip_blank_lines(&mut self) -> Result<(), ImportError> {
        loop {
            let buffer = fill_buf(&mut self.source, self.row + 1)?;
            let Some(&first) = buffer.first() else {
                self.finished = true;
                return Ok(());
            };
            match first {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' => self.row += 1,
                b'\r' => {
                    self.row += 1;
                    self.after_cr = true;
                }
                _ => {
                    self.after_cr = false;
                    return Ok(());
                }
            }
            self.source.consume(1);
        }
    }

    /// Reads one record; returns its length in bytes and the number of its cells.
    fn fill(&mut self) -> Result<(usize, usize), ImportError> {
        let (mut length, mut cells) = (0, 0);
        self.quotes = Quotes::Begin;
        self.quoted.clear();
        loop {
            let buffer = fill_buf(&mut self.source, self.row)?;
            let at_end = buffer.is_empty();
            // At the end of the file a line end is offered. Inside an open quote it is swallowed as part of the cell.
            let input = if at_end { b"\n" } else { buffer };
            let (result, read, written, ended) =
                self.reader.read_record(input, &mut self.bytes[length..], &mut self.ends[cells..]);
            let last = read.checked_sub(1).map(|i| input[i]);
            self.quotes = self.quotes.follow(&input[..read], self.delimiter, cells, &mut self.quoted);
            (length, cells) = (length + written, cells + ended);
            if !at_end {
                self.source.consume(read);
            }
            if self.quotes == Quotes::Stray {
                return Err(ImportError::StrayQuote { row: self.row });
            }
            match result {
                ReadRecordResult::Record => {
                    self.after_cr = last == Some(b'\r');
                    return if cells > COLUMNS_MAX { Err(self.too_many_columns()) } else { Ok((length, cells)) };
                }
                ReadRecordResult::InputEmpty if at_end => return Err(ImportError::UnclosedQuote { row: self.row }),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => return Err(self.cell_too_long()),
                ReadRecordResult::OutputEndsFull => return Err(self.too_many_columns()),
                // Only an empty input ends a text, and none is ever offered.
                ReadRecordResult::End => return Ok((length, cells)),
            }
        }
    }

    fn too_many_columns(&self) -> ImportError {
        ImportError::TooManyColumns { row: self.row, max: COLUMNS_MAX }
    }

    fn cell_too_long(&self) -> ImportError {
        ImportError::CellTooLong { row: self.row, max_kib: CELL_BYTES_MAX / 1024 }
    }
}

/// `fill_buf` that goes on after an interruption by a signal, and tells the row of what cannot be decoded.
fn fill_buf(source: &mut impl BufRead, row: u32) -> Result<&[u8], ImportError> {
    loop {
        match source.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                let malformed = e.get_ref().and_then(|e| e.downcast_ref::<Malformed>());
                return Err(match malformed {
                    Some(Malformed { encoding }) => ImportError::Undecodable { row, encoding: encoding.name() },
                    None => e.into(),
                });
            }
            Ok(_) => break,
        }
    }
    Ok(source.fill_buf()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn records(text: &[u8]) -> Result<Vec<(u32, Vec<String>)>, ImportError> {
        // A tiny buffer: every border inside a record is met.
        let mut records = Records::new(BufReader::with_capacity(3, text), b',');
        let mut all = Vec::new();
        while let Some(record) = records.next()? {
            all.push((record.row, record.cells().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    fn rows(text: &str) -> Vec<u32> {
        records(text.as_bytes()).unwrap().into_iter().map(|(row, _)| row).collect()
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_shows_them() {
        for (text, expected) in [
            ("a,b\n1,2\n3,4\n", vec![1, 2, 3]),
            ("a,b\r\n1,2\r\n3,4", vec![1, 2, 3]),
            ("a,b\r1,2\r3,4\r", vec![1, 2, 3]),
            ("a,b\r\n1,2\n3,4\r5,6", vec![1, 2, 3, 4]),
            ("\n\na,b\n\n1,2\n", vec![3, 5]),
            ("\r\n\r\na,b\r\n\r\n1,2\r\n", vec![3, 5]),
            ("\r\ra,b\r\r1,2\r", vec![3, 5]),
            ("a,b\n\"x\ny\",2\n3,4\n", vec![1, 2, 3]),
        ] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_keep_delimiters_line_ends_and_quotes() {
        let all = records(b"a,\"b,c\"\r\n\"x\r\ny\",\"say \"\"hi\"\"\"").unwrap();
        assert_eq!(all[0].1, ["a", "b,c"]);
        assert_eq!(all[1].1, ["x\r\ny", "say \"hi\""]);
        assert_eq!(records(b"a,\"b\"").unwrap()[0].1, ["a", "b"]);
        assert_eq!(records(b"\"a\" ,5\" pipe\r\n\"\",\"\"\"\"").unwrap()[0].1, ["a ", "5\" pipe"]);
        assert_eq!(records(b"a,").unwrap()[0].1, ["a", ""]);
    }

    #[test]
    fn what_cannot_be_read_names_its_row() {
        let long = format!("a\n{}", "x".repeat(CELL_BYTES_MAX + 1));
        let longest = format!("a\n\"{}", "x".repeat(RECORD_BYTES_MAX + 1));
        let wide = format!("a\n{}", "1,".repeat(10_000));
        for (text, code, row) in [
            (&b"a,b\n\"x,2\n3,4\n"[..], "unclosed_quote", 2),
            (b"a,\"", "unclosed_quote", 1),
            (b"a,b\n1,\"x\n3,\"y\"\n", "stray_quote", 2),
            (b"a,b\n1,2\n\"x\" y,2\n", "stray_quote", 3),
            (b"a,b\n\"5\" pipe\",2\n", "stray_quote", 2),
            (b"a,b\nx\0,2\n", "nul_character", 2),
            (b"a\nb\nOdh\xE9\n", "encoding", 3),
            (long.as_bytes(), "cell_too_long", 2),
            (longest.as_bytes(), "cell_too_long", 2),
            (wide.as_bytes(), "too_many_columns", 2),
        ] {
            let error = records(text).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(&format!("row {row}")), "{error}");
        }
        let exact = format!("a\n{}", "x".repeat(CELL_BYTES_MAX));
        assert_eq!(records(exact.as_bytes()).unwrap().len(), 2);
    }
}
