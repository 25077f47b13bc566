//! What a spreadsheet is, by its content, and who reads it.

use super::{
    CELL_BYTES_MAX, COLUMNS_MAX, Cell, Opening, ROW_BYTES_MAX, SheetError, Shown, biff, ods, package, xls, xlsx,
};
use memchr::memmem;
use std::io::{Cursor, Read, Seek, SeekFrom};
use zip::ZipArchive;

const CHUNK_BYTES: usize = 64 * 1024;
const ZIP: &[u8] = b"PK";
/// Compound file: an old Excel workbook, or the envelope of an encrypted one.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// "EncryptedPackage" in UTF-16, as the directory of a compound file spells it.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";
/// "Workbook" and "Book" in the same spelling: what makes a compound file a spreadsheet.
const BOOKS: [&[u8]; 3] = [b"W\0o\0r\0k\0b\0o\0o\0k\0", b"W\0O\0R\0K\0B\0O\0O\0K\0", b"B\0o\0o\0k\0"];

/// Who takes the rows.
pub(super) trait Sink {
    fn begin(&mut self, opening: &Opening) -> Result<(), SheetError>;
    /// `number` is that of the row in the sheet, from 1, and rises.
    fn row(&mut self, number: u32, hidden: bool, cells: &[Cell<'_>]) -> Result<(), SheetError>;
    /// `others`: visible sheets with cells that were not read.
    fn end(&mut self, others: &[String]) -> Result<(), SheetError>;
}

/// Hands the rows of the first visible sheet to `sink`, without the blank ones; with what is `shown` of numbers, if that is
/// wanted or costs nothing.
pub(super) fn read<R: Read + Seek>(mut file: R, shown: bool, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let mut magic = [0; 8];
    let length = file.read(&mut magic).map_err(SheetError::Unreadable)?;
    rewind(&mut file)?;
    match &magic[..length] {
        magic if magic.starts_with(&OLE[..4]) => {
            compound(&mut file)?;
            xls::read(file, sink)
        }
        magic if magic.starts_with(ZIP) => match package_kind(&mut file)? {
            Package::Xlsx => xlsx::read(file, shown, sink),
            Package::Ods => ods::read(file, sink),
        },
        _ => Err(SheetError::NotASpreadsheet { what: "no spreadsheet that is known here".into() }),
    }
}

/// Reads what lies in memory, in this process and without limits on memory or time: for fuzzing, which looks for panics
/// and loops in our own code. What is no package is taken for the content of an ODS, because a fuzzer seldom makes a zip. A
/// panic of calamine is an answer here as it is in the child, so the fuzzer has to set a panic hook that does not abort. Of an
/// XLS it is only found out what is hidden, because calamine's reader for it counts on the limits of the child. Gives the
/// number of rows.
pub fn read_sheet_bytes(bytes: &[u8]) -> Result<u32, SheetError> {
    const COUNTED_MAX: u32 = 10_000;
    struct Count(u32);
    impl Sink for Count {
        fn begin(&mut self, _: &Opening) -> Result<(), SheetError> {
            Ok(())
        }

        fn row(&mut self, _: u32, _: bool, cells: &[Cell<'_>]) -> Result<(), SheetError> {
            assert!(cells.len() <= COLUMNS_MAX && cells.iter().all(|c| c.text.len() <= CELL_BYTES_MAX));
            self.0 += 1;
            // Repeats may be many, and are all the same.
            if self.0 < COUNTED_MAX { Ok(()) } else { Err(SheetError::too_large("it has many rows")) }
        }

        fn end(&mut self, _: &[String]) -> Result<(), SheetError> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match bytes {
        zip if zip.starts_with(ZIP) => read(Cursor::new(zip), true, &mut count)?,
        compound if compound.starts_with(OLE) => drop(biff::find(&mut Cursor::new(compound))),
        content => ods::read_content(content, &mut count)?,
    }
    Ok(count.0)
}

fn rewind(file: &mut impl Seek) -> Result<(), SheetError> {
    file.seek(SeekFrom::Start(0)).map(drop).map_err(SheetError::Unreadable)
}

/// Refuses a compound file that is encrypted or holds no workbook; leaves it at its beginning.
fn compound(file: &mut (impl Read + Seek)) -> Result<(), SheetError> {
    let mut window: Vec<u8> = Vec::with_capacity(CHUNK_BYTES + ENCRYPTED.len());
    let (mut is_book, mut read) = (false, 1);
    while read > 0 {
        let seen = window.len().saturating_sub(ENCRYPTED.len());
        window.drain(..seen);
        read = file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut window).map_err(SheetError::Unreadable)?;
        if memmem::find(&window, ENCRYPTED).is_some() {
            return Err(SheetError::PasswordProtected);
        }
        is_book |= BOOKS.iter().any(|name| memmem::find(&window, name).is_some());
    }
    rewind(file)?;
    match is_book {
        true => Ok(()),
        false => Err(SheetError::damaged("it is cut off, or a document of another old program")),
    }
}

enum Package {
    Xlsx,
    Ods,
}

fn package_kind(file: &mut (impl Read + Seek)) -> Result<Package, SheetError> {
    let mut archive = package::open(&mut *file)?;
    let mimetype = mimetype(&mut archive);
    let names: Vec<String> =
        archive.file_names().filter_map(|name| Some(name.ok()?.replace('\\', "/").to_ascii_lowercase())).collect();
    drop(archive);
    rewind(file)?;
    let has = |wanted: &str| names.iter().any(|name| name.ends_with(wanted));
    let what = match mimetype.as_deref() {
        Some(b"application/vnd.oasis.opendocument.spreadsheet") => return Ok(Package::Ods),
        Some(b"application/vnd.oasis.opendocument.spreadsheet-template") => return Ok(Package::Ods),
        Some(other) if other.starts_with(b"application/vnd.oasis") => {
            "a document of LibreOffice that is no spreadsheet"
        }
        _ if has("workbook.bin") => return Err(SheetError::Binary),
        _ if has("document.xml") => "a Word document",
        _ if has("presentation.xml") => "a presentation",
        _ if has(".iwa") => "an Apple Numbers document",
        _ if has("_rels/.rels") => return Ok(Package::Xlsx),
        _ if has("content.xml") => return Ok(Package::Ods),
        _ => "an archive of other files (ZIP)",
    };
    Err(SheetError::NotASpreadsheet { what: what.into() })
}

fn mimetype(archive: &mut ZipArchive<impl Read + Seek>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.by_name("mimetype").ok()?.take(128).read_to_end(&mut bytes).ok()?;
    Some(bytes.trim_ascii().to_vec())
}

/// A row while its cells come, from left to right.
#[derive(Default)]
pub(super) struct Line<'a> {
    pub cells: Vec<Cell<'a>>,
    bytes: usize,
}

impl<'a> Line<'a> {
    /// `row` counts from 1, `column` from 0. Blank cells take no place: formatting alone can reach to the last column.
    pub fn place(&mut self, row: u32, column: u64, cell: Cell<'a>) -> Result<(), SheetError> {
        if cell.is_blank() {
            return Ok(());
        }
        if column >= COLUMNS_MAX as u64 {
            return Err(SheetError::TooManyColumns { row });
        }
        let shown = if let Some(Shown::As(shown)) = &cell.shown { shown.len() } else { 0 };
        self.bytes += cell.text.len() + shown;
        if cell.text.len().max(shown) > CELL_BYTES_MAX || self.bytes > ROW_BYTES_MAX {
            return Err(SheetError::CellTooLong { row });
        }
        self.cells.resize(column as usize, Cell::default());
        self.cells.push(cell);
        Ok(())
    }

    pub fn clear(&mut self) {
        self.cells.clear();
        self.bytes = 0;
    }
}
