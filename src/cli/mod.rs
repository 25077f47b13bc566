//! The `gaba` command: one file per subcommand.
//!
//! Results go to stdout, logs and progress to stderr. What goes wrong is one line on stderr that says what to do next; the
//! exit code is 2 where the command was used wrongly, else 1.

mod audit;
mod backup;
mod config;
mod demo;
mod doctor;
mod failure;
mod fund;
mod key;
mod ledger;
mod member;
mod migrate;
mod openapi;
mod org;
mod output;
mod quarantine;
mod report;
mod restore;
mod serve;
mod server;
mod simulate;

use clap::{Parser, Subcommand};
use failure::{Failure, Outcome};
use gaba::clock::{NeverBack, SharedClock, SystemClock};
use gaba::config::Config;
use gaba::org::Organisation;
use gaba::store::{SharedStore, StoreError};
use output::Output;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// A test build, which can be told to fail, says so.
const VERSION: &str = match cfg!(feature = "faults") {
    true => concat!(env!("CARGO_PKG_VERSION"), "+faults"),
    false => env!("CARGO_PKG_VERSION"),
};

/// Pays many people by mobile money, once each, and can prove it.
#[derive(Parser)]
#[command(name = "gaba", version = VERSION, about, arg_required_else_help = true)]
struct Cli {
    /// The configuration file [default: gaba.toml where present]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON for scripts (with `serve`: log in JSON lines)
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole job on this machine: upload, approve, pay, tell, report
    Demo(demo::Args),
    /// Serve the API and the hooks, with the workers unless the configuration says otherwise
    Serve,
    /// Run the simulated money network
    Simulate(simulate::Args),
    /// Bring the database's schema up to date
    Migrate,
    /// Check database, settings, clock and lanes, and say how to mend what fails
    Doctor,
    /// Organisations
    Org(org::Args),
    /// Members of an organisation
    Member(member::Args),
    /// API keys
    Key(key::Args),
    /// Confirm money that came in for an organisation's wallet
    Fund(fund::Args),
    /// Write the settlement report of a batch
    Report(report::Args),
    /// The audit trail
    Audit(audit::Args),
    /// The books
    Ledger(ledger::Args),
    /// Copy the database to a new file, beside the running server
    Backup(backup::Args),
    /// Put a backup in the place of the database, in quarantine
    Restore(restore::Args),
    /// Stand still until it is known what was paid meanwhile
    Quarantine(quarantine::Args),
    /// Print the OpenAPI document of the API
    Openapi,
    /// The configuration
    Config(config::Args),
}

pub async fn run() -> ExitCode {
    // Wrong usage ends in here, with exit code 2.
    let cli = Cli::parse();
    match execute(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("gaba: {failure}");
            failure.exit_code()
        }
    }
}

async fn execute(cli: Cli) -> Outcome {
    let context = Context { path: cli.config, output: Output { json: cli.json } };
    match cli.command {
        Command::Demo(args) => demo::run(&context, args).await,
        Command::Serve => serve::run(&context).await,
        Command::Simulate(args) => simulate::run(&context, args).await,
        Command::Migrate => migrate::run(&context).await,
        Command::Doctor => doctor::run(&context).await,
        Command::Org(args) => org::run(&context, args).await,
        Command::Member(args) => member::run(&context, args).await,
        Command::Key(args) => key::run(&context, args).await,
        Command::Fund(args) => fund::run(&context, args).await,
        Command::Report(args) => report::run(&context, args).await,
        Command::Audit(args) => audit::run(&context, args).await,
        Command::Ledger(args) => ledger::run(&context, args).await,
        Command::Backup(args) => backup::run(&context, args).await,
        Command::Restore(args) => restore::run(&context, args).await,
        Command::Quarantine(args) => quarantine::run(&context, args).await,
        Command::Openapi => openapi::run(),
        Command::Config(args) => config::run(&context, args),
    }
}

/// What every subcommand is given.
struct Context {
    path: Option<PathBuf>,
    output: Output,
}

impl Context {
    fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(self.path.as_deref())?)
    }

    /// The configured store, and logs of what goes wrong with it.
    async fn store(&self) -> Result<SharedStore, Failure> {
        let config = self.config()?;
        output::log("warn", false);
        Ok(gaba::store::open(&config, clock()).await?)
    }
}

fn clock() -> SharedClock {
    Arc::new(NeverBack::new(Arc::new(SystemClock)))
}

async fn find_organisation(store: &SharedStore, id_or_name: &str) -> Result<Organisation, Failure> {
    store.find_organisation(id_or_name).await.map_err(|error| match error {
        StoreError::NotFound => Failure::new(format!(
            "there is no organisation {id_or_name:?}; check the name, or make it with `gaba org create`"
        )),
        other => other.into(),
    })
}
