//! The API's rows of the matrix: what is asked, and the status and code of the answer. That another organisation's ids are
//! found by no operation stands in `tests/api/tenancy.rs`, which takes the operations from the description of the API.

use super::{Ground, answer, said, upload};
use crate::support::{Api, list};
use futures::future::{BoxFuture, join_all};
use serde_json::{Value, json};

type Answers = Vec<(u16, String)>;

struct Act {
    name: &'static str,
    run: for<'g> fn(&'g Ground) -> BoxFuture<'g, Answers>,
    answers: &'static [(u16, &'static str)],
}

fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn told((status, body): (u16, Value)) -> (u16, String) {
    (status, said(&body["code"]).to_owned())
}

/// Uploads of `(key, rows)` by one caller after the other; the ids of the batches, and what was answered.
async fn uploads(lists: &[(&Api, &str, usize)]) -> (Vec<String>, Answers) {
    let mut answers = Vec::new();
    for (api, key, rows) in lists {
        answers.push(upload(api, key, "list.csv", list(*rows, 5_000).into(), &[]).await);
    }
    (answers.iter().map(|(_, body)| said(&body["id"]).to_owned()).collect(), answers.into_iter().map(told).collect())
}

fn key(ground: &Ground, organisation: &str, role: &str) -> Value {
    let created = ground.gaba.run(&["key", "create", organisation, "--role", role, "--json"]);
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    serde_json::from_slice(&created.stdout).unwrap()
}

fn caller(ground: &Ground, organisation: &str, role: &str) -> Api {
    Api::new(&ground.gaba.url, said(&key(ground, organisation, role)["key"]))
}

async fn approve(api: &Api, batch: &Value) -> (u16, Value) {
    let path = format!("{}/v1/batches/{}/approve", api.url, said(&batch["id"]));
    let request = api.client.post(path).bearer_auth(&api.key).header("Idempotency-Key", fresh());
    answer(request.json(&json!({"digest": batch["digest"]}))).await
}

/// Corrects a row of a list.
async fn correct(api: &Api, batch: &Value, row: u32, body: Value) -> (u16, Value) {
    let path = format!("{}/v1/batches/{}/rows/{row}", api.url, said(&batch["id"]));
    answer(api.client.patch(path).bearer_auth(&api.key).json(&body)).await
}

/// Every act with its answers, for the page.
pub fn lines() -> Vec<(String, String)> {
    let answer = |(status, code): &(u16, &str)| format!("{status} {code}").trim_end().to_owned();
    let answers = |act: &Act| act.answers.iter().map(answer).collect::<Vec<_>>().join(", ");
    ACTS.iter().map(|act| (act.name.to_owned(), answers(act))).collect()
}

const ACTS: [Act; 10] = [
    Act {
        name: "the same key with the same body, one after the other",
        run: |ground| {
            Box::pin(async move {
                let (maker, key) = (&ground.gaba.maker, fresh());
                let (ids, answers) = uploads(&[(maker, &key, 2), (maker, &key, 2)]).await;
                assert_eq!(ids[0], ids[1]);
                answers
            })
        },
        answers: &[(202, ""), (202, "")],
    },
    Act {
        name: "the same key with another body",
        run: |ground| {
            Box::pin(async move {
                let (maker, key) = (&ground.gaba.maker, fresh());
                uploads(&[(maker, &key, 2), (maker, &key, 3)]).await.1
            })
        },
        answers: &[(202, ""), (422, "idempotency_key_reused")],
    },
    Act {
        name: "the same key with the same body, at once",
        run: |ground| {
            Box::pin(async move {
                let (maker, key) = (&ground.gaba.maker, fresh());
                let all = (0..4).map(|_| upload(maker, &key, "list.csv", list(2, 5_000).into(), &[]));
                let all = join_all(all).await;
                assert!(all.iter().all(|(_, body)| body["id"] == all[0].1["id"]), "{all:?}");
                all.into_iter().map(told).collect()
            })
        },
        answers: &[(202, ""); 4],
    },
    Act {
        name: "the same key by another organisation",
        run: |ground| {
            Box::pin(async move {
                let created = ground.gaba.run(&["org", "create", "Gulu Cooperative", "--currency", "UGX", "--json"]);
                let created: Value = serde_json::from_slice(&created.stdout).unwrap();
                let stranger = caller(ground, said(&created["id"]), "maker");
                let key = fresh();
                let (ids, answers) = uploads(&[(&ground.gaba.maker, &key, 2), (&stranger, &key, 2)]).await;
                assert_ne!(ids[0], ids[1]);
                answers
            })
        },
        answers: &[(202, ""), (202, "")],
    },
    Act {
        name: "two people approve at once",
        run: |ground| {
            Box::pin(async move {
                let batch = ground.gaba.maker.submit_list("race", list(2, 5_000), &[]).await;
                let second = caller(ground, &ground.gaba.organisation, "checker");
                let (one, two) = tokio::join!(approve(&ground.gaba.checker, &batch), approve(&second, &batch));
                let mut answers = vec![told(one), told(two)];
                answers.sort();
                answers
            })
        },
        answers: &[(200, ""), (409, "invalid_state")],
    },
    Act {
        name: "whoever uploaded a list approves it",
        run: |ground| {
            Box::pin(async move {
                let owner = caller(ground, &ground.gaba.organisation, "owner");
                let batch = owner.submit_list("mine", list(2, 5_000), &[]).await;
                vec![told(approve(&owner, &batch).await)]
            })
        },
        answers: &[(403, "self_approval")],
    },
    Act {
        name: "an approval of a digest that is none",
        run: |ground| {
            Box::pin(async move {
                let mut batch = ground.gaba.maker.submit_list("stale", list(2, 5_000), &[]).await;
                batch["digest"] = json!("sha256:00");
                vec![told(approve(&ground.gaba.checker, &batch).await)]
            })
        },
        answers: &[(409, "digest_mismatch")],
    },
    Act {
        name: "a correction, an approval of the digest from before it, and one of the digest from after it",
        run: |ground| {
            Box::pin(async move {
                let maker = &ground.gaba.maker;
                let (ids, _) = uploads(&[(maker, &fresh(), 2)]).await;
                let before = maker.batch_in(&ids[0], &["ready"]).await;
                let corrected = correct(maker, &before, 2, json!({"amount": "6000"})).await;
                let (_, after) = maker.post(&format!("/v1/batches/{}/submit", ids[0]), json!({})).await;
                let checker = &ground.gaba.checker;
                vec![told(corrected), told(approve(checker, &before).await), told(approve(checker, &after).await)]
            })
        },
        answers: &[(200, ""), (409, "digest_mismatch"), (200, "")],
    },
    Act {
        name: "an approval, and a correction after it",
        run: |ground| {
            Box::pin(async move {
                let batch = ground.gaba.maker.submit_list("approved", list(2, 5_000), &[]).await;
                let approved = approve(&ground.gaba.checker, &batch).await;
                let corrected = correct(&ground.gaba.maker, &batch, 2, json!({"amount": "6000"})).await;
                vec![told(approved), told(corrected)]
            })
        },
        answers: &[(200, ""), (409, "invalid_state")],
    },
    Act {
        name: "a key before and after it is revoked",
        run: |ground| {
            Box::pin(async move {
                let created = key(ground, &ground.gaba.organisation, "viewer");
                let viewer = Api::new(&ground.gaba.url, said(&created["key"]));
                let before = viewer.get("/v1/batches").await.0;
                revoke(ground, said(&created["id"])).await;
                vec![(before, String::new()), told(viewer.get("/v1/batches").await)]
            })
        },
        answers: &[(200, ""), (401, "unauthenticated")],
    },
];

/// There is no command for it: the act of the store, beside the running server.
async fn revoke(ground: &Ground, key: &str) {
    let config = gaba::config::Config {
        database_url: format!("sqlite://{}", ground.gaba.folder.file("gaba.db").display()),
        ..Default::default()
    };
    let store = gaba::store::open(&config, std::sync::Arc::new(gaba::clock::SystemClock)).await.unwrap();
    store.revoke_key(ground.gaba.organisation.parse().unwrap(), key.parse().unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_the_api_is_answered_as_its_line_says() {
    let ground = Ground::start("matrix-api").await;
    for act in ACTS {
        let answers = (act.run)(&ground).await;
        let expected: Answers = act.answers.iter().map(|(status, code)| (*status, (*code).to_owned())).collect();
        assert_eq!(answers, expected, "{}", act.name);
    }
    pages(&ground).await;
    bodies(&ground).await;
    let log = std::fs::read_to_string(ground.gaba.folder.file("serve.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

/// Queries of lists that cannot be meant; all are 400 `invalid_request`.
const PAGES: [&str; 19] = [
    "limit=0",
    "limit=-1",
    "limit=501",
    "limit=1000000000",
    "limit=99999999999999999999999",
    "limit=1.5",
    "limit=%2B5",
    "limit=",
    "limit=1&limit=2",
    "cursor=",
    "cursor=nonsense",
    "cursor=%00",
    "cursor=1.2.3.4",
    "cursor=99999999999999999999999",
    "cursor=%F0%9F%92%B8",
    "cursor='%20OR%201=1",
    "cursor=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "page=2",
    "%FF=1",
];
const STATES: [&str; 4] = ["state=bogus", "state=", "state=PAID", "state=paid&state=failed"];

async fn pages(ground: &Ground) {
    let maker = &ground.gaba.maker;
    let batch = maker.submit_list("pages", list(3, 5_000), &[]).await;
    let of_batch = |noun: &str| format!("/v1/batches/{}/{noun}", said(&batch["id"]));
    let lists = ["/v1/batches".to_owned(), "/v1/audit".into(), "/v1/exceptions".into(), of_batch("issues")];
    let long = format!("cursor={}", "z".repeat(600));
    let refused = (400, "invalid_request".to_owned());
    for path in lists.iter().chain(&[of_batch("payouts"), of_batch("messages")]) {
        for query in PAGES.into_iter().chain([long.as_str()]) {
            assert_eq!(told(maker.get(&format!("{path}?{query}")).await), refused, "{path}?{query}");
        }
        for cursor in ["9223372036854775807", "-9223372036854775808"] {
            let far = told(maker.get(&format!("{path}?cursor={cursor}")).await);
            assert!(far == refused || far.0 == 200, "{path}: {far:?}");
        }
        assert_eq!(maker.get(&format!("{path}?limit=500")).await.0, 200, "{path}");
    }
    for state in STATES {
        assert_eq!(told(maker.get(&format!("{}?{state}", of_batch("payouts"))).await), refused, "{state}");
    }
}

/// Bodies of a command, in whatever shape; `$digest` is the right one.
async fn bodies(ground: &Ground) {
    let batch = ground.gaba.maker.submit_list("bodies", list(1, 5_000), &[]).await;
    let (json_type, digest) = ("application/json", said(&batch["digest"]));
    let deep = format!("{{\"digest\":{}", "[".repeat(60_000));
    let nested = format!("{{\"digest\":{}{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let large = format!("{{\"digest\":\"{}\"}}", "x".repeat(70_000));
    for (name, media_type, body, status, code) in [
        ("nothing", json_type, "", 400, "invalid_request"),
        ("half an object", json_type, "{", 400, "invalid_request"),
        ("null", json_type, "null", 400, "invalid_request"),
        ("an array", json_type, "[]", 400, "invalid_request"),
        ("a string", json_type, "\"digest\"", 400, "invalid_request"),
        ("a number for a text", json_type, "{\"digest\":1}", 400, "invalid_request"),
        ("a float beyond all floats", json_type, "{\"digest\":1e999}", 400, "invalid_request"),
        (
            "a huge integer",
            json_type,
            "{\"digest\":99999999999999999999999999999999999999999999}",
            400,
            "invalid_request",
        ),
        ("half a character", json_type, "{\"digest\":\"\\ud800\"}", 400, "invalid_request"),
        ("deep arrays", json_type, &deep, 400, "invalid_request"),
        ("deep objects", json_type, &nested, 400, "invalid_request"),
        ("a key twice", json_type, "{\"digest\":\"$digest\",\"digest\":\"$digest\"}", 400, "invalid_request"),
        ("two bodies", json_type, "{\"digest\":\"$digest\"} {}", 400, "invalid_request"),
        ("a field that is unknown", json_type, "{\"digest\":\"$digest\",\"force\":true}", 400, "invalid_request"),
        ("a byte order mark", json_type, "\u{feff}{\"digest\":\"$digest\"}", 400, "invalid_request"),
        ("more than a command says", json_type, &large, 413, "too_large"),
        ("JSON as text", "text/plain", "{\"digest\":\"$digest\"}", 415, "unsupported_media_type"),
        ("a form", "application/x-www-form-urlencoded", "digest=$digest", 415, "unsupported_media_type"),
    ] {
        let body = body.replace("$digest", digest).into_bytes();
        assert_eq!(command(ground, &batch, "approve", media_type, body).await, (status, code.to_owned()), "{name}");
    }
    let invalid = b"{\"digest\":\"\xff\xfe\"}".to_vec();
    let refused = (400, "invalid_request".to_owned());
    assert_eq!(command(ground, &batch, "approve", json_type, invalid).await, refused, "no UTF-8");
    for act in ["pause", "resume", "cancel"] {
        assert_eq!(command(ground, &batch, act, json_type, b"{\"force\":true}".to_vec()).await, refused, "{act}");
    }
    let typed = b"{\"exclude_invalid\":\"true\"}".to_vec();
    assert_eq!(command(ground, &batch, "submit", json_type, typed).await, refused, "a text for a truth");
    let (_, unchanged) = ground.gaba.maker.get(&format!("/v1/batches/{}", said(&batch["id"]))).await;
    assert_eq!(unchanged["state"], "awaiting_approval");
    // Money is a decimal text, never a float.
    for amount in [json!(5000), json!(5000.5), json!("5e3"), json!("5,000"), json!(null)] {
        let (_, wallets) = ground.gaba.maker.get("/v1/wallets").await;
        let operator = &ground.gaba.operator;
        let path = format!("{}/v1/wallets/{}/fundings", operator.url, said(&wallets["items"][0]["id"]));
        let request = operator.client.post(path).bearer_auth(&operator.key).header("Idempotency-Key", fresh());
        let answer = answer(request.json(&json!({"amount": amount, "reference": fresh()}))).await;
        assert_eq!(told(answer), refused, "{amount}");
    }
}

/// As the maker, or to approve as the checker.
async fn command(ground: &Ground, batch: &Value, act: &str, media_type: &str, body: Vec<u8>) -> (u16, String) {
    let api = if act == "approve" { &ground.gaba.checker } else { &ground.gaba.maker };
    let path = format!("{}/v1/batches/{}/{act}", api.url, said(&batch["id"]));
    let request = api.client.post(path).bearer_auth(&api.key).header("Idempotency-Key", fresh());
    told(answer(request.header("content-type", media_type).body(body)).await)
}
