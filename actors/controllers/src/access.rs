//! Access Coordinator: which source items were processed, and who holds one now.
//!
//! One per cluster. The history of items lives in rows of the store, written under this
//! controller's epoch; it is neither in the actor's state nor in snapshots. So the actor has
//! little to remember and any number of calls under way: the store decides each of them
//! atomically, and each may be asked twice (a call is sent again when the coordinator moves).
//!
//! Invariants:
//! - A1: an item is held by at most one claim.
//! - A2: a claim that ended, was lost or was taken over never comes back.

mod coordinator;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_cluster::{Proxy, ProxyError};
use weir_domain::{ClaimId, SourceName};
use weir_persistence_api::{
    Adoption, Claim, ClaimRequest, Error, ItemFilter, ItemRow, Settlement, Unfinished,
};

pub use coordinator::{AccessService, AccessSingleton};

/// The name of its lease.
pub const LEASE: &str = "access-coordinator";
/// How long a caller waits for an answer.
const ASK_WITHIN: Duration = Duration::from_secs(15);

/// What it is asked. Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Claim(Box<ClaimRequest>),
    Commit { claim: ClaimId, settlement: Bytes },
    Fail { claim: ClaimId, settlement: Bytes },
    Settle { claim: ClaimId, settlement: Settlement },
    Adopt(Box<Adoption>),
    Unfinished,
    List(ItemFilter),
    Reset { source: SourceName, names: Option<Vec<String>> },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Claimed(Option<Claim>),
    Done,
    Adopted(Option<Unfinished>),
    Unfinished(Vec<Unfinished>),
    Items(Vec<ItemRow>),
    Count(u64),
    Failed(Error),
}

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

pub type Answer<T> = Result<T, Failure>;

/// The way to the coordinator, wherever it lives. Cheap to clone.
#[derive(Clone)]
pub struct AccessCoordinator(Proxy<AccessService>);

/// An engine of another version may answer what this one does not expect.
fn odd<T>(response: Response) -> Answer<T> {
    match response {
        Response::Failed(error) => Err(error.into()),
        other => {
            let reason = format!("the coordinator gave an answer to another question: {other:?}");
            Err(Error::Rejected(reason).into())
        }
    }
}

impl AccessCoordinator {
    pub fn new(proxy: Proxy<AccessService>) -> Self {
        Self(proxy)
    }

    pub async fn claim(&self, request: ClaimRequest) -> Answer<Option<Claim>> {
        match self.ask(Request::Claim(Box::new(request))).await? {
            Response::Claimed(it) => Ok(it),
            other => odd(other),
        }
    }

    pub async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Answer<()> {
        match self.ask(Request::Commit { claim, settlement }).await? {
            Response::Done => Ok(()),
            other => odd(other),
        }
    }

    pub async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Answer<()> {
        match self.ask(Request::Fail { claim, settlement }).await? {
            Response::Done => Ok(()),
            other => odd(other),
        }
    }

    pub async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Answer<()> {
        match self.ask(Request::Settle { claim, settlement }).await? {
            Response::Done => Ok(()),
            other => odd(other),
        }
    }

    /// Takes an unfinished claim over from an owner that is gone; `None`: another engine did.
    pub async fn adopt(&self, adoption: Adoption) -> Answer<Option<Unfinished>> {
        let adopt = Request::Adopt(Box::new(adoption));
        match self.ask(adopt).await? {
            Response::Adopted(it) => Ok(it),
            other => odd(other),
        }
    }

    /// The claims of all owners that are not finished.
    pub async fn unfinished(&self) -> Answer<Vec<Unfinished>> {
        match self.ask(Request::Unfinished).await? {
            Response::Unfinished(it) => Ok(it),
            other => odd(other),
        }
    }

    pub async fn list(&self, filter: ItemFilter) -> Answer<Vec<ItemRow>> {
        match self.ask(Request::List(filter)).await? {
            Response::Items(it) => Ok(it),
            other => odd(other),
        }
    }

    /// Forgets what was processed, so that it is processed again when found. `None`: all of it.
    pub async fn reset(&self, source: SourceName, names: Option<Vec<String>>) -> Answer<u64> {
        match self.ask(Request::Reset { source, names }).await? {
            Response::Count(it) => Ok(it),
            other => odd(other),
        }
    }

    async fn ask(&self, request: Request) -> Answer<Response> {
        Ok(self.0.ask(request, ASK_WITHIN).await?)
    }
}

#[cfg(test)]
mod tests;
