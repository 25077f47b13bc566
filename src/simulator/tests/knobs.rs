use super::*;
use crate::simulator::numbers;
use std::collections::HashSet;

/// Short enough to wait for, long enough that a healthy answer is never mistaken.
const IMPATIENT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn knobs_merge_and_what_is_unknown_or_out_of_range_changes_nothing() {
    let net = Net::with_knobs(json!({"http": {"slow_ms": 1, "error_after": true}, "mtn-momo": {"seed": 7}})).await;
    net.turn(json!({"http": {"error_after": 0.25, "float": "12.50"}})).await;
    let before = net.get("/_control").await.1;
    assert_eq!(before["http"]["slow_ms"], 1);
    assert_eq!(before["http"]["error_after"], 0.25);
    assert_eq!(before["http"]["float"], "12.50");
    assert_eq!(before["mtn-momo"]["seed"], 7);
    let wrong = [
        (json!({"https": {}}), "unknown rail"),
        (json!({"http": {"slow": 1}}), "unknown knob"),
        (json!({"http": {"slow_ms": 2}, "mtn-momo": {"error_before": 1.5}}), "error_before"),
        (json!({"http": {"slow_ms": -1}}), "slow_ms"),
        (json!({"http": {"float": 5}}), "float"),
        (json!({"http": {"float": "-5"}}), "float"),
        (json!({"http": {"rate_per_second": 0}}), "rate_per_second"),
        (json!({"http": 1}), "the body has to be"),
        (json!([]), "the body has to be"),
    ];
    for (knobs, hint) in wrong {
        let (status, answer) = read(net.client.put(net.url("/_control")).json(&knobs).send().await.unwrap()).await;
        assert_eq!(status, 400, "{knobs}");
        assert!(answer["message"].as_str().unwrap().contains(hint), "{answer}");
    }
    assert_eq!(net.get("/_control").await.1, before);
}

#[tokio::test]
async fn an_error_before_is_seen_but_not_taken_and_one_after_is_paid() {
    let net = Net::with_knobs(json!({"http": {"error_before": 1}})).await;
    let mut flavours = HashSet::new();
    let transfers: Vec<_> = (0..24).map(|_| Transfer::new()).collect();
    for transfer in &transfers {
        let (status, _) = net.pay(transfer).await;
        assert!(status.is_server_error());
        flavours.insert(status.as_u16());
    }
    assert_eq!(flavours, HashSet::from([500, 502, 503]));
    let transfer = &transfers[0];
    assert_eq!(net.state(transfer.reference).await, "seen");
    assert_eq!(net.get(&format!("/http/transfers/{}", transfer.reference)).await.0, 404);
    net.turn(json!({"http": {"error_before": 0, "error_after": 1}})).await;
    assert!(net.pay(transfer).await.0.is_server_error());
    assert_eq!(net.state(transfer.reference).await, "paid");
    net.turn(json!({"http": {"error_after": 0}})).await;
    assert_eq!(net.pay(transfer).await.0, 200);
}

#[tokio::test]
async fn a_timeout_before_is_not_taken_and_one_after_is_paid() {
    let net = Net::with_knobs(json!({"http": {"timeout_before": 1}, "mtn-momo": {"timeout_after": 1}})).await;
    let transfer = Transfer::new();
    assert!(net.transfer(&transfer).timeout(IMPATIENT).send().await.unwrap_err().is_timeout());
    assert_eq!(net.state(transfer.reference).await, "seen");
    net.turn(json!({"http": {"timeout_before": 0, "timeout_after": 1}})).await;
    assert!(net.transfer(&transfer).timeout(IMPATIENT).send().await.unwrap_err().is_timeout());
    assert_eq!(net.state(transfer.reference).await, "paid");
}

#[tokio::test]
async fn a_call_that_hangs_is_cut_off_unanswered_when_the_network_stops() {
    let net = Net::with_knobs(json!({"http": {"timeout_after": 1}})).await;
    let transfer = Transfer::new();
    let hanging = tokio::spawn(net.transfer(&transfer).send());
    let deadline = Instant::now() + DEADLINE;
    while net.item(transfer.reference).await.is_none() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    net.stop().await.unwrap();
    let error = hanging.await.unwrap().unwrap_err();
    assert!(!error.is_timeout() && !error.is_connect());
}

#[tokio::test]
async fn slow_is_slow_and_sync_tells_the_end_at_once() {
    let net = Net::with_knobs(json!({"http": {"slow_ms": 120, "sync": 1}})).await;
    let begun = Instant::now();
    let (status, answer) = net.pay(&Transfer::new()).await;
    assert!(begun.elapsed() >= Duration::from_millis(120));
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("success")));
    let (status, answer) = net.pay(&Transfer::to("256701000002")).await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("failed")));
    assert_eq!(answer["code"], "PAYEE_BARRED");
    assert_eq!(net.pay(&Transfer::to("256701000005")).await.0, 202);
}

#[tokio::test]
async fn refuse_fails_for_good() {
    let net = Net::with_knobs(json!({"http": {"refuse": 1}})).await;
    let transfer = Transfer::new();
    assert_eq!(net.pay(&transfer).await.0, 202);
    let item = net.item(transfer.reference).await.unwrap();
    assert_eq!((&item["state"], &item["code"]), (&json!("failed"), &json!("NOT_ALLOWED")));
    net.turn(json!({"http": {"refuse": 0}})).await;
    assert_eq!(net.pay(&transfer).await.1["status"], "failed", "a refused reference never pays");
}

#[tokio::test]
async fn the_float_runs_out_and_can_be_topped_up() {
    let net = Net::with_knobs(json!({"http": {"float": "60000"}})).await;
    let (first, second) = (Transfer::new(), Transfer::new());
    for transfer in [&first, &second] {
        net.pay(transfer).await;
    }
    assert_eq!(net.state(first.reference).await, "paid");
    assert_eq!(net.item(second.reference).await.unwrap()["code"], "INSUFFICIENT_FLOAT");
    assert_eq!(net.get("/http/balance").await.1, json!({"available": "10000", "currency": "UGX"}));
    net.turn(json!({"http": {"slow_ms": 0}})).await;
    assert_eq!(net.get("/_control").await.1["http"]["float"], "10000", "turning another knob fills nothing up");
    net.turn(json!({"http": {"float": null}})).await;
    let third = Transfer::new();
    net.pay(&third).await;
    assert_eq!(net.state(third.reference).await, "paid");
}

#[tokio::test]
async fn above_the_rate_is_a_429_that_pays_nothing() {
    let net = Net::with_knobs(json!({"http": {"rate_per_second": 1}})).await;
    let mut limited = None;
    for _ in 0..50 {
        let transfer = Transfer::new();
        let answer = net.transfer(&transfer).send().await.unwrap();
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "1");
            limited = Some(transfer);
            break;
        }
    }
    let limited = limited.expect("50 calls do not take 50 seconds");
    assert_eq!(net.state(limited.reference).await, "seen");
    net.turn(json!({"http": {"rate_per_second": null}})).await;
    assert_eq!(net.pay(&limited).await.0, 202);
}

#[tokio::test]
async fn the_same_seed_draws_the_same_faults() {
    let transfers: Vec<_> = (0..48).map(|_| Transfer::new()).collect();
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let net = Net::with_knobs(json!({"http": {"error_before": 0.3, "error_after": 0.3, "seed": seed}})).await;
        let mut statuses = Vec::new();
        for transfer in &transfers {
            statuses.push(net.pay(transfer).await.0.as_u16());
        }
        assert!(statuses.contains(&202) && statuses.iter().any(|s| *s >= 500));
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[test]
fn an_msisdn_is_e164_without_plus() {
    for (text, is) in [(PAYEE, true), ("+256701234567", false), ("0701234567", false), ("2567", false), ("", false)] {
        assert_eq!(numbers::is_msisdn(text), is, "{text}");
    }
}

#[tokio::test]
async fn a_barred_account_gets_nothing_but_a_403_and_leaves_no_trace() {
    let net = Net::with_knobs(json!({"http": {"barred": true}})).await;
    let transfer = Transfer::new();
    let (status, answer) = net.pay(&transfer).await;
    assert_eq!((status.as_u16(), answer["code"].as_str()), (403, Some("FORBIDDEN")));
    assert_eq!(net.get(&format!("/http/transfers/{}", transfer.reference)).await.0, 403);
    assert!(net.item(transfer.reference).await.is_none());
    net.turn(json!({"http": {"barred": false}})).await;
    assert!(net.pay(&transfer).await.0.is_success());
    net.pay(&transfer).await;
    assert_eq!(net.get("/_book/summary").await.1["calls"]["http"], 2);
}
