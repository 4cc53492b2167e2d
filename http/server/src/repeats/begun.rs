//! The commands with keys that this life of the server has under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_domain::CommandId;

/// How far a command of this life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is about to claim its key, or has just claimed it.
    Claiming,
    /// It is carried out.
    UnderWay,
    /// It was carried out, and what came of it could not be kept.
    Unkept,
    /// It was never begun, or what came of it is kept.
    Unknown,
}

/// Cheap to clone; clones are one.
#[derive(Clone, Default)]
pub(super) struct Begun(Arc<Mutex<BTreeMap<CommandId, Standing>>>);

/// Whoever claims, until it is known what came of that.
pub(super) struct Claiming(Begun, CommandId);

impl Begun {
    pub(super) fn claims(&self, id: CommandId) -> Claiming {
        self.all().insert(id, Standing::Claiming);
        Claiming(self.clone(), id)
    }

    pub(super) fn begins(&self, id: CommandId) {
        self.all().insert(id, Standing::UnderWay);
    }

    /// What came of it is kept, or it never will be.
    pub(super) fn ends(&self, id: CommandId, is_kept: bool) {
        match is_kept {
            true => drop(self.all().remove(&id)),
            false => drop(self.all().insert(id, Standing::Unkept)),
        }
    }

    pub(super) fn standing(&self, id: CommandId) -> Standing {
        self.all().get(&id).copied().unwrap_or(Standing::Unknown)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<CommandId, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claiming {
    fn drop(&mut self) {
        let Self(begun, id) = self;
        let mut all = begun.all();
        if all.get(id) == Some(&Standing::Claiming) {
            all.remove(id);
        }
    }
}
