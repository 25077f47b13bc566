//! The examples of the document: one file, in an order in which each request works on what the ones before it left.
//!
//! A step names its operation, who sends it (`as`), what it sends and what comes back. Ids in it are made up, but the same
//! ones throughout; whoever replays the steps puts the ids of real answers in their place. A step that is a GET and shows
//! a `state` is repeated until that state is there.

use super::finish::operations;
use serde_json::{Map, Value, json};

const STEPS: &str = include_str!("examples.json");

/// Puts every step where readers look for it, and their order into `x-walk-through`.
pub fn put(mut document: Value) -> Value {
    let steps: Vec<Value> = serde_json::from_str(STEPS).expect("examples.json is JSON");
    let mut order = Vec::new();
    for step in &steps {
        let id = &step["operation"];
        let mut all = operations(&mut document);
        let found = all.iter_mut().find(|(_, _, operation)| operation["operationId"] == *id);
        let (_, _, operation) = found.unwrap_or_else(|| panic!("examples.json names {id}, which is no operation"));
        let name = put_step(operation, step);
        let mut place = Map::new();
        for member in ["operation", "as", "parameters", "status"] {
            place.extend(step.get(member).map(|value| (member.to_owned(), value.clone())));
        }
        place.insert("example".into(), name.into());
        order.push(Value::Object(place));
    }
    document["x-walk-through"] = order.into();
    document
}

/// The name under which the step's examples stand.
fn put_step(operation: &mut Value, step: &Value) -> String {
    let name = step["name"].as_str().unwrap_or("example").to_owned();
    let parameters = operation["parameters"].as_array_mut().into_iter().flatten();
    for parameter in parameters.filter(|p| p["example"].is_null()) {
        let given = parameter["name"].as_str().and_then(|name| step["parameters"].get(name));
        if let Some(given) = given {
            parameter["example"] = given.clone();
        }
    }
    let summary = step["summary"].as_str().unwrap_or_default();
    let put = |content: &mut Value, example: &Value| {
        for (_, media) in content.as_object_mut().into_iter().flatten() {
            media["examples"][name.as_str()] = json!({"summary": summary, "value": example});
        }
    };
    if let Some(body) = step.get("body") {
        put(&mut operation["requestBody"]["content"], body);
    }
    if let Some(answer) = step.get("answer") {
        let content = &mut operation["responses"][step["status"].to_string()]["content"];
        match step["media_type"].as_str() {
            Some(media_type) => {
                content[media_type]["examples"][name.as_str()] = json!({"summary": summary, "value": answer})
            }
            None => put(content, answer),
        }
    }
    name
}
