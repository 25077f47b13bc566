//! A statement as CSV: the opening balance, the movements, the closing balance with what came in and went out.

use super::{Head, Line, Movement, Running};
use crate::clock::Time;
use crate::report::csv::{record, safe};
use crate::report::{Text, csv_lines};

pub const COLUMNS: [&str; 12] = [
    "position",
    "time",
    "kind",
    "reference",
    "batch_id",
    "batch_name",
    "row",
    "payout_id",
    "currency",
    "in",
    "out",
    "balance",
];

pub struct Csv {
    head: Head,
    running: Running,
}

impl Csv {
    pub fn new(head: Head) -> Csv {
        Csv { running: Running::new(&head), head }
    }

    fn balance(&self, kind: &str, at: Option<Time>, amounts: [String; 3]) -> Vec<u8> {
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        let [incoming, outgoing, balance] = amounts;
        let currency = self.head.currency.code();
        record(["", &at, kind, "", "", "", "", "", currency, &incoming, &outgoing, &balance])
    }
}

impl Text<Movement> for Csv {
    fn begin(&mut self) -> Vec<u8> {
        let opening = [String::new(), String::new(), self.head.opening.amount()];
        [record(COLUMNS), self.balance("opening", self.head.from, opening)].concat()
    }

    fn lines(&mut self, movements: &[Movement]) -> Vec<u8> {
        let currency = self.head.currency.code();
        csv_lines(&self.running.lines(movements), |one| line(one, currency))
    }

    fn end(&mut self) -> Vec<u8> {
        let head = &self.head;
        let closing = [head.incoming.amount(), head.outgoing.amount(), head.closing().amount()];
        self.balance("closing", head.to, closing)
    }
}

fn line(line: &Line, currency: &str) -> Vec<u8> {
    let text = |value: &Option<String>| safe(value.as_deref().unwrap_or_default());
    let shown = |value: Option<String>| value.unwrap_or_default();
    record([
        line.position.to_string(),
        line.at.to_string(),
        line.kind.clone(),
        text(&line.reference),
        shown(line.batch_id.map(|id| id.to_string())),
        text(&line.batch_name),
        shown(line.row.map(|row| row.to_string())),
        shown(line.payout_id.map(|id| id.to_string())),
        currency.to_owned(),
        shown(line.incoming.clone()),
        shown(line.outgoing.clone()),
        line.balance.clone(),
    ])
}
