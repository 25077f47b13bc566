//! Judging rows: from cells to a recipient, or to everything that is wrong with the row.
//!
//! * All problems of a row are reported, not the first alone: a list is corrected once, not once per mistake.
//! * A row with an error has no recipient. A warning leaves the row payable.
//! * Rows without a visible character are passed over and not counted, but keep their place in the numbering.

use super::amount;
use super::columns::{Columns, Field};
use super::duplicates::{Duplicates, Earlier};
use super::issue::{Issue, Severity};
use super::{Recipient, Row, Stated, Terms, Uploaded};
use crate::money::Money;
use crate::phone::{self, Msisdn, Normalised};
pub(super) use crate::sheet::{Cell, Fault};
use crate::text::bare;
use std::collections::BTreeMap;

pub const NAME_CHARS_MAX: usize = 200;
pub const REFERENCE_CHARS_MAX: usize = 100;
pub const NOTE_CHARS_MAX: usize = 160;
/// Issues that are told of one row. Who has hundreds of cells at fault in each row looks at the file, and not at them.
const ISSUES_MAX: usize = 20;

/// Judges one row on its own, as it would be judged within a file with these headers; see [`super::judge_one`].
pub(super) fn judge_one(terms: &Terms<'_>, uploaded: &[Uploaded], row: u32) -> Row {
    let (headers, cells): (Vec<String>, Vec<Cell<'_>>) = uploaded
        .iter()
        .filter_map(|cell| {
            Some((cell.header.as_ref()?.to_string(), Cell { fault: cell.fault, ..Cell::text(cell.text()) }))
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

/// One row under judgement.
pub(super) struct Judge<'a> {
    pub(super) terms: &'a Terms<'a>,
    pub(super) columns: &'a Columns,
    pub(super) row: u32,
    pub(super) cells: &'a [Cell<'a>],
    pub(super) issues: Vec<Issue>,
    /// Its cells may stand in the wrong columns.
    pub(super) shifted: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(terms: &'a Terms<'a>, columns: &'a Columns, row: u32, cells: &'a [Cell<'a>]) -> Judge<'a> {
        Judge { terms, columns, row, cells, issues: Vec::new(), shifted: false }
    }

    /// The row, and its amount wherever that could be read. Of one that has `shifted`, nothing is read.
    pub(super) fn judge(mut self, shifted: bool, duplicates: &mut Duplicates) -> (Row, Option<Money>) {
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

    pub(super) fn done(mut self, recipient: Option<Recipient>, stated: Stated) -> Row {
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
        self.bound_issues();
        Row { row: self.row, recipient, issues: self.issues, cells, stated }
    }

    /// What makes the row unpayable is told first.
    fn bound_issues(&mut self) {
        let Some(more) = self.issues.len().checked_sub(ISSUES_MAX).filter(|more| *more > 0) else { return };
        self.issues.sort_by_key(|issue| issue.severity == Severity::Warning);
        self.issues.truncate(ISSUES_MAX);
        let message = format!("{more} more are found in this row. Correct these first, or look at the row in the file");
        self.issues.push(Issue::warning(self.row, "more_issues", message));
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
            let message = "the row has no name. It can be paid, but nobody can check who the number belongs to; type the \
                           name if it is known";
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
