//! What the rails' own tests share: lanes, and servers as crude as a test needs.

use super::{RailContext, RawReceipt};
use crate::clock::Time;
use crate::config::{Config, LaneConfig};
use secrecy::SecretString;
use std::sync::Arc;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

pub const SECRET: &str = "whsec_Z2FiYS10ZXN0LXNlY3JldC1vZi0zMi1ieXRlcy0hISE=";
pub const REFERENCE: Uuid = Uuid::from_u128(0x1f0c_5a7e_52a1_4c3b_9d2e_6b7a_8c9d_0e1f);
pub const PAYOUT: Uuid = Uuid::from_u128(0x77);

pub fn lane(rail: &str, base_url: &str) -> LaneConfig {
    let text = format!(
        "[[lanes]]\nname = \"test-lane\"\nrail = \"{rail}\"\nbase_url = \"{base_url}\"\ncurrency = \"UGX\"\n\
         prefixes = [\"25677\"]\ntarget_environment = \"mtnuganda\"\napi_user = \"user\"\nsender = \"GABA\"\n"
    );
    let mut lane = Config::parse(&text).unwrap().lanes.remove(0);
    lane.secrets.secret = Some(SecretString::from(SECRET));
    lane.secrets.api_key = Some(SecretString::from("the-api-key"));
    lane.secrets.subscription_key = Some(SecretString::from("the-subscription-key"));
    lane
}

pub fn context() -> RailContext {
    RailContext { public_url: "https://gaba.example".into(), capability_key: Arc::new([7; 32]) }
}

pub fn receipt(body: impl Into<Vec<u8>>) -> RawReceipt {
    RawReceipt {
        token_reference: None,
        headers: Vec::new(),
        body: body.into(),
        received_at: Time(1_763_715_600_000_000),
    }
}

/// Reads one whole request; `None` when the client closed instead.
pub async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

pub fn http_answer(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A server that answers each request as `script` says (`None`: closes the connection) and keeps what it was asked.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start(script: impl Fn(&str) -> Option<(u16, String)> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, seen) = (Arc::new(script), requests.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (script, seen) = (script.clone(), seen.clone());
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        let answer = script(&request);
                        seen.lock().unwrap().push(request);
                        let Some((status, body)) = answer else { return };
                        if stream.write_all(http_answer(status, &body).as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Server { url, requests }
    }

    /// The requests so far whose first line begins so.
    pub fn requests(&self, begins: &str) -> Vec<String> {
        self.requests.lock().unwrap().iter().filter(|r| r.starts_with(begins)).cloned().collect()
    }
}
