//! How the bytes of a text are to be read.

use super::{Becomes, Case, Upload};
use encoding_rs::{WINDOWS_1251, WINDOWS_1252};

const GROUP: &str = "Encodings and files";
const NAME: &str = "256772345101 50000 Zoë Müller";
const LIST: &str = "name,phone,amount\r\nAndré Okello,0752345101,60000\r\nZoë Müller,0772345101,50000\r\n";

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, becomes: Becomes) -> Case {
    Case { group: GROUP, name, upload: Upload::Text(bytes.into(), "list.csv"), becomes }
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

pub fn cases() -> Vec<Case> {
    use Becomes::*;
    let marked = format!("\u{FEFF}{LIST}");
    let tabbed = marked.replace(',', "\t");
    let cyrillic = "name,phone,amount\nАнна Иванова,0772345102,50000\nПётр Сидоров,0772345103,50000\n";
    let mixed = [&b"name,phone,amount\nZo\xC3\xAB,0772345104,5000\n"[..], b"Zo\xEB,0772345105,5000\n"].concat();
    let broken = [&b"\xFF\xFE"[..], &utf16("name,phone,amount\n", u16::to_le_bytes), b"\0\xD8,\0"].concat();
    let noise: Vec<u8> = (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![
        case("UTF-8", LIST, Reads(NAME)),
        case("UTF-8 with a byte order mark", marked.clone(), Reads(NAME)),
        case("UTF-16 LE with a byte order mark", utf16(&marked, u16::to_le_bytes), Reads(NAME)),
        case("UTF-16 BE with a byte order mark", utf16(&marked, u16::to_be_bytes), Reads(NAME)),
        case("Excel's \"Unicode Text\": UTF-16 with tabs", utf16(&tabbed, u16::to_le_bytes), Reads(NAME)),
        case("UTF-16 LE without a mark", utf16(LIST, u16::to_le_bytes), WarnedReads("encoding_guessed", NAME)),
        case("UTF-16 BE without a mark", utf16(LIST, u16::to_be_bytes), WarnedReads("encoding_guessed", NAME)),
        case("Windows-1252 (Excel's plain CSV)", WINDOWS_1252.encode(LIST).0, WarnedReads("encoding_guessed", NAME)),
        case(
            "Windows-1251",
            WINDOWS_1251.encode(cyrillic).0,
            WarnedReads("encoding_guessed", "256772345103 50000 Пётр Сидоров"),
        ),
        case("UTF-8 and another encoding in one file", mixed, Unreadable("partly UTF-8")),
        case("UTF-16 with half a character", broken, Unreadable("looks like UTF-16LE, but row 2")),
        case(
            "a NUL character",
            &b"name,phone,amount\nGrace,0772345106,5000\nMo\0ses,0772345107,5000\n"[..],
            Unreadable("row 3 contains a NUL"),
        ),
        case("an empty file", "", NotTaken(400, "empty_file")),
        case("blank lines only", "\r\n\r\n \r\n", Unreadable("the file is empty")),
        case("a header only", "name,phone,amount\r\n", Unreadable("no recipients below it")),
        case("a PDF named .csv", &b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"[..], Unreadable("is a PDF")),
        case("a picture named .csv", &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], Unreadable("is a picture")),
        case("a compressed file named .csv", &b"\x1F\x8B\x08\0\0\0\0\0"[..], Unreadable("is a compressed file")),
        case("a web page named .csv", "<!DOCTYPE html>\n<table></table>", Unreadable("web page")),
        case("a binary file named .csv", noise, Unreadable("a binary file")),
    ]
}
