//! What only people can settle, from the outside: two of them, their evidence, and the money that follows. And the failed,
//! paid again because somebody says so.

use super::receipts::{Letter, never_asking, now_s, success};
use super::*;
use crate::support::{judge, list, until};

/// Whatever is out for longer than a moment is a matter for people.
fn impatient(toml: String) -> String {
    toml.replace("poll_after = ", "unknown_after = \"300ms\"\npoll_after = ")
}

pub(super) fn one(phone: &str) -> String {
    format!("name,phone,amount,reference\nAkello,{phone},50000,A\n")
}

async fn say(who: &Api, exception: &Value, verdict: &str) -> Reply {
    let body = json!({
        "verdict": verdict, "note": "statement of 3 March, line 12", "evidence_sha256": "AB".repeat(32),
        "provider_transaction_id": "T-77",
    });
    reply(request(who, "POST", &format!("/v1/exceptions/{}/resolve", id(exception))).json(&body)).await
}

impl World {
    /// Waits until an exception of this kind is open.
    pub(super) async fn exception(&self, kind: &str) -> Value {
        let path = format!("/v1/exceptions?state=open&kind={kind}");
        until(&format!("an open exception: {kind}"), || async { self.gaba.maker.all(&path).await.into_iter().next() })
            .await
    }

    /// Proposed by the checker, confirmed by somebody of finance.
    async fn settled(&self, exception: &Value, verdict: &str) -> Value {
        let proposed = say(&self.gaba.checker, exception, verdict).await;
        assert_eq!((proposed.status, &proposed.body["state"]), (200, &json!("proposed")), "{}", proposed.body);
        let confirmed = say(&self.key(&["--role", "finance"]), exception, verdict).await;
        assert_eq!((confirmed.status, &confirmed.body["resolution"]), (200, &json!(verdict)), "{}", confirmed.body);
        self.books_balance();
        confirmed.body
    }

    async fn payout(&self, exception: &Value) -> Value {
        let path = format!("/v1/payouts/{}", exception["payout_id"].as_str().unwrap());
        self.gaba.maker.get(&path).await.1
    }
}

fn choices(exception: &Value) -> Vec<&str> {
    exception["verdicts"].as_array().unwrap().iter().map(|c| c["verdict"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_mismatch_is_settled_by_two_people_who_agree() {
    let world = World::configured("two-people", never_asking).await;
    // The true receipt is an hour behind.
    world.network.control(json!({"http": {"receipt_mismatch": 1, "receipt_late_ms": 3_600_000}})).await;
    let batch = world.pay("one", one("256702345678"), &[]).await;
    let told = world.exception("mismatch").await;
    // Frozen is frozen: another letter of the gateway, a right one, is as much a matter for them now.
    let payout = world.payout(&told).await;
    Letter::signed("/hooks/airtel-ug", &success(&payout, &json!({})), now_s()).is_taken(&world).await;
    let second = world.exception("late_success").await;
    assert_eq!((&told["batch_id"], &told["row"]), (&batch["id"], &json!(2)));
    let before = told["payout_state"].clone();
    assert!(before == "accepted" || before == "unknown", "{told}");
    assert_eq!(choices(&told), ["paid", "not_paid", "reissue", "dismiss"]);
    let (checker, maker) = (&world.gaba.checker, &world.gaba.maker);
    for role in ["viewer", "maker", "operator"] {
        say(&world.key(&["--role", role]), &told, "paid").await.is_problem(403, "forbidden");
    }
    let proposed = say(checker, &told, "paid").await;
    assert_eq!((proposed.status, &proposed.body["state"]), (200, &json!("proposed")), "{}", proposed.body);
    let proposal = &proposed.body["proposal"];
    assert_eq!((&proposal["evidence_sha256"], &proposal["verdict"]), (&json!("ab".repeat(32)), &json!("paid")));
    // Saying it again, with whichever key, is no second person.
    assert_eq!(say(checker, &told, "paid").await.body["state"], "proposed");
    let owner = world.key(&["--role", "owner"]);
    let differs = say(&owner, &told, "not_paid").await;
    differs.is_problem(409, "verdict_differs");
    assert_eq!((&differs.body["proposed"], &differs.body["differs"]), (&json!("paid"), &json!("verdict")));
    let path = format!("/v1/exceptions/{}/resolve", id(&told));
    let confirm = async |seen: &Value, body: Value| {
        let request = request(&owner, "POST", &path).header("If-Match", format!("\"{}\"", seen.as_str().unwrap()));
        reply(request.json(&body)).await
    };
    let other = json!({"verdict": "paid", "note": "n", "provider_transaction_id": "T-78"});
    let differs = confirm(&proposal["digest"], other).await;
    differs.is_problem(409, "verdict_differs");
    assert_eq!(differs.body["differs"], "provider_transaction_id");
    let agreed = json!({"verdict": "paid", "note": "n"});
    confirm(&json!("sha256:00"), agreed.clone()).await.is_problem(412, "precondition_failed");
    let malformed = confirm(&json!("latest"), agreed.clone()).await;
    malformed.is_problem(400, "invalid_request");
    assert_eq!(malformed.pointer(), "#If-Match");
    assert_eq!(world.payout(&told).await["state"], before, "nothing has moved");
    assert_eq!(confirm(&proposal["digest"], agreed).await.body["state"], "resolved");
    assert_eq!(say(&owner, &told, "paid").await.status, 200, "a repetition finds itself done");
    say(&owner, &told, "dismiss").await.is_problem(409, "invalid_state");

    let payout = world.payout(&told).await;
    assert_eq!((&payout["state"], &payout["provider_transaction_id"]), (&json!("paid"), &json!("T-77")), "{payout}");
    assert_eq!(payout["frozen_by"], second["id"], "the other one holds it still");
    assert_eq!(maker.get(&format!("/v1/batches/{}", id(&batch))).await.1["state"], "running");
    world.settled(&second, "paid").await;
    let done = maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!((&done["totals"]["paid"], &done["totals"]["held"]), (&json!("50000"), &json!("0")), "{done}");
    let kinds: Vec<String> = world.payout(&told).await["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["kind"].as_str().unwrap().to_owned())
        .collect();
    for kind in ["exception.mismatch", "exception.mismatch.proposed", "exception.mismatch.resolved", "paid"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind}: {kinds:?}");
    }
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn a_mismatch_that_was_paid_in_part_gives_the_rest_back_and_every_report_tells_it() {
    let world = World::configured("paid-amount", never_asking).await;
    let before = world.wallet().await.0;
    world.network.control(json!({"http": {"receipt_mismatch": 1, "receipt_late_ms": 3_600_000}})).await;
    let batch = world.pay("one", one("256702345678"), &[]).await;
    let told = world.exception("mismatch").await;
    assert_eq!((&told["amount"], &told["currency"]), (&json!("50000"), &json!("UGX")));
    let path = format!("/v1/exceptions/{}/resolve", id(&told));
    let say = async |who: &Api, body: Value| reply(request(who, "POST", &path).json(&body)).await;
    let (checker, finance) = (&world.gaba.checker, world.key(&["--role", "finance"]));
    for (verdict, amount) in [
        ("paid", "0"),
        ("paid", "-1"),
        ("paid", "0.5"),
        ("paid", "49,000"),
        ("paid", "1000000000000001"),
        ("dismiss", "1"),
    ] {
        let refused = say(checker, json!({"verdict": verdict, "note": "n", "paid_amount": amount})).await;
        refused.is_problem(400, "invalid_request");
        assert_eq!((refused.pointer(), &refused.body["errors"][0]["code"]), ("/paid_amount", &json!("invalid_amount")));
    }
    let number = say(checker, json!({"verdict": "paid", "note": "n", "paid_amount": 49000})).await;
    number.is_problem(400, "invalid_request");
    let paid = |amount: &str| json!({"verdict": "paid", "note": "statement of 3 March", "paid_amount": amount});
    let proposed = say(checker, paid("49000.00")).await;
    assert_eq!(
        (proposed.status, &proposed.body["proposal"]["paid_amount"]),
        (200, &json!("49000")),
        "{}",
        proposed.body
    );
    let differs = say(&finance, paid("49001")).await;
    differs.is_problem(409, "verdict_differs");
    assert_eq!(differs.body["differs"], "paid_amount");
    let unseen = say(&finance, json!({"verdict": "paid", "note": "so it is"})).await;
    unseen.is_problem(409, "verdict_differs");
    let resolved = say(&finance, json!({"verdict": "paid", "note": "so it is", "paid_amount": "49000"})).await;
    assert_eq!((resolved.status, &resolved.body["state"]), (200, &json!("resolved")), "{}", resolved.body);
    assert_eq!(say(&finance, paid("49000")).await.status, 200, "a repetition finds itself done");
    let other = say(&finance, paid("50000")).await;
    other.is_problem(409, "verdict_differs");
    assert_eq!((&other.body["differs"], &other.body["proposed"]), (&json!("paid_amount"), &json!("paid")));

    let payout = world.payout(&told).await;
    assert_eq!((&payout["amount"], &payout["paid_amount"]), (&json!("50000"), &json!("49000")), "{payout}");
    assert_eq!(world.wallet().await, (before - 49_000, 0));
    let maker = &world.gaba.maker;
    let report = async |format: &str| {
        send(request(maker, "GET", &format!("/v1/batches/{}/report?format={format}", id(&batch)))).await
    };
    let csv = report("csv").await.text();
    let cells: Vec<Option<&str>> = csv.lines().map(|line| line.rsplit(',').next()).collect();
    assert_eq!(cells, [Some("paid_amount"), Some("49000")]);
    let json = report("json").await.json();
    assert_eq!(json["lines"][0]["paid_amount"], "49000");
    assert_eq!((&json["summary"]["paid"], &json["summary"]["difference"]), (&json!("49000"), &json!("0")), "{json}");
    assert_eq!(report("xlsx").await.status, 200);
    let wallet = maker.all("/v1/wallets").await.remove(0);
    let (_, statement) = maker.get(&format!("/v1/wallets/{}/statement?format=json", id(&wallet))).await;
    let last = statement["lines"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["in"], &last["payout_id"]), (&json!("difference"), &json!("1000"), &payout["id"]));
    world.books_balance();
}

#[tokio::test]
async fn what_the_provider_never_answers_is_given_back_by_two_people() {
    let world = World::configured("overdue", impatient).await;
    let before = world.wallet().await;
    // Pending for ever.
    let batch = world.pay("one", one("256772000005"), &[]).await;
    let told = world.exception("overdue").await;
    assert_eq!(choices(&told), ["paid", "not_paid", "reissue"]);
    assert_eq!(told["payout_state"], world.payout(&told).await["state"]);
    let early = say(&world.gaba.checker, &told, "reissue").await;
    early.is_problem(409, "too_early");
    assert!(early.body["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{}", early.body);
    say(&world.gaba.checker, &told, "dismiss").await.is_problem(409, "invalid_state");
    world.settled(&told, "not_paid").await;
    let done = world.gaba.maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!((&done["counts"]["failed"], &done["totals"]["released"]), (&json!(1), &json!("50000")), "{done}");
    assert_eq!(world.payout(&told).await["reason"]["code"], "verdict");
    assert_eq!(world.wallet().await, before);
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn whoever_proposed_may_propose_another_verdict_and_a_repetition_does_not_take_it_back() {
    let world = World::configured("proposals", impatient).await;
    let before = world.wallet().await;
    let batch = world.pay("one", one("256772000005"), &[]).await;
    let told = world.exception("overdue").await;
    let (checker, finance) = (&world.gaba.checker, world.key(&["--role", "finance"]));
    let path = format!("/v1/exceptions/{}/resolve", id(&told));
    let say = async |who: &Api, key: &str, verdict: &str| {
        let request = request(who, "POST", &path).header("Idempotency-Key", key);
        reply(request.json(&json!({"verdict": verdict, "note": "statement of 3 March"}))).await
    };
    let first = say(checker, "one", "paid").await;
    assert_eq!((first.status, &first.body["proposal"]["verdict"]), (200, &json!("paid")), "{}", first.body);
    let second = say(checker, "two", "not_paid").await;
    assert_eq!((second.status, &second.body["proposal"]["verdict"]), (200, &json!("not_paid")), "{}", second.body);
    assert_eq!(say(checker, "one", "paid").await.body, first.body);
    say(checker, "one", "reissue").await.is_problem(422, "idempotency_key_reused");
    let (_, now) = world.gaba.maker.get(&format!("/v1/exceptions/{}", id(&told))).await;
    assert_eq!(now["proposal"]["verdict"], "not_paid", "the repetition is no new proposal");
    // Refused, so the key is free for what is agreed on.
    let differs = say(&finance, "mine", "paid").await;
    differs.is_problem(409, "verdict_differs");
    assert_eq!(differs.body["proposed"], "not_paid");
    let confirmed = say(&finance, "mine", "not_paid").await;
    assert_eq!((confirmed.status, &confirmed.body["resolution"]), (200, &json!("not_paid")), "{}", confirmed.body);
    assert_eq!(say(&finance, "mine", "not_paid").await.body, confirmed.body);
    assert_eq!(say(checker, "two", "not_paid").await.body, second.body, "as it was then");
    let theirs = say(&finance, "two", "not_paid").await;
    assert_eq!((theirs.status, &theirs.body["state"]), (200, &json!("resolved")), "{}", theirs.body);
    world.gaba.maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!(world.wallet().await, before, "it moved once");
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn a_payment_that_is_confirmed_after_it_failed_is_corrected_in_the_ledger() {
    let world = World::start("late-success").await;
    let before = world.wallet().await.0;
    let batch = world.settle("one", one("256700000001"), &[]).await;
    assert_eq!((&batch["counts"]["failed"], world.wallet().await), (&json!(1), (before, 0)), "{batch}");
    let path = format!("/v1/batches/{}/payouts", id(&batch));
    let payout = world.gaba.maker.all(&path).await.remove(0);
    Letter::signed("/hooks/airtel-ug", &success(&payout, &json!({})), now_s()).is_taken(&world).await;
    let told = world.exception("late_success").await;
    assert_eq!(choices(&told), ["paid", "dismiss"]);
    let frozen = command(&world.gaba.checker, &batch, "retry-failed", json!({})).await;
    assert_eq!((frozen.status, &frozen.body["retried"]), (202, &json!(0)), "{}", frozen.body);
    assert_eq!(frozen.body["skipped"], json!([{"row": 2, "code": "frozen"}]));
    world.settled(&told, "paid").await;
    assert_eq!(world.wallet().await, (before - 50_000, 0));
    assert_eq!(world.payout(&told).await["state"], "paid");
    let (_, batch) = world.gaba.maker.get(&format!("/v1/batches/{}", id(&batch))).await;
    let totals = &batch["totals"];
    assert_eq!(
        (&totals["reserved"], &totals["paid"], &totals["released"]),
        (&json!("100000"), &json!("50000"), &json!("50000"))
    );
    // The gateway repeats itself, in a letter of its own: that is settled.
    Letter::signed("/hooks/airtel-ug", &success(&payout, &json!({"message": "again"})), now_s()).is_taken(&world).await;
    let pool = world.database().await;
    until("the repetition to be applied", || async {
        let waiting = sqlx::query_scalar("SELECT COUNT(*) FROM receipts WHERE due_at IS NOT NULL");
        let waiting: i64 = waiting.fetch_one(&pool).await.unwrap();
        (waiting == 0).then_some(())
    })
    .await;
    assert_eq!(world.payout(&told).await["frozen_by"], Value::Null);
    assert_eq!(world.gaba.maker.all("/v1/exceptions").await.len(), 1);
    let audit = world.gaba.run(&["audit", "verify"]);
    assert!(audit.status.success(), "{}", stderr(&audit));
    world.books_balance();
}

/// Nothing is sent any more once a batch was cancelled; what the provider does not know either, people settle.
#[tokio::test]
async fn a_cancelled_payout_that_the_provider_never_saw_is_given_back_by_two_people() {
    let world = World::start("cancel-unknown").await;
    let before = world.wallet().await;
    world.network.control(json!({"http": {"error_before": 1}})).await;
    let batch = world.pay("one", one("256702345678"), &[]).await;
    let maker = &world.gaba.maker;
    until("the payout to be unknown", || async {
        let (_, now) = maker.get(&format!("/v1/batches/{}", id(&batch))).await;
        (now["counts"]["unknown"] == 1).then_some(())
    })
    .await;
    let cancelled = command(maker, &batch, "cancel", json!({})).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (200, &json!("cancelling")), "{}", cancelled.body);
    // From now on the network would pay whatever it is sent.
    world.network.control(json!({"http": {"error_before": 0}})).await;
    let told = world.exception("overdue").await;
    assert!(told["detail"].as_str().unwrap().contains("cancelled"), "{told}");
    world.settled(&told, "not_paid").await;
    let done = maker.batch_in(id(&batch), &["cancelled"]).await;
    assert_eq!((&done["counts"]["failed"], &done["totals"]["held"]), (&json!(1), &json!("0")), "{done}");
    assert_eq!((world.paid_by_network().await, world.wallet().await), (0, before));
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn the_failed_are_paid_again_when_another_person_says_so() {
    let world = World::start("retry").await;
    let (maker, checker) = (&world.gaba.maker, &world.gaba.checker);
    let refuse = |share: f64| json!({"mtn-momo": {"refuse": share}, "http": {"refuse": share}});
    world.network.control(refuse(1.0)).await;
    let before = world.wallet().await.0;
    let batch = world.settle("six", list(6, 50_000), &[("notify", "true")]).await;
    assert_eq!((&batch["counts"]["failed"], world.wallet().await), (&json!(6), (before, 0)), "{batch}");
    world.network.control(refuse(0.0)).await;

    let path = format!("/v1/batches/{}/retry-failed", id(&batch));
    reply(request(checker, "POST", &path).json(&json!({}))).await.is_problem(400, "invalid_request");
    command(maker, &batch, "retry-failed", json!({})).await.is_problem(403, "forbidden");
    command(checker, &batch, "retry-failed", json!({"rows": [2]})).await.is_problem(400, "invalid_request");
    let nowhere = json!({"id": fresh()});
    command(checker, &nowhere, "retry-failed", json!({})).await.is_problem(404, "not_found");
    let (_, _, stranger) = world.other_organisation();
    command(&stranger, &batch, "retry-failed", json!({})).await.is_problem(404, "not_found");

    let send =
        async || reply(request(checker, "POST", &path).header("Idempotency-Key", "again").json(&json!({}))).await;
    let retried = send().await;
    assert_eq!(retried.status, 202, "{}", retried.body);
    let body = &retried.body;
    assert_eq!(
        (&body["retried"], &body["skipped"], &body["batch"]["state"]),
        (&json!(6), &json!([]), &json!("running"))
    );
    assert_eq!(body["batch"]["totals"]["held"], batch["totals"]["released"]);
    assert_eq!(send().await.body, retried.body, "a repetition finds itself done");
    let done = maker.batch_in(id(&batch), &["completed"]).await;
    assert_eq!((&done["counts"]["paid"], &done["counts"]["failed"]), (&json!(6), &json!(0)), "{done}");
    let totals = &done["totals"];
    assert_eq!(number(&totals["reserved"]), number(&totals["paid"]) + number(&totals["released"]));
    assert_eq!(world.wallet().await, (before - number(&totals["paid"]), 0));
    for payout in maker.all(&format!("/v1/batches/{}/payouts", id(&batch))).await {
        assert_eq!((&payout["attempt"], &payout["reason"]), (&json!(2), &Value::Null), "{payout}");
    }
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;

    let ready = maker.submit_list("unapproved", list(1, 50_000), &[]).await;
    command(checker, &ready, "retry-failed", json!({})).await.is_problem(409, "invalid_state");
}

#[tokio::test]
async fn a_retry_needs_money_for_all_of_them() {
    let world = World::stopped("retry-funds", |toml| toml).await;
    world.gaba.fund("150000", "exactly");
    let mut world = world;
    world.gaba.serve().await;
    world.network.control(json!({"mtn-momo": {"refuse": 1}, "http": {"refuse": 1}})).await;
    let csv = "name,phone,amount\nA,256772345678,50000\nB,256702345678,50000\nC,256772345679,50000\n";
    let batch = world.settle("three", csv.to_owned(), &[]).await;
    world.network.control(json!({"mtn-momo": {"refuse": 0}, "http": {"refuse": 0}})).await;
    world.settle("meanwhile", one("256772345670"), &[]).await;
    let short = command(&world.gaba.checker, &batch, "retry-failed", json!({})).await;
    short.is_problem(409, "insufficient_funds");
    assert_eq!(short.body["needed"], json!({"amount": "150000", "currency": "UGX"}));
    let (_, same) = world.gaba.maker.get(&format!("/v1/batches/{}", id(&batch))).await;
    assert_eq!((&same["state"], &same["counts"]["failed"]), (&json!("completed"), &json!(3)), "{same}");
    world.gaba.fund("50000", "the rest");
    let retried = command(&world.gaba.checker, &batch, "retry-failed", json!({})).await;
    assert_eq!((retried.status, &retried.body["retried"]), (202, &json!(3)), "{}", retried.body);
    assert_eq!(world.gaba.maker.batch_in(id(&batch), &["completed"]).await["counts"]["paid"], 3);
    assert_eq!(world.wallet().await, (0, 0));
    world.books_balance();
}

#[tokio::test]
async fn a_verdict_that_says_too_little_is_refused_and_says_what_is_missing() {
    let world = World::configured("verdicts", impatient).await;
    world.pay("one", one("256772000005"), &[]).await;
    let told = world.exception("overdue").await;
    let path = format!("/v1/exceptions/{}/resolve", id(&told));
    let checker = &world.gaba.checker;
    let long = "x".repeat(2_001);
    for (body, pointer) in [
        (json!({"verdict": "perhaps", "note": "n"}), "/verdict"),
        (json!({"verdict": "paid", "note": "  "}), "/note"),
        (json!({"verdict": "paid", "note": long}), "/note"),
        (json!({"verdict": "paid", "note": "n", "evidence_sha256": "abc"}), "/evidence_sha256"),
        (json!({"verdict": "paid", "note": "n", "evidence_sha256": "g".repeat(64)}), "/evidence_sha256"),
        (
            json!({"verdict": "paid", "note": "n", "provider_transaction_id": "t".repeat(101)}),
            "/provider_transaction_id",
        ),
        (json!({"verdict": "paid", "note": "n", "paid_amount": "49000"}), "/paid_amount"),
        (json!({"verdict": "paid"}), ""),
        (json!({"note": "n"}), ""),
        (json!({"verdict": "paid", "note": "n", "amount": "1"}), ""),
        (json!({"verdict": 1, "note": "n"}), ""),
        (json!([]), ""),
    ] {
        let refused = reply(request(checker, "POST", &path).json(&body)).await;
        refused.is_problem(400, "invalid_request");
        assert_eq!(refused.pointer(), pointer, "{body}: {}", refused.body);
    }
    let plain = request(checker, "POST", &path).header("content-type", "text/plain").body("paid");
    reply(plain).await.is_problem(415, "unsupported_media_type");
    for query in ["?state=shut", "?kind=late", "?verdict=paid", "?limit=0"] {
        let refused = reply(request(checker, "GET", &format!("/v1/exceptions{query}"))).await;
        refused.is_problem(400, "invalid_request");
    }
    let (_, _, stranger) = world.other_organisation();
    say(&stranger, &told, "paid").await.is_problem(404, "not_found");
    for who in [&stranger, checker] {
        let other = if std::ptr::eq(who, checker) { fresh() } else { id(&told).to_owned() };
        reply(request(who, "GET", &format!("/v1/exceptions/{other}"))).await.is_problem(404, "not_found");
    }
    say(checker, &json!({"id": fresh()}), "paid").await.is_problem(404, "not_found");
    let (status, same) = world.gaba.maker.get(&format!("/v1/exceptions/{}", id(&told))).await;
    assert_eq!((status, &same["state"], &same["proposal"]), (200, &json!("open"), &Value::Null), "{same}");
    world.books_balance();
}
