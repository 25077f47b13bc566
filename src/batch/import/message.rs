//! Judging the rows of a list that is only told something: the number, and a text merged from the row's own columns.
//!
//! Every column is a plain variable, an `amount` too; only the number is read as what it is. A tag that names no column is
//! found at the header and refuses the list; a tag whose cell is empty refuses its row. What a row's text costs is fixed
//! here, and the text is merged again, by the same function from the same values, when it is sent.

use super::columns::{Columns, Field};
use super::duplicates::{Duplicates, Earlier};
use super::issue::{ImportError, Issue, Severity};
use super::rows::{Judge, NAME_CHARS_MAX, REFERENCE_CHARS_MAX};
use super::{Recipient, Row, SmsTerms, Stated};
use crate::money::Money;
use crate::phone::Normalised;
use crate::sms::cost::{self, SEGMENTS_MAX};
use crate::sms::segments::{self, Size};
use crate::sms::template;
use crate::text::bare;
use std::collections::BTreeMap;

/// Which column each tag of the template is filled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// As compared: without padding, in lower case.
    pub key: String,
    pub column: usize,
}

/// Finds the columns that a template names: by their header, else `name` and `reference` by what was recognised as that.
pub(super) fn tags(template: &str, columns: &Columns) -> Result<Vec<Tag>, ImportError> {
    let mut found: Vec<Tag> = Vec::new();
    for key in template::tags(template) {
        if found.iter().any(|tag| tag.key == key) {
            continue;
        }
        let named = |at: &usize| template::key(&columns.headers[*at]) == key && !columns.is_dropped(*at);
        let by_header = (0..columns.headers.len()).find(named);
        let by_field =
            || [Field::Name, Field::Reference].into_iter().find(|f| f.name() == key).and_then(|f| columns.of(f));
        match by_header.or_else(by_field) {
            Some(column) => found.push(Tag { key, column }),
            None => {
                let found = columns.headers.iter().map(ToString::to_string).collect();
                return Err(ImportError::UnknownTag { tag: key, found, read_as: None });
            }
        }
    }
    Ok(found)
}

/// Finds the columns that a text for the paid names, beside what is known of every payment.
pub(super) fn tags_of_the_paid(template: &str, columns: &Columns) -> Result<Vec<Tag>, ImportError> {
    let is_variable = |at: &usize| columns.field_at(*at).is_none() && !columns.is_dropped(*at);
    let mut found: Vec<Tag> = Vec::new();
    for key in template::tags(template) {
        if template::OF_A_PAYMENT.contains(&key.as_str()) || found.iter().any(|tag| tag.key == key) {
            continue;
        }
        let named = |at: &usize| template::key(&columns.headers[*at]) == key;
        match (0..columns.headers.len()).filter(is_variable).find(named) {
            Some(column) => found.push(Tag { key, column }),
            None => {
                let ours = template::OF_A_PAYMENT.into_iter().map(str::to_owned);
                let theirs = (0..columns.headers.len()).filter(is_variable).map(|at| columns.headers[at].to_string());
                let column = (0..columns.headers.len()).find(named);
                let read_as = column.and_then(|at| Some((columns.headers[at].to_string(), columns.field_at(at)?)));
                return Err(ImportError::UnknownTag { tag: key, found: ours.chain(theirs).collect(), read_as });
            }
        }
    }
    Ok(found)
}

impl Columns {
    /// Columns whose numbers are told as they are shown: those of tags, but not those of a phone number or a reference, which
    /// are what they are.
    pub fn told(&self) -> impl Iterator<Item = usize> {
        let is_exact = |at| matches!(self.field_at(at), Some(Field::Msisdn | Field::Reference));
        self.tags.iter().map(|tag| tag.column).filter(move |at| !is_exact(*at))
    }
}

impl Judge<'_> {
    /// The paid are told with a gap where a cell is empty: no reason not to pay them.
    pub(super) fn judge_notice(&mut self) {
        for tag in &self.columns.tags {
            let cell = self.cells.get(tag.column);
            if cell.is_none_or(|cell| self.fault(tag.column, cell).is_none() && bare(&cell.text).is_empty()) {
                let header = &self.columns.headers[tag.column];
                let message = format!(
                    "the SMS says (({})), and the row has nothing in {header:?}; the SMS will have a gap there. Fill in the cell",
                    tag.key
                );
                self.issues.push(Issue::warning(self.row, "missing_value", message).in_column(header, ""));
            }
        }
    }

    pub(super) fn judge_message(mut self, sms: &SmsTerms, duplicates: &mut Duplicates) -> Row {
        self.judge_loose_cells();
        let phone = self.phone();
        let name = self.text(Field::Name, NAME_CHARS_MAX);
        let reference = self.text(Field::Reference, REFERENCE_CHARS_MAX);
        self.judge_values();
        let variables = self.all_columns();
        let text = template::merge(&sms.template, &variables, name.as_deref(), reference.as_deref());
        let priced = self.price(sms, &text);
        self.judge_repeated_message(phone.as_ref(), &text, duplicates);
        let stated = Stated { amount: String::new(), ..self.stated(phone.as_ref(), None) };
        let sound = self.issues.iter().all(|i| i.severity == Severity::Warning);
        let recipient = match (phone, priced) {
            (Some(phone), Some((size, cost))) if sound => Some(Recipient {
                msisdn: phone.msisdn,
                network: phone.network,
                lane: sms.lane.clone(),
                amount: cost,
                name: name.unwrap_or_default(),
                reference,
                note: None,
                variables,
                sms: Some(size),
            }),
            _ => None,
        };
        self.done(recipient, stated)
    }

    /// Whether a cell of this column is looked at: the number, and whatever the text is made of.
    pub(super) fn is_told(&self, column: usize) -> bool {
        self.columns.of(Field::Msisdn) == Some(column) || self.columns.tags.iter().any(|tag| tag.column == column)
    }

    fn judge_values(&mut self) {
        for tag in &self.columns.tags {
            let cell = self.cells.get(tag.column);
            if cell.is_some_and(|cell| self.fault(tag.column, cell).is_some()) {
                continue;
            }
            let (header, value) = (&self.columns.headers[tag.column], cell.map_or("", |cell| bare(&cell.text)));
            let issue = if value.is_empty() {
                let message = format!(
                    "the text uses (({})), and the row has nothing in {header:?}. Fill in the cell, or remove the row",
                    tag.key
                );
                Issue::error(self.row, "missing_value", message)
            } else if self.columns.field_at(tag.column).is_none_or(|f| !matches!(f, Field::Name | Field::Reference))
                && value.chars().any(|c| c.is_control() && c != '\n' && c != '\r')
            {
                let message = format!("{header:?} contains a control character, which phones do not show. Remove it");
                Issue::error(self.row, "control_character", message)
            } else {
                continue;
            };
            self.issues.push(issue.in_column(header, value));
        }
    }

    /// Every column by its header.
    fn all_columns(&self) -> BTreeMap<String, String> {
        let value = |at: usize| match self.cells.get(at) {
            Some(cell) if self.fault(at, cell).is_none() => bare(&cell.text).replace("\r\n", "\n"),
            _ => String::new(),
        };
        let headers = self.columns.headers.iter().enumerate().filter(|(at, _)| !self.columns.is_dropped(*at));
        headers.map(|(at, header)| (header.to_string(), value(at))).collect()
    }

    fn price(&mut self, sms: &SmsTerms, text: &str) -> Option<(Size, Money)> {
        let size = segments::measure(text);
        if size.segments > SEGMENTS_MAX {
            let message = format!(
                "the text is {} SMS long with the values of this row, at most {SEGMENTS_MAX} are possible. Shorten the \
                 values, or the template",
                size.segments
            );
            self.issues.push(Issue::error(self.row, "text_too_long", message));
            return None;
        }
        let cost = cost::of(size, sms.price);
        cost.map_err(|error| self.issues.push(Issue::error(self.row, "text_too_long", error))).ok().map(|c| (size, c))
    }

    fn judge_repeated_message(&mut self, phone: Option<&Normalised>, text: &str, duplicates: &mut Duplicates) {
        let Some(phone) = phone else { return };
        let repeats = match duplicates.message(&phone.msisdn, text, self.row) {
            None => return,
            Some(Earlier::Payment { row: first }) => Issue::duplicate_message(self.row, first),
            Some(Earlier::Number { row: first }) => Issue::repeated_message(self.row, first),
        };
        self.report(Field::Msisdn, repeats);
    }
}
