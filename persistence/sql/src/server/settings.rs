//! How a database server is reached and used.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use weir_persistence_api::Error;

#[derive(Debug, Clone)]
pub struct ServerSettings {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Password,
    pub tls: Tls,
    /// For data; leases have two of their own.
    pub connections: u32,
    /// Appends that may wait for a writer; more wait outside, until their deadline.
    pub queue: usize,
    /// Longest wait for a connection to be made.
    pub connect_deadline: Duration,
    /// Longest wait for the answer to a statement. The server ends statements after 4.5 s, so
    /// that a longer deadline learns their outcome.
    pub deadline: Duration,
    /// The same for leases, which the server ends after 1.2 s.
    pub lease_deadline: Duration,
}

impl ServerSettings {
    /// With the defaults for all that is no matter of the installation.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            database: "weir".to_owned(),
            user: "weir".to_owned(),
            password: Password::default(),
            tls: Tls::Verify { ca: None },
            connections: 8,
            queue: 1_024,
            connect_deadline: Duration::from_secs(5),
            deadline: Duration::from_secs(5),
            lease_deadline: Duration::from_millis(1_500),
        }
    }

    /// Connections that append. One is at work as a rule; the others are for what comes while its
    /// statement takes long, or waits for a lock.
    pub(super) fn writers(&self) -> u32 {
        (self.connections / 3).clamp(1, 3)
    }

    /// Refuses what can be told without the server.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Tls::Verify { ca: Some(ca) } = &self.tls
            && let Err(error) = File::open(ca)
        {
            return Err(Error::Rejected(format!(
                "the authority {} can't be read: {error}: set tls.ca to a PEM file, and let the \
                 user that runs weir read it",
                ca.display()
            )));
        }
        Ok(())
    }

    /// The database in messages.
    pub(super) fn at(&self) -> String {
        format!("the database {} at {}:{}", self.database, self.host, self.port)
    }
}

/// A password: it is shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: for loopback, and for networks that are protected otherwise.
    Off,
    /// Against listeners, but not against somebody who poses as the server.
    Require,
    /// Against both: the server's certificate is for its host, and by this authority (PEM), or
    /// else by a public one.
    Verify { ca: Option<PathBuf> },
}
