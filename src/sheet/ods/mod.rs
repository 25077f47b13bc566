//! ODS: the first visible table, as a stream.
//!
//! An ODS says "this row a million times" in forty bytes. What is blank is counted and not repeated; what is not is
//! repeated as often as a list can have rows, and handed over each time, so that whoever takes the rows decides when it is
//! enough. Nothing else of the file is kept than the row at hand and the names of hidden styles.

mod cell;
mod table;
mod xml;

use super::read::Sink;
use super::{Opening, Ranges, SheetError, package};
use memchr::memmem;
use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Seek};
use xml::{Element, Node, Xml};
use zip::ZipArchive;

const OTHERS_MAX: usize = 64;
const MANIFEST: &str = "META-INF/manifest.xml";
const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub(super) fn read<R: Read + Seek>(file: R, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let mut archive = package::open(BufReader::new(file))?;
    refuse_encrypted(&mut archive)?;
    let content = match archive.by_name("content.xml") {
        Ok(content) => content,
        Err(zip::result::ZipError::FileNotFound) => return Err(SheetError::damaged("it has no content")),
        Err(why) => return Err(package::damaged(why)),
    };
    read_content(BufReader::new(Counted { entry: content, left: package::BYTES_MAX }), sink)
}

fn refuse_encrypted(archive: &mut ZipArchive<impl Read + Seek>) -> Result<(), SheetError> {
    let Ok(manifest) = archive.by_name(MANIFEST) else { return Ok(()) };
    let mut text = Vec::new();
    manifest.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(SheetError::damaged)?;
    match memmem::find(&text, b"encryption-data") {
        Some(_) => Err(SheetError::PasswordProtected),
        None => Ok(()),
    }
}

/// Inflates no more than a workbook may have.
struct Counted<R> {
    entry: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.entry.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::from(io::ErrorKind::FileTooLarge)),
        }
        Ok(read)
    }
}

/// Reads `content.xml`.
pub(super) fn read_content(content: impl BufRead, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let mut xml = Xml::new(content);
    let mut styles = Styles::default();
    let (mut is_read, mut others) = (false, Vec::new());
    loop {
        match xml.next()? {
            Node::Start(element) => match element.name() {
                "table" => {
                    let sheet = Table::of(&element, &styles);
                    if sheet.hidden {
                        xml.skip("table")?;
                    } else if !is_read {
                        table::read(&mut xml, sheet.name, sink)?;
                        is_read = true;
                    } else if table::has_cells(&mut xml)? && others.len() < OTHERS_MAX {
                        others.push(sheet.name);
                    }
                }
                // Tables that are none of the document's sheets stand in these.
                foreign @ ("tracked-changes" | "dde-links") => {
                    let foreign = foreign.to_owned();
                    xml.skip(&foreign)?;
                }
                _ => styles.note(&element),
            },
            Node::Eof => break,
            Node::End(_) | Node::Text(_) | Node::Other => {}
        }
    }
    if !xml.is_complete() {
        return Err(xml::cut_off());
    }
    if !is_read {
        return Err(SheetError::NoSheet);
    }
    sink.end(&others)
}

/// The styles of tables that are hidden.
#[derive(Default)]
struct Styles {
    current: Option<String>,
    hidden: HashSet<String>,
}

impl Styles {
    fn note(&mut self, element: &Element<'_>) {
        match element.name() {
            "style" => self.current = element.get("name").filter(|_| element.is("family", "table")),
            "table-properties" if element.is("display", "false") => self.hidden.extend(self.current.clone()),
            _ => {}
        }
    }
}

struct Table {
    name: String,
    hidden: bool,
}

impl Table {
    fn of(element: &Element<'_>, styles: &Styles) -> Table {
        let hidden = element.get("style-name").is_some_and(|style| styles.hidden.contains(&style));
        Table { name: element.get("name").unwrap_or_default(), hidden }
    }
}

fn opening(sheet: String, hidden_columns: Ranges) -> Opening {
    Opening { format: "ods".into(), sheet, knows_hidden: true, hidden_columns }
}

#[cfg(test)]
mod tests;
