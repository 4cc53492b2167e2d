//! All stores of one back end together, for those who hold them as one.

use crate::{ItemStore, Journal, LeaseStore, SnapshotStore, StreamStore};

/// What one back end offers: every store over the same data, so that a fence holds for all.
pub trait Store: Journal + SnapshotStore + LeaseStore + ItemStore + StreamStore {}

impl<T: Journal + SnapshotStore + LeaseStore + ItemStore + StreamStore> Store for T {}
