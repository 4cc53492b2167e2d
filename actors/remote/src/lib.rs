//! Peer links between the engines of a cluster: who is there, and messages to and fro.
//!
//! A link is one authenticated, encrypted connection between two incarnations of nodes. It carries
//! messages with bounded queues, credit and heartbeats, and says loudly what it could not do.
//! ractor_cluster carries the frames and is seen in one module; what it lacks is here.
//!
//! Invariants:
//! - P1: a message is taken into a bounded queue at once, or refused at once with the reason.
//! - P2: messages of one caller to one node, path and lane are handled in the order of sending, and
//!   none of them twice. What is lost with a link is counted.
//! - P3: memory for a peer that does not read, or does not handle what it gets, is bounded.
//! - P4: whoever is refused is told why, and both sides write it down.
//! - P5: a process is called gone only on evidence; silence is none.
//!
//! It knows nothing of members, leases or singletons: whom to dial and whom to admit is said from
//! above.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accept;
pub mod certs;
pub mod code;
mod dedup;
mod deliver;
mod dial;
mod error;
mod establish;
mod event;
mod expiry;
mod hello;
mod hub;
mod link;
mod memory;
mod message;
mod pulse;
mod refusals;
mod remote;
mod roster;
mod settings;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

pub use error::{AskError, CertificateError, Error, Refused, SendError, Unreadable, Unwritable};
pub use event::{Cause, Evidence, LinkEvent, LinkRow, LinkState, Links};
pub use hello::{Hello, Refusal};
pub use memory::{AdmitAll, Network};
pub use message::{Handler, Incoming, Lane, Manifest, Outgoing};
pub use remote::{Gatekeeper, Local, Remote};
pub use settings::{MessageSettings, Settings, TlsSettings};
pub use transport::{Certificate, read_certificate};
