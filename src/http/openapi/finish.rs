//! What holds for every operation, and is therefore not said at each: the key, the problems any request may meet, members
//! that are always there.
//!
//! An operation names the problems of its own as `extensions(("x-problems" = json!(["digest_mismatch"])))`.

use crate::http::problem::{CODES, Code};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const SCHEMAS: &str = "#/components/schemas/";
/// Its members beside the common ones depend on its code.
const PROBLEM: &str = "Problem";

pub fn finish(mut document: Value) -> Value {
    document["components"]["securitySchemes"] = json!({"key": {
        "type": "http", "scheme": "bearer", "bearerFormat": "gaba_live_…",
        "description": "An API key, made with `gaba key create`. Its role decides what it may do.",
    }});
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&mut document) {
        let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
        // One handler may serve two methods.
        if !names.insert(name.clone()) {
            operation["operationId"] = format!("{name}_by_{method}").into();
        }
        finish_operation(&path, &method, operation);
    }
    merge_parts(&mut document);
    require_members(&mut document);
    document
}

/// Every operation with its path and method.
pub fn operations(document: &mut Value) -> Vec<(String, String, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object_mut().into_iter().flatten();
            methods.map(move |(method, operation)| (path.clone(), method.clone(), operation))
        })
        .collect()
}

fn finish_operation(path: &str, method: &str, operation: &mut Value) {
    if path.starts_with("/v1/") {
        operation["security"] = json!([{"key": []}]);
    }
    let own = operation.as_object_mut().and_then(|o| o.remove("x-problems")).unwrap_or_default();
    let own: Vec<&str> = own.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut by_status: BTreeMap<u16, Vec<&Code>> = BTreeMap::new();
    for code in CODES.iter().filter(|code| own.contains(&code.name) || may_meet(code, path, method, operation)) {
        by_status.entry(code.status).or_default().push(code);
    }
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = phrase(status.parse().unwrap_or_default()).into();
        }
    }
    for (status, codes) in by_status {
        operation["responses"][status.to_string()] = problem_response(status, &codes);
    }
}

/// Whether any request of this kind may be answered with this problem.
fn may_meet(code: &Code, path: &str, method: &str, operation: &Value) -> bool {
    let (keyed, hook) = (path.starts_with("/v1/"), path.starts_with("/hooks/"));
    let acts = method != "get";
    let takes_key = || {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|p| p["name"] == "Idempotency-Key")
    };
    match code.name {
        "internal_error" => true,
        "unauthenticated" | "forbidden" => keyed,
        "invalid_request" | "unavailable" => keyed || hook,
        "not_found" => path.contains('{'),
        "too_large" => acts,
        "unsupported_media_type" | "conflict" => acts && keyed,
        "idempotency_key_reused" => takes_key(),
        _ => false,
    }
}

fn problem_response(status: u16, codes: &[&Code]) -> Value {
    let told: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.name, code.meaning)).collect();
    let names: Vec<&str> = codes.iter().map(|code| code.name).collect();
    let mut response = json!({
        "description": told.join("\n\n"),
        "content": {"application/problem+json": {"schema": {
            "$ref": format!("{SCHEMAS}{PROBLEM}"),
            "properties": {"code": {"enum": names}},
        }}},
    });
    if matches!(status, 429 | 503) {
        response["headers"] = json!({"Retry-After": {
            "description": "Seconds to wait before the next try", "schema": {"type": "integer"},
        }});
    }
    response
}

fn phrase(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Done")
}

/// A schema made of parts (`allOf`) becomes one that lists all its members.
fn merge_parts(document: &mut Value) {
    let all = document["components"]["schemas"].clone();
    for schema in document["components"]["schemas"].as_object_mut().into_iter().flatten().map(|(_, schema)| schema) {
        let Some(parts) = schema.as_object_mut().and_then(|s| s.remove("allOf")) else { continue };
        let (mut members, mut required) = (Map::new(), Vec::new());
        for part in parts.as_array().into_iter().flatten() {
            let part = named(part).map_or(part, |name| &all[name]);
            members.extend(part["properties"].as_object().cloned().unwrap_or_default());
            required.extend(part["required"].as_array().cloned().unwrap_or_default());
        }
        schema["type"] = "object".into();
        schema["properties"] = members.into();
        schema["required"] = required.into();
    }
}

/// The schema that a `$ref` names.
fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(SCHEMAS)
}

/// What is answered has every member, null where there is nothing to tell; only what is asked may leave members out.
fn require_members(document: &mut Value) {
    let mut asked = BTreeSet::new();
    for (_, _, operation) in operations(document) {
        collect_names(&operation["requestBody"], &mut asked);
    }
    // Names within names.
    loop {
        let before = asked.len();
        for name in asked.clone() {
            collect_names(&document["components"]["schemas"][name.as_str()], &mut asked);
        }
        if asked.len() == before {
            break;
        }
    }
    let schemas = document["components"]["schemas"].as_object_mut().into_iter().flatten();
    for (_, schema) in schemas.filter(|(name, _)| *name != PROBLEM && !asked.contains(*name)) {
        require(schema);
    }
}

fn require(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                let stated: Vec<&str> = object
                    .get("required")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                // What is neither required nor ever null is left out where it says nothing.
                let there = |(name, schema): &(&String, &Value)| stated.contains(&name.as_str()) || may_be_null(schema);
                let names: Vec<String> = properties.iter().filter(there).map(|(name, _)| name.clone()).collect();
                object.insert("required".into(), names.into());
            }
            object.values_mut().for_each(require);
        }
        Value::Array(parts) => parts.iter_mut().for_each(require),
        _ => {}
    }
}

fn may_be_null(schema: &Value) -> bool {
    let null = |part: &Value| *part == "null";
    let either = |part: &Value| part["type"] == "null";
    schema.as_object().is_none_or(|s| !s.contains_key("type") && !s.contains_key("$ref") && !s.contains_key("oneOf"))
        || schema["type"].as_array().is_some_and(|types| types.iter().any(null))
        || schema["oneOf"].as_array().is_some_and(|parts| parts.iter().any(either))
}

fn collect_names(schema: &Value, names: &mut BTreeSet<String>) {
    names.extend(named(schema).map(str::to_owned));
    match schema {
        Value::Object(object) => object.values().for_each(|part| collect_names(part, names)),
        Value::Array(parts) => parts.iter().for_each(|part| collect_names(part, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi::document;

    fn schema(name: &str) -> &'static Value {
        &document()["components"]["schemas"][name]
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
        let mut document = document().clone();
        let mut names = BTreeSet::new();
        for (path, method, operation) in operations(&mut document) {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{name} names two operations");
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{method} {path}");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
            assert!(operation["responses"]["500"].is_object(), "{method} {path}");
        }
    }

    #[test]
    fn whatever_is_named_is_there() {
        let mut names = BTreeSet::new();
        collect_names(document(), &mut names);
        for name in &names {
            assert!(schema(name).is_object(), "{name}");
        }
        assert!(names.len() > 30, "{names:?}");
    }

    #[test]
    fn every_post_can_be_repeated_under_a_key() {
        let mut document = document().clone();
        let mut posts = 0;
        for (path, method, operation) in operations(&mut document) {
            if method != "post" || !path.starts_with("/v1/") {
                continue;
            }
            posts += 1;
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            assert!(parameters.any(|p| p["name"] == "Idempotency-Key" && p["in"] == "header"), "{path}");
            let reused = &operation["responses"]["422"]["content"]["application/problem+json"]["schema"];
            let codes = reused["properties"]["code"]["enum"].as_array().unwrap();
            assert!(codes.contains(&json!("idempotency_key_reused")), "{path}: {codes:?}");
        }
        assert!(posts >= 11, "{posts}");
    }

    #[test]
    fn a_problem_is_listed_where_it_can_be_met() {
        let codes = |path: &str, status: &str| {
            let schema = &document()["paths"][path]["post"]["responses"][status]["content"]["application/problem+json"];
            schema["schema"]["properties"]["code"]["enum"].clone()
        };
        let approve = "/v1/batches/{id}/approve";
        let conflicts = codes(approve, "409");
        for code in ["invalid_state", "digest_mismatch", "insufficient_funds", "conflict"] {
            assert!(conflicts.as_array().unwrap().contains(&json!(code)), "{conflicts}");
        }
        assert_eq!(codes(approve, "401"), json!(["unauthenticated"]));
        assert_eq!(codes(approve, "403"), json!(["forbidden", "self_approval"]));
        assert_eq!(codes("/v1/batches", "409"), json!(["conflict"]));
    }

    #[test]
    fn what_is_answered_has_every_member_and_what_is_flattened_is_one_object() {
        for name in ["PayoutTimeline", "Page_Batch"] {
            let schema = schema(name);
            let members = schema["properties"].as_object().unwrap().len();
            assert_eq!(schema["required"].as_array().unwrap().len(), members, "{name}: {schema}");
        }
        let timeline = schema("PayoutTimeline");
        assert!(timeline["properties"]["msisdn"].is_object() && timeline["properties"]["events"].is_object());
        assert!(!document().to_string().contains("allOf"));
        let problem: Vec<&str> =
            schema(PROBLEM)["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(problem.contains(&"code") && !problem.contains(&"state"), "{problem:?}");
    }
}
