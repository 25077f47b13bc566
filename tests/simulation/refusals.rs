//! What the database refused to record. Whoever works on a row then goes on without it, so that only a counter tells; here
//! it never may happen.

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counter of records that were refused, on the thread of a walk.
#[derive(Default)]
pub struct Refusals(Arc<AtomicU64>);

impl Refusals {
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    pub fn share(&self) -> Refusals {
        Refusals(self.0.clone())
    }
}

impl Recorder for Refusals {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match key.name() {
            "gaba_rejected_records_total" => Counter::from_arc(self.0.clone()),
            _ => Counter::noop(),
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
