//! A request that is refused before its body was read.
//!
//! A connection that is closed while bytes are still on their way is reset, and the client then never sees why it was
//! refused. So what is left of the body is read and thrown away, for a while, before the refusal is sent: many clients only
//! listen once they have sent everything.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use hyper::body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

const TIME_MAX: Duration = Duration::from_secs(2);

pub async fn read_out(request: Request, next: Next) -> Response {
    // Who asks before sending has sent nothing, and must not be told to go on.
    if request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (give_back, mut left) = oneshot::channel();
    let request = request.map(|body| Body::new(Lent { body, give_back: Some(give_back) }));
    let response = next.run(request).await;
    let refused = response.status().is_client_error() || response.status().is_server_error();
    if let (true, Ok(rest)) = (refused, left.try_recv()) {
        drop(tokio::time::timeout(TIME_MAX, discard(rest)).await);
    }
    response
}

async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    while let Some(Ok(_)) = chunks.next().await {}
}

/// A body that comes back when whoever it was lent to drops it before its end.
struct Lent {
    body: Body,
    give_back: Option<oneshot::Sender<Body>>,
}

impl hyper::body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (false, Some(give_back)) = (self.body.is_end_stream(), self.give_back.take()) {
            drop(give_back.send(std::mem::take(&mut self.body)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_body_that_was_not_read_to_its_end_comes_back() {
        let came_back = |body: Body| {
            let (give_back, mut left) = oneshot::channel();
            drop(Lent { body, give_back: Some(give_back) });
            left.try_recv().is_ok()
        };
        assert!(came_back(Body::from("unread")));
        assert!(!came_back(Body::empty()));
    }
}
