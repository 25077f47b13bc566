//! `gaba org create`: a verified organisation with an empty wallet.

use super::{Context, Outcome};
use gaba::money::Currency;
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Create an organisation with a wallet
    Create {
        /// Its name, unique in this installation
        name: String,
        /// Currency of its wallet, such as UGX
        #[arg(long)]
        currency: Currency,
    },
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let Command::Create { name, currency } = args.command;
    let store = context.store().await?;
    let organisation = store.create_organisation(&name, currency).await?;
    let text = format!(
        "Organisation {:?} is {}. Next: gaba key create {:?} --role maker, the same with checker, and gaba fund.",
        organisation.name, organisation.id, organisation.name
    );
    context.output.tell(text, &json!({"id": organisation.id}));
    Ok(())
}
