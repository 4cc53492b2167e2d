//! Connectors: one folder per system with config, source and sink.
//!
//! A connector knows the outside world and its traps; what a stream is, and when it commits, is
//! the pipeline's business. Adding one is a folder here and one line where the registry is built.

pub mod file;
