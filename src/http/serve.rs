//! Accepts connections and serves them until told to stop; then finishes what is open, for a while, and cuts off the rest.
//!
//! Its own loop rather than axum's, because axum's has no time limits: a client that sends its head slowly, or reads its
//! answer slowly, could hold a connection for ever.

use super::patient::{Patient, READ_STALL_MAX};
use super::{App, router};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

const CONNECTIONS_MAX: usize = 4096;
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long open requests may go on after the call to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// After an accept that failed, most likely for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// How often the histograms are folded, whether or not anybody reads `/metrics`.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Serves `app` until `shutdown` resolves and the open requests are done.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()> + Send) {
    let routes = router(app.clone());
    let (graceful, cut) = (GracefulShutdown::new(), CancellationToken::new());
    // Also when this future is dropped: no connection outlives it.
    let _cut = cut.clone().drop_guard();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(shutdown);
    let mut upkeep = tokio::time::interval(METRICS_UPKEEP);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            _ = upkeep.tick() => app.metrics.run_upkeep(),
            accepted = accept(&listener, &places) => {
                if let Some((stream, place)) = accepted {
                    connect(stream, place, routes.clone(), &graceful, cut.clone());
                }
            }
        }
    }
    app.closing.cancel();
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in {} s and are cut off", DRAIN.as_secs());
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small: never held back to be sent together.
            drop(stream.set_nodelay(true));
            Some((stream, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_AGAIN).await;
            None
        }
    }
}

fn connect(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    routes: Router,
    graceful: &GracefulShutdown,
    cut: CancellationToken,
) {
    let io = TokioIo::new(Patient::new(stream, READ_STALL_MAX));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .serve_connection(io, TowerToHyperService::new(routes));
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            // An error here is the client going away or taking too long: nothing that we could do better.
            ended = connection => drop(ended),
            () = cut.cancelled() => {}
        }
        drop(place);
    });
}
