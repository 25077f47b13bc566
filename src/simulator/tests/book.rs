use super::*;
use std::fs;
use std::path::Path;

/// A file of its own, removed when the test is over.
struct BookFile(PathBuf);

impl BookFile {
    fn new() -> BookFile {
        BookFile(std::env::temp_dir().join(format!("gaba-book-{}.jsonl", Uuid::new_v4())))
    }

    async fn serve(&self) -> Net {
        Net::with_book(Some(self.0.clone())).await
    }

    /// What a crash at this moment would leave: the file as it is, under another name.
    fn as_crashed(&self) -> BookFile {
        let copy = BookFile::new();
        fs::copy(&self.0, &copy.0).unwrap();
        copy
    }
}

impl Drop for BookFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

async fn items(net: &Net) -> Value {
    net.get("/_book").await.1["items"].clone()
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[tokio::test]
async fn what_was_answered_is_in_the_file_and_comes_back() {
    let file = BookFile::new();
    let net = file.serve().await;
    let (paid, failed, seen) = (Transfer::new(), Transfer::to("256701000001"), Transfer::to("0"));
    for transfer in [&paid, &failed, &seen] {
        net.pay(transfer).await;
    }
    let swallowed = Transfer::new();
    net.turn(json!({"http": {"error_before": 1}})).await;
    assert!(net.pay(&swallowed).await.0.is_server_error());
    let before = items(&net).await;
    let crashed = file.as_crashed();
    net.stop().await.unwrap();

    let net = crashed.serve().await;
    assert_eq!(items(&net).await, before);
    assert!(before[0]["paid_at"].is_string() && before[1]["paid_at"].is_null());
    assert_eq!((&before[3]["state"], &before[3]["amount"]), (&json!("seen"), &json!("50000")));
    let (status, again) = net.pay(&paid).await;
    assert_eq!((status, &again["status"]), (StatusCode::OK, &json!("success")));
    assert_eq!(again["transaction_id"], before[0]["transaction_id"]);
    assert_eq!(net.pay(&Transfer { amount: "1".into(), ..paid.clone() }).await.0, 409);
    assert_eq!(net.get("/_book/summary").await.1["rails"], json!({"http": {"paid": 1, "failed": 1, "seen": 2}}));
}

#[tokio::test]
async fn a_torn_last_line_is_dropped_and_written_over() {
    let file = BookFile::new();
    let net = file.serve().await;
    let (kept, next) = (Transfer::new(), Transfer::new());
    net.pay(&kept).await;
    net.stop().await.unwrap();
    let whole = fs::read(&file.0).unwrap();
    for torn in [&whole[..whole.len() / 2], b"\0\0\0\0\n", &whole[..whole.len() - 1]] {
        append(&file.0, torn);
        let net = file.serve().await;
        assert_eq!(items(&net).await.as_array().unwrap().len(), 1);
        net.stop().await.unwrap();
        assert_eq!(fs::read(&file.0).unwrap(), whole);
    }
    append(&file.0, b"{\"torn\":");
    let net = file.serve().await;
    net.pay(&next).await;
    net.stop().await.unwrap();
    let net = file.serve().await;
    assert_eq!(net.state(next.reference).await, "paid");
    assert_eq!(net.state(kept.reference).await, "paid");
}

#[tokio::test]
async fn a_broken_line_in_the_middle_or_a_second_network_refuses_the_start() {
    let file = BookFile::new();
    let net = file.serve().await;
    net.pay(&Transfer::new()).await;
    let error = file.serve().await.served.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    net.stop().await.unwrap();
    let whole = fs::read(&file.0).unwrap();
    append(&file.0, b"nonsense\n");
    append(&file.0, &whole);
    let error = file.serve().await.served.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[tokio::test]
async fn what_was_pending_at_a_crash_is_settled_and_told_after_the_replay() {
    let (file, mut hook) = (BookFile::new(), Hook::open().await);
    let net = file.serve().await;
    net.turn(json!({"http": {"settle_ms": 1500}})).await;
    let transfer = Transfer::telling(&hook);
    net.pay(&transfer).await;
    let crashed = file.as_crashed();
    net.stop().await.unwrap();
    assert!(hook.inbox.try_recv().is_err());

    let net = crashed.serve().await;
    assert_eq!(net.state(transfer.reference).await, "pending");
    net.until_state(transfer.reference, "paid").await;
    assert_eq!(hook.next().await.body["status"], "success");
}

#[tokio::test]
async fn a_thousand_at_once_share_their_syncs_and_are_all_in_the_file() {
    let file = BookFile::new();
    let net = file.serve().await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        calls.spawn(net.transfer(&Transfer::new()).send());
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), 202);
    }
    let crashed = file.as_crashed();
    net.stop().await.unwrap();
    let net = crashed.serve().await;
    assert_eq!(net.get("/_book/summary").await.1["payouts_paid"], 1000);
}

#[tokio::test]
async fn the_book_is_listed_page_by_page_in_the_order_of_arrival() {
    let net = Net::start().await;
    let transfers: Vec<_> = (0..7).map(|_| Transfer::new()).collect();
    for transfer in &transfers {
        net.pay(transfer).await;
        net.pay(transfer).await;
    }
    let (mut listed, mut cursor) = (Vec::new(), Some("0".to_owned()));
    while let Some(from) = cursor {
        let (_, page) = net.get(&format!("/_book?limit=3&cursor={from}")).await;
        listed.extend(page["items"].as_array().unwrap().iter().map(|i| i["reference"].clone()));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(listed, transfers.iter().map(|t| json!(t.reference)).collect::<Vec<_>>());
    for query in ["limit=0", "limit=5001", "limit=x", "cursor=-1"] {
        assert_eq!(net.get(&format!("/_book?{query}")).await.0, 400, "{query}");
    }
    assert_eq!(net.get("/_book?cursor=99999").await.1, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn a_secret_that_is_none_refuses_the_start() {
    for secret in ["", "whsec_", "whsec_c2hvcnQ=", "Z2FiYS1zaW11bGF0ZWQtbmV0d29yay1zZWNyZXQtMDE="] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options { secret: secret.into(), ..Options::default() };
        let error = serve(listener, options, std::future::pending()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
}
