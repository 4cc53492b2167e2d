//! Why a store did not do what it was asked.

use serde::{Deserialize, Serialize};

use crate::{LeaseName, PersistenceId};

pub type Result<T> = std::result::Result<T, Error>;

/// A variant per thing that a caller may do differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Error {
    /// The caller's epoch is not the lease's: somebody else is the writer now. Stop.
    #[error("the lease {lease} is no longer held with epoch {epoch}")]
    Fenced { lease: LeaseName, epoch: u64 },
    /// The journal is not where the caller thought it was: another append came first, or, if it is
    /// shorter, events were lost. Recover.
    #[error("{id} is at sequence {actual}, not at {expected}")]
    Conflict { id: PersistenceId, expected: u64, actual: u64 },
    /// The claim is not (or no longer) held. Nothing was changed.
    #[error("the claim is no longer held")]
    ClaimLost,
    /// Whether the write happened is not known. Read back, then decide.
    #[error("the outcome of the write is not known: {0}")]
    Unknown(String),
    /// The store can't be reached or is overloaded; nothing was written. Try again later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A stored row is not what was written: a person must look.
    #[error("{what} is damaged: {reason}")]
    Corrupt { what: String, reason: String },
    /// The store refused the content or the call itself; trying again gives the same answer.
    #[error("the store refused: {0}")]
    Rejected(String),
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Unavailable(_))
    }
}
