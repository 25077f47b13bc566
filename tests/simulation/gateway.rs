//! The gateway: it shows a text on a phone each time that it is asked to, and remembers whom it told what.

use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Default)]
pub struct Gateway {
    /// How often each message was shown.
    pub shown: BTreeMap<Uuid, u32>,
    /// The messages in the order in which they came in first.
    pub order: Vec<Uuid>,
}

impl Gateway {
    pub fn show(&mut self, message: Uuid) {
        let shown = self.shown.entry(message).or_default();
        *shown += 1;
        if *shown == 1 {
            self.order.push(message);
        }
    }
}
