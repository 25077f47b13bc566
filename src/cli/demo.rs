//! `gaba demo`: the whole job on this machine, on a fresh database, against the simulated network as a child process.
//!
//! What an operator does at the command line (the organisation, its keys, the money) is done on the store; everything else
//! goes through the HTTP API of the demo's own server, the way a user would.

mod api;
mod list;
mod network;
mod setup;
mod show;
mod summary;
mod watch;

use super::server::{Server, bind, stop_signal};
use super::{Context, Failure, Outcome, clock, output};
use api::Api;
use list::List;
use network::Network;
use setup::People;
use show::Show;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use summary::Summary;
use tokio_util::sync::CancellationToken;

#[derive(clap::Args)]
pub struct Args {
    /// The port to serve on; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// An empty or new directory for the data [default: a new one among the temporary files]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Stop after the summary; exit 0 only if everybody was paid and the books balance
    #[arg(long)]
    exit: bool,
    /// Pay a made-up list of so many people instead of the sample
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(list::RECIPIENTS_MAX)))]
    recipients: Option<u32>,
    /// Pay this list instead of the sample
    #[arg(long, value_name = "F", conflicts_with = "recipients")]
    file: Option<PathBuf>,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    output::log(&std::env::var("GABA_LOG").unwrap_or_else(|_| "error".to_owned()), false);
    let list = List::choose(args.file.as_deref(), args.recipients)?;
    let listener = bind(&format!("127.0.0.1:{}", args.port)).await?;
    let address = listener.local_addr().map_err(|why| Failure::new(why.to_string()))?;
    let data = setup::directory(args.data)?;
    let network = Network::start(&data).await?;
    let config = Arc::new(setup::config(&data, &address.to_string(), &network.url)?);
    let clock = clock();
    let store = gaba::store::open(&config, clock.clone()).await?;
    let people = setup::people(&store).await?;
    let server = Server::start(store.clone(), config, clock).await?;
    let stop = CancellationToken::new();
    let mut serving = tokio::spawn(server.run(listener, stop.clone().cancelled_owned()));
    let api = Api::new(format!("http://{address}"))?;
    let show = Show { api: &api, people: &people, store: &store, data: &data, json: context.output.json };
    let outcome = tokio::select! {
        shown = present(&show, context, list, args.exit) => shown,
        // Whoever interrupts the demo has seen enough.
        () = stop_signal() => if args.exit { Err(Failure::new("interrupted before the end")) } else { Ok(()) },
        ended = &mut serving => return Err(unasked(ended)),
    };
    stop.cancel();
    let stopped = serving.await.unwrap_or_else(|error| Err(Failure::new(format!("the server failed: {error}"))));
    drop(network);
    outcome.and(stopped)
}

/// Runs the show, tells how it ended and, unless it shall exit, serves on.
async fn present(show: &Show<'_>, context: &Context, list: List, exit: bool) -> Outcome {
    let summary = show.run(list).await?;
    context.output.tell(summary.text(), &summary.value(show.people, &show.api.url));
    if exit {
        return summary.verdict();
    }
    if let Err(failure) = summary.verdict() {
        eprintln!("gaba: {failure}");
    }
    invite(show, &summary);
    std::future::pending().await
}

fn invite(show: &Show<'_>, summary: &Summary) {
    let People { maker, checker, .. } = show.people;
    let (url, batch) = (&show.api.url, summary.batch_id());
    show.say(&format!(
        "\nServing on {url}, until Ctrl-C. Two people work here:\n\
         \x20 {:<26} {}\n\
         \x20 {:<26} {}\n\
         Look at the batch:\n\
         \x20 curl -s -H 'Authorization: Bearer {}' {url}/v1/batches/{batch}",
        maker.email, maker.key, checker.email, checker.key, maker.key
    ));
}

fn unasked(ended: Result<Outcome, tokio::task::JoinError>) -> Failure {
    match ended {
        Ok(Err(failure)) => failure,
        Ok(Ok(())) => Failure::new("the server ended unasked"),
        Err(error) => Failure::new(format!("the server failed: {error}")),
    }
}

/// A path as a person would type it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
