//! Driving batches: starting what is scheduled, sweeping what is cancelled.

use crate::queue::{IDLE_MAX, Wake};
use crate::store::SharedStore;
use tokio_util::sync::CancellationToken;

/// Rows cancelled per transaction, which bounds how long the writer is held.
const SWEEP_ROWS: u32 = 1_000;

/// Runs until told to stop.
pub async fn drive(store: SharedStore, wake: Wake, stop: CancellationToken) {
    let mut woken = wake.subscribe();
    while !stop.is_cancelled() {
        woken.borrow_and_update();
        if round(&store, &wake, SWEEP_ROWS).await {
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(IDLE_MAX) => {}
            _ = woken.changed() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Starts what is due, or else sweeps up to `rows_max` rows of one batch. Whether there may be more to do at once.
pub async fn round(store: &SharedStore, wake: &Wake, rows_max: u32) -> bool {
    match store.start_scheduled().await {
        Ok(true) => {
            wake.poke();
            return true;
        }
        Ok(false) => {}
        Err(e) => tracing::error!(error = %e, "starting what is scheduled failed; trying again"),
    }
    store.sweep_cancelled(rows_max).await.unwrap_or_else(|e| {
        tracing::error!(error = %e, "sweeping what was cancelled failed; trying again");
        false
    })
}
