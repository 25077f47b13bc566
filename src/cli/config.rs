//! `gaba config show`: the configuration in force, secrets hidden.

use super::{Context, Failure, Outcome};
use gaba::config::{Callbacks, Config, LaneConfig, Workers};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::time::Duration;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print it, with the environment applied and secrets hidden
    Show,
}

pub fn run(context: &Context, args: Args) -> Outcome {
    let Command::Show = args.command;
    let shown = shown(&context.config()?);
    let text = toml::to_string(&shown).map_err(|error| Failure::new(error.to_string()))?;
    context.output.tell(text.trim_end(), &shown);
    Ok(())
}

fn shown(config: &Config) -> Value {
    json!({
        "database_url": without_password(&config.database_url),
        "bind": config.bind,
        "connections_per_source": config.connections_per_source,
        "public_url": config.public_url(),
        "data_dir": config.data_dir,
        "workers": match config.workers { Workers::Embedded => "embedded", Workers::None => "none" },
        "log": config.log,
        "upload_bytes_max": config.upload_bytes_max,
        "rows_max": config.rows_max,
        "duplicate_window": time(config.duplicate_window),
        "ledger_check_every": time(config.ledger_check_every),
        "lanes": config.lanes.iter().map(lane).collect::<Vec<_>>(),
    })
}

/// What is not set is left out.
fn lane(lane: &LaneConfig) -> Value {
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            shown.insert(key.to_owned(), value);
        }
    };
    put("name", json!(lane.name));
    put("rail", json!(lane.rail));
    put("base_url", json!(lane.base_url));
    put("country", json!(lane.country));
    put("currency", json!(lane.currency));
    put("prefixes", json!(lane.prefixes));
    put("amount_min", json!(lane.amount_min));
    put("amount_max", json!(lane.amount_max));
    put("price_per_segment", json!(lane.price_per_segment));
    put("rate_per_second", json!(lane.rate_per_second));
    put("concurrency", json!(lane.concurrency));
    put("target_environment", json!(lane.target_environment));
    put("api_user", json!(lane.api_user));
    put("api_key_env", secret(&lane.api_key_env, &lane.secrets.api_key));
    put("subscription_key_env", secret(&lane.subscription_key_env, &lane.secrets.subscription_key));
    put("secret_env", secret(&lane.secret_env, &lane.secrets.secret));
    put("sender", json!(lane.sender));
    put("poll_after", lane.poll_after.iter().copied().map(time).collect());
    put("unknown_after", time(lane.unknown_after));
    put("idempotent_for", lane.idempotent_for.map_or(Value::Null, time));
    put("resend_after", time(lane.resend_after));
    put("query_rate_per_second", json!(lane.query_rate_per_second));
    put("callbacks", lane.callbacks.map_or(Value::Null, callbacks));
    put("attempts_max", json!(lane.attempts_max));
    put("backoff_min", time(lane.backoff_min));
    put("backoff_max", time(lane.backoff_max));
    put("lease", time(lane.lease));
    put("request_timeout", time(lane.request_timeout));
    put("receipt_deadline", time(lane.receipt_deadline));
    Value::Object(shown)
}

fn callbacks(callbacks: Callbacks) -> Value {
    match callbacks {
        Callbacks::Hint => "hint".into(),
        Callbacks::Capability => "capability".into(),
    }
}

/// The name of the variable; the secret itself is only said to be there.
fn secret(variable: &Option<String>, secret: &Option<SecretString>) -> Value {
    let Some(variable) = variable else { return Value::Null };
    let set = if secret.is_some() { "set" } else { "not set" };
    format!("{variable} ({set}, hidden)").into()
}

/// In the largest unit that is whole.
fn time(time: Duration) -> Value {
    let millis = time.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let unit = units.into_iter().find(|(size, _)| millis > 0 && millis.is_multiple_of(*size));
    unit.map_or_else(|| format!("{millis}ms"), |(size, name)| format!("{}{name}", millis / size)).into()
}

/// `postgres://user:password@host/name` → `postgres://user:(hidden)@host/name`.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            format!("{scheme}://{user}:(hidden)@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read_again_and_holds_no_secret() {
        let lane = "[[lanes]]\nname=\"m\"\nrail=\"http\"\nbase_url=\"http://x\"\ncurrency=\"UGX\"\nprefixes=[\"256\"]\n\
            secret_env=\"M\"\nresend_after=\"90s\"\n";
        let mut config = Config::parse(lane).unwrap();
        config.lanes[0].secrets.secret = Some("s3cret".to_owned().into());
        let text = toml::to_string(&shown(&config)).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("secret_env = \"M (set, hidden)\""), "{text}");
        assert_eq!(Config::parse(&text).unwrap().lanes[0].resend_after, Duration::from_secs(90));
    }

    #[test]
    fn a_password_in_an_address_is_hidden() {
        assert_eq!(without_password("postgres://u:p@ss@h/db"), "postgres://u:(hidden)@h/db");
        assert_eq!(without_password("sqlite://data/gaba.db"), "sqlite://data/gaba.db");
    }
}
