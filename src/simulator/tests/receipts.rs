use super::*;

async fn set(knobs: Value) -> (Net, Hook) {
    (Net::with_knobs(json!({"http": knobs})).await, Hook::open().await)
}

#[tokio::test]
async fn an_early_receipt_is_there_before_the_answer() {
    let (net, mut hook) = set(json!({"receipt_early": 1, "settle_ms": 60_000})).await;
    let transfer = Transfer::telling(&hook);
    assert_eq!(net.pay(&transfer).await.0, 202);
    let receipt = hook.inbox.try_recv().expect("posted before the answer");
    assert_eq!(receipt.body["status"], "success");
}

#[tokio::test]
async fn a_lost_receipt_never_comes() {
    let (net, mut hook) = set(json!({"receipt_lost": 1})).await;
    net.pay(&Transfer::telling(&hook)).await;
    net.turn(json!({"http": {"receipt_lost": 0}})).await;
    let told = Transfer::telling(&hook);
    net.pay(&told).await;
    assert_eq!(hook.next().await.body["reference"], json!(told.reference));
    assert_eq!(net.get("/_book/summary").await.1["receipts"]["waiting"], 0);
}

#[tokio::test]
async fn doubled_receipts_are_two_to_four_and_all_true() {
    let (net, mut hook) = set(json!({"receipt_double": 1})).await;
    let mut most = 0;
    for _ in 0..12 {
        let transfer = Transfer::telling(&hook);
        net.pay(&transfer).await;
        let receipts = [hook.next().await, hook.next().await];
        assert!(receipts.iter().all(|r| r.verifies() && r.body["reference"] == json!(transfer.reference)));
        let mut copies = 2;
        while net.get("/_book/summary").await.1["receipts"]["waiting"] != 0 {
            tokio::task::yield_now().await;
        }
        while hook.inbox.try_recv().is_ok() {
            copies += 1;
        }
        most = most.max(copies);
        assert!(copies <= 4);
    }
    assert!(most > 2);
}

#[tokio::test]
async fn late_receipts_overtake_each_other() {
    let (net, mut hook) = set(json!({"receipt_late_ms": 400})).await;
    let mut sent = Vec::new();
    for _ in 0..12 {
        let transfer = Transfer::telling(&hook);
        net.pay(&transfer).await;
        sent.push(json!(transfer.reference));
    }
    let mut came = Vec::new();
    for _ in &sent {
        came.push(hook.next().await.body["reference"].clone());
    }
    assert_ne!(came, sent);
    assert!(sent.iter().all(|reference| came.contains(reference)));
}

#[tokio::test]
async fn of_a_true_and_a_forged_receipt_exactly_one_verifies() {
    let (net, mut hook) = set(json!({"receipt_forged": 1})).await;
    for _ in 0..16 {
        net.pay(&Transfer::telling(&hook)).await;
        let both = [hook.next().await, hook.next().await];
        let (verified, forged): (Vec<_>, Vec<_>) = both.iter().partition(|r| r.verifies());
        assert_eq!((verified.len(), forged.len()), (1, 1));
        assert_eq!(verified[0].body["status"], "success");
    }
    let endless = Transfer { msisdn: "256701000005".into(), ..Transfer::telling(&hook) };
    net.pay(&endless).await;
    assert!(!hook.next().await.verifies(), "what never settles is lied about too");
}

#[tokio::test]
async fn a_mismatched_receipt_verifies_and_names_another_amount() {
    let (net, mut hook) = set(json!({"receipt_mismatch": 1})).await;
    net.pay(&Transfer::telling(&hook)).await;
    let both = [hook.next().await, hook.next().await];
    assert!(both.iter().all(Receipt::verifies));
    let mut amounts = both.map(|r| r.body["amount"].as_str().unwrap().to_owned());
    amounts.sort_unstable();
    assert_eq!(amounts, ["50000", "950000"]);
}

#[tokio::test]
async fn a_receipt_comes_also_after_a_5xx_and_a_client_that_went_away() {
    let (net, mut hook) = set(json!({"error_after": 1})).await;
    let transfer = Transfer::telling(&hook);
    assert!(net.pay(&transfer).await.0.is_server_error());
    assert_eq!(hook.next().await.body["reference"], json!(transfer.reference));
    net.turn(json!({"http": {"error_after": 0, "timeout_after": 1}})).await;
    let transfer = Transfer::telling(&hook);
    net.transfer(&transfer).timeout(Duration::from_millis(300)).send().await.unwrap_err();
    assert_eq!(hook.next().await.body["reference"], json!(transfer.reference));
}

#[tokio::test]
async fn a_receipt_is_tried_again_until_somebody_listens_and_given_up_in_the_end() {
    let net = Net::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let callback_url = Some(format!("http://{address}/hooks/airtel-ug"));
    let transfer = Transfer { callback_url, ..Transfer::new() };
    net.pay(&transfer).await;
    net.until_state(transfer.reference, "paid").await;
    let mut hook = Hook::on(TcpListener::bind(address).await.unwrap());
    assert_eq!(hook.next().await.body["reference"], json!(transfer.reference));

    let nobody = Transfer { callback_url: Some("http://127.0.0.1:9/hook".into()), ..Transfer::new() };
    net.pay(&nobody).await;
    let deadline = Instant::now() + DEADLINE;
    while net.get("/_book/summary").await.1["receipts"]["lost"] != 1 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_settles_late_is_pending_first_and_told_when_it_is_done() {
    let (net, mut hook) = set(json!({"settle_ms": 400})).await;
    let transfer = Transfer::telling(&hook);
    net.pay(&transfer).await;
    let (_, again) = net.pay(&transfer).await;
    assert_eq!(again["status"], "pending");
    assert_eq!(hook.next().await.body["status"], "success");
    assert_eq!(net.state(transfer.reference).await, "paid");
}

#[tokio::test]
async fn so_many_receipts_come_as_are_asked_for() {
    let (net, mut hook) = set(json!({"receipt_copies": 7})).await;
    let transfer = Transfer::telling(&hook);
    net.pay(&transfer).await;
    for _ in 0..7 {
        assert_eq!(hook.next().await.body["reference"], json!(transfer.reference));
    }
    let deadline = Instant::now() + DEADLINE;
    while net.get("/_book/summary").await.1["receipts"]["waiting"] != 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(net.get("/_book/summary").await.1["receipts"]["posted"], 7);
}
