//! `gaba openapi`: the description of the API, as the server gives it at `/openapi.json`.

use super::{Failure, Outcome};
use std::io::Write;

pub fn run() -> Outcome {
    let failed = |why: &dyn std::fmt::Display| Failure::new(format!("the document cannot be printed: {why}"));
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, gaba::http::openapi::document()).map_err(|why| failed(&why))?;
    writeln!(out).map_err(|why| failed(&why))
}
