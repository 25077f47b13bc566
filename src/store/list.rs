//! What crosses the port when a list is read, corrected and compared with others.

use super::{IssueView, NewRecipient, NewRow, RejectedRow};
use crate::batch::import::{Issue, Row};
use crate::clock::Time;
use crate::money::Money;
use std::collections::BTreeMap;

/// A payable row as the digest has it. Amounts in minor units.
#[derive(Clone, Debug)]
pub struct DigestLine {
    pub row: u32,
    pub msisdn: String,
    pub amount: i64,
    pub fee: i64,
    pub tax: i64,
    pub name: String,
    pub reference: Option<String>,
    pub note: Option<String>,
    pub variables: BTreeMap<String, String>,
}

/// A row that cannot be paid, to be corrected outside and uploaded again.
#[derive(Clone, Debug)]
pub struct BadRow {
    pub row: u32,
    /// Header and value, as uploaded.
    pub cells: Vec<(String, String)>,
    pub reasons: Vec<String>,
}

/// How an approval knows that no other list pays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Lists are not compared.
    Not,
    /// Compared when [`super::Lists::lists_seen`] said this; a list that changed since fences the approval.
    Seen(i64),
    /// The same; a list that changed since makes it compare once more itself, with those created after the given time.
    SeenOrAgain(i64, Time),
}

/// A row that pays the same amount to the same number as a row of another batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    pub row: u32,
    pub batch_name: String,
    pub batch_created_at: Time,
    pub other_row: u32,
}

impl Duplicate {
    /// The row, and what is told of it.
    pub fn said(&self) -> (u32, String) {
        let day = self.batch_created_at.day();
        let message = format!(
            "row {} of the list \"{}\" of {day} pays the same amount to the same number. Set this row aside unless both \
             shall be paid",
            self.other_row, self.batch_name
        );
        (self.row, message)
    }
}

/// Another batch of the very same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameFile {
    pub batch_name: String,
    pub batch_created_at: Time,
}

impl From<Issue> for IssueView {
    fn from(issue: Issue) -> IssueView {
        IssueView {
            row: issue.row,
            column: issue.column,
            code: issue.code.to_owned(),
            severity: issue.severity.name().to_owned(),
            message: issue.message,
            value: issue.value,
        }
    }
}

impl From<Row> for NewRow {
    fn from(row: Row) -> NewRow {
        let shown = |text: String| Some(text).filter(|t| !t.is_empty());
        let cells = row.cells.iter().map(|(h, v)| serde_json::json!([h.as_ref(), v]));
        let rejected = row.recipient.is_none().then(|| RejectedRow {
            reference: shown(row.stated.reference),
            name: shown(row.stated.name),
            msisdn: shown(row.stated.msisdn),
            amount: shown(row.stated.amount),
            cells: serde_json::Value::from_iter(cells).to_string(),
        });
        let recipient = row.recipient.map(|r| NewRecipient {
            msisdn: r.msisdn.as_str().to_owned(),
            network: r.network.map(str::to_owned),
            lane: r.lane,
            fee: Money::zero(r.amount.currency),
            tax: Money::zero(r.amount.currency),
            amount: r.amount,
            name: r.name,
            reference: r.reference,
            note: r.note,
            variables: serde_json::to_string(&r.variables).unwrap_or_else(|_| "{}".into()),
            sms: r.sms,
        });
        NewRow { row: row.row, recipient, rejected, issues: row.issues.into_iter().map(IssueView::from).collect() }
    }
}
