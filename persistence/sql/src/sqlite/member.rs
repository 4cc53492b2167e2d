//! The cluster's identity and members on SQLite.

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::{SqliteConnection, query, query_as};
use weir_persistence_api::{ClusterIdentity, MemberChanges, MemberStore, Members, Result};

use super::error::Outcome;
use super::{SqliteStore, statement};
use crate::row::{self, bound};

async fn save(
    connection: &mut SqliteConnection,
    seen: u64,
    changes: MemberChanges,
) -> Outcome<Option<u64>> {
    let advance = query(statement::MEMBER_ADVANCE).bind(bound(seen));
    if advance.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(None);
    }
    for member in &changes.save {
        query(statement::MEMBER_SAVE)
            .bind(member.node.uid.to_string())
            .bind(member.node.name.as_str())
            .bind(member.status.to_string())
            .bind(row::member_body(member)?)
            .execute(&mut *connection)
            .await?;
    }
    for uid in &changes.forget {
        query(statement::MEMBER_FORGET).bind(uid.to_string()).execute(&mut *connection).await?;
    }
    Ok(Some(seen + 1))
}

#[async_trait]
impl MemberStore for SqliteStore {
    async fn cluster_claim(&self, wanted: ClusterIdentity) -> Result<ClusterIdentity> {
        self.writer
            .write(move |connection| {
                async move {
                    query(statement::CLUSTER_CLAIM)
                        .bind(wanted.id.to_string())
                        .bind(wanted.name.as_str())
                        .execute(&mut *connection)
                        .await?;
                    let found = query_as(statement::CLUSTER_IDENTITY).fetch_one(connection).await?;
                    Ok(row::identity(found)?)
                }
                .boxed()
            })
            .await
    }

    async fn member_list(&self) -> Result<Members> {
        let look = query_as(statement::MEMBER_LIST).fetch_all(&self.readers);
        row::members(self.read(look).await?)
    }

    async fn member_save(&self, seen: u64, changes: MemberChanges) -> Result<Option<u64>> {
        self.writer.write(move |connection| save(connection, seen, changes).boxed()).await
    }
}
