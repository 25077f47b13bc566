//! In which encoding a text is written, and the text as UTF-8.
//!
//! A byte order mark decides. Without one, what is UTF-8 from end to end is UTF-8, what has a NUL in every other byte is
//! UTF-16; the rest is guessed, and the guess is shown. A file that is partly UTF-8 and partly something else is not
//! guessed at: whichever reading were chosen, some names would be wrong.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

const READ_BYTES: usize = 64 * 1024;
/// How much of a text that is not UTF-8 a guess is made from.
const GUESSED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// One well-formed UTF-8 sequence among so many that are not makes a text a mixture.
const MIXED_SHARE: u64 = 10;

/// How the bytes of a text are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Encoded {
    pub encoding: &'static Encoding,
    /// Neither a byte order mark nor the bytes themselves prove it.
    pub guessed: bool,
    /// Bytes of the byte order mark.
    pub bom: u64,
}

/// `sample` is the beginning of `file`; `country` a hint, as in domain names (`ug`).
pub(super) fn find(file: &mut (impl Read + Seek), sample: &[u8], country: &str) -> io::Result<Encoded> {
    if let Some((encoding, bom)) = Encoding::for_bom(sample) {
        return Ok(Encoded { encoding, guessed: false, bom: bom as u64 });
    }
    if let Some(encoding) = utf16(sample) {
        return Ok(Encoded { encoding, guessed: true, bom: 0 });
    }
    if is_utf8(file)? {
        return Ok(Encoded { encoding: UTF_8, guessed: false, bom: 0 });
    }
    guess(file, country)
}

pub(super) fn is_utf16(sample: &[u8]) -> bool {
    let marked = Encoding::for_bom(sample).is_some_and(|(encoding, _)| encoding != UTF_8);
    marked || utf16(sample).is_some()
}

/// Plain text in UTF-16 without a byte order mark: every other byte is NUL.
fn utf16(sample: &[u8]) -> Option<&'static Encoding> {
    let half = sample.len() / 2;
    let nuls = |offset| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (first, second) = (nuls(0), nuls(1));
    let plain = |many: usize, few: usize| half >= 4 && many * 10 >= half * 8 && few * 10 <= half;
    match (plain(second, first), plain(first, second)) {
        (true, _) => Some(UTF_16LE),
        (_, true) => Some(UTF_16BE),
        _ => None,
    }
}

fn is_utf8(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut window = Vec::with_capacity(READ_BYTES + 4);
    loop {
        if file.by_ref().take(READ_BYTES as u64).read_to_end(&mut window)? == 0 {
            return Ok(window.is_empty());
        }
        match std::str::from_utf8(&window) {
            Ok(_) => window.clear(),
            // The last character may go on in the next piece.
            Err(e) if e.error_len().is_none() => drop(window.drain(..e.valid_up_to())),
            Err(_) => return Ok(false),
        }
    }
}

fn guess(file: &mut (impl Read + Seek), country: &str) -> io::Result<Encoded> {
    file.seek(SeekFrom::Start(0))?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let (mut sound, mut broken) = (0_u64, 0_u64);
    let mut pieces = BufReader::with_capacity(READ_BYTES, file.take(GUESSED_BYTES_MAX));
    loop {
        let piece = pieces.fill_buf()?;
        let length = piece.len();
        detector.feed(piece, length == 0);
        for chunk in piece.utf8_chunks() {
            sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count() as u64;
            broken += u64::from(!chunk.invalid().is_empty());
        }
        if length == 0 {
            break;
        }
        pieces.consume(length);
    }
    let encoding = detector.guess(Some(country.as_bytes()), Utf8Detection::Deny);
    // What is UTF-8 by accident is rare in any other encoding, and next to impossible in Western European text.
    let mixed = sound > 0 && (encoding == WINDOWS_1252 || sound * MIXED_SHARE >= broken);
    // A mixture is read as UTF-8, until the reader meets the first row that is not.
    Ok(if mixed || broken == 0 {
        Encoded { encoding: UTF_8, guessed: false, bom: 0 }
    } else {
        Encoded { encoding, guessed: true, bom: 0 }
    })
}

/// The text behind `source` as UTF-8. What claims to be UTF-8 is passed on as it is: the reader of the records, which
/// knows the row, checks it.
pub(super) fn utf8<'a>(source: impl Read + 'a, encoding: &'static Encoding) -> Box<dyn BufRead + 'a> {
    let source = BufReader::with_capacity(READ_BYTES, source);
    if encoding == UTF_8 { Box::new(source) } else { Box::new(Decoded::new(source, encoding)) }
}

/// The text has bytes that its encoding does not know.
#[derive(Debug, thiserror::Error)]
#[error("the text is not {}", encoding.name())]
pub(super) struct Malformed {
    pub encoding: &'static Encoding,
}

/// A text on its way from its encoding to UTF-8.
struct Decoded<R> {
    source: R,
    decoder: Decoder,
    text: Vec<u8>,
    /// What of `text` is not consumed yet.
    start: usize,
    end: usize,
    malformed: bool,
    finished: bool,
}

impl<R: BufRead> Decoded<R> {
    fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Decoded { source, decoder, text: vec![0; READ_BYTES], start: 0, end: 0, malformed: false, finished: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        while self.start == self.end && !self.finished {
            if self.malformed {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    Malformed { encoding: self.decoder.encoding() },
                ));
            }
            let input = self.source.fill_buf()?;
            let last = input.is_empty();
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(input, &mut self.text, last);
            self.source.consume(read);
            (self.start, self.end) = (0, written);
            match result {
                // What came before is handed out first, so that the row of the fault is counted right.
                DecoderResult::Malformed(..) => self.malformed = true,
                DecoderResult::InputEmpty => self.finished = last,
                DecoderResult::OutputFull => {}
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.refill()?;
        Ok(&self.text[self.start..self.end])
    }

    fn consume(&mut self, length: usize) {
        self.start = (self.start + length).min(self.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn found(bytes: &[u8]) -> (&'static str, bool) {
        let found = find(&mut Cursor::new(bytes), &bytes[..bytes.len().min(READ_BYTES)], "ug").unwrap();
        (found.encoding.name(), found.guessed)
    }

    #[test]
    fn what_the_bytes_prove_is_not_guessed() {
        let utf16: Vec<u8> = "name,phone,amount".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let far = format!("{}é", "x".repeat(READ_BYTES - 1));
        for (bytes, expected) in [
            (&b"name,phone"[..], ("UTF-8", false)),
            ("Odhé".as_bytes(), ("UTF-8", false)),
            (far.as_bytes(), ("UTF-8", false)),
            (b"\xEF\xBB\xBFname", ("UTF-8", false)),
            (b"\xFF\xFEn\0a\0", ("UTF-16LE", false)),
            (b"\xFE\xFF\0n\0a", ("UTF-16BE", false)),
            (&utf16, ("UTF-16LE", true)),
            (&utf16.iter().copied().skip(1).chain([0]).collect::<Vec<_>>()[..20], ("UTF-16BE", true)),
            (b"Odh\xE9, Andr\xE9\nZo\xEB\n", ("windows-1252", true)),
            // Half of it is UTF-8, half is not.
            (b"Odh\xC3\xA9\nAndr\xE9\n", ("UTF-8", false)),
        ] {
            assert_eq!(found(bytes), expected, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
        }
        let (russian, _, _) = encoding_rs::WINDOWS_1251.encode("Имя,Телефон\nПётр Иванов,0772123456\nАнна Орлова");
        assert_eq!(found(&russian), ("windows-1251", true));
    }

    #[test]
    fn decoding_is_the_same_wherever_the_pieces_are_cut() {
        let text = "name,phone\r\nZoë Müller,0772 — 123\n日本,\u{1F4B8}\n".repeat(50);
        for encoding in [UTF_16LE, UTF_16BE, UTF_8] {
            let bytes: Vec<u8> = match encoding.name() {
                "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => text.clone().into_bytes(),
            };
            for capacity in [1, 2, 3, 7, 1000] {
                let mut read = String::new();
                Decoded::new(BufReader::with_capacity(capacity, &bytes[..]), encoding)
                    .read_to_string(&mut read)
                    .unwrap();
                assert_eq!(read, text, "{} in pieces of {capacity}", encoding.name());
            }
        }
    }

    #[test]
    fn what_the_encoding_does_not_know_is_an_error_after_what_it_does() {
        let mut source = utf8(&b"a\0b\0\0\xD8c\0"[..], UTF_16LE);
        let mut read = [0; 2];
        source.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"ab");
        let error = source.fill_buf().unwrap_err();
        assert!(error.get_ref().is_some_and(|e| e.is::<Malformed>()), "{error}");
    }
}
