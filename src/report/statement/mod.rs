//! The statement of a wallet: what was in it, every transfer that touched it in the order of the ledger, what is in it.
//!
//! A statement covers a stretch of the ledger, from a position to a position. Times only choose the stretch: `from` its
//! first transfer, `to` the one after its last.

pub mod csv;
pub mod json;
pub mod xlsx;

use crate::clock::Time;
use crate::ids::{AccountId, BatchId, PayoutId};
use crate::money::{Currency, Money};
use serde::Serialize;
use utoipa::ToSchema;

/// Which stretch of a wallet's life is wanted: from (inclusive) to (exclusive).
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    pub from: Option<Time>,
    pub to: Option<Time>,
}

/// What a statement begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub wallet: AccountId,
    pub currency: Currency,
    pub from: Option<Time>,
    pub to: Option<Time>,
    /// The position that the stretch begins after, and the one it ends with.
    pub after: i64,
    pub position: i64,
    pub opening: Money,
    pub incoming: Money,
    pub outgoing: Money,
}

impl Head {
    pub fn closing(&self) -> Money {
        Money::new(self.opening.minor + self.incoming.minor - self.outgoing.minor, self.currency)
    }
}

/// One transfer that touched the wallet.
#[derive(Clone, Debug)]
pub struct Movement {
    pub position: i64,
    pub at: Time,
    pub kind: String,
    /// Of the funding, or of the recipient whose money came back.
    pub reference: Option<String>,
    pub batch: Option<BatchId>,
    pub batch_name: Option<String>,
    pub row: Option<u32>,
    pub payout: Option<PayoutId>,
    /// Above zero what came in, below what went out.
    pub amount: Money,
}

/// A movement as the statement shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub struct Line {
    pub position: i64,
    pub at: Time,
    pub kind: String,
    pub reference: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    pub batch_id: Option<BatchId>,
    pub batch_name: Option<String>,
    pub row: Option<u32>,
    #[schema(value_type = Option<Uuid>)]
    pub payout_id: Option<PayoutId>,
    #[serde(rename = "in")]
    pub incoming: Option<String>,
    #[serde(rename = "out")]
    pub outgoing: Option<String>,
    /// What was in the wallet after it.
    pub balance: String,
}

/// Carries the balance from line to line.
#[derive(Clone, Debug)]
pub struct Running(Money);

impl Running {
    pub fn new(head: &Head) -> Running {
        Running(head.opening)
    }

    pub fn lines(&mut self, movements: &[Movement]) -> Vec<Line> {
        movements.iter().map(|movement| self.line(movement)).collect()
    }

    fn line(&mut self, movement: &Movement) -> Line {
        let minor = movement.amount.minor;
        self.0 = Money::new(self.0.minor + minor, self.0.currency);
        let shown = |minor: i64| (minor > 0).then(|| Money::new(minor, self.0.currency).amount());
        Line {
            position: movement.position,
            at: movement.at,
            kind: movement.kind.clone(),
            reference: movement.reference.clone(),
            batch_id: movement.batch,
            batch_name: movement.batch_name.clone(),
            row: movement.row,
            payout_id: movement.payout,
            incoming: shown(minor),
            outgoing: shown(-minor),
            balance: self.0.amount(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::Text;
    use uuid::Uuid;

    pub fn head() -> Head {
        let ugx = |minor| Money::new(minor, Currency::Ugx);
        Head {
            wallet: Uuid::nil(),
            currency: Currency::Ugx,
            from: None,
            to: None,
            after: 3,
            position: 9,
            opening: ugx(1_000),
            incoming: ugx(500),
            outgoing: ugx(700),
        }
    }

    pub fn movements() -> Vec<Movement> {
        let movement = |position, kind: &str, minor| Movement {
            position,
            at: Time(1_763_715_600_000_000 + position),
            kind: kind.into(),
            reference: Some("=BANK".into()),
            batch: None,
            batch_name: None,
            row: None,
            payout: None,
            amount: Money::new(minor, Currency::Ugx),
        };
        vec![movement(5, "reserve", -700), movement(9, "funding", 500)]
    }

    #[test]
    fn each_line_carries_the_balance_on_and_the_last_is_the_closing_one() {
        let lines = Running::new(&head()).lines(&movements());
        assert_eq!(lines.iter().map(|line| line.balance.as_str()).collect::<Vec<_>>(), ["300", "800"]);
        assert_eq!((lines[0].outgoing.as_deref(), lines[0].incoming.as_deref()), (Some("700"), None));
        assert_eq!(head().closing().amount(), lines[1].balance);
    }

    #[test]
    fn a_statement_reads_the_same_in_one_piece_or_in_many() {
        let write = |text: &mut dyn Text<Movement>, size: usize| {
            let mut all = text.begin();
            movements().chunks(size).for_each(|page| all.extend(text.lines(page)));
            all.extend(text.end());
            String::from_utf8(all).unwrap()
        };
        let json = write(&mut json::Json::new(head()), 1);
        assert_eq!(json, write(&mut json::Json::new(head()), 2));
        let whole: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&whole["opening"], &whole["closing"]), (&"1000".into(), &"800".into()));
        assert_eq!((&whole["lines"][0]["out"], &whole["lines"][1]["balance"]), (&"700".into(), &"800".into()));
        let csv = write(&mut csv::Csv::new(head()), 1);
        assert_eq!(csv, write(&mut csv::Csv::new(head()), 2));
        let lines: Vec<&str> = csv.trim_end().split("\r\n").collect();
        assert_eq!((lines[0], lines.len()), (csv::COLUMNS.join(",").as_str(), 5));
        assert_eq!((lines[1], lines[4]), (",,opening,,,,,,UGX,,,1000", ",,closing,,,,,,UGX,500,700,800"));
        assert!(lines[2].contains("'=BANK"), "{}", lines[2]);
    }
}
