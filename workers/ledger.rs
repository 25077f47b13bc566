//! Watching the books: what moved since the last time, and once a day everything.

use crate::store::{SharedStore, StoreError};
use crate::wallet::check::{Folded, LedgerCheck};
use std::time::{Duration, Instant, SystemTime};
use tokio_util::sync::CancellationToken;

/// How often everything is looked at anew, not only what moved.
const WHOLE_EVERY: Duration = Duration::from_secs(24 * 3600);

pub struct Watch {
    store: SharedStore,
    every: Duration,
    folded: Folded,
    whole_at: Option<Instant>,
    /// Differences of the check before, so that each news is told once.
    known: usize,
}

impl Watch {
    /// `every`: zero never.
    pub fn new(store: SharedStore, every: Duration) -> Watch {
        Watch { store, every, folded: Folded::default(), whole_at: None, known: 0 }
    }

    /// Runs until told to stop.
    pub async fn drive(mut self, stop: CancellationToken) {
        if self.every.is_zero() {
            return stop.cancelled().await;
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = stop.cancelled() => return,
            }
            if let Err(e) = self.look().await {
                tracing::error!(error = %e, "the books could not be checked; trying again");
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        // What differs may be in what does not move: it stands until a look at everything finds it gone.
        let whole = self.known > 0 || self.whole_at.is_none_or(|at| at.elapsed() >= WHOLE_EVERY);
        let from = if whole { Folded::default() } else { self.folded.clone() };
        let began = Instant::now();
        let (check, folded) = self.store.check_ledger_from(from).await?;
        self.folded = folded;
        if whole {
            self.whole_at = Some(began);
        }
        self.tell(&check, if whole { "whole" } else { "moved" }, began.elapsed());
        Ok(())
    }

    fn tell(&mut self, check: &LedgerCheck, extent: &'static str, took: Duration) {
        let found = check.differences.len();
        metrics::gauge!("gaba_ledger_differences").set(found as f64);
        metrics::counter!("gaba_ledger_checks_total", "extent" => extent).increment(1);
        metrics::histogram!("gaba_ledger_check_seconds", "extent" => extent).record(took.as_secs_f64());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        metrics::gauge!("gaba_ledger_last_check_timestamp_seconds").set(now.as_secs_f64());
        match check.differences.first() {
            Some(first) if self.known == 0 => tracing::error!(
                differences = found,
                position = check.position,
                invariant = first.invariant,
                what = first.what,
                "the books differ: pause what runs (`docs/OPERATING.md`, \"The books differ\") and run `gaba ledger check`"
            ),
            None if self.known > 0 => tracing::info!(position = check.position, "the books agree again"),
            _ => {}
        }
        self.known = found;
    }
}
