//! Real servers for tests: MariaDB, PostgreSQL, NATS and OpenLDAP as Debian packages them, Kafka from Maven Central,
//! Azurite and a provider of OpenID Connect from npm, and an S3 server from crates.io, which runs inside of the test process.
//!
//! Invariants:
//! - T1: a server lives in a directory of its own and listens on a port of its own; nothing that
//!   is installed or runs on the machine is touched.
//! - T2: a server and its directory end with the test process, however that ends.
//!
//! What goes wrong here is a fault of the test set-up: it panics and says what to do.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod authority;
mod azurite;
mod directory;
mod disk;
mod git;
mod kafka;
mod mariadb;
mod nats;
mod oidc;
mod ports;
mod postgres;
mod process;
mod s3;
mod slapd;

pub use azurite::Azurite;
pub use git::{GitBehaviour, GitServer, git, git_command, git_repository};
pub use kafka::{Kafka, Received, Sent, Transaction};
pub use mariadb::MariaDb;
pub use nats::{Listener, Nats, NatsMessage};
pub use oidc::{Browser, OidcProvider, Page};
pub use ports::free_port;
pub use postgres::Postgres;
pub use s3::S3;
pub use slapd::Slapd;

use std::path::PathBuf;

/// How an own server is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where it listens; empty: 127.0.0.1.
    pub bind: String,
    /// 0: any that is free.
    pub port: u16,
    /// PEM files. Without them the server offers no TLS.
    pub tls: Option<Tls>,
    /// Faster, and not safe against a crash of the machine (one of a process is fine).
    pub fast: bool,
    /// More arguments for the server.
    pub arguments: Vec<String>,
    /// What the server is started with, as `["ip", "netns", "exec", "name"]`.
    pub wrapper: Vec<String>,
    /// Its data are on a disk of so many MiB, which `fill_disk` fills. Only root may have that, and
    /// what is written is gone when the server ends.
    pub disk_mib: Option<u32>,
    /// Other servers may follow it.
    pub is_followed: bool,
}

#[derive(Debug, Clone)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub ca: PathBuf,
}

/// A database of its own on a server, and who may use it.
#[derive(Debug, Clone)]
pub struct Database {
    pub host: String,
    pub port: u16,
    pub name: String,
    pub user: String,
    pub password: String,
}

/// Where a server that listens there is reached from this machine.
fn reachable(bind: &str) -> String {
    if bind == "0.0.0.0" { "127.0.0.1".to_owned() } else { bind.to_owned() }
}

/// The user that owns every database, and its password.
const USER: &str = "weir";
const PASSWORD: &str = "a-password-for-tests";
