//! The cluster's identity and members on a server.

use async_trait::async_trait;
use futures::FutureExt;
use weir_persistence_api::{ClusterIdentity, MemberChanges, MemberStore, Members, Result};

use super::ServerStore;
use super::dialect::Dialect;
use super::error::Outcome;
use crate::row::{self, bound, corrupt};

async fn save<D: Dialect>(
    connection: &mut D::Connection,
    (seen, changes): &(u64, MemberChanges),
) -> Outcome<Option<u64>> {
    let s = D::STATEMENTS;
    if D::execute(connection, s.member_advance, &[bound(*seen).into()]).await? == 0 {
        return Ok(None);
    }
    for member in &changes.save {
        let (uid, status) = (member.node.uid.to_string(), member.status.to_string());
        let body = row::member_body(member)?;
        let name = member.node.name.as_str();
        let values = [(&uid).into(), name.into(), (&status).into(), (&body).into()];
        D::execute(connection, s.member_save, &values).await?;
    }
    for uid in &changes.forget {
        D::execute(connection, s.member_forget, &[(&uid.to_string()).into()]).await?;
    }
    Ok(Some(seen + 1))
}

#[async_trait]
impl<D: Dialect> MemberStore for ServerStore<D> {
    async fn cluster_claim(&self, wanted: ClusterIdentity) -> Result<ClusterIdentity> {
        let id = wanted.id.to_string();
        let values = [(&id).into(), wanted.name.as_str().into()];
        self.sessions.execute(D::STATEMENTS.cluster_claim, &values).await?;
        let rows: Vec<(String, String)> = self.rows(D::STATEMENTS.cluster_identity, &[]).await?;
        let missing = || corrupt("the identity of the cluster".to_owned(), "its row is missing");
        row::identity(rows.into_iter().next().ok_or_else(missing)?)
    }

    async fn member_list(&self) -> Result<Members> {
        row::members(self.rows(D::STATEMENTS.member_list, &[]).await?)
    }

    async fn member_save(&self, seen: u64, changes: MemberChanges) -> Result<Option<u64>> {
        let input = (seen, changes);
        let work = self
            .sessions
            .transaction(None, &input, |connection, input| save::<D>(connection, input).boxed());
        work.await
    }
}
