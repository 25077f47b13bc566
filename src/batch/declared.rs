//! What an uploader says the list should hold, to be compared with what it does.

use crate::money::Money;

/// Code of the warning that says so.
pub const MISMATCH: &str = "declared_mismatch";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    pub total: Option<Money>,
    pub count: Option<i64>,
}

impl Declared {
    /// Whether `rows` that can be paid, of `amount` together, are what was declared.
    pub fn agrees(&self, rows: i64, amount: Money) -> bool {
        self.count.is_none_or(|count| count == rows) && self.total.is_none_or(|total| total == amount)
    }

    /// What is to be said when `rows` that can be paid, of `amount` together, are not what was declared.
    pub fn mismatch(&self, rows: i64, amount: Money) -> Option<String> {
        let message = || {
            format!(
                "the upload declared {}, and what can be paid is {}. The list cannot be submitted like that: correct the rows, or \
                 upload it again with the right figures",
                self.words(),
                Declared::found(rows, amount)
            )
        };
        (!self.agrees(rows, amount)).then(message)
    }

    /// For messages: "20 rows of UGX 1,000,000".
    pub fn words(&self) -> String {
        let (count, total) = (self.count.map(rows), self.total.map(Money::display));
        match (count, total) {
            (Some(count), Some(total)) => format!("{count} of {total} together"),
            (Some(count), None) => count,
            (None, Some(total)) => format!("{total} together"),
            (None, None) => "nothing".into(),
        }
    }

    /// The same words for what was found.
    pub fn found(count: i64, amount: Money) -> String {
        format!("{} of {} together", rows(count), amount.display())
    }
}

fn rows(count: i64) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency::Ugx;

    #[test]
    fn what_was_not_declared_always_agrees() {
        let money = |minor| Money::new(minor, Ugx);
        assert!(Declared::default().agrees(3, money(5)));
        let both = Declared { total: Some(money(5)), count: Some(3) };
        assert!(both.agrees(3, money(5)) && !both.agrees(2, money(5)) && !both.agrees(3, money(6)));
        assert!(Declared { count: None, ..both }.agrees(9, money(5)));
        assert_eq!(both.words(), "3 rows of UGX 5 together");
        assert_eq!(Declared::found(1, money(5_000)), "1 row of UGX 5,000 together");
    }
}
