//! The show itself: upload, fund, submit, approve, watch, tell, report.

use super::api::Api;
use super::list::List;
use super::setup::{ORGANISATION, People};
use super::summary::{Summary, Told};
use super::{shown, watch};
use crate::cli::Failure;
use gaba::money::{Currency, Money};
use gaba::org::Principal;
use gaba::store::SharedStore;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// The wallet is loaded in whole millions.
const ROUND: i64 = 1_000_000;
/// How long delivery receipts are waited for after the last payment.
const TOLD_TIME_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub struct Show<'a> {
    pub api: &'a Api,
    pub people: &'a People,
    pub store: &'a SharedStore,
    pub data: &'a Path,
    pub json: bool,
}

impl Show<'_> {
    /// For the person who watches; a script reads stdout alone.
    pub fn say(&self, text: &str) {
        if self.json {
            eprintln!("{text}");
        } else {
            println!("{text}");
        }
    }

    pub async fn run(&self, list: List) -> Result<Summary, Failure> {
        let (api, maker, checker) = (self.api, &self.people.maker, &self.people.checker);
        self.say(&format!(
            "{ORGANISATION} pays {:?} from {} (data in {}).",
            list.name,
            list.file_name,
            shown(self.data)
        ));
        let uploaded = api.upload(&maker.key, &list.name, &list.file_name, list.bytes).await?;
        let batch = text(&uploaded, "id");
        let ready = watch::until(api, &maker.key, &batch, imported).await?;
        self.say(&format!("{} uploaded: {}.", maker.email, rows(&ready)));
        let before = self.load_wallet(&ready).await?;
        let submitted =
            api.post(&maker.key, &format!("/v1/batches/{batch}/submit"), &json!({"exclude_invalid": true})).await?;
        let approval = json!({"digest": submitted["digest"]});
        api.post(&checker.key, &format!("/v1/batches/{batch}/approve"), &approval).await?;
        let began = Instant::now();
        self.say(&format!("{} approved it. Paying:", checker.email));
        let batch_view = watch::payments(api, &maker.key, &batch).await?;
        let seconds = began.elapsed().as_secs_f64();
        let told = self.told(&batch).await?;
        let report = self.data.join("settlement.csv");
        api.download(&maker.key, &format!("/v1/batches/{batch}/report?format=csv"), &report).await?;
        let check = self.store.check_ledger().await?;
        Ok(Summary { batch: batch_view, before, after: self.available().await?, told, check, report, seconds })
    }

    /// Loads what the list needs and a quarter more, as the operator would after the bank's advice.
    async fn load_wallet(&self, batch: &Value) -> Result<Money, Failure> {
        let total = |name: &str| money(batch["totals"][name].as_str().unwrap_or_default());
        let needed = total("amount")?.minor + total("fees")?.minor + total("tax")?.minor;
        let load = (needed + needed / 4) / ROUND * ROUND + ROUND;
        let operator = Principal::operator(self.people.organisation);
        let load = Money::new(load, Currency::Ugx);
        self.store.fund(&operator, load, "BANK-ADVICE-0001", None).await?;
        self.say(&format!("The operator loaded the wallet with {}.", load.display()));
        self.available().await
    }

    async fn available(&self) -> Result<Money, Failure> {
        let wallets = self.api.get(&self.people.maker.key, "/v1/wallets").await?;
        money(wallets["items"][0]["available"].as_str().unwrap_or_default())
    }

    /// Waits for the delivery receipts, then counts the messages.
    async fn told(&self, batch: &str) -> Result<Told, Failure> {
        let began = Instant::now();
        while began.elapsed() < TOLD_TIME_MAX && self.is_telling(batch).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let mut told = Told::default();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/batches/{batch}/messages?limit=500{cursor}");
            let page = self.api.get(&self.people.maker.key, &path).await?;
            for message in page["items"].as_array().into_iter().flatten() {
                told.count(message["state"].as_str().unwrap_or_default());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(told),
            }
        }
    }

    async fn is_telling(&self, batch: &str) -> Result<bool, Failure> {
        for state in ["queued", "sending", "submitted"] {
            let path = format!("/v1/batches/{batch}/messages?state={state}&limit=1");
            let page = self.api.get(&self.people.maker.key, &path).await?;
            if page["items"].as_array().is_some_and(|items| !items.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn imported(batch: &Value) -> Result<bool, Failure> {
    match batch["state"].as_str() {
        Some("importing") => Ok(false),
        Some("import_failed") => Err(Failure::new(format!("the list cannot be read: {}", text(batch, "failure")))),
        _ => Ok(true),
    }
}

fn rows(batch: &Value) -> String {
    let counts = &batch["counts"];
    format!("{} rows, {} payable, {} left out", counts["rows"], counts["valid"], counts["invalid"])
}

fn money(amount: &str) -> Result<Money, Failure> {
    Money::parse(amount, Currency::Ugx).map_err(|error| Failure::new(format!("the API told an odd amount: {error}")))
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
