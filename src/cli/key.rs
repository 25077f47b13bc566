//! `gaba key`: API keys, made (shown once) and revoked.

use super::member::parse_role;
use super::{Context, Failure, Outcome, find_organisation};
use gaba::org::{Role, keys};
use serde_json::json;
use uuid::Uuid;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Create a key; it is shown once and cannot be shown again
    Create(Create),
    /// Revoke a key at once, by its id
    Revoke(Revoke),
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

#[derive(clap::Args)]
struct Revoke {
    /// Id or name of the organisation
    org: String,
    /// Its id, as it was printed when it was made and as the audit trail names it
    key: Uuid,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.command {
        Command::Create(args) => create(context, args).await,
        Command::Revoke(args) => revoke(context, args).await,
    }
}

async fn revoke(context: &Context, args: Revoke) -> Outcome {
    let store = context.store().await?;
    let organisation = find_organisation(&store, &args.org).await?;
    store.revoke_key(organisation.id, args.key).await?;
    context.output.tell("The key is revoked: it opens nothing any more.", &json!({"id": args.key, "revoked": true}));
    Ok(())
}

async fn create(context: &Context, args: Create) -> Outcome {
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
        format!("{}\nThis key is shown once: keep it as you keep money. Its role is {}.", key.secret, args.role.name());
    context.output.tell(text, &json!({"id": id, "key": key.secret}));
    Ok(())
}
