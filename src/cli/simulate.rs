//! `gaba simulate`: the simulated money network, as a program of its own.

use super::server::stop_signal;
use super::{Context, Failure, Outcome, output};
use gaba::simulator::{self, Options, SECRET};
use std::path::PathBuf;
use tokio::net::TcpListener;

const SECRET_VARIABLE: &str = "GABA_SIMULATOR_SECRET";

#[derive(clap::Args)]
pub struct Args {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 9001)]
    port: u16,
    /// Where to keep the book of who was paid [default: in memory]
    #[arg(long, value_name = "FILE")]
    book: Option<PathBuf>,
    /// End when stdin is closed: whoever started this is gone
    #[arg(long, hide = true)]
    exit_on_stdin_close: bool,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let filter = std::env::var("GABA_LOG").unwrap_or_else(|_| "info".to_owned());
    output::log(&filter, context.output.json);
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await.map_err(|why| {
        Failure::new(format!(
            "cannot listen on port {}: {why}; choose another with --port, or 0 for a free one",
            args.port
        ))
    })?;
    let address = listener.local_addr().map_err(|why| Failure::new(why.to_string()))?;
    println!("listening on http://{address}");
    let secret = std::env::var(SECRET_VARIABLE).ok().filter(|secret| !secret.is_empty());
    let options =
        Options { port: address.port(), book: args.book, secret: secret.unwrap_or_else(|| SECRET.to_owned()) };
    let stop = async move {
        tokio::select! {
            () = stop_signal() => {}
            () = stdin_closed(), if args.exit_on_stdin_close => {}
        }
    };
    simulator::serve(listener, options, stop)
        .await
        .map_err(|why| Failure::new(format!("the simulated network stopped: {why}; check the book file and its disk")))
}

async fn stdin_closed() {
    let (tell, closed) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own, which the end of the process need not wait for: reading stdin cannot be given up.
    std::thread::spawn(move || {
        drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
        drop(tell);
    });
    drop(closed.await);
}
