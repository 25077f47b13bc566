//! The calls in flight: what the engine has asked of a provider or a gateway and has no answer to yet. Whoever drives the
//! simulation answers them, in whatever order, or never.

use super::clock::{Micros, VirtualClock};
use async_trait::async_trait;
use gaba::rail::{
    Answer, News, Outcome, RawReceipt, ReceiptError, Request, Sms, SmsOutcome, SmsRail, TelcoRail, Transfer,
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub enum Asked {
    Submit { reference: Uuid, body: String },
    Query { reference: Uuid },
    Send { message: Uuid },
}

pub struct Call {
    pub lane: String,
    pub asked: Asked,
    /// When it was made, in time that truly passed.
    pub at: Micros,
    reply: oneshot::Sender<Reply>,
}

impl Call {
    /// Nobody hears of it any more when the process is gone.
    pub fn answer(self, reply: Reply) {
        let _ = self.reply.send(reply);
    }
}

pub enum Reply {
    Telco(Outcome),
    Gateway(SmsOutcome),
    /// Whoever waits for it panics.
    Panic,
}

/// The calls of one process.
pub struct Board {
    pub calls: Mutex<Vec<Call>>,
    /// How many tasks have made a call or come to their end.
    told: Mutex<usize>,
    changed: Notify,
    clock: Arc<VirtualClock>,
}

impl Board {
    pub fn new(clock: Arc<VirtualClock>) -> Arc<Board> {
        Arc::new(Board { calls: Mutex::default(), told: Mutex::default(), changed: Notify::new(), clock })
    }

    pub fn told(&self) -> usize {
        *self.told.lock().unwrap()
    }

    /// A task has come to its end.
    pub fn ended(&self) {
        *self.told.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    /// Waits until so many have been told of in all.
    pub async fn until(&self, told: usize) {
        while self.told() < told {
            self.changed.notified().await;
        }
    }

    async fn call(&self, lane: &str, asked: Asked) -> Reply {
        let (reply, answer) = oneshot::channel();
        let call = Call { lane: lane.to_owned(), asked, at: self.clock.passed(), reply };
        self.calls.lock().unwrap().push(call);
        self.ended();
        match answer.await {
            Ok(Reply::Panic) => std::panic::resume_unwind(Box::new("a simulated panic")),
            Ok(reply) => reply,
            // The simulation is over.
            Err(_) => std::future::pending().await,
        }
    }
}

/// What is sent to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub payout: Uuid,
    pub msisdn: String,
    pub amount: i64,
    pub currency: String,
}

/// What a provider posts.
#[derive(Serialize, Deserialize)]
pub struct Told<O> {
    pub reference: Uuid,
    pub outcome: O,
    /// Tells receipts apart that say the same.
    pub nonce: u64,
}

/// One lane's way to the board.
pub struct SimulatedRail {
    pub lane: String,
    pub board: Arc<Board>,
}

#[async_trait]
impl TelcoRail for SimulatedRail {
    fn request(&self, transfer: &Transfer) -> Request {
        let order = Order {
            payout: transfer.payout,
            msisdn: transfer.msisdn.as_str().to_owned(),
            amount: transfer.amount.minor,
            currency: transfer.amount.currency.code().to_owned(),
        };
        Request { body: serde_json::to_string(&order).unwrap(), callback_url: None }
    }

    async fn submit(&self, reference: Uuid, request: &Request) -> Answer {
        self.ask(Asked::Submit { reference, body: request.body.clone() }).await
    }

    async fn query(&self, reference: Uuid) -> Answer {
        self.ask(Asked::Query { reference }).await
    }

    fn parse_receipt(&self, receipt: &RawReceipt) -> Result<News<Outcome>, ReceiptError> {
        read(receipt)
    }
}

impl SimulatedRail {
    async fn ask(&self, asked: Asked) -> Answer {
        let Reply::Telco(outcome) = self.board.call(&self.lane, asked).await else { unreachable!("a telco answers") };
        Answer { outcome, http_status: Some(200), response: None }
    }
}

#[async_trait]
impl SmsRail for SimulatedRail {
    async fn send(&self, sms: &Sms) -> SmsOutcome {
        let Reply::Gateway(outcome) = self.board.call(&self.lane, Asked::Send { message: sms.id }).await else {
            unreachable!("a gateway answers")
        };
        outcome
    }

    fn parse_receipt(&self, receipt: &RawReceipt) -> Result<News<SmsOutcome>, ReceiptError> {
        read(receipt)
    }
}

/// The address vouches for its reference alone, as with the real rails.
fn read<O: serde::de::DeserializeOwned>(receipt: &RawReceipt) -> Result<News<O>, ReceiptError> {
    let told: Told<O> = serde_json::from_slice(&receipt.body).map_err(|e| ReceiptError::Malformed(e.to_string()))?;
    let verified = receipt.token_reference == Some(told.reference);
    Ok(News { reference: told.reference, outcome: told.outcome, verified })
}
