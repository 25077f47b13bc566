//! Which column holds what.
//!
//! A header is recognised whatever its case, accents and padding. Two columns that could mean the same are an error
//! until the upload's mapping says which one is meant; every column that is none of ours is kept as a variable for the
//! SMS template. Only [`REASON_HEADER`], which our own list of bad rows adds, is dropped when it comes back.

use super::SmsTerms;
use super::issue::ImportError;
use super::message::{self, Tag};
use super::names::{COUNTING, CURRENCY_HEADERS, SUMS};
use super::rows::Cell;
use crate::money::Currency;
use crate::sheet::{is_money_of, only_sign, sign};
use crate::text::{bare, is_zero_width};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The column that says why a row was refused, in the list of bad rows that is handed out to be corrected.
pub const REASON_HEADER: &str = "gaba_reason";

/// Names of all columns together.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// What Gaba needs, or can use, of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    Msisdn,
    Amount,
    Name,
    Reference,
    Note,
    Network,
}

impl Field {
    pub const ALL: [Field; 6] =
        [Field::Msisdn, Field::Amount, Field::Name, Field::Reference, Field::Note, Field::Network];

    /// Whether a list must have it. One that is only told something (`told`) needs numbers.
    pub(super) fn is_required(self, told: bool) -> bool {
        matches!(self, Field::Msisdn) || (matches!(self, Field::Amount) && !told)
    }

    /// Our own name for it, in mappings and corrections.
    pub fn name(self) -> &'static str {
        match self {
            Field::Msisdn => "msisdn",
            Field::Amount => "amount",
            Field::Name => "name",
            Field::Reference => "reference",
            Field::Note => "note",
            Field::Network => "network",
        }
    }

    /// For messages: "no column holds the {…}".
    pub(super) fn what(self) -> &'static str {
        match self {
            Field::Msisdn => "phone number",
            Field::Amount => "amount",
            Field::Name => "name",
            Field::Reference => "reference",
            Field::Note => "note",
            Field::Network => "network",
        }
    }

    pub(super) fn example(self) -> String {
        format!("{:?}", self.headers()[0])
    }
}

/// Which of their columns holds which of our fields, told at the upload: `{"msisdn": "Tel.", "amount": "To pay"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<Field, String>);

impl Mapping {
    pub fn parse(json: &str) -> Result<Mapping, ImportError> {
        serde_json::from_str(json).map_err(|why| ImportError::MappingInvalid { why: why.to_string() })
    }
}

/// What a header is recognised by when it comes again, next month: its names, in whatever order and spelling.
pub type Fingerprint = [u8; 32];

pub(super) fn fingerprint(header: &[String]) -> Fingerprint {
    let mut names: Vec<String> = header.iter().map(|h| fold(h)).filter(|h| !h.is_empty() && !is_reason(h)).collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
    }
    hash.finalize().into()
}

fn is_reason(folded: &str) -> bool {
    folded == "gaba reason"
}

/// Whether this is the header of our own list of bad rows.
pub(super) fn is_ours(header: &[Cell<'_>]) -> bool {
    header.iter().any(|cell| is_reason(&fold(&cell.text)))
}

/// A header without what people vary: case, accents, padding, and `_` or `-` for a space.
pub(super) fn fold(header: &str) -> String {
    let plain: String = header
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && !is_zero_width(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if matches!(c, '_' | '-' | '.' | ':' | '*') { ' ' } else { c })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The field a header means, if it is one of ours. An amount may say its money: `Amount (UGX)`. One that says two is not
/// understood.
pub(super) fn recognise(header: &str) -> Option<Field> {
    let folded = fold(header);
    let named = |name: &str| Field::ALL.into_iter().find(|f| f.headers().contains(&name));
    named(&folded).or_else(|| {
        let is_money = |word: &&str| sign(word).is_some() || *word == "in";
        only_sign(&folded)?;
        let words: Vec<&str> = folded.split(['(', ')', '[', ']', '/', ',', ' ', '=']).collect();
        let plain: Vec<&str> = words.into_iter().filter(|word| !word.is_empty() && !is_money(word)).collect();
        named(&plain.join(" ")).filter(|field| *field == Field::Amount)
    })
}

/// Of the header's cells, those that name a field: as mapped, else as recognised.
pub(super) fn fields_named(header: &[String], mapping: Option<&Mapping>) -> Vec<Field> {
    let folded: Vec<String> = header.iter().map(|h| fold(h)).collect();
    let is_named = |field: &Field| match mapping.and_then(|m| m.0.get(field)) {
        Some(theirs) => folded.contains(&fold(theirs)),
        None => header.iter().any(|h| recognise(h) == Some(*field)),
    };
    Field::ALL.into_iter().filter(is_named).collect()
}

/// The columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// One per column up to the last header; columns without one are named by their position.
    pub headers: Vec<Arc<str>>,
    /// Those without one.
    nameless: Vec<usize>,
    /// Cells of the header's row, empty ones at its end included.
    pub width: usize,
    /// Index by field, in the order of [`Field::ALL`].
    by_field: [Option<usize>; Field::ALL.len()],
    /// [`REASON_HEADER`], when the file has it.
    dropped: Option<usize>,
    /// Where each row says its currency, to be compared with that of the batch.
    pub currency: Option<usize>,
    /// Columns that what the recipients are told is made of.
    pub tags: Vec<Tag>,
}

impl Columns {
    pub fn read(header: &[String], mapping: Option<&Mapping>, sms: Option<&SmsTerms>) -> Result<Columns, ImportError> {
        let width = header.len();
        let header = trimmed(header);
        let folded: Vec<String> = header.iter().map(|h| fold(h)).collect();
        for (i, name) in folded.iter().enumerate() {
            if !name.is_empty() && folded[..i].contains(name) {
                return Err(ImportError::DuplicateColumn { column: header[i].clone() });
            }
        }
        let mut by_field = mapped(mapping, &header, &folded)?;
        let taken = by_field;
        for field in Field::ALL {
            if by_field[field as usize].is_none() {
                by_field[field as usize] = recognised(field, &header, &taken, sms.is_some())?;
            }
        }
        let name = |(i, h): (usize, &String)| match h.is_empty() {
            true => nameless(i, &folded),
            false => Arc::from(h.as_str()),
        };
        let nameless = (0..header.len()).filter(|at| header[*at].is_empty()).collect();
        let currency = folded.iter().position(|name| CURRENCY_HEADERS.contains(&name.as_str()));
        let currency = currency.filter(|at| !by_field.contains(&Some(*at)));
        let dropped = folded.iter().position(|name| is_reason(name));
        let headers = header.iter().enumerate().map(name).collect();
        let mut columns = Columns { headers, nameless, width, by_field, dropped, currency, tags: Vec::new() };
        if let Some(sms) = sms {
            columns.tags = message::tags(&sms.template, &columns)?;
        }
        Ok(columns)
    }

    /// Fails where the names, which are kept with every row, are too long for it.
    pub fn are_short(&self, row: u32) -> Result<(), ImportError> {
        let bytes: usize = self.headers.iter().map(|header| header.len()).sum();
        if bytes > HEADER_BYTES_MAX {
            Err(ImportError::HeaderTooLong { row, bytes, max: HEADER_BYTES_MAX })
        } else {
            Ok(())
        }
    }

    /// With the columns that a text for the paid names.
    pub fn noticed(mut self, notice: Option<&str>) -> Result<Columns, ImportError> {
        if let Some(notice) = notice {
            self.tags = message::tags_of_the_paid(notice, &self)?;
        }
        Ok(self)
    }

    /// Fails where the header of the amounts says that they are other money than the batch's. Of one that only a mapping calls
    /// so, other signs than the code of some money prove nothing.
    pub fn in_currency(self, batch: Currency) -> Result<Columns, ImportError> {
        let header = self.of(Field::Amount).map(|at| &self.headers[at]);
        // As it stands, every word of three capitals would be the code of some money.
        let stated = header.and_then(|header| only_sign(&fold(header))).filter(|sign| !is_money_of(batch, sign));
        let by_name = header.is_some_and(|header| recognise(header) == Some(Field::Amount));
        match (header, stated.filter(|stated| by_name || stated.parse::<Currency>().is_ok())) {
            (Some(header), Some(stated)) => {
                let column = header.to_string();
                Err(ImportError::OtherCurrency { column, stated, batch })
            }
            _ => Ok(self),
        }
    }

    /// Columns before the last header that have none themselves, and that no tag names by their position.
    pub fn unused(&self) -> impl Iterator<Item = usize> {
        self.nameless.iter().copied().filter(|at| self.tags.iter().all(|tag| tag.column != *at))
    }

    fn is_nameless(&self, column: usize) -> bool {
        column >= self.headers.len() || self.nameless.contains(&column)
    }

    /// Whether a cell of this column says nothing of the recipient.
    pub fn is_dropped(&self, column: usize) -> bool {
        self.dropped == Some(column)
    }

    /// Whether the file is our own list of bad rows, come back.
    pub fn are_ours(&self) -> bool {
        self.dropped.is_some()
    }

    /// Every field that was found, with the column it was found in.
    pub fn mapping(&self) -> Mapping {
        let found = |field: Field| Some((field, self.headers[self.of(field)?].to_string()));
        Mapping(Field::ALL.into_iter().filter_map(found).collect())
    }

    /// Whether a column, by its header, holds numbers that are short and no money.
    pub fn counts(&self, column: usize) -> bool {
        let header = self.headers.get(column).map(|header| fold(header)).unwrap_or_default();
        header.split(' ').any(|word| COUNTING.contains(&word))
    }

    /// Whether a column, by its header, holds numbers: such, or sums of money beside the amount.
    pub fn is_number(&self, column: usize) -> bool {
        let header = self.headers.get(column).map(|header| fold(header)).unwrap_or_default();
        self.counts(column) || header.split(|c: char| !c.is_alphanumeric()).any(|word| SUMS.contains(&word))
    }

    pub fn of(&self, field: Field) -> Option<usize> {
        self.by_field[field as usize]
    }

    pub fn field_at(&self, column: usize) -> Option<Field> {
        Field::ALL.into_iter().find(|f| self.of(*f) == Some(column))
    }
}

/// Without padding, and without the empty columns that spreadsheets leave at the end.
fn trimmed(header: &[String]) -> Vec<String> {
    let mut header: Vec<String> = header.iter().map(|h| bare(h).to_owned()).collect();
    header.truncate(header.iter().rposition(|h| !h.is_empty()).map_or(0, |last| last + 1));
    header
}

/// What a column without a header is called: by its position, unless another column is called that.
fn nameless(at: usize, folded: &[String]) -> Arc<str> {
    let mut name = format!("column {}", at + 1);
    while folded.contains(&name) {
        name.push('_');
    }
    Arc::from(name)
}

fn named(header: &[String]) -> Vec<String> {
    header.iter().filter(|h| !h.is_empty()).cloned().collect()
}

fn mapped(
    mapping: Option<&Mapping>,
    header: &[String],
    folded: &[String],
) -> Result<[Option<usize>; Field::ALL.len()], ImportError> {
    let mut by_field = [None; Field::ALL.len()];
    for (&field, column) in mapping.iter().flat_map(|m| &m.0) {
        let wanted = fold(column);
        let Some(at) = folded.iter().position(|name| !name.is_empty() && *name == wanted) else {
            return Err(ImportError::MappedColumnMissing { field, column: column.clone(), found: named(header) });
        };
        if let Some(&first) = Field::ALL.iter().find(|f| by_field[**f as usize] == Some(at)) {
            return Err(ImportError::MappedTwice { column: header[at].clone(), first, second: field });
        }
        by_field[field as usize] = Some(at);
    }
    Ok(by_field)
}

fn recognised(
    field: Field,
    header: &[String],
    taken: &[Option<usize>; Field::ALL.len()],
    told: bool,
) -> Result<Option<usize>, ImportError> {
    let candidates: Vec<usize> =
        (0..header.len()).filter(|i| !taken.contains(&Some(*i)) && recognise(&header[*i]) == Some(field)).collect();
    let also = |at: &usize| !taken.contains(&Some(*at)) && field.also().contains(&fold(&header[*at]).as_str());
    let others: Vec<usize> = (0..header.len()).filter(also).collect();
    match candidates[..] {
        [] if others.len() == 1 => Ok(Some(others[0])),
        [] if others.len() > 1 && !told => {
            let columns = others.iter().map(|at| header[*at].clone()).collect();
            Err(ImportError::AmbiguousColumn { field, columns })
        }
        [] if field.is_required(told) => Err(missing(header, taken, told)),
        [] => Ok(None),
        [only] => match rivals(field, only, header, taken, told)[..] {
            [] => Ok(Some(only)),
            ref rivals => {
                let columns = [only].iter().chain(rivals).map(|at| header[*at].clone()).collect();
                Err(ImportError::AmbiguousColumn { field, columns })
            }
        },
        // Whatever is not needed is a plain variable there, and two of them are two variables.
        _ if told && !field.is_required(told) => Ok(None),
        _ => {
            let columns = candidates.iter().map(|i| header[*i].clone()).collect();
            Err(ImportError::AmbiguousColumn { field, columns })
        }
    }
}

/// Says all that is missing at once.
fn missing(header: &[String], taken: &[Option<usize>; Field::ALL.len()], told: bool) -> ImportError {
    let is_there = |field: Field| taken[field as usize].is_some() || header.iter().any(|h| recognise(h) == Some(field));
    let fields = Field::ALL.into_iter().filter(|f| f.is_required(told) && !is_there(*f)).collect();
    ImportError::MissingColumn { fields, found: named(header) }
}

/// Columns beside the one that was recognised which may be meant as well: whom or how much to pay is not guessed.
fn rivals(
    field: Field,
    found: usize,
    header: &[String],
    taken: &[Option<usize>; Field::ALL.len()],
    told: bool,
) -> Vec<usize> {
    if !field.is_required(told) {
        return Vec::new();
    }
    let beside = fold(&header[found]);
    let may_be = |at: &usize| {
        *at != found
            && !taken.contains(&Some(*at))
            && recognise(&header[*at]).is_none()
            && field.is_hinted_at(&fold(&header[*at]), &beside)
    };
    (0..header.len()).filter(may_be).collect()
}

/// Whether a row below the header is one itself: `None` when it is none, else whether it names other columns than the first.
/// One word that names a column may be a remark.
pub(super) fn header_again(columns: &Columns, cells: &[Cell<'_>], told: bool) -> Option<bool> {
    let filled: Vec<(usize, String)> = cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| !cell.is_blank())
        .map(|(at, cell)| (at, fold(&cell.text)))
        .collect();
    let is_header = |at: usize, text: &String| columns.headers.get(at).is_some_and(|header| fold(header) == *text);
    if filled.len() > 1 && filled.iter().all(|(at, text)| is_header(*at, text)) {
        return Some(false);
    }
    let named = |(at, text): &(usize, String)| Some((*at, recognise(text).filter(|f| f.is_required(told))?));
    let named: Vec<(usize, Field)> = filled.iter().filter_map(named).collect();
    let whole = named.len() > 1 && named.iter().any(|(at, field)| columns.of(*field) != Some(*at));
    // The second line of a header that stands in two: it names what the first has no name for.
    let second = filled.len() > 1 && named.iter().any(|(at, _)| columns.is_nameless(*at));
    (whole || second).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &[&str], mapping: Option<&str>) -> Result<Columns, ImportError> {
        let header: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
        let mapping = mapping.map(|m| Mapping::parse(m).unwrap());
        Columns::read(&header, mapping.as_ref(), None)
    }

    #[test]
    fn recognises_headers_whatever_their_case_accents_order_and_padding() {
        for (header, field) in [
            ("msisdn", Field::Msisdn),
            ("  Phone_Number ", Field::Msisdn),
            ("TÉLÉPHONE", Field::Msisdn),
            ("\u{FEFF}Mobile  Money-Number", Field::Msisdn),
            ("Number", Field::Msisdn),
            ("NET PAY", Field::Amount),
            ("Net-Pay:", Field::Amount),
            ("Salary", Field::Amount),
            ("Full\u{00A0}Name", Field::Name),
            ("Bénéficiary", Field::Name),
            ("Staff ID", Field::Reference),
            ("Narration", Field::Note),
            ("Network", Field::Network),
        ] {
            assert_eq!(recognise(header), Some(field), "{header:?}");
        }
        assert_eq!(recognise("Village"), None);
        assert_eq!(recognise(""), None);
        let columns = read(&["Department", "Net Pay", "Mobile Number"], None).unwrap();
        assert_eq!((columns.of(Field::Amount), columns.of(Field::Msisdn)), (Some(1), Some(2)));
        assert_eq!(columns.field_at(0), None);
    }

    #[test]
    fn two_columns_of_one_field_are_an_error_until_mapped() {
        let header = ["phone", "salary", "net pay"];
        let error = read(&header, None).unwrap_err();
        assert_eq!(error.code(), "ambiguous_column");
        assert!(error.to_string().contains("\"salary\", \"net pay\""), "{error}");
        let columns = read(&header, Some(r#"{"amount":"Net Pay"}"#)).unwrap();
        assert_eq!((columns.of(Field::Amount), columns.field_at(1)), (Some(2), None));
    }

    #[test]
    fn a_column_that_may_be_meant_as_well_must_be_told_from_it() {
        for header in [
            &["phone", "salary", "PAYE", "Net wage"][..],
            &["phone", "Amount", "Amount paid", "Balance"],
            &["phone", "amount", "amount due"],
            &["phone", "net pay", "final pay"],
            &["phone", "salary", "total"],
            &["phone", "Mobile Money No. 2", "amount"],
            &["phone", "MM number", "amount"],
            &["number", "contact", "amount"],
        ] {
            assert_eq!(read(header, None).unwrap_err().code(), "ambiguous_column", "{header:?}");
            let mapped = format!(r#"{{"msisdn":{:?},"amount":{:?}}}"#, header[0], header[2]);
            assert!(read(header, Some(&mapped)).is_ok(), "{header:?}");
        }
        for header in [
            &["phone", "basic pay", "gross pay", "net pay", "loan balance", "total deductions"][..],
            &["phone", "amount", "gross pay", "paid (y/n)", "phone allowance", "next of kin phone"],
            &["phone", "amount", "pay date", "amount in words", "salary scale", "leave balance"],
            &["phone", "mobile network", "amount", "account number"],
        ] {
            assert!(read(header, None).is_ok(), "{header:?}");
        }
    }

    #[test]
    fn a_column_without_a_header_is_not_taken_for_one_with_such_a_name() {
        let columns = read(&["phone", "", "amount", "column 2"], None).unwrap();
        assert_eq!(
            columns.headers.iter().map(|h| &**h).collect::<Vec<_>>(),
            ["phone", "column 2_", "amount", "column 2"]
        );
    }

    #[test]
    fn a_mapping_names_the_columns_that_are_meant() {
        let columns = read(&["Tel.", "To pay", "name"], Some(r#"{"msisdn":"tel","amount":"TO PAY"}"#)).unwrap();
        assert_eq!((columns.of(Field::Msisdn), columns.of(Field::Name)), (Some(0), Some(2)));
        for (mapping, code) in [
            (r#"{"msisdn":"Fax","amount":"To pay"}"#, "mapped_column_missing"),
            (r#"{"msisdn":"Tel.","amount":"Tel."}"#, "column_mapped_twice"),
        ] {
            assert_eq!(read(&["Tel.", "To pay"], Some(mapping)).unwrap_err().code(), code);
        }
        for json in ["[]", "{\"fone\":\"Tel.\"}", "{\"msisdn\":7}", "{"] {
            assert_eq!(Mapping::parse(json).unwrap_err().code(), "mapping_invalid", "{json}");
        }
    }

    #[test]
    fn missing_and_repeated_columns_are_named() {
        let error = read(&["name", "Fone", "amount"], None).unwrap_err();
        assert_eq!(error.code(), "missing_column");
        assert!(error.to_string().contains("\"name\", \"Fone\", \"amount\""), "{error}");
        assert_eq!(read(&["phone", "name"], None).unwrap_err().code(), "missing_column");
        let error = read(&["phone", "amount", "Village", "village "], None).unwrap_err();
        assert_eq!(error.code(), "duplicate_column");
    }

    #[test]
    fn a_header_is_known_again_in_any_order_and_spelling() {
        let print = |header: &[&str]| fingerprint(&header.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
        let plain = print(&["Tel.", "To pay", "Name"]);
        assert_eq!(plain, print(&[" name", "TEL", "to-pay", "", "gaba_reason"]));
        assert_ne!(plain, print(&["Tel.", "To pay"]));
        assert_ne!(print(&["ab", "c"]), print(&["a", "bc"]));
    }

    #[test]
    fn what_was_found_is_a_mapping_that_finds_it_again() {
        let header: Vec<String> = ["Tel.", "salary", "net pay", "Full name"].map(String::from).to_vec();
        let given = Mapping::parse(r#"{"msisdn":"tel","amount":"NET PAY"}"#).unwrap();
        let columns = Columns::read(&header, Some(&given), None).unwrap();
        let found = columns.mapping();
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(json, r#"{"msisdn":"Tel.","amount":"net pay","name":"Full name"}"#);
        assert_eq!(Columns::read(&header, Some(&found), None).unwrap(), columns);
    }

    #[test]
    fn columns_without_a_header_are_named_by_position_and_dropped_at_the_end() {
        let columns = read(&["phone", "", "amount", "", " "], None).unwrap();
        let names: Vec<&str> = columns.headers.iter().map(|h| &**h).collect();
        assert_eq!(names, ["phone", "column 2", "amount"]);
    }
}
