//! Refusals as the API tells them: problem+json with a code and the request's id, whatever was sent.

use super::*;
use crate::support::list;

#[tokio::test]
async fn every_refusal_is_a_problem_with_a_code_and_the_requests_id() {
    let mut world = World::stopped("problems", |toml| toml).await;
    world.gaba.serve().await;
    let (maker, checker) = (&world.gaba.maker, &world.gaba.checker);
    let batch = maker.submit_list("payroll", list(1, 50_000), &[]).await;
    let path = format!("/v1/batches/{}", id(&batch));

    let named = request(maker, "GET", &format!("/v1/batches/{}", fresh())).header("x-request-id", "job-7");
    let missing = reply(named).await;
    missing.is_problem(404, "not_found");
    assert_eq!(missing.body["request_id"], "job-7");
    reply(request(maker, "GET", "/v1/nothing")).await.is_problem(404, "not_found");
    reply(request(maker, "GET", "/")).await.is_problem(404, "not_found");
    reply(request(maker, "GET", &format!("{path}/"))).await.is_problem(404, "not_found");
    reply(request(maker, "GET", "/v1/batches/not-an-id")).await.is_problem(404, "not_found");

    let wrong_method = reply(request(maker, "DELETE", &path)).await;
    wrong_method.is_problem(405, "method_not_allowed");
    assert!(wrong_method.headers["allow"].to_str().unwrap().contains("GET"), "{:?}", wrong_method.headers);
    let other = reply(request(maker, "PUT", "/v1/batches")).await;
    other.is_problem(405, "method_not_allowed");
    let allowed = other.headers["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    reply(request(maker, "GET", "/hooks/mtn-ug")).await.is_problem(405, "method_not_allowed");

    let json_upload = request(maker, "POST", "/v1/batches").header("Idempotency-Key", fresh());
    reply(json_upload.json(&json!({}))).await.is_problem(415, "unsupported_media_type");
    let large = request(checker, "POST", &format!("{path}/reject")).json(&json!({"reason": "x".repeat(70_000)}));
    reply(large).await.is_problem(413, "too_large");
    upload(maker, &fresh(), form("a", "a.csv", &[("currency", "KES")])).await.is_problem(422, "unprocessable");
    approval(checker, &fresh(), &json!({"id": id(&batch), "digest": "x"})).await.is_problem(409, "digest_mismatch");
    approval(maker, &fresh(), &batch).await.is_problem(403, "forbidden");
    assert_eq!(checker.approve(&batch).await.1["code"], "insufficient_funds");
}

#[tokio::test]
async fn a_caller_without_a_valid_key_learns_nothing() {
    let world = World::start("keys").await;
    let maker = &world.gaba.maker;
    let batch = maker.submit_list("payroll", list(1, 50_000), &[]).await;
    let path = format!("{}/v1/batches/{}", maker.url, id(&batch));
    let mut wrong: Vec<String> = vec!["Bearer".into(), "Bearer ".into(), "Basic eDp5".into(), maker.key.clone()];
    wrong.push(format!("Bearer {}x", maker.key));
    wrong.push(format!("Bearer {}", &maker.key[..maker.key.len() - 1]));
    wrong.push(format!("Bearer {}", maker.key.to_uppercase()));
    wrong.push(format!("Bearer {}", "x".repeat(10_000)));
    wrong.push("Bearer ' OR 1=1 --".into());
    for header in &wrong {
        let refused = reply(maker.client.get(&path).header("authorization", header)).await;
        refused.is_problem(401, "unauthenticated");
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
    }
    reply(maker.client.get(&path)).await.is_problem(401, "unauthenticated");
    let twice = maker.client.get(&path).bearer_auth(&maker.key).bearer_auth(&world.gaba.checker.key);
    reply(twice).await.is_problem(401, "unauthenticated");
    reply(maker.client.get(format!("{path}?key={}", maker.key))).await.is_problem(401, "unauthenticated");
    // Before anything else of the request is looked at, even how large it is.
    let large = maker.client.post(format!("{}/v1/batches", maker.url)).body(vec![b'x'; 1_000_000]);
    reply(large).await.is_problem(401, "unauthenticated");

    let key = world.json(&["key", "create", &world.gaba.organisation, "--role", "viewer"]);
    let viewer = Api::new(&maker.url, key["key"].as_str().unwrap());
    assert_eq!(viewer.get("/v1/batches").await.0, 200);
    // There is no command for it yet: the act of the store, beside the running server.
    let config = gaba::config::Config {
        database_url: format!("sqlite://{}", world.gaba.folder.file("gaba.db").display()),
        ..Default::default()
    };
    let store = gaba::store::open(&config, std::sync::Arc::new(gaba::clock::SystemClock)).await.unwrap();
    store.revoke_key(world.gaba.organisation.parse().unwrap(), id(&key).parse().unwrap()).await.unwrap();
    reply(request(&viewer, "GET", "/v1/batches")).await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn health_is_told_to_anybody_and_names_nobody() {
    let world = World::start("health").await;
    let (client, url) = (&world.gaba.maker.client, &world.gaba.url);
    for (path, status) in [("/livez", "alive"), ("/readyz", "ready")] {
        let answer = reply(client.get(format!("{url}{path}"))).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!(status)));
    }
    let batch = world.settle("payroll", list(2, 50_000), &[]).await;
    let metrics = client.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("gaba_http_requests_total") && metrics.contains("/v1/batches/{id}"), "{metrics}");
    for private in [id(&batch), &world.gaba.organisation, "Kampala", "25677"] {
        assert!(!metrics.contains(private), "{private} in {metrics}");
    }
}
