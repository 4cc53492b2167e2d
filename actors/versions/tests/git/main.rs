//! Versions on real repositories, with the `git` of the machine as the other program that changes
//! them, and as the remote behind a small HTTP server.

#![allow(clippy::unwrap_used)]

mod branches;
mod diffs;
mod exports;
mod hostile;
mod hosts;
mod lost;
mod merges;
mod names;
mod remotes;
mod support;
mod working;
