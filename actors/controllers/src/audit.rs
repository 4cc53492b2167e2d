//! Audit: who did what, in an order and a form that nobody changes unnoticed.
//!
//! Entries are rows of the journal, written under this controller's epoch; they are neither in an
//! actor's state nor in snapshots, and the actor remembers no more than the end of the chain. The
//! journal gives what an audit needs: numbers without a gap, writes that a deposed writer can't
//! make, and a prefix that can be dropped while numbers go on.
//!
//! Invariants:
//! - T1: an entry's hash covers all of it and the hash of the one before.
//! - T2: a request is recorded once, however often it is sent.
//! - T3: a prefix is dropped only after an entry was written that names its last number and hash.
//! - T4: no clear secret is recorded: what looks like one is masked here, whoever sends it.
//!
//! What this can't show by itself is an end that was cut off: whoever can write the database can
//! drop the newest entries. Keep the head that `verify` names elsewhere, and compare.

mod chain;
mod handle;
mod mask;
mod recorder;
mod service;

#[cfg(test)]
mod tests;

pub use chain::{Broken, SEAL, Verifier, line};
pub use handle::{Audit, Failure, Page};
pub use mask::{MASK, masked};
pub use service::{AuditFilter, AuditService, AuditSingleton, Request, Response};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "audit";
