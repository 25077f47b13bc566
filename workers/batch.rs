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
        match store.start_scheduled().await {
            Ok(true) => {
                wake.poke();
                continue;
            }
            Ok(false) => {}
            Err(e) => tracing::error!(error = %e, "starting what is scheduled failed; trying again"),
        }
        match store.sweep_cancelled(SWEEP_ROWS).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(e) => tracing::error!(error = %e, "sweeping what was cancelled failed; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(IDLE_MAX) => {}
            _ = woken.changed() => {}
            () = stop.cancelled() => {}
        }
    }
}
