//! The one integration-test binary: every file below is a module of it, so that they are linked once.

mod api;
mod chaos;
mod conformance;
mod drill;
mod fuzz;
mod matrix;
mod model;
mod mutants;
mod operating;
mod sheets;
mod simulation;
mod support;
mod tidy;
