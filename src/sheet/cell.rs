//! A cell as text, with what is wrong with it before its text means anything.

use super::sign::SHILLINGS;
use crate::text::bare;
use std::borrow::Cow;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell<'a> {
    pub text: Cow<'a, str>,
    pub fault: Option<Fault>,
    /// What is seen of a number, where that is not its text.
    pub shown: Option<Shown<'a>>,
}

/// A number as whoever looks at the sheet sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    As(Cow<'a, str>),
    /// In a way that is not known here.
    Unknown,
}

impl<'a> Cell<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell { text: text.into(), ..Cell::default() }
    }

    pub fn fault(fault: Fault, text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell { text: text.into(), fault: Some(fault), shown: None }
    }

    /// Another text, with what is wrong with this one.
    pub(crate) fn saying<'t>(&self, text: impl Into<Cow<'t, str>>) -> Cell<'t> {
        Cell { text: text.into(), fault: self.fault, shown: None }
    }

    pub(super) fn shown(self, shown: Option<Shown<'a>>) -> Cell<'a> {
        Cell { shown, ..self }
    }

    /// A number that is shown with this sign of money.
    pub(super) fn in_money(self, sign: &str) -> Cell<'a> {
        match self.fault {
            None if sign == SHILLINGS => Cell::fault(Fault::Money, format!("{}{sign}", self.text)),
            None => Cell::fault(Fault::Money, format!("{sign} {}", self.text)),
            Some(_) => self,
        }
    }

    /// The number of such a cell without its sign.
    pub(crate) fn without_money(&self) -> &str {
        let number = self.text.rsplit(' ').next().unwrap_or_default();
        number.strip_suffix(SHILLINGS).unwrap_or(number)
    }

    pub fn is_blank(&self) -> bool {
        self.fault.is_none() && bare(&self.text).is_empty()
    }

    pub fn to_owned(&self) -> Cell<'static> {
        let shown = self.shown.as_ref().map(|shown| match shown {
            Shown::As(text) => Shown::As(Cow::Owned(text.clone().into_owned())),
            Shown::Unknown => Shown::Unknown,
        });
        self.saying(self.text.clone().into_owned()).shown(shown)
    }
}

/// Why the text of a cell is not simply what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `#N/A`, `#REF!`, …
    Error,
    /// A formula that was never calculated.
    NoValue,
    /// A number with more digits than a spreadsheet keeps exactly.
    Imprecise,
    /// A date or a time, as ISO 8601: good as a text, never as a phone number or an amount, which is what Excel makes of
    /// a number in a column of dates, and of `3/4` or `1-2` anywhere.
    Date,
    /// A number that is shown as a percentage. The text is the number: 0.05 where 5 % is shown.
    Percent,
    /// A number that is shown with a sign of money, which the text has too: only the judge of an amount knows whether it is
    /// the right one, and elsewhere the number is meant.
    Money,
    /// Its row has more or fewer cells than the header, so it may belong to another column.
    Shifted,
    /// An amount and the cell beside it that together are one with a comma: `500,000` without quotes.
    Split,
}

impl Fault {
    pub const ALL: [Fault; 8] = [
        Fault::Error,
        Fault::NoValue,
        Fault::Imprecise,
        Fault::Date,
        Fault::Percent,
        Fault::Money,
        Fault::Shifted,
        Fault::Split,
    ];

    /// As it is stored with a row that is to be corrected.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Error => "error",
            Fault::NoValue => "no_value",
            Fault::Imprecise => "imprecise",
            Fault::Date => "date",
            Fault::Percent => "percent",
            Fault::Money => "money",
            Fault::Shifted => "shifted",
            Fault::Split => "split",
        }
    }

    pub fn parse(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }
}
