use super::*;

#[tokio::test]
async fn a_transfer_is_accepted_paid_and_told_with_a_valid_signature() {
    let (net, mut hook) = (Net::start().await, Hook::open().await);
    let transfer = Transfer::telling(&hook);
    let (status, answer) = net.pay(&transfer).await;
    assert_eq!((status, &answer["status"]), (StatusCode::ACCEPTED, &json!("pending")));
    assert_eq!(answer["reference"], json!(transfer.reference));
    let receipt = hook.next().await;
    assert!(receipt.verifies());
    assert_eq!((&receipt.method, receipt.path.as_str()), (&Method::POST, "/hooks/airtel-ug"));
    let (_, found) = net.get(&format!("/http/transfers/{}", transfer.reference)).await;
    let expected = json!({"reference": transfer.reference, "payout_id": transfer.payout_id, "status": "success",
        "transaction_id": found["transaction_id"], "msisdn": PAYEE, "amount": "50000", "currency": "UGX", "code": null,
        "message": null});
    assert_eq!(receipt.body, expected);
    assert!(found["transaction_id"].is_string());
}

#[tokio::test]
async fn the_same_key_answers_with_the_present_state_and_another_body_conflicts() {
    let net = Net::start().await;
    let transfer = Transfer::new();
    assert_eq!(net.pay(&transfer).await.0, 202);
    let (status, again) = net.pay(&transfer).await;
    assert_eq!((status, &again["status"]), (StatusCode::OK, &json!("success")));
    assert_eq!(
        (&again["msisdn"], &again["amount"], &again["currency"]),
        (&json!(PAYEE), &json!("50000"), &json!("UGX"))
    );
    let (status, answer) = net.pay(&Transfer { amount: "60000".into(), ..transfer }).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("DUPLICATE_REFERENCE")));
    assert_eq!(net.get("/_book/summary").await.1["rails"], json!({"http": {"paid": 1}}));
}

#[tokio::test]
async fn two_references_of_one_payout_are_two_payments_and_the_summary_tells() {
    let net = Net::start().await;
    let first = Transfer::new();
    let second = Transfer { reference: Uuid::new_v4(), ..first.clone() };
    for transfer in [&first, &second, &Transfer::new(), &first] {
        net.pay(transfer).await;
    }
    let (_, summary) = net.get("/_book/summary").await;
    assert_eq!((&summary["payouts_paid"], &summary["payouts_paid_twice"]), (&json!(2), &json!(1)));
    assert_eq!(summary["paid_twice"], json!([first.payout_id]));
}

#[tokio::test]
async fn numbers_with_an_ending_of_their_own_end_so() {
    let net = Net::start().await;
    let ends =
        [("000001", "PAYEE_NOT_FOUND"), ("000002", "PAYEE_BARRED"), ("000003", "LIMIT_REACHED"), ("000004", "EXPIRED")];
    for (ending, code) in ends {
        let transfer = Transfer::to(&format!("256701{ending}"));
        assert_eq!(net.pay(&transfer).await.0, 202);
        let (status, found) = net.get(&format!("/http/transfers/{}", transfer.reference)).await;
        assert_eq!((status, &found["status"], &found["code"]), (StatusCode::OK, &json!("failed"), &json!(code)));
        assert_eq!(net.item(transfer.reference).await.unwrap()["code"], code);
    }
    let endless = Transfer::to("256701000005");
    assert_eq!(net.pay(&endless).await.0, 202);
    let (status, found) = net.get(&format!("/http/transfers/{}", endless.reference)).await;
    assert_eq!((status, &found["status"]), (StatusCode::OK, &json!("pending")));
}

#[tokio::test]
async fn what_is_refused_says_why_and_is_noted_as_seen() {
    let net = Net::start().await;
    let refused = [
        (Transfer::to("0701234567"), 422, "INVALID_MSISDN"),
        (Transfer { amount: "0".into(), ..Transfer::new() }, 422, "INVALID_AMOUNT"),
        (Transfer { amount: "10.5".into(), ..Transfer::new() }, 422, "INVALID_AMOUNT"),
        (Transfer { callback_url: Some("ftp://x/y".into()), ..Transfer::new() }, 400, "INVALID_REQUEST"),
    ];
    for (transfer, status, code) in refused {
        let (answered, answer) = net.pay(&transfer).await;
        assert_eq!((answered.as_u16(), &answer["code"]), (status, &json!(code)));
        assert_eq!(net.state(transfer.reference).await, "seen");
    }
    let transfer = Transfer::new();
    let wrong = net.transfer(&transfer).header("authorization", "Bearer wrong");
    let wrong = net.client.execute({
        let mut request = wrong.build().unwrap();
        request.headers_mut().insert("authorization", "Bearer wrong".parse().unwrap());
        request
    });
    assert_eq!(wrong.await.unwrap().status(), 401);
    assert_eq!(net.state(transfer.reference).await, "seen");
    let (status, answer) = net.get(&format!("/http/transfers/{}", transfer.reference)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("NOT_FOUND")));
    let keyless = net.client.post(net.url("/http/transfers")).bearer_auth("any").json(&transfer.body());
    assert_eq!(keyless.send().await.unwrap().status(), 400);
    let large = net.client.post(net.url("/http/transfers")).bearer_auth("any").body("x".repeat(70_000));
    assert_eq!(large.send().await.unwrap().status(), 413);
}

fn message(net: &Net, id: Uuid, to: &str, text: &str, hook: &Hook) -> reqwest::RequestBuilder {
    net.client
        .post(net.url("/sms-http/messages"))
        .bearer_auth("any")
        .header("idempotency-key", id.to_string())
        .json(&json!({"id": id, "to": to, "from": "GABA", "text": text, "callback_url": hook.url("/hooks/blasta")}))
}

#[tokio::test]
async fn a_message_is_submitted_once_and_its_delivery_told() {
    let (net, mut hook) = (Net::start().await, Hook::open().await);
    for (to, end) in [(PAYEE, "delivered"), ("256701000001", "undelivered")] {
        let id = Uuid::new_v4();
        let (status, first) = read(message(&net, id, to, "paid", &hook).send().await.unwrap()).await;
        assert_eq!((status, &first["status"]), (StatusCode::ACCEPTED, &json!("submitted")));
        assert_eq!(read(message(&net, id, to, "paid", &hook).send().await.unwrap()).await.1, first);
        assert_eq!(message(&net, id, to, "other", &hook).send().await.unwrap().status(), 409);
        let receipt = hook.next().await;
        assert!(receipt.verifies());
        assert_eq!((&receipt.body["id"], &receipt.body["status"]), (&json!(id), &json!(end)));
        assert_eq!(receipt.body["gateway_id"], first["id"]);
        let item = net.item(id).await.unwrap();
        assert_eq!((&item["rail"], &item["state"], &item["text"]), (&json!("sms-http"), &json!(end), &json!("paid")));
        assert_eq!(item["msisdn"], to);
    }
    let id = Uuid::new_v4();
    for _ in 0..2 {
        assert_eq!(message(&net, id, "256701000002", "paid", &hook).send().await.unwrap().status(), 422);
    }
    assert_eq!(net.state(id).await, "rejected");
    assert_eq!(net.get("/_book/summary").await.1["payouts_paid"], 0, "a message is no payment");
}
