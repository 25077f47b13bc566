//! The API and the command from the outside, one file per noun: a real server process, a real database file, real HTTP
//! to the simulated network.

mod approval;
mod batches;
mod bulk_sms;
mod cli;
mod corrections;
mod demo;
mod errors;
mod events;
mod exceptions;
mod forged;
mod hostile;
mod lists;
mod messages;
mod openapi;
mod payouts;
mod receipts;
mod repetitions;
mod reports;
mod sheets;
mod siege;
mod statement;
mod tenancy;
mod wallets;

use crate::support::described::send;
use crate::support::{Api, Folder, Installation, Network, fixture};
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;

/// More than any list of these tests pays.
const PLENTY: &str = "1000000000";

/// A network, an installation with money in its wallet, and its server.
struct World {
    gaba: Installation,
    network: Network,
    _folder: Folder,
}

impl World {
    async fn start(name: &str) -> World {
        World::configured(name, |toml| toml).await
    }

    /// With the text of the configuration changed before anything starts.
    async fn configured(name: &str, edit: impl FnOnce(String) -> String) -> World {
        let mut world = World::stopped(name, edit).await;
        world.gaba.fund(PLENTY, "opening");
        world.gaba.serve().await;
        world
    }

    /// Without money and without a server.
    async fn stopped(name: &str, edit: impl FnOnce(String) -> String) -> World {
        let folder = Folder::new(&format!("{name}-book"));
        let network = Network::start(&folder).await;
        let gaba = Installation::new(name, &network, "").await;
        let path = gaba.folder.file("gaba.toml");
        std::fs::write(&path, edit(std::fs::read_to_string(&path).unwrap())).unwrap();
        World { gaba, network, _folder: folder }
    }

    /// Uploads, submits and approves a list; gives the batch as approved.
    async fn pay(&self, name: &str, csv: String, fields: &[(&str, &str)]) -> Value {
        let batch = self.gaba.maker.submit_list(name, csv, fields).await;
        let (status, approved) = self.gaba.checker.approve(&batch).await;
        assert_eq!(status, 200, "{approved}");
        approved
    }

    /// The same, and waits until everybody is paid or not.
    async fn settle(&self, name: &str, csv: String, fields: &[(&str, &str)]) -> Value {
        let batch = self.pay(name, csv, fields).await;
        self.gaba.maker.batch_in(id(&batch), &["completed"]).await
    }

    /// A key of one more role.
    fn key(&self, arguments: &[&str]) -> Api {
        let created = self.json(&[&["key", "create", &self.gaba.organisation], arguments].concat());
        Api::new(&self.gaba.url, created["key"].as_str().unwrap())
    }

    /// A second organisation with its maker and its checker.
    fn other_organisation(&self) -> (String, Api, Api) {
        let created = self.json(&["org", "create", "Gulu Cooperative", "--currency", "UGX"]);
        let organisation = created["id"].as_str().unwrap().to_owned();
        let key = |role| {
            let created = self.json(&["key", "create", &organisation, "--role", role]);
            Api::new(&self.gaba.url, created["key"].as_str().unwrap())
        };
        (organisation.clone(), key("maker"), key("checker"))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.gaba.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The database file, opened beside the server or instead of it.
    async fn database(&self) -> sqlx::SqlitePool {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.gaba.folder.file("gaba.db"));
        sqlx::SqlitePool::connect_with(options).await.unwrap()
    }

    /// Payments in the network's own book.
    async fn paid_by_network(&self) -> usize {
        self.network.book().await.iter().filter(|e| e["rail"] != "sms-http" && e["state"] == "paid").count()
    }

    async fn wallet(&self) -> (i64, i64) {
        let (status, wallets) = self.gaba.maker.get("/v1/wallets").await;
        assert_eq!(status, 200, "{wallets}");
        (number(&wallets["items"][0]["available"]), number(&wallets["items"][0]["held"]))
    }

    fn books_balance(&self) {
        let check = self.gaba.run(&["ledger", "check"]);
        assert!(check.status.success(), "{}{}", stdout(&check), stderr(&check));
    }
}

/// An answer with its headers.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    /// A problem of RFC 9457 with this status and code.
    fn is_problem(&self, status: u16, code: &str) {
        let Reply { body, headers, .. } = self;
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(headers["content-type"], "application/problem+json", "{body}");
        assert_eq!(body["status"], status, "{body}");
        let told = body["request_id"].as_str().expect("a request_id");
        assert_eq!(headers["x-request-id"], told, "{body}");
        assert!(!body["detail"].as_str().unwrap().is_empty(), "{body}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }

    fn pointer(&self) -> &str {
        self.body["errors"][0]["pointer"].as_str().unwrap_or_default()
    }
}

async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let answer = send(request).await;
    Reply { status: answer.status, body: answer.json(), headers: answer.headers }
}

/// A request with the caller's key.
fn request(api: &Api, method: &str, path: &str) -> reqwest::RequestBuilder {
    let method = method.parse().unwrap();
    api.client.request(method, format!("{}{path}", api.url)).bearer_auth(&api.key)
}

/// The form of an upload: name, kind and currency where `fields` does not say otherwise, and the file.
fn form(file: impl Into<Vec<u8>>, file_name: &str, fields: &[(&str, &str)]) -> Form {
    let mut form = Form::new();
    for (field, value) in [("name", "A list"), ("kind", "payout"), ("currency", "UGX")] {
        if !fields.iter().any(|(f, _)| *f == field) {
            form = form.text(field, value);
        }
    }
    for (field, value) in fields {
        form = form.text((*field).to_owned(), (*value).to_owned());
    }
    form.part("file", Part::bytes(file.into()).file_name(file_name.to_owned()))
}

async fn upload(api: &Api, key: &str, form: Form) -> Reply {
    reply(request(api, "POST", "/v1/batches").header("Idempotency-Key", key).multipart(form)).await
}

/// A command on a batch: `submit`, `pause`, ….
async fn command(api: &Api, batch: &Value, command: &str, body: Value) -> Reply {
    let request = request(api, "POST", &format!("/v1/batches/{}/{command}", id(batch)));
    reply(request.header("Idempotency-Key", fresh()).json(&body)).await
}

async fn approval(api: &Api, key: &str, batch: &Value) -> Reply {
    let request = request(api, "POST", &format!("/v1/batches/{}/approve", id(batch)));
    reply(request.header("Idempotency-Key", key).json(&json!({"digest": batch["digest"]}))).await
}

fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// A decimal string of whole shillings.
fn number(value: &Value) -> i64 {
    value.as_str().unwrap_or_else(|| panic!("{value} is no decimal string")).parse().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
