//! The coordinator of resources as a singleton. It says to the pure part what time it is, and who is
//! gone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};
use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::Fault;
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{HostRef, HostSettings, HostSpec, NoEffects, System};

use super::{Command, LEASE, Rejection, Request, Reservation, Reserve, Resources, Response};
use crate::answer::{Refusal, answered};
use crate::instance::{self, RECOVER_WITHIN};

/// How often it is looked for what is over, and for owners that are gone.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long one who waits is kept before it is told that it still waits: less than it asks within.
const WAIT_AT_ONCE: Duration = Duration::from_secs(5);

/// What the coordinator knows of the engines.
pub trait Owners: Send + Sync + 'static {
    /// Whether an owner (`name#incarnation`) will never work again. `false` while that is not known.
    fn is_gone(&self, owner: &str) -> bool;
}

/// Makes a coordinator wherever its lease is held.
pub struct ResourceSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    pub settings: HostSettings,
    pub owners: Arc<dyn Owners>,
}

#[async_trait]
impl Singleton for ResourceSingleton {
    type Service = ResourceService;

    async fn start(&self, fence: Fence) -> Result<Instance<ResourceService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: Arc::new(NoEffects),
            settings: self.settings.clone(),
        };
        let (host, starting) = instance::recovered(&self.system, spec).await?;
        let resume = Command::Resume { at: self.system.now() };
        let resumed = host.ask(resume, RECOVER_WITHIN).await;
        resumed.map_err(|it| {
            Fault::transient(6172, format!("the coordinator of resources can't start: {it}"))
        })?;
        let (alive, ended) = oneshot::channel();
        let changes = watch::Sender::new(());
        let (system, owners) = (self.system.clone(), self.owners.clone());
        let watchman = Watchman {
            system: system.clone(),
            host: host.clone(),
            owners,
            changes: changes.clone(),
        };
        system.tasks().spawn("resources", async move { watchman.work(ended).await });
        let service = ResourceService { host, system, changes, _alive: alive };
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

/// Answers requests from the event-sourced host.
pub struct ResourceService {
    host: HostRef<Resources>,
    system: System,
    /// Something may have become free.
    changes: watch::Sender<()>,
    /// While it lives, it is looked for what is over.
    _alive: oneshot::Sender<()>,
}

type Stop = crate::answer::Stop<Response>;

#[async_trait]
impl Service for ResourceService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        answered(self.answer(request, context).await)
    }
}

impl ResourceService {
    async fn answer(&self, request: Request, context: RequestContext) -> Result<Response, Stop> {
        let (host, within, at) = (&self.host, context.within, self.system.now());
        match request {
            Request::Groups => Ok(Response::Groups(host.query(within, Resources::rows).await?)),
            Request::Declare { group, resources } => {
                let declare = Command::Declare { group, resources };
                host.ask_as(context.command, declare, within).await?;
                self.changes.send_replace(());
                Ok(Response::Done)
            }
            Request::Reserve(ask) => self.reserve(ask, within).await,
            Request::Renew(reservations) => {
                let asked = reservations.clone();
                let renew = Command::Renew { reservations, at };
                let read = move |_, it: &Resources| it.holding(&asked);
                Ok(Response::Renewed(host.ask_and_read(renew, within, read).await?))
            }
            Request::Release(reservation) => {
                host.ask(Command::Release { reservation, at }, within).await?;
                self.changes.send_replace(());
                Ok(Response::Done)
            }
            Request::Revoke { group, resources } => {
                let (of, names) = (group.clone(), resources.clone());
                let holders = move |it: &Resources| it.holders(&of, names.as_deref());
                let holders = host.query(within, holders).await?;
                let asked = holders.clone();
                let read = move |_, it: &Resources| it.holding(&asked).len();
                let revoke = Command::Revoke { group, resources, at };
                let left = host.ask_and_read_as(context.command, revoke, within, read).await?;
                self.changes.send_replace(());
                Ok(Response::Revoked((holders.len() - left) as u64))
            }
        }
    }

    /// Reserves, or waits a while for its turn.
    async fn reserve(&self, ask: Reserve, within: Duration) -> Result<Response, Stop> {
        let mut changes = self.changes.subscribe();
        let first = self.look(ask.clone(), within).await?;
        if !matches!(first, Reservation::Waiting(_)) {
            return Ok(Response::Reservation(first));
        }
        // Whoever waits is served in the state itself: it is only looked at.
        let (group, id) = (ask.group.clone(), ask.reservation);
        let served = async {
            loop {
                let _ = changes.changed().await;
                let group = group.clone();
                let now = self.host.query(within, move |it| it.reservation(&group, id)).await?;
                if !matches!(now, Reservation::Waiting(_)) {
                    return Ok(now);
                }
            }
        };
        match tokio::time::timeout(WAIT_AT_ONCE.min(within / 2), served).await {
            Ok(served) => served.map(Response::Reservation),
            Err(_) => {
                let group = ask.group;
                let now = self.host.query(within, move |it| it.reservation(&group, id)).await?;
                Ok(Response::Reservation(now))
            }
        }
    }

    async fn look(&self, ask: Reserve, within: Duration) -> Result<Reservation, Stop> {
        let (group, id) = (ask.group.clone(), ask.reservation);
        let reserve = Command::Reserve { ask, at: self.system.now() };
        let read = move |_, it: &Resources| it.reservation(&group, id);
        Ok(self.host.ask_and_read(reserve, within, read).await?)
    }
}

impl From<Refusal<Rejection>> for Response {
    fn from(refusal: Refusal<Rejection>) -> Self {
        match refusal {
            Refusal::Rejected(it) => Self::Rejected(it),
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}

impl From<Refusal<std::convert::Infallible>> for Response {
    fn from(refusal: Refusal<std::convert::Infallible>) -> Self {
        match refusal {
            Refusal::Rejected(it) => match it {},
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}

/// Looks for what is over, beside the requests.
struct Watchman {
    system: System,
    host: HostRef<Resources>,
    owners: Arc<dyn Owners>,
    changes: watch::Sender<()>,
}

impl Watchman {
    async fn work(self, mut ended: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = &mut ended => return,
            }
            tokio::select! {
                () = self.look() => {}
                _ = &mut ended => return,
            }
        }
    }

    async fn look(&self) {
        let at = self.system.now();
        let read = move |it: &Resources| (it.is_anything_over(at), it.owners());
        // A host that is held or recovers answers in a later round.
        let Ok((is_over, owners)) = self.host.query(LOOK_EVERY, read).await else { return };
        if is_over {
            self.tell(Command::Expire { at }).await;
        }
        let gone: Vec<_> = owners.into_iter().filter(|it| self.owners.is_gone(it)).collect();
        if !gone.is_empty() {
            tracing::info!(
                code = "WEIR-06173",
                ?gone,
                "what engines held that are gone is free again"
            );
            self.tell(Command::Bury { owners: gone, at }).await;
        }
    }

    async fn tell(&self, command: Command) {
        if self.host.ask(command, RECOVER_WITHIN).await.is_ok() {
            self.changes.send_replace(());
        }
    }
}
