//! `gaba key create`: an API key, shown once.

use super::member::parse_role;
use super::{Context, Failure, Outcome, find_organisation};
use gaba::org::{Role, keys};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Create a key; it is shown once and cannot be shown again
    Create(Create),
}

#[derive(clap::Args)]
struct Create {
    /// Id or name of the organisation
    org: String,
    #[arg(long, value_parser = parse_role)]
    role: Role,
    /// The member the key acts for; without one the key is a principal of its own
    #[arg(long, value_name = "EMAIL")]
    member: Option<String>,
    #[arg(long, default_value = "live", value_parser = ["live", "test"])]
    mode: String,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let Command::Create(args) = args.command;
    if args.mode == "test" {
        return Err(Failure::usage(
            "this version has no test keys; use --mode live on an installation with simulated lanes",
        ));
    }
    let store = context.store().await?;
    let organisation = find_organisation(&store, &args.org).await?;
    let key = keys::generate();
    let member = args.member.as_deref();
    let id = store.create_key(organisation.id, args.role, member, key.hash, &key.prefix).await?;
    let text =
        format!("{}\nThis key is shown once: keep it as you keep money. It is a {}'s.", key.secret, args.role.name());
    context.output.tell(text, &json!({"id": id, "key": key.secret}));
    Ok(())
}
