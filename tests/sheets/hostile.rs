//! Files nobody honest writes: each is refused in words, soon, and by the child's limits where nothing else sees it.

use super::*;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The longest that a file of a few kilobytes may occupy anybody.
const SOON: Duration = Duration::from_secs(10);

/// A file and the codes it may be refused with.
pub type Hostile = (&'static str, Vec<u8>, &'static [&'static str]);

/// Shared with the matrix of bad input, and with the test that reads a good list meanwhile.
pub fn files() -> &'static [Hostile] {
    static FILES: OnceLock<Vec<Hostile>> = OnceLock::new();
    FILES.get_or_init(made)
}

fn made() -> Vec<Hostile> {
    let damaged: &[&str] = &["workbook_damaged"];
    let too_large: &[&str] = &["workbook_too_large"];
    let strings =
        |xml: &[u8]| package(&[("xl/worksheets/sheet1.xml", sheet_xml("").as_bytes()), ("xl/sharedStrings.xml", xml)]);
    let good = std::fs::read(fixture("payroll_uganda.xlsx")).unwrap();
    let mut wrong_crc = good.clone();
    let directory = wrong_crc.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    wrong_crc[directory + 16] ^= 0xFF;
    let names: Vec<String> = (0..2_100).map(|i| format!("xl/media/{i}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
    let laughs = "<!DOCTYPE sst [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;\">]>\
                  <sst><si><t>&c;</t></si></sst>";
    let row =
        |n: &str, cell: &str| format!("<table:table-row table:number-rows-repeated=\"{n}\">{cell}</table:table-row>");
    let cell = |n: &str, text: &str| {
        format!(
            "<table:table-cell table:number-columns-repeated=\"{n}\" office:value-type=\"string\"><text:p>{text}</text:p>\
             </table:table-cell>"
        )
    };
    let far = "<c r=\"XFD1048576\"><v>1</v></c>";
    vec![
        ("a bomb of a thousand to one", swollen("xl/worksheets/sheet1.xml", "", 1_100), too_large),
        ("a bomb in the styles", swollen("xl/styles.xml", "", 64), too_large),
        ("cells at both ends", sheet(&(header() + far)), &["too_many_columns"]),
        ("a trillion shared texts", strings(b"<sst uniqueCount=\"1000000000000\"><si/></sst>"), too_large),
        ("a cell in row 99999999999", sheet(&(header() + &text("A99999999999", "x"))), damaged),
        ("a size that is upside down", package(&[("xl/worksheets/sheet1.xml", upside_down().as_bytes())]), damaged),
        ("many entries", package(&entries), too_large),
        ("names that leave the archive", zipped(&[("../../etc/passwd", b"x"), ("_rels/.rels", b"<x/>")]), damaged),
        ("entities that multiply", strings(laughs.as_bytes()), damaged),
        ("one text of a gigabyte", swollen("xl/worksheets/sheet1.xml", ENDLESS, 900), too_large),
        ("cut off", good[..good.len() / 2].to_vec(), damaged),
        ("a checksum that is wrong", wrong_crc, damaged),
        ("an ODS of a million times the same row", ods(&row("1048577", &cell("256", "x"))), damaged),
        ("an ODS of a million columns", ods(&row("1", &cell("1000000", "x"))), &["too_many_columns"]),
        ("an ODS that begins where rows end", ods(&(row("99999999999999", "") + &row("1", &cell("1", "x")))), damaged),
        ("an ODS with entities", ods("<!DOCTYPE a [<!ENTITY b \"c\">]>"), damaged),
        ("an ODS in an ODS", zipped(&[("content.xml", &b"<a>".repeat(1_000_000))]), damaged),
    ]
}

fn sheet_xml(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

fn upside_down() -> String {
    "<worksheet><dimension ref=\"XFD1048576:A1\"/><sheetData/></worksheet>".into()
}

/// A cell without an end: what follows weighs less than a package may, and more than the child may hold.
const ENDLESS: &str = "<worksheet><sheetData><c r=\"A1\" t=\"str\"><v>";

/// A workbook with a part that begins like this and goes on for so many MiB.
fn swollen(part: &str, begins: &str, mib: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new_append(Cursor::new(package(&[]))).unwrap();
    zip.start_file(part, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
    zip.write_all(begins.as_bytes()).unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..mib {
        zip.write_all(&megabyte).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn each_is_refused_in_words_and_soon() {
    for (what, file, codes) in files() {
        let began = Instant::now();
        let read = read_bytes(file);
        let error = read.error();
        assert!(codes.contains(&error.code()), "{what}: {}: {error}", error.code());
        assert!(error.to_string().contains("pload"), "it says what to do: {error}");
        // Generous, because the other tests run meanwhile; the limits themselves are tested elsewhere.
        assert!(began.elapsed() < 6 * SOON, "{what} took {:?}", began.elapsed());
    }
}

#[test]
fn a_repeated_row_is_counted_by_whoever_takes_it() {
    // 705 bytes that take three gigabytes elsewhere: here each repeated row is a duplicate, and a row of its own.
    let row = "<table:table-row table:number-rows-repeated=\"20000\"><table:table-cell office:value-type=\"string\">\
               <text:p>0772345678</text:p></table:table-cell><table:table-cell office:value-type=\"float\" \
               office:value=\"500\"/></table:table-row>";
    let head = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>phone</text:p></table:table-cell>\
                <table:table-cell office:value-type=\"string\"><text:p>amount</text:p></table:table-cell></table:table-row>";
    let read = read_bytes(&ods(&format!("{head}{row}")));
    assert_eq!((read.summary().rows, read.summary().warnings), (20_000, 19_999));
}

#[test]
fn the_bomb_that_calamine_collected_is_no_bomb_here() {
    let bomb = open(&Program::new(GABA), &fixture("sheets/calamine/issue_594_dos.ods"));
    let bomb = bomb.map(|sheet| sheet.rows.len()).map_err(|e| e.code());
    assert!(matches!(bomb, Ok(0..=1_048_576) | Err("workbook_damaged" | "too_many_columns")), "{bomb:?}");
}
