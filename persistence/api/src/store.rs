//! All stores of one back end together, for those who hold them as one.

use crate::{ItemStore, Journal, LeaseStore, MemberStore, ObjectStore, SnapshotStore, StreamStore};

/// What one back end offers: every store over the same data, so that a fence holds for all.
pub trait Store:
    Journal + SnapshotStore + LeaseStore + MemberStore + ItemStore + StreamStore + ObjectStore
{
}

impl<T> Store for T where
    T: Journal + SnapshotStore + LeaseStore + MemberStore + ItemStore + StreamStore + ObjectStore
{
}
