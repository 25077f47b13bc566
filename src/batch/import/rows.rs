//! Judging rows: from cells to a recipient, or to everything that is wrong with the row.
//!
//! * All problems of a row are reported, not the first alone: a list is corrected once, not once per mistake.
//! * A row with an error has no recipient. A warning leaves the row payable.
//! * Rows without a visible character are passed over and not counted, but keep their place in the numbering.

use super::amount;
use super::columns::{self, Columns, Field};
use super::duplicates::{Duplicates, Earlier};
use super::foreign::Foreign;
use super::header::{Header, Remembered, Search};
use super::issue::{ImportError, Issue, Severity, SinkError};
use super::shape::{self, Shape, shifted};
use super::totals::{self, HELD_ROWS_MAX, Look, Sum};
use super::unnamed::Unnamed;
use super::{Recipient, Row, Stated, Terms, Uploaded};
use crate::money::Money;
use crate::phone::{self, Msisdn, Normalised};
use crate::report::csv::unmarked;
pub(super) use crate::sheet::{Cell, Fault};
use crate::text::bare;
use std::collections::BTreeMap;

pub const NAME_CHARS_MAX: usize = 200;
pub const REFERENCE_CHARS_MAX: usize = 100;
pub const NOTE_CHARS_MAX: usize = 160;

/// Judges one row on its own, as it would be judged within a file with these headers; see [`super::judge_one`].
pub(super) fn judge_one(terms: &Terms<'_>, uploaded: &[Uploaded], row: u32) -> Row {
    let (headers, cells): (Vec<String>, Vec<Cell<'_>>) = uploaded
        .iter()
        .filter_map(|cell| {
            Some((cell.header.as_ref()?.to_string(), Cell { text: cell.text().into(), fault: cell.fault }))
        })
        .unzip();
    let read = Columns::read(&headers, terms.mapping.as_ref(), terms.sms.as_ref());
    let judged = match read.and_then(|columns| columns.noticed(terms.notice.as_deref())) {
        Ok(columns) => {
            let judge = Judge::new(terms, &columns, row, &cells);
            judge.judge(false, &mut Duplicates::default()).0
        }
        Err(error) => {
            let issues = vec![Issue::error(row, error.code(), &error)];
            Row { row, recipient: None, issues, cells: Vec::new(), stated: Stated::default() }
        }
    };
    Row { cells: uploaded.to_vec(), ..judged }
}

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
    /// What stands between the cells of a text, and whether a quote is in the present record.
    text: Option<(char, bool)>,
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
            text: None,
        }
    }

    /// Where the amounts stand that are paid, once the header is known.
    pub fn amounts(&self) -> Option<usize> {
        let (_, columns) = self.header.as_ref().filter(|_| self.terms.sms.is_none())?;
        columns.of(Field::Amount)
    }

    /// Of the record that comes next, in a text.
    pub fn in_text(&mut self, delimiter: char, quoted: bool) {
        self.text = Some((delimiter, quoted));
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
            let read = |cell: &Cell<'_>| Cell { text: unmarked(&cell.text).to_owned().into(), fault: cell.fault };
            plain = cells.iter().map(read).collect();
            plain.as_slice()
        } else {
            cells
        };
        let Some((_, columns)) = &self.header else {
            let header = cells.iter().map(|c| c.text.clone().into_owned()).collect();
            self.header = self.search.offer(row, header)?;
            self.unnamed = self.header.as_ref().map(|(_, columns)| Unnamed::new(columns)).unwrap_or_default();
            return match (&self.header, self.text) {
                (Some((_, columns)), Some((delimiter, _)))
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
        let may_split = paid && self.text.is_none_or(|(delimiter, _)| delimiter == ',');
        let quoted = self.text.is_some_and(|(_, quoted)| quoted);
        let split = shape::split_amount(columns, cells, self.shape, quoted, self.terms.currency).filter(|_| may_split);
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
        judge
            .issues
            .extend(self.text.and_then(|(delimiter, _)| shape::lines_like_rows(columns, row, cells, delimiter)));
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
        self.tally.add(&row)?;
        (self.sink)(row).map_err(ImportError::Sink)
    }

    pub fn finish(mut self, encoding: &str) -> Result<Taken, ImportError> {
        let mut notices = Vec::new();
        for held in std::mem::take(&mut self.held) {
            if let (Some((_, columns)), Some((delimiter, _))) = (&self.header, self.text) {
                notices.extend(shape::lines_like_rows(columns, held.row, &held.cells, delimiter));
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

/// One row under judgement.
pub(super) struct Judge<'a> {
    pub(super) terms: &'a Terms<'a>,
    pub(super) columns: &'a Columns,
    pub(super) row: u32,
    pub(super) cells: &'a [Cell<'a>],
    pub(super) issues: Vec<Issue>,
    /// Its cells may stand in the wrong columns.
    shifted: bool,
}

impl<'a> Judge<'a> {
    fn new(terms: &'a Terms<'a>, columns: &'a Columns, row: u32, cells: &'a [Cell<'a>]) -> Judge<'a> {
        Judge { terms, columns, row, cells, issues: Vec::new(), shifted: false }
    }

    /// The row, and its amount wherever that could be read. Of one that has `shifted`, nothing is read.
    fn judge(mut self, shifted: bool, duplicates: &mut Duplicates) -> (Row, Option<Money>) {
        if shifted {
            return (self.refuse_shifted(), None);
        }
        if let Some(sms) = &self.terms.sms {
            return (self.judge_message(sms, duplicates), None);
        }
        self.judge_loose_cells();
        let phone = self.phone();
        let amount = self.amount();
        let name = self.text(Field::Name, NAME_CHARS_MAX);
        let reference = self.text(Field::Reference, REFERENCE_CHARS_MAX);
        let note = self.text(Field::Note, NOTE_CHARS_MAX);
        let lane = phone.as_ref().and_then(|p| self.lane(&p.msisdn));
        if let (Some(lane), Some(amount)) = (&lane, amount) {
            self.judge_limits(lane, amount);
        }
        self.judge_currency();
        self.judge_notice();
        self.judge_network(phone.as_ref());
        self.judge_repeats(phone.as_ref(), amount, reference.as_deref(), duplicates);

        let stated = self.stated(phone.as_ref(), amount);
        let sound = self.issues.iter().all(|i| i.severity == Severity::Warning);
        if sound {
            self.judge_name(name.as_deref());
        }
        let recipient = match (phone, amount, lane) {
            (Some(phone), Some(amount), Some(lane)) if sound => Some(Recipient {
                msisdn: phone.msisdn,
                network: phone.network,
                lane,
                amount,
                name: name.unwrap_or_default(),
                reference,
                note,
                variables: self.variables(),
                sms: None,
            }),
            _ => None,
        };
        (self.done(recipient, stated), amount)
    }

    pub(super) fn done(self, recipient: Option<Recipient>, stated: Stated) -> Row {
        let (headers, cells) = (&self.columns.headers, self.cells);
        let beyond = cells.iter().skip(headers.len()).rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1);
        let columns = if self.shifted { headers.len().max(cells.len()) } else { headers.len() + beyond };
        let fault = self.shifted.then_some(Fault::Shifted);
        let uploaded = |at: usize| {
            let cell = cells.get(at);
            let text = cell.map(|cell| cell.text.clone().into_owned());
            Uploaded {
                header: headers.get(at).filter(|_| !self.columns.is_dropped(at)).cloned(),
                text: if self.shifted { text } else { text.or(Some(String::new())) },
                fault: cell.and_then(|cell| cell.fault).or(fault),
            }
        };
        let kept = |at: &usize| self.shifted || !self.columns.is_dropped(*at);
        let cells = (0..columns).filter(kept).map(uploaded).collect();
        Row { row: self.row, recipient, issues: self.issues, cells, stated }
    }

    /// Refuses the row because its values may stand in the wrong columns.
    fn refuse_shifted(mut self) -> Row {
        let wanted = self.columns.headers.len();
        let message = format!(
            "the row has {} cells where the header has {wanted}, so its values may stand in the wrong columns. An \
             amount such as 1,000, or a name with a comma, must be in double quotes; and a double quote that is opened \
             must be closed",
            self.cells.len()
        );
        self.issues.push(Issue::error(self.row, "row_shape", message));
        self.shifted = true;
        self.done(None, Stated::default())
    }

    /// What is wrong with a cell in the column where it stands. A date is a fault only where a number is wanted.
    pub(super) fn fault(&self, at: usize, cell: &Cell<'_>) -> Option<Fault> {
        let number = || match self.columns.field_at(at) {
            Some(Field::Msisdn) => true,
            Some(Field::Amount) => self.terms.sms.is_none(),
            _ => false,
        };
        cell.fault.filter(|fault| *fault != Fault::Date || number())
    }

    fn cell(&self, field: Field) -> Option<(usize, &Cell<'_>)> {
        let at = self.columns.of(field)?;
        self.cells.get(at).map(|cell| (at, cell))
    }

    /// The text of a field's cell; `None` without such a column, or when the cell is at fault and already reported.
    pub(super) fn value(&self, field: Field) -> Option<&str> {
        let at = self.columns.of(field)?;
        match self.cells.get(at) {
            None => Some(""),
            Some(cell) if self.fault(at, cell).is_some() => None,
            Some(cell) => Some(&cell.text),
        }
    }

    pub(super) fn report(&mut self, field: Field, issue: Issue) {
        let header = self.columns.of(field).map_or("", |at| &self.columns.headers[at]);
        let value = self.cell(field).map_or("", |(_, cell)| &cell.text);
        let issue = issue.in_column(header, value);
        self.issues.push(issue);
    }

    /// Cells at fault, and cells outside of all columns.
    pub(super) fn judge_loose_cells(&mut self) {
        let mut doubtful = Vec::new();
        for (at, cell) in self.cells.iter().enumerate() {
            let Some(header) = self.columns.headers.get(at) else {
                if !cell.is_blank() {
                    let message = "the cell stands in a column without a header and is not used. Name the column, or \
                                   remove the cell";
                    let issue = Issue::warning(self.row, "cell_without_header", message);
                    self.issues.push(issue.in_column(&format!("column {}", at + 1), &cell.text));
                }
                continue;
            };
            let fault = self.fault(at, cell).filter(|_| !self.columns.is_dropped(at));
            let Some(fault) = fault else { continue };
            let needed = match self.terms.sms {
                Some(_) => self.is_told(at),
                None => self.columns.field_at(at).is_some(),
            };
            if needed && fault == Fault::Shifted {
                doubtful.push(format!("{header:?}"));
                continue;
            }
            let issue = match needed {
                true => Issue::error(self.row, fault.code(), fault.message()),
                // Not needed to pay; an SMS that uses it would say nothing.
                false => Issue::warning(self.row, fault.code(), fault.message()),
            };
            self.issues.push(issue.in_column(header, &cell.text));
        }
        if !doubtful.is_empty() {
            let message = format!(
                "the row has more or fewer cells than the header, so its values may stand in the wrong columns. Give each \
                 of them again: {} is still in doubt",
                doubtful.join(", ")
            );
            self.issues.push(Issue::error(self.row, "row_shape", message));
        }
    }

    pub(super) fn phone(&mut self) -> Option<Normalised> {
        let read = phone::normalise(self.value(Field::Msisdn)?, self.terms.country);
        match read {
            Ok(phone) => {
                if let Some(warning) = phone.warning {
                    self.report(Field::Msisdn, Issue::warning(self.row, warning.code(), warning));
                }
                Some(phone)
            }
            Err(error) => {
                self.report(Field::Msisdn, Issue::error(self.row, error.code(), error));
                None
            }
        }
    }

    fn amount(&mut self) -> Option<Money> {
        let read = amount::parse(self.value(Field::Amount)?, self.terms.currency);
        read.map_err(|error| self.report(Field::Amount, Issue::error(self.row, error.code(), error))).ok()
    }

    /// A text of bounded length without control characters; `None` when blank.
    pub(super) fn text(&mut self, field: Field, chars_max: usize) -> Option<String> {
        let text = bare(self.value(field)?).to_owned();
        let what = field.what();
        if text.chars().any(char::is_control) {
            let message = format!(
                "the {what} contains a line break or another control character. Remove it; if the rows below are \
                 missing, a double quote is not closed here"
            );
            self.report(field, Issue::error(self.row, "control_character", message));
        }
        let chars = text.chars().count();
        if chars > chars_max {
            let message = format!("the {what} has {chars} characters, at most {chars_max} are possible. Shorten it");
            self.report(field, Issue::error(self.row, "text_too_long", message));
        }
        (!text.is_empty()).then_some(text)
    }

    fn lane(&mut self, msisdn: &Msisdn) -> Option<String> {
        match self.terms.router.route(msisdn, self.terms.currency) {
            Ok(lane) => Some(lane.to_owned()),
            Err(error) => {
                self.report(Field::Msisdn, Issue::error(self.row, error.code(), error));
                None
            }
        }
    }

    fn judge_limits(&mut self, lane: &str, amount: Money) {
        let limits = self.terms.router.limits(lane);
        if let Some(least) = limits.min.filter(|least| amount.minor < least.minor) {
            let message = format!(
                "the amount is less than {}, the least that is paid to this network. Raise it, or remove the row",
                least.display()
            );
            self.report(Field::Amount, Issue::error(self.row, "below_lane_minimum", message));
        }
        if let Some(most) = limits.max.filter(|most| amount.minor > most.minor) {
            let message = format!(
                "the amount is more than {}, the most that is paid to this network at once. Check it for digits too \
                 many, or split it over several rows",
                most.display()
            );
            self.report(Field::Amount, Issue::error(self.row, "above_lane_maximum", message));
        }
    }

    fn judge_name(&mut self, name: Option<&str>) {
        let stands_empty = self.value(Field::Name).is_some_and(|v| bare(v).is_empty());
        if name.is_none() && stands_empty {
            let message = "the row has no name. It can be paid, but nobody can check who the number belongs to";
            self.report(Field::Name, Issue::warning(self.row, "name_missing", message));
        }
    }

    fn judge_repeats(
        &mut self,
        phone: Option<&Normalised>,
        amount: Option<Money>,
        reference: Option<&str>,
        duplicates: &mut Duplicates,
    ) {
        let row = self.row;
        if let Some(first) = reference.and_then(|r| duplicates.reference(r, row)) {
            self.report(Field::Reference, Issue::duplicate_reference(row, first));
        }
        let (Some(phone), Some(amount)) = (phone, amount) else { return };
        let repeats = match duplicates.payment(&phone.msisdn, amount, row) {
            None => return,
            Some(Earlier::Payment { row: first }) => Issue::duplicate_payment(row, first),
            Some(Earlier::Number { row: first }) => Issue::repeated_number(row, first),
        };
        self.report(Field::Msisdn, repeats);
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let is_variable = |at| self.columns.field_at(at).is_none() && !self.columns.is_dropped(at);
        let columns = self.columns.headers.iter().enumerate().filter(|(at, _)| is_variable(*at));
        let value = |at: usize| match self.cells.get(at) {
            Some(cell) if self.fault(at, cell).is_none() => bare(&cell.text).to_owned(),
            _ => String::new(),
        };
        columns.map(|(at, header)| (header.to_string(), value(at))).collect()
    }

    /// What a report can say of the row even when it is rejected: as read where it could be read, else as uploaded.
    pub(super) fn stated(&self, phone: Option<&Normalised>, amount: Option<Money>) -> Stated {
        let uploaded = |field| self.cell(field).map(|(_, cell)| bare(&cell.text).to_owned()).unwrap_or_default();
        Stated {
            name: uploaded(Field::Name),
            msisdn: phone.map_or_else(|| uploaded(Field::Msisdn), |p| p.msisdn.to_string()),
            amount: amount.map_or_else(|| uploaded(Field::Amount), Money::amount),
            reference: uploaded(Field::Reference),
        }
    }
}
