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
//! - A4: what a source lists and nobody has claimed is shown as pending; of a source no more than one claim
//!   offers, and nothing of it is written.
//! - A3: a sweep that was answered goes on until it has ended, wherever the coordinator lives.

mod coordinator;
mod offered;
mod sweeping;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_cluster::{Proxy, ProxyError};
use weir_domain::{ClaimId, SourceName, SweepId};
use weir_persistence_api::{
    Adoption, Claim, ClaimRequest, Error, ItemFilter, ItemPage, ItemPlace, Settlement, SourceRow,
    Sweep, Unfinished,
};

pub use coordinator::{AccessService, AccessSingleton};

/// The name of its lease.
pub const LEASE: &str = "access-coordinator";
/// How long a caller waits for an answer.
const ASK_WITHIN: Duration = Duration::from_secs(15);
/// How long a caller waits between two looks at a sweep.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What it is asked. Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Claim(Box<ClaimRequest>),
    Commit {
        claim: ClaimId,
        settlement: Bytes,
    },
    Fail {
        claim: ClaimId,
        settlement: Bytes,
    },
    Settle {
        claim: ClaimId,
        settlement: Settlement,
    },
    Adopt(Box<Adoption>),
    Unfinished,
    UnfinishedOf(SourceName),
    Page {
        filter: Box<ItemFilter>,
        after: Option<ItemPlace>,
        limit: u32,
    },
    Sources {
        after: Option<SourceName>,
        limit: u32,
    },
    /// Begins a sweep, or says how far the one of that id came.
    Sweep(Box<Sweep>),
    FindSweep(SweepId),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Claimed(Option<Claim>),
    Done,
    Adopted(Option<Unfinished>),
    Unfinished(Vec<Unfinished>),
    Page(Box<ItemPage>),
    Sources(Vec<SourceRow>),
    Sweep(Option<Box<Sweep>>),
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

fn lost_sweep(id: SweepId) -> Error {
    Error::Rejected(format!("the sweep {id} is not known any more"))
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

    /// Those of them that are on items of one source.
    pub async fn unfinished_of(&self, source: SourceName) -> Answer<Vec<Unfinished>> {
        match self.ask(Request::UnfinishedOf(source)).await? {
            Response::Unfinished(it) => Ok(it),
            other => odd(other),
        }
    }

    /// One page of the items that match.
    pub async fn page(
        &self,
        filter: ItemFilter,
        after: Option<ItemPlace>,
        limit: u32,
    ) -> Answer<ItemPage> {
        match self.ask(Request::Page { filter: Box::new(filter), after, limit }).await? {
            Response::Page(it) => Ok(*it),
            other => odd(other),
        }
    }

    /// Sources by name, with how many items they have in each state.
    pub async fn sources(&self, after: Option<SourceName>, limit: u32) -> Answer<Vec<SourceRow>> {
        match self.ask(Request::Sources { after, limit }).await? {
            Response::Sources(it) => Ok(it),
            other => odd(other),
        }
    }

    /// Begins a sweep, and waits a while for its end. What is answered goes on in any case.
    pub async fn sweep(&self, sweep: Sweep, patience: Duration) -> Answer<Sweep> {
        let id = sweep.id;
        let begun = self.found(Request::Sweep(Box::new(sweep))).await?;
        let Some(mut sweep) = begun else { return Err(lost_sweep(id).into()) };
        let looks = patience.as_millis() / LOOK_AGAIN_AFTER.as_millis();
        for _ in 0..looks {
            if !sweep.is_open() {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            sweep = self.find_sweep(id).await?.ok_or_else(|| lost_sweep(id))?;
        }
        Ok(sweep)
    }

    /// How far a sweep came. `None`: there is none, or it ended long ago.
    pub async fn find_sweep(&self, id: SweepId) -> Answer<Option<Sweep>> {
        self.found(Request::FindSweep(id)).await
    }

    async fn found(&self, request: Request) -> Answer<Option<Sweep>> {
        match self.ask(request).await? {
            Response::Sweep(it) => Ok(it.map(|it| *it)),
            other => odd(other),
        }
    }

    async fn ask(&self, request: Request) -> Answer<Response> {
        Ok(self.0.ask(request, ASK_WITHIN).await?)
    }
}

#[cfg(test)]
mod tests;
