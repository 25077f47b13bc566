//! Files that openpyxl and LibreOffice wrote (`fixtures/uploads/sheets/make.py`), and those that calamine collected.

use super::*;

fn list(name: &str) -> Read {
    read_path(&fixture("sheets").join(name))
}

fn collected(name: &str) -> Result<Sheet, SheetError> {
    open(&Program::new(GABA), &fixture("sheets/calamine").join(name))
}

/// Who is paid by the list of four in every format.
fn staff() -> Vec<(String, i64)> {
    [("256772345678", 50_000), ("256752345679", 1_250_000), ("256782345680", 75_500), ("256702345681", 60_000)]
        .map(|(msisdn, amount)| (msisdn.to_owned(), amount))
        .to_vec()
}

#[test]
fn the_same_list_is_paid_alike_in_every_format() {
    for (name, format) in [
        ("staff.xlsx", "xlsx"),
        ("staff_libreoffice.xlsx", "xlsx"),
        ("staff_strict.xlsx", "xlsx"),
        ("staff_macros.xlsm", "xlsx"),
        ("staff_xlsx_named.xls", "xlsx"),
        ("staff_97.xls", "xls"),
        ("staff_xls_named.xlsx", "xls"),
        ("staff_libreoffice.ods", "ods"),
        ("staff_ods_named.csv", "ods"),
    ] {
        let read = list(name);
        assert_eq!(read.summary().source, Source::Workbook { format: format.into(), sheet: "March".into() }, "{name}");
        assert_eq!((read.paid(), read.issues()), (staff(), vec![]), "{name}");
        let people: Vec<&str> = read.rows.iter().map(|r| r.recipient.as_ref().unwrap().name.as_str()).collect();
        assert_eq!(people, ["Grace Nakato", "Moses Okello", "Irene Auma", "Zoë Müller-Ssemakula"], "{name}");
        let variables = &read.recipient(2).variables;
        let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let expected = [("Department", "Finance"), ("Joined", "2024-02-29"), ("Permanent", "TRUE")];
        assert_eq!(variables, expected, "{name}");
    }
}

#[test]
fn formulas_are_paid_as_calculated_and_refused_when_they_never_were() {
    let calculated = [50_000, 75_000, 100_000, 125_000];
    for name in ["formulas_libreoffice.xlsx", "formulas_97.xls", "formulas_libreoffice.ods"] {
        let read = list(name);
        assert_eq!(read.paid().iter().map(|(_, amount)| *amount).collect::<Vec<_>>(), calculated, "{name}");
        assert_eq!((read.issues(), read.recipient(3).variables["Gross"].as_str()), (vec![], "150000"), "{name}");
    }
    let read = list("formulas.xlsx");
    assert_eq!(read.paid(), []);
    // The column that is not needed to pay has a warning beside the error of each row.
    assert_eq!(read.issues(), [2, 2, 3, 3, 4, 4, 5, 5].map(|row| (row, "formula_without_value")));
    for name in ["errors_libreoffice.xlsx", "errors_97.xls", "errors_libreoffice.ods"] {
        let read = list(name);
        assert_eq!(read.issues(), [(3, "cell_error"), (4, "cell_error")], "{name}");
        let shown: Vec<_> = read.rows.iter().flat_map(|r| &r.issues).map(|i| i.value.as_deref().unwrap()).collect();
        assert_eq!(shown, ["#DIV/0!", "#N/A"], "{name}");
    }
}

#[test]
fn hidden_rows_and_columns_are_paid_and_told_and_hidden_sheets_are_not_read() {
    for name in ["hidden.xlsx", "hidden_libreoffice.xlsx", "hidden_97.xls", "hidden_libreoffice.ods"] {
        let read = list(name);
        assert_eq!(read.rows.len(), 5, "{name}");
        assert_eq!(read.summary().valid, 5, "{name}");
        assert_eq!(read.issues(), [(3, "row_hidden"), (5, "row_hidden"), (1, "column_hidden")], "{name}");
        assert_eq!(read.summary().warnings, 3, "{name}");
        let notice = &read.summary().notices[0];
        assert!(notice.severity == Severity::Warning && notice.message.contains(": E."), "{name}: {}", notice.message);
    }
}

#[test]
fn where_it_cannot_be_known_what_is_hidden_that_is_told() {
    let read = read_bytes(&hostile::pathless_xls());
    assert_eq!((read.summary().valid, read.issues()), (5, vec![(1, "hidden_unknown")]));
}

#[test]
fn other_sheets_with_people_are_told_and_empty_ones_are_not() {
    for name in ["sheets.xlsx", "sheets_libreoffice.xlsx", "sheets_97.xls", "sheets_libreoffice.ods"] {
        let read = list(name);
        assert_eq!((read.paid(), read.issues()), (staff(), vec![(1, "other_sheets")]), "{name}");
        let message = &read.summary().notices[0].message;
        assert!(message.contains("\"April\" was not") && !message.contains("Empty"), "{name}: {message}");
    }
    let read = list("cover.xlsx");
    assert_eq!(read.error().code(), "first_sheet_empty");
    assert!(read.error().to_string().contains("\"Cover\"") && read.error().to_string().contains("\"March\""));
}

#[test]
fn odd_cells_are_refused_where_they_would_be_guessed() {
    for (name, issues) in [
        ("date_amount.xlsx", vec![(3, "cell_is_a_date")]),
        ("date_amount_libreoffice.xlsx", vec![(3, "cell_is_a_date")]),
        ("date_amount_97.xls", vec![(3, "cell_is_a_date")]),
        ("date_amount_libreoffice.ods", vec![(3, "cell_is_a_date")]),
        ("date_phone.xlsx", vec![(3, "cell_is_a_date")]),
        ("boolean_amount.xlsx", vec![(3, "amount_letters")]),
        ("na_amount.xlsx", vec![(3, "cell_error")]),
        ("imprecise_amount.xlsx", vec![(3, "number_imprecise")]),
        ("merged.xlsx", vec![(4, "amount_missing")]),
        ("merged_libreoffice.ods", vec![(4, "amount_missing")]),
        ("float_phone.xlsx", vec![]),
        ("text_amount.xlsx", vec![]),
        ("rich_text.xlsx", vec![]),
        ("x000d.xlsx", vec![]),
        ("blanks.xlsx", vec![]),
        ("date_1904.xlsx", vec![]),
    ] {
        assert_eq!(list(name).issues(), issues, "{name}");
    }
    assert_eq!(list("float_phone.xlsx").recipient(3).msisdn.as_str(), "256772123456");
    assert_eq!(list("text_amount.xlsx").recipient(3).amount.minor, 75_500);
    for name in ["rich_text.xlsx", "x000d.xlsx"] {
        assert_eq!(list(name).recipient(3).name, "Moses Okello", "{name}");
    }
    assert_eq!(list("date_1904.xlsx").recipient(2).variables["Joined"], "2024-02-29");
}

#[test]
fn what_calamine_collected_is_read_or_refused_in_words() {
    for (name, code) in [
        ("pass_protected.xlsx", "password_protected"),
        ("pass_protected.xlsb", "password_protected"),
        ("pass_protected.ods", "password_protected"),
        ("issue_666_panic.xlsb", "binary_workbook"),
        ("too_small.xls", "not_a_list"),
    ] {
        assert_eq!(collected(name).err().map(|e| e.code()), Some(code), "{name}");
    }
    for (name, rows) in [
        ("has_x000D_.xlsx", "ABC\r\nDEF"),
        ("empty_shared_string.xlsx", "abc"),
        ("richtext-namespaced.xlsx", "inline string\nLine 2\nLine 3|||||||shared string\nLine 2\nLine 3"),
        ("rph.xlsx", "課きく\u{3000}毛こ"),
        ("nonstandard-xml-ns-prefix.xlsx", "a|b / 1|3 / 2|4"),
        ("inlineStr_cdata.xlsx", "Hello CDATA|World / 12345|NormalText"),
        ("errors.xlsx", "#DIV/0! / #NAME? / #VALUE! / #NULL! / #REF! / #NUM! / #N/A"),
        ("date_1904.xlsx", "2021-01-01|15 / 2021-01-02|16 / 255:10:10|17"),
        ("date_1904.xls", "2021-01-01|15 / 2021-01-02|16 / 255:10:10|17"),
        ("date.ods", "2021-01-01|15 / 2021-01-01T10:10:10|16 / 10:10:10|17 / 10:10:10|18"),
        ("biff5_write.xls", "1|2|3 / TRUE|FALSE||sheetjs / foo|bar|2014-02-19T14:30:00|0.3 / baz||qux"),
        ("number_rows_repeated.ods", "A|B / C|D / C|D / C|D / C|D"),
        ("covered.ods", "a1 / a2"),
        ("with-annotation.ods", "cell a.1"),
        ("vba.xlsm", ""),
    ] {
        let sheet = collected(name).unwrap();
        let read: Vec<String> = sheet.texts().into_iter().map(|cells| cells.join("|")).collect();
        assert_eq!(read.join(" / "), rows, "{name}");
    }
    let repeated = collected("number_rows_repeated.ods").unwrap();
    assert_eq!(repeated.rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 6, 8]);
    assert_eq!(repeated.others, ["Sheet2", "Sheet3"]);
    // Two of its four sheets are hidden, one is a chart.
    for name in ["any_sheets.xlsx", "any_sheets.ods"] {
        assert_eq!(collected(name).unwrap().others, [""; 0], "{name}");
    }
    let strict = collected("strict_iso_paths.xlsx").unwrap();
    assert_eq!(strict.texts()[0][..2], ["Item", "Thickness"]);
}
