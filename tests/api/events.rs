//! The events of a batch: told at once, when something changes, and to its end.

use super::*;
use crate::support::{described, list};

/// A stream of events being read.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn of(api: &Api, batch: &Value) -> Events {
        // Longer than any test: the client's own limit is for answers that end.
        let request = request(api, "GET", &format!("/v1/batches/{}/events", id(batch)));
        let response = request.timeout(crate::support::PATIENCE).send().await.unwrap();
        is_begun_as_described(&response);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { response, text: String::new() }
    }

    /// The next event and its data, without comments; nothing after the last.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let (Some(event), Some(data)) = (field("event:"), field("data:")) {
                    return Some((event.to_owned(), serde_json::from_str(data).unwrap()));
                }
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// A stream is not read to its end: its events are held to the document one by one.
fn is_begun_as_described(response: &reqwest::Response) {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    described::check("get", response.url().path(), &described::Answer { status, headers, body: Vec::new() });
}

fn is_described(data: &Value) {
    let content =
        &gaba::http::openapi::document()["paths"]["/v1/batches/{id}/events"]["get"]["responses"]["200"]["content"];
    described::hold("an event", &content["text/event-stream"]["schema"], data, "an event");
}

#[tokio::test]
async fn a_batch_is_followed_from_its_upload_to_its_end() {
    let world = World::start("events").await;
    let (maker, checker) = (&world.gaba.maker, &world.gaba.checker);
    let uploaded = upload(maker, &fresh(), form(list(40, 50_000), "list.csv", &[])).await.body;
    let mut events = Events::of(maker, &uploaded).await;
    let ready = maker.batch_in(id(&uploaded), &["ready"]).await;
    let submitted = command(maker, &ready, "submit", json!({})).await.body;
    assert_eq!(checker.approve(&submitted).await.0, 200);

    let (mut told, mut last) = (Vec::new(), Value::Null);
    let end = loop {
        let (event, data) = events.next().await.expect("an end");
        is_described(&data);
        if event == "end" {
            break data;
        }
        assert_eq!(event, "progress");
        assert_ne!(data, last, "only what changed is told");
        told.push(data["state"].as_str().unwrap().to_owned());
        last = data;
    };
    assert_eq!(end, last, "the end repeats what was told last");
    assert_eq!((&end["state"], &end["counts"]["paid"]), (&json!("completed"), &json!(40)));
    assert!(told.len() >= 2 && told.last().unwrap() == "completed", "{told:?}");
    assert!(events.next().await.is_none(), "nothing comes after the end");

    let mut late = Events::of(checker, &uploaded).await;
    assert_eq!(late.next().await.unwrap(), ("progress".to_owned(), end.clone()), "whoever comes late is told at once");
    assert_eq!(late.next().await.unwrap(), ("end".to_owned(), end));
    assert!(late.next().await.is_none());
}

#[tokio::test]
async fn a_list_that_cannot_be_read_ends_its_events() {
    let world = World::start("events-failed").await;
    let maker = &world.gaba.maker;
    let uploaded = upload(maker, &fresh(), form("no,list\n", "list.csv", &[])).await.body;
    let mut events = Events::of(maker, &uploaded).await;
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    let (event, data) = last.unwrap();
    assert_eq!((event.as_str(), &data["state"]), ("end", &json!("import_failed")));
}

#[tokio::test]
async fn a_server_that_stops_lets_its_listeners_go() {
    let mut world = World::start("events-stop").await;
    let batch = world.gaba.maker.submit_list("waits", list(2, 50_000), &[]).await;
    let mut events = Events::of(&world.gaba.maker, &batch).await;
    assert_eq!(events.next().await.unwrap().1["state"], "awaiting_approval");
    assert_eq!(world.gaba.stop(), Some(0));
    // A stream that was cut off would be an error here.
    assert!(events.next().await.is_none(), "it ended as streams end, without an event");
}

#[tokio::test]
async fn an_organisation_has_so_many_listeners_and_strangers_hear_nothing() {
    let world = World::start("events-many").await;
    let maker = &world.gaba.maker;
    let batch = maker.submit_list("waits", list(1, 50_000), &[]).await;
    let (_, stranger, _) = world.other_organisation();
    let path = format!("/v1/batches/{}/events", id(&batch));
    reply(request(&stranger, "GET", &path)).await.is_problem(404, "not_found");
    reply(request(maker, "GET", &format!("{path}?x=1"))).await.is_problem(400, "invalid_request");
    let mut listening = Vec::new();
    for _ in 0..50 {
        listening.push(Events::of(maker, &batch).await);
    }
    let refused = reply(request(maker, "GET", &path)).await;
    refused.is_problem(429, "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    reply(request(&stranger, "GET", &path)).await.is_problem(404, "not_found");
    listening.clear();
    crate::support::until("a place to be free", || async {
        let response = request(maker, "GET", &path).send().await.ok()?;
        if response.status() != 200 {
            described::check("get", &path, &described::Answer::read(response).await.ok()?);
            return None;
        }
        is_begun_as_described(&response);
        Some(())
    })
    .await;
}
