//! The XML of an ODS, event by event.
//!
//! Elements are told by their local names: the prefixes are a habit, the names do not meet. A document type is refused,
//! because all it could do here is declare entities.

use crate::sheet::SheetError;
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::io::{BufRead, ErrorKind};

/// Deepest nesting: spans in links in paragraphs in cells take a dozen. The reader remembers every open element.
const DEPTH_MAX: u32 = 256;

pub(super) struct Xml<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    /// Elements that are open.
    depth: u32,
    any: bool,
}

pub(super) enum Node<'a> {
    /// An empty element has its end too.
    Start(Element<'a>),
    End(EndOf<'a>),
    Text(Cow<'a, str>),
    /// What says nothing here.
    Other,
    Eof,
}

pub(super) struct Element<'a>(BytesStart<'a>);

pub(super) struct EndOf<'a>(BytesEnd<'a>);

impl EndOf<'_> {
    pub fn name(&self) -> &str {
        self.0.name().local_name().into_inner()
    }
}

impl Element<'_> {
    pub fn name(&self) -> &str {
        self.0.name().local_name().into_inner()
    }

    /// Attributes in the order of the file: name with its prefix, name without, and value.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str, Cow<'_, str>)> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        attributes.flatten().map(|a| {
            let key = a.key.into_inner();
            let value = a.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned).unwrap_or_default();
            (key, a.key.local_name().into_inner(), value.into())
        })
    }

    /// An attribute by its name without prefix.
    pub fn get(&self, name: &str) -> Option<String> {
        self.attributes().find(|(_, local, _)| *local == name).map(|(_, _, value)| value.into_owned())
    }

    pub fn is(&self, name: &str, value: &str) -> bool {
        self.get(name).is_some_and(|v| v == value)
    }

    /// How often it stands here: at least once, whatever is written.
    pub fn repeated(&self, name: &str) -> u64 {
        self.get(name).map_or(1, |n| n.trim().parse().unwrap_or(1).max(1))
    }
}

impl<R: BufRead> Xml<R> {
    pub fn new(source: R) -> Self {
        let mut reader = Reader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Xml { reader, buffer: Vec::new(), depth: 0, any: false }
    }

    /// Whether there was something, and every element that was opened was closed.
    pub fn is_complete(&self) -> bool {
        self.any && self.depth == 0
    }

    pub fn next(&mut self) -> Result<Node<'_>, SheetError> {
        self.buffer.clear();
        Ok(match self.reader.read_event_into(&mut self.buffer).map_err(told)? {
            Event::Start(element) => {
                (self.depth, self.any) = (self.depth + 1, true);
                if self.depth > DEPTH_MAX {
                    return Err(SheetError::damaged("its parts are nested too deeply"));
                }
                Node::Start(Element(element))
            }
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                Node::End(EndOf(end))
            }
            Event::Text(text) => Node::Text(text.into_inner()),
            Event::CData(text) => Node::Text(text.into_inner()),
            Event::GeneralRef(reference) => Node::Text(character(&reference)?.to_string().into()),
            Event::DocType(_) => return Err(SheetError::damaged("it declares entities")),
            Event::Eof => Node::Eof,
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => Node::Other,
        })
    }

    /// Passes over what is left of the element of this name that was just begun.
    pub fn skip(&mut self, name: &str) -> Result<(), SheetError> {
        let mut open = 1u32;
        while open > 0 {
            match self.next()? {
                Node::Start(element) if element.name() == name => open += 1,
                Node::End(end) if end.name() == name => open -= 1,
                Node::Eof => return Err(cut_off()),
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) fn cut_off() -> SheetError {
    SheetError::damaged("it is cut off")
}

fn told(error: quick_xml::Error) -> SheetError {
    match error {
        quick_xml::Error::Io(why) if why.kind() == ErrorKind::FileTooLarge => {
            crate::sheet::package::unpacks_to_too_much(crate::sheet::package::BYTES_MAX)
        }
        error => SheetError::damaged(error),
    }
}

fn character(reference: &BytesRef<'_>) -> Result<char, SheetError> {
    if let Some(character) = reference.resolve_char_ref().map_err(told)? {
        return Ok(character);
    }
    match reference.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        other => Err(SheetError::damaged(format!("it uses the entity {:.40}", other))),
    }
}
