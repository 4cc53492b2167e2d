//! What a network step may use, and how long.

use std::time::Duration;

use weir_conf::Secret;
use weir_domain::Bytes;

use super::{Cancel, Hosts};

/// How a remote is reached. It is handed in for each step.
#[derive(Debug, Clone)]
pub struct Access {
    pub credentials: Credentials,
    /// The address that the credentials were given for, and are sent to; none: to any.
    pub meant: Option<String>,
    pub reach: Reach,
    pub hosts: Hosts,
    pub trust: Trust,
    pub limits: Limits,
    pub cancel: Cancel,
}

impl Access {
    /// Without credentials, over networks, within the usual limits.
    pub fn anonymous() -> Self {
        Self {
            credentials: Credentials::None,
            meant: None,
            reach: Reach::Network,
            hosts: Hosts::default(),
            trust: Trust::System,
            limits: Limits::default(),
            cancel: Cancel::default(),
        }
    }
}

/// Never printed, never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    None,
    Password {
        user: String,
        password: Secret,
    },
    /// What servers of Git take as a password whose user does not matter.
    Token(Secret),
}

/// Where addresses may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Network,
    /// Repositories on this machine, too: whoever chooses the address may read all that we may.
    NetworkAndFiles,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    System,
    /// Those of the authorities in this PEM text, and no other.
    Authorities(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the whole step.
    pub deadline: Duration,
    /// The longest time in which nothing comes or goes.
    pub silence: Duration,
    /// All that a remote may send in one step.
    pub received: Bytes,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(600),
            silence: Duration::from_secs(30),
            received: Bytes(2 << 30),
        }
    }
}

/// How far a step is. Told whenever something moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub objects: u64,
    pub objects_all: u64,
    pub bytes: u64,
}
