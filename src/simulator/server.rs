//! Accepts connections. Its own loop rather than axum's, because a network must be able to hang up without an answer.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const CONNECTIONS_MAX: usize = 16_384;
const DRAIN: Duration = Duration::from_secs(2);
/// After an accept that failed, most likely for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// Marks an answer that is not given: the connection is closed instead.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("hung up on purpose")]
pub struct HangUp;

impl HangUp {
    pub fn response() -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(HangUp);
        response
    }
}

/// Serves until `shutdown`, then cancels `stopping`, lets calls in flight end for a moment, and cuts the rest off.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stopping: &CancellationToken,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (graceful, cut) = (GracefulShutdown::new(), CancellationToken::new());
    let _cut_when_dropped = cut.clone().drop_guard();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, place)) = accepted else { continue };
        let service = service_fn({
            let app = app.clone();
            move |request| answer(app.clone(), request)
        });
        let connection = graceful.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        let cut = cut.clone();
        tokio::spawn(async move {
            tokio::select! {
                // An error here is the client going away, or us hanging up.
                ended = connection => drop(ended),
                () = cut.cancelled() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    stopping.cancel();
    drop(tokio::time::timeout(DRAIN, graceful.shutdown()).await);
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small and awaited: never held back to be sent together.
            drop(stream.set_nodelay(true));
            Some((stream, place))
        }
        Err(e) => {
            tracing::warn!(error = %e, "the simulator could not accept a connection");
            tokio::time::sleep(ACCEPT_AGAIN).await;
            None
        }
    }
}

async fn answer(app: Router, request: Request<Incoming>) -> Result<Response, HangUp> {
    let Ok(response) = app.oneshot(request.map(Body::new)).await;
    match response.extensions().get::<HangUp>() {
        Some(&hang_up) => Err(hang_up),
        None => Ok(response),
    }
}
