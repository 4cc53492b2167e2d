//! Leases: who may write. A lease is a row with an owner and an epoch that only ever increases.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use weir_domain::NodeName;

use crate::Result;

/// The name of a lease: one per singleton.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseName(pub String);

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The proof that goes with every fenced write: checked by the store in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub lease: LeaseName,
    /// `node-name#incarnation`, never an address alone.
    pub owner: String,
    pub epoch: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquired {
    Granted(Fence),
    /// Held by somebody else for at least that much longer, by the store's clock.
    Held {
        owner: String,
        epoch: u64,
        left: Duration,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    pub name: LeaseName,
    /// Empty when nobody holds it.
    pub owner: String,
    pub epoch: u64,
    pub left: Duration,
    /// The node that an administrator wants it on, while that node may have it.
    pub pinned: Option<NodeName>,
}

/// Time is the store's; safety needs no clock, only liveness does.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Takes a lease that is free or expired; its epoch grows by one. Asked again by its owner it
    /// is granted anew, with a new epoch.
    async fn lease_acquire(&self, name: &LeaseName, owner: &str, ttl: Duration)
    -> Result<Acquired>;

    /// Takes a lease from an owner that is known to be gone. `seen` is the owner and epoch that
    /// the caller saw: if they changed since, nothing happens and the new holder is returned.
    async fn lease_force(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
        seen: (&str, u64),
    ) -> Result<Acquired>;

    /// Extends a lease. `false`: it is lost, stop at once.
    async fn lease_renew(&self, fence: &Fence, ttl: Duration) -> Result<bool>;

    /// Gives a lease back. Harmless if it is lost.
    async fn lease_release(&self, fence: &Fence) -> Result<()>;

    /// Says on which node a lease should be, for all candidates to see; `None`: wherever they put
    /// it. Changes neither owner nor epoch. Makes the lease known if it is not.
    async fn lease_pin(&self, name: &LeaseName, node: Option<&NodeName>) -> Result<()>;

    async fn lease_list(&self) -> Result<Vec<LeaseRow>>;
}
