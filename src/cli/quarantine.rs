//! `gaba quarantine`: begin, look, hold a statement against the books, lift.

use super::{Context, Failure, Outcome, clock};
use gaba::clock::Time;
use gaba::config::Config;
use gaba::quarantine::statement::{self, Differences};
use gaba::quarantine::{LaneProgress, Lifting, Matched, Report};
use gaba::rail::TELCO_RAILS;
use gaba::store::{Done, SharedStore};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Messages set aside in one transaction, which bounds how long the writer is held.
const MESSAGES_AT_ONCE: u32 = 1_000;
/// Differences shown to people; `--json` has them all.
const SHOWN_MAX: usize = 20;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Send nothing new until it is lifted
    On {
        #[arg(long)]
        reason: String,
        /// From when on providers may have done what this database does not know [default: now]
        #[arg(long, value_name = "TIME")]
        since: Option<Time>,
    },
    /// Tell whether one stands, and how far it is
    Status,
    /// Hold a provider's statement of the gap against what is called paid; exit 1 where they differ
    Match {
        /// The lane whose statement it is
        lane: String,
        /// CSV with a header: reference or payout_id, amount, and where present status and transaction_id
        statement: PathBuf,
    },
    /// End it: refused while anything is not answered for
    Lift {
        /// What was checked, and by whom; it goes into the audit trail
        #[arg(long)]
        note: String,
        /// The statements were matched by other means
        #[arg(long)]
        statement_matched: bool,
        /// Send the SMS that wait, although they may have been sent before
        #[arg(long)]
        send_messages: bool,
    },
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let store = context.store().await?;
    match args.command {
        Command::On { reason, since } => begin(context, &store, &reason, since).await,
        Command::Status => status(context, &store).await,
        Command::Match { lane, statement } => hold_against(context, &store, &lane, &statement).await,
        Command::Lift { note, statement_matched, send_messages } => {
            let lifting = Lifting { note, lanes: paying(context)?, vouched: statement_matched, send_messages };
            lift(context, &store, lifting).await
        }
    }
}

/// The lanes that pay.
fn paying(context: &Context) -> Result<Vec<String>, Failure> {
    let lanes = context.config()?.lanes.into_iter().filter(|lane| TELCO_RAILS.contains(&lane.rail.as_str()));
    Ok(lanes.map(|lane| lane.name).collect())
}

async fn begin(context: &Context, store: &SharedStore, reason: &str, since: Option<Time>) -> Outcome {
    let begun = store.begin_quarantine(reason, since).await?;
    let how = if matches!(begun, Done::Applied(_)) { "begins" } else { "stood already" };
    let quarantine = begun.into_inner();
    let text = format!("The quarantine {how}: {}. Nothing new is sent until it is lifted.", quarantine.reason);
    context.output.tell(text, &json!({"standing": true, "quarantine": quarantine}));
    Ok(())
}

async fn status(context: &Context, store: &SharedStore) -> Outcome {
    let Some(report) = store.quarantine_report(&paying(context)?).await? else {
        context.output.tell("No quarantine stands.", &json!({"standing": false}));
        return Ok(());
    };
    let forgetful = forgetful(&context.config()?, &report);
    let mut value = json!(report);
    value["forgetful_lanes"] = json!(forgetful);
    value["standing"] = true.into();
    value["obstacle"] = report.obstacle(false).into();
    let mut text = text(&report);
    for lane in forgetful {
        text += &format!(
            "\nThe gap is longer than the provider of {lane} remembers references: that it does not know one proves nothing. \
             Only its statement does."
        );
    }
    context.output.tell(text, &value);
    Ok(())
}

/// Lanes whose providers may have forgotten what they paid at the beginning of the gap.
fn forgetful<'a>(config: &Config, report: &'a Report) -> Vec<&'a str> {
    let gap = clock().now().since(report.quarantine.gap_from);
    let remembers = |lane: &&LaneProgress| {
        let remembered = config.lane(&lane.lane).and_then(|lane| lane.idempotent_for);
        remembered.is_some_and(|remembered| gap < remembered)
    };
    report.lanes.iter().filter(|lane| !remembers(lane)).map(|lane| lane.lane.as_str()).collect()
}

fn text(report: &Report) -> String {
    let quarantine = &report.quarantine;
    let mut text = format!("In quarantine since {}: {}.\n", quarantine.began_at, quarantine.reason);
    let known = quarantine.backup_position.map(|p| format!(" (ledger position {p})")).unwrap_or_default();
    text += &format!("What happened from {} on is not known here{known}.\n", quarantine.gap_from);
    text += &format!(
        "{:<14} {:>8} {:>8} {:>8} {:>15} {:>10}  statement\n",
        "lane", "rows", "asked", "left", "provider only", "not known"
    );
    for lane in &report.lanes {
        text += &format!(
            "{:<14} {:>8} {:>8} {:>8} {:>15} {:>10}  {}\n",
            lane.lane,
            lane.rows,
            lane.asked,
            lane.left,
            lane.known_to_provider_only,
            lane.not_known,
            matched(lane.matched.as_ref())
        );
        if let Some(trouble) = lane.trouble.as_ref().filter(|_| lane.left > 0) {
            text += &format!("{:<14} not answered: {trouble}\n", "");
        }
    }
    for batch in &report.batches {
        text += &format!(
            "batch {} {:?} of {:?} ({}): {} rows",
            batch.id, batch.name, batch.organisation, batch.state, batch.rows
        );
        text += &format!(", {} questions left\n", batch.left);
    }
    text += &format!("{} messages wait, {} exceptions are open.\n", report.messages, report.exceptions);
    match report.obstacle(false) {
        Some(obstacle) => text + &format!("Not to be lifted yet: {obstacle}."),
        None => text + "It can be lifted: `gaba quarantine lift --note …`.",
    }
}

fn matched(matched: Option<&Matched>) -> String {
    match matched {
        None => "not matched".into(),
        Some(m) if m.agrees() => format!("agrees ({} lines)", m.lines),
        Some(m) => format!(
            "differs: {} unknown here, {} missing there, {} of other amounts",
            m.unknown, m.missing, m.differing
        ),
    }
}

async fn hold_against(context: &Context, store: &SharedStore, lane: &str, path: &Path) -> Outcome {
    let config = context.config()?;
    let configured = config.lane(lane).ok_or_else(|| Failure::usage(format!("there is no lane {lane:?}")))?;
    let currency = configured.currency.ok_or_else(|| Failure::usage(format!("lane {lane:?} has no currency")))?;
    let file = std::fs::read(path).map_err(|why| Failure::new(format!("cannot read {}: {why}", path.display())))?;
    let lines = statement::read(&file, currency).map_err(|why| Failure::new(format!("{}: {why}", path.display())))?;
    let hash = Sha256::digest(&file).into();
    let (matched_now, found) = store.match_statement(lane, currency, hash, lines).await?;
    let told = json!({"lane": lane, "agrees": matched_now.agrees(), "lines": matched_now.lines, "differences": found});
    context.output.tell(differences(&found, &matched_now), &told);
    if matched_now.agrees() {
        return Ok(());
    }
    Err(Failure::new(format!("the statement of {lane} {}", matched(Some(&matched_now)))))
}

fn differences(found: &Differences, matched: &Matched) -> String {
    let mut lines = Vec::new();
    for unknown in &found.unknown {
        let named = unknown.payout.map(|id| format!("payout {id}"));
        let named =
            named.or(unknown.reference.map(|id| format!("reference {id}"))).unwrap_or_else(|| "no id of ours".into());
        lines.push(format!("line {}: paid there, {named} is here: {}", unknown.line, unknown.here));
    }
    lines.extend(
        found
            .differing
            .iter()
            .map(|d| format!("line {}: payout {}: {} there, {} here", d.line, d.payout, d.theirs, d.ours)),
    );
    lines.extend(found.missing.iter().map(|payout| format!("payout {payout} is paid here and not in the statement")));
    if lines.is_empty() {
        return format!("The statement agrees with the books: {} payments.", matched.lines);
    }
    let more = lines.len().saturating_sub(SHOWN_MAX);
    lines.truncate(SHOWN_MAX);
    if more > 0 {
        lines.push(format!("… and {more} more; --json shows them all"));
    }
    lines.join("\n")
}

async fn lift(context: &Context, store: &SharedStore, lifting: Lifting) -> Outcome {
    let Some(report) = store.quarantine_report(&paying(context)?).await? else {
        context.output.tell("No quarantine stands.", &json!({"standing": false}));
        return Ok(());
    };
    if let Some(obstacle) = report.obstacle(lifting.vouched) {
        return Err(Failure::new(format!("not to be lifted yet: {obstacle}")));
    }
    let mut withheld = 0;
    while !lifting.send_messages {
        let now = store.withhold_messages(MESSAGES_AT_ONCE).await?;
        withheld += now;
        if now == 0 {
            break;
        }
    }
    let quarantine = store.lift_quarantine(lifting).await?;
    let told: Value = json!({"standing": false, "lifted": quarantine, "messages_withheld": withheld});
    context
        .output
        .tell(format!("Lifted. {withheld} messages that waited are not sent; what is queued goes on."), &told);
    Ok(())
}
