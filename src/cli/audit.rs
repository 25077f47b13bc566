//! `gaba audit verify`: walks every chain of the audit trail.

use super::{Context, Failure, Outcome};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Recompute every hash; exit 1 if a chain is broken
    Verify,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let Command::Verify = args.command;
    let broken = context.store().await?.verify_audit().await?;
    let text = if broken.is_empty() { "Every audit chain is whole.".to_owned() } else { broken.join("\n") };
    context.output.tell(text, &json!({"whole": broken.is_empty(), "broken": broken}));
    if broken.is_empty() {
        return Ok(());
    }
    Err(Failure::new("the audit trail was changed outside of Gaba; compare it with a backup"))
}
