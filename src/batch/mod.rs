//! A batch: one upload, from file to last recipient.
pub mod states;
