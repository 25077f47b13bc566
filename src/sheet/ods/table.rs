//! The rows of one table of an ODS.

use super::cell::{self, Tag};
use super::opening;
use super::xml::{Element, Node, Xml, cut_off};
use crate::sheet::read::{Line, Sink};
use crate::sheet::{Ranges, SHEET_ROWS_MAX, SheetError};
use std::io::BufRead;

/// More columns than any sheet has: where counting them ends.
const COLUMN_MAX: u32 = 1 << 20;

/// Reads the table that was just begun, to its end.
pub(super) fn read(xml: &mut Xml<impl BufRead>, name: String, sink: &mut dyn Sink) -> Result<(), SheetError> {
    let mut table =
        Table { sink, name: Some(name), columns: 0, hidden_columns: Ranges::default(), rows: 0, groups: Vec::new() };
    loop {
        match xml.next()? {
            Node::Start(element) => match element.name() {
                "table-column" => table.column(&element),
                "table-row" => {
                    let (repeated, hidden) = (element.repeated("number-rows-repeated"), is_hidden(&element));
                    table.row(xml, repeated, hidden)?;
                }
                "table-row-group" => table.groups.push(element.is("display", "false")),
                "table-columns"
                | "table-header-columns"
                | "table-column-group"
                | "table-rows"
                | "table-header-rows" => {}
                other => {
                    let other = other.to_owned();
                    xml.skip(&other)?;
                }
            },
            Node::End(end) => match end.name() {
                "table-row-group" => drop(table.groups.pop()),
                "table" => return table.begin(),
                _ => {}
            },
            Node::Eof => return Err(cut_off()),
            Node::Text(_) | Node::Other => {}
        }
    }
}

/// Whether the table that was just begun has a cell that is not empty; reads it to its end.
pub(super) fn has_cells(xml: &mut Xml<impl BufRead>) -> Result<bool, SheetError> {
    loop {
        match xml.next()? {
            Node::Start(element) if element.name() == "table-cell" && Tag::read(&element).has_value() => {
                xml.skip("table")?;
                return Ok(true);
            }
            Node::Start(element) if element.name() == "table" => xml.skip("table")?,
            Node::End(end) if end.name() == "table" => return Ok(false),
            Node::Eof => return Err(cut_off()),
            _ => {}
        }
    }
}

/// `collapse`: hidden by hand; `filter`: by a filter.
fn is_hidden(element: &Element<'_>) -> bool {
    element.get("visibility").is_some_and(|v| v != "visible")
}

struct Table<'s> {
    sink: &'s mut dyn Sink,
    /// Until it was told.
    name: Option<String>,
    columns: u32,
    hidden_columns: Ranges,
    /// Rows that are behind.
    rows: u64,
    /// Whether each group of rows that is open is folded.
    groups: Vec<bool>,
}

impl Table<'_> {
    fn begin(&mut self) -> Result<(), SheetError> {
        match self.name.take() {
            Some(name) => self.sink.begin(&opening(name, std::mem::take(&mut self.hidden_columns))),
            None => Ok(()),
        }
    }

    fn column(&mut self, element: &Element<'_>) {
        let repeated = element.repeated("number-columns-repeated").min(COLUMN_MAX.into()) as u32;
        let next = self.columns.saturating_add(repeated).min(COLUMN_MAX);
        if is_hidden(element) && next > self.columns {
            self.hidden_columns.add(self.columns, next - 1);
        }
        self.columns = next;
    }

    fn row(&mut self, xml: &mut Xml<impl BufRead>, repeated: u64, hidden: bool) -> Result<(), SheetError> {
        self.begin()?;
        let number = u32::try_from(self.rows).unwrap_or(u32::MAX).saturating_add(1);
        let mut line = Line::default();
        let mut column = 0u64;
        loop {
            match xml.next()? {
                Node::Start(element) if element.name() == "table-cell" => {
                    let tag = Tag::read(&element);
                    let repeated = tag.repeated;
                    let cell = tag.cell(cell::shown(xml, "table-cell", number)?);
                    if !cell.is_blank() {
                        // Ends at the widest list.
                        for at in column..column.saturating_add(repeated) {
                            line.place(number, at, cell.clone())?;
                        }
                    }
                    column = column.saturating_add(repeated);
                }
                // Under a merged cell: what stands there is seen by nobody.
                Node::Start(element) if element.name() == "covered-table-cell" => {
                    column = column.saturating_add(element.repeated("number-columns-repeated"));
                    xml.skip("covered-table-cell")?;
                }
                Node::Start(element) => {
                    let other = element.name().to_owned();
                    xml.skip(&other)?;
                }
                Node::End(end) if end.name() == "table-row" => break,
                Node::Eof => return Err(cut_off()),
                Node::End(_) | Node::Text(_) | Node::Other => {}
            }
        }
        self.hand_over(&line, repeated, hidden || self.groups.contains(&true))
    }

    fn hand_over(&mut self, line: &Line<'_>, repeated: u64, hidden: bool) -> Result<(), SheetError> {
        let behind = self.rows;
        self.rows = behind.saturating_add(repeated);
        if line.cells.is_empty() {
            return Ok(());
        }
        if self.rows > SHEET_ROWS_MAX.into() {
            return Err(SheetError::damaged(format!("it has a cell in row {}", self.rows)));
        }
        // Both are in bounds now.
        for number in behind + 1..=self.rows {
            self.sink.row(number as u32, hidden, &line.cells)?;
        }
        Ok(())
    }
}
