//! Every store in memory, with the semantics of the real ones, for tests and for trying out.
//!
//! Invariants: a write happens under one lock or not at all; a fence is checked under the same
//! lock as the write that it guards. Time is the clock's that it was made with.
//!
//! Nothing outlives the process. Faults are switched by hand with [`Faults`].

mod blob;
mod faults;
mod item;
mod journal;
mod lease;
mod member;
mod object;
mod snapshot;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_domain::Clock;

use crate::{Error, PersistenceId, Result};

pub use blob::MemoryBlobs;
pub use faults::Faults;

use faults::Fate;

/// All stores in memory. Clones share their data.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    journals: journal::Journals,
    snapshots: snapshot::Snapshots,
    leases: lease::Leases,
    cluster: member::Cluster,
    items: item::Items,
    streams: stream::Streams,
    objects: object::Objects,
}

impl MemoryStore {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock, faults: Faults::default() }
    }

    /// The switch for what goes wrong.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Loses the events after that one, as when a replica that is behind takes over.
    pub fn lose_events(&self, id: &PersistenceId, after: u64) {
        self.lock().journals.lose_after(id, after);
    }

    async fn read<T>(&self, look: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        self.faults.pass().await?;
        look(&self.lock())
    }

    /// Makes one change. The change must check before it touches anything.
    async fn write<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        self.faults.pass().await?;
        let fate = self.faults.fate();
        if fate == Fate::Lost {
            return Err(Error::Unknown("the connection was lost before the write".into()));
        }
        let done = change(&mut self.lock())?;
        match fate {
            Fate::Unanswered => {
                Err(Error::Unknown("the connection was lost after the write".into()))
            }
            Fate::Lost | Fate::Answered => Ok(done),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
