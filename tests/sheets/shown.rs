//! What a sheet shows and does not hold: rows that nobody sees, signs beside numbers, lists on another sheet.

use super::xlsx::written;
use super::*;
use rust_xlsxwriter::{Format, Worksheet};

/// A list of one payment whose cells are written with these formats, amount first, then a bonus that is not paid.
pub fn formatted(amount: f64, formats: [&str; 2]) -> Vec<u8> {
    written(|book| {
        let sheet = book.add_worksheet();
        headed(sheet, &["phone", "amount", "name", "bonus"]);
        sheet.write(1, 0, "0772345678").unwrap().write(1, 2, "Grace").unwrap();
        for (column, format) in [1, 3].into_iter().zip(formats) {
            let format = Format::new().set_num_format(format);
            sheet.write_with_format(1, column, amount, &format).unwrap();
        }
    })
}

/// The same as an ODS: the attributes of 5000, and what is shown for it.
pub fn formatted_ods(kind: &str, shown: &str) -> Vec<u8> {
    let text = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let number = format!(
        "<table:table-cell office:value-type={kind} office:value=\"5000\"><text:p>{shown}</text:p></table:table-cell>"
    );
    let row = |cells: String| format!("<table:table-row>{cells}</table:table-row>");
    let head = ["phone", "amount", "name", "bonus"].map(text).concat();
    ods(&(row(head) + &row(text("0772345678") + &number + &text("Grace") + &number)))
}

/// A list whose row of this one recipient has these attributes; `before` stands above the rows.
pub fn with_row(before: &str, row: &str) -> Vec<u8> {
    let rows = format!(
        "<row r=\"1\">{}</row><row r=\"2\" {row}>{}{}</row>",
        header(),
        text("A2", "0772345678") + &text("B2", "5000"),
        text("C2", "Grace"),
    );
    let xml = format!("<worksheet>{before}<sheetData>{rows}</sheetData></worksheet>");
    package(&[("xl/worksheets/sheet1.xml", xml.as_bytes())])
}

/// A sheet of these cells, a hidden one, and one named List, with a header or empty.
pub fn behind(first: &[&[&str]], is_list: bool) -> Vec<u8> {
    written(|book| {
        let sheet = book.add_worksheet().set_name("Instructions").unwrap();
        for (row, cells) in (0..).zip(first) {
            for (column, cell) in (0..).zip(*cells) {
                sheet.write(row, column, *cell).unwrap();
            }
        }
        book.add_worksheet().set_name("Rates").unwrap().set_hidden(true).write(0, 0, "x").unwrap();
        let list = book.add_worksheet().set_name("List").unwrap();
        if is_list {
            headed(list, &["phone", "amount"]);
        }
    })
}

/// A sheet of texts.
pub fn rows(rows: &[&[&str]]) -> Vec<u8> {
    written(|book| {
        let sheet = book.add_worksheet();
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(*cells) {
                sheet.write(row, column, *cell).unwrap();
            }
        }
    })
}

fn headed(sheet: &mut Worksheet, headers: &[&str]) {
    for (column, header) in (0..).zip(headers) {
        sheet.write(0, column, *header).unwrap();
    }
}

/// Issues of the row, and its amount and bonus where it is paid.
type Said = (Vec<(u32, &'static str)>, Option<(i64, String)>);

fn said(read: &Read) -> Said {
    let paid = read.rows[0].recipient.as_ref().map(|r| (r.amount.minor, r.variables["bonus"].clone()));
    (read.issues(), paid)
}

#[test]
fn a_number_is_refused_that_is_shown_in_another_currency_or_as_a_percentage() {
    for (amount, format, code) in [
        (5_000.0, "\"$\"#,##0.00", "amount_character"),
        (5_000.0, "_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00)", "amount_character"),
        (5_000.0, "[$KES] #,##0", "amount_other_currency"),
        (5_000.0, "[$KSh-441]#,##0.00", "amount_other_currency"),
        (5_000.0, "[$$-409]#,##0", "amount_other_currency"),
        (5_000.0, "[$R-1C09] #,##0", "amount_letters"),
        (0.5, "0%", "amount_percent"),
        (50.0, "0\"%\"", "amount_percent"),
    ] {
        let read = read_bytes(&formatted(amount, [format, "General"]));
        assert_eq!(said(&read), (vec![(2, code)], None), "{format}: {:?}", read.rows[0].issues);
        assert!(read.rows[0].issues[0].message.contains("ormat the column as Number"), "{:?}", read.rows[0].issues);
    }
    for format in ["General", "#,##0.00", "[$UGX] #,##0", "\"UGX\" #,##0", "[$USh-x]#,##0", "#,##0\"/=\"", "0 \"net\""]
    {
        let read = read_bytes(&formatted(5_000.0, [format, "General"]));
        assert_eq!(said(&read), (vec![], Some((5_000, "5000".into()))), "{format}: {:?}", read.rows[0].issues);
    }
    for format in ["\"$\"#,##0.00", "[$KES] #,##0", "0%", "#,##0\"/=\""] {
        let read = read_bytes(&formatted(5_000.0, ["General", format]));
        assert_eq!(said(&read), (vec![], Some((5_000, "5000".into()))), "where nothing is paid, {format} is a look");
    }
    let percent = read_bytes(&formatted(0.5, ["0%", "General"]));
    assert!(percent.rows[0].issues[0].message.contains("percentage"), "{:?}", percent.rows[0].issues);
}

/// What the paid are told of their bonus, which is written in the format of the amount too, and what is said of the row.
fn bonus(file: &[u8]) -> (String, Vec<(u32, &'static str)>) {
    let folder = Folder::new("bonus");
    std::fs::write(folder.file("upload"), file).unwrap();
    let read = read_telling(&folder.file("upload"), Some("Your bonus is ((bonus))."));
    (read.recipient(2).variables["bonus"].clone(), read.issues())
}

#[test]
fn who_is_told_a_number_is_told_what_the_sheet_shows() {
    for (number, format, told) in [
        (5_000.0, "#,##0", "5,000"),
        (5_000.0, "\"$\"#,##0.00", "$5,000.00"),
        (5_000.0, "[$KES] #,##0", "KES 5,000"),
        (5_000.0, "#,##0\"/=\"", "5,000/="),
        (5.0, "0%", "500%"),
        (5_000.0, "General", "5000"),
        (5_000.0, "0", "5000"),
    ] {
        assert_eq!(bonus(&formatted(number, ["General", format])), (told.to_owned(), vec![]), "{format}");
    }
    for format in ["0.00E+00", "[>100]#,##0", "#,##0,", "_($* #,##0_)"] {
        let unknown = (format!("{}", 5_000), vec![(1, "shown_unknown")]);
        assert_eq!(bonus(&formatted(5_000.0, ["General", format])), unknown, "{format}");
    }
    for (kind, shown, told) in [
        ("\"float\"", "5,000", "5,000"),
        ("\"float\"", "5,000/=", "5,000/="),
        ("\"currency\" office:currency=\"UGX\"", "USh5,000", "USh5,000"),
    ] {
        assert_eq!(bonus(&formatted_ods(kind, shown)), (told.to_owned(), vec![]), "{kind}: {shown}");
    }
    for (kind, shown) in [("\"float\"", "5.0E+03"), ("\"currency\" office:currency=\"UGX\"", "")] {
        let unknown = ("5000".to_owned(), vec![(1, "shown_unknown")]);
        assert_eq!(bonus(&formatted_ods(kind, shown)), unknown, "{kind}: {shown}");
    }
}

#[test]
fn a_number_that_nobody_is_told_is_kept_as_it_is() {
    let read = read_bytes(&formatted(5_000.0, ["#,##0", "0.00E+00"]));
    assert_eq!(said(&read), (vec![], Some((5_000, "5000".into()))));
}

#[test]
fn the_sign_of_a_text_and_of_other_cells_is_not_that_of_the_amount() {
    let dollars = Format::new().set_num_format("\"$\"#,##0.00");
    let read = read_bytes(&written(|book| {
        let sheet = book.add_worksheet();
        headed(sheet, &["phone", "amount", "name"]);
        for row in 1..=4 {
            sheet.write(row, 0, format!("077234567{row}")).unwrap().write(row, 2, "Grace").unwrap();
        }
        sheet.write(1, 1, 5_000).unwrap().write_with_format(2, 1, 5_000, &dollars).unwrap();
        // A format of numbers does nothing to a text.
        sheet.write_with_format(3, 1, "5000", &dollars).unwrap().write(4, 1, 5_000).unwrap();
    }));
    assert_eq!(read.issues(), [(3, "amount_character")]);
    assert_eq!(read.rows[1].issues[0].value.as_deref(), Some("$ 5000"), "as it is shown");
    let typed =
        read_bytes(&sheet(&(header() + &text("A2", "0772345678") + &text("B2", "$5000") + &text("C2", "Grace"))));
    let why = &typed.rows[0].issues[0].message;
    assert!(why.contains('$') && !why.contains("ormat"), "that one is typed: {why}");
}

#[test]
fn an_ods_is_held_to_what_it_shows_too() {
    let list = |kind: &str, shown: &str| read_bytes(&formatted_ods(kind, shown));
    for (kind, shown, code) in [
        ("\"float\"", "$5,000", "amount_character"),
        ("\"float\"", "KES 5000", "amount_other_currency"),
        ("\"currency\"", "€5,000", "amount_other_currency"),
        ("\"currency\" office:currency=\"USD\"", "5,000", "amount_other_currency"),
    ] {
        assert_eq!(said(&list(kind, shown)), (vec![(2, code)], None), "{kind}: {shown}");
    }
    for (kind, shown) in [
        ("\"float\"", "5,000"),
        ("\"float\"", "UGX 5,000"),
        ("\"float\"", "5,000/="),
        ("\"currency\"", "USh5,000"),
        ("\"currency\" office:currency=\"UGX\"", "5,000"),
    ] {
        assert_eq!(said(&list(kind, shown)), (vec![], Some((5_000, "5000".into()))), "{kind}: {shown}");
    }
}

#[test]
fn rows_and_columns_without_a_size_are_hidden_ones() {
    let list = |before: &str, row: &str| read_bytes(&with_row(before, row)).issues();
    for row in ["ht=\"0\" customHeight=\"1\"", "customHeight='1' ht='0.0'", "ht=\"0.75\"", "hidden=\"true\""] {
        assert_eq!(list("", row), [(2, "row_hidden")], "{row}");
    }
    for row in ["ht=\"15\" customHeight=\"1\"", "ht=\"\"", "hidden=\"0\""] {
        assert_eq!(list("", row), [], "{row}");
    }
    assert_eq!(list("<cols><col min=\"3\" max=\"3\" width=\"0\"/></cols>", ""), [(1, "column_hidden")]);
    assert_eq!(list("<cols><col min=\"3\" max=\"3\" width=\"0.5\" customWidth=\"1\"/></cols>", "").len(), 1);
    assert_eq!(list("<cols><col min=\"3\" max=\"3\" width=\"9\"/></cols>", ""), []);
    // Rows that the sheet says nothing of are hidden; those with cells are not.
    let unused = written(|book| {
        let sheet = book.add_worksheet();
        sheet.hide_unused_rows(true);
        headed(sheet, &["phone", "amount", "name"]);
        sheet.write(1, 0, "0772345678").unwrap().write(1, 1, 5_000).unwrap().write(1, 2, "Grace").unwrap();
    });
    assert_eq!(read_bytes(&unused).issues(), []);
}

#[test]
fn a_list_on_another_sheet_is_pointed_to() {
    let many = vec![&["one more line"][..]; 40];
    for (first, code) in [
        (&[&["Please fill in sheet 2"][..]][..], "missing_column"),
        // Given up before the sheet ends.
        (&many, "missing_column"),
        (&[&["phone", "amount"][..]], "no_rows"),
    ] {
        let read = read_bytes(&behind(first, true));
        let (error, told) = (read.error(), read.error().to_string());
        assert_eq!(error.code(), code, "{told}");
        assert!(told.contains("first visible sheet, \"Instructions\", was read"), "{told}");
        assert!(told.contains("Other sheets: \"List\"") && !told.contains("Rates"), "{told}");
        assert!(told.contains("put it on the first one, or delete the sheet"), "{told}");
        let alone = read_bytes(&behind(first, false));
        assert_eq!(alone.error().code(), code);
        assert!(!alone.error().to_string().contains("visible sheet"), "there is no other: {}", alone.error());
    }
    let cell = |text: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    let row = |text: &str| format!("<table:table-row>{}</table:table-row>", cell(text));
    let two = row("Please fill in sheet 2") + "</table:table><table:table table:name=\"April\">" + &row("phone");
    let read = read_bytes(&ods(&two));
    assert!(read.error().to_string().ends_with("Other sheets: \"April\""), "{}", read.error());
}
