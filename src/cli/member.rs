//! `gaba member add`: a person of an organisation.

use super::{Context, Failure, Outcome, find_organisation};
use gaba::org::Role;
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Add a member
    Add {
        /// Id or name of the organisation
        org: String,
        /// E-mail address of the person
        email: String,
        #[arg(long, value_parser = parse_role)]
        role: Role,
    },
}

/// Reads a role for clap.
pub fn parse_role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| format!("use one of {}", Role::ALL.map(Role::name).join(", ")))
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let Command::Add { org, email, role } = args.command;
    if !email.contains('@') || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Failure::usage(format!("{email:?} is no e-mail address")));
    }
    let store = context.store().await?;
    let organisation = find_organisation(&store, &org).await?;
    let id = store.add_member(organisation.id, &email, role).await?;
    let text = format!("{email} is a {} of {:?}, as member {id}.", role.name(), organisation.name);
    context.output.tell(text, &json!({"id": id}));
    Ok(())
}
