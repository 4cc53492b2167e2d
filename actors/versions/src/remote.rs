//! Other repositories that versions are exchanged with.
//!
//! What `.git/config` says of a remote is its name and its address. Git's own ways to change an
//! address, to take a proxy or to ask for credentials are not followed: see [`door`].
//!
//! Invariants:
//! - R1: a credential comes with each step and is stored nowhere.
//! - R2: every step over a network ends in time, or when it is cancelled, with a clear answer.
//! - R3: a step that fails has moved no branch of ours.
//! - R4: a credential that was given for an address goes to no other one.
//! - R5: what a remote may have done is not told as undone.
//! - R6: hosts that are not allowed are not gone to, whatever names lead there.

mod access;
mod address;
mod clone;
mod door;
mod exchange;
mod hosts;
mod stop;

use git2::ErrorCode;
use serde::Serialize;

use crate::repository::lossy;
use crate::{Error, Repository, Result};

pub use access::{Access, Credentials, Limits, Progress, Reach, Trust};
pub use address::shown as address_shown;
pub use exchange::{Fetched, Pull, Pulled};
pub use hosts::Hosts;
pub use stop::Cancel;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remote {
    pub name: String,
    /// As it is shown: what another program left in it of credentials is covered.
    pub address: String,
}

impl Repository {
    pub fn remotes(&self) -> Result<Vec<Remote>> {
        let mut remotes = Vec::new();
        for name in self.git.remotes()?.iter_bytes() {
            let name = lossy(name);
            let address = address::shown(&self.remote_url(&name)?);
            remotes.push(Remote { name, address });
        }
        remotes.sort();
        Ok(remotes)
    }

    pub fn remote_add(&self, name: &str, address: &str) -> Result<()> {
        if !git2::Remote::is_valid_name(name) || name.starts_with('-') || name.contains('/') {
            let reason = "no remote can be called that";
            return Err(Error::Invalid { what: "the name", value: name.to_owned(), reason });
        }
        address::read(address)?;
        match self.git.remote(name, address) {
            Ok(_) => Ok(()),
            Err(error) if error.code() == ErrorCode::Exists => {
                Err(Error::RemoteExists(name.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The address of a remote as it is written; with what another program left in it of credentials.
    pub fn remote_address(&self, name: &str) -> Result<String> {
        self.remote_url(name)
    }

    /// Forgets a remote, and its branches as far as they are known here.
    pub fn remote_remove(&self, name: &str) -> Result<()> {
        self.remote_url(name)?;
        Ok(self.git.remote_delete(name)?)
    }

    pub(crate) fn remote_url(&self, name: &str) -> Result<String> {
        self.git.find_remote(name).map_err(|error| match error.code() {
            ErrorCode::NotFound | ErrorCode::InvalidSpec => Error::NoRemote(name.to_owned()),
            _ => error.into(),
        })?;
        // As it is written: what Git tells has passed through `insteadOf`.
        Ok(self.git.config()?.snapshot()?.get_string(&format!("remote.{name}.url"))?)
    }
}
