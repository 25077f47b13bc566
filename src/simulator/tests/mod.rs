//! The network as its clients meet it: over HTTP, on a port of its own, with a real hook that takes receipts.

mod book;
mod http;
mod knobs;
mod mtn_momo;
mod receipts;

use super::{Options, SECRET, serve};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(20);
const PAYEE: &str = "256701234567";

struct Net {
    base: String,
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Net {
    async fn start() -> Net {
        Net::with_book(None).await
    }

    async fn with_book(book: Option<PathBuf>) -> Net {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let options = Options { book, ..Options::default() };
        let served = tokio::spawn(serve(listener, options, async { drop(stopped.await) }));
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Net { base, client, stop, served }
    }

    async fn with_knobs(knobs: Value) -> Net {
        let net = Net::start().await;
        net.turn(knobs).await;
        net
    }

    async fn stop(self) -> std::io::Result<()> {
        drop(self.stop);
        self.served.await.unwrap()
    }

    async fn turn(&self, knobs: Value) {
        let answer = self.client.put(self.url("/_control")).json(&knobs).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{text}");
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.client.get(self.url(path)).bearer_auth("any").send().await.unwrap()).await
    }

    /// What the book says of a reference.
    async fn item(&self, reference: Uuid) -> Option<Value> {
        let (_, book) = self.get("/_book?limit=5000").await;
        book["items"].as_array().unwrap().iter().find(|i| i["reference"] == json!(reference)).cloned()
    }

    async fn state(&self, reference: Uuid) -> String {
        let item = self.item(reference).await.expect("the reference is in the book");
        item["state"].as_str().unwrap().to_owned()
    }

    async fn until_state(&self, reference: Uuid, state: &str) {
        let deadline = Instant::now() + DEADLINE;
        while self.state(reference).await != state {
            assert!(Instant::now() < deadline, "{reference} never became {state}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A transfer of rail `http`.
    fn transfer(&self, transfer: &Transfer) -> reqwest::RequestBuilder {
        let key = transfer.reference.to_string();
        self.client
            .post(self.url("/http/transfers"))
            .bearer_auth("any")
            .header("idempotency-key", key)
            .json(&transfer.body())
    }

    async fn pay(&self, transfer: &Transfer) -> (StatusCode, Value) {
        read(self.transfer(transfer).send().await.unwrap()).await
    }
}

#[derive(Clone)]
struct Transfer {
    reference: Uuid,
    payout_id: Uuid,
    msisdn: String,
    amount: String,
    callback_url: Option<String>,
}

impl Transfer {
    fn new() -> Transfer {
        Transfer {
            reference: Uuid::new_v4(),
            payout_id: Uuid::new_v4(),
            msisdn: PAYEE.into(),
            amount: "50000".into(),
            callback_url: None,
        }
    }

    fn to(msisdn: &str) -> Transfer {
        Transfer { msisdn: msisdn.into(), ..Transfer::new() }
    }

    fn telling(hook: &Hook) -> Transfer {
        Transfer { callback_url: Some(hook.url("/hooks/airtel-ug")), ..Transfer::new() }
    }

    fn body(&self) -> Value {
        json!({"reference": self.reference, "payout_id": self.payout_id, "msisdn": self.msisdn, "amount": self.amount,
               "currency": "UGX", "narration": "March payroll", "callback_url": self.callback_url})
    }
}

async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The client's side: takes whatever is posted.
struct Hook {
    base: String,
    inbox: mpsc::UnboundedReceiver<Receipt>,
}

#[derive(Debug)]
struct Receipt {
    method: Method,
    path: String,
    headers: HeaderMap,
    raw: Bytes,
    body: Value,
}

impl Hook {
    async fn open() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Hook::on(listener)
    }

    fn on(listener: TcpListener) -> Hook {
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (out, inbox) = mpsc::unbounded_channel();
        let take = move |method: Method, uri: Uri, headers: HeaderMap, raw: Bytes| {
            let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
            drop(out.send(Receipt { method, path: uri.path().to_owned(), headers, raw, body }));
            async { "" }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
        Hook { base, inbox }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn next(&mut self) -> Receipt {
        let next = tokio::time::timeout(DEADLINE, self.inbox.recv()).await;
        next.expect("a receipt comes in time").expect("the hook is open")
    }
}

impl Receipt {
    /// Whether the published verifier of Standard Webhooks takes it.
    fn verifies(&self) -> bool {
        standardwebhooks::Webhook::new(SECRET).unwrap().verify(&self.raw, &self.headers).is_ok()
    }
}
