//! Leases on SQLite. Taking one is a single conditional statement.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use weir_domain::{NodeName, Timestamp};
use weir_persistence_api::{Acquired, Fence, LeaseName, LeaseRow, LeaseStore, Result};

use super::error::Outcome;
use super::{SqliteStore, statement};
use crate::row::{self, LeaseColumns, bound};

/// What an attempt to take a lease came to: the new epoch, or else whoever holds it.
async fn outcome(
    connection: &mut SqliteConnection,
    fence: Fence,
    granted: Option<i64>,
    now: Timestamp,
) -> Outcome<Acquired> {
    let LeaseName(name) = &fence.lease;
    if let Some(epoch) = granted {
        let epoch = row::number(epoch, || format!("the lease {name}"))?;
        return Ok(Acquired::Granted(Fence { epoch, ..fence }));
    }
    let found = query_as(statement::LEASE_LOAD).bind(name).fetch_optional(connection).await?;
    let unknown: LeaseColumns = (name.clone(), String::new(), 0, 0, None);
    let LeaseRow { owner, epoch, left, .. } = row::lease(found.unwrap_or(unknown), now)?;
    Ok(Acquired::Held { owner, epoch, left })
}

/// Runs a statement that changes one lease, if the fence still holds; whether it did.
async fn update(
    connection: &mut SqliteConnection,
    statement: &'static str,
    fence: &Fence,
    expires_at: Option<Timestamp>,
) -> Outcome<bool> {
    let mut update =
        query(statement).bind(&fence.lease.0).bind(&fence.owner).bind(bound(fence.epoch));
    if let Some(expires_at) = expires_at {
        update = update.bind(expires_at.0);
    }
    Ok(update.execute(connection).await?.rows_affected() == 1)
}

#[async_trait]
impl LeaseStore for SqliteStore {
    async fn lease_acquire(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
    ) -> Result<Acquired> {
        let wanted = Fence { lease: name.clone(), owner: owner.to_owned(), epoch: 0 };
        let now = self.now();
        self.writer
            .write(move |connection| {
                async move {
                    let granted = query_scalar(statement::LEASE_ACQUIRE)
                        .bind(&wanted.lease.0)
                        .bind(&wanted.owner)
                        .bind(now.0)
                        .bind(now.plus(ttl).0)
                        .fetch_optional(&mut *connection)
                        .await?;
                    outcome(connection, wanted, granted, now).await
                }
                .boxed()
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
        let wanted = Fence { lease: name.clone(), owner: owner.to_owned(), epoch: 0 };
        let seen = (seen.0.to_owned(), seen.1);
        let now = self.now();
        self.writer
            .write(move |connection| {
                async move {
                    let granted = query_scalar(statement::LEASE_FORCE)
                        .bind(&wanted.lease.0)
                        .bind(&wanted.owner)
                        .bind(now.0)
                        .bind(now.plus(ttl).0)
                        .bind(&seen.0)
                        .bind(bound(seen.1))
                        .fetch_optional(&mut *connection)
                        .await?;
                    outcome(connection, wanted, granted, now).await
                }
                .boxed()
            })
            .await
    }

    async fn lease_renew(&self, fence: &Fence, ttl: Duration) -> Result<bool> {
        let (fence, expires_at) = (fence.clone(), self.now().plus(ttl));
        self.writer
            .write(move |connection| {
                async move {
                    update(connection, statement::LEASE_RENEW, &fence, Some(expires_at)).await
                }
                .boxed()
            })
            .await
    }

    async fn lease_release(&self, fence: &Fence) -> Result<()> {
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    update(connection, statement::LEASE_RELEASE, &fence, None).await.map(drop)
                }
                .boxed()
            })
            .await
    }

    async fn lease_pin(&self, name: &LeaseName, node: Option<&NodeName>) -> Result<()> {
        let (LeaseName(name), node) = (name.clone(), node.map(|it| it.as_str().to_owned()));
        self.writer
            .write(move |connection| {
                async move {
                    query(statement::LEASE_PIN).bind(name).bind(node).execute(connection).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    async fn lease_list(&self) -> Result<Vec<LeaseRow>> {
        let found = self.read(query_as(statement::LEASE_LIST).fetch_all(&self.readers)).await?;
        let now = self.now();
        found.into_iter().map(|columns| row::lease(columns, now)).collect()
    }
}
