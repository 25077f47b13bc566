//! The HTTP API as a user's program calls it.

use crate::cli::Failure;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Between two pieces of an answer.
const READ_TIME_MAX: Duration = Duration::from_secs(60);

pub struct Api {
    pub url: String,
    client: reqwest::Client,
}

impl Api {
    pub fn new(url: String) -> Result<Api, Failure> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIME_MAX)
            .read_timeout(READ_TIME_MAX)
            .build()
            .map_err(|error| Failure::new(format!("no HTTP client can be made: {error}")))?;
        Ok(Api { url, client })
    }

    pub async fn get(&self, key: &str, path: &str) -> Result<Value, Failure> {
        json(self.send(path, self.client.get(self.at(path)).bearer_auth(key)).await?).await
    }

    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client.post(self.at(path)).bearer_auth(key).header("idempotency-key", fresh_key());
        json(self.send(path, request.json(body)).await?).await
    }

    /// Uploads a list whose paid recipients are told by SMS.
    pub async fn upload(&self, key: &str, name: &str, file_name: &str, file: Vec<u8>) -> Result<Value, Failure> {
        let form = Form::new()
            .text("name", name.to_owned())
            .text("kind", "payout")
            .text("currency", "UGX")
            .text("notify", "true")
            .part("file", Part::bytes(file).file_name(file_name.to_owned()));
        let path = "/v1/batches";
        let request = self.client.post(self.at(path)).bearer_auth(key).header("idempotency-key", fresh_key());
        json(self.send(path, request.multipart(form)).await?).await
    }

    /// Writes an answer to a file, piece by piece.
    pub async fn download(&self, key: &str, path: &str, to: &Path) -> Result<(), Failure> {
        let mut response = self.send(path, self.client.get(self.at(path)).bearer_auth(key)).await?;
        let failed = |why: std::io::Error| Failure::new(format!("cannot write {}: {why}", to.display()));
        let mut file = File::create(to).await.map_err(failed)?;
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(path, &error))? {
            file.write_all(&chunk).await.map_err(failed)?;
        }
        file.sync_all().await.map_err(failed)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| broken(path, &error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem: Value = response.json().await.unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("without a reason");
        Err(Failure::new(format!("{path} was refused with {status}: {detail}")))
    }
}

async fn json(response: Response) -> Result<Value, Failure> {
    response.json().await.map_err(|error| Failure::new(format!("an answer of the API cannot be read: {error}")))
}

fn broken(path: &str, error: &reqwest::Error) -> Failure {
    Failure::new(format!("{path} was not answered: {error}"))
}

fn fresh_key() -> String {
    gaba::ids::fresh().to_string()
}
