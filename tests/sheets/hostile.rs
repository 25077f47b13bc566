//! Files nobody honest writes: each is refused in words, soon, and by the child's limits where nothing else sees it.

use super::*;
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A file and the code it is refused with.
pub type Hostile = (&'static str, Vec<u8>, &'static str);

/// Shared with the matrix of bad input, and with the tests that read good lists meanwhile.
pub fn files() -> &'static [Hostile] {
    static FILES: OnceLock<Vec<Hostile>> = OnceLock::new();
    FILES.get_or_init(made)
}

/// What the `failure` of such a batch says of it: a part that only this code's has.
pub fn says(code: &str) -> &'static str {
    match code {
        "workbook_damaged" => "the workbook is damaged",
        "workbook_too_large" => "the workbook is too large",
        "too_many_columns" => "more than 256 columns",
        "header_too_long" => "the names of the columns",
        "too_much_text" => "hold more text",
        _ => panic!("no hostile file ends as {code}"),
    }
}

fn made() -> Vec<Hostile> {
    let (damaged, too_large) = ("workbook_damaged", "workbook_too_large");
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
    let named = |columns: usize, length: usize| {
        let names: String = (0..columns).map(|n| cell("1", &format!("{n} {}", "x".repeat(length)))).collect();
        row("1", &(cell("1", "phone") + &cell("1", "amount") + &names))
    };
    let far = "<c r=\"XFD1048576\"><v>1</v></c>";
    vec![
        (
            "a bomb of a thousand to one",
            swollen("xl/worksheets/sheet1.xml", "<worksheet><sheetData>", 1_100),
            too_large,
        ),
        ("a bomb in the styles", swollen("xl/styles.xml", "", 64), too_large),
        (
            "a gigabyte of column widths",
            filled("xl/worksheets/sheet1.xml", "<worksheet><cols>", b"<col min=\"1\" max=\"1\" hidden=\"1\"/>", 900),
            too_large,
        ),
        (
            "sixty million rows without a cell",
            filled("xl/worksheets/sheet1.xml", "<worksheet><sheetData>", b"<row r=\"1\"/>", 900),
            too_large,
        ),
        ("cells at both ends", sheet(&(header() + far)), "too_many_columns"),
        ("a trillion shared texts", strings(b"<sst uniqueCount=\"1000000000000\"><si/></sst>"), too_large),
        ("a cell in row 99999999999", sheet(&(header() + &text("A99999999999", "x"))), damaged),
        ("a size that is upside down", package(&[("xl/worksheets/sheet1.xml", upside_down().as_bytes())]), damaged),
        ("many entries", package(&entries), too_large),
        ("a sheet that is said to lie outside of the archive", outside(), damaged),
        (
            "a shared text of number 99999999999",
            sheet(&(header() + "<c r=\"A2\" t=\"s\"><v>99999999999</v></c>")),
            damaged,
        ),
        ("entities that multiply", strings(laughs.as_bytes()), damaged),
        ("one text of a gigabyte", swollen("xl/worksheets/sheet1.xml", ENDLESS, 900), too_large),
        ("cut off", good[..good.len() / 2].to_vec(), damaged),
        ("a checksum that is wrong", wrong_crc, damaged),
        ("an ODS of a million times the same row", ods(&row("1048577", &cell("256", "x"))), damaged),
        ("an ODS of a million columns", ods(&row("1", &cell("1000000", "x"))), "too_many_columns"),
        ("an ODS that begins where rows end", ods(&(row("99999999999999", "") + &row("1", &cell("1", "x")))), damaged),
        (
            "an ODS of 300 rows under a megabyte of names",
            ods(&(named(16, 60_000) + &row("300", &cell("1", "x")))),
            "header_too_long",
        ),
        (
            "an ODS of a million rows, each kept with 15,000 letters of names",
            ods(&(named(20, 750) + &row("1000000", &cell("1", "x")))),
            "too_much_text",
        ),
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

/// A sound list, beside an entry whose name leaves the archive: nothing is ever written where a name says.
pub fn escaping() -> Vec<u8> {
    let rows = header() + &text("A2", "0772345678") + &text("B2", "5000") + &text("C2", "Grace");
    package(&[("xl/worksheets/sheet1.xml", sheet_xml(&rows).as_bytes()), ("../../etc/passwd", b"root::0:0::/:/bin/sh")])
}

/// A sound list with a formula that asks whoever keeps shared formulas by their number for 99999999999 places.
pub fn far_formula() -> Vec<u8> {
    let formula = "<c r=\"B2\"><f t=\"shared\" si=\"99999999999\" ref=\"B2:B3\">A1</f><v>5000</v></c>";
    sheet(&(header() + &text("A2", "0772345678") + formula + &text("C2", "Grace")))
}

/// A workbook whose list is a file of the machine.
fn outside() -> Vec<u8> {
    let (kind, leaving) =
        ("http://schemas.openxmlformats.org/officeDocument/2006/relationships", "../../../../etc/passwd");
    let target = |id: &str, what: &str, path: &str| {
        format!("<Relationships><Relationship Id=\"{id}\" Type=\"{kind}/{what}\" Target=\"{path}\"/></Relationships>")
    };
    let book = "<workbook><sheets><sheet name=\"List\" sheetId=\"1\" r:id=\"b\"/></sheets></workbook>";
    zipped(&[
        ("_rels/.rels", target("a", "officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", target("b", "worksheet", leaving).as_bytes()),
    ])
}

/// The XLS of four people as it looks to a reader when it has a password: a record that says so follows the first.
pub fn protected_xls() -> Vec<u8> {
    const BEGINNING: &[u8] = b"\x09\x08\x10\0\0\x06\x05\0";
    const PASSWORD: u8 = 0x2F;
    let mut book = std::fs::read(fixture("sheets/staff_97.xls")).unwrap();
    let first = book.windows(BEGINNING.len()).position(|w| w == BEGINNING).unwrap();
    book[first + 4 + 16] = PASSWORD;
    book
}

/// The XLS with hidden rows, its folder without a way to what is in it: calamine reads on, since it asks for no way.
pub fn pathless_xls() -> Vec<u8> {
    let mut book = std::fs::read(fixture("sheets/hidden_97.xls")).unwrap();
    let sector = u32::from_le_bytes(book[48..52].try_into().unwrap()) as usize;
    let child = 512 * (sector + 1) + 76;
    book[child..child + 4].fill(0xFF);
    book
}

/// A cell without an end: what follows weighs less than a package may, and more than the child may hold.
const ENDLESS: &str = "<worksheet><sheetData><c r=\"A1\" t=\"str\"><v>";

fn swollen(part: &str, begins: &str, mib: usize) -> Vec<u8> {
    filled(part, begins, b"x", mib)
}

/// A workbook with a part that begins like this and repeats `what` for so many MiB.
fn filled(part: &str, begins: &str, what: &[u8], mib: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new_append(Cursor::new(package(&[]))).unwrap();
    zip.start_file(part, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
    zip.write_all(begins.as_bytes()).unwrap();
    let megabyte = what.repeat((1 << 20) / what.len());
    for _ in 0..mib {
        zip.write_all(&megabyte).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn each_is_refused_in_words_and_soon() {
    for (what, file, code) in files() {
        let read = read_bytes(file);
        let error = read.error();
        assert_eq!(error.code(), *code, "{what}: {error}");
        assert!(error.to_string().contains(says(code)), "{what}: {error}");
        assert!(error.to_string().contains("pload"), "it says what to do: {error}");
    }
}

/// The longest that any of these may occupy a processor; how long that takes on the clock is up to what else runs.
#[cfg(target_os = "linux")]
const CPU_SECONDS_MAX: f64 = 10.0;

#[cfg(target_os = "linux")]
#[test]
fn none_keeps_its_reader_busy_for_long() {
    for (what, file, _) in files() {
        let (seconds, _) = read_alone(file);
        println!("{seconds:>6.2} s of CPU: {what}");
        assert!(seconds < CPU_SECONDS_MAX, "{what}: {seconds} s");
    }
}

/// A list of a million rows, as long as Excel's sheets are, is within the limits that these meet.
#[cfg(target_os = "linux")]
#[test]
fn a_million_sound_rows_are_read_to_their_end() {
    let mut zip = zip::ZipWriter::new_append(Cursor::new(package(&[]))).unwrap();
    let options = SimpleFileOptions::default().compression_level(Some(1));
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let mut zip = std::io::BufWriter::with_capacity(1 << 20, zip);
    let head = header();
    write!(zip, "<worksheet><sheetData><row r=\"1\">{head}</row>").unwrap();
    for row in 2..=1_000_001 {
        let phone = 256_772_000_000u64 + row;
        write!(
            zip,
            "<row r=\"{row}\"><c r=\"A{row}\" t=\"str\"><v>{phone}</v></c><c r=\"B{row}\"><v>{}</v></c>\
             <c r=\"C{row}\" t=\"str\"><v>Recipient {row}</v></c></row>",
            5_000 + row % 977
        )
        .unwrap();
    }
    write!(zip, "</sheetData></worksheet>").unwrap();
    let file = zip.into_inner().unwrap().finish().unwrap().into_inner();
    let (seconds, last) = read_alone(&file);
    println!("{seconds:.2} s of CPU for {} MiB", file.len() >> 20);
    assert_eq!(last, b"E\0\0\0\0", "it is read to its end, and there are no other sheets");
}

/// The reader's seconds of CPU for a file when nobody stops it, and the last of what it says.
#[cfg(target_os = "linux")]
fn read_alone(file: &[u8]) -> (f64, Vec<u8>) {
    const TICKS_PER_SECOND: f64 = 100.0;
    let folder = Folder::new("alone");
    std::fs::write(folder.file("upload"), file).unwrap();
    let upload = File::open(folder.file("upload")).unwrap();
    let mut child = Command::new(GABA);
    child.arg("read-sheet").stdin(upload).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().unwrap();
    let (mut out, mut last) = (child.stdout.take().unwrap(), Vec::new());
    let mut chunk = vec![0; 1 << 16];
    while let read @ 1.. = std::io::Read::read(&mut out, &mut chunk).unwrap() {
        last.extend_from_slice(&chunk[..read]);
        let seen = last.len().saturating_sub(5);
        last.drain(..seen);
    }
    // Once it has ended, and before it is waited for, the system still knows what it used.
    let used = loop {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<String> = stat.rsplit(')').next().unwrap().split_whitespace().map(str::to_owned).collect();
        if fields[0] == "Z" {
            break fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        }
        std::thread::yield_now();
    };
    child.wait().unwrap();
    (used / TICKS_PER_SECOND, last)
}

#[test]
fn a_name_that_leaves_the_archive_is_only_a_name() {
    assert_eq!(read_bytes(&escaping()).paid(), [("256772345678".to_owned(), 5_000)]);
}

#[test]
fn an_old_workbook_with_a_password_says_so() {
    assert_eq!(read_bytes(&protected_xls()).error().code(), "password_protected");
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
