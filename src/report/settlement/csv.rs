//! The settlement report as CSV.

use super::{COLUMNS, Line};
use crate::report::csv::{record, safe};
use crate::report::{Text, csv_lines};

/// Header and lines, nothing else: totals live in the other formats.
pub struct Csv;

impl Text<Line> for Csv {
    fn begin(&mut self) -> Vec<u8> {
        record(COLUMNS)
    }

    fn lines(&mut self, lines: &[Line]) -> Vec<u8> {
        csv_lines(lines, line)
    }

    fn end(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

fn line(line: &Line) -> Vec<u8> {
    let text = |value: &Option<String>| safe(value.as_deref().unwrap_or_default());
    let shown = |value: Option<String>| value.unwrap_or_default();
    record([
        line.batch_id.to_string(),
        safe(&line.batch_name),
        line.row.to_string(),
        text(&line.reference),
        shown(line.payout_id.map(|v| v.to_string())),
        shown(line.provider_reference.map(|v| v.to_string())),
        text(&line.provider_transaction_id),
        text(&line.name),
        text(&line.msisdn),
        text(&line.network),
        line.currency.clone(),
        text(&line.amount),
        text(&line.fee),
        text(&line.tax),
        text(&line.total),
        line.state.clone(),
        text(&line.reason_code),
        text(&line.reason),
        line.attempts.to_string(),
        shown(line.approved_at.map(|v| v.to_string())),
        shown(line.sent_at.map(|v| v.to_string())),
        shown(line.settled_at.map(|v| v.to_string())),
        text(&line.approved_by),
        text(&line.paid_amount),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_of_a_line() {
        let header = String::from_utf8(Csv.begin()).unwrap();
        assert_eq!(header.trim_end().split(',').count(), COLUMNS.len());
        let line = String::from_utf8(Csv.lines(&[super::super::tests::line("paid")])).unwrap();
        assert_eq!(line.trim_end().split(',').count(), COLUMNS.len());
    }
}
