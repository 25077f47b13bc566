//! Where a fault is injected: a network with its book, an installation, and lists that are being paid. Nothing here minds
//! whether the server is alive just now.

use crate::support::judge::{self, Findings};
use crate::support::{Api, Folder, Installation, Network, PATIENCE, configuration, described, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// More than any trial pays.
const PLENTY: &str = "400000000000";
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub struct Stage {
    pub gaba: Installation,
    pub network: Network,
    /// The lists that are, or were, paid.
    pub lists: Vec<String>,
    /// Whether a row may end as a matter for people.
    pub people_may_be_asked: bool,
    told: bool,
    _book: Folder,
}

impl Stage {
    /// A network with these knobs and an installation before it; nothing runs yet. `lane` is added to each lane that pays.
    pub async fn set(name: &str, knobs: Value, lane: &str) -> Stage {
        Stage::before(name, knobs, |folder, port, network| configuration(folder, port, network, lane)).await
    }

    /// With a configuration of its own, written for the network's address.
    pub async fn before(name: &str, knobs: Value, write: impl FnOnce(&Folder, u16, &str) -> String) -> Stage {
        let stage = Stage::without_money(name, knobs, write).await;
        stage.gaba.fund(PLENTY, "opening");
        stage
    }

    /// On a good day, with an empty wallet.
    pub async fn poor(name: &str) -> Stage {
        Stage::without_money(name, json!({}), |folder, port, network| configuration(folder, port, network, "")).await
    }

    async fn without_money(name: &str, knobs: Value, write: impl FnOnce(&Folder, u16, &str) -> String) -> Stage {
        let book = Folder::new(&format!("{name}-book"));
        let network = Network::start(&book).await;
        network.control(knobs).await;
        // Half of it must be longer than any trial takes.
        let remember = |toml: String| toml.replace("idempotent_for = \"10m\"", "idempotent_for = \"72h\"");
        let gaba = Installation::configured(name, |folder, port| remember(write(folder, port, &network.url)));
        Stage { gaba, network, lists: Vec::new(), people_may_be_asked: false, told: false, _book: book }
    }

    /// Changes the text of the configuration; before the server is started.
    pub fn edit(&self, change: impl FnOnce(String) -> String) {
        let path = self.gaba.folder.file("gaba.toml");
        std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
    }

    /// Uploads a list of so many rows, submits and approves it, under the same keys until it is done.
    pub async fn pay(&mut self, rows: usize, notify: bool) -> String {
        let from = self.lists.len() as u64;
        let csv = crate::support::list(rows, 100_000 + from * 1_000);
        self.pay_list(csv, notify).await
    }

    pub async fn pay_list(&mut self, csv: String, notify: bool) -> String {
        let name = format!("list-{}", self.lists.len());
        let fields: &[(&str, &str)] = if notify { &[("notify", "true")] } else { &[] };
        self.told |= notify;
        let id = until("the upload to be taken", || async {
            let taken = upload(&self.gaba.maker, &name, &csv, fields).await?;
            Some(taken["id"].as_str()?.to_owned())
        })
        .await;
        self.gaba.maker.batch_in(&id, &["ready"]).await;
        let path = format!("/v1/batches/{id}");
        let digest = until("the list to be submitted", || async {
            let batch = peek(&self.gaba.maker, &path).await?;
            if batch["state"] == "ready" {
                post(&self.gaba.maker, &format!("submit-{id}"), &format!("{path}/submit"), &json!({})).await;
            }
            (batch["state"] == "awaiting_approval").then(|| batch["digest"].clone())
        })
        .await;
        until("the list to be approved", || async {
            let key = format!("approve-{id}");
            post(&self.gaba.checker, &key, &format!("{path}/approve"), &json!({"digest": digest})).await;
            let batch = peek(&self.gaba.maker, &path).await?;
            ["running", "completed"].contains(&batch["state"].as_str()?).then_some(())
        })
        .await;
        self.lists.push(id.clone());
        id
    }

    /// How the lists stand, unless all of them are closed.
    pub async fn standing(&self) -> Option<String> {
        let mut open = String::new();
        for id in &self.lists {
            match peek(&self.gaba.maker, &format!("/v1/batches/{id}")).await {
                Some(batch) if batch["state"] == "completed" => {}
                Some(batch) => open.push_str(&format!("{} {}; ", batch["state"], batch["counts"])),
                None => return Some("nobody answers".into()),
            }
        }
        (!open.is_empty()).then_some(open)
    }

    /// Waits until the server has ended by itself, or, which is false, until every list is closed.
    pub async fn died(&mut self) -> bool {
        let (mut closed_since, mut last, mut moved) = (None::<Instant>, None, Instant::now());
        loop {
            if !self.gaba.is_running() {
                return true;
            }
            let standing = self.standing().await;
            if standing.is_some() {
                closed_since = None;
            } else if closed_since.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(2) {
                return false;
            }
            if standing != last {
                (last, moved) = (standing, Instant::now());
            }
            assert!(moved.elapsed() < PATIENCE, "nothing moves any more: {last:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until every list is closed and everybody is told; not longer than [`PATIENCE`] without anything moving.
    pub async fn settle(&mut self) {
        let (mut last, mut moved) = (String::new(), Instant::now());
        while let Some(standing) = self.standing().await {
            if standing != last {
                (last, moved) = (standing, Instant::now());
            }
            assert!(moved.elapsed() < PATIENCE, "nothing moves any more: {last}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        if self.told {
            until("every message to be settled", || async {
                let messages = self.messages().await;
                let open = |m: &Value| ["queued", "sending", "submitted"].contains(&m["state"].as_str().unwrap());
                (!messages.iter().any(open)).then_some(())
            })
            .await;
        }
    }

    async fn messages(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for id in &self.lists {
            all.extend(self.gaba.maker.all(&format!("/v1/batches/{id}/messages")).await);
        }
        all
    }

    pub async fn payouts(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for id in &self.lists {
            all.extend(self.gaba.maker.all(&format!("/v1/batches/{id}/payouts")).await);
        }
        all
    }

    /// What the judge says, once everything is at rest: of the money and, where people were told, of the messages.
    pub async fn verdict(&self) -> Findings {
        let lists: Vec<&str> = self.lists.iter().map(String::as_str).collect();
        let mut found = judge::look(&self.gaba, &self.network, &lists).await;
        // Triggers and constraints are the second line of defence: the first one never led to them.
        let log = self.gaba.log();
        let refused = log.lines().find(|line| line.contains("the database refused it"));
        if let Some(refused) = refused.filter(|_| !self.people_may_be_asked) {
            found.off.push(format!("the database had to refuse something: {refused}"));
        }
        let exceptions = self.gaba.maker.all("/v1/exceptions?state=open").await;
        if let Some(one) = exceptions.first().filter(|_| !self.people_may_be_asked) {
            found.off.push(format!("{} matters were left to people, such as {one}", exceptions.len()));
        }
        if self.told {
            self.everybody_was_told(&mut found).await;
        }
        found
    }

    /// Everybody who was paid has one message. What the gateway delivered we know of, but where a crash or a timeout came
    /// between, which is never asked about and never sent again; what we call delivered it delivered.
    async fn everybody_was_told(&self, found: &mut Findings) {
        let messages = self.messages().await;
        let paid = self.payouts().await.iter().filter(|p| p["state"] == "paid").count();
        if messages.len() != paid {
            found.off.push(format!("{} messages about {paid} payments", messages.len()));
        }
        let book = self.network.book().await;
        let ends: std::collections::HashMap<&str, &str> = book
            .iter()
            .filter(|e| e["rail"] == "sms-http")
            .map(|e| (e["reference"].as_str().unwrap(), e["state"].as_str().unwrap()))
            .collect();
        for message in &messages {
            let theirs = ends.get(message["id"].as_str().unwrap()).copied();
            let agree = match message["state"].as_str().unwrap() {
                "delivered" => theirs == Some("delivered"),
                "undelivered" => theirs == Some("undelivered"),
                "rejected" => theirs == Some("rejected"),
                "unknown" => true,
                _ => false,
            };
            if !agree {
                found.off.push(format!("a message of which the gateway says {theirs:?}: {message}"));
                return;
            }
        }
    }

    /// Two people settle every matter that was left to them, as the network's own statement says. Gives how many there were.
    pub async fn people_decide(&self) -> usize {
        let created = self.gaba.run(&["key", "create", &self.gaba.organisation, "--role", "finance", "--json"]);
        let created: Value = serde_json::from_slice(&created.stdout).unwrap();
        let finance = Api::new(&self.gaba.url, created["key"].as_str().unwrap());
        let book = self.network.book().await;
        let open = self.gaba.maker.all("/v1/exceptions?state=open").await;
        for exception in &open {
            let paid = book.iter().any(|e| e["payout_id"] == exception["payout_id"] && e["state"] == "paid");
            let verdict = if paid { "paid" } else { "not_paid" };
            let path = format!("/v1/exceptions/{}/resolve", exception["id"].as_str().unwrap());
            for who in [&self.gaba.checker, &finance] {
                let said = json!({"verdict": verdict, "note": "as the provider's statement says"});
                let (status, answer) = who.post(&path, said).await;
                assert_eq!(status, 200, "{answer}");
            }
        }
        open.len()
    }

    /// How often a process of this installation said that it injected a fault.
    pub fn injected(&self) -> usize {
        self.gaba.log().matches("fault injected: ").count()
    }

    /// The value of one metric of the server.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let text = described::send(self.gaba.maker.client.get(format!("{}/metrics", self.gaba.url))).await.text();
        let fits = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        let values = text.lines().filter(fits).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>() as u64
    }
}

/// The SIGnal, by name, to the server.
pub fn signal(name: &str, process: u32) {
    let done = std::process::Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(done.success());
}

/// What a GET answers with success; whoever does not answer, or not now, is `None`.
pub async fn peek(api: &Api, path: &str) -> Option<Value> {
    let request = api.client.get(format!("{}{path}", api.url)).bearer_auth(&api.key);
    let answer = described::try_send(request).await.ok()?;
    answer.is_success().then(|| answer.json())
}

/// A POST under a key, whatever comes of it.
async fn post(api: &Api, key: &str, path: &str, body: &Value) {
    let request = api.client.post(format!("{}{path}", api.url)).bearer_auth(&api.key);
    drop(described::try_send(request.header("Idempotency-Key", key).json(body)).await);
}

async fn upload(api: &Api, name: &str, csv: &str, fields: &[(&str, &str)]) -> Option<Value> {
    let mut form = reqwest::multipart::Form::new().text("name", name.to_owned()).text("currency", "UGX");
    for (field, value) in [("kind", "payout")].iter().chain(fields) {
        form = form.text((*field).to_owned(), (*value).to_owned());
    }
    let file = reqwest::multipart::Part::bytes(csv.as_bytes().to_vec()).file_name("list.csv");
    let request = api.client.post(format!("{}/v1/batches", api.url)).bearer_auth(&api.key);
    let request = request.header("Idempotency-Key", name).multipart(form.part("file", file));
    let answer = described::try_send(request).await.ok()?;
    assert!(!(400..500).contains(&answer.status), "{}", answer.text());
    answer.is_success().then(|| answer.json())
}
