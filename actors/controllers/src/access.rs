//! Access Coordinator: which source items were processed, and who holds one now.
//!
//! The history of items lives in rows of the store, written under this controller's epoch; it is
//! neither in the actor's state nor in snapshots. So the actor has little to remember and any
//! number of calls under way: the store decides each of them atomically.
//!
//! Invariants:
//! - A1: an item is held by at most one claim.
//! - A2: a claim that ended or was lost never comes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt as _, TryFutureExt as _};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use weir_domain::{ClaimId, SourceName};
use weir_persistence_api::{
    Claim, ClaimRequest, Error, Fence, ItemFilter, ItemRow, ItemStore, Result, Settlement,
    Unfinished,
};
use weir_runtime::{AskError, Envelope, Ref, Reply, RestartPolicy, System, supervise};

/// The name of its lease.
pub const LEASE: &str = "access-coordinator";
/// Calls that may wait for it.
const MAILBOX: usize = 4_096;
/// How long a caller waits for an answer.
const ASK_WITHIN: Duration = Duration::from_secs(15);

/// A question, with the place for its answer.
#[derive(Debug)]
pub enum Command {
    Claim(Box<ClaimRequest>, Reply<Result<Option<Claim>>>),
    Commit(ClaimId, Bytes, Reply<Result<()>>),
    Fail(ClaimId, Bytes, Reply<Result<()>>),
    Settle(ClaimId, Settlement, Reply<Result<()>>),
    Unfinished(Reply<Result<Vec<Unfinished>>>),
    List(ItemFilter, Reply<Result<Vec<ItemRow>>>),
    Reset(SourceName, Option<Vec<String>>, Reply<Result<u64>>),
}

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// The way to the coordinator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccessCoordinator(Ref<Command>);

impl AccessCoordinator {
    pub async fn spawn(
        system: &System,
        store: Arc<dyn ItemStore>,
        fence: Fence,
        restarts: RestartPolicy,
    ) -> std::result::Result<Self, SpawnErr> {
        let actor = Coordinator { system: system.clone(), store, fence };
        let build = move |parent| {
            let actor = actor.clone();
            let spawned = async { Actor::spawn_linked(None, actor, (), parent).await };
            spawned.map_ok(|(actor, _)| actor).boxed()
        };
        let child = supervise(system, LEASE, restarts, None, Box::new(build)).await?;
        child.started().await.map_err(|it| SpawnErr::StartupFailed(Box::new(it)))?;
        Ok(Self(Ref::supervised(system.gate(LEASE, MAILBOX), child)))
    }

    pub async fn claim(&self, request: ClaimRequest) -> Answer<Option<Claim>> {
        self.ask(|reply| Command::Claim(Box::new(request), reply)).await
    }

    pub async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Answer<()> {
        self.ask(|reply| Command::Commit(claim, settlement, reply)).await
    }

    pub async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Answer<()> {
        self.ask(|reply| Command::Fail(claim, settlement, reply)).await
    }

    pub async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Answer<()> {
        self.ask(|reply| Command::Settle(claim, settlement, reply)).await
    }

    pub async fn unfinished(&self) -> Answer<Vec<Unfinished>> {
        self.ask(Command::Unfinished).await
    }

    pub async fn list(&self, filter: ItemFilter) -> Answer<Vec<ItemRow>> {
        self.ask(|reply| Command::List(filter, reply)).await
    }

    /// Forgets what was processed, so that it is processed again when found. `None`: all of it.
    pub async fn reset(&self, source: SourceName, names: Option<Vec<String>>) -> Answer<u64> {
        self.ask(|reply| Command::Reset(source, names, reply)).await
    }

    async fn ask<T: Send>(&self, question: impl FnOnce(Reply<Result<T>>) -> Command) -> Answer<T> {
        Ok(self.0.ask(ASK_WITHIN, question).await??)
    }
}

pub type Answer<T> = std::result::Result<T, Failure>;

#[derive(Clone)]
struct Coordinator {
    system: System,
    store: Arc<dyn ItemStore>,
    fence: Fence,
}

impl Actor for Coordinator {
    type Msg = Envelope<Command>;
    type State = ();
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        (): (),
    ) -> std::result::Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> std::result::Result<(), ActorProcessingErr> {
        // Calls run side by side, so that the store may write several in one commit.
        let (store, fence) = (self.store.clone(), self.fence.clone());
        let now = self.system.now();
        let call = async move {
            match message.open() {
                Command::Claim(request, reply) => {
                    reply.send(store.item_claim(&fence, *request).await);
                }
                Command::Commit(claim, settlement, reply) => {
                    reply.send(store.item_commit(&fence, claim, settlement).await);
                }
                Command::Fail(claim, settlement, reply) => {
                    reply.send(store.item_fail(&fence, claim, settlement).await);
                }
                Command::Settle(claim, settlement, reply) => {
                    reply.send(store.item_settle(&fence, claim, settlement, now).await);
                }
                Command::Unfinished(reply) => reply.send(store.item_unfinished().await),
                Command::List(filter, reply) => reply.send(store.item_list(filter).await),
                Command::Reset(source, names, reply) => {
                    reply.send(store.item_reset(&fence, &source, names).await);
                }
            }
        };
        self.system.tasks().spawn("access call", call);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> std::result::Result<(), ActorProcessingErr> {
        Ok(())
    }
}
