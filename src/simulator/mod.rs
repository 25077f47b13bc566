//! The simulated money network: what the tests, the demo and the bench pay through, and the judge of every fault test.
//!
//! It is a program of its own (`gaba simulate`) and shares no code with the engine: it speaks each rail's wire
//! protocol, keeps its own book of who was paid under which reference, posts receipts, and misbehaves on demand.
//!
//! - **Seen before paid.** Every reference that arrives is in the book, also one that was refused or that a fault
//!   swallowed (state `seen`: queries answer "not found", a later submit is taken).
//! - **A reference pays at most once; a payout as often as it is asked for.** Two references of one `payout_id` are paid
//!   twice, and `/_book/summary` tells: this is how a double payment by the client is caught.
//! - **Durable before said.** With a book file, nothing is answered, and no receipt posted, before the line that says so
//!   is on disk. Without one the book is memory only, and cheap.
//! - **Same seed, same faults.** Every draw is a hash of seed, reference, how often the reference came, and knob.
//!
//! Numbers with an outcome of their own are in [`numbers`], the knobs of `/_control` in [`knobs`]. Knobs are not kept in
//! the book file: a restarted network behaves well until told otherwise.

mod amount;
mod answers;
mod book;
mod control;
mod entry;
mod http;
mod journal;
pub mod knobs;
mod mtn_momo;
mod network;
pub mod numbers;
mod receipts;
mod server;
mod sms_http;
mod timer;
mod webhook;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use network::Network;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Signs the receipts of the simulated networks where no other secret is given. Published: worth nothing elsewhere.
pub const SECRET: &str = "whsec_Z2FiYS1zaW11bGF0ZWQtbmV0d29yay1zZWNyZXQtMDE=";

const BODY_MAX_BYTES: usize = 64 * 1024;

/// How a simulated network is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port to listen on; whoever binds the listener reads it.
    pub port: u16,
    /// Where the book is kept; `None`: in memory only.
    pub book: Option<PathBuf>,
    /// Signs receipts, as `whsec_<base64>` of 24 to 64 bytes.
    pub secret: String,
}

impl Default for Options {
    fn default() -> Self {
        Options { port: 0, book: None, secret: SECRET.to_owned() }
    }
}

/// Serves the network until `shutdown` resolves, then closes the book. Fails when the book cannot be read or written.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let network = Network::open(&options)?;
    let workers = network.start();
    let served = tokio::select! {
        () = server::serve(listener, router(network.clone()), &network.stopping, shutdown) => Ok(()),
        error = network.book.failed() => Err(error),
    };
    network.stopping.cancel();
    for worker in workers {
        worker.abort();
    }
    network.book.close();
    served
}

fn router(network: Arc<Network>) -> Router {
    Router::new()
        .nest("/mtn-momo", mtn_momo::routes())
        .nest("/http", http::routes())
        .nest("/sms-http", sms_http::routes())
        .merge(control::routes())
        .fallback(answers::no_such_route)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(network)
}
