//! Spreadsheets through the real process that reads them: `gaba read-sheet`, as the import starts it.

mod files;
pub mod hostile;
mod process;
pub mod shown;
mod xlsx;

use crate::support::{Folder, GABA, fixture};
use gaba::batch::import::{self, ImportError, Recipient, Row, Severity, Source, Summary, Terms};
use gaba::config::Config;
use gaba::lane::route::Router;
use gaba::money::Currency;
use gaba::phone::Country;
use gaba::sheet::{Answer, Fault, Program, SheetError};
use std::fs::File;
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;

const LANES: &str = r#"
[[lanes]]
name = "mtn-ug"
rail = "http"
base_url = "http://x"
currency = "UGX"
prefixes = ["25676", "25677", "25678", "25639"]

[[lanes]]
name = "airtel-ug"
rail = "http"
base_url = "http://x"
currency = "UGX"
prefixes = ["25670", "25674", "25675"]
"#;

/// What one import said and handed out.
struct Read {
    result: Result<Summary, ImportError>,
    rows: Vec<Row>,
}

impl Read {
    fn summary(&self) -> &Summary {
        self.result.as_ref().unwrap_or_else(|e| panic!("{}: {e}", e.code()))
    }

    fn error(&self) -> &ImportError {
        self.result.as_ref().expect_err("the file is refused")
    }

    /// `(row, code)` of every issue: those of rows in order, then those of the file.
    fn issues(&self) -> Vec<(u32, &'static str)> {
        let notices = self.result.iter().flat_map(|s| &s.notices);
        self.rows.iter().flat_map(|r| &r.issues).chain(notices).map(|i| (i.row, i.code)).collect()
    }

    fn recipient(&self, row: u32) -> &Recipient {
        let found = self.rows.iter().find(|r| r.row == row).unwrap_or_else(|| panic!("row {row} was handed out"));
        found.recipient.as_ref().unwrap_or_else(|| panic!("row {row} has a recipient: {:?}", found.issues))
    }

    fn paid(&self) -> Vec<(String, i64)> {
        let paid = self.rows.iter().filter_map(|r| r.recipient.as_ref());
        paid.map(|r| (r.msisdn.as_str().to_owned(), r.amount.minor)).collect()
    }
}

fn read_path(path: &Path) -> Read {
    read_telling(path, None)
}

/// The same, where the paid are told something.
fn read_telling(path: &Path, notice: Option<&str>) -> Read {
    let router = Router::new(&Config::parse(LANES).unwrap().lanes).unwrap();
    let terms = Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &router,
        mapping: None,
        rows_max: 1_000_000,
        sms: None,
        notice: notice.map(str::to_owned),
    };
    let mut rows = Vec::new();
    let result = import::read(path, &terms, &Program::new(GABA), &mut |row| {
        rows.push(row);
        Ok(())
    });
    Read { result, rows }
}

fn read_bytes(bytes: &[u8]) -> Read {
    let folder = Folder::new("sheet");
    std::fs::write(folder.file("upload"), bytes).unwrap();
    read_path(&folder.file("upload"))
}

/// A cell as it was read, and what is wrong with it.
type SeenCell = (String, Option<Fault>);

/// What the process says of a file, before anything is judged.
struct Sheet {
    rows: Vec<(u32, Vec<SeenCell>)>,
    others: Vec<String>,
}

impl Sheet {
    /// The texts of all rows.
    fn texts(&self) -> Vec<Vec<&str>> {
        self.rows.iter().map(|(_, cells)| cells.iter().map(|(text, _)| text.as_str()).collect()).collect()
    }
}

fn open(program: &Program, path: &Path) -> Result<Sheet, SheetError> {
    let mut stream = program.open(File::open(path).unwrap())?;
    let mut sheet = Sheet { rows: Vec::new(), others: Vec::new() };
    loop {
        match stream.read_next()? {
            Answer::Row { number, cells, .. } => {
                sheet.rows.push((number, cells.into_iter().map(|c| (c.text.into_owned(), c.fault)).collect()));
            }
            Answer::End { others } => {
                sheet.others = others;
                return Ok(sheet);
            }
        }
    }
}

/// A zip archive of these parts.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An XLSX of given parts, each `(name, content)`, beside those every workbook has.
fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    const RELS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let rels = format!(
        "<Relationships><Relationship Id=\"a\" \
         Type=\"{RELS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let book = "<workbook><sheets><sheet name=\"List\" sheetId=\"1\" r:id=\"b\"/></sheets></workbook>";
    let book_rels = format!(
        "<Relationships><Relationship Id=\"b\" \
         Type=\"{RELS}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let own = [
        ("_rels/.rels", rels.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", book_rels.as_bytes()),
    ];
    zipped(&[&own, parts].concat())
}

/// An XLSX whose sheet holds these `<row>`s or `<c>`s.
fn sheet(rows: &str) -> Vec<u8> {
    let xml = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    package(&[("xl/worksheets/sheet1.xml", xml.as_bytes())])
}

fn text(cell: &str, value: &str) -> String {
    format!("<c r=\"{cell}\" t=\"str\"><v>{value}</v></c>")
}

fn header() -> String {
    text("A1", "phone") + &text("B1", "amount") + &text("C1", "name") + &text("D1", "village")
}

/// An ODS whose first table holds these rows.
fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"List\">{rows}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    );
    zipped(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.as_bytes())])
}
