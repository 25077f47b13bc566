//! `gaba restore`: a backup in the place of the database, in quarantine.

use super::{Context, Outcome, clock, output};
use gaba::store::sqlite;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The backup
    file: PathBuf,
    /// Replace the database that is there; it is kept under another name
    #[arg(long)]
    replace: bool,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let config = context.config()?;
    output::log("warn", false);
    let restored = sqlite::restore(&config.database_url, &args.file, args.replace, clock()).await?;
    let mut text = format!(
        "{} is the backup of {}, ledger position {}, in quarantine: nothing is sent.\n",
        restored.database.display(),
        restored.taken_at,
        restored.position
    );
    if let Some(kept) = &restored.kept {
        text += &format!("What was there before is kept as {}.\n", kept.display());
    }
    text +=
        "Start `gaba serve`: it asks the providers what was paid since. `gaba quarantine status` shows how far it is.";
    context.output.tell(text, &json!(restored));
    Ok(())
}
