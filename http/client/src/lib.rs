//! Typed clients of the REST API and of the management of an engine: what the CLI, the tests and the
//! configuration server speak.
//!
//! - A call ends within a time limit, whatever the server does, and reads a bounded answer.
//! - A refusal of the server is a [`Problem`](weir_http_api::Problem) and comes as one; what is
//!   no answer of a Weir server is told apart from it.
//! - It asks once. Whether to ask again is the caller's to decide.

mod access;
mod alarms;
mod calls;
mod client;
mod cluster;
mod deliveries;
mod deployments;
mod error;
mod events;
mod fleet;
mod forward;
mod items;
mod letters;
mod lists;
mod logs;
mod management;
mod operations;
mod projects;
mod resources;
mod samples;
mod savepoints;
mod scheduler;
mod shelf;
mod snippets;
mod versions;

pub use client::{Authority, Client};
pub use deployments::{ChangeOptions, Pieces, Upload};
pub use error::Error;
pub use events::Events;
pub use forward::{Forwarded, Unanswered};
pub use lists::List;
pub use logs::{Heard, LogFollower, LogsOf, Opened};
pub use management::Management;
