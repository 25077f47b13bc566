//! The settlement report as JSON: the batch and what the ledger says of it, the lines, and what the lines add up to.

use super::{Head, Line, Summary};
use crate::batch::view::{BatchView, Totals};
use crate::report::{Text, json_items};
use serde_json::json;
use utoipa::ToSchema;

pub struct Json {
    head: Head,
    summary: Summary,
    first: bool,
}

impl Json {
    pub fn new(head: Head) -> Json {
        Json { summary: Summary::of(&head.batch), head, first: true }
    }
}

/// The whole, as it can be read; it is written in pieces.
#[derive(ToSchema)]
#[schema(as = SettlementReport)]
#[expect(dead_code, reason = "only described")]
pub struct Report {
    batch: BatchView,
    /// The last transfer that touched the batch.
    position: i64,
    totals: Totals,
    ledger: Vec<super::LedgerSum>,
    lines: Vec<Line>,
    summary: super::SummaryView,
}

impl Text<Line> for Json {
    fn begin(&mut self) -> Vec<u8> {
        let batch = json!(self.head.batch);
        let (totals, ledger) = (&batch["totals"], json!(self.head.ledger));
        let position = self.head.position;
        format!(r#"{{"batch":{batch},"position":{position},"totals":{totals},"ledger":{ledger},"lines":["#).into_bytes()
    }

    fn lines(&mut self, lines: &[Line]) -> Vec<u8> {
        self.summary.add(lines);
        json_items(lines, &mut self.first)
    }

    fn end(&mut self) -> Vec<u8> {
        format!(r#"],"summary":{}}}"#, json!(self.summary.view(&self.head))).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{head, line};
    use super::*;

    #[test]
    fn pages_of_lines_make_one_document_that_adds_up() {
        let mut json = Json::new(head());
        let mut text = json.begin();
        text.extend(json.lines(&[line("paid"), line("failed")]));
        text.extend(json.lines(&[line("paid")]));
        text.extend(json.end());
        let whole: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(whole["lines"].as_array().unwrap().len(), 3);
        let paid = &whole["summary"]["states"][0];
        assert_eq!((&paid["state"], &paid["rows"], &paid["amount"]), (&json!("paid"), &json!(2), &json!("100000")));
        assert_eq!(whole["summary"]["difference"], "0");
    }
}
