//! Requests that come again under their Idempotency-Key: answered as the first time, whatever has become of it since.

use super::lists::ready;
use super::*;
use crate::support::list;

/// So slow that a batch runs for as long as a test looks at it.
fn slowly(toml: String) -> String {
    toml.replace("poll_after = ", "rate_per_second = 1\npoll_after = ")
}

async fn post(api: &Api, key: &str, path: &str, body: &str) -> Reply {
    let request = request(api, "POST", path).header("Idempotency-Key", key);
    reply(request.header("content-type", "application/json").body(body.to_owned())).await
}

/// One batch, and what is asked of it under which key.
struct Asked<'a> {
    world: &'a World,
    batch: Value,
}

impl Asked<'_> {
    async fn ask(&self, who: &Api, key: &str, command: &str, body: &str) -> Reply {
        post(who, key, &format!("/v1/batches/{}/{command}", id(&self.batch)), body).await
    }

    /// Asked for the first time, it brings the batch into this state.
    async fn first(&self, who: &Api, key: &str, command: &str, body: &str, state: &str) -> Value {
        let answer = self.ask(who, key, command, body).await;
        assert_eq!((answer.status, &answer.body["state"]), (200, &json!(state)), "{command}: {}", answer.body);
        answer.body
    }

    /// Asked again, it is answered as before, and nothing happens; another body under the key is refused.
    async fn again(&self, who: &Api, key: &str, command: &str, body: &str, first: &Value) {
        let before = self.now().await;
        let answer = self.ask(who, key, command, body).await;
        assert_eq!((answer.status, &answer.body), (200, first), "{command} again");
        self.ask(who, key, command, &body.replace('}', " }")).await.is_problem(422, "idempotency_key_reused");
        assert_eq!(self.now().await["state"], before["state"], "{command} moved the batch again");
        assert_ne!(before["state"], first["state"], "this shows nothing: the batch has not moved on");
    }

    async fn now(&self) -> Value {
        self.world.gaba.maker.get(&format!("/v1/batches/{}", id(&self.batch))).await.1
    }
}

const NOTHING: &str = "{}";
const SUBMISSION: &str = r#"{"exclude_invalid":true}"#;
const REJECTION: &str = r#"{"reason":"Row 3 left in January"}"#;

#[tokio::test]
async fn what_is_decided_before_the_approval_is_answered_again_as_it_was() {
    let world = World::start("repeated-before").await;
    let (maker, checker) = (&world.gaba.maker, &world.gaba.checker);
    let asked = Asked { world: &world, batch: ready(maker, list(2, 50_000), &[]).await };
    let submitted = asked.first(maker, "s", "submit", SUBMISSION, "awaiting_approval").await;
    let withdrawn = asked.first(maker, "w", "withdraw", NOTHING, "ready").await;
    asked.again(maker, "s", "submit", SUBMISSION, &submitted).await;
    asked.first(maker, "s2", "submit", SUBMISSION, "awaiting_approval").await;
    asked.again(maker, "w", "withdraw", NOTHING, &withdrawn).await;
    let rejected = asked.first(checker, "r", "reject", REJECTION, "ready").await;
    asked.first(maker, "s3", "submit", SUBMISSION, "awaiting_approval").await;
    asked.again(checker, "r", "reject", REJECTION, &rejected).await;
    let (status, approved) = checker.approve(&asked.now().await).await;
    assert_eq!(status, 200, "{approved}");
    maker.batch_in(id(&asked.batch), &["completed"]).await;
    for (who, key, command, body, first) in [
        (maker, "s", "submit", SUBMISSION, &submitted),
        (maker, "w", "withdraw", NOTHING, &withdrawn),
        (checker, "r", "reject", REJECTION, &rejected),
    ] {
        asked.again(who, key, command, body, first).await;
        // Somebody else's key of the same name is another one: their request stands for itself, and comes too late.
        let stranger = world.key(&["--role", if command == "reject" { "checker" } else { "maker" }]);
        asked.ask(&stranger, key, command, body).await.is_problem(409, "invalid_state");
    }
    assert_eq!(acts(&world).await, ["submitted", "withdrawn", "submitted", "rejected", "submitted", "approved"]);
}

#[tokio::test]
async fn what_is_done_to_a_batch_that_runs_is_answered_again_as_it_was() {
    let world = World::configured("repeated-running", slowly).await;
    let maker = &world.gaba.maker;
    let batch = world.pay("slow", list(40, 50_000), &[]).await;
    let asked = Asked { world: &world, batch };
    let paused = asked.first(maker, "p", "pause", NOTHING, "paused").await;
    let resumed = asked.first(maker, "q", "resume", NOTHING, "running").await;
    asked.again(maker, "p", "pause", NOTHING, &paused).await;
    let second = world.key(&["--role", "maker"]);
    asked.first(&second, "p", "pause", NOTHING, "paused").await;
    asked.again(maker, "q", "resume", NOTHING, &resumed).await;
    asked.first(&second, "q", "resume", NOTHING, "running").await;
    let cancelled = asked.first(maker, "c", "cancel", NOTHING, "cancelling").await;
    maker.batch_in(id(&asked.batch), &["cancelled"]).await;
    for (key, command, first) in [("p", "pause", &paused), ("q", "resume", &resumed), ("c", "cancel", &cancelled)] {
        asked.again(maker, key, command, NOTHING, first).await;
    }
    asked.ask(&second, "c", "pause", NOTHING).await.is_problem(409, "invalid_state");
    assert_eq!(
        acts(&world).await,
        ["submitted", "approved", "paused", "resumed", "paused", "resumed", "cancelled"],
        "every act once"
    );
    world.books_balance();
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_unused() {
    let world = World::configured("repeated-refused", slowly).await;
    let (maker, checker) = (&world.gaba.maker, &world.gaba.checker);
    let csv = format!("{}Nobody,,5000,R40\n", list(40, 50_000));
    let asked = Asked { world: &world, batch: ready(maker, csv, &[]).await };
    let all = r#"{"exclude_invalid":false}"#;
    for (who, command, body, code) in [
        (maker, "submit", all, "rows_invalid"),
        (checker, "reject", REJECTION, "invalid_state"),
        (maker, "pause", NOTHING, "invalid_state"),
        (maker, "resume", NOTHING, "invalid_state"),
    ] {
        asked.ask(who, "k", command, body).await.is_problem(409, code);
    }
    let row = format!("/v1/batches/{}/rows/42", id(&asked.batch));
    let aside = reply(request(maker, "PATCH", &row).json(&json!({"excluded": true}))).await;
    assert_eq!(aside.status, 200, "{}", aside.body);
    asked.first(maker, "k", "submit", all, "awaiting_approval").await;
    asked.first(checker, "k", "reject", REJECTION, "ready").await;
    let again = asked.first(maker, "k2", "submit", all, "awaiting_approval").await;
    assert_eq!(checker.approve(&again).await.0, 200);
    asked.first(maker, "k", "pause", NOTHING, "paused").await;
    asked.first(maker, "k", "resume", NOTHING, "running").await;
}

#[tokio::test]
async fn of_equal_requests_at_the_same_moment_one_acts_and_all_get_its_answer() {
    let world = World::configured("repeated-racing", slowly).await;
    let batch = world.pay("slow", list(40, 50_000), &[]).await;
    let asked = Asked { world: &world, batch };
    let race = (0..8).map(|_| asked.ask(&world.gaba.maker, "p", "pause", NOTHING));
    let answers = futures::future::join_all(race).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
    }
    assert_eq!(acts(&world).await, ["submitted", "approved", "paused"]);
    // What is not sent at all is the same as what is sent empty.
    let bare = request(&world.gaba.maker, "POST", &format!("/v1/batches/{}/pause", id(&asked.batch)));
    assert_eq!(reply(bare.header("Idempotency-Key", "p")).await.body, answers[0].body);
}

/// What the trail has of batches, their uploads apart.
async fn acts(world: &World) -> Vec<String> {
    let trail = world.gaba.maker.all("/v1/audit").await;
    let acts = trail.iter().filter_map(|entry| entry["act"].as_str()?.strip_prefix("batch."));
    acts.filter(|act| *act != "uploaded").map(str::to_owned).collect()
}
