//! `gaba backup`: one moment of the database in a file of its own, beside the running server.

use super::{Context, Outcome};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Where to write it; a file that exists is refused
    file: PathBuf,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let backup = context.store().await?.backup(&args.file).await?;
    let text = format!(
        "{} holds everything up to {}, ledger position {} ({:.1} MiB). Keep it on another machine.",
        backup.file.display(),
        backup.taken_at,
        backup.position,
        backup.bytes as f64 / 1_048_576.0
    );
    context.output.tell(text, &json!(backup));
    Ok(())
}
