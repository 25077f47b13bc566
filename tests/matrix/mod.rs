//! The matrix of bad input: one table, a line per case, through a real server and real uploads. Every line names what
//! becomes of the list, and the page for those who make lists, `docs/IMPORT.md`, is written from it.
//!
//! `GABA_BLESS=1 cargo test --test all -- matrix::` writes the page anew.

mod again;
mod amount;
mod api;
mod encoding;
mod meaning;
mod page;
mod phone;
mod reports;
mod shape;
mod sheets;

use crate::support::{Api, Folder, Installation, Network, configuration, described, fixture};
use futures::StreamExt;
use serde_json::{Value, json};

/// Uploads under way at a time.
const AT_ONCE: usize = 8;
/// Letters of what says both what is wrong and what to do.
const MESSAGE_MIN: usize = 20;

pub struct Case {
    pub group: &'static str,
    pub name: &'static str,
    pub upload: Upload,
    pub becomes: Becomes,
}

pub enum Upload {
    /// Bytes, and the name of the file.
    Text(Vec<u8>, &'static str),
    /// The same with fields of the form.
    With(Vec<u8>, &'static str, Fields),
    /// Path under `fixtures/uploads`.
    Fixture(&'static str),
    /// A text with fields of the form, after another list.
    After(Earlier, &'static str, Fields),
}

type Fields = &'static [(&'static str, &'static str)];

/// A list that was there before.
pub struct Earlier {
    pub text: &'static str,
    pub fields: Fields,
    /// Approved and run to its end, or left open.
    pub done: bool,
}

/// When an earlier list was uploaded, as the page says it.
const EARLIER_DAY: &str = "2026-03-31";

#[derive(Debug)]
pub enum Becomes {
    /// All rows are payable, nothing is said of any, and all are paid.
    Paid { rows: u32 },
    /// The last row is payable, nothing is said of the list, and the row reads as this: number, amount, name.
    Reads(&'static str),
    /// The rows are payable, with a warning of this code.
    Warned(&'static str),
    /// The same, and the last row reads as this.
    WarnedReads(&'static str, &'static str),
    /// A row is refused with this code.
    Refused(&'static str),
    /// The file is no list: part of what `failure` says.
    Unreadable(&'static str),
    /// The upload itself is refused, with status and code.
    NotTaken(u16, &'static str),
}

/// What a case turned out to be, for the page.
pub struct Outcome {
    pub case: Case,
    pub told: Told,
}

/// What the uploader reads, where there is something to read.
#[derive(Default)]
pub struct Told {
    pub message: String,
    /// Where in the file it is, by row and column; nothing of the file as a whole.
    pub place: String,
}

impl Told {
    fn of_file(message: &Value) -> Told {
        Told { message: said(message).to_owned(), place: String::new() }
    }

    fn of(issue: &Value) -> Told {
        let column = issue["column"].as_str().map(|column| format!(", {column}")).unwrap_or_default();
        Told { place: format!("row {}{column}", issue["row"]), ..Told::of_file(&issue["message"]) }
    }
}

fn cases() -> Vec<Case> {
    [
        encoding::cases(),
        shape::cases(),
        amount::cases(),
        phone::cases(),
        sheets::cases(),
        meaning::cases(),
        again::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One server for all lines that are not compared with each other, and one for those that are.
pub struct Ground {
    pub gaba: Installation,
    _network: Network,
    _folder: Folder,
}

impl Ground {
    /// Lists are not compared with each other: the same people stand in many.
    async fn start(name: &str) -> Ground {
        Ground::with(name, "duplicate_window = \"0s\"\n").await
    }

    async fn with(name: &str, settings: &str) -> Ground {
        let folder = Folder::new(&format!("{name}-book"));
        let network = Network::start(&folder).await;
        let mut gaba = Installation::configured(name, |folder, port| {
            settings.to_owned() + &lanes(configuration(folder, port, &network.url, ""))
        });
        gaba.fund("100000000000", "opening");
        gaba.serve().await;
        Ground { gaba, _network: network, _folder: folder }
    }
}

/// Limits on one lane, all of MTN's numbers, and a lane in a currency with cents.
fn lanes(toml: String) -> String {
    let shilling = "currency = \"UGX\"";
    let limited = format!("{shilling}\namount_min = \"500\"\namount_max = \"5000000\"");
    let at = toml.find("name = \"airtel-ug\"").unwrap();
    let (mtn, rest) = toml.split_at(at);
    let mtn = mtn.replace("\"25678\"]", "\"25678\", \"25639\"]");
    let kenya = "[[lanes]]\nname = \"ke\"\nrail = \"http\"\nbase_url = \"http://127.0.0.1:9\"\ncountry = \"KE\"\n\
                 currency = \"KES\"\nprefixes = [\"254\"]\nsecret_env = \"TEST_SECRET\"\n";
    format!("{mtn}{}\n{kenya}", rest.replacen(shilling, &limited, 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_matrix_ends_as_its_line_says() {
    let (ground, comparing) = (Ground::start("matrix").await, Ground::with("matrix-again", "").await);
    let mut outcomes: Vec<(usize, Outcome)> = futures::stream::iter(cases().into_iter().enumerate())
        .map(|(at, case)| {
            let ground = if matches!(case.upload, Upload::After(..)) { &comparing } else { &ground };
            async move { (at, run(ground, case).await) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    outcomes.sort_by_key(|(at, _)| *at);
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    page::is_current(&outcomes);
}

async fn run(ground: &Ground, case: Case) -> Outcome {
    let maker = &ground.gaba.maker;
    let earlier = match &case.upload {
        Upload::After(earlier, ..) => Some(before(ground, earlier).await),
        _ => None,
    };
    let (status, uploaded) = send(maker, &case.upload).await;
    if let Becomes::NotTaken(refused, code) = case.becomes {
        assert_eq!((status, said(&uploaded["errors"][0]["code"])), (refused, code), "{}: {uploaded}", case.name);
        return Outcome { case, told: Told::of_file(&uploaded["detail"]) };
    }
    assert_eq!(status, 202, "{}: {uploaded}", case.name);
    let batch = maker.batch_in(said(&uploaded["id"]), &["ready", "import_failed"]).await;
    let path = format!("/v1/batches/{}", said(&batch["id"]));
    let issues = maker.all(&format!("{path}/issues")).await;
    let what = format!("{} ({:?}): {batch} {issues:#?}", case.name, case.becomes);
    let find = |code: &str, severity: &str| {
        let found = issues.iter().find(|issue| issue["code"] == code && issue["severity"] == severity);
        found.map(Told::of).unwrap_or_else(|| panic!("{what}"))
    };
    if !matches!(case.becomes, Becomes::Unreadable(_)) {
        assert_eq!(batch["state"], "ready", "{what}");
    }
    let mut told = Told::default();
    match &case.becomes {
        Becomes::Paid { rows } => {
            assert!(issues.is_empty(), "{what}");
            assert_eq!((&batch["counts"]["rows"], &batch["counts"]["valid"]), (&json!(rows), &json!(rows)), "{what}");
            pay(ground, &path).await;
        }
        Becomes::Reads(expected) => {
            assert!(issues.is_empty(), "{what}");
            assert_eq!(last_row(maker, &path).await, *expected, "{what}");
        }
        Becomes::Warned(code) | Becomes::WarnedReads(code, _) => {
            told = find(code, "warning");
            assert!(issues.iter().all(|i| i["severity"] == "warning"), "{what}");
            assert!(batch["counts"]["valid"].as_i64() > Some(0) && batch["counts"]["invalid"] == 0, "{what}");
            if let Becomes::WarnedReads(_, expected) = &case.becomes {
                assert_eq!(last_row(maker, &path).await, *expected, "{what}");
            }
        }
        Becomes::Refused(code) => told = find(code, "error"),
        Becomes::Unreadable(part) => {
            assert_eq!(batch["state"], "import_failed", "{what}");
            told = Told::of_file(&batch["failure"]);
            assert!(told.message.contains(part), "{what}");
        }
        Becomes::NotTaken(..) => unreachable!("its upload was refused"),
    }
    if let Some(earlier) = earlier {
        told.message = told.message.replace(&said(&earlier["created_at"])[..EARLIER_DAY.len()], EARLIER_DAY);
    }
    // Whatever else is said says what to do, of a row that is there, and of a cell in which column it stands; a row that is
    // left out is quoted as a whole. The page has the row and the column of each case.
    for issue in &issues {
        assert!(issue["row"].as_u64() >= Some(1) && said(&issue["message"]).len() > MESSAGE_MIN, "{what}");
        let of_no_cell = issue["value"].is_null() || issue["code"] == "signature_left_out";
        assert!(of_no_cell || issue["column"].is_string(), "{what}");
    }
    assert!(told.message.is_empty() || told.message.len() > MESSAGE_MIN, "{what}");
    Outcome { case, told }
}

/// The list that is there before the one of the line.
async fn before(ground: &Ground, earlier: &Earlier) -> Value {
    let maker = &ground.gaba.maker;
    let key = uuid::Uuid::new_v4().to_string();
    let (status, uploaded) = upload(maker, &key, "march.csv", earlier.text.into(), earlier.fields).await;
    assert_eq!(status, 202, "{uploaded}");
    let batch = maker.batch_in(said(&uploaded["id"]), &["ready"]).await;
    if earlier.done { finish(ground, &format!("/v1/batches/{}", said(&batch["id"]))).await } else { batch }
}

async fn send(maker: &Api, what: &Upload) -> (u16, Value) {
    let key = uuid::Uuid::new_v4().to_string();
    let (bytes, name, fields) = match what {
        Upload::Text(bytes, name) => (bytes.clone(), (*name).to_owned(), &[][..]),
        Upload::With(bytes, name, fields) => (bytes.clone(), (*name).to_owned(), *fields),
        Upload::After(_, text, fields) => (text.as_bytes().to_vec(), "list.csv".to_owned(), *fields),
        Upload::Fixture(path) => {
            let file = fixture(path);
            (std::fs::read(&file).unwrap(), file.file_name().unwrap().to_string_lossy().into_owned(), &[][..])
        }
    };
    upload(maker, &key, &name, bytes, fields).await
}

/// An upload of a list in UGX, where `fields` do not say otherwise.
async fn upload(api: &Api, key: &str, file: &str, bytes: Vec<u8>, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut form = reqwest::multipart::Form::new();
    for (field, value) in [("name", file), ("kind", "payout"), ("currency", "UGX")] {
        if !fields.iter().any(|(given, _)| *given == field) {
            form = form.text(field.to_owned(), value.to_owned());
        }
    }
    for (field, value) in fields {
        form = form.text((*field).to_owned(), (*value).to_owned());
    }
    form = form.part("file", reqwest::multipart::Part::bytes(bytes).file_name(file.to_owned()));
    let request = api.client.post(format!("{}/v1/batches", api.url)).bearer_auth(&api.key);
    answer(request.header("Idempotency-Key", key).multipart(form)).await
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = described::send(request).await;
    (answer.status, answer.json())
}

/// Has everybody paid.
async fn pay(ground: &Ground, path: &str) {
    let done = finish(ground, path).await;
    assert_eq!(done["counts"]["paid"], done["counts"]["rows"], "{done}");
}

/// Submits, has it approved, and waits until it is over.
async fn finish(ground: &Ground, path: &str) -> Value {
    let (status, submitted) = ground.gaba.maker.post(&format!("{path}/submit"), json!({})).await;
    assert_eq!(status, 200, "{submitted}");
    let (status, approved) = ground.gaba.checker.approve(&submitted).await;
    assert_eq!(status, 200, "{approved}");
    ground.gaba.maker.batch_in(said(&submitted["id"]), &["completed"]).await
}

/// Number, amount and name of the last payable row.
async fn last_row(maker: &Api, path: &str) -> String {
    let payouts = maker.all(&format!("{path}/payouts")).await;
    let last = payouts.last().expect("a payable row");
    [&last["msisdn"], &last["amount"], &last["name"]].map(said).join(" ").trim_end().to_owned()
}

fn said(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
