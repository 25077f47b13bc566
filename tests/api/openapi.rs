//! The description of the API is true: every operation in it is served, nothing else is, and its examples work in their
//! order. That every answer is as described is checked wherever a test gets one (`tests/support/described.rs`).

use super::*;
use crate::support::described::hold;
use crate::support::until;
use reqwest::multipart;
use serde_json::Map;
use std::collections::{BTreeSet, HashMap};

pub(super) fn document() -> &'static Value {
    gaba::http::openapi::document()
}

/// `(path, method, operation)` of every operation.
pub(super) fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn operation(id: &Value) -> (&'static str, &'static str, &'static Value) {
    operations()
        .find(|(_, _, operation)| operation["operationId"] == *id)
        .unwrap_or_else(|| panic!("no operation {id}"))
}

#[tokio::test]
async fn the_document_is_served_printed_and_shown() {
    let mut world = World::stopped("openapi", |toml| toml).await;
    let printed = world.gaba.run(&["openapi"]);
    assert_eq!(&serde_json::from_slice::<Value>(&printed.stdout).unwrap(), document());
    world.gaba.serve().await;
    let (client, url) = (&world.gaba.maker.client, &world.gaba.url);
    assert_eq!(&send(client.get(format!("{url}/openapi.json"))).await.json(), document());
    let page = send(client.get(format!("{url}/docs"))).await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(
        text.contains("openapi.json") && !text.contains("http://") && !text.contains("https://"),
        "nothing from elsewhere"
    );
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn what_is_described_is_served() {
    let mut world = World::stopped("described", |toml| toml).await;
    world.gaba.serve().await;
    assert!(operations().count() > 25);
    for (path, method, operation) in operations() {
        let path =
            path.replace("{id}", &fresh()).replace("{row}", "2").replace("{lane}", "mtn-ug").replace("{token}", "x");
        // Without a key: whoever asks for one is there. Hooks and health ask for none.
        let method = method.to_uppercase();
        let request = world.gaba.maker.client.request(method.parse().unwrap(), format!("{}{path}", world.gaba.url));
        let answer = send(request).await;
        if operation["security"].is_array() {
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        } else {
            assert_ne!(answer.status, 405, "{method} {path}");
            assert_ne!(answer.json()["detail"], "there is no such address", "{method} {path}");
        }
    }
}

/// A route that is not registered through `routes!` would be served and not described.
#[test]
fn what_is_served_is_described() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                for hidden in [".route(", ".route_service(", ".nest_service(", ".nest("] {
                    assert!(!source.contains(hidden), "{} registers a route with {hidden}", path.display());
                }
            }
        }
    }
}

#[test]
fn every_operation_has_an_example_and_every_example_is_as_described() {
    let steps = document()["x-walk-through"].as_array().unwrap();
    let shown: BTreeSet<&str> = steps.iter().map(|step| step["operation"].as_str().unwrap()).collect();
    for (path, method, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(shown.contains(id) || id.contains("receipt"), "{method} {path} has no example");
    }
    for step in steps {
        let (_, _, operation) = operation(&step["operation"]);
        let name = step["example"].as_str().unwrap();
        let response = operation["responses"].get(step["status"].to_string()).expect("a described status");
        for (media_type, content) in response["content"].as_object().unwrap() {
            if let (true, Some(example)) = (media_type.ends_with("json"), content["examples"].get(name)) {
                let what = format!("the example {name} of {}", step["operation"]);
                hold(
                    &format!("{} {media_type} {}", step["operation"], step["status"]),
                    &content["schema"],
                    &example["value"],
                    &what,
                );
            }
        }
    }
}

/// Sends every example in its order, each id of the document replaced by the one that the server gave in its place.
#[tokio::test]
async fn the_examples_work() {
    let mut world = World::stopped("walk", |toml| toml).await;
    world.gaba.serve().await;
    let mut walk = Walk { world: &world, real: HashMap::new() };
    for step in document()["x-walk-through"].as_array().unwrap() {
        walk.take(step).await;
    }
    world.books_balance();
}

struct Walk<'a> {
    world: &'a World,
    /// What the server gave for what the document says.
    real: HashMap<String, String>,
}

impl Walk<'_> {
    async fn take(&mut self, step: &Value) {
        let (path, method, operation) = operation(&step["operation"]);
        let name = step["example"].as_str().unwrap();
        let example = |content: &Value| {
            let media = content.as_object()?.values().find_map(|media| media["examples"].get(name))?;
            Some(media["value"].clone())
        };
        let expected = example(&operation["responses"][step["status"].to_string()]["content"]);
        let body = example(&operation["requestBody"]["content"]);
        let multipart = operation["requestBody"]["content"].get("multipart/form-data").is_some();
        let url = self.url(path, operation, &step["parameters"]);
        let wanted = expected.as_ref().and_then(|e| e.get("state")).cloned().filter(|_| method == "get");
        let answer = until(&format!("{} {name}", step["operation"]), || async {
            let answer = send(self.request(step, method, &url, operation, body.clone(), multipart)).await;
            let there = wanted.as_ref().is_none_or(|state| answer.json()["state"] == *state);
            there.then_some(answer)
        })
        .await;
        assert_eq!(json!(answer.status), step["status"], "{} {name}: {}", step["operation"], answer.text());
        if let Some(expected) = expected {
            self.learn(&expected, &answer.json());
        }
    }

    fn url(&self, path: &str, operation: &Value, given: &Value) -> String {
        let (mut path, mut query) = (path.to_owned(), Vec::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let Some(value) = given.get(name) else { continue };
            let value = self.real_text(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &value),
                Some("query") => query.push(format!("{name}={value}")),
                _ => {}
            }
        }
        let known: Vec<&str> =
            operation["parameters"].as_array().into_iter().flatten().filter_map(|p| p["name"].as_str()).collect();
        for name in given.as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(known.contains(&name.as_str()), "{path} takes no {name}");
        }
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    fn request(
        &self,
        step: &Value,
        method: &str,
        url: &str,
        operation: &Value,
        body: Option<Value>,
        multipart: bool,
    ) -> reqwest::RequestBuilder {
        let gaba = &self.world.gaba;
        let api = match step["as"].as_str() {
            Some("checker") => &gaba.checker,
            Some("operator") => &gaba.operator,
            _ => &gaba.maker,
        };
        let mut request = api.client.request(method.to_uppercase().parse().unwrap(), format!("{}{url}", gaba.url));
        if operation["security"].is_array() {
            request = request.bearer_auth(&api.key);
        }
        if let Some(key) = step["parameters"].get("Idempotency-Key") {
            request = request.header("Idempotency-Key", key.as_str().unwrap());
        }
        match body {
            Some(Value::Object(fields)) if multipart => request.multipart(sent_form(fields)),
            Some(body) => request.json(&self.real(body)),
            None => request,
        }
    }

    fn real(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.real_text(&text).into(),
            Value::Array(parts) => parts.into_iter().map(|part| self.real(part)).collect(),
            Value::Object(members) => members.into_iter().map(|(name, part)| (name, self.real(part))).collect(),
            other => other,
        }
    }

    fn real_text(&self, text: &str) -> String {
        self.real.get(text).cloned().unwrap_or_else(|| text.to_owned())
    }

    /// What stands for what: wherever both have an id or a digest in the same place.
    fn learn(&mut self, ours: &Value, theirs: &Value) {
        match (ours, theirs) {
            (Value::String(ours), Value::String(theirs))
                if ours.parse::<uuid::Uuid>().is_ok() || ours.starts_with("sha256:") =>
            {
                let known = self.real.insert(ours.clone(), theirs.clone());
                assert!(known.is_none_or(|known| known == *theirs), "{ours} stands for two things");
            }
            (Value::Array(ours), Value::Array(theirs)) => ours.iter().zip(theirs).for_each(|(o, t)| self.learn(o, t)),
            (Value::Object(ours), Value::Object(theirs)) => {
                ours.iter()
                    .filter(|(name, _)| *name != "request_id")
                    .for_each(|(name, part)| self.learn(part, &theirs[name]));
            }
            _ => {}
        }
    }
}

fn sent_form(fields: Map<String, Value>) -> multipart::Form {
    fields.into_iter().fold(Form::new(), |form, (name, value)| {
        let text = value.as_str().unwrap().to_owned();
        if name == "file" { form.part(name, Part::text(text).file_name("payroll.csv")) } else { form.text(name, text) }
    })
}

/// The judge itself: what is not described does not pass.
#[test]
fn an_answer_that_is_not_described_fails_its_test() {
    let answer = |path: &str, status: u16, media_type: &str, body: Value| {
        let headers = [(reqwest::header::CONTENT_TYPE, media_type.parse().unwrap())].into_iter().collect();
        let answer = crate::support::described::Answer { status, headers, body: body.to_string().into_bytes() };
        let path = path.to_owned();
        std::panic::catch_unwind(move || crate::support::described::check("get", &path, &answer)).is_ok()
    };
    let wallet = json!({"id": fresh(), "currency": "UGX", "available": "1", "held": "0"});
    let with = |member: &str, value: Value| {
        let mut changed = wallet.clone();
        changed[member] = value;
        changed
    };
    let (path, json) = (format!("/v1/wallets/{}", fresh()), "application/json");
    assert!(answer(&path, 200, json, wallet.clone()));
    let mut short = wallet.clone();
    short.as_object_mut().unwrap().remove("held");
    for wrong in
        [with("more", json!(1)), with("held", json!(0)), with("id", json!("x")), short, json!([]), json!("text")]
    {
        assert!(!answer(&path, 200, json, wrong.clone()), "{wrong}");
    }
    assert!(!answer(&path, 201, json, wallet.clone()), "another status");
    assert!(!answer(&path, 200, "text/plain", wallet.clone()), "another media type");
    assert!(!answer("/v1/purses", 200, json, wallet), "an address that is not described");
    let problem = |code: &str| json!({"type": "about:blank", "title": "Not Found", "status": 404, "code": code, "detail": "x", "request_id": "r"});
    assert!(answer(&path, 404, "application/problem+json", problem("not_found")));
    assert!(!answer(&path, 404, "application/problem+json", problem("lost")), "another code");
}
