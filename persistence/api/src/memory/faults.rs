//! Faults on demand: what a store in trouble looks like to those who use it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Error, PersistenceId, Result};

/// Switches the faults of a `MemoryStore`, also while it is in use. Clones switch the same store.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Switches>>);

#[derive(Default)]
struct Switches {
    is_unavailable: bool,
    unanswered: u32,
    lost: u32,
    delay: Duration,
    events: BTreeSet<(PersistenceId, u64)>,
    snapshots: BTreeSet<(PersistenceId, u64)>,
}

/// What becomes of one write and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    Unanswered,
    Lost,
}

impl Faults {
    /// From now on every call is `Error::Unavailable`.
    pub fn unavailable(&self) {
        self.lock().is_unavailable = true;
    }

    /// The next `writes` writes happen, and their answer is `Error::Unknown`.
    pub fn unanswered(&self, writes: u32) {
        self.lock().unanswered = writes;
    }

    /// The next `writes` writes do not happen, and their answer is `Error::Unknown`.
    pub fn lost(&self, writes: u32) {
        self.lock().lost = writes;
    }

    /// From now on every call takes at least that long.
    pub fn slow(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// The stored event is damaged from now on.
    pub fn damage_event(&self, id: &PersistenceId, sequence: u64) {
        self.lock().events.insert((id.clone(), sequence));
    }

    /// The stored snapshot is damaged from now on.
    pub fn damage_snapshot(&self, id: &PersistenceId, sequence: u64) {
        self.lock().snapshots.insert((id.clone(), sequence));
    }

    /// Everything works again, damaged rows too.
    pub fn heal(&self) {
        *self.lock() = Switches::default();
    }

    pub(super) async fn pass(&self) -> Result<()> {
        let (delay, is_unavailable) = {
            let switches = self.lock();
            (switches.delay, switches.is_unavailable)
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if is_unavailable {
            return Err(Error::Unavailable("it was switched off".into()));
        }
        Ok(())
    }

    pub(super) fn fate(&self) -> Fate {
        let mut switches = self.lock();
        if let Some(left) = switches.lost.checked_sub(1) {
            switches.lost = left;
            return Fate::Lost;
        }
        if let Some(left) = switches.unanswered.checked_sub(1) {
            switches.unanswered = left;
            return Fate::Unanswered;
        }
        Fate::Answered
    }

    pub(super) fn check_event(&self, id: &PersistenceId, sequence: u64) -> Result<()> {
        if !self.lock().events.contains(&(id.clone(), sequence)) {
            return Ok(());
        }
        Err(damaged(format!("event {sequence} of {id}")))
    }

    pub(super) fn check_snapshot(&self, id: &PersistenceId, sequence: u64) -> Result<()> {
        if !self.lock().snapshots.contains(&(id.clone(), sequence)) {
            return Ok(());
        }
        Err(damaged(format!("the snapshot of {id} at sequence {sequence}")))
    }

    fn lock(&self) -> MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn damaged(what: String) -> Error {
    Error::Corrupt { what, reason: "its content does not match its checksum".into() }
}
