use super::*;
use crate::sheet::{CELL_BYTES_MAX, COLUMNS_MAX, Cell, Fault, SHEET_ROWS_MAX, Shown};

#[derive(Default)]
struct Rows {
    opening: Option<Opening>,
    rows: Vec<(u32, bool, Vec<String>)>,
    cells: Vec<Cell<'static>>,
    others: Vec<String>,
    rows_max: usize,
}

impl Sink for Rows {
    fn begin(&mut self, opening: &Opening) -> Result<(), SheetError> {
        assert!(self.opening.replace(opening.clone()).is_none(), "it begins once");
        Ok(())
    }

    fn row(&mut self, number: u32, hidden: bool, cells: &[Cell<'_>]) -> Result<(), SheetError> {
        assert!(self.opening.is_some());
        if self.rows.len() == self.rows_max {
            return Err(SheetError::too_large("enough"));
        }
        self.rows.push((number, hidden, cells.iter().map(|c| c.text.to_string()).collect()));
        self.cells = cells.iter().map(|c| c.to_owned()).collect();
        Ok(())
    }

    fn end(&mut self, others: &[String]) -> Result<(), SheetError> {
        self.others = others.to_vec();
        Ok(())
    }
}

fn read(xml: &str) -> Result<Rows, SheetError> {
    let mut rows = Rows { rows_max: 5_000, ..Rows::default() };
    read_content(xml.as_bytes(), &mut rows)?;
    Ok(rows)
}

/// A document with these tables, styles before them.
fn document(styles: &str, tables: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
         <office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
}

fn table(rows: &str) -> String {
    document("", &format!("<table:table table:name=\"List\">{rows}</table:table>"))
}

fn row(cells: &str) -> String {
    format!("<table:table-row>{cells}</table:table-row>")
}

fn text(text: &str) -> String {
    format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
}

fn cell(attributes: &str, shown: &str) -> Cell<'static> {
    let cell = format!("<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>{}", text("end"));
    read(&table(&row(&cell))).unwrap().cells.swap_remove(0)
}

#[test]
fn cells_are_read_as_a_person_sees_them() {
    let seen = |shown: Option<&'static str>| Some(shown.map_or(Shown::Unknown, |shown| Shown::As(shown.into())));
    let number = |text: &'static str, shown| Cell::text(text).shown(seen(shown));
    let money = |text: &'static str, shown| Cell::fault(Fault::Money, text).shown(seen(Some(shown)));
    let percent = |shown| Cell::fault(Fault::Percent, "0.05").shown(seen(shown));
    for (attributes, shown, expected) in [
        (r#"office:value-type="float" office:value="256772345678""#, "2.57E+11", number("256772345678", None)),
        (
            r#"office:value-type="float" office:value="50000" table:formula="of:=1""#,
            "50,000",
            number("50000", Some("50,000")),
        ),
        (r#"office:value-type="string""#, "Odhiambo &amp; S&#xF6;hne", Cell::text("Odhiambo & Söhne")),
        (r#"office:value-type="string" office:string-value="whole""#, "wh…", Cell::text("whole")),
        (r#"office:value-type="percentage" office:value="0.05""#, "5%", Cell::text("5%")),
        (r#"office:value-type="currency" office:currency="USD" office:value="5""#, "$5", money("USD 5", "$5")),
        (r#"office:value-type="currency" office:value="5""#, "5 UGX", money("UGX 5", "5 UGX")),
        (r#"office:value-type="currency" office:value="5000""#, "5,000", number("5000", Some("5,000"))),
        (r#"office:value-type="float" office:value="5000""#, "$5,000", money("$ 5000", "$5,000")),
        (r#"office:value-type="float" office:value="5000""#, "KES 5000", money("KES 5000", "KES 5000")),
        (r#"office:value-type="float" office:value="5000""#, "5,000/=", money("5000/=", "5,000/=")),
        (r#"office:value-type="float" office:value="5000""#, "5,000 kg", number("5000", Some("5,000 kg"))),
        (r#"office:value-type="float" office:value="5000""#, "", Cell::text("5000")),
        (r#"office:value-type="percentage" office:value="0.05""#, "", percent(None)),
        (r#"office:value-type="percentage" office:value="0.05""#, "5 per cent", percent(Some("5 per cent"))),
        (r#"office:value-type="float" office:value="50""#, "50%", Cell::text("50%")),
        (r#"office:value-type="boolean" office:boolean-value="true""#, "WAHR", Cell::text("TRUE")),
        (
            r#"office:value-type="date" office:date-value="2026-03-01""#,
            "1/3/26",
            Cell::fault(Fault::Date, "2026-03-01"),
        ),
        (
            r#"office:value-type="date" office:date-value="2026-03-01T12:30:00""#,
            "1/3/26",
            Cell::fault(Fault::Date, "2026-03-01T12:30:00"),
        ),
        (r#"office:value-type="time" office:time-value="PT36H05M00S""#, "36:05", Cell::fault(Fault::Date, "36:05:00")),
        (
            r#"table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error""#,
            "#N/A",
            Cell::fault(Fault::Error, "#N/A"),
        ),
        (
            r#"table:formula="of:=1/0" office:value-type="float" office:value="0""#,
            "#DIV/0!",
            Cell::fault(Fault::Error, "#DIV/0!"),
        ),
        (r#"table:formula="of:=1""#, "", Cell::fault(Fault::NoValue, "")),
        (
            r#"office:value-type="float" office:value="0.30000000000000004""#,
            "0.3",
            Cell::fault(Fault::Imprecise, "0.30000000000000004").shown(Some(Shown::As("0.3".into()))),
        ),
        (r#"office:value-type="float" office:value="1" table:formula="of:=TRUE()""#, "WAHR", Cell::text("WAHR")),
        (r#"office:value-type="float" office:value="5" calcext:value-type="float""#, "5", Cell::text("5")),
    ] {
        assert_eq!(cell(attributes, shown), expected, "{attributes}");
    }
}

#[test]
fn a_paragraph_is_its_words_without_comments_and_pictures() {
    let shown = |inner: &str| cell("office:value-type=\"string\"", inner).text.into_owned();
    assert_eq!(shown("  Grace\n   <text:span>Na</text:span>kato<text:s text:c=\"2\"/>x"), "Grace Nakato  x");
    assert_eq!(shown("a<text:tab/>b<text:line-break/>c<text:a>d</text:a>"), "a\tb\ncd");
    assert_eq!(shown("a</text:p><text:p>b"), "a\nb");
    assert_eq!(shown("a<text:note><text:p>no</text:p></text:note>b<![CDATA[<c>]]>"), "ab<c>");
    let commented = "<table:table-cell office:value-type=\"string\"><office:annotation><text:p>no</text:p>\
                     </office:annotation><text:p>yes</text:p><draw:frame><table:table><table:table-row/></table:table>\
                     </draw:frame></table:table-cell>";
    assert_eq!(read(&table(&row(commented))).unwrap().rows[0].2, ["yes"]);
}

#[test]
fn what_is_repeated_keeps_its_place_and_blanks_cost_nothing() {
    let many =
        |n: u64, cell: &str| format!("<table:table-row table:number-rows-repeated=\"{n}\">{cell}</table:table-row>");
    let blank = "<table:table-cell table:number-columns-repeated=\"16384\"/>";
    let two = "<table:table-cell table:number-columns-repeated=\"2\"/>";
    let thrice = "<table:table-cell table:number-columns-repeated=\"3\" office:value-type=\"string\"><text:p>x</text:p>\
                  </table:table-cell>";
    let covered = "<table:covered-table-cell><text:p>unseen</text:p></table:covered-table-cell>";
    let read = read(&table(&format!(
        "{}{}{}{}",
        row(&format!("{}{two}{}{blank}", text("a"), text("b"))),
        many(9, blank),
        many(2, &format!("{thrice}{covered}{}", text("end"))),
        many(u64::MAX, blank),
    )))
    .unwrap();
    let rows: Vec<(u32, Vec<&str>)> =
        read.rows.iter().map(|(n, _, cells)| (*n, cells.iter().map(String::as_str).collect())).collect();
    let twice = vec!["x", "x", "x", "", "end"];
    assert_eq!(rows, [(1, vec!["a", "", "", "b"]), (11, twice.clone()), (12, twice)]);
}

#[test]
fn a_bomb_of_repeats_goes_off_outside() {
    let cells = format!(
        "<table:table-cell table:number-columns-repeated=\"{COLUMNS_MAX}\" office:value-type=\"string\"><text:p>x</text:p>\
         </table:table-cell>"
    );
    let bomb = format!("<table:table-row table:number-rows-repeated=\"{SHEET_ROWS_MAX}\">{cells}</table:table-row>");
    let ended = read(&table(&bomb)).err().unwrap().to_string();
    assert!(ended.contains("enough"), "whoever takes the rows ends it: {ended}");
    for (rows, code) in [
        (bomb.replace(&SHEET_ROWS_MAX.to_string(), "1048577"), "workbook_damaged"),
        (bomb.replace(&SHEET_ROWS_MAX.to_string(), "18446744073709551615"), "workbook_damaged"),
        (row(&cells.replace(&format!("\"{COLUMNS_MAX}\""), "\"257\"")), "too_many_columns"),
        (row(&cells.replace(&format!("\"{COLUMNS_MAX}\""), "\"99999999999\"")), "too_many_columns"),
        (row(&text(&"x".repeat(CELL_BYTES_MAX + 1))), "cell_too_long"),
        (row(&text("<text:s text:c=\"999999999999\"/>")), "cell_too_long"),
        (row(&text(&"x".repeat(CELL_BYTES_MAX)).repeat(17)), "cell_too_long"),
        (row(&text(&"<text:span>".repeat(1_000))), "workbook_damaged"),
        (row(&text("&bomb;")), "workbook_damaged"),
    ] {
        assert_eq!(read(&table(&rows)).err().map(|e| e.code()), Some(code), "{rows:.200}");
    }
    let entities = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>".to_owned() + &table("");
    assert_eq!(read(&entities).err().unwrap().code(), "workbook_damaged");
}

#[test]
fn hidden_rows_columns_and_sheets_are_known() {
    let styles = "<style:style style:name=\"ta1\" style:family=\"table\"><style:table-properties table:display=\"true\"/>\
                  </style:style><style:style style:name=\"ta2\" style:family=\"table\"><style:table-properties \
                  table:display=\"false\"/></style:style>";
    let list = format!(
        "<table:table-column table:number-columns-repeated=\"2\"/><table:table-column table:visibility=\"collapse\"/>\
         <table:table-column table:number-columns-repeated=\"16381\"/>{}\
         <table:table-row table:visibility=\"filter\">{}</table:table-row>\
         <table:table-row-group table:display=\"false\">{}</table:table-row-group>{}",
        row(&text("a")),
        text("b"),
        row(&text("c")),
        row(&text("d")),
    );
    let sheet = |name: &str, style: &str, rows: &str| {
        format!("<table:table table:name=\"{name}\" table:style-name=\"{style}\">{rows}</table:table>")
    };
    let tables = [
        "<table:tracked-changes><table:table table:name=\"old\"><table:table-row/></table:table></table:tracked-changes>"
            .to_owned(),
        sheet("Rates", "ta2", &row(&text("x"))),
        sheet("Löhne", "ta1", &list),
        sheet("Empty", "ta1", &row("<table:table-cell/>")),
        sheet("Secret", "ta2", &row(&text("x"))),
        sheet("April", "ta1", &row(&text("x"))),
    ];
    let read = read(&document(styles, &tables.concat())).unwrap();
    let opening = read.opening.unwrap();
    assert_eq!((opening.sheet.as_str(), opening.format.as_str()), ("Löhne", "ods"));
    assert_eq!(opening.hidden_columns.iter().collect::<Vec<_>>(), [(2, 2)]);
    let hidden: Vec<(u32, bool)> = read.rows.iter().map(|(n, hidden, _)| (*n, *hidden)).collect();
    assert_eq!(hidden, [(1, false), (2, true), (3, true), (4, false)]);
    assert_eq!(read.others, ["April"]);
}

#[test]
fn what_is_no_whole_document_is_damaged() {
    let whole = table(&row(&text("a")));
    for cut in [0, 10, whole.len() / 2, whole.len() - 40, whole.len() - 1] {
        assert_eq!(read(&whole[..cut]).err().map(|e| e.code()), Some("workbook_damaged"), "{}", &whole[..cut]);
    }
    assert_eq!(read(&document("", "")).err().unwrap().code(), "no_sheet");
    assert_eq!(read("<a><b></a></b>").err().unwrap().code(), "workbook_damaged");
    assert!(read(&table("")).unwrap().opening.is_some(), "an empty table is one");
}
