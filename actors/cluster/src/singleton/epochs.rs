//! What a receiver of commands remembers of their senders: the highest epoch of each lease.
//!
//! A command outside the store has no fence. So it carries the epoch of the lease that its sender
//! acts under, and whoever has seen a higher one refuses it: its sender was deposed since. The
//! epochs are in memory only; a receiver that was restarted learns them from the lease table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use weir_persistence_api::LeaseName;

use super::code;

/// The command's sender was deposed before the command arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a command of epoch {epoch} of {lease} was refused: epoch {seen} has begun, so its sender is no longer in charge"
)]
pub struct StaleEpoch {
    pub lease: LeaseName,
    pub epoch: u64,
    pub seen: u64,
}

/// The highest epochs seen by this node. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct ReceiverEpochs(Arc<Mutex<BTreeMap<LeaseName, u64>>>);

impl ReceiverEpochs {
    /// Lets a command in, unless a higher epoch has been seen.
    pub fn admit(&self, lease: &LeaseName, epoch: u64) -> Result<(), StaleEpoch> {
        let seen = self.learn(lease, epoch);
        if epoch == seen {
            return Ok(());
        }
        let stale = StaleEpoch { lease: lease.clone(), epoch, seen };
        tracing::warn!(code = %code::STALE_EPOCH, "{stale}");
        metrics::counter!("weir_stale_commands_total", "lease" => lease.0.clone()).increment(1);
        Err(stale)
    }

    /// Notes an epoch that was seen elsewhere; returns the highest.
    pub fn learn(&self, lease: &LeaseName, epoch: u64) -> u64 {
        let mut epochs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match epochs.get_mut(lease) {
            Some(seen) => {
                *seen = epoch.max(*seen);
                *seen
            }
            None => {
                epochs.insert(lease.clone(), epoch);
                epoch
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_of_an_epoch_that_has_passed_is_refused() {
        let (epochs, access) = (ReceiverEpochs::default(), LeaseName("access".into()));
        assert_eq!(epochs.admit(&access, 3), Ok(()));
        assert_eq!(epochs.admit(&access, 3), Ok(()));
        epochs.learn(&access, 5);
        let stale = StaleEpoch { lease: access.clone(), epoch: 4, seen: 5 };
        assert_eq!(epochs.admit(&access, 4), Err(stale));
        assert_eq!(epochs.admit(&LeaseName("other".into()), 1), Ok(()));
        assert_eq!(epochs.admit(&access, 6), Ok(()));
    }
}
