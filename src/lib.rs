//! Gaba: a durable disbursement engine.

pub mod batch;
pub mod clock;
pub mod config;
pub mod engine;
pub mod http;
pub mod ids;
pub mod lane;
pub mod machine;
pub mod money;
pub mod org;
pub mod payout;
pub mod phone;
pub mod queue;
pub mod rail;
pub mod receipt;
pub mod report;
pub mod simulator;
pub mod sms;
pub mod store;
pub mod wallet;
#[path = "../workers/mod.rs"]
pub mod workers;
