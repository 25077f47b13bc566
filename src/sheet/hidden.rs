//! Which rows and columns of an XLSX are hidden, which calamine does not tell.
//!
//! The sheet is read once more for it, and only when the word occurs in it, or a height or width of nought. Whoever hid a
//! row, or filtered it out, does not see it when he looks at the list; it is paid all the same, so it has to be told. What
//! cannot be found out here is no error, and told too: the file is judged by the reader of its cells.
//!
//! `zeroHeight`, by which rows are hidden that the sheet says nothing of, hides no cell: each stands in a `<row>`, which is
//! shown unless it says otherwise itself. Templates hide all rows below the list by it.

use super::{Ranges, SHEET_ROWS_MAX, package};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Seek};
use zip::ZipArchive;

/// Far beyond what a sheet has columns.
const COLUMN_MAX: u32 = 16_384;
/// Points of height, or characters of width, below which nothing of a cell is seen.
const SIZE_MIN: f64 = 1.0;
/// One of these stands in every sheet that hides something.
pub(super) const TRACES: [&[u8]; 5] = [b"hidden", b"ht=\"0", b"ht='0", b"width=\"0", b"width='0"];

#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Counted from 1.
    pub rows: Ranges,
    /// Counted from 0.
    pub columns: Ranges,
}

/// The first visible sheet, and what is hidden in it. The package has been weighed.
pub(super) fn find(file: &mut (impl Read + Seek)) -> Option<(String, Hidden)> {
    let mut archive = package::open(BufReader::new(file)).ok()?;
    let package = targets(&mut archive, "_rels/.rels")?;
    let workbook = package.into_values().find(|target| target.kind.ends_with("/officeDocument"))?.path;
    let workbook = workbook.trim_start_matches('/').to_owned();
    let (folder, name) = workbook.rsplit_once('/').map_or(("", workbook.as_str()), |(folder, name)| (folder, name));
    let sheets = targets(&mut archive, &joined(folder, &format!("_rels/{name}.rels")))?;
    let (sheet, part) = first_visible(&mut archive, &workbook, &sheets)?;
    let part = part.strip_prefix('/').map_or_else(|| joined(folder, &part), str::to_owned);
    let mut hidden = Hidden::default();
    elements(&mut archive, &part, |element| hidden.note(element))?;
    Some((sheet, hidden))
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl Hidden {
    fn note(&mut self, element: &BytesStart<'_>) -> Option<()> {
        let number = |name| attribute(element, name)?.parse::<u32>().ok();
        let is_nothing = |size| attribute(element, size).is_some_and(|v| v.parse().is_ok_and(|n: f64| n < SIZE_MIN));
        let is_hidden =
            |size| attribute(element, "hidden").is_some_and(|v| matches!(v.as_str(), "1" | "true")) || is_nothing(size);
        match element.local_name().as_ref() {
            "row" if is_hidden("ht") => {
                let row = number("r").filter(|r| *r <= SHEET_ROWS_MAX)?;
                self.rows.add(row, row);
            }
            "col" if is_hidden("width") => {
                let (first, last) = (number("min")?.max(1), number("max")?.min(COLUMN_MAX));
                self.columns.add(first - 1, last.max(first) - 1);
            }
            _ => {}
        }
        Some(())
    }
}

struct Target {
    kind: String,
    path: String,
}

/// The relationships of a part, by their id.
fn targets<R: Read + Seek>(archive: &mut ZipArchive<R>, part: &str) -> Option<HashMap<String, Target>> {
    let mut found = HashMap::new();
    elements(archive, part, |element| {
        if element.local_name().as_ref() == "Relationship" {
            let [id, kind, path] = ["Id", "Type", "Target"].map(|name| attribute(element, name));
            found.insert(id?, Target { kind: kind?, path: path? });
        }
        Some(())
    })?;
    Some(found)
}

/// Name and part of the first worksheet that is visible.
fn first_visible<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    workbook: &str,
    targets: &HashMap<String, Target>,
) -> Option<(String, String)> {
    let mut first = None;
    elements(archive, workbook, |element| {
        if first.is_none() && element.local_name().as_ref() == "sheet" {
            let visible = attribute(element, "state").is_none_or(|state| state == "visible");
            let target = targets.get(&attribute(element, "id")?)?;
            if visible && target.kind.ends_with("/worksheet") {
                first = Some((attribute(element, "name")?, target.path.clone()));
            }
        }
        Some(())
    })?;
    first
}

/// Calls `note` with every element of a part, of a sheet as far as its rows go; what it does not understand of one
/// element is passed over.
fn elements<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    part: &str,
    mut note: impl FnMut(&BytesStart<'_>) -> Option<()>,
) -> Option<()> {
    // Names are looked up whatever their case, as the reader of the cells does.
    let wanted = part.to_ascii_lowercase();
    let is_wanted = |name: &str| name.replace('\\', "/").to_ascii_lowercase() == wanted;
    let index = archive.file_names().position(|name| name.is_ok_and(|name| is_wanted(&name)))?;
    let entry = archive.by_index(index).ok()?;
    each_element(BufReader::new(entry), &mut note)
}

fn each_element(xml: impl BufRead, note: &mut dyn FnMut(&BytesStart<'_>) -> Option<()>) -> Option<()> {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(element) | Event::Empty(element) => drop(note(&element)),
            Event::End(end) if end.local_name().as_ref() == "sheetData" => return Some(()),
            Event::Eof => return Some(()),
            _ => {}
        }
    }
}

/// An attribute by its local name.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}
