//! Leases on a server. Each change is one conditional statement; time is the server's.

use std::time::Duration;

use async_trait::async_trait;
use weir_domain::{NodeName, Timestamp};
use weir_persistence_api::{Acquired, Error, Fence, LeaseName, LeaseRow, LeaseStore, Result};

use super::dialect::Dialect;
use super::{ServerStore, check_key};
use crate::row::{self, bound};

/// A lease's columns, and the server's time.
type TimedColumns = (String, String, i64, i64, Option<String>, i64);

fn lease((name, owner, epoch, expires_at, pinned, now): TimedColumns) -> Result<LeaseRow> {
    row::lease((name, owner, epoch, expires_at, pinned), Timestamp(now))
}

fn milliseconds(ttl: Duration) -> i64 {
    // A bound that no sum with the time of day goes beyond.
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

impl<D: Dialect> ServerStore<D> {
    async fn lease_load(&self, name: &LeaseName) -> Result<Option<LeaseRow>> {
        let values = [(&name.0).into()];
        let mut rows = self.leases.read(D::STATEMENTS.lease_load, &values).await?;
        rows.pop().map(lease).transpose()
    }
}

fn granted(name: &LeaseName, owner: &str, epoch: u64) -> Acquired {
    Acquired::Granted(Fence { lease: name.clone(), owner: owner.to_owned(), epoch })
}

fn held(row: Option<LeaseRow>) -> Acquired {
    match row {
        Some(LeaseRow { owner, epoch, left, .. }) => Acquired::Held { owner, epoch, left },
        None => Acquired::Held { owner: String::new(), epoch: 0, left: Duration::ZERO },
    }
}

#[async_trait]
impl<D: Dialect> LeaseStore for ServerStore<D> {
    async fn lease_acquire(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
    ) -> Result<Acquired> {
        check_key("lease", &name.0)?;
        check_key("owner", owner)?;
        let values = [owner.into(), milliseconds(ttl).into(), (&name.0).into(), owner.into()];
        for _ in 0..2 {
            let epoch = self.leases.number(D::STATEMENTS.lease_acquire, &values).await?;
            if let Some(epoch) = epoch {
                return Ok(granted(name, owner, epoch));
            }
            match self.lease_load(name).await? {
                Some(row) => return Ok(held(Some(row))),
                None => self.leases.execute(D::STATEMENTS.lease_make, &[(&name.0).into()]).await?,
            };
        }
        Err(Error::Unavailable(format!("the lease {name} was removed while it was acquired")))
    }

    async fn lease_force(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
        seen: (&str, u64),
    ) -> Result<Acquired> {
        check_key("owner", owner)?;
        let values = [
            owner.into(),
            milliseconds(ttl).into(),
            (&name.0).into(),
            seen.0.into(),
            bound(seen.1).into(),
        ];
        match self.leases.number(D::STATEMENTS.lease_force, &values).await? {
            Some(epoch) => Ok(granted(name, owner, epoch)),
            None => Ok(held(self.lease_load(name).await?)),
        }
    }

    async fn lease_renew(&self, fence: &Fence, ttl: Duration) -> Result<bool> {
        let values = [
            milliseconds(ttl).into(),
            (&fence.lease.0).into(),
            (&fence.owner).into(),
            bound(fence.epoch).into(),
        ];
        Ok(self.leases.execute(D::STATEMENTS.lease_renew, &values).await? == 1)
    }

    async fn lease_release(&self, fence: &Fence) -> Result<()> {
        let values = [(&fence.lease.0).into(), (&fence.owner).into(), bound(fence.epoch).into()];
        self.leases.execute(D::STATEMENTS.lease_release, &values).await.map(drop)
    }

    async fn lease_pin(&self, name: &LeaseName, node: Option<&NodeName>) -> Result<()> {
        check_key("lease", &name.0)?;
        self.leases.execute(D::STATEMENTS.lease_make, &[(&name.0).into()]).await?;
        let values = [node.map(NodeName::as_str).into(), (&name.0).into()];
        self.leases.execute(D::STATEMENTS.lease_pin, &values).await.map(drop)
    }

    async fn lease_list(&self) -> Result<Vec<LeaseRow>> {
        let rows = self.leases.read(D::STATEMENTS.lease_list, &[]).await?;
        rows.into_iter().map(lease).collect()
    }
}
