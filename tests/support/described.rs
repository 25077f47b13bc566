//! Every answer that a test gets is held to the OpenAPI document: its status, its media type, each member of its body, the
//! code of a problem. A member that the document does not know fails the test, and so does an answer to an address that
//! it does not know.

use jsonschema::Validator;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub async fn read(response: reqwest::Response) -> reqwest::Result<Answer> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }

    /// The body as JSON; what is none, as a string.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()))
    }
}

/// Sends a request to the server under test and checks what comes back.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

/// The same of a server that may die meanwhile; what was answered to its end is checked.
pub async fn try_send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().as_str().to_lowercase(), request.url().path().to_owned());
    let answer = Answer::read(client.execute(request).await?).await?;
    check(&method, &path, &answer);
    Ok(answer)
}

/// Fails unless the document has such an answer.
pub fn check(method: &str, path: &str, answer: &Answer) {
    let what = format!("{method} {path} → {}", answer.status);
    let media_type = answer.headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap());
    let Some((template, operation)) = operation(method, path) else {
        let known = template(path).is_some();
        let expected = if known { (405, "method_not_allowed") } else { (404, "not_found") };
        let body = answer.json();
        assert_eq!(
            (answer.status, body["code"].as_str()),
            (expected.0, Some(expected.1)),
            "{what}, not described: {body}"
        );
        return hold("problem", &json!({"$ref": "#/components/schemas/Problem"}), &body, &what);
    };
    let response = &operation["responses"][answer.status.to_string()];
    assert!(response.is_object(), "{what} is not described: {}", answer.json());
    let content = &response["content"][media_type];
    assert!(content.is_object(), "{what} as {media_type:?} is not described: {}", answer.json());
    if media_type.ends_with("json") && method != "head" {
        hold(&format!("{method} {template} {} {media_type}", answer.status), &content["schema"], &answer.json(), &what);
    }
}

/// The template of the path that fits, the one with the fewest parameters first.
fn template(path: &str) -> Option<(&'static str, &'static Value)> {
    let fits = |template: &str| {
        let (mut ours, mut theirs) = (template.split('/'), path.split('/'));
        let all = ours.by_ref().zip(theirs.by_ref()).all(|(t, p)| t == p || (t.starts_with('{') && !p.is_empty()));
        all && template.matches('/').count() == path.matches('/').count()
    };
    let paths = gaba::http::openapi::document()["paths"].as_object().unwrap();
    let fitting = paths.iter().filter(|(template, _)| fits(template));
    fitting.min_by_key(|(template, _)| template.matches('{').count()).map(|(template, item)| (template.as_str(), item))
}

fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let method = if method == "head" { "get" } else { method };
    let (template, item) = template(path)?;
    item.get(method).map(|operation| (template, operation))
}

/// Holds a body to a schema, which is compiled once under its name.
pub fn hold(name: &str, schema: &Value, body: &Value, what: &str) {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let found = COMPILED.lock().unwrap().get(name).cloned();
    let validator = found.unwrap_or_else(|| {
        let compiled = Arc::new(compile(schema));
        COMPILED.lock().unwrap().insert(name.to_owned(), compiled.clone());
        compiled
    });
    let faults: Vec<String> =
        validator.iter_errors(body).map(|fault| format!("{} at {}", fault, fault.instance_path())).collect();
    assert!(faults.is_empty(), "{what} is not as described: {}\n{body:#}", faults.join("; "));
}

fn compile(schema: &Value) -> Validator {
    static CLOSED: LazyLock<Value> = LazyLock::new(|| {
        let mut components = gaba::http::openapi::document()["components"].clone();
        close(&mut components);
        components
    });
    let whole = json!({"allOf": [schema], "components": *CLOSED});
    jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema")
}

/// No object has members beside those it lists.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            if object.get("properties").is_some_and(Value::is_object) && object.get("type") == Some(&json!("object")) {
                object.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(close),
        _ => {}
    }
}
