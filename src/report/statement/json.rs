//! A statement as JSON.

use super::{Head, Line, Movement, Running};
use crate::clock::Time;
use crate::money::Currency;
use crate::report::{Text, json_items};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

pub struct Json {
    head: Head,
    running: Running,
    first: bool,
}

impl Json {
    pub fn new(head: Head) -> Json {
        Json { running: Running::new(&head), head, first: true }
    }
}

/// The whole, as it can be read; it is written in pieces.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
pub struct Statement {
    wallet: Uuid,
    currency: Currency,
    from: Option<Time>,
    to: Option<Time>,
    /// The last transfer that the statement knows of.
    position: i64,
    opening: String,
    #[schema(rename = "in")]
    incoming: String,
    #[schema(rename = "out")]
    outgoing: String,
    closing: String,
    lines: Vec<Line>,
}

impl Text<Movement> for Json {
    fn begin(&mut self) -> Vec<u8> {
        let head = &self.head;
        let shown = json!({
            "wallet": head.wallet,
            "currency": head.currency,
            "from": head.from,
            "to": head.to,
            "position": head.position,
            "opening": head.opening.amount(),
            "in": head.incoming.amount(),
            "out": head.outgoing.amount(),
            "closing": head.closing().amount(),
        });
        let mut text = shown.to_string().into_bytes();
        text.pop();
        text.extend_from_slice(b",\"lines\":[");
        text
    }

    fn lines(&mut self, movements: &[Movement]) -> Vec<u8> {
        json_items(&self.running.lines(movements), &mut self.first)
    }

    fn end(&mut self) -> Vec<u8> {
        b"]}".to_vec()
    }
}
