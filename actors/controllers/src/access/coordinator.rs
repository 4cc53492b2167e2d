//! The coordinator where it lives: a supervised actor over the store's item history.

use std::sync::Arc;

use async_trait::async_trait;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::{Notify, oneshot};
use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::Fault;
use weir_persistence_api::{Claim, ClaimRequest, Error, Fence, ItemStore, item_page};
use weir_runtime::{AskError, Envelope, Ref, Reply, RestartPolicy, System};

use super::offered::{Offered, WithOffered};
use super::sweeping::{self, Sweeper};
use super::{ASK_WITHIN, LEASE, Request, Response};
use crate::instance;

/// Calls that may wait for it.
const MAILBOX: usize = 4_096;

/// Makes a coordinator wherever its lease is held.
pub struct AccessSingleton {
    pub system: System,
    pub store: Arc<dyn ItemStore>,
    pub restarts: RestartPolicy,
}

#[async_trait]
impl Singleton for AccessSingleton {
    type Service = AccessService;

    async fn start(&self, fence: Fence) -> Result<Instance<AccessService>, Fault> {
        let Self { system, store, restarts } = self;
        let news = Arc::new(Notify::new());
        let actor = Coordinator {
            system: system.clone(),
            store: store.clone(),
            fence,
            news,
            offered: Arc::default(),
        };
        let failed = |it: &dyn std::fmt::Display| Fault::transient(6105, it.to_string());
        let (child, starting) =
            instance::supervised(system, LEASE, *restarts, actor, failed).await?;
        let actor = Ref::supervised(system.gate(LEASE, MAILBOX), child);
        Ok(Instance::new(Arc::new(AccessService(actor)), starting.keep()))
    }
}

/// Answers requests by asking the actor.
pub struct AccessService(Ref<Ask>);

/// A question, with the place for its answer.
#[derive(Debug)]
struct Ask(Request, Reply<Response>);

#[async_trait]
impl Service for AccessService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(&self, request: Request, _: RequestContext) -> Result<Response, Unavailable> {
        let answer = self.0.ask(ASK_WITHIN, |reply| Ask(request, reply)).await;
        answer.map_err(|it| unavailable(&it))
    }
}

fn unavailable(error: &AskError) -> Unavailable {
    match error {
        AskError::Timeout { .. } | AskError::Stopped { .. } => {
            Unavailable::uncertain(error.to_string())
        }
        AskError::Rejected(_)
        | AskError::Busy { .. }
        | AskError::Unavailable { .. }
        | AskError::Refused { .. } => Unavailable::new(error.to_string()),
    }
}

#[derive(Clone)]
struct Coordinator {
    system: System,
    store: Arc<dyn ItemStore>,
    fence: Fence,
    /// Wakes those who carry sweeps out.
    news: Arc<Notify>,
    offered: Arc<Offered>,
}

impl Coordinator {
    async fn answer(&self, request: Request) -> Response {
        self.carry_out(request).await.unwrap_or_else(Response::Failed)
    }

    /// An offer of nothing only says that the instance offers nothing any more.
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, Error> {
        self.offered.note(&request);
        match request.candidates.is_empty() {
            true => Ok(None),
            false => self.store.item_claim(&self.fence, request).await,
        }
    }

    async fn carry_out(&self, request: Request) -> Result<Response, Error> {
        let Self { store, fence, system, news, offered } = self;
        Ok(match request {
            Request::Claim(request) => Response::Claimed(self.claim(*request).await?),
            Request::Commit { claim, settlement } => {
                store.item_commit(fence, claim, settlement).await?;
                Response::Done
            }
            Request::Fail { claim, settlement } => {
                store.item_fail(fence, claim, settlement).await?;
                Response::Done
            }
            Request::Settle { claim, settlement } => {
                store.item_settle(fence, claim, settlement, system.now()).await?;
                Response::Done
            }
            Request::Adopt(adoption) => {
                Response::Adopted(store.item_adopt(fence, *adoption).await?)
            }
            Request::Unfinished => Response::Unfinished(store.item_unfinished().await?),
            Request::UnfinishedOf(source) => {
                let mut all = store.item_unfinished().await?;
                all.retain(|it| it.claim.source == source);
                Response::Unfinished(all)
            }
            Request::Page { filter, after, limit } => {
                let history = WithOffered::new(&**store, offered);
                Response::Page(Box::new(item_page::page(&history, &filter, after, limit).await?))
            }
            Request::Sources { after, limit } => {
                let history = WithOffered::new(&**store, offered);
                Response::Sources(item_page::sources(&history, after, limit).await?)
            }
            Request::Sweep(sweep) => {
                let begun = sweeping::begin(&**store, fence, *sweep).await?;
                news.notify_one();
                Response::Sweep(Some(Box::new(begun)))
            }
            Request::FindSweep(id) => Response::Sweep(store.sweep_load(id).await?.map(Box::new)),
        })
    }
}

impl Actor for Coordinator {
    type Msg = Envelope<Ask>;
    /// Sweeps are carried out as long as it lives.
    type State = oneshot::Sender<()>;
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        (): (),
    ) -> Result<Self::State, ActorProcessingErr> {
        let (alive, ended) = oneshot::channel();
        let sweeper = Sweeper {
            system: self.system.clone(),
            store: self.store.clone(),
            fence: self.fence.clone(),
            news: self.news.clone(),
        };
        self.system.tasks().spawn("access sweeps", async move { sweeper.work(ended).await });
        Ok(alive)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        _: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        // Calls run side by side, so that the store may write several in one commit.
        let (this, Ask(request, reply)) = (self.clone(), message.open());
        let call = async move { reply.send(this.answer(request).await) };
        self.system.tasks().spawn("access call", call);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        _: SupervisionEvent,
        _: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
