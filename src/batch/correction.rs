//! Correcting a list before it is submitted, one row at a time.
//!
//! A row is corrected in the words of its file: what is changed takes the place of the uploaded cell, and the row is judged
//! again by the rules of the import, whatever it was before. A row can also be set aside, and brought back.

use super::Batch;
use super::import::{self, Field, Mapping, Terms, Uploaded};
use super::view::BatchView;
use crate::store::{IssueView, NewRecipient, NewRow, Refusal, RejectedRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a maker changes of one row. What is not given stays as it is; an empty text clears the cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    pub msisdn: Option<String>,
    pub amount: Option<String>,
    pub name: Option<String>,
    pub reference: Option<String>,
    pub note: Option<String>,
    pub network: Option<String>,
    /// Columns that are none of ours, by the header they have in the file.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// `true` sets the row aside, `false` brings it back.
    pub excluded: Option<bool>,
}

impl Correction {
    fn fields(&self) -> impl Iterator<Item = (Field, &String)> {
        let of = |field| match field {
            Field::Msisdn => &self.msisdn,
            Field::Amount => &self.amount,
            Field::Name => &self.name,
            Field::Reference => &self.reference,
            Field::Note => &self.note,
            Field::Network => &self.network,
        };
        Field::ALL.into_iter().filter_map(move |field| Some((field, of(field).as_ref()?)))
    }
}

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RowState)]
pub enum Standing {
    /// It is paid when the batch is approved.
    Valid,
    /// It cannot be paid as it is.
    Invalid,
    /// A maker set it aside.
    Excluded,
}

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    pub row: u32,
    pub standing: Standing,
    /// In the order of the file where it is known.
    pub cells: Vec<Uploaded>,
}

/// A row as a correction leaves it.
#[derive(Clone, Debug)]
pub struct Corrected {
    pub standing: Standing,
    pub recipient: Option<NewRecipient>,
    /// What is kept of it when it is not paid.
    pub rejected: RejectedRow,
    pub cells: Vec<Uploaded>,
    pub issues: Vec<IssueView>,
}

/// A row as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Row)]
pub struct RowView {
    pub row: u32,
    pub state: Standing,
    /// `[header, value]`, as they now stand.
    #[schema(value_type = Vec<Vec<String>>)]
    pub cells: Vec<(String, String)>,
    pub issues: Vec<IssueView>,
    #[schema(value_type = BatchView)]
    pub batch: Batch,
}

/// Corrects a row and judges it again: pure. `mapping` is that of the batch, complete.
pub fn correct(stored: &StoredRow, correction: &Correction, terms: &Terms<'_>) -> Result<Corrected, Refusal> {
    let mut mapping = terms.mapping.clone().unwrap_or_default();
    let mut cells = stored.cells.clone();
    for (field, value) in correction.fields() {
        // A column that the file does not have is added under our own name for it.
        let header = mapping.0.entry(field).or_insert_with(|| field.name().to_owned()).clone();
        match cells.iter_mut().find(|cell| cell.is_in(&header)) {
            Some(cell) => cell.correct(value),
            None => {
                not_a_column(field, &cells)?;
                cells.push(Uploaded::new(&header, value));
            }
        }
    }
    for (header, value) in &correction.variables {
        let of_ours = mapping.0.values().any(|theirs| theirs == header);
        let cell = cells.iter_mut().find(|cell| cell.is_in(header)).filter(|_| !of_ours);
        let Some(cell) = cell else {
            let message = format!("variables: {header:?} is not a column of the list that can be changed there");
            return Err(Refusal::Invalid(message));
        };
        cell.correct(value);
    }
    let aside = correction.excluded.unwrap_or(stored.standing == Standing::Excluded);
    Ok(judged(stored.row, cells, mapping, terms, aside))
}

/// A list can have a column of that name which is none of ours, as one of two that might be it.
fn not_a_column(field: Field, cells: &[Uploaded]) -> Result<(), Refusal> {
    let name = field.name();
    let same =
        cells.iter().filter_map(|cell| cell.header.as_deref()).find(|header| import::is_same_header(header, name));
    match same {
        None => Ok(()),
        Some(header) => {
            Err(Refusal::Invalid(format!("{name}: the list has a column {header:?}; change it under variables")))
        }
    }
}

fn judged(row: u32, cells: Vec<Uploaded>, mapping: Mapping, terms: &Terms<'_>, aside: bool) -> Corrected {
    let present = |(_, header): &(&Field, &String)| cells.iter().any(|cell| cell.is_in(header));
    let mapping = mapping.0.iter().filter(present).map(|(field, header)| (*field, header.clone())).collect();
    let terms =
        Terms { mapping: Some(Mapping(mapping)), sms: terms.sms.clone(), notice: terms.notice.clone(), ..*terms };
    let NewRow { recipient, rejected, issues, .. } = import::judge_one(&terms, &cells, row).into();
    let rejected = rejected.unwrap_or_else(|| RejectedRow {
        reference: recipient.as_ref().and_then(|r| r.reference.clone()),
        name: recipient.as_ref().map(|r| r.name.clone()),
        msisdn: recipient.as_ref().map(|r| r.msisdn.clone()),
        // What a message costs is nothing that its list says.
        amount: recipient.as_ref().filter(|r| r.sms.is_none()).map(|r| r.amount.amount()),
        cells: String::new(),
    });
    let rejected = RejectedRow { cells: serde_json::json!(cells).to_string(), ..rejected };
    match aside {
        true => Corrected { standing: Standing::Excluded, recipient: None, rejected, cells, issues: Vec::new() },
        false => {
            let standing = if recipient.is_some() { Standing::Valid } else { Standing::Invalid };
            Corrected { standing, recipient, rejected, cells, issues }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LaneConfig;
    use crate::lane::route::Router;
    use crate::money::Currency;
    use crate::phone::Country;
    use crate::sheet::Fault;

    fn router() -> Router {
        let lane = "name = \"mtn\"\nrail = \"http\"\nbase_url = \"http://127.0.0.1:1\"\ncountry = \"UG\"\ncurrency = \"UGX\"\n\
                    prefixes = [\"25677\"]\nsecret_env = \"X\"";
        let lane: LaneConfig = toml::from_str(lane).unwrap();
        Router::new(&[lane]).unwrap()
    }

    fn corrected(stored: &StoredRow, correction: Correction) -> Result<Corrected, Refusal> {
        let router = router();
        let mapping = Mapping::parse(r#"{"msisdn":"Tel","amount":"To pay"}"#).unwrap();
        let terms = Terms {
            currency: Currency::Ugx,
            country: Country::Uganda,
            router: &router,
            mapping: Some(mapping),
            rows_max: 10,
            sms: None,
            notice: None,
        };
        correct(stored, &correction, &terms)
    }

    fn stored(standing: Standing, phone: &str) -> StoredRow {
        let cells = vec![Uploaded::new("Tel", phone), Uploaded::new("To pay", "5000"), Uploaded::new("Team", "A")];
        StoredRow { row: 7, standing, cells }
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_corrected_cell_takes_the_place_of_the_uploaded_one() {
        let fixed =
            corrected(&stored(Standing::Invalid, "12"), Correction { msisdn: text("0772123456"), ..<_>::default() });
        let fixed = fixed.unwrap();
        assert_eq!((fixed.standing, fixed.recipient.unwrap().msisdn.as_str()), (Standing::Valid, "256772123456"));
        assert_eq!(fixed.cells[0], Uploaded::new("Tel", "0772123456"));
        let worse =
            corrected(&stored(Standing::Valid, "0772123456"), Correction { amount: text("1,00"), ..<_>::default() });
        let worse = worse.unwrap();
        assert_eq!((worse.standing, worse.issues[0].column.as_deref()), (Standing::Invalid, Some("To pay")));
    }

    #[test]
    fn a_column_that_the_file_lacks_can_be_given() {
        let named =
            corrected(&stored(Standing::Valid, "0772123456"), Correction { name: text("Okello"), ..<_>::default() });
        let named = named.unwrap();
        assert_eq!(named.recipient.unwrap().name, "Okello");
        assert_eq!(named.cells[3], Uploaded::new("name", "Okello"));
    }

    /// `077…,5,000` where the header has Tel, To pay, Team.
    fn shifted() -> StoredRow {
        let cells = [(Some("Tel"), "0772123456"), (Some("To pay"), "5"), (Some("Team"), "000"), (None, "A")];
        let cells = cells.map(|(header, text)| Uploaded {
            header: header.map(Into::into),
            text: Some(text.into()),
            fault: Some(Fault::Shifted),
        });
        StoredRow { row: 7, standing: Standing::Invalid, cells: cells.to_vec() }
    }

    #[test]
    fn a_row_that_did_not_fit_its_header_is_given_anew_or_stays_refused() {
        let team = |team: &str| BTreeMap::from([("Team".to_owned(), team.to_owned())]);
        let aside = StoredRow { standing: Standing::Excluded, ..shifted() };
        for (row, correction) in [
            (shifted(), Correction::default()),
            (shifted(), Correction { amount: text("5000"), ..<_>::default() }),
            (shifted(), Correction { msisdn: text("0772123456"), variables: team("A"), ..<_>::default() }),
            (aside, Correction { excluded: Some(false), ..<_>::default() }),
        ] {
            let again = corrected(&row, correction.clone()).unwrap();
            assert_eq!(
                (again.standing, again.issues[0].code.as_str()),
                (Standing::Invalid, "row_shape"),
                "{correction:?}"
            );
            assert!(again.rejected.cells.contains("shifted"), "{}", again.rejected.cells);
        }
        let both = Correction { msisdn: text("0772123456"), amount: text("5000"), ..<_>::default() };
        let paid = corrected(&shifted(), both.clone()).unwrap();
        assert_eq!((paid.standing, paid.issues[0].severity.as_str()), (Standing::Valid, "warning"));
        assert!(paid.recipient.unwrap().variables.contains(r#""Team":"""#), "what is in doubt is not used");
        let whole = corrected(&shifted(), Correction { variables: team("A"), ..both }).unwrap();
        assert_eq!((whole.standing, whole.issues.len()), (Standing::Valid, 0));
        assert!(whole.recipient.unwrap().variables.contains(r#""Team":"A""#));
    }

    #[test]
    fn correcting_one_cell_does_not_vouch_for_another() {
        let mut row = stored(Standing::Invalid, "0772123456");
        row.cells[1].fault = Some(Fault::Imprecise);
        let named = corrected(&row, Correction { name: text("Okello"), ..<_>::default() }).unwrap();
        assert_eq!((named.standing, named.issues[0].code.as_str()), (Standing::Invalid, "number_imprecise"));
        let typed = corrected(&row, Correction { amount: text("5000"), ..<_>::default() }).unwrap();
        assert_eq!(typed.standing, Standing::Valid);
    }

    #[test]
    fn a_column_of_that_name_which_is_none_of_ours_is_not_doubled() {
        let mut row = stored(Standing::Valid, "0772123456");
        row.cells.push(Uploaded::new("Name", "Okello"));
        let refused = corrected(&row, Correction { name: text("Akello"), ..<_>::default() });
        assert!(matches!(refused, Err(Refusal::Invalid(why)) if why.contains("under variables")));
    }

    #[test]
    fn variables_are_changed_by_their_header_and_others_are_refused() {
        let change = |header: &str| Correction {
            variables: BTreeMap::from([(header.to_owned(), "B".to_owned())]),
            ..Correction::default()
        };
        let row = stored(Standing::Valid, "0772123456");
        let changed = corrected(&row, change("Team")).unwrap().recipient.unwrap();
        assert!(changed.variables.contains(r#""Team":"B""#), "{}", changed.variables);
        for header in ["Tel", "Colour"] {
            assert!(matches!(corrected(&row, change(header)), Err(Refusal::Invalid(_))), "{header}");
        }
    }

    #[test]
    fn a_row_set_aside_stays_so_until_it_is_brought_back() {
        let aside = |excluded| Correction { excluded, ..Correction::default() };
        let row = stored(Standing::Valid, "0772123456");
        let out = corrected(&row, aside(Some(true))).unwrap();
        assert!(out.standing == Standing::Excluded && out.recipient.is_none() && out.issues.is_empty());
        assert_eq!(out.rejected.msisdn.as_deref(), Some("256772123456"));
        let row = StoredRow { standing: Standing::Excluded, ..row };
        assert_eq!(corrected(&row, aside(None)).unwrap().standing, Standing::Excluded);
        assert_eq!(corrected(&row, aside(Some(false))).unwrap().standing, Standing::Valid);
    }
}
