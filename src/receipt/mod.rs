//! Receipts: what a provider posts to us about a payout or a message. Stored raw first, then read; a receipt that is not
//! verified is a hint, which may trigger a status query and nothing else.

pub mod verify;
