//! Accepts connections and serves them until told to stop; then finishes what is open, for a while, and cuts off the rest.
//!
//! Its own loop rather than axum's, because axum's has no time limits: a client that sends its head slowly, or reads its
//! answer slowly, could hold a connection for ever.

use super::door::{Bounds, Door};
use super::{App, router};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long open requests may go on after the call to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// How often the histograms are folded, whether or not anybody reads `/metrics`.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Serves `app` until `shutdown` resolves and the open requests are done.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()> + Send) {
    let door = Door::new(router(app.clone()), Bounds::of(app.config.connections_per_source));
    tokio::pin!(shutdown);
    let mut upkeep = tokio::time::interval(METRICS_UPKEEP);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            _ = upkeep.tick() => app.metrics.run_upkeep(),
            () = door.let_in(&listener) => {}
        }
    }
    app.closing.cancel();
    drop(listener);
    door.close(DRAIN).await;
}
