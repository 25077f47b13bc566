//! The settlement summary, for people and for scripts, and the verdict of `--exit`.

use super::setup::People;
use super::shown;
use crate::cli::{Failure, Outcome};
use gaba::money::{Currency, Money};
use gaba::wallet::check::LedgerCheck;
use serde_json::{Value, json};
use std::path::PathBuf;

pub struct Summary {
    /// As the API shows it after the last payment.
    pub batch: Value,
    pub before: Money,
    pub after: Money,
    pub told: Told,
    pub check: LedgerCheck,
    pub report: PathBuf,
    /// From the approval to the last payment.
    pub seconds: f64,
}

/// Messages, and how many of them were delivered.
#[derive(Default)]
pub struct Told {
    messages: u64,
    delivered: u64,
}

impl Told {
    pub fn count(&mut self, state: &str) {
        self.messages += 1;
        self.delivered += u64::from(state == "delivered");
    }
}

impl Summary {
    pub fn batch_id(&self) -> &str {
        self.batch["id"].as_str().unwrap_or_default()
    }

    fn count(&self, state: &str) -> u64 {
        self.batch["counts"][state].as_u64().unwrap_or_default()
    }

    fn total(&self, name: &str) -> String {
        let amount = self.batch["totals"][name].as_str().unwrap_or_default();
        Money::parse(amount, Currency::Ugx).map_or_else(|_| amount.to_owned(), Money::display)
    }

    pub fn text(&self) -> String {
        let name = self.batch["name"].as_str().unwrap_or_default();
        let balance = if self.check.balances() { "balance" } else { "DO NOT BALANCE" };
        let lines = [
            format!("\nSettlement of {name:?} ({}):", self.batch["state"].as_str().unwrap_or_default()),
            format!("  paid        {:>7}  {}", self.count("paid"), self.total("paid_amount")),
            format!("  failed      {:>7}  released {}", self.count("failed"), self.total("released")),
            format!("  cancelled   {:>7}", self.count("cancelled")),
            format!("  left out    {:>7}  rows that cannot be paid", self.count("invalid")),
            format!("  fees                 {}", self.total("fees")),
            format!("  wallet               {} before, {} after", self.before.display(), self.after.display()),
            format!("  told by SMS {:>7}  of {}", self.told.delivered, self.told.messages),
            format!("  books       {:>7}  transfers, which {balance}", self.check.transfers),
            format!("  time                 {:.1} s from the approval to the last payment", self.seconds),
            format!("  report               {}", shown(&self.report)),
        ];
        lines.join("\n")
    }

    pub fn value(&self, people: &People, url: &str) -> Value {
        json!({
            "url": url,
            "keys": {"maker": people.maker.key, "checker": people.checker.key},
            "batch": self.batch_id(),
            "counts": self.batch["counts"],
            "totals": self.batch["totals"],
            "report": self.report,
            "seconds": (self.seconds * 1_000.0).round() / 1_000.0,
            "messages": {"sent": self.told.messages, "delivered": self.told.delivered},
            "balances": self.check.balances(),
        })
    }

    /// Everybody payable was paid and the books balance.
    pub fn verdict(&self) -> Outcome {
        if let Some(difference) = self.check.differences.first() {
            return Err(Failure::new(format!(
                "the books do not balance: {}: {}",
                difference.invariant, difference.what
            )));
        }
        let (valid, paid) = (self.count("valid"), self.count("paid"));
        if valid == 0 || paid != valid {
            let where_to = format!("look at /v1/batches/{}/payouts?state=failed", self.batch_id());
            return Err(Failure::new(format!("{paid} of {valid} payable recipients were paid; {where_to}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaba::wallet::check::Difference;

    fn summary(valid: u64, paid: u64, differences: Vec<Difference>) -> Summary {
        Summary {
            batch: json!({"id": "b", "name": "March", "state": "completed", "counts": {"valid": valid, "paid": paid},
                "totals": {"paid_amount": "50000"}}),
            before: Money::zero(Currency::Ugx),
            after: Money::zero(Currency::Ugx),
            told: Told::default(),
            check: LedgerCheck { position: 0, transfers: 0, trial_balance: Vec::new(), differences },
            report: PathBuf::from("/tmp/settlement.csv"),
            seconds: 1.5,
        }
    }

    #[test]
    fn only_a_list_paid_whole_with_books_that_balance_is_a_success() {
        assert!(summary(2, 2, Vec::new()).verdict().is_ok());
        assert!(summary(2, 1, Vec::new()).verdict().is_err());
        assert!(summary(0, 0, Vec::new()).verdict().is_err());
        let off = Difference { invariant: "I5".into(), what: "a wallet differs".into() };
        assert!(summary(2, 2, vec![off]).verdict().unwrap_err().to_string().contains("I5"));
    }

    #[test]
    fn amounts_are_written_for_people() {
        assert!(summary(1, 1, Vec::new()).text().contains("UGX 50,000"));
    }
}
