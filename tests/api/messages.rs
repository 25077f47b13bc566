//! Messages: the paid are told, once each; nobody else is told anything.

use super::*;
use crate::support::{judge, list, until};
use std::collections::BTreeMap;

#[tokio::test]
async fn every_paid_recipient_is_told_exactly_once() {
    let world = World::start("notify").await;
    let twice = json!({"receipt_double": 1});
    world.network.control(json!({"sms-http": twice, "mtn-momo": twice, "http": twice})).await;
    let maker = &world.gaba.maker;
    let csv = format!("{}Okot,256700000001,90000,F\n", list(20, 50_000));
    let template = "Dear ((name)), ((amount)) is yours. ((batch))";
    let batch = world.settle("payroll", csv, &[("notify", "true"), ("sms_template", template)]).await;
    assert_eq!((&batch["counts"]["paid"], &batch["counts"]["failed"]), (&json!(20), &json!(1)), "{batch}");
    let path = format!("/v1/batches/{}/messages", id(&batch));
    until("every message to be delivered", || async {
        let delivered = maker.all(&format!("{path}?state=delivered")).await;
        (delivered.len() == 20).then_some(())
    })
    .await;
    let messages = maker.all(&path).await;
    assert_eq!(messages.len(), 20, "nobody else gets one");
    let paid = maker.all(&format!("/v1/batches/{}/payouts?state=paid", id(&batch))).await;
    let told: BTreeMap<u64, &Value> = messages.iter().map(|m| (m["row"].as_u64().unwrap(), m)).collect();
    for payout in &paid {
        let message = told[&payout["row"].as_u64().unwrap()];
        assert_eq!((&message["msisdn"], &message["state"]), (&payout["msisdn"], &json!("delivered")));
        let text = message["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("Dear {}, UGX ", payout["name"].as_str().unwrap())), "{text}");
        assert!(text.ends_with("is yours. payroll"), "{text}");
    }
    let (status, one) = maker.get(&format!("/v1/messages/{}", id(&messages[0]))).await;
    assert_eq!((status, &one), (200, &messages[0]));
    let book = world.network.book().await;
    let mut sent: Vec<&str> =
        book.iter().filter(|e| e["rail"] == "sms-http").map(|e| e["msisdn"].as_str().unwrap()).collect();
    assert_eq!(sent.len(), 20, "the gateway was asked once for each");
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), 20);
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}

#[tokio::test]
async fn nobody_is_told_unless_it_was_asked_for() {
    let world = World::start("silent").await;
    let batch = world.settle("payroll", list(4, 50_000), &[]).await;
    let told = world.settle("told", list(1, 70_000).replace("R0", "T0"), &[("notify", "true")]).await;
    let maker = &world.gaba.maker;
    until("the other batch's message", || async {
        let delivered = maker.all(&format!("/v1/batches/{}/messages?state=delivered", id(&told))).await;
        (delivered.len() == 1).then_some(())
    })
    .await;
    assert_eq!(maker.all(&format!("/v1/batches/{}/messages", id(&batch))).await.len(), 0);
    assert_eq!(world.network.book().await.iter().filter(|e| e["rail"] == "sms-http").count(), 1);
}

#[tokio::test]
async fn a_message_that_may_have_gone_out_is_never_sent_again() {
    let world = World::start("sms-faults").await;
    world.network.control(json!({"sms-http": {"error_after": 0.5, "receipt_lost": 0.5, "seed": 7}})).await;
    let batch = world.settle("payroll", list(16, 50_000), &[("notify", "true")]).await;
    let path = format!("/v1/batches/{}/messages", id(&batch));
    let maker = &world.gaba.maker;
    let messages = until("every message to be on its way", || async {
        let messages = maker.all(&path).await;
        let gone = |m: &Value| matches!(m["state"].as_str(), Some("submitted" | "delivered" | "unknown"));
        (messages.len() == 16 && messages.iter().all(gone)).then_some(messages)
    })
    .await;
    assert!(messages.iter().any(|m| m["state"] == "unknown"), "{messages:?}");
    judge::at_rest(&world.gaba, &world.network, &[id(&batch)]).await;
}
