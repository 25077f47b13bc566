//! Gaba: a durable disbursement engine.

pub mod batch;
pub mod clock;
pub mod config;
pub mod ids;
pub mod machine;
pub mod money;
pub mod payout;
pub mod phone;
pub mod rail;
pub mod receipt;
