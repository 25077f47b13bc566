//! What a row says beside its number and its amount, and whether that agrees with them: the network, the currency.

use super::columns::Field;
use super::issue::Issue;
use super::rows::Judge;
use crate::phone::Normalised;
use crate::sheet::{is_money_of, sign};
use crate::text::bare;

impl Judge<'_> {
    /// A column that says the currency is believed where it says another one.
    pub(super) fn judge_currency(&mut self) {
        let Some(at) = self.columns.currency else { return };
        let stated = self.cells.get(at).map_or("", |cell| bare(&cell.text));
        let batch = self.terms.currency;
        let is_other = match sign(&stated.to_uppercase()) {
            None => !stated.is_empty(),
            Some(sign) => !is_money_of(batch, &sign),
        };
        if is_other {
            let message = format!(
                "the row says {stated}, and this batch is in {}. Correct it, or put the row into a batch of its currency",
                batch.code()
            );
            let issue = Issue::error(self.row, "amount_other_currency", message);
            self.issues.push(issue.in_column(&self.columns.headers[at], stated));
        }
    }

    pub(super) fn judge_network(&mut self, phone: Option<&Normalised>) {
        let Some(stated) = self.value(Field::Network).map(bare).filter(|s| !s.is_empty()) else { return };
        let country = self.terms.country;
        let Some(named) = country.network_named(stated) else {
            let known = country.networks().collect::<Vec<_>>().join(", ");
            let message = format!("the network is not one of {known}, so it could not be compared with the number");
            return self.report(Field::Network, Issue::warning(self.row, "network_unknown", message));
        };
        let Some(actual) = phone.and_then(|p| p.network) else { return };
        if named != actual {
            let message = format!(
                "the row says {named}, but the number is one of {actual}. Correct the number or the network: one of \
                 them is wrong"
            );
            self.report(Field::Network, Issue::error(self.row, "network_mismatch", message));
        }
    }
}
