//! Real processes for the tests: the simulated money network, the server, the commands. Everything listens on loopback,
//! lives in a folder of its own and ends with the test.

#![allow(dead_code)]

pub mod chance;
pub mod described;
pub mod engine;
pub mod judge;
pub mod page;
pub mod proxy;
pub mod shrink;
pub mod walks;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub const GABA: &str = env!("CARGO_BIN_EXE_gaba");
/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A folder that goes away with the test; kept when it failed, so that one can look.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("gaba-test-{name}-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.0.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A process that is killed with the test.
pub struct Process(Child);

impl Process {
    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on, and that no other test of this process is given: it is bound only after a while. Below
/// those that the system gives to connections.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    const PORTS: std::ops::Range<u32> = 12_000..32_000;
    let begin = std::process::id().wrapping_mul(101);
    loop {
        let n = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = (PORTS.start + n % PORTS.len() as u32) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Asks until the answer is there; fails the test with `what` when it never comes.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The simulated money network as a process of its own.
pub struct Network {
    process: Process,
    pub url: String,
    http: reqwest::Client,
}

impl Network {
    pub async fn start(folder: &Folder) -> Network {
        Network::start_with(&["--book", folder.file("book.jsonl").to_str().unwrap()])
    }

    pub fn start_with(arguments: &[&str]) -> Network {
        let mut child = Command::new(GABA)
            .args(["simulate", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the address").to_owned();
        Network { process: Process(child), url, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Sets knobs: `{"mtn-momo": {"error_after": 0.05}}`.
    pub async fn control(&self, knobs: Value) {
        let answer = self.http.put(format!("{}/_control", self.url)).json(&knobs).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap());
    }

    /// Counts of the network: `rails`, `calls`, `receipts`.
    pub async fn summary(&self) -> Value {
        let answer = self.http.get(format!("{}/_book/summary", self.url)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Everything the network ever saw, as it stands now.
    pub async fn book(&self) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let request = self.http.get(format!("{}/_book?limit=5000{cursor}", self.url));
            let page: Value = request.send().await.unwrap().json().await.unwrap();
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

/// An installation: configuration, database, keys, and the server when it runs.
pub struct Installation {
    pub folder: Folder,
    pub url: String,
    pub organisation: String,
    pub maker: Api,
    pub checker: Api,
    pub operator: Api,
    server: Option<Process>,
}

impl Installation {
    /// Sets up an organisation over the network's lanes, without starting the server. `lane` is added to every lane.
    pub async fn new(name: &str, network: &Network, lane: &str) -> Installation {
        Installation::configured(name, |folder, port| configuration(folder, port, &network.url, lane))
    }

    /// The same with a configuration of its own.
    pub fn configured(name: &str, configuration: impl FnOnce(&Folder, u16) -> String) -> Installation {
        let (folder, port) = (Folder::new(name), free_port());
        std::fs::write(folder.file("gaba.toml"), configuration(&folder, port)).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let organisation = run_json(&folder, &["org", "create", "Kampala Relief", "--currency", "UGX"]);
        let organisation = organisation["id"].as_str().unwrap().to_owned();
        let key = |role: &str| {
            let created = run_json(&folder, &["key", "create", &organisation, "--role", role]);
            Api::new(&url, created["key"].as_str().unwrap())
        };
        let (maker, checker, operator) = (key("maker"), key("checker"), key("operator"));
        Installation { url, organisation, maker, checker, operator, server: None, folder }
    }

    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        command(&self.folder, arguments).output().unwrap()
    }

    pub fn fund(&self, amount: &str, reference: &str) {
        let output = self.run(&["fund", &self.organisation, amount, "--reference", reference]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts the server and waits until it is ready.
    pub async fn serve(&mut self) {
        self.start(&[]);
        self.ready().await;
    }

    /// Starts the server with more in its environment, and waits for nothing.
    pub fn start(&mut self, environment: &[(&str, &str)]) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.file("serve.log")).unwrap();
        let mut serve = command(&self.folder, &["serve"]);
        serve.envs(environment.iter().copied()).stderr(log).stdout(Stdio::null());
        self.server = Some(Process(serve.spawn().unwrap()));
    }

    /// Waits until the server is ready.
    pub async fn ready(&mut self) {
        let server = self.server.as_mut().expect("a server that was started");
        let client = self.maker.client.clone();
        let ready = format!("{}/readyz", self.url);
        until("the server to be ready", || {
            assert!(server.is_running(), "the server ended: see {}", self.folder.file("serve.log").display());
            let request = client.get(&ready).send();
            async { request.await.ok().filter(|r| r.status().is_success()) }
        })
        .await;
    }

    /// Whether the server's process lives.
    pub fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(Process::is_running)
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.folder.file("serve.log")).unwrap_or_default()).into_owned()
    }

    /// The server's process.
    pub fn server_id(&self) -> u32 {
        self.server.as_ref().expect("a running server").id()
    }

    /// `kill -9` of the server.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    /// SIGTERM; waits for the end and gives the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut server = self.server.take().unwrap();
        let done = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
        assert!(done.success());
        server.wait().code()
    }
}

/// A file that is uploaded: of `fixtures/uploads`, or a spreadsheet of the folder where `make office` has just made them.
pub fn fixture(name: &str) -> PathBuf {
    let made = name.strip_prefix("sheets").zip(std::env::var_os("GABA_SHEETS"));
    match made {
        Some((sheet, folder)) => Path::new(&folder).join(sheet.trim_start_matches('/')),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/uploads").join(name),
    }
}

pub fn command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(GABA);
    command
        .arg("--config")
        .arg(folder.file("gaba.toml"))
        .args(arguments)
        .env("TEST_SECRET", gaba::simulator::SECRET)
        .env_remove("GABA_DATABASE_URL")
        .current_dir(folder.path());
    command
}

fn run_json(folder: &Folder, arguments: &[&str]) -> Value {
    let output = command(folder, arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Lanes over the simulated network with times of milliseconds.
pub fn configuration(folder: &Folder, port: u16, network: &str, lane: &str) -> String {
    let (data, database) = (folder.path().display(), engine::ENGINE.url(folder.path()));
    let common = format!(
        "currency = \"UGX\"\ncountry = \"UG\"\nidempotent_for = \"10m\"\nresend_after = \"400ms\"\n\
         poll_after = [\"60ms\", \"120ms\", \"250ms\"]\nquery_rate_per_second = 2000\nbackoff_min = \"20ms\"\n\
         backoff_max = \"200ms\"\nlease = \"1500ms\"\nrequest_timeout = \"400ms\"\n{lane}\n"
    );
    format!(
        "database_url = \"{database}\"\ndata_dir = \"{data}\"\nbind = \"127.0.0.1:{port}\"\n\n\
         [[lanes]]\nname = \"mtn-ug\"\nrail = \"mtn-momo\"\nbase_url = \"{network}/mtn-momo\"\n\
         prefixes = [\"25676\", \"25677\", \"25678\"]\ntarget_environment = \"mtnuganda\"\n\
         api_user = \"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"\napi_key_env = \"TEST_SECRET\"\n\
         subscription_key_env = \"TEST_SECRET\"\n{common}\n\
         [[lanes]]\nname = \"airtel-ug\"\nrail = \"http\"\nbase_url = \"{network}/http\"\n\
         prefixes = [\"25670\", \"25674\", \"25675\"]\nsecret_env = \"TEST_SECRET\"\n{common}\n\
         [[lanes]]\nname = \"blasta\"\nrail = \"sms-http\"\nbase_url = \"{network}/sms-http\"\n\
         sender = \"GABA\"\nsecret_env = \"TEST_SECRET\"\nlease = \"1500ms\"\nrequest_timeout = \"400ms\"\nbackoff_min = \"20ms\"\n\
         backoff_max = \"200ms\"\nreceipt_deadline = \"10m\"\n"
    )
}

/// A client with one key.
#[derive(Clone)]
pub struct Api {
    pub client: reqwest::Client,
    pub url: String,
    pub key: String,
}

impl Api {
    pub fn new(url: &str, key: &str) -> Api {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Api { client, url: url.to_owned(), key: key.to_owned() }
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.key)).await
    }

    /// A POST under an Idempotency-Key.
    pub async fn post_as(&self, key: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.key);
        answer(request.header("Idempotency-Key", key).json(&body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.post_as(&uuid::Uuid::new_v4().to_string(), path, body).await
    }

    /// Uploads a list; `fields` beside name, currency and file.
    pub async fn upload_as(&self, key: &str, name: &str, file: Vec<u8>, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut form = reqwest::multipart::Form::new().text("name", name.to_owned()).text("currency", "UGX");
        for (field, value) in [("kind", "payout")].iter().chain(fields) {
            form = form.text((*field).to_owned(), (*value).to_owned());
        }
        form = form.part("file", reqwest::multipart::Part::bytes(file).file_name("list.csv"));
        let request = self.client.post(format!("{}/v1/batches", self.url)).bearer_auth(&self.key);
        answer(request.header("Idempotency-Key", key).multipart(form)).await
    }

    /// Uploads a list, waits until it is read, submits it. Gives the batch.
    pub async fn submit_list(&self, name: &str, csv: String, fields: &[(&str, &str)]) -> Value {
        let (status, batch) = self.upload_as(name, name, csv.into_bytes(), fields).await;
        assert_eq!(status, 202, "{batch}");
        let ready = self.batch_in(batch["id"].as_str().unwrap(), &["ready", "import_failed"]).await;
        assert_eq!(ready["state"], "ready", "{ready}");
        let path = format!("/v1/batches/{}/submit", ready["id"].as_str().unwrap());
        let (status, submitted) = self.post(&path, json!({"exclude_invalid": false})).await;
        assert_eq!(status, 200, "{submitted}");
        submitted
    }

    pub async fn approve(&self, batch: &Value) -> (u16, Value) {
        let path = format!("/v1/batches/{}/approve", batch["id"].as_str().unwrap());
        self.post(&path, json!({"digest": batch["digest"]})).await
    }

    /// Waits until a batch is in one of `states`.
    pub async fn batch_in(&self, id: &str, states: &[&str]) -> Value {
        until(&format!("batch {id} in {states:?}"), || async {
            let request = self.client.get(format!("{}/v1/batches/{id}", self.url)).bearer_auth(&self.key);
            // The server may be dead just now: tests kill it.
            let batch = described::try_send(request).await.ok()?.json();
            states.contains(&batch["state"].as_str()?).then_some(batch)
        })
        .await
    }

    /// All items of a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let next = cursor.map(|c| format!("&cursor={c}")).unwrap_or_default();
            let (status, page) = self.get(&format!("{path}{separator}limit=500{next}")).await;
            assert_eq!(status, 200, "{page}");
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return items,
            }
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = described::send(request).await;
    (answer.status, answer.json())
}

/// A list of `rows` recipients, MTN and Airtel in turn, none with a number that the network treats specially.
pub fn list(rows: usize, amount: u64) -> String {
    let mut csv = String::from("name,phone,amount,reference\n");
    for n in 0..rows {
        let prefix = if n % 2 == 0 { "25677" } else { "25670" };
        csv.push_str(&format!("Recipient {n},{prefix}{:07},{},R{n}\n", 1_000_100 + n, amount + (n as u64 % 100) * 10));
    }
    csv
}
