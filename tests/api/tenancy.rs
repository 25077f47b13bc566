//! Organisations know nothing of each other: what belongs to another one is not found.

use super::*;
use crate::support::list;

/// Every route with an id, with what would be done there.
const ROUTES: [(&str, &str); 18] = [
    ("GET", "/v1/batches/{batch}"),
    ("GET", "/v1/batches/{batch}/issues"),
    ("GET", "/v1/batches/{batch}/payouts"),
    ("GET", "/v1/batches/{batch}/payouts?state=paid"),
    ("GET", "/v1/batches/{batch}/messages"),
    ("GET", "/v1/batches/{batch}/report"),
    ("GET", "/v1/batches/{batch}/report?format=json"),
    ("POST", "/v1/batches/{batch}/submit"),
    ("POST", "/v1/batches/{batch}/approve"),
    ("POST", "/v1/batches/{batch}/reject"),
    ("POST", "/v1/batches/{batch}/pause"),
    ("POST", "/v1/batches/{batch}/resume"),
    ("POST", "/v1/batches/{batch}/cancel"),
    ("GET", "/v1/payouts/{payout}"),
    ("GET", "/v1/messages/{message}"),
    ("GET", "/v1/wallets/{wallet}"),
    ("POST", "/v1/wallets/{wallet}/fundings"),
    ("HEAD", "/v1/batches/{batch}"),
];

/// The smallest body that a route takes.
fn body(path: &str, digest: &Value) -> Value {
    match path.rsplit('/').next().unwrap() {
        "approve" => json!({"digest": digest}),
        "reject" => json!({"reason": "because"}),
        "fundings" => json!({"amount": "1", "reference": "stolen"}),
        _ => json!({}),
    }
}

async fn attempt(api: &Api, method: &str, path: &str, digest: &Value) -> Reply {
    let request = request(api, method, path).header("Idempotency-Key", fresh());
    reply(if method == "POST" { request.json(&body(path, digest)) } else { request }).await
}

#[tokio::test]
async fn what_belongs_to_another_organisation_is_not_found_on_any_route() {
    let world = World::start("tenancy").await;
    let ours = world.settle("ours", list(2, 50_000), &[("notify", "true")]).await;
    let waiting = world.gaba.maker.submit_list("waiting", list(2, 50_000), &[]).await;
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
    for (method, route) in ROUTES {
        let nothing = ["{batch}", "{payout}", "{message}", "{wallet}"];
        let nothing = nothing.iter().fold(route.to_owned(), |path, name| path.replace(name, &fresh()));
        for batch in [&ours, &waiting] {
            let path = route
                .replace("{batch}", id(batch))
                .replace("{payout}", id(&payout))
                .replace("{message}", id(&message))
                .replace("{wallet}", id(&wallet));
            let mut not_found = 0;
            for stranger in &strangers {
                let answer = attempt(stranger, method, &path, &batch["digest"]).await;
                let absent = attempt(stranger, method, &nothing, &batch["digest"]).await;
                // Not even that it exists is told; a role that may not do it anywhere hears that first.
                assert_eq!(
                    (answer.status, &answer.body["detail"]),
                    (absent.status, &absent.body["detail"]),
                    "{method} {path}"
                );
                assert!(answer.status == 404 || answer.body["code"] == "forbidden", "{method} {path}: {}", answer.body);
                not_found += usize::from(answer.status == 404);
            }
            assert!(not_found > 0, "{method} {path}: nobody was even allowed to look");
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
