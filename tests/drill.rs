//! The drill: a backup that lacks what was paid since is put in the place of the database, and nobody is paid twice or
//! forgotten. Real processes; the network's own book is the judge.
//!
//! `GABA_DRILLS=20 cargo test --test all -- drill:: --nocapture` runs it twenty times; `make test` once each way.

use crate::support::{Api, Folder, Installation, Network, described, judge, list, page, until};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const ROWS: usize = 160;
/// Failed before the backup, and paid after it because a person said so.
const RETRIED: usize = 6;
/// In a list that the backup does not know.
const FORGOTTEN: usize = 30;

fn drills() -> usize {
    std::env::var("GABA_DRILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(2)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_pays_nobody_twice_and_forgets_nobody() {
    let seed: u64 = std::env::var("GABA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random);
    let began = Instant::now();
    for n in 0..drills() {
        let seed = seed.wrapping_add(n as u64);
        eprintln!("drill {n}: GABA_SEED={seed}");
        // In turn: everything was paid when the machine was lost, and half of it.
        Drill::begin(seed).await.run(n % 2 == 0).await;
    }
    if page::is_blessed() {
        let (n, took) = (drills(), began.elapsed().as_secs());
        let payouts = n * (ROWS + FORGOTTEN + RETRIED + 10);
        page::rewrite("drill", |_| {
            format!(
                "{n} drills from seed {seed} in {took} s, {payouts} payouts: 0 doubles, 0 lost, the books ok after each."
            )
        });
    }
}

struct Drill {
    network: Network,
    gaba: Installation,
    chance: rand::rngs::StdRng,
    _book: Folder,
}

impl Drill {
    async fn begin(seed: u64) -> Drill {
        let book = Folder::new("drill-book");
        let network = Network::start(&book).await;
        // Some attempts fail and are made anew, some answers and receipts are lost: everything that a gap can hide.
        let faults = json!({"timeout_after": 0.05, "error_after": 0.05, "error_before": 0.05, "receipt_lost": 0.3,
                            "receipt_double": 0.2, "seed": seed});
        network.control(json!({"mtn-momo": faults, "http": faults})).await;
        let mut gaba = Installation::new("drill", &network, "rate_per_second = 60\nattempts_max = 3").await;
        gaba.fund("400000000", "bank-1");
        gaba.serve().await;
        Drill { network, gaba, chance: rand::rngs::StdRng::seed_from_u64(seed), _book: book }
    }

    async fn run(mut self, everything_was_paid: bool) {
        let failed = self.fail_some().await;
        let kept = self.pay("kept", recipients(), "true").await;
        let half = self.chance.random_range(ROWS as i64 / 4..ROWS as i64 * 3 / 4);
        until("a part to be paid", || async { (self.paid(&kept).await >= half).then_some(()) }).await;
        let backup = self.gaba.folder.file("backup.db");
        let made = self.json(&["backup", backup.to_str().unwrap()]);
        let mode = std::fs::metadata(&backup).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "recipients and keys are in it, and others may read it: {mode:o}");
        let refused = self.gaba.run(&["backup", backup.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1), "an earlier backup is never overwritten");

        // What the backup does not know: the rest of the list, another try of the failed, a whole list.
        self.retry(&failed).await;
        let forgotten = self.pay("forgotten", forgotten(), "false").await;
        if everything_was_paid {
            for batch in [&kept, &forgotten, &failed] {
                self.gaba.maker.batch_in(batch, &["completed"]).await;
            }
        } else {
            until("some of it to be paid", || async { (self.paid(&forgotten).await > 5).then_some(()) }).await;
        }
        self.lose_the_machine(&backup, &made).await;
        self.stands_still().await;
        let again = self.pay("forgotten", self::forgotten(), "false").await;
        assert_eq!(again, forgotten, "the same key names the same batch, and so the same payouts");
        self.asked().await;
        self.settle_late_successes().await;
        self.match_statements().await;
        self.lift().await;
        for batch in [&kept, &forgotten, &failed] {
            self.gaba.maker.batch_in(batch, &["completed"]).await;
        }
        let after = self.pay("after", others(10, 5_000_100, 70_000), "true").await;
        self.gaba.maker.batch_in(&after, &["completed"]).await;
        judge::at_rest(&self.gaba, &self.network, &[&kept, &forgotten, &failed, &after]).await;
        assert_eq!(self.paid(&forgotten).await, FORGOTTEN as i64);
        self.gaba.kill();
    }

    /// A list whose rows all fail for good, by a network that refuses everybody for a while.
    async fn fail_some(&self) -> String {
        self.refuse(1.0).await;
        let batch = self.pay("failed", failing(), "false").await;
        self.gaba.maker.batch_in(&batch, &["completed"]).await;
        self.refuse(0.0).await;
        batch
    }

    async fn refuse(&self, probability: f64) {
        self.network.control(json!({"mtn-momo": {"refuse": probability}, "http": {"refuse": probability}})).await;
    }

    async fn retry(&self, batch: &str) {
        let (status, retried) = self.gaba.checker.post(&format!("/v1/batches/{batch}/retry-failed"), json!({})).await;
        assert_eq!((status, &retried["retried"]), (202, &json!(RETRIED)), "{retried}");
        self.gaba.maker.batch_in(batch, &["completed"]).await;
    }

    /// The machine is gone; the backup comes to another one, which is this folder.
    async fn lose_the_machine(&mut self, backup: &std::path::Path, made: &Value) {
        let backup = backup.to_str().unwrap();
        let held = self.gaba.run(&["restore", backup, "--replace"]);
        assert!(said(&held).contains("stop it first"), "{}", said(&held));
        self.gaba.kill();
        let there = self.gaba.run(&["restore", backup]);
        assert!(said(&there).contains("--replace"), "{}", said(&there));
        let restored = self.json(&["restore", backup, "--replace"]);
        assert_eq!(
            (&restored["position"], &restored["taken_at"]),
            (&made["position"], &made["taken_at"]),
            "{restored}"
        );
        assert!(std::path::Path::new(restored["kept"].as_str().unwrap()).exists(), "{restored}");
    }

    /// Nothing new reaches the network, and whoever asks is told why.
    async fn stands_still(&mut self) {
        let before = self.network.book().await.len();
        self.gaba.serve().await;
        let (_, ready) = self.gaba.maker.get("/readyz").await;
        assert!(ready["warning"].as_str().unwrap().contains("quarantine"), "{ready}");
        let (_, told) = self.gaba.maker.get("/v1/quarantine").await;
        assert_eq!(told["standing"], true, "{told}");
        let metrics = described::send(self.gaba.maker.client.get(format!("{}/metrics", self.gaba.url))).await;
        assert!(metrics.text().contains("gaba_quarantine 1"));
        let early = self.gaba.run(&["quarantine", "lift", "--note", "too early", "--statement-matched"]);
        assert_eq!(early.status.code(), Some(1), "{}", said(&early));
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(self.network.book().await.len(), before, "something was sent in quarantine");
    }

    /// Waits until every provider has answered for every row.
    async fn asked(&self) {
        let status = until("everything to be asked", || async {
            let status = self.json(&["quarantine", "status"]);
            let left: i64 = status["lanes"].as_array()?.iter().map(|l| l["left"].as_i64().unwrap()).sum();
            (status["listed"] == true && left == 0).then_some(status)
        })
        .await;
        let sum = |key: &str| -> i64 {
            status["lanes"].as_array().unwrap().iter().map(|lane| lane[key].as_i64().unwrap()).sum()
        };
        assert!(sum("known_to_provider_only") > RETRIED as i64, "{status}");
    }

    /// Failed in the backup, paid since: two people say so.
    async fn settle_late_successes(&self) {
        let open = self.gaba.maker.all("/v1/exceptions?state=open").await;
        assert_eq!(open.len(), RETRIED, "{open:?}");
        let finance = self.json(&["key", "create", &self.gaba.organisation, "--role", "finance"]);
        let finance = Api::new(&self.gaba.url, finance["key"].as_str().unwrap());
        let verdict = json!({"verdict": "paid", "note": "the statement of the gap", "evidence_sha256": "ab".repeat(32),
                             "provider_transaction_id": "T-1"});
        for exception in &open {
            assert_eq!(exception["kind"], "late_success", "{exception}");
            let path = format!("/v1/exceptions/{}/resolve", exception["id"].as_str().unwrap());
            for who in [&self.gaba.checker, &finance] {
                let (status, told) = who.post(&path, verdict.clone()).await;
                assert_eq!(status, 200, "{told}");
            }
        }
    }

    /// The network's book is its statement. One that lacks a payment does not agree.
    async fn match_statements(&self) {
        for (lane, rail) in [("mtn-ug", "mtn-momo"), ("airtel-ug", "http")] {
            let book = self.network.book().await;
            let paid: Vec<&Value> = book.iter().filter(|e| e["rail"] == rail && e["state"] == "paid").collect();
            let line = |e: &&Value| {
                let text = |key: &str| e[key].as_str().unwrap_or_default().to_owned();
                [text("reference"), text("payout_id"), text("amount"), text("transaction_id")].join(",")
            };
            let mut lines = vec!["reference,payout_id,amount,transaction_id".to_owned()];
            lines.extend(paid.iter().map(line));
            let file = self.gaba.folder.file("statement.csv");
            let foreign = format!("{},,5000,T-9", uuid::Uuid::new_v4());
            std::fs::write(&file, [&lines[..lines.len() - 1], &[foreign]].concat().join("\n")).unwrap();
            let file = file.to_str().unwrap();
            let differs = self.gaba.run(&["quarantine", "match", lane, file]);
            assert_eq!(differs.status.code(), Some(1), "{}", said(&differs));
            let early = self.gaba.run(&["quarantine", "lift", "--note", "no statement yet"]);
            assert!(said(&early).contains("no statement of lane"), "{}", said(&early));
            std::fs::write(file, lines.join("\n")).unwrap();
            let agrees = self.json(&["quarantine", "match", lane, file]);
            assert_eq!((&agrees["agrees"], &agrees["lines"]), (&json!(true), &json!(paid.len())), "{agrees}");
        }
    }

    async fn lift(&self) {
        let lifted = self.json(&["quarantine", "lift", "--note", "statements of both lanes, drill"]);
        assert!(lifted["messages_withheld"].as_i64().unwrap() > 0, "{lifted}");
        assert_eq!(self.json(&["quarantine", "status"])["standing"], false);
    }

    /// Uploads, submits, approves; the id of the batch.
    async fn pay(&self, name: &str, csv: String, notify: &str) -> String {
        let batch = self.gaba.maker.submit_list(name, csv, &[("notify", notify)]).await;
        let (status, approved) = self.gaba.checker.approve(&batch).await;
        assert_eq!(status, 200, "{approved}");
        approved["id"].as_str().unwrap().to_owned()
    }

    async fn paid(&self, batch: &str) -> i64 {
        self.gaba.maker.get(&format!("/v1/batches/{batch}")).await.1["counts"]["paid"].as_i64().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.gaba.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn said(output: &std::process::Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Ordinary recipients, and some whose every attempt fails.
fn recipients() -> String {
    let mut csv = list(ROWS, 100_000);
    for n in 0..8 {
        csv.push_str(&format!("Expires {n},{}{n}000004,52{n}00,E{n}\n", ["25677", "25670"][n % 2]));
    }
    csv
}

/// Numbers that no other list pays.
fn others(rows: usize, first: usize, amount: u64) -> String {
    let mut csv = String::from("name,phone,amount,reference\n");
    for n in 0..rows {
        csv.push_str(&format!("Other {n},{}{:07},{amount},O{first}{n}\n", ["25677", "25670"][n % 2], first + n));
    }
    csv
}

fn failing() -> String {
    others(RETRIED, 3_000_100, 61_000)
}

fn forgotten() -> String {
    others(FORGOTTEN, 4_000_100, 47_000)
}
