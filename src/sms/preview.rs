//! What a batch will say, shown before anybody is told: the first text, the longest, and one picked by chance.

use super::segments::{self, Encoding};
use super::{DueMessage, PURPOSE_BULK, template};
use crate::money::{Currency, Money};
use serde::Serialize;

/// One recipient's text.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub row: u32,
    pub msisdn: String,
    pub text: String,
    pub segments: u32,
    pub encoding: Encoding,
    /// A decimal string of the major unit. Telling the paid costs nothing.
    pub cost: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Totals {
    pub messages: u64,
    pub segments: u64,
    pub cost: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    pub currency: String,
    pub first: Option<Shown>,
    pub longest: Option<Shown>,
    pub random: Option<Shown>,
    pub totals: Totals,
}

/// Sees every message of a batch in row order and keeps three of them.
pub struct Previewer {
    currency: Currency,
    /// Which one is shown as picked by chance, counted from 0.
    chosen: u64,
    first: Option<Shown>,
    longest: Option<(u32, Shown)>,
    random: Option<Shown>,
    messages: u64,
    segments: u64,
    cost_minor: i64,
}

impl Previewer {
    pub fn new(currency: Currency, chosen: u64) -> Previewer {
        let (messages, segments, cost_minor) = (0, 0, 0);
        Previewer { currency, chosen, first: None, longest: None, random: None, messages, segments, cost_minor }
    }

    pub fn see(&mut self, message: &DueMessage) {
        let cost_minor = if message.purpose == PURPOSE_BULK { message.amount.minor } else { 0 };
        let text = template::text(message);
        let size = segments::measure(&text);
        let shown = || Shown {
            row: message.row,
            msisdn: message.msisdn.as_str().to_owned(),
            text: text.clone(),
            segments: size.segments,
            encoding: size.encoding,
            cost: Money::new(cost_minor, self.currency).amount(),
        };
        if self.messages == 0 {
            self.first = Some(shown());
        }
        if self.messages == self.chosen {
            self.random = Some(shown());
        }
        let longer = |(units, longest): &(u32, Shown)| (longest.segments, *units) < (size.segments, size.units);
        if self.longest.as_ref().is_none_or(longer) {
            self.longest = Some((size.units, shown()));
        }
        self.messages += 1;
        self.segments += u64::from(size.segments);
        self.cost_minor = self.cost_minor.saturating_add(cost_minor);
    }

    pub fn finish(self) -> Preview {
        let cost = Money::new(self.cost_minor, self.currency).amount();
        Preview {
            currency: self.currency.to_string(),
            first: self.first,
            longest: self.longest.map(|(_, shown)| shown),
            random: self.random,
            totals: Totals { messages: self.messages, segments: self.segments, cost },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::Msisdn;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn message(row: u32, name: &str) -> DueMessage {
        DueMessage {
            id: Uuid::from_u128(u128::from(row)),
            organisation: Uuid::nil(),
            batch: Uuid::nil(),
            row,
            purpose: PURPOSE_BULK.into(),
            msisdn: Msisdn::from_digits("256772123456").unwrap(),
            template: Some("Hi ((name))".into()),
            name: String::new(),
            amount: Money::new(35, Currency::Ugx),
            reference: None,
            organisation_name: String::new(),
            batch_name: String::new(),
            transaction_id: None,
            variables: BTreeMap::from([("Name".to_owned(), name.to_owned())]),
            step: 0,
            claim: 0,
        }
    }

    #[test]
    fn the_first_the_longest_and_the_chosen_are_shown_with_what_all_cost() {
        let mut previewer = Previewer::new(Currency::Ugx, 3);
        // 71 units of UCS-2 are two SMS, 150 septets one.
        for (row, name) in [(2, "Ann"), (3, &"b".repeat(147)), (5, &"ç".repeat(68)), (9, "Bo")] {
            previewer.see(&message(row, name));
        }
        let preview = previewer.finish();
        let row = |shown: &Option<Shown>| shown.as_ref().unwrap().row;
        assert_eq!((row(&preview.first), row(&preview.longest), row(&preview.random)), (2, 5, 9));
        assert_eq!(preview.first.unwrap().text, "Hi Ann");
        assert_eq!(preview.longest.unwrap().encoding, Encoding::Ucs2);
        assert_eq!((preview.totals.messages, preview.totals.segments), (4, 5));
        assert_eq!(preview.totals.cost, "140");
        let nobody = Previewer::new(Currency::Ugx, 0).finish();
        assert!(nobody.first.is_none() && nobody.longest.is_none() && nobody.random.is_none());
    }
}
