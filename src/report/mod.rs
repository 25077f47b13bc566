//! Settlement reports: one line per recipient of the upload, excluded rows included.

pub mod csv;
pub mod issues;
pub mod settlement;
