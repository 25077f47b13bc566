//! A request that is written in two halves, with a point between them where the process can be made to die: in test builds
//! alone, and only where something is ordered at [`Point::MidBody`].

use crate::faults::{self, Injected, Point};
use futures::future::BoxFuture;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use reqwest::RequestBuilder;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};

/// The request with its body in halves; one without a body is left as it is.
pub fn torn(request: RequestBuilder) -> RequestBuilder {
    if !faults::awaited(Point::MidBody) {
        return request;
    }
    let (client, request) = request.build_split();
    let Ok(mut request) = request else {
        // It cannot be sent either way; whoever sends it hears why.
        return client.get("");
    };
    let whole = request.body().and_then(|body| body.as_bytes()).map(Bytes::copy_from_slice);
    if let Some(whole) = whole.filter(|whole| whole.len() > 1) {
        *request.body_mut() = Some(reqwest::Body::wrap(Halves::of(whole)));
    }
    RequestBuilder::from_parts(client, request)
}

struct Halves {
    first: Option<Bytes>,
    second: Option<Bytes>,
    between: Mutex<BoxFuture<'static, Result<(), Injected>>>,
}

impl Halves {
    fn of(mut whole: Bytes) -> Halves {
        let second = whole.split_off(whole.len() / 2);
        let between = async {
            // Whoever writes the request flushes the first half meanwhile.
            tokio::task::yield_now().await;
            faults::at(Point::MidBody).await
        };
        Halves { first: Some(whole), second: Some(second), between: Mutex::new(Box::pin(between)) }
    }
}

impl Body for Halves {
    type Data = Bytes;
    type Error = Injected;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Injected>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.second.is_none() {
            return Poll::Ready(None);
        }
        let between = self.between.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let passed = ready!(between.as_mut().poll(context));
        let second = self.second.take();
        Poll::Ready(passed.map(|()| second.map(Frame::data)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.second.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = [&self.first, &self.second].into_iter().flatten().map(Bytes::len).sum::<usize>();
        SizeHint::with_exact(left as u64)
    }
}
