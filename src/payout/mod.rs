//! A payout: one recipient's transfer.
pub mod attempt;
pub mod states;
