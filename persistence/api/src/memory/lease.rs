//! Leases in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use weir_domain::{NodeName, Timestamp};

use super::MemoryStore;
use crate::{Acquired, Error, Fence, LeaseName, LeaseRow, LeaseStore, Result};

#[derive(Default)]
pub(super) struct Leases(BTreeMap<LeaseName, Lease>);

#[derive(Default)]
struct Lease {
    owner: String,
    epoch: u64,
    expires_at: Timestamp,
    pinned: Option<NodeName>,
}

impl Lease {
    fn left(&self, now: Timestamp) -> Duration {
        self.expires_at.since(now)
    }

    fn held(&self, now: Timestamp) -> Acquired {
        Acquired::Held { owner: self.owner.clone(), epoch: self.epoch, left: self.left(now) }
    }

    fn grant(&mut self, name: &LeaseName, owner: &str, expires_at: Timestamp) -> Acquired {
        self.owner = owner.to_owned();
        self.epoch += 1;
        self.expires_at = expires_at;
        Acquired::Granted(Fence {
            lease: name.clone(),
            owner: self.owner.clone(),
            epoch: self.epoch,
        })
    }
}

impl Leases {
    /// Safety needs no clock: a lease that expired and was taken by nobody still fences.
    pub(super) fn check(&self, fence: &Fence) -> Result<()> {
        match self.0.get(&fence.lease) {
            Some(it) if it.owner == fence.owner && it.epoch == fence.epoch => Ok(()),
            _ => Err(Error::Fenced { lease: fence.lease.clone(), epoch: fence.epoch }),
        }
    }

    fn held_mut(&mut self, fence: &Fence) -> Option<&mut Lease> {
        self.check(fence).ok()?;
        self.0.get_mut(&fence.lease)
    }
}

#[async_trait]
impl LeaseStore for MemoryStore {
    async fn lease_acquire(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
    ) -> Result<Acquired> {
        let now = self.clock.now();
        self.write(|state| {
            let lease = state.leases.0.entry(name.clone()).or_default();
            let is_free = lease.owner.is_empty() || lease.left(now).is_zero();
            if is_free || lease.owner == owner {
                return Ok(lease.grant(name, owner, now.plus(ttl)));
            }
            Ok(lease.held(now))
        })
        .await
    }

    async fn lease_force(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
        seen: (&str, u64),
    ) -> Result<Acquired> {
        let now = self.clock.now();
        self.write(|state| {
            let Some(lease) = state.leases.0.get_mut(name) else {
                return Ok(Lease::default().held(now));
            };
            if (lease.owner.as_str(), lease.epoch) == seen {
                return Ok(lease.grant(name, owner, now.plus(ttl)));
            }
            Ok(lease.held(now))
        })
        .await
    }

    async fn lease_renew(&self, fence: &Fence, ttl: Duration) -> Result<bool> {
        let expires_at = self.clock.now().plus(ttl);
        self.write(|state| {
            let Some(lease) = state.leases.held_mut(fence) else { return Ok(false) };
            lease.expires_at = expires_at;
            Ok(true)
        })
        .await
    }

    async fn lease_release(&self, fence: &Fence) -> Result<()> {
        self.write(|state| {
            if let Some(lease) = state.leases.held_mut(fence) {
                lease.owner.clear();
                lease.expires_at = Timestamp(0);
            }
            Ok(())
        })
        .await
    }

    async fn lease_pin(&self, name: &LeaseName, node: Option<&NodeName>) -> Result<()> {
        self.write(|state| {
            state.leases.0.entry(name.clone()).or_default().pinned = node.cloned();
            Ok(())
        })
        .await
    }

    async fn lease_list(&self) -> Result<Vec<LeaseRow>> {
        let now = self.clock.now();
        self.read(|state| {
            let row = |(name, it): (&LeaseName, &Lease)| LeaseRow {
                name: name.clone(),
                owner: it.owner.clone(),
                epoch: it.epoch,
                left: it.left(now),
                pinned: it.pinned.clone(),
            };
            Ok(state.leases.0.iter().map(row).collect())
        })
        .await
    }
}
