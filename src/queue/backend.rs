//! Claimed rows as an apalis backend: a channel that a claimer fills. It holds nothing, so it never errs.

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::task_id::RandomId;
use apalis_core::worker::context::WorkerContext;
use std::convert::Infallible;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tower::layer::util::Identity;

/// A claimed row with the permit it was claimed under.
pub struct Leased<R> {
    pub row: R,
    pub permit: OwnedSemaphorePermit,
}

/// The backend of one kind of due row.
pub struct DueRows<R> {
    receiver: mpsc::Receiver<Leased<R>>,
}

impl<R> DueRows<R> {
    pub fn new(receiver: mpsc::Receiver<Leased<R>>) -> Self {
        DueRows { receiver }
    }
}

impl<R: Send + 'static> Backend for DueRows<R> {
    type Task = Task<Leased<R>>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// `None` once the claimer is gone and every row it sent was taken: the worker then drains and ends.
    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.receiver.poll_recv(cx).map(|row| row.map(|leased| Ok(Task::new(leased))))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl<R: Send + 'static> BackendConfig for DueRows<R> {
    type Args = Leased<R>;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
