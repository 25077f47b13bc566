//! `gaba serve`: the API, the hooks and, unless `workers = "none"`, the workers. Prints nothing but logs.

use super::server::{Server, bind, stop_signal};
use super::{Context, Outcome, clock, output};
use std::sync::Arc;

pub async fn run(context: &Context) -> Outcome {
    let config = Arc::new(context.config()?);
    output::log(&config.log, context.output.json);
    // Listened to from the beginning, so that a signal during the start is not lost.
    let stop = tokio::spawn(stop_signal());
    // Before the database is taken over: a second start must not disturb the first.
    let listener = bind(&config.bind).await?;
    // One clock for both: what one of two saw of a step of the wall clock, the other might not.
    let clock = clock();
    let store = gaba::store::open(&config, clock.clone()).await?;
    let quarantine = store.quarantine().await?;
    let server = Server::start(store, config.clone(), clock).await?;
    tracing::info!(bind = %config.bind, public_url = %config.public_url(), lanes = config.lanes.len(), "serving");
    for lane in &config.lanes {
        if let Err(why) = gaba::rail::receipts(lane) {
            tracing::warn!(lane = lane.name, "{why}");
        }
    }
    if cfg!(feature = "faults") {
        tracing::warn!(
            "this is a test build: it can be told to fail and to leave its guards out; build with --release"
        );
    }
    if let Some(quarantine) = quarantine {
        tracing::warn!(since = %quarantine.began_at, reason = quarantine.reason, "in quarantine: nothing new is sent");
    }
    server.run(listener, async { drop(stop.await) }).await?;
    tracing::info!("stopped");
    Ok(())
}
