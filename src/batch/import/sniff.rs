//! What a file is, by its first bytes.

use super::csv::Records;
use super::encoding::{self, Encoded};
use super::issue::ImportError;
use encoding_rs::UTF_8;
use std::io::{Read, Seek, SeekFrom};

/// How much of a text is looked at to find its delimiter.
const SAMPLE_BYTES: usize = 64 * 1024;
const SAMPLE_RECORDS: usize = 40;
/// In order of preference when nothing else decides.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

const ZIP: &[u8] = b"PK";
/// Compound file: an old Excel workbook, or the envelope of an encrypted one.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";
/// "EncryptedPackage" in UTF-16, as the directory of a compound file spells it.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";

#[derive(Debug)]
pub(super) enum Kind {
    Text(Text),
    Workbook,
}

/// A text that can be read as CSV.
#[derive(Debug)]
pub(super) struct Text {
    pub encoded: Encoded,
    pub delimiter: u8,
    /// Bytes of a `sep=;` line before the first record, as UTF-8.
    pub skip: u64,
}

/// What a header could be called in this list: ours, and those that the upload maps.
pub(super) type IsKnown<'a> = &'a dyn Fn(&str) -> bool;

/// Tells what `file` is, and leaves it at its beginning.
pub(super) fn kind(file: &mut (impl Read + Seek), country: &str, is_known: IsKnown<'_>) -> Result<Kind, ImportError> {
    let mut sample = Vec::with_capacity(SAMPLE_BYTES);
    file.by_ref().take(SAMPLE_BYTES as u64).read_to_end(&mut sample)?;
    let kind = if sample.starts_with(OLE) {
        Err(ole(file)?)
    } else if let Some(container) = container(&sample) {
        container
    } else {
        text(file, &sample, country, is_known).map(Kind::Text)
    };
    file.seek(SeekFrom::Start(0))?;
    kind
}

fn container(sample: &[u8]) -> Option<Result<Kind, ImportError>> {
    if sample.starts_with(ZIP) && matches!(sample.get(2..4), Some([3, 4] | [5, 6] | [7, 8])) {
        let opendocument = sample.get(30..).is_some_and(|s| s.starts_with(b"mimetypeapplication/vnd.oasis"));
        return Some(if opendocument { Err(ImportError::OpenDocument) } else { Ok(Kind::Workbook) });
    }
    None
}

fn text(
    file: &mut (impl Read + Seek),
    sample: &[u8],
    country: &str,
    is_known: IsKnown<'_>,
) -> Result<Text, ImportError> {
    // In UTF-16 every other byte looks binary.
    if !encoding::is_utf16(sample)
        && let Some(what) = other_file(sample)
    {
        return Err(ImportError::NotAList { what });
    }
    let encoded = encoding::find(file, sample, country)?;
    let bytes = sample.get(encoded.bom as usize..).unwrap_or_default();
    let (text, _) = encoded.encoding.decode_without_bom_handling(bytes);
    let text = text.as_bytes();
    if encoded.encoding != UTF_8
        && let Some(what) = other_file(text)
    {
        return Err(ImportError::NotAList { what });
    }
    if text.iter().all(u8::is_ascii_whitespace) && sample.len() < SAMPLE_BYTES {
        return Err(ImportError::Empty);
    }
    let (delimiter, skip) = declared_delimiter(text).unwrap_or_else(|| (guess_delimiter(text, is_known), 0));
    Ok(Text { encoded, delimiter, skip: skip as u64 })
}

/// Names a file that is certainly no list.
fn other_file(text: &[u8]) -> Option<&'static str> {
    let trimmed = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    let magics: [(&[u8], &str); 7] = [
        (b"%PDF", "a PDF"),
        (b"\x89PNG", "a picture"),
        (b"\xFF\xD8\xFF", "a picture"),
        (b"GIF8", "a picture"),
        (b"\x1F\x8B", "a compressed file"),
        (b"Rar!", "a compressed file"),
        (b"7z\xBC\xAF", "a compressed file"),
    ];
    if let Some((_, what)) = magics.iter().find(|(magic, _)| text.starts_with(magic)) {
        return Some(what);
    }
    if trimmed.starts_with(b"<") {
        return Some("a web page or XML");
    }
    // Control characters that no text has; a single NUL is left to the reader, which names its row.
    let odd = text.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31)).count();
    (odd > 0 && odd * 20 >= text.len()).then_some("a binary file")
}

/// An encrypted workbook and an old one share their envelope.
fn ole(file: &mut (impl Read + Seek)) -> Result<ImportError, ImportError> {
    file.seek(SeekFrom::Start(0))?;
    let mut window: Vec<u8> = Vec::with_capacity(SAMPLE_BYTES + ENCRYPTED.len());
    loop {
        let read = file.by_ref().take(SAMPLE_BYTES as u64).read_to_end(&mut window)?;
        if window.windows(ENCRYPTED.len()).any(|w| w == ENCRYPTED) {
            return Ok(ImportError::PasswordProtected);
        }
        if read == 0 {
            return Ok(ImportError::OldExcel);
        }
        let seen = window.len().saturating_sub(ENCRYPTED.len());
        window.drain(..seen);
    }
}

/// `sep=;` in a line of its own: the delimiter, and the length of the line.
fn declared_delimiter(text: &[u8]) -> Option<(u8, usize)> {
    let rest = text.get(..4).filter(|s| s.eq_ignore_ascii_case(b"sep=")).and(text.get(4..))?;
    let (&delimiter, end) = rest.split_first()?;
    let terminator = match end {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    let usable =
        delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !matches!(delimiter, b'"' | b'\r' | b'\n');
    usable.then_some((delimiter, 5 + terminator))
}

/// The delimiter under which some row names the most columns we know; then the one that cuts the lines most evenly.
fn guess_delimiter(text: &[u8], is_known: IsKnown<'_>) -> u8 {
    let score = |delimiter: u8| {
        let records = sample_records(text, delimiter);
        let known = |record: &Vec<String>| record.iter().filter(|h| is_known(h)).count();
        // The last of equals is taken, which is the first here: titles may stand above the header.
        let Some((at, header)) = records.iter().enumerate().rev().max_by_key(|(_, r)| known(r)) else {
            return (0, 0, 0);
        };
        let of_width = |records: &[Vec<String>], width| match width {
            0 | 1 => 0,
            width => records.iter().filter(|r| r.len() == width).count(),
        };
        match known(header) {
            0 => {
                let (even, width) =
                    records.iter().map(|r| (of_width(&records, r.len()), r.len())).max().unwrap_or((0, 0));
                (0, even, width)
            }
            known => (known, of_width(&records[at..], header.len()), header.len()),
        }
    };
    // `max_by_key` takes the last of equals; the order of preference wants the first.
    DELIMITERS.into_iter().rev().max_by_key(|d| score(*d)).unwrap_or(b',')
}

fn sample_records(text: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let mut records = Records::new(text, delimiter);
    let mut sample = Vec::new();
    while sample.len() < SAMPLE_RECORDS {
        match records.next() {
            Ok(Some(record)) => sample.push(record.cells().map(str::to_owned).collect()),
            // Too wide under this delimiter is still cut by it; the reader will refuse it with its row.
            Err(ImportError::TooManyColumns { max, .. }) => return vec![vec![String::new(); max + 1]],
            // The sample may end inside a record, or hold what the reader will refuse: what came before decides.
            _ => break,
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::super::columns;
    use super::*;
    use std::io::Cursor;

    fn of_bytes(bytes: &[u8]) -> Result<Kind, ImportError> {
        kind(&mut Cursor::new(bytes), "ug", &|header| columns::recognise(header).is_some())
    }

    fn delimiter(text: &str) -> char {
        match of_bytes(text.as_bytes()) {
            Ok(Kind::Text(text)) => char::from(text.delimiter),
            other => panic!("{text:?} is not taken for text: {other:?}"),
        }
    }

    #[test]
    fn the_delimiter_is_found_even_where_another_occurs_more_often() {
        for (text, expected) in [
            ("name,phone,amount\nA,0772123456,5\n", ','),
            ("name;phone;amount\nA, B, C, D;0772123456;5\n", ';'),
            ("name\tphone\tamount\n", '\t'),
            ("name|phone|amount\n", '|'),
            ("\"name; first, last\";phone;amount\n\"a;b\";1;2\n", ';'),
            ("Nom;Tel;Somme\nA,B;1;2\nC;3;4\n", ';'),
            ("Nom;Tel;Somme\nA;1,5;2\nC;3,5;4\n", ';'),
            ("Payroll, March\nPrepared, by, me\n\nname;phone;amount\nA;0772123456;5\n", ';'),
            ("Payroll, March\n\nNom;Tel;Somme\nA;1;2\nB;1;2\n", ';'),
            ("phone\n0772123456\n", ','),
            ("sep=|\nname|phone|amount\n", '|'),
            ("\u{FEFF}sep=;\r\nname;phone;amount\n", ';'),
        ] {
            assert_eq!(delimiter(text), expected, "{text:?}");
        }
    }

    #[test]
    fn files_that_are_no_list_are_named() {
        let page: Vec<u8> = "\u{FEFF}<html><table>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, code) in [
            (&b""[..], "file_empty"),
            (b"\xEF\xBB\xBF \r\n\t\n", "file_empty"),
            (b"\xFF\xFE\n\0", "file_empty"),
            (b"%PDF-1.7 ...", "not_a_list"),
            (b"<html><table>", "not_a_list"),
            (b"\xEF\xBB\xBF<html><table>", "not_a_list"),
            (&page, "not_a_list"),
            (b"\x00\x01\x02\x03 binary \x04\x05", "not_a_list"),
            (
                b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0mimetypeapplication/vnd.oasis",
                "opendocument",
            ),
        ] {
            let error = of_bytes(bytes).err().unwrap_or_else(|| panic!("{bytes:?} is taken"));
            assert_eq!(error.code(), code, "{bytes:?}");
        }
        assert!(matches!(of_bytes(b"PK\x03\x04 and so on"), Ok(Kind::Workbook)));
    }
}
