//! Lists as workbooks: the sample, files as Excel writes them, and files nobody honest writes.

use super::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

#[test]
fn the_sample_payroll_is_paid_without_an_issue() {
    let read = read_path(&fixture("payroll_uganda.xlsx"));
    let summary = read.summary();
    assert_eq!(read.issues(), []);
    assert_eq!((summary.rows, summary.valid, summary.warnings), (200, 200, 0));
    assert_eq!(summary.source, Source::Workbook { format: "xlsx".into(), sheet: "March 2026".into() });
    let mtn = read.rows.iter().filter(|r| r.recipient.as_ref().unwrap().lane == "mtn-ug").count();
    assert!((100..=140).contains(&mtn), "{mtn} of 200 are MTN's");
    let first = read.recipient(2);
    assert_eq!((first.reference.as_deref(), first.note.as_deref()), (Some("GB-0001"), Some("Salary March 2026")));
    assert_eq!(first.variables.keys().collect::<Vec<_>>(), ["Department"]);
}

pub(super) fn written(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(&mut workbook);
    workbook.save_to_buffer().unwrap()
}

#[test]
fn cells_are_read_as_a_person_sees_them() {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let bytes = written(|book| {
        let sheet = book.add_worksheet();
        for (i, header) in ["phone", "amount", "name", "since", "bonus", "permanent"].iter().enumerate() {
            sheet.write(0, i as u16, *header).unwrap();
        }
        sheet.write(1, 0, 256_772_345_678.0).unwrap();
        sheet.write(1, 1, Formula::new("=25000*2").set_result("50000")).unwrap();
        sheet.write(1, 2, "Odhiambo & Söhne").unwrap();
        sheet.write_with_format(1, 3, ExcelDateTime::parse_from_str("2024-02-29").unwrap(), &date).unwrap();
        sheet.write(1, 4, 12.5).unwrap();
        sheet.write(1, 5, true).unwrap();
    });
    let read = read_bytes(&bytes);
    let recipient = read.recipient(2);
    assert_eq!(recipient.msisdn.as_str(), "256772345678");
    assert_eq!(recipient.amount.minor, 50_000);
    assert_eq!(recipient.name, "Odhiambo & Söhne");
    let variables: Vec<&str> = recipient.variables.values().map(String::as_str).collect();
    assert_eq!(variables, ["12.5", "TRUE", "2024-02-29"]);
    assert_eq!(read.issues(), []);
}

#[test]
fn the_first_visible_sheet_is_read_and_rows_keep_their_numbers() {
    let bytes = written(|book| {
        book.add_worksheet().set_name("Rates").unwrap().set_hidden(true).write(0, 0, "x").unwrap();
        let sheet = book.add_worksheet().set_name("List").unwrap();
        sheet.set_active(true);
        sheet.write(2, 1, "phone").unwrap().write(2, 2, "amount").unwrap();
        sheet.write(9, 1, "0772345678").unwrap().write(9, 2, 5_000).unwrap();
        sheet.write(10, 2, 5_000).unwrap();
        sheet.write(11, 1, "0772345679").unwrap().write(11, 2, 5_000).unwrap().write(11, 5, "stray").unwrap();
    });
    let read = read_bytes(&bytes);
    assert_eq!(read.summary().source, Source::Workbook { format: "xlsx".into(), sheet: "List".into() });
    assert_eq!(read.rows.iter().map(|r| r.row).collect::<Vec<_>>(), [10, 11, 12]);
    assert_eq!(read.issues(), [(11, "phone_missing"), (12, "cell_without_header")]);
}

#[test]
fn failed_and_uncalculated_formulas_are_told() {
    let read = read_bytes(&sheet(&format!(
        "{}{}<c r=\"B2\" t=\"e\"><f>1/0</f><v>#N/A</v></c>{}{}{}<c r=\"B4\"><v>0.30000000000000004</v></c>{}",
        header(),
        text("A2", "0772345678"),
        text("A3", "0772345679"),
        "<c r=\"B3\"><f>A1+1</f></c><c r=\"C3\" s=\"1\"/><c r=\"D3\" t=\"e\"><v>#REF!</v></c>",
        text("A4", "0772345680"),
        text("C4", "Grace"),
    )));
    assert_eq!(
        read.issues(),
        [(2, "cell_error"), (3, "formula_without_value"), (3, "cell_error"), (4, "number_imprecise"),]
    );
    assert_eq!(read.rows[1].issues[1].severity, Severity::Warning, "the village is not needed to pay");
    assert_eq!(read.rows[0].issues[0].value.as_deref(), Some("#N/A"));
    assert_eq!(read.summary().valid, 0);
}

#[test]
fn hostile_positions_are_refused() {
    let bottom = "<c r=\"XFD1048576\"><v>1</v></c>";
    for (rows, code) in [
        (text("A1", "phone") + bottom, "too_many_columns"),
        (header() + bottom, "too_many_columns"),
        (header() + &text("A1048577", "x"), "workbook_damaged"),
        (header() + &text("A99999999999", "x"), "workbook_damaged"),
        (header() + &text("A2", "x") + &text("A2", "y"), "workbook_damaged"),
        (header() + &text("B2", "x") + &text("A2", "y"), "workbook_damaged"),
        (header() + &text("ZZZZZZZZZZZ2", "x"), "workbook_damaged"),
        (header() + "<c r=\"A2\" t=\"s\"><v>7</v></c>", "workbook_damaged"),
        (header() + "<c r=\"A2\" t=\"e\"><v>#SPILL!</v></c>", "workbook_damaged"),
        (String::new(), "file_empty"),
        (header(), "no_rows"),
    ] {
        let read = read_bytes(&sheet(&rows));
        assert_eq!(read.error().code(), code, "{rows}: {}", read.error());
    }
}

#[test]
fn indices_that_ask_for_memory_get_none() {
    let read = read_bytes(&hostile::far_formula());
    assert_eq!(read.recipient(2).amount.minor, 5_000);

    let xml = "<worksheet><dimension ref=\"XFD1048576:A1\"/><sheetData/></worksheet>";
    let read = read_bytes(&package(&[("xl/worksheets/sheet1.xml", xml.as_bytes())]));
    assert!(matches!(read.error().code(), "workbook_damaged" | "file_empty"), "{}", read.error());

    let strings = b"<sst uniqueCount=\"1000000000000\"><si><t>x</t></si></sst>";
    let read =
        read_bytes(&package(&[("xl/worksheets/sheet1.xml", b"<worksheet/>"), ("xl/sharedStrings.xml", strings)]));
    assert_eq!(read.error().code(), "workbook_too_large");
    let read = read_bytes(&package(&[("xl\\SharedStrings.xml", strings)]));
    assert_eq!(read.error().code(), "workbook_too_large");
}

#[test]
fn a_bomb_is_weighed_before_it_is_opened() {
    let zeroes = vec![b' '; 40 * 1024 * 1024];
    let bomb = package(&[("xl/worksheets/sheet1.xml", b"<worksheet/>"), ("xl/styles.xml", &zeroes)]);
    assert!(bomb.len() * 500 < zeroes.len(), "it is a bomb: {} bytes", bomb.len());
    assert_eq!(read_bytes(&bomb).error().code(), "workbook_too_large");

    // A header that lies about the size changes nothing: bytes are counted, not believed.
    let mut liar = bomb;
    let declared = (zeroes.len() as u32).to_le_bytes();
    while let Some(at) = liar.windows(4).position(|w| w == declared) {
        liar[at..at + 4].copy_from_slice(&[1, 0, 0, 0]);
    }
    let error = read_bytes(&liar);
    assert!(matches!(error.error().code(), "workbook_too_large" | "workbook_damaged"), "{}", error.error());

    let names: Vec<String> = (0..2_100).map(|i| format!("../../{i}")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
    assert_eq!(read_bytes(&package(&parts)).error().code(), "workbook_too_large");
}

#[test]
fn damaged_protected_and_foreign_files_are_named() {
    let good = std::fs::read(fixture("payroll_uganda.xlsx")).unwrap();
    for cut in [4, 100, good.len() / 2, good.len() - 10] {
        assert_eq!(read_bytes(&good[..cut]).error().code(), "workbook_damaged", "cut at {cut}");
    }
    let mut wrong_crc = good.clone();
    let directory = wrong_crc.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    wrong_crc[directory + 16] ^= 0xFF;
    assert_eq!(read_bytes(&wrong_crc).error().code(), "workbook_damaged");

    let ole = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    assert_eq!(read_bytes(&ole).error().code(), "workbook_damaged");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for padding in [0, 64 * 1024 - 20, 200_000] {
        let file = [ole.clone(), vec![0; padding], utf16("EncryptedPackage"), vec![0; 100]].concat();
        assert_eq!(read_bytes(&file).error().code(), "password_protected", "after {padding} bytes");
        let file = [ole.clone(), vec![0; padding], utf16("Workbook"), vec![0; 100]].concat();
        assert_eq!(read_bytes(&file).error().code(), "workbook_damaged", "after {padding} bytes");
    }
    for (part, what) in [
        ("word/document.xml", "a Word document"),
        ("ppt/presentation.xml", "a presentation"),
        ("Index/Document.iwa", "an Apple Numbers document"),
        ("holiday.jpg", "an archive of other files"),
    ] {
        let error = read_bytes(&zipped(&[(part, b"x")]));
        assert_eq!(error.error().code(), "not_a_list");
        assert!(error.error().to_string().contains(what), "{}", error.error());
    }
    let writer = zipped(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>")]);
    assert_eq!(read_bytes(&writer).error().code(), "not_a_list");
    assert_eq!(read_bytes(&zipped(&[("xl/workbook.bin", b"x")])).error().code(), "binary_workbook");
    let zip_of_text = package(&[]);
    assert_eq!(read_bytes(&zip_of_text).error().code(), "workbook_damaged");
}
