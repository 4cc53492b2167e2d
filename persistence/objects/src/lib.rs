//! Blobs where they last: in a directory, in S3 and what speaks like it, in Google Cloud Storage, in
//! Azure. Checkpoints are kept in these.
//!
//! Invariants, proved by the contract suite of `persistence/api` (B1 to B3) and here:
//! - O1: a blob in a directory is written beside its place, made durable, and then linked or moved
//!   there, with its directory made durable too: a crash of the machine leaves it whole or absent.
//! - O2: creation is one conditional request (`If-None-Match: *`, or what the store has in its
//!   place). A server that ignores the condition is found out by [`Blobs::probe`], and refused.
//! - O3: what fails in passing is tried again a bounded number of times, and then said to have
//!   failed so; what fails for good says what to do about it.
//! - O4: no secret is in a message.
//!
//! What the blobs are is no matter of this room. Whoever has objects of other kinds opens their stores
//! here too, as a [`Remote`]: there is one way to reach one, and one to judge what it says.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod blobs;
mod config;
mod error;

pub use blobs::{Blobs, Unfit};
pub use config::{AzureConfig, BlobsConfig, GcsConfig, LocalConfig, Remote, S3Config, Secret};
pub use error::{Judged, judge};
