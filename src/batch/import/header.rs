//! Finding the header: the first row that names the phone number and the amount, below whatever titles stand above it.

use super::SmsTerms;
use super::amount;
use super::columns::{self, Columns, Field, Fingerprint, Mapping};
use super::issue::ImportError;
use crate::money::Currency;
use crate::phone::{self, Country};
use serde::Serialize;
use std::collections::BTreeMap;

/// Among so many rows that are not blank the header must be.
const HEADER_ROWS_MAX: usize = 20;

/// Mappings of earlier uploads, by the header they were given for.
pub type Remembered = BTreeMap<Fingerprint, Mapping>;

/// Who said which column is which.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MappingSource {
    /// The upload.
    Given,
    /// An earlier upload with this header.
    Remembered,
    /// The names of the columns.
    Recognised,
}

impl MappingSource {
    pub fn name(self) -> &'static str {
        match self {
            MappingSource::Given => "given",
            MappingSource::Remembered => "remembered",
            MappingSource::Recognised => "recognised",
        }
    }
}

/// The header as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub row: u32,
    /// Every field that was found, with the column that holds it.
    pub mapping: Mapping,
    pub mapping_source: MappingSource,
    pub fingerprint: Fingerprint,
}

pub(super) struct Search<'a> {
    /// `Some` and empty: columns are recognised by their names, whatever is remembered.
    given: Option<&'a Mapping>,
    remembered: &'a Remembered,
    country: Country,
    currency: Currency,
    /// What a list that is only told something says.
    sms: Option<&'a SmsTerms>,
    /// What the paid are told.
    notice: Option<&'a str>,
    /// The rows that turned out to be no header, each with why not.
    passed: Vec<(u32, Vec<String>, ImportError)>,
}

impl<'a> Search<'a> {
    pub fn new(given: Option<&'a Mapping>, remembered: &'a Remembered, country: Country, currency: Currency) -> Self {
        Search { given, remembered, country, currency, sms: None, notice: None, passed: Vec::new() }
    }

    /// For a list that is told something and not paid: its header must have a number, and the columns of the text.
    pub fn told(self, sms: Option<&'a SmsTerms>) -> Self {
        Search { sms, ..self }
    }

    /// For a list whose paid are told so by a text of its own.
    pub fn noticed(self, notice: Option<&'a str>) -> Self {
        Search { notice, ..self }
    }

    /// Takes the next row that is not blank; the header, if it is that.
    pub fn offer(&mut self, row: u32, cells: Vec<String>) -> Result<Option<(Header, Columns)>, ImportError> {
        let fingerprint = columns::fingerprint(&cells);
        let (mapping, mapping_source) = match (self.given, self.remembered.get(&fingerprint)) {
            (Some(given), _) if !given.0.is_empty() => (Some(given), MappingSource::Given),
            (None, Some(remembered)) => (Some(remembered), MappingSource::Remembered),
            _ => (None, MappingSource::Recognised),
        };
        let read = Columns::read(&cells, mapping, self.sms);
        let read = read.and_then(|columns| columns.noticed(self.notice));
        match read.and_then(|columns| if self.sms.is_some() { Ok(columns) } else { columns.in_currency(self.currency) })
        {
            Ok(columns) => {
                self.refuse_recipients_above(row, &cells)?;
                let mapping = columns.mapping();
                Ok(Some((Header { row, mapping, mapping_source, fingerprint }, columns)))
            }
            // It has all it takes, and says it twice: a header, and not a good one.
            Err(error) if self.is_header(&cells, mapping, &error) => Err(error),
            Err(error) => {
                self.passed.push((row, cells, error));
                if self.passed.len() < HEADER_ROWS_MAX { Ok(None) } else { Err(self.give_up()) }
            }
        }
    }

    /// Whether a row that cannot be the header must be the one that was meant. One without the columns of the text may be a
    /// title that happens to name a number.
    fn is_header(&self, cells: &[String], mapping: Option<&Mapping>, error: &ImportError) -> bool {
        let named = columns::fields_named(cells, mapping);
        !matches!(error, ImportError::UnknownTag { .. })
            && Field::ALL.iter().filter(|f| f.is_required(self.sms.is_some())).all(|f| named.contains(f))
    }

    /// Why there is no header: what is wrong with the row that comes nearest.
    pub fn give_up(&mut self) -> ImportError {
        let nearness = |(_, cells, _): &(u32, Vec<String>, ImportError)| {
            let named = columns::fields_named(cells, self.given).len();
            (named, cells.iter().filter(|c| !c.trim().is_empty()).count() > 1)
        };
        let best = (0..self.passed.len()).rev().max_by_key(|at| nearness(&self.passed[*at]));
        best.map_or(ImportError::Empty, |at| self.passed.swap_remove(at).2)
    }

    /// A recipient above the header would be forgotten.
    fn refuse_recipients_above(&self, header: u32, columns: &[String]) -> Result<(), ImportError> {
        let filled = |cells: &[String]| cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        let looks_paid = |cells: &[String]| match self.sms {
            // Whoever is only told something has no amount beside the number, but as many cells as there are columns.
            Some(_) => filled(cells) >= filled(columns) && cells.iter().any(|cell| is_number(cell, self.country)),
            None => looks_paid(cells, self.country, self.currency),
        };
        match self.passed.iter().find(|(_, cells, _)| looks_paid(cells)) {
            Some((row, ..)) => Err(ImportError::RowAboveHeader { row: *row, header }),
            None => Ok(()),
        }
    }
}

pub(super) fn is_number(cell: impl AsRef<str>, country: Country) -> bool {
    phone::normalise(cell.as_ref(), country).is_ok()
}

/// Whether one of the cells is a phone number and another one an amount.
pub(super) fn looks_paid(cells: &[impl AsRef<str>], country: Country, currency: Currency) -> bool {
    let amount = |cell: &str| amount::parse(cell, currency).is_ok() && !is_number(cell, country);
    (0..cells.len()).any(|at| {
        is_number(&cells[at], country)
            && cells.iter().enumerate().any(|(other, cell)| other != at && amount(cell.as_ref()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(
        rows: &[&[&str]],
        given: Option<&str>,
        remembered: &Remembered,
    ) -> Result<(u32, MappingSource), ImportError> {
        let given = given.map(|m| Mapping::parse(m).unwrap());
        let mut search = Search::new(given.as_ref(), remembered, Country::Uganda, Currency::Ugx);
        for (row, cells) in (1..).zip(rows) {
            if let Some((header, _)) = search.offer(row, cells.iter().map(|c| (*c).to_owned()).collect())? {
                return Ok((header.row, header.mapping_source));
            }
        }
        Err(search.give_up())
    }

    #[test]
    fn the_header_is_found_below_titles() {
        let none = Remembered::new();
        let titles: [&[&str]; 4] = [&["Kampala Relief"], &["Period", "March 2026"], &["Salary"], &["phone", "amount"]];
        assert_eq!(search(&titles, None, &none).unwrap(), (4, MappingSource::Recognised));
        let mapped: [&[&str]; 2] = [&["phone", "amount"], &["Tel.", "To pay"]];
        let given = r#"{"msisdn":"Tel.","amount":"To pay"}"#;
        assert_eq!(search(&mapped, Some(given), &none).unwrap(), (2, MappingSource::Given));
    }

    #[test]
    fn a_mapping_is_remembered_for_its_header_unless_the_upload_says_otherwise() {
        let header: Vec<String> = ["Fone no", "salary", "net pay"].map(String::from).to_vec();
        let mapping = Mapping::parse(r#"{"msisdn":"Fone no","amount":"net pay"}"#).unwrap();
        let remembered = Remembered::from([(columns::fingerprint(&header), mapping)]);
        let rows: [&[&str]; 2] = [&["Staff of March"], &["Net pay", "FONE NO", "salary"]];
        assert_eq!(search(&rows, None, &remembered).unwrap(), (2, MappingSource::Remembered));
        assert_eq!(search(&rows, Some("{}"), &remembered).unwrap_err().code(), "missing_column");
        let other: [&[&str]; 1] = [&["Fone no", "salary", "net pay", "village"]];
        assert_eq!(search(&other, None, &remembered).unwrap_err().code(), "missing_column");
    }

    #[test]
    fn the_error_is_that_of_the_row_which_comes_nearest() {
        let none = Remembered::new();
        let rows: [&[&str]; 3] = [&["Payroll"], &["name", "phone", "ammount"], &["A", "0772345678", "5"]];
        let error = search(&rows, None, &none).unwrap_err();
        assert_eq!(error.code(), "missing_column");
        assert!(error.to_string().contains("\"ammount\""), "{error}");
        let unknown: [&[&str]; 2] = [&["Payroll"], &["Nom", "Fone"]];
        assert!(search(&unknown, None, &none).unwrap_err().to_string().contains("\"Fone\""));
        let ambiguous: [&[&str]; 2] = [&["Payroll"], &["phone", "salary", "net pay"]];
        assert_eq!(search(&ambiguous, None, &none).unwrap_err().code(), "ambiguous_column");
        assert_eq!(search(&[], None, &none).unwrap_err().code(), "file_empty");
    }

    #[test]
    fn it_is_not_looked_for_without_end() {
        let rows = vec![&["a title"][..]; HEADER_ROWS_MAX];
        let mut search = Search::new(None, &Remembered::new(), Country::Uganda, Currency::Ugx).passed.len();
        assert_eq!(search, 0);
        let none = Remembered::new();
        let mut found = Search::new(None, &none, Country::Uganda, Currency::Ugx);
        for (row, cells) in (1..).zip(&rows) {
            match found.offer(row, cells.iter().map(|c| (*c).to_owned()).collect()) {
                Ok(None) => search += 1,
                other => assert_eq!(other.unwrap_err().code(), "missing_column"),
            }
        }
        assert_eq!(search, HEADER_ROWS_MAX - 1);
    }

    #[test]
    fn a_recipient_above_the_header_is_not_forgotten() {
        let rows: [&[&str]; 2] = [&["Grace", "0772345678", "50,000"], &["name", "phone", "amount"]];
        let error = search(&rows, None, &Remembered::new()).unwrap_err();
        assert_eq!(error.code(), "row_above_header");
        let contact: [&[&str]; 2] = [&["Questions to", "0772345678"], &["phone", "amount"]];
        assert_eq!(search(&contact, None, &Remembered::new()).unwrap().0, 2);
    }
}
