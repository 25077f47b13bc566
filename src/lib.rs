//! Gaba pays many people at once, by mobile money: once each, and can prove it.
//!
//! Every thing that must be driven forward is a row that knows when it is next due; there is no table of jobs. A worker
//! claims due rows (committing the intent), acts with no transaction open, and records what came of it under the fence of
//! its claim. `docs/ARCHITECTURE.md` is the map.
//!
//! # The life of a payout
//!
//! A file enters at [`http`] and becomes rows in [`batch::import`]; a second person approves their digest, and wallet → hold
//! happens in [`wallet`]. [`queue`] claims due rows as far as [`lane`] lets them pass, [`workers`] send them through a
//! [`rail`]. What comes back (an answer, a status query, or a receipt by [`receipt`]) goes through
//! [`payout::resolve::decide`], the pure heart, and is recorded by the [`store`] together with the money it moves. The
//! recipient is told by [`sms`], finance reads [`report`]. Forward all the way.

pub mod batch;
#[doc(hidden)]
pub mod chance;
pub mod clock;
pub mod config;
pub mod engine;
#[doc(hidden)]
pub mod faults;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod ids;
pub mod lane;
pub mod machine;
pub mod money;
pub mod org;
pub mod payout;
pub mod phone;
pub mod quarantine;
pub mod queue;
pub mod rail;
pub mod receipt;
pub mod report;
pub mod sheet;
pub mod simulator;
pub mod sms;
pub mod store;
pub mod text;
pub mod wallet;
#[path = "../workers/mod.rs"]
pub mod workers;
