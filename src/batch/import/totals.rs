//! What stands below a list: a sum in the amount column that belongs to nobody, and who signed.
//!
//! It is left out, with a warning, only when it is surely that: it is among the last rows, has no phone number, and says
//! exactly what the rows above add up to, or who prepared them. What looks like a total and is not sure is an error of its row.

use super::amount;
use super::columns::{self, Columns, Field};
use super::intake::Held;
use super::issue::Issue;
use super::rows::{Cell, Fault};
use crate::money::{Currency, Money};
use crate::text::bare;

/// Last rows that can be no recipients: a sum in words, a sum in figures, who prepared and who approved it, with dates.
pub(super) const HELD_ROWS_MAX: usize = 16;
const LABEL_CHARS_MAX: usize = 60;
const LABELS: [&str; 8] = ["total", "totals", "subtotal", "sum", "jumla", "somme", "totaux", "omugatte"];
const BEFORE_TOTAL: [&str; 6] = ["grand", "sub", "net", "overall", "page", "final"];
/// What is said, with `by` after it, of a list by whoever signs it.
const BEFORE_BY: [&str; 12] = [
    "approved",
    "authorised",
    "authorized",
    "certified",
    "checked",
    "compiled",
    "confirmed",
    "endorsed",
    "prepared",
    "reviewed",
    "signed",
    "verified",
];
const SIGNATURES: [&str; 3] = ["signature", "signatures", "signed"];

/// The amounts of the rows above, those that cannot be paid included: a spreadsheet adds up all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    minor: i128,
    rows: u32,
}

impl Sum {
    pub fn add(&mut self, amount: Option<Money>) {
        self.minor += amount.map_or(0, |money| i128::from(money.minor));
        self.rows += 1;
    }
}

/// What a row that looks like no recipient says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Exactly what the rows above add up to.
    Sum,
    /// It is called a total, and says something else.
    Label,
    /// Who prepared the list, or approved it, and what stands below that.
    Signed,
}

/// Whether a row looks like one that is below the list; `None` for a recipient. `signed`: a signature stands above it.
pub(super) fn look(columns: &Columns, cells: &[Cell<'_>], sum: Sum, currency: Currency, signed: bool) -> Option<Look> {
    let (phone, amount) = (columns.of(Field::Msisdn)?, columns.of(Field::Amount)?);
    // Of most rows no more than the number is read for this.
    let says_nothing = |at: usize| cells.get(at).is_none_or(|cell| cell.is_blank() || is_of_a_signature(cell));
    let no_number = |at: usize| cells.get(at).is_some_and(|cell| !cell.text.contains(char::is_numeric));
    let silent = says_nothing(phone) || (signed && no_number(phone));
    if silent && says_nothing(amount) && (signed || first_filled(cells).is_some_and(is_signature)) {
        // Whoever has a name beside that is somebody; and a digit may be of a number or an amount, wherever it stands.
        let name = columns.of(Field::Name).filter(|at| !signed && !says_nothing(*at));
        let sound = |cell: &Cell<'_>| cell.fault.is_none_or(|fault| fault == Fault::Date);
        let silent = |cell: &Cell<'_>| !cell.text.contains(char::is_numeric) || is_date(&cell.text);
        if name.is_none() && cells.iter().all(|cell| sound(cell) && silent(cell)) {
            return Some(Look::Signed);
        }
    }
    let empty = |at: usize| cells.get(at).is_none_or(Cell::is_blank);
    let labelled = || cells.iter().enumerate().any(|(at, cell)| at != amount && is_label(&cell.text));
    // Nothing of most rows needs to be read to know that they are none.
    if !(empty(phone) || cells.get(phone).is_some_and(|cell| is_label(&cell.text))) {
        return None;
    }
    let read = cells.get(amount).filter(|cell| cell.fault.is_none());
    let is_sum = read
        .and_then(|cell| amount::parse(&cell.text, currency).ok())
        .is_some_and(|money| sum.rows > 0 && i128::from(money.minor) == sum.minor);
    let alone = || (0..cells.len()).all(|at| at == amount || empty(at));
    match (is_sum, labelled()) {
        (true, true) => Some(Look::Sum),
        // One row and its amount below it may be a recipient whose number is missing.
        (true, false) if sum.rows > 1 && alone() => Some(Look::Sum),
        (false, true) => Some(Look::Label),
        _ => None,
    }
}

fn is_label(text: &str) -> bool {
    begins(text, |words| match words {
        [first, ..] if LABELS.contains(first) => true,
        [first, "total", ..] => BEFORE_TOTAL.contains(first),
        _ => false,
    })
}

/// `Prepared by: …`, `Signature: ……`, the sum in words. Nobody is called that: a name may begin with one of these words alone.
fn is_signature(text: &str) -> bool {
    begins(text, |words| match words {
        [only] | [only, "date"] => SIGNATURES.contains(only),
        ["amount", "in", "words", ..] => true,
        [first, "by", ..] => BEFORE_BY.contains(first),
        _ => false,
    })
}

/// Whether the words of a short text begin so. Lines to write on, of dots or underscores, do not make it long.
fn begins(text: &str, such: impl Fn(&[&str]) -> bool) -> bool {
    let text = bare(text);
    // Every phone number of a list passes here: folding is for what begins like a word.
    if !text.starts_with(char::is_alphabetic) || text.chars().filter(|c| c.is_alphanumeric()).count() > LABEL_CHARS_MAX
    {
        return false;
    }
    let folded = columns::fold(text);
    let words: Vec<&str> = folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    such(&words)
}

fn first_filled<'c>(cells: &'c [Cell<'_>]) -> Option<&'c str> {
    cells.iter().map(|cell| bare(&cell.text)).find(|text| !text.is_empty())
}

/// What may stand where the numbers and the amounts do.
fn is_of_a_signature(cell: &Cell<'_>) -> bool {
    cell.fault.is_none() && (is_signature(&cell.text) || is_date(&cell.text))
}

/// `Date: 12/03/2026`, `2026-03-12`.
fn is_date(text: &str) -> bool {
    let folded = bare(text).to_lowercase();
    let text = folded.trim_start_matches("dated").trim_start_matches("date").trim_start_matches([':', ' ']);
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '/' | '-' | '.'));
    let Some(separator) = separator else { return false };
    let groups: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = groups[..] else { return false };
    let (years, other) = if first.len() == 4 { (first, third) } else { (third, first) };
    let number = |group: &str| group.parse::<u32>().unwrap_or(u32::MAX);
    let short = |group: &str| (1..=2).contains(&group.len()) && (1..=31).contains(&number(group));
    let year = matches!(years.len(), 2 | 4) && number(years) <= 2_100;
    year && short(second) && short(other) && number(second).min(number(other)) <= 12
}

/// The warning that a row below a signature, or one itself, was left out.
pub(super) fn signed_left_out(row: u32, cells: &[Cell<'_>]) -> Issue {
    let message = "the row stands below the list and reads like a signature, so nobody is paid by it. If it is a recipient, \
                   give the row a phone number and an amount in the file, and upload that again";
    Issue { value: first_filled(cells).map(Issue::cut), ..Issue::warning(row, "signature_left_out", message) }
}

/// The warning that a total was left out.
pub(super) fn left_out(columns: &Columns, row: u32, cells: &[Cell<'_>], sum: Sum) -> Issue {
    let message = format!(
        "the row is the total of the {} above it, so nobody is paid by it. If it is a recipient, give the row a phone \
         number in the file, and upload that again",
        if sum.rows == 1 { "row".into() } else { format!("{} rows", sum.rows) }
    );
    in_amount(Issue::warning(row, "total_row_left_out", message), columns, cells)
}

/// The error of a row that may be a total or not.
pub(super) fn unclear(columns: &Columns, held: &Held, sum: Sum, currency: Currency) -> Issue {
    let Held { row, look, cells } = held;
    if *look == Look::Sum {
        let message = "the row is the total of the rows above it, and other rows follow it, so it may be a recipient. Remove the \
                       row, or give it a phone number if it is one";
        return in_amount(Issue::error(*row, "total_row", message), columns, cells);
    }
    let found = i64::try_from(sum.minor).map(|minor| Money::new(minor, currency).display());
    let found = found.unwrap_or_else(|_| "something else".into());
    let above = match sum.rows {
        1 => format!("the row above it says {found}"),
        rows => format!("the {rows} rows above it add up to {found}"),
    };
    let message = format!(
        "the row looks like a total, but {above}, and a total stands in the last rows. Remove the row, or give it a \
         phone number if it is a recipient; if it is the total, a row may be missing or an amount wrong"
    );
    in_amount(Issue::error(*row, "total_row", message), columns, cells)
}

fn in_amount(issue: Issue, columns: &Columns, cells: &[Cell<'_>]) -> Issue {
    match columns.of(Field::Amount) {
        Some(at) => issue.in_column(&columns.headers[at], cells.get(at).map_or("", |cell| &cell.text)),
        None => issue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_totals_are_known_and_names_are_not() {
        for label in
            ["Total", "TOTAL:", " Grand  Total ", "sub-total", "Total (20 staff)", "JUMLA", "Sum", "Net total UGX"]
        {
            assert!(is_label(label), "{label:?}");
        }
        for name in
            ["", "Grace Total", "Summer Akello", "Totally Fine", "Grand Imperial", "Jumlah", &"total ".repeat(20)]
        {
            assert!(!is_label(name), "{name:?}");
        }
    }

    #[test]
    fn only_what_has_no_number_looks_like_a_total() {
        let header = ["name", "phone", "amount"].map(String::from);
        let columns = Columns::read(&header, None, None).unwrap();
        let mut sum = Sum::default();
        (0..3).for_each(|_| sum.add(Some(Money::new(500, Currency::Ugx))));
        for (cells, expected) in [
            (["Total", "", "1500"], Some(Look::Sum)),
            (["Total", "", "UGX 1,500"], Some(Look::Sum)),
            (["", "TOTAL", "1,500"], Some(Look::Sum)),
            (["", "", "1500"], Some(Look::Sum)),
            (["Total", "", "1400"], Some(Look::Label)),
            (["Total", "", ""], Some(Look::Label)),
            (["Jane", "", "1500"], None),
            (["", "", "1400"], None),
            (["Total", "0772345678", "1500"], None),
            (["Total", "772", "1500"], None),
            (["Prepared by: Okello", "", ""], Some(Look::Signed)),
            (["Checked  by", "Approved by", "Signature: ……"], Some(Look::Signed)),
            (["", "Signature: ______", ""], Some(Look::Signed)),
            (["Amount in words: one thousand five hundred", "", ""], Some(Look::Signed)),
            (["Prepared by: HR", "", "Date: 12/03/2026"], Some(Look::Signed)),
            (["Prepared by: Okello", "", "1500"], None),
            (["Prepared by: Okello", "O772345678", ""], None),
            (["Signature Nakato", "", ""], None),
            (["Approved Grace", "", ""], None),
            (["Apio", "to follow", "Verified by LC1"], None),
            (["Apio", "", "Signed"], None),
        ] {
            assert_eq!(look(&columns, &cells.map(Cell::text), sum, Currency::Ugx, false), expected, "{cells:?}");
        }
        let below = |cells: [&str; 3]| look(&columns, &cells.map(Cell::text), sum, Currency::Ugx, true);
        for cells in [
            ["Okello", "", ""],
            ["Accountant", "Director", ""],
            ["Date", "12/11/2026", ""],
            ["", "", "Date: 2026-11-28"],
            ["Checked by", "", "Signed"],
        ] {
            assert_eq!(below(cells), Some(Look::Signed), "{cells:?}");
        }
        for cells in [
            ["Okello", "0772345678", ""],
            ["Okello", "", "500"],
            ["0772345678", "500", ""],
            ["60000", "Apio", ""],
            ["Apio", "O772345603", "5O,000"],
            ["Apio", "０７７２", ""],
            ["Apio", "", "1.250.000"],
            ["Apio", "O772-345-603", ""],
            ["Apio", "to follow", "fifty thousand"],
            ["Apio", "", "fifty thousand"],
            ["Apio John - O772345603", "", ""],
        ] {
            assert_eq!(below(cells), None, "{cells:?}");
        }
        let formula = ["Apio", "", ""].map(|text| Cell::fault(Fault::NoValue, text));
        assert_eq!(look(&columns, &formula, sum, Currency::Ugx, true), None, "nobody knows what it would be");
    }
}
