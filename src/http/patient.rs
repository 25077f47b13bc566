//! A connection that is patient, but not for ever: a peer that does not read what it asked for is hung up on, and a body that
//! is not there in time is as good as broken off.

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Longest pause between two pieces of a request's body.
pub const BODY_STALL_MAX: Duration = Duration::from_secs(15);
/// Longest time in which the peer reads nothing of an answer.
pub const READ_STALL_MAX: Duration = Duration::from_secs(30);

/// A stream whose writes fail once nothing could be written for a while.
pub struct Patient<S> {
    stream: S,
    stall_max: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncWrite + Unpin> Patient<S> {
    pub fn new(stream: S, stall_max: Duration) -> Self {
        Patient { stream, stall_max, stalled: None }
    }

    /// Passes a finished write on, and turns one that waits too long into an error.
    fn judge<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall_max = self.stall_max;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(stall_max))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read its answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that fails when it is not whole in time, however steadily it trickles.
pub struct Prompt {
    body: Body,
    late: Pin<Box<Sleep>>,
}

impl Prompt {
    pub fn new(body: Body, time_max: Duration) -> Self {
        Prompt { body, late: Box::pin(sleep(time_max)) }
    }
}

impl hyper::body::Body for Prompt {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.late.as_mut().poll(cx).is_ready() {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the body was not whole in time");
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn a_peer_that_never_reads_is_hung_up_on() {
        let (ours, _theirs) = duplex(4);
        let error = Patient::new(ours, Duration::from_millis(20)).write_all(b"longer than four").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_body_that_trickles_for_ever_is_broken_off_and_one_in_time_is_not() {
        let trickle = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, io::Error>(Bytes::from_static(b"x")), ()))
        });
        let read = axum::body::to_bytes(
            Body::new(Prompt::new(Body::from_stream(trickle.boxed()), Duration::from_millis(50))),
            usize::MAX,
        );
        assert!(read.await.is_err());
        let prompt = Body::new(Prompt::new(Body::from("whole"), Duration::from_secs(60)));
        assert_eq!(axum::body::to_bytes(prompt, 100).await.unwrap(), "whole");
    }

    #[tokio::test]
    async fn a_peer_that_reads_is_waited_for() {
        let (ours, mut theirs) = duplex(4);
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.map(|_| all)
        });
        let mut stream = Patient::new(ours, Duration::from_secs(5));
        stream.write_all(b"longer than four").await.unwrap();
        drop(stream);
        assert_eq!(reader.await.unwrap().unwrap(), b"longer than four");
    }
}
