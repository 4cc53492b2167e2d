//! What the tests share: a project, a process that runs it, and looks at what came of it.

pub(crate) mod cluster;
mod failing;
pub(crate) mod files;
pub(crate) mod flow;
mod net;
mod project;
mod ran;
mod seed;
mod server;
mod wait;
mod weir;

pub(crate) use flow::Flow;
pub(crate) use net::{Dns, Net};
pub(crate) use project::Project;
pub(crate) use ran::{Ran, binary, weir};
pub(crate) use seed::{Seed, number};
pub(crate) use server::{PASSWORD, Server, ask, ask_with};
pub(crate) use wait::{DEADLINE, stays_so, wait_for, wait_until, wait_until_is};
pub(crate) use weir::{Start, Weir};

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    weir_test_servers::free_port("127.0.0.1")
}
