//! A provider's statement against what we call paid: reading it, and comparing. Pure.
//!
//! The statement is CSV with a header. Recognised, in any order and case: our reference (`reference`, `provider_reference`,
//! `x-reference-id`) or the payout's id (`payout_id`, `external_id`, `externalid`), one of which must be there, `amount`, and
//! where present `status` and `transaction_id` (`financialtransactionid`). Lines whose status is none of success count not.

use crate::money::{Currency, Money};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Lines of a statement that are read; a gap of a day is far below.
pub const LINES_MAX: usize = 2_000_000;

const REFERENCE: [&str; 4] = ["reference", "providerreference", "xreferenceid", "referenceid"];
const PAYOUT: [&str; 3] = ["payoutid", "externalid", "externalreference"];
const AMOUNT: [&str; 2] = ["amount", "transactionamount"];
const STATUS: [&str; 3] = ["status", "state", "transactionstatus"];
const TRANSACTION: [&str; 4] = ["transactionid", "providertransactionid", "financialtransactionid", "receipt"];
const SUCCESS: [&str; 8] = ["success", "successful", "succeeded", "completed", "complete", "paid", "ts", "ok"];

/// One payment that the statement tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// In the file, the header being line 1.
    pub line: u64,
    pub reference: Option<Uuid>,
    pub payout: Option<Uuid>,
    pub amount_minor: i64,
    pub transaction_id: Option<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StatementError {
    #[error("the statement cannot be read: {0}")]
    Unreadable(String),
    #[error("the statement has no column {0}; name its columns in the first line")]
    ColumnMissing(&'static str),
    #[error("line {line}: {why}")]
    Line { line: u64, why: String },
    #[error("the statement has more than {LINES_MAX} lines; cut it down to the gap")]
    TooLong,
}

/// The payments of a statement.
pub fn read(csv: &[u8], currency: Currency) -> Result<Vec<StatementLine>, StatementError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(csv);
    let unreadable = |e: csv::Error| StatementError::Unreadable(e.to_string());
    let header = reader.headers().map_err(unreadable)?.clone();
    let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let find = |names: &[&str]| header.iter().position(|column| names.contains(&plain(column).as_str()));
    let (reference, payout, status, transaction) = (find(&REFERENCE), find(&PAYOUT), find(&STATUS), find(&TRANSACTION));
    let amount = find(&AMOUNT).ok_or(StatementError::ColumnMissing("`amount`"))?;
    if reference.is_none() && payout.is_none() {
        return Err(StatementError::ColumnMissing("`reference` or `payout_id`"));
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: Option<usize>| column.and_then(|c| record.get(c)).filter(|text| !text.is_empty());
        let wrong = |why: String| StatementError::Line { line, why };
        if cell(status).is_some_and(|s| !SUCCESS.contains(&s.to_lowercase().as_str())) {
            continue;
        }
        // Whatever is no id of ours is a payment that we do not know, and told as one.
        let id = |column| cell(column).and_then(|text| Uuid::parse_str(text).ok());
        let (reference, payout) = (id(reference), id(payout));
        let text = cell(Some(amount)).ok_or_else(|| wrong("it has no amount".into()))?;
        let money = Money::parse(text, currency).map_err(|e| wrong(format!("the amount {text:?}: {e}")))?;
        if lines.len() == LINES_MAX {
            return Err(StatementError::TooLong);
        }
        let transaction_id = cell(transaction).map(str::to_owned);
        lines.push(StatementLine { line, reference, payout, amount_minor: money.minor, transaction_id });
    }
    Ok(lines)
}

/// A payout that we know of, as a line of the statement names it.
#[derive(Clone, Debug)]
pub struct Known {
    pub payout: Uuid,
    pub state: String,
    /// What we call paid: the amount, or what two people found to be paid instead.
    pub amount_minor: i64,
    /// Surplus payments that two people have recorded for it, each with its amount.
    pub surplus: Vec<i64>,
}

/// What differs between a statement and the books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Payments of the statement that we do not call paid.
    pub unknown: Vec<Unknown>,
    /// Payouts that we call paid and the statement lacks.
    pub missing: Vec<Uuid>,
    /// Payments of another amount than ours.
    pub differing: Vec<Differing>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    pub line: u64,
    pub reference: Option<Uuid>,
    pub payout: Option<Uuid>,
    pub transaction_id: Option<String>,
    /// How the payout stands here, or that there is none.
    pub here: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    pub line: u64,
    pub payout: Uuid,
    pub theirs: String,
    pub ours: String,
}

/// Compares the lines, each with the payout that it names, with the payouts that were paid in the gap.
pub fn compare(lines: &[(StatementLine, Option<Known>)], paid: &[Uuid], currency: Currency) -> Differences {
    let mut found = Differences::default();
    let mut told: HashMap<Uuid, usize> = HashMap::new();
    for (line, known) in lines {
        let unknown = |here: String| Unknown {
            line: line.line,
            reference: line.reference,
            payout: known.as_ref().map(|k| k.payout).or(line.payout),
            transaction_id: line.transaction_id.clone(),
            here,
        };
        let Some(known) = known else {
            found.unknown.push(unknown("no payout of ours".into()));
            continue;
        };
        let times = told.entry(known.payout).or_default();
        *times += 1;
        if known.state != "paid" {
            found.unknown.push(unknown(known.state.clone()));
        } else if *times > 1 + known.surplus.len() {
            found.unknown.push(unknown(format!("paid once, told {times} times")));
        } else if known.amount_minor != line.amount_minor && !known.surplus.contains(&line.amount_minor) {
            let show = |minor| Money::new(minor, currency).display().to_string();
            let (theirs, ours) = (show(line.amount_minor), show(known.amount_minor));
            found.differing.push(Differing { line: line.line, payout: known.payout, theirs, ours });
        }
    }
    let told: HashSet<Uuid> = told.into_keys().collect();
    found.missing = paid.iter().filter(|payout| !told.contains(payout)).copied().collect();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const REF: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

    fn known(n: u128, state: &str, amount_minor: i64) -> Option<Known> {
        Some(Known { payout: Uuid::from_u128(n), state: state.into(), amount_minor, surplus: Vec::new() })
    }

    fn line(n: u64, amount_minor: i64) -> StatementLine {
        StatementLine { line: n, reference: Some(Uuid::from_u128(9)), payout: None, amount_minor, transaction_id: None }
    }

    #[test]
    fn a_statement_is_read_by_its_header_and_only_what_succeeded_counts() {
        let csv = format!("Status,X-Reference-Id,Amount,Transaction ID\nSUCCESSFUL,{REF},5000,T1\nFAILED,{REF},1,\n");
        let lines = read(csv.as_bytes(), Currency::Ugx).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].reference, lines[0].amount_minor), (REF.parse().ok(), 5_000));
        assert_eq!(lines[0].transaction_id.as_deref(), Some("T1"));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_line() {
        let told = |csv: &str| read(csv.as_bytes(), Currency::Ugx).unwrap_err();
        assert_eq!(told("reference,status\n"), StatementError::ColumnMissing("`amount`"));
        assert_eq!(told("amount,status\n"), StatementError::ColumnMissing("`reference` or `payout_id`"));
        assert!(matches!(told(&format!("reference,amount\n{REF},5\n{REF},x\n")), StatementError::Line { line: 3, .. }));
        let foreign = read(b"reference,amount\nR7,5\n", Currency::Ugx).unwrap();
        assert_eq!((foreign.len(), foreign[0].reference), (1, None), "a payment of somebody else is still one");
    }

    #[test]
    fn each_side_is_held_against_the_other() {
        let lines = [
            (line(2, 500), known(1, "paid", 500)),
            (line(3, 500), known(2, "queued", 500)),
            (line(4, 900), known(3, "paid", 500)),
            (line(5, 500), None),
            (line(6, 500), known(1, "paid", 500)),
        ];
        let paid: Vec<Uuid> = [1, 3, 4].map(Uuid::from_u128).to_vec();
        let found = compare(&lines, &paid, Currency::Ugx);
        let unknown: Vec<(u64, &str)> = found.unknown.iter().map(|u| (u.line, u.here.as_str())).collect();
        assert_eq!(unknown, [(3, "queued"), (5, "no payout of ours"), (6, "paid once, told 2 times")]);
        assert_eq!(found.differing.len(), 1);
        assert_eq!((found.differing[0].line, found.differing[0].payout), (4, Uuid::from_u128(3)));
        assert_eq!(found.missing, [Uuid::from_u128(4)]);
    }

    #[test]
    fn a_surplus_that_two_people_recorded_is_no_difference() {
        let paid_twice = Some(Known { surplus: vec![300], ..known(1, "paid", 500).unwrap() });
        let lines = [(line(2, 500), paid_twice.clone()), (line(3, 300), paid_twice)];
        assert_eq!(compare(&lines, &[Uuid::from_u128(1)], Currency::Ugx), Differences::default());
    }
}
