//! The operator's page is true: each of its sections is played on a running system, command by command, in the order of the
//! page. What must be shown stands in the page itself, in comments that nobody sees.

use crate::support::{Api, Folder, Installation, Network, described, list, until};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// One step of a section.
enum Step {
    Run {
        script: String,
        expected: Vec<String>,
        /// The block must fail, and say this.
        failure: Option<String>,
    },
    /// Something happens that no command of the page does.
    Then(String),
}

/// The steps of the section with this title.
fn section(title: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATING.md");
    let page = std::fs::read_to_string(path).unwrap();
    let begin = page.find(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title:?}")) + 1;
    let text = &page[begin..];
    let end = text[3..].find("\n## ").map_or(text.len(), |at| at + 3);
    let (mut steps, mut block, mut skip) = (Vec::new(), None::<String>, false);
    for line in text[..end].lines() {
        let comment = |name: &str| line.strip_prefix(name)?.strip_suffix(" -->");
        match (&mut block, line) {
            (None, "```sh") => block = Some(String::new()),
            (Some(script), "```") => {
                let script = std::mem::take(script);
                block = None;
                if !std::mem::take(&mut skip) {
                    steps.push(Step::Run { script, expected: Vec::new(), failure: None });
                }
            }
            (Some(script), line) => *script += &format!("{line}\n"),
            (None, _) => {
                skip |= comment("<!-- not run: ").is_some();
                if let Some(what) = comment("<!-- then: ") {
                    steps.push(Step::Then(what.to_owned()));
                }
                if let (Some(text), Some(Step::Run { expected, .. })) = (comment("<!-- expect: "), steps.last_mut()) {
                    expected.push(text.to_owned());
                }
                if let (Some(text), Some(Step::Run { failure, .. })) =
                    (comment("<!-- expect failure: "), steps.last_mut())
                {
                    *failure = Some(text.to_owned());
                }
            }
        }
    }
    assert!(steps.iter().any(|s| matches!(s, Step::Run { .. })), "{title}: nothing to run");
    steps
}

/// A running system, and what the page calls things.
struct Scene {
    network: Network,
    gaba: Installation,
    finance: Api,
    names: Vec<(&'static str, String)>,
    _book: Folder,
}

impl Scene {
    async fn new(name: &str, edit: impl FnOnce(String) -> String) -> Scene {
        let book = Folder::new(&format!("{name}-book"));
        let network = Network::start(&book).await;
        let gaba = Installation::new(name, &network, "").await;
        let path = gaba.folder.file("gaba.toml");
        let toml = edit(std::fs::read_to_string(&path).unwrap());
        std::fs::write(&path, format!("ledger_check_every = \"200ms\"\n{toml}")).unwrap();
        gaba.fund("100000000", "bank-1");
        let created = gaba.run(&["key", "create", &gaba.organisation, "--role", "finance", "--json"]);
        let created: Value = serde_json::from_slice(&created.stdout).unwrap();
        let finance = Api::new(&gaba.url, created["key"].as_str().unwrap());
        let mut scene = Scene { network, gaba, finance, names: Vec::new(), _book: book };
        scene.gaba.serve().await;
        scene
    }

    fn name(&mut self, name: &'static str, value: impl Into<String>) {
        self.names.push((name, value.into()));
    }

    /// Uploads and approves a list; its id.
    async fn pay(&self, name: &str, csv: String) -> String {
        let batch = self.gaba.maker.submit_list(name, csv, &[]).await;
        let (status, approved) = self.gaba.checker.approve(&batch).await;
        assert_eq!(status, 200, "{approved}");
        approved["id"].as_str().unwrap().to_owned()
    }

    async fn exception(&self, kind: &str) -> Value {
        let path = format!("/v1/exceptions?state=open&kind={kind}");
        until(&format!("an exception: {kind}"), || async { self.gaba.maker.all(&path).await.into_iter().next() }).await
    }

    /// Plays a section; `then` does what no command of the page does.
    async fn play(&mut self, title: &str, mut then: impl AsyncFnMut(&mut Scene, &str)) {
        for step in section(title) {
            match step {
                Step::Then(what) => then(self, &what).await,
                Step::Run { script, expected, failure } => self.run(title, &script, &expected, failure.as_deref()),
            }
        }
    }

    fn run(&self, title: &str, script: &str, expected: &[String], failure: Option<&str>) {
        let programs = Path::new(crate::support::GABA).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("timeout");
        shell.args(["100", "bash", "-euo", "pipefail", "-c", script]).current_dir(self.gaba.folder.path());
        shell.env("PATH", path).env("TEST_SECRET", gaba::simulator::SECRET).env_remove("GABA_DATABASE_URL");
        shell.env("URL", &self.gaba.url).env("ORG", &self.gaba.organisation).env("FINANCE_KEY", &self.finance.key);
        shell.env("MAKER_KEY", &self.gaba.maker.key).env("CHECKER_KEY", &self.gaba.checker.key);
        shell.envs(self.names.iter().map(|(name, value)| (*name, value.as_str())));
        let output = shell.output().unwrap();
        let said = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
        let code = output.status.code();
        assert_eq!(code == Some(0), failure.is_none(), "{title}: exit {code:?}\n{script}\n{said}");
        for text in expected.iter().map(String::as_str).chain(failure) {
            assert!(said.contains(text), "{title}: {text:?} is missing\n{script}\n{said}");
        }
    }

    async fn database(&self, sql: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.gaba.folder.file("gaba.db"));
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

async fn nothing(_: &mut Scene, what: &str) {
    panic!("nobody knows what {what:?} is");
}

fn one(phone: &str) -> String {
    format!("name,phone,amount,reference\nAkello,{phone},50000,A\n")
}

#[test]
fn every_section_of_the_page_is_played() {
    let page = include_str!("../docs/OPERATING.md");
    let titles: Vec<&str> = page.lines().filter_map(|l| l.strip_prefix("## ")).collect();
    let played = include_str!("operating.rs");
    for title in &titles {
        assert!(played.contains(&format!("play(\"{title}\"")), "{title} is not played");
        assert!(
            *title == "First of all" || {
                let text = &page[page.find(&format!("## {title}")).unwrap()..];
                text[..text[3..].find("\n## ").map_or(text.len(), |at| at + 3)].contains("**Is money at risk? ")
            }
        );
    }
    assert_eq!(titles.len(), 10, "{titles:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_of_all() {
    let mut scene = Scene::new("operating-first", |toml| toml).await;
    scene.pay("payroll", list(3, 50_000)).await;
    scene.play("First of all", nothing).await;
    scene.play("The clock is wrong", nothing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_unknown() {
    let impatient = |toml: String| toml.replace("poll_after = ", "unknown_after = \"1s\"\npoll_after = ");
    let mut scene = Scene::new("operating-unknown", impatient).await;
    // Taken, never answered, and pending for ever.
    scene.network.control(json!({"http": {"timeout_after": 1}})).await;
    let batch = scene.pay("one", one("256702000005")).await;
    let exception = scene.exception("overdue").await;
    scene.name("BATCH", &batch);
    scene.name("PAYOUT", exception["payout_id"].as_str().unwrap());
    scene.name("EXCEPTION", exception["id"].as_str().unwrap());
    std::fs::write(scene.gaba.folder.file("answer-of-the-provider.pdf"), "it was not paid").unwrap();
    scene.play("A payout is unknown", nothing).await;
    let done = scene.gaba.maker.batch_in(&batch, &["completed"]).await;
    assert_eq!(done["counts"]["failed"], 1, "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_differ() {
    let mut scene = Scene::new("operating-books", |toml| toml).await;
    let batch = scene.pay("payroll", list(3, 50_000)).await;
    scene.gaba.maker.batch_in(&batch, &["completed"]).await;
    scene.database("UPDATE accounts SET balance = balance + 7 WHERE kind = 'wallet'").await;
    let metrics = format!("{}/metrics", scene.gaba.url);
    let client = scene.gaba.maker.client.clone();
    let shown = async || Some(described::send(client.get(&metrics)).await.text());
    let seen = until("the watch to see it", || async {
        shown().await.filter(|shown| shown.contains("gaba_ledger_differences 1"))
    })
    .await;
    let seen = checks(&seen);
    until("the watch to look again", || async { (checks(&shown().await?) >= seen + 2).then_some(()) }).await;
    let log = std::fs::read_to_string(scene.gaba.folder.file("serve.log")).unwrap();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("the books differ")).collect();
    assert_eq!(told.len(), 1, "told once: {told:?}");
    assert!(told[0].contains("ERROR") && told[0].contains("its transfers sum to"), "{told:?}");
    let repaired = async |scene: &mut Scene, _: &str| {
        scene.database("UPDATE accounts SET balance = balance - 7 WHERE kind = 'wallet'").await;
    };
    scene.play("The books differ", repaired).await;
    until("the watch to see that", || async {
        let shown = shown().await?;
        (shown.contains("gaba_ledger_differences 0") && shown.contains("gaba_quarantine 0")).then_some(())
    })
    .await;
    let log = std::fs::read_to_string(scene.gaba.folder.file("serve.log")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("the books agree again")).count(), 1);
}

/// How often the watch has looked, by the metrics.
fn checks(metrics: &str) -> u64 {
    let counted = metrics.lines().filter(|line| line.starts_with("gaba_ledger_checks_total{"));
    counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_telco_says_otherwise() {
    let never_asking = |toml: String| toml.replace("[\"60ms\", \"120ms\", \"250ms\"]", "[\"10m\"]");
    let mut scene = Scene::new("operating-telco", never_asking).await;
    // A receipt of another amount; the true one is an hour behind.
    scene.network.control(json!({"http": {"receipt_mismatch": 1, "receipt_late_ms": 3_600_000}})).await;
    let batch = scene.pay("one", one("256702345678")).await;
    let exception = scene.exception("mismatch").await;
    scene.name("EXCEPTION", exception["id"].as_str().unwrap());
    std::fs::write(scene.gaba.folder.file("statement.csv"), "reference,amount\n").unwrap();
    scene.play("The telco says otherwise", nothing).await;
    let done = scene.gaba.maker.batch_in(&batch, &["completed"]).await;
    assert_eq!(done["counts"]["paid"], 1, "{done}");
    let payouts = scene.gaba.maker.all(&format!("/v1/batches/{batch}/payouts")).await;
    assert_eq!((&payouts[0]["amount"], &payouts[0]["paid_amount"]), (&json!("50000"), &json!("49000")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_parked() {
    let user = "api_user = \"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"";
    // The one user that the network does not know.
    let unknown = "api_user = \"wrong\"";
    let wrong = |toml: String| toml.replacen(user, unknown, 1);
    let mut scene = Scene::new("operating-parked", wrong).await;
    let batch = scene.pay("payroll", list(2, 50_000)).await;
    let maker = scene.gaba.maker.clone();
    until("the lane to be parked", || async {
        let (_, lanes) = maker.get("/v1/lanes").await;
        lanes["items"].as_array()?.iter().any(|lane| lane["parked"].is_string()).then_some(())
    })
    .await;
    scene.name("BATCH", &batch);
    let mended = async |scene: &mut Scene, _: &str| {
        let path = scene.gaba.folder.file("gaba.toml");
        let toml = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, toml.replace(unknown, user)).unwrap();
        assert_eq!(scene.gaba.stop(), Some(0));
        scene.gaba.serve().await;
    };
    scene.play("A lane is parked", mended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full_and_a_process_will_not_start() {
    let mut scene = Scene::new("operating-start", |toml| toml).await;
    scene.play("The disk is full", nothing).await;
    scene.play("A process will not start", nothing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_was_restored() {
    let mut scene = Scene::new("operating-restore", |toml| toml).await;
    let kept = scene.pay("payroll", list(6, 50_000)).await;
    let backup = scene.gaba.run(&["backup", "backup.db"]);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    let bonus = "name,phone,amount,reference\nAtim,256772000777,40000,B1\nOpio,256702000778,40000,B2\n";
    std::fs::write(scene.gaba.folder.file("april-bonus.csv"), bonus).unwrap();
    let lost = scene.pay("april-bonus", bonus.to_owned()).await;
    for batch in [&kept, &lost] {
        scene.gaba.maker.batch_in(batch, &["completed"]).await;
    }
    let happens = async |scene: &mut Scene, what: &str| match what {
        "the machine is lost" => scene.gaba.kill(),
        "the server is started" => scene.gaba.serve().await,
        "it is submitted and approved" => {
            let maker = &scene.gaba.maker;
            let batches = maker.all("/v1/batches").await;
            let bonus = batches.iter().find(|b| b["name"] == "April bonus").expect("the upload");
            let id = bonus["id"].as_str().unwrap();
            maker.batch_in(id, &["ready"]).await;
            let (status, batch) = maker.post(&format!("/v1/batches/{id}/submit"), json!({})).await;
            assert_eq!(status, 200, "{batch}");
            let (status, approved) = scene.gaba.checker.approve(&batch).await;
            assert_eq!(status, 200, "{approved}");
            maker.batch_in(id, &["completed"]).await;
            scene.statements().await;
        }
        other => panic!("nobody knows what {other:?} is"),
    };
    scene.play("A backup was restored", happens).await;
    let book = scene.network.book().await;
    assert_eq!(book.iter().filter(|e| e["state"] == "paid").count(), 8, "nobody was paid twice");
    scene.gaba.maker.batch_in(&kept, &["completed"]).await;
}

impl Scene {
    /// The providers' statements, which are the network's book.
    async fn statements(&self) {
        let book = self.network.book().await;
        for (lane, rail) in [("mtn-ug", "mtn-momo"), ("airtel-ug", "http")] {
            let mut csv = String::from("reference,amount,status,transaction_id\n");
            for entry in book.iter().filter(|e| e["rail"] == rail) {
                let text = |key: &str| entry[key].as_str().unwrap_or_default();
                csv +=
                    &format!("{},{},{},{}\n", text("reference"), text("amount"), text("state"), text("transaction_id"));
            }
            std::fs::write(self.gaba.folder.file(&format!("statement-{lane}.csv")), csv).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_leaked() {
    let mut scene = Scene::new("operating-keys", |toml| toml).await;
    let leaked = scene.gaba.run(&["key", "create", &scene.gaba.organisation, "--role", "maker", "--json"]);
    let leaked: Value = serde_json::from_slice(&leaked.stdout).unwrap();
    scene.name("LEAKED_KEY", leaked["key"].as_str().unwrap());
    scene.name("LEAKED_KEY_ID", leaked["id"].as_str().unwrap());
    let batch = scene.pay("payroll", list(2, 50_000)).await;
    scene.gaba.maker.batch_in(&batch, &["completed"]).await;
    scene.play("Keys leaked", nothing).await;
}
