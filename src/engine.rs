//! The engine: every worker of one process over one store.
