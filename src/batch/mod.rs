//! A batch: one upload, from file to last recipient.
pub mod digest;
pub mod import;
pub mod states;
