//! One cell of an ODS.

use super::xml::{Element, Node, Xml, cut_off};
use crate::sheet::sign::sign;
use crate::sheet::{CELL_BYTES_MAX, Cell, Fault, SheetError, Shown, number};
use std::io::BufRead;

/// What the tag of a cell says.
#[derive(Debug, Default)]
pub(super) struct Tag {
    kind: String,
    value: Option<String>,
    date: Option<String>,
    time: Option<String>,
    boolean: Option<String>,
    text: Option<String>,
    currency: Option<String>,
    is_error: bool,
    is_formula: bool,
    pub repeated: u64,
}

impl Tag {
    pub fn read(element: &Element<'_>) -> Tag {
        let mut tag = Tag { repeated: element.repeated("number-columns-repeated"), ..Tag::default() };
        for (name, local, value) in element.attributes() {
            let value = value.into_owned();
            match local {
                // LibreOffice's own prefix, under which it says what an error is.
                "value-type" if name == "calcext:value-type" => tag.is_error = value == "error",
                "value-type" => tag.kind = value,
                "value" => tag.value = Some(value),
                "date-value" => tag.date = Some(value),
                "time-value" => tag.time = Some(value),
                "boolean-value" => tag.boolean = Some(value),
                "string-value" => tag.text = Some(value),
                "currency" => tag.currency = Some(value).filter(|c| !c.is_empty()),
                "formula" => tag.is_formula = true,
                _ => {}
            }
        }
        tag
    }

    pub fn has_value(&self) -> bool {
        !self.kind.is_empty()
    }

    /// The cell, given what a person sees in it.
    pub fn cell(self, shown: String) -> Cell<'static> {
        let number = self.value.as_deref().and_then(|v| v.trim().parse::<f64>().ok());
        if self.is_error || self.is_formula && is_error(&shown) {
            return Cell::fault(Fault::Error, shown);
        }
        match self.kind.as_str() {
            // LibreOffice keeps TRUE as a number that is shown as a word.
            "float" if !shown.is_empty() && !shown.contains(char::is_numeric) => Cell::text(shown),
            // The sign is part of what it says: 5 % is not 0.05 to anybody, and 500 dollars are no 500 shillings.
            "float" | "percentage" if shown.contains('%') => Cell::text(shown),
            "percentage" => {
                let value = self.value.unwrap_or_default();
                let seen = seen(&value, shown).unwrap_or(Some(Shown::Unknown));
                Cell::fault(Fault::Percent, value).shown(seen)
            }
            "float" | "currency" => {
                let sign = self.currency.or_else(|| sign(&shown));
                match (number.map(number::float), sign) {
                    (Some(cell), Some(sign)) => {
                        let seen = seen(&cell.text, shown).unwrap_or(Some(Shown::Unknown));
                        cell.in_money(&sign).shown(seen)
                    }
                    (Some(cell), None) => {
                        let seen = seen(&cell.text, shown).unwrap_or_default();
                        cell.shown(seen)
                    }
                    (None, _) => Cell::text(shown),
                }
            }
            "date" => number::iso_date(&self.date.unwrap_or(shown)),
            "time" => number::iso_duration(&self.time.unwrap_or(shown)),
            "boolean" => Cell::text(if self.boolean.as_deref() == Some("true") { "TRUE" } else { "FALSE" }),
            _ if shown.is_empty() && self.text.is_none() && self.is_formula => Cell::fault(Fault::NoValue, ""),
            _ => Cell::text(self.text.filter(|t| !t.is_empty()).unwrap_or(shown)),
        }
    }
}

/// What is seen of a number, where that is something else; `None` when the file does not say. What is so wide that it is shown
/// with an exponent is not what anybody means.
fn seen(number: &str, shown: String) -> Option<Option<Shown<'static>>> {
    match shown {
        shown if shown.is_empty() => None,
        shown if shown == number => Some(None),
        shown if shown.contains("E+") || shown.contains("E-") => Some(Some(Shown::Unknown)),
        shown => Some(Some(Shown::As(shown.into()))),
    }
}

/// Whether a formula came to nothing: `#N/A`, `#DIV/0!`, `Err:502`.
fn is_error(shown: &str) -> bool {
    let named = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"];
    named.contains(&shown) || shown.strip_prefix("Err:").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
}

/// Reads what is shown in the cell `element` that was just begun, to its end: its paragraphs, without comments, pictures
/// and tables inside.
pub(super) fn shown(xml: &mut Xml<impl BufRead>, element: &str, row: u32) -> Result<String, SheetError> {
    let mut text = String::new();
    let mut paragraphs = 0;
    loop {
        match xml.next()? {
            Node::Start(inner) if inner.name() == "p" => {
                if paragraphs > 0 {
                    text.push('\n');
                }
                paragraphs += 1;
                paragraph(xml, row, &mut text)?;
            }
            Node::Start(inner) => {
                let name = inner.name().to_owned();
                xml.skip(&name)?;
            }
            Node::End(end) if end.name() == element => return Ok(text),
            Node::Eof => return Err(cut_off()),
            Node::End(_) | Node::Text(_) | Node::Other => {}
        }
    }
}

/// White space counts once, and not at the beginning, as in every paragraph of the format; `s`, `tab` and `line-break`
/// stand for what is meant.
fn paragraph(xml: &mut Xml<impl BufRead>, row: u32, text: &mut String) -> Result<(), SheetError> {
    let mut after_space = true;
    loop {
        if text.len() > CELL_BYTES_MAX {
            return Err(SheetError::CellTooLong { row });
        }
        match xml.next()? {
            Node::Text(piece) => {
                for c in piece.chars() {
                    let space = matches!(c, ' ' | '\t' | '\r' | '\n');
                    if !(space && after_space) {
                        text.push(if space { ' ' } else { c });
                    }
                    after_space = space;
                }
            }
            Node::Start(inner) => {
                let meant = match inner.name() {
                    "s" => {
                        let count = inner.repeated("c").min(CELL_BYTES_MAX as u64 + 1);
                        " ".repeat(count as usize)
                    }
                    "tab" => "\t".into(),
                    "line-break" => "\n".into(),
                    // A comment, and how something is pronounced.
                    "annotation" | "note" | "ruby-text" | "frame" => {
                        let name = inner.name().to_owned();
                        xml.skip(&name)?;
                        continue;
                    }
                    _ => continue,
                };
                text.push_str(&meant);
                after_space = false;
            }
            Node::End(end) if end.name() == "p" => return Ok(()),
            Node::Eof => return Err(cut_off()),
            Node::End(_) | Node::Other => {}
        }
    }
}
