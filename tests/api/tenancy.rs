//! Organisations know nothing of each other: what belongs to another one is not found.

use super::exceptions::one;
use super::openapi::{document, operations};
use super::receipts::never_asking;
use super::*;
use crate::support::list;

/// Something that can be done with what belongs to an organisation.
struct Operation {
    method: String,
    path: &'static str,
    /// What may follow the path: nothing, and each value of a parameter that has a few.
    queries: Vec<String>,
    /// The first example of it.
    body: Option<&'static Value>,
}

/// Every operation that takes an id and asks whose key it is; what can be read can be asked for without its body too.
fn with_an_id() -> Vec<Operation> {
    let taking = operations().filter(|(path, _, operation)| path.contains('{') && operation["security"].is_array());
    let described = taking.map(|(path, method, operation)| {
        let examples = operation["requestBody"]["content"]["application/json"]["examples"].as_object();
        let body = examples.map(|examples| &examples.values().next().expect("an example")["value"]);
        Operation { method: method.to_uppercase(), path, queries: queries(operation), body }
    });
    let head = Operation { method: "HEAD".into(), path: "/v1/batches/{id}", queries: vec![String::new()], body: None };
    described.chain([head]).collect()
}

fn queries(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query");
    let named = parameters.flat_map(|parameter| {
        let schema = &parameter["schema"];
        let schema = schema["$ref"].as_str().map_or(schema, |at| document().pointer(&at[1..]).expect("a schema"));
        let values = schema["enum"].as_array().into_iter().flatten();
        values.map(|value| format!("?{}={}", parameter["name"].as_str().unwrap(), value.as_str().unwrap()))
    });
    [String::new()].into_iter().chain(named).collect()
}

async fn attempt(api: &Api, operation: &Operation, path: &str, digest: &Value) -> Reply {
    let request = request(api, &operation.method, path).header("Idempotency-Key", fresh());
    let Some(body) = operation.body else { return reply(request).await };
    let mut body = body.clone();
    if let Some(said) = body.get_mut("digest") {
        *said = digest.clone();
    }
    reply(request.json(&body)).await
}

#[tokio::test]
async fn what_belongs_to_another_organisation_is_not_found_by_any_operation() {
    let world = World::configured("tenancy", never_asking).await;
    let ours = world.settle("ours", list(2, 50_000), &[("notify", "true")]).await;
    let waiting = world.gaba.maker.submit_list("waiting", list(2, 50_000), &[]).await;
    world.network.control(json!({"http": {"receipt_mismatch": 1}})).await;
    world.pay("doubtful", one("256702345678"), &[]).await;
    let exception = world.exception("mismatch").await;
    let maker = &world.gaba.maker;
    let path = format!("/v1/batches/{}", id(&ours));
    let payout = maker.all(&format!("{path}/payouts")).await.remove(0);
    let message = maker.all(&format!("{path}/messages")).await.remove(0);
    let wallet = maker.all("/v1/wallets").await.remove(0);
    let (organisation, _, _) = world.other_organisation();
    let strangers = ["owner", "operator", "maker", "checker"].map(|role| {
        let created = world.json(&["key", "create", &organisation, "--role", role]);
        Api::new(&world.gaba.url, created["key"].as_str().unwrap())
    });
    for operation in with_an_id() {
        let theirs = match operation.path.split('/').nth(2).unwrap() {
            "batches" => vec![&ours, &waiting],
            "payouts" => vec![&payout],
            "messages" => vec![&message],
            "wallets" => vec![&wallet],
            "exceptions" => vec![&exception],
            noun => panic!("{}: make one of {noun} for this test", operation.path),
        };
        let path = |id: &str, query: &str| operation.path.replace("{id}", id).replace("{row}", "2") + query;
        for (thing, query) in theirs.iter().flat_map(|thing| operation.queries.iter().map(move |query| (thing, query)))
        {
            let what = format!("{} {}", operation.method, path(id(thing), query));
            let mut not_found = 0;
            for stranger in &strangers {
                let answer = attempt(stranger, &operation, &path(id(thing), query), &thing["digest"]).await;
                let absent = attempt(stranger, &operation, &path(&fresh(), query), &thing["digest"]).await;
                // Not even that it exists is told; a role that may not do it anywhere hears that first.
                assert_eq!((answer.status, &answer.body["detail"]), (absent.status, &absent.body["detail"]), "{what}");
                // What answers a HEAD has no body.
                match (answer.status, answer.body["code"].as_str().unwrap_or("not_found")) {
                    (404, "not_found") => not_found += 1,
                    told => assert_eq!(told, (403, "forbidden"), "{what}"),
                }
            }
            assert!(not_found > 0, "{what}: nobody was even allowed to look");
        }
    }
    for list in ["/v1/batches", "/v1/exceptions"] {
        assert_eq!(strangers[0].all(list).await.len(), 0, "{list}");
    }
    let wallets = strangers[0].all("/v1/wallets").await;
    assert!(wallets.len() == 1 && id(&wallets[0]) != id(&wallet) && wallets[0]["available"] == "0", "{wallets:?}");
    let audit = strangers[0].all("/v1/audit").await;
    assert!(audit.iter().all(|e| e["organisation_id"] == organisation.as_str()), "{audit:?}");
    assert_eq!(maker.get(&format!("/v1/batches/{}", id(&waiting))).await.1["state"], "awaiting_approval");
}

#[tokio::test]
async fn a_cursor_of_another_organisation_opens_nothing() {
    let world = World::start("cursors").await;
    for name in ["one", "two", "three"] {
        world.gaba.maker.submit_list(name, list(2, 50_000), &[]).await;
    }
    let (_, stranger, _) = world.other_organisation();
    let (_, page) = world.gaba.maker.get("/v1/batches?limit=1").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let (status, theirs) = stranger.get(&format!("/v1/batches?limit=1&cursor={cursor}")).await;
    assert_eq!((status, theirs["items"].as_array().unwrap().len()), (200, 0), "{theirs}");
    let (_, audit) = world.gaba.maker.get("/v1/audit?limit=1").await;
    let cursor = audit["next_cursor"].as_str().unwrap();
    let (status, theirs) = stranger.get(&format!("/v1/audit?cursor={cursor}")).await;
    assert_eq!(status, 200);
    assert!(theirs["items"].as_array().unwrap().iter().all(|e| e["act"] != "batch.uploaded"), "{theirs}");
}

#[tokio::test]
async fn idempotency_keys_of_two_organisations_never_meet() {
    let world = World::start("keys-meet").await;
    let (theirs, stranger, their_checker) = world.other_organisation();
    let ours = upload(&world.gaba.maker, "march", form(list(2, 50_000), "a.csv", &[])).await;
    let other = upload(&stranger, "march", form(list(3, 70_000), "b.csv", &[])).await;
    assert_eq!((ours.status, other.status), (202, 202), "{} {}", ours.body, other.body);
    assert_ne!(id(&ours.body), id(&other.body));
    for (api, batch, rows) in [(&world.gaba.maker, &ours, 2), (&stranger, &other, 3)] {
        let ready = api.batch_in(id(&batch.body), &["ready"]).await;
        assert_eq!(ready["counts"]["rows"], rows);
        assert_eq!(api.all("/v1/batches").await.len(), 1);
    }
    let funded = world.gaba.run(&["fund", &theirs, "210030", "--reference", "opening"]);
    assert!(funded.status.success(), "a reference is unique within one organisation: {}", stderr(&funded));
    for (maker, checker, batch) in
        [(&world.gaba.maker, &world.gaba.checker, &ours.body), (&stranger, &their_checker, &other.body)]
    {
        let submitted = command(maker, batch, "submit", json!({})).await.body;
        let approved = approval(checker, "same-key", &submitted).await;
        assert_eq!(approved.status, 200, "{}", approved.body);
        assert_eq!(id(&approved.body), id(batch));
        maker.batch_in(id(batch), &["completed"]).await;
    }
    assert_eq!(stranger.all("/v1/wallets").await[0]["available"], "0");
    assert_eq!(world.wallet().await, (1_000_000_000 - 100_010, 0));
    world.books_balance();
}
