//! Messages that were refused here and whose senders may be of another version: all are counted,
//! and one of each kind is told, since a peer may send as many as it likes.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use weir_domain::NodeUid;

use crate::Manifest;

/// Kinds that are remembered. One more, and all are told anew.
const KINDS_MAX: usize = 1_000;

#[derive(Default)]
pub(crate) struct Refusals {
    hasher: RandomState,
    /// Digests, since a peer may choose long names.
    told: Mutex<HashSet<u64>>,
}

impl Refusals {
    /// Counts one; whether it is the first of its kind, and so to be told.
    pub(crate) fn count(&self, from: NodeUid, path: &str, manifest: &Manifest) -> bool {
        metrics::counter!("weir_remote_unhandled_total").increment(1);
        let kind = self.hasher.hash_one((from, path, manifest));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= KINDS_MAX {
            told.clear();
        }
        told.insert(kind)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_kind_of_each_peer_is_told_once() {
        let refusals = Refusals::default();
        let count = |peer, path, version| {
            let from = NodeUid(Uuid::from_u128(peer));
            refusals.count(from, path, &Manifest::new("parcel", version))
        };
        assert!(count(1, "office", 2) && count(1, "office", 3));
        assert!(count(2, "office", 2) && count(1, "depot", 2));
        assert!(!count(1, "office", 2) && !count(2, "office", 2));
        for version in 10..10 + KINDS_MAX as u32 {
            assert!(count(1, "office", version));
        }
        assert!(refusals.told.lock().unwrap().len() <= KINDS_MAX, "the memory of it is bounded");
    }
}
