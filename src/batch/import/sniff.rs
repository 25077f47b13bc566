//! What a file is, by its first bytes.

use super::columns;
use super::csv::Records;
use super::issue::ImportError;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// How much of a text is looked at to find its delimiter.
const SAMPLE_BYTES: usize = 64 * 1024;
const SAMPLE_RECORDS: usize = 20;
/// In order of preference when nothing else decides.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

const BOM: &[u8] = b"\xEF\xBB\xBF";
const ZIP: &[u8] = b"PK";
/// Compound file: an old Excel workbook, or the envelope of an encrypted one.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";

pub(super) enum Kind {
    Text(Text),
    /// Which one, its reader tells.
    Workbook,
}

/// A text that can be read as CSV.
pub(super) struct Text {
    pub delimiter: u8,
    /// Where the first record begins: behind the byte order mark and a `sep=;` line.
    pub start: u64,
}

/// Tells what `file` is, and leaves it at its beginning.
pub(super) fn kind(file: &mut File) -> Result<Kind, ImportError> {
    let mut sample = Vec::with_capacity(SAMPLE_BYTES);
    file.by_ref().take(SAMPLE_BYTES as u64).read_to_end(&mut sample)?;
    let kind = of_bytes(&sample);
    file.seek(SeekFrom::Start(0))?;
    kind
}

fn of_bytes(sample: &[u8]) -> Result<Kind, ImportError> {
    let is_zip = sample.starts_with(ZIP) && matches!(sample.get(2..4), Some([3, 4] | [5, 6] | [7, 8]));
    if is_zip || sample.starts_with(OLE) {
        return Ok(Kind::Workbook);
    }
    if sample.starts_with(b"\xFF\xFE") || sample.starts_with(b"\xFE\xFF") || looks_like_utf16(sample) {
        return Err(ImportError::Utf16);
    }
    let text = sample.strip_prefix(BOM).unwrap_or(sample);
    if let Some(what) = other_file(text) {
        return Err(ImportError::NotAList { what });
    }
    if text.iter().all(u8::is_ascii_whitespace) && sample.len() < SAMPLE_BYTES {
        return Err(ImportError::Empty);
    }
    let bom = sample.len() - text.len();
    let (delimiter, start) = match declared_delimiter(text) {
        Some((delimiter, length)) => (delimiter, bom + length),
        None => (guess_delimiter(text), bom),
    };
    Ok(Kind::Text(Text { delimiter, start: start as u64 }))
}

/// Text in UTF-16 without a byte order mark: every other byte is NUL.
fn looks_like_utf16(sample: &[u8]) -> bool {
    let half = sample.len() / 2;
    let nuls = |offset| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    half >= 4 && (nuls(0) * 10 >= half * 8 && nuls(1) * 10 <= half || nuls(1) * 10 >= half * 8 && nuls(0) * 10 <= half)
}

/// Names a file that is certainly no list.
fn other_file(text: &[u8]) -> Option<&'static str> {
    let trimmed = text.trim_ascii_start();
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

/// The delimiter under which the header names the most columns we know; then the one that cuts the lines most evenly.
fn guess_delimiter(text: &[u8]) -> u8 {
    let score = |delimiter: u8| {
        let records = sample_records(text, delimiter);
        let Some(header) = records.first() else { return (0, 0, 0) };
        let known = header.iter().filter(|h| columns::recognise(h).is_some()).count();
        let even = match header.len() {
            1 => 0,
            width => records.iter().filter(|r| r.len() == width).count(),
        };
        (known, even, header.len())
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
    use super::*;

    fn delimiter(text: &str) -> char {
        match of_bytes(text.as_bytes()) {
            Ok(Kind::Text(text)) => char::from(text.delimiter),
            _ => panic!("{text:?} is not taken for text"),
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
            ("phone\n0772123456\n", ','),
            ("sep=|\nname|phone|amount\n", '|'),
            ("\u{FEFF}sep=;\r\nname;phone;amount\n", ';'),
        ] {
            assert_eq!(delimiter(text), expected, "{text:?}");
        }
    }

    #[test]
    fn files_that_are_no_list_are_named() {
        let utf16: Vec<u8> = "name,phone,amount".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, code) in [
            (&b""[..], "file_empty"),
            (b"\xEF\xBB\xBF \r\n\t\n", "file_empty"),
            (b"\xFF\xFEn\0a\0", "encoding"),
            (&utf16, "encoding"),
            (b"%PDF-1.7 ...", "not_a_list"),
            (b"<html><table>", "not_a_list"),
            (b"\x00\x01\x02\x03 binary \x04\x05", "not_a_list"),
        ] {
            let error = of_bytes(bytes).err().unwrap_or_else(|| panic!("{bytes:?} is taken"));
            assert_eq!(error.code(), code, "{bytes:?}");
        }
        for magic in [&b"PK\x03\x04 and so on"[..], b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"] {
            assert!(matches!(of_bytes(magic), Ok(Kind::Workbook)));
        }
    }
}
