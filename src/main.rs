//! The `gaba` command; see `cli`. It is also the process that reads a spreadsheet for a server of the same name.

mod cli;

use gaba::sheet::{child, memory::Capped};
use std::process::ExitCode;

/// Bounds the memory of the process that reads a spreadsheet; elsewhere the system's own.
#[global_allocator]
static MEMORY: Capped = Capped;

fn main() -> ExitCode {
    // Before anything else: it gives up what it has, and needs no thread.
    if child::is_meant(std::env::args_os()) { child::run() } else { serve() }
}

#[tokio::main]
async fn serve() -> ExitCode {
    cli::run().await
}
