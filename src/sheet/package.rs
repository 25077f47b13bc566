//! A workbook is a zip file somebody else made: it is weighed before it is opened.
//!
//! Every entry is inflated once and counted, whatever its header declares; nothing is kept or extracted, so names such
//! as `../x` mean nothing. What the spreadsheet reader holds in memory at once (shared strings, styles, the workbook)
//! is bounded more tightly than the sheets, which it streams. The reader also reserves memory for as many shared
//! strings as the file *claims* to have, and would abort the process on a wrong claim: so the claim is read here first.

use super::hidden::TRACES;
use super::{SHEET_ROWS_MAX, SheetError};
use memchr::{memchr_iter, memmem};
use std::io::{Read, Seek};
use zip::ZipArchive;
use zip::result::ZipError;

const ENTRIES_MAX: usize = 2_000;
/// Of all entries together, inflated. A list of a million rows and eight columns takes a third of it.
pub(super) const BYTES_MAX: u64 = 1024 * 1024 * 1024;
const SHARED_STRINGS_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Opening and closing tags: four for a plain string.
const SHARED_STRINGS_TAGS_MAX: u64 = 8_000_000;
/// The claim of `uniqueCount`, which is reserved at 24 bytes each.
const SHARED_STRINGS_CLAIM_MAX: u64 = 4_000_000;
/// Any other part that is neither a sheet nor a picture.
const PART_BYTES_MAX: u64 = 32 * 1024 * 1024;
const PART_TAGS_MAX: u64 = 1_000_000;

/// Of a sheet, what stands before its rows: a width for each column that there can be takes less than half of it.
const SHEET_HEAD_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What looks like the beginning or, behind a prefix, the end of a row.
const ROWS: [&[u8]; 2] = [b"<row", b":row"];
const ROWS_MAX: u64 = 4 * SHEET_ROWS_MAX as u64;
const SHEET_DATA: &[u8] = b"sheetData";

const CHUNK_BYTES: usize = 64 * 1024;
/// Kept of a chunk, so that a claim across two chunks is seen whole.
const CLAIM_BYTES: usize = 64;
const CLAIM: &[u8] = b"uniqueCount";

/// Opens the package, when it does not have more parts than a workbook has.
pub(super) fn open<R: Read + Seek>(file: R) -> Result<ZipArchive<R>, SheetError> {
    let archive = ZipArchive::new(file).map_err(damaged)?;
    if archive.len() > ENTRIES_MAX {
        let why = format!("it consists of {} parts, at most {ENTRIES_MAX} are possible", archive.len());
        return Err(SheetError::too_large(why));
    }
    Ok(archive)
}

/// Refuses an XLSX that unpacks to more than it should. Tells whether a sheet may have hidden rows or columns.
pub(super) fn weigh<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<bool, SheetError> {
    let (mut total, mut hides) = (0, false);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.replace('\\', "/").to_ascii_lowercase();
        let mut part = Part::new(&name);
        part.weigh(&mut entry, &mut total)?;
        hides |= part.hides;
    }
    Ok(hides)
}

pub(super) fn damaged(why: ZipError) -> SheetError {
    match why {
        ZipError::Io(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => SheetError::damaged(e),
        ZipError::UnsupportedArchive(why) if why == ZipError::PASSWORD_REQUIRED => SheetError::PasswordProtected,
        _ => SheetError::damaged("it is cut off, or not a workbook"),
    }
}

pub(super) fn unpacks_to_too_much(bytes_max: u64) -> SheetError {
    SheetError::too_large(format!("it unpacks to more than {} MiB", bytes_max / (1024 * 1024)))
}

/// One entry while it is weighed.
struct Part {
    shared_strings: bool,
    streamed: bool,
    bytes_max: u64,
    tags_max: u64,
    bytes: u64,
    tags: u64,
    /// Of a sheet: its rows have begun.
    in_rows: bool,
    rows: u64,
    /// Something in a sheet may be hidden.
    hides: bool,
}

impl Part {
    /// `name` in lower case, as the spreadsheet reader looks names up.
    fn new(name: &str) -> Part {
        let shared_strings = name.ends_with("sharedstrings.xml");
        let streamed = name.contains("/worksheets/") && !name.contains("/_rels/");
        let never_read = ["/media/", "/pivotcache/", "/embeddings/"].iter().any(|folder| name.contains(folder));
        let (bytes_max, tags_max) = if shared_strings {
            (SHARED_STRINGS_BYTES_MAX, SHARED_STRINGS_TAGS_MAX)
        } else if streamed || never_read {
            (BYTES_MAX, u64::MAX)
        } else {
            (PART_BYTES_MAX, PART_TAGS_MAX)
        };
        let (in_rows, rows, hides) = (false, 0, false);
        Part { shared_strings, streamed, bytes_max, tags_max, bytes: 0, tags: 0, in_rows, rows, hides }
    }

    fn weigh(&mut self, entry: &mut impl Read, total: &mut u64) -> Result<(), SheetError> {
        let mut window: Vec<u8> = Vec::with_capacity(CHUNK_BYTES + CLAIM_BYTES + CLAIM.len());
        loop {
            let kept = window.len();
            let read = entry.take(CHUNK_BYTES as u64).read_to_end(&mut window);
            let read = read.map_err(SheetError::damaged)? as u64;
            self.bytes += read;
            *total += read;
            self.tags += memchr_iter(b'<', &window[kept..]).count() as u64;
            if self.streamed {
                self.look_through(&window, kept);
            }
            self.check_bounds(*total)?;
            if self.shared_strings {
                check_shared_strings(&window, read == 0)?;
            }
            if read == 0 {
                return Ok(());
            }
            let seen = window.len().saturating_sub(CLAIM_BYTES + CLAIM.len());
            window.drain(..seen);
        }
    }

    /// What a sheet has, of which the first `kept` bytes of the window were looked through before.
    fn look_through(&mut self, window: &[u8], kept: usize) {
        let found = |what: &[u8]| memmem::find(window, what).is_some();
        self.hides = self.hides || TRACES.into_iter().any(found);
        self.in_rows = self.in_rows || found(SHEET_DATA);
        for row in ROWS {
            let unseen = kept.saturating_sub(row.len() - 1);
            self.rows += memmem::find_iter(&window[unseen..], row).count() as u64;
        }
    }

    fn check_bounds(&self, total: u64) -> Result<(), SheetError> {
        if total > BYTES_MAX {
            return Err(unpacks_to_too_much(BYTES_MAX));
        }
        if self.bytes > self.bytes_max {
            let mib = self.bytes_max / (1024 * 1024);
            return Err(SheetError::too_large(format!("one of its parts unpacks to more than {mib} MiB")));
        }
        if self.streamed && !self.in_rows && self.bytes > SHEET_HEAD_BYTES_MAX {
            return Err(SheetError::too_large("a sheet says too much of its columns before its rows begin"));
        }
        if self.rows > ROWS_MAX {
            return Err(SheetError::too_large("a sheet has more rows than Excel can have"));
        }
        if self.tags > self.tags_max {
            return Err(SheetError::too_large("it has too many different texts or formats"));
        }
        Ok(())
    }
}

/// Reads every claim in the window that has its value in it; a claim that is not plainly a small number is refused.
fn check_shared_strings(window: &[u8], at_end: bool) -> Result<(), SheetError> {
    // Neither occurs in UTF-8 text; both would hide a claim in another encoding from this search.
    if memchr::memchr2(0, 0x1B, window).is_some() {
        return Err(SheetError::damaged("its texts are not UTF-8"));
    }
    let mut from = 0;
    while let Some(at) = memmem::find(&window[from..], CLAIM) {
        let value = &window[from + at + CLAIM.len()..];
        if value.len() < CLAIM_BYTES && !at_end {
            return Ok(());
        }
        let value = &value[..value.len().min(CLAIM_BYTES)];
        if claimed(value).is_none_or(|n| n > SHARED_STRINGS_CLAIM_MAX) {
            return Err(SheetError::too_large("it claims to have more texts than a list can have"));
        }
        from += at + CLAIM.len();
    }
    Ok(())
}

/// The number in `="123"`; `None` when it is anything else, or too long to matter.
fn claimed(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (&quote, value) = value.split_first()?;
    let end = value.iter().position(|b| *b == quote)?;
    let digits = std::str::from_utf8(&value[..end]).ok()?;
    if digits.len() > 12 || !digits.bytes().all(|b| b.is_ascii_digit()) { None } else { digits.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_wherever_it_stands() {
        for (text, sound) in [
            ("<sst count=\"9\" uniqueCount=\"200\">".to_owned(), true),
            ("<sst uniqueCount = '1000000'>".to_owned(), true),
            ("<sst uniqueCount=\"1000000000000\">".to_owned(), false),
            ("<sst uniqueCount=\"5000000\">".to_owned(), false),
            (format!("<sst uniqueCount{}=\"1\">", " ".repeat(500)), false),
            (format!("<sst uniqueCount=\"{}9999999999\">", "0".repeat(50)), false),
            ("<sst\0 uniqueCount=\"1\">".to_owned(), false),
        ] {
            for padding in [0, 10, CHUNK_BYTES - 20, CHUNK_BYTES - 5, 2 * CHUNK_BYTES - 12] {
                let xml = format!("<!--{}-->{text}</sst>", " ".repeat(padding));
                let result = Part::new("xl/sharedstrings.xml").weigh(&mut xml.as_bytes(), &mut 0);
                assert_eq!(result.is_ok(), sound, "{text} after {padding}: {result:?}");
            }
        }
    }
}
