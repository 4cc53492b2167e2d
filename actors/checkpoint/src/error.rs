//! Why a job's checkpoints can't be used as they are.
//!
//! All of it fails closed: nothing is restored, claimed or deleted on a guess. What a person may do
//! is part of the message.

use weir_domain::{Digest, SavepointName};
use weir_persistence_api::BlobKey;

use crate::envelope::Unreadable;
use crate::epoch::{Epoch, Generation, Slot};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another writer coordinates. Stop, and touch nothing.
    #[error("generation {by} coordinates the job by now: this one has to stop")]
    Deposed { by: Generation },
    #[error(
        "{key} can't be read; put back the blob from a copy of the store, or start from another \
         epoch or savepoint"
    )]
    Unreadable { key: BlobKey, source: Unreadable },
    #[error(
        "{key} is missing, which {needed_by} needs; put it back from a copy of the store, or start \
         from another epoch or savepoint"
    )]
    Missing { key: BlobKey, needed_by: String },
    #[error(
        "{key} has the digest {found:.12}, and {needed_by} was made of {expected:.12}: somebody has \
         replaced it; put the right one back, or start from another epoch or savepoint"
    )]
    Replaced { key: BlobKey, found: Digest, expected: Digest, needed_by: String },
    #[error(
        "{key} does not belong where it is: {reason}; a copy of another job's blobs may lie over \
         this job's"
    )]
    Misplaced { key: BlobKey, reason: String },
    #[error(
        "the log ends at {found}, and {expected} was written: the store's list is behind, or \
         somebody has deleted from it; nothing is deleted until it is complete"
    )]
    LogBehind { found: Slot, expected: Slot },
    #[error("epoch {epoch} is not there; these are: {}", list(.there))]
    NoEpoch { epoch: Epoch, there: Vec<Epoch> },
    #[error("there is no savepoint {name}; these are: {}", list(.there))]
    NoSavepoint { name: SavepointName, there: Vec<SavepointName> },
    #[error("the store did not do what the protocol needs")]
    Store(#[from] weir_persistence_api::Error),
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
