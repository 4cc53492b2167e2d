//! How far each journal goes, as far as this process knows.
//!
//! What is known here is never more than the truth, since numbers only ever increase: an append
//! that begins where the known journal ends begins at its end, or meets a row that is there. So
//! no append leaves a hole, and none needs to look first. A server that lost its newest rows
//! (a backup, a replica that was behind) is met with a new connection: then all is forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use weir_persistence_api::PersistenceId;

/// More journals than that are not remembered: they are asked for again.
const JOURNALS_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<PersistenceId, u64>>);

impl Known {
    pub(super) fn get(&self, id: &PersistenceId) -> Option<u64> {
        self.lock().get(id).copied()
    }

    pub(super) fn set(&self, id: &PersistenceId, highest: u64) {
        let mut known = self.lock();
        if known.len() >= JOURNALS_MAX && !known.contains_key(id) {
            known.clear();
        }
        match known.get_mut(id) {
            Some(it) => *it = highest,
            None => {
                known.insert(id.clone(), highest);
            }
        }
    }

    pub(super) fn forget(&self, id: &PersistenceId) {
        self.lock().remove(id);
    }

    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PersistenceId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
