//! `gaba ledger check`: the trial balance, and every place where the books differ.

use super::{Context, Failure, Outcome};
use gaba::wallet::check::LedgerCheck;
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Compare transfers, balances, counters and rows; exit 1 if anything is off
    Check,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let Command::Check = args.command;
    let check = context.store().await?.check_ledger().await?;
    let mut value = json!(check);
    value["balances"] = check.balances().into();
    context.output.tell(text(&check), &value);
    if check.balances() {
        return Ok(());
    }
    let count = check.differences.len();
    Err(Failure::new(format!("the books are off in {count} places; pay nothing more until they are explained")))
}

fn text(check: &LedgerCheck) -> String {
    let mut text = format!("{:<14} {:>4} {:>22} {:>22}\n", "account", "", "debits", "credits");
    for line in &check.trial_balance {
        text += &format!("{:<14} {:>4} {:>22} {:>22}\n", line.account, line.currency, line.debits, line.credits);
    }
    for difference in &check.differences {
        text += &format!("{}: {}\n", difference.invariant, difference.what);
    }
    let verdict = if check.balances() { "The books balance." } else { "The books do not balance." };
    text + &format!("{verdict} {} transfers, up to position {}.", check.transfers, check.position)
}
