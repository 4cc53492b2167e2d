//! The way to the coordinator of resources, wherever it lives.

use std::time::Duration;

use weir_cluster::{Proxy, ProxyError};
use weir_domain::{CommandId, GroupName, ReservationId, ResourceName};

use super::{GroupRow, Rejection, Request, Reservation, Reserve, ResourceService, Response};

const ASK_WITHIN: Duration = Duration::from_secs(15);

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

type Answer<T> = Result<T, Failure>;

/// Cheap to clone.
#[derive(Clone)]
pub struct ResourceCoordinator(Proxy<ResourceService>);

fn odd<T>(response: Response) -> Answer<T> {
    Err(match response {
        Response::Rejected(it) => it.into(),
        Response::Refused(it) => Failure::Refused(it),
        // An engine of another version may answer what this one does not expect.
        other => Failure::Refused(format!("an answer to another question: {other:?}")),
    })
}

fn done(response: Response) -> Answer<()> {
    match response {
        Response::Done => Ok(()),
        other => odd(other),
    }
}

impl ResourceCoordinator {
    pub fn new(proxy: Proxy<ResourceService>) -> Self {
        Self(proxy)
    }

    /// All groups, by name.
    pub async fn groups(&self) -> Answer<Vec<GroupRow>> {
        match self.ask(Request::Groups).await? {
            Response::Groups(it) => Ok(it),
            other => odd(other),
        }
    }

    /// Says which resources a group has. Those that are held and not among them stay until they are
    /// free. No resources: there is no such group any more.
    pub async fn declare(
        &self,
        command: CommandId,
        group: GroupName,
        resources: Vec<ResourceName>,
    ) -> Answer<()> {
        let declare = Request::Declare { group, resources };
        done(self.0.ask_as(command, declare, ASK_WITHIN).await?)
    }

    /// Asks for a resource, and waits a few seconds for its turn if it may wait. Who still waits asks
    /// again with the same reservation, and keeps its place.
    pub async fn reserve(&self, ask: Reserve) -> Answer<Reservation> {
        match self.ask(Request::Reserve(ask)).await? {
            Response::Reservation(it) => Ok(it),
            other => odd(other),
        }
    }

    /// Renews leases; answers which of the reservations still hold.
    pub async fn renew(&self, of: Vec<ReservationId>) -> Answer<Vec<ReservationId>> {
        match self.ask(Request::Renew(of)).await? {
            Response::Renewed(it) => Ok(it),
            other => odd(other),
        }
    }

    /// Gives back what it holds, or leaves the queue. Harmless if it does neither.
    pub async fn release(&self, reservation: ReservationId) -> Answer<()> {
        done(self.ask(Request::Release(reservation)).await?)
    }

    /// Takes resources from their holders, all of the group where none are named. Returns how many;
    /// none, if the command was carried out before: who got them since keeps them.
    pub async fn revoke(
        &self,
        command: CommandId,
        group: GroupName,
        resources: Option<Vec<ResourceName>>,
    ) -> Answer<u64> {
        let revoke = Request::Revoke { group, resources };
        match self.0.ask_as(command, revoke, ASK_WITHIN).await? {
            Response::Revoked(it) => Ok(it),
            other => odd(other),
        }
    }

    async fn ask(&self, request: Request) -> Answer<Response> {
        Ok(self.0.ask(request, ASK_WITHIN).await?)
    }
}
