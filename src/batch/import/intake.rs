//! Taking the rows of a file one by one: which row is the header, which are recipients, and which only stand around them.

use super::columns::{self, Columns, Field};
use super::duplicates::Duplicates;
use super::foreign::Foreign;
use super::header::{Header, Remembered, Search};
use super::issue::{ImportError, Issue, Severity, SinkError};
use super::rows::{Cell, Judge};
use super::shape::{self, Quoting, Shape, shifted};
use super::totals::{self, HELD_ROWS_MAX, Look, Sum};
use super::unnamed::Unnamed;
use super::{Row, Stated, Terms};
use crate::money::Money;
use crate::report::csv::unmarked;

/// What the rows of one list may take, in bytes as they are kept: each goes with its headers and with what is wrong with it.
/// Of a small file it is less.
const KEPT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
const KEPT_BYTES_MIN: u64 = 128 * 1024 * 1024;
const KEPT_PER_BYTE: u64 = 32;

/// Takes the rows of a file one by one, judges them and hands them on.
pub(super) struct Intake<'a> {
    terms: &'a Terms<'a>,
    shape: Shape,
    sink: &'a mut dyn FnMut(Row) -> Result<(), SinkError>,
    search: Search<'a>,
    header: Option<(Header, Columns)>,
    duplicates: Duplicates,
    tally: Tally,
    sum: Sum,
    /// Rows that look like totals or signatures, until it is known whether a recipient follows.
    held: Vec<Held>,
    /// More rows stood below a signature than below one list: they are judged as recipients, all of them.
    too_long_below: bool,
    /// Names as they were converted from an encoding which is only guessed.
    foreign: Option<Foreign>,
    unnamed: Unnamed,
    /// Bytes of the rows handed out, as they are kept, and the most there may be of them.
    kept: u64,
    kept_max: u64,
    /// Of a text.
    text: Option<Text>,
}

/// What stands between the cells of a text, and what is in quotes in the present record.
#[derive(Clone, Copy)]
struct Text {
    delimiter: char,
    amount: Quoting,
}

pub(super) struct Held {
    pub row: u32,
    pub look: Look,
    pub cells: Vec<Cell<'static>>,
}

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub rows: u32,
    pub valid: u32,
    pub warnings: u32,
    pub total: Money,
}

/// What is known of a file that was read to its end.
pub(super) struct Taken {
    pub tally: Tally,
    pub header: Header,
    /// Issues of the file as a whole, which stand on its header, and of totals that were left out.
    pub notices: Vec<Issue>,
}

impl<'a> Intake<'a> {
    pub fn new(
        terms: &'a Terms<'a>,
        remembered: &'a Remembered,
        shape: Shape,
        sink: &'a mut dyn FnMut(Row) -> Result<(), SinkError>,
    ) -> Self {
        let search = Search::new(terms.mapping.as_ref(), remembered, terms.country, terms.currency);
        let search = search.told(terms.sms.as_ref()).noticed(terms.notice.as_deref());
        let tally = Tally { rows: 0, valid: 0, warnings: 0, total: Money::zero(terms.currency) };
        Intake {
            terms,
            shape,
            sink,
            search,
            header: None,
            duplicates: Duplicates::default(),
            tally,
            sum: Sum::default(),
            held: Vec::new(),
            too_long_below: false,
            foreign: None,
            unnamed: Unnamed::default(),
            kept: 0,
            kept_max: KEPT_BYTES_MAX,
            text: None,
        }
    }

    /// Of a file of so many bytes. What takes much more than that to keep was made to.
    pub fn of_file(&mut self, bytes: u64) {
        self.kept_max = bytes.saturating_mul(KEPT_PER_BYTE).saturating_add(KEPT_BYTES_MIN).min(KEPT_BYTES_MAX);
    }

    /// Once the header is known.
    pub fn columns(&self) -> Option<&Columns> {
        self.header.as_ref().map(|(_, columns)| columns)
    }

    /// Where the amounts stand that are paid, once the header is known.
    pub fn amounts(&self) -> Option<usize> {
        let (_, columns) = self.header.as_ref().filter(|_| self.terms.sms.is_none())?;
        columns.of(Field::Amount)
    }

    /// Of the record that comes next, in a text: which of its cells are in quotes.
    pub fn in_text(&mut self, delimiter: char, quoted: &[usize]) {
        let is_quoted = |at: usize| quoted.contains(&at) || quoted.contains(&(at + 1));
        let amount = match self.amounts() {
            Some(at) if is_quoted(at) => Quoting::Amount,
            _ if !quoted.is_empty() => Quoting::Others,
            _ => Quoting::Nothing,
        };
        self.text = Some(Text { delimiter, amount });
    }

    /// Keeps an eye on what the file's encoding, which is a guess, makes of names.
    pub fn doubt_encoding(&mut self) {
        self.foreign = Some(Foreign::default());
    }

    /// `row` is the row's number in the file.
    pub fn take(&mut self, row: u32, cells: &[Cell<'_>]) -> Result<(), ImportError> {
        if cells.iter().all(Cell::is_blank) {
            return Ok(());
        }
        if let Some(foreign) = &mut self.foreign {
            foreign.notice(cells, self.header.as_ref().and_then(|(_, columns)| columns.of(Field::Name)));
        }
        if self.shape == Shape::Strict && shape::has_rows_in_a_cell(self.terms, cells) {
            return Err(ImportError::RowInCell { row });
        }
        let unwrapped = shape::unwrapped(cells);
        let cells = unwrapped.as_deref().unwrap_or(cells);
        let plain: Vec<Cell<'_>>;
        let ours = self.header.as_ref().map_or_else(|| columns::is_ours(cells), |(_, columns)| columns.are_ours());
        let cells = if ours {
            // As it was handed out, with marks against formulas.
            let read = |cell: &Cell<'_>| cell.saying(unmarked(&cell.text).to_owned());
            plain = cells.iter().map(read).collect();
            plain.as_slice()
        } else {
            cells
        };
        let Some((_, columns)) = &self.header else {
            let header = cells.iter().map(|c| c.text.clone().into_owned()).collect();
            self.header = self.search.offer(row, header)?;
            if let Some((_, columns)) = &self.header {
                columns.are_short(row)?;
            }
            self.unnamed = self.header.as_ref().map(|(_, columns)| Unnamed::new(columns)).unwrap_or_default();
            return match (&self.header, self.text) {
                (Some((_, columns)), Some(Text { delimiter, .. }))
                    if shape::lines_like_rows(columns, row, cells, delimiter).is_some() =>
                {
                    Err(ImportError::RowInCell { row })
                }
                _ => Ok(()),
            };
        };
        if !shape::has_number(columns, cells)
            && let Some(others) = columns::header_again(columns, cells, self.terms.sms.is_some())
        {
            return self.refuse_header(row, cells, others);
        }
        let paid = self.terms.sms.is_none();
        let may_split = paid && self.text.is_none_or(|text| text.delimiter == ',');
        let quoting = self.text.map_or(Quoting::Nothing, |text| text.amount);
        let split = shape::split_amount(columns, cells, self.shape, quoting, self.terms.currency).filter(|_| may_split);
        let cells = split.as_deref().unwrap_or(cells);
        let whole = !self.has_shifted(columns, cells);
        let signed = self.held.iter().any(|held| held.look == Look::Signed);
        // A line by itself has no place among the columns to be wrong about.
        let alone = || cells.iter().filter(|cell| !cell.is_blank()).count() == 1;
        let below = |look: &Look| match look {
            Look::Signed => !self.too_long_below && (whole || alone()),
            Look::Sum | Look::Label => whole,
        };
        let look =
            totals::look(columns, cells, self.sum, self.terms.currency, signed).filter(|look| paid && below(look));
        match look {
            Some(look) => {
                if self.held.len() == HELD_ROWS_MAX {
                    self.release()?;
                    if signed {
                        self.too_long_below = true;
                        return self.judge(row, cells);
                    }
                }
                self.held.push(Held { row, look, cells: cells.iter().map(Cell::to_owned).collect() });
                Ok(())
            }
            None => {
                self.release()?;
                self.judge(row, cells)
            }
        }
    }

    /// Whether values may stand in the wrong columns. In a spreadsheet they have places; one that is our list of bad rows may
    /// have been a text before, in which a row that did not fit went on beyond the reasons.
    fn has_shifted(&self, columns: &Columns, cells: &[Cell<'_>]) -> bool {
        match self.shape {
            Shape::Strict => shifted(columns, cells),
            Shape::Placed => {
                columns.are_ours() && cells.iter().skip(columns.headers.len()).any(|cell| !cell.is_blank())
            }
        }
    }

    /// The header once more, as at the top of each printed page; one that names `others` was the second line of the first.
    fn refuse_header(&mut self, row: u32, cells: &[Cell<'_>], others: bool) -> Result<(), ImportError> {
        self.release()?;
        let Some((header, columns)) = &self.header else { return Ok(()) };
        if others {
            return Err(ImportError::SecondHeader { row, header: header.row });
        }
        let issue = Issue::error(row, "header_again", "the row repeats the header. Remove it");
        let judge = Judge { issues: vec![issue], ..Judge::new(self.terms, columns, row, cells) };
        let row = judge.done(None, Stated::default());
        self.hand_out(row)
    }

    /// What looked as if it stood below the list did not, because the list goes on.
    fn release(&mut self) -> Result<(), ImportError> {
        for held in std::mem::take(&mut self.held) {
            match held.look {
                Look::Signed => self.judge(held.row, &held.cells)?,
                Look::Sum | Look::Label => self.refuse_total(held)?,
            }
        }
        Ok(())
    }

    fn judge(&mut self, row: u32, cells: &[Cell<'_>]) -> Result<(), ImportError> {
        let Some((_, columns)) = &self.header else { return Ok(()) };
        let shifted = self.has_shifted(columns, cells);
        self.unnamed.notice(row, cells);
        let mut judge = Judge::new(self.terms, columns, row, cells);
        judge.issues.extend(self.text.and_then(|text| shape::lines_like_rows(columns, row, cells, text.delimiter)));
        let (row, amount) = judge.judge(shifted, &mut self.duplicates);
        self.sum.add(amount);
        self.hand_out(row)
    }

    fn refuse_total(&mut self, held: Held) -> Result<(), ImportError> {
        let Some((_, columns)) = &self.header else { return Ok(()) };
        let issue = totals::unclear(columns, &held, self.sum, self.terms.currency);
        let judge = Judge { issues: vec![issue], ..Judge::new(self.terms, columns, held.row, &held.cells) };
        let stated = judge.stated(None, None);
        let row = judge.done(None, stated);
        self.hand_out(row)
    }

    fn hand_out(&mut self, row: Row) -> Result<(), ImportError> {
        self.tally.rows += 1;
        if self.tally.rows > self.terms.rows_max {
            return Err(ImportError::TooManyRows { max: self.terms.rows_max });
        }
        self.kept += row.kept_bytes() as u64;
        if self.kept > self.kept_max {
            return Err(ImportError::TooMuchText { row: row.row });
        }
        self.tally.add(&row)?;
        (self.sink)(row).map_err(ImportError::Sink)
    }

    pub fn finish(mut self, encoding: &str) -> Result<Taken, ImportError> {
        let mut notices = Vec::new();
        for held in std::mem::take(&mut self.held) {
            if let (Some((_, columns)), Some(text)) = (&self.header, self.text) {
                notices.extend(shape::lines_like_rows(columns, held.row, &held.cells, text.delimiter));
            }
            match (&self.header, held.look) {
                (Some((_, columns)), Look::Sum) => {
                    notices.push(totals::left_out(columns, held.row, &held.cells, self.sum));
                }
                (_, Look::Signed) => notices.push(totals::signed_left_out(held.row, &held.cells)),
                _ => self.refuse_total(held)?,
            }
        }
        let Some((header, columns)) = self.header else { return Err(self.search.give_up()) };
        if self.tally.rows == 0 {
            return Err(ImportError::NoRows);
        }
        if let Some(foreign) = self.foreign {
            notices.insert(0, foreign.warning(header.row, encoding));
        }
        notices.extend(self.unnamed.warnings(header.row, &columns));
        self.tally.warnings += notices.len() as u32;
        Ok(Taken { tally: self.tally, header, notices })
    }
}

impl Tally {
    fn add(&mut self, row: &Row) -> Result<(), ImportError> {
        self.warnings += row.issues.iter().filter(|i| i.severity == Severity::Warning).count() as u32;
        if let Some(recipient) = &row.recipient {
            self.valid += 1;
            self.total = self.total.checked_add(recipient.amount).map_err(|_| ImportError::TotalTooLarge)?;
        }
        Ok(())
    }
}
