//! The proxy: asks a singleton wherever it is.
//!
//! Here it asks without serialising anything, elsewhere over the peer links. While there is no
//! owner it waits, with a bounded number of others and for a bounded time, and says why in the
//! end. Every attempt carries the same command id, since a request may arrive more than once.

mod why;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use weir_domain::{CommandId, Incarnation, Millis};
use weir_persistence_api::LeaseName;
use weir_runtime::Stopwatch;

use super::peers::{Form, PeerError, Peers};
use super::shared::Shared;
use super::stage::{self, Door, Doorway, Served};
use super::table::{Owner, Owners};
use super::wire::{self, Reply, Request};
use crate::{Service, Unavailable};

pub use why::{ProxyError, Why};

/// How soon to look again where nothing is known to change.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Bounds of a wait that the other side asked for.
const WAIT_MIN: Duration = Duration::from_millis(10);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Asks one singleton. Cheap to clone.
pub struct Proxy<S: Service> {
    shared: Arc<Shared>,
    door: Arc<Doorway<S>>,
    name: LeaseName,
    /// Requests that wait for this singleton: one that is away takes no room from the others.
    waiting: Arc<Semaphore>,
}

/// What became of one attempt.
enum Attempt<R> {
    Done(R),
    /// Nothing was done, and asking again gives the same answer.
    Refused(String),
    /// Asking again gives the same answer, and it may have been done all the same.
    Failed(Why),
    Again(Again),
}

struct Again {
    why: Why,
    wait: Duration,
    /// Whether it may have been carried out all the same.
    is_uncertain: bool,
}

impl Again {
    fn new(why: Why, wait: Duration) -> Self {
        Self { why, wait, is_uncertain: false }
    }
}

/// A request on its way.
struct Journey {
    command: CommandId,
    begun: Stopwatch,
    within: Duration,
    /// Runs from the first time that it had to wait.
    waiting: Option<(Stopwatch, OwnedSemaphorePermit)>,
    is_uncertain: bool,
    owners: watch::Receiver<Arc<Owners>>,
}

impl Journey {
    fn left(&self) -> Duration {
        self.within.saturating_sub(self.begun.elapsed())
    }
}

impl<S: Service> Proxy<S> {
    pub(super) fn new(shared: Arc<Shared>, door: Arc<Doorway<S>>) -> Self {
        let waiting = shared.settings.buffer.clamp(1, Semaphore::MAX_PERMITS);
        let (name, waiting) = (LeaseName(S::NAME.to_owned()), Arc::new(Semaphore::new(waiting)));
        Self { shared, door, name, waiting }
    }

    pub fn name(&self) -> &LeaseName {
        &self.name
    }

    /// A new id for `ask_as`.
    pub fn command(&self) -> CommandId {
        self.shared.system.ids().command()
    }

    /// Asks, and waits no longer than `within` for the answer.
    pub async fn ask(
        &self,
        request: S::Request,
        within: Duration,
    ) -> Result<S::Response, ProxyError> {
        self.ask_as(self.command(), request, within).await
    }

    /// The same for a caller who may have asked before, with that command id.
    pub async fn ask_as(
        &self,
        command: CommandId,
        request: S::Request,
        within: Duration,
    ) -> Result<S::Response, ProxyError> {
        let journey = Journey {
            command,
            begun: Stopwatch::start(),
            within,
            waiting: None,
            is_uncertain: false,
            owners: self.shared.owners.subscribe(),
        };
        let answer = self.travel(journey, &request).await;
        let outcome = answer.as_ref().map_or_else(ProxyError::as_str, |_| "done");
        metrics::counter!("weir_singleton_asks_total", "lease" => S::NAME, "outcome" => outcome)
            .increment(1);
        answer
    }

    async fn travel(
        &self,
        mut journey: Journey,
        request: &S::Request,
    ) -> Result<S::Response, ProxyError> {
        let mut door = self.door.subscribe();
        loop {
            // Whatever changes from here on ends the wait below.
            journey.owners.mark_unchanged();
            door.mark_unchanged();
            let left = journey.left();
            let attempt = tokio::time::timeout(left, self.attempt(&mut journey, request, left));
            let again = match attempt.await {
                Ok(Attempt::Done(response)) => return Ok(response),
                Ok(Attempt::Refused(cause)) => {
                    return Err(ProxyError::Refused { singleton: S::NAME, cause });
                }
                Ok(Attempt::Failed(why)) => {
                    let (singleton, after) = (S::NAME, millis(journey.begun.elapsed()));
                    return Err(ProxyError::Unsettled { singleton, after, why });
                }
                Ok(Attempt::Again(again)) => again,
                Err(_) => {
                    return Err(ProxyError::Timeout {
                        singleton: S::NAME,
                        after: millis(journey.within),
                    });
                }
            };
            journey.is_uncertain |= again.is_uncertain;
            self.wait(&mut journey, again, &mut door).await?;
        }
    }

    /// Waits until it may be worth asking again.
    async fn wait(
        &self,
        journey: &mut Journey,
        again: Again,
        door: &mut watch::Receiver<Door<S>>,
    ) -> Result<(), ProxyError> {
        let waited = match &journey.waiting {
            Some((since, _)) => since.elapsed(),
            None => {
                let permit = self.waiting.clone().try_acquire_owned().map_err(|_| {
                    let waiting = self.shared.settings.buffer;
                    ProxyError::Busy { singleton: S::NAME, waiting, why: again.why.clone() }
                })?;
                journey.waiting = Some((Stopwatch::start(), permit));
                Duration::ZERO
            }
        };
        let left = journey.left().min(self.shared.settings.buffer_within.saturating_sub(waited));
        if left.is_zero() {
            return Err(self.gave_up(journey, again.why));
        }
        let wait = again.wait.clamp(WAIT_MIN, WAIT_MAX).min(left);
        tokio::select! {
            _ = journey.owners.changed() => {}
            () = stage::changed(door) => {}
            () = tokio::time::sleep(wait) => {}
        }
        Ok(())
    }

    fn gave_up(&self, journey: &Journey, why: Why) -> ProxyError {
        let (singleton, after) = (S::NAME, millis(journey.begun.elapsed()));
        match journey.is_uncertain {
            true => ProxyError::Unsettled { singleton, after, why },
            false => {
                let retry_after = millis(self.shared.settings.look_every);
                ProxyError::Unavailable { singleton, after, why, retry_after }
            }
        }
    }

    async fn attempt(
        &self,
        journey: &mut Journey,
        request: &S::Request,
        within: Duration,
    ) -> Attempt<S::Response> {
        let owner = journey.owners.borrow_and_update().get(&self.name).cloned();
        if stage::is_here(&self.door) {
            let epoch = owner.map_or(0, |it| it.epoch);
            return self.ask_here(journey.command, request.clone(), (within, epoch)).await;
        }
        match (owner, &self.shared.peers) {
            (Some(owner), Some(peers)) if owner.node.uid != self.shared.system.uid() => {
                tokio::select! {
                    attempt = self.ask_there(&**peers, journey.command, request, (within, &owner)) => attempt,
                    // Its successor knows whether it did it; this owner may never answer.
                    () = deposed(&mut journey.owners, &self.name, owner.epoch) => {
                        let why = Why::Moved { from: owner.node.clone() };
                        Attempt::Again(Again { is_uncertain: true, ..Again::new(why, WAIT_MIN) })
                    }
                }
            }
            (owner, _) => Attempt::Again(Again::new(self.no_owner(owner), LOOK_AGAIN)),
        }
    }

    fn no_owner(&self, owner: Option<Owner>) -> Why {
        let table = self.shared.table.borrow();
        match (&table.trouble, owner) {
            (Some(it), _) => {
                let since = millis(self.shared.now().saturating_sub(it.since));
                Why::StoreAway { since, cause: it.cause.clone() }
            }
            (None, Some(owner)) => Why::Moved { from: owner.node },
            (None, None) => Why::NoOwner,
        }
    }

    async fn ask_here(
        &self,
        command: CommandId,
        request: S::Request,
        (within, epoch): (Duration, u64),
    ) -> Attempt<S::Response> {
        let me = || self.shared.system.incarnation();
        match stage::serve(&self.door, request, (command, within), epoch).await {
            Served::Done(response) => Attempt::Done(response),
            Served::Failed { cause } => Attempt::Failed(Why::NotReady { node: me(), cause }),
            Served::Shut(Unavailable { cause, retry_after, is_uncertain }) => {
                let why = Why::NotReady { node: me(), cause };
                let wait = retry_after.duration();
                Attempt::Again(Again { why, wait, is_uncertain })
            }
            Served::NotHere | Served::Stale { .. } => {
                let why = Why::Moved { from: me() };
                Attempt::Again(Again { is_uncertain: true, ..Again::new(why, WAIT_MIN) })
            }
        }
    }

    async fn ask_there(
        &self,
        peers: &dyn Peers,
        command: CommandId,
        request: &S::Request,
        (within, owner): (Duration, &Owner),
    ) -> Attempt<S::Response> {
        let form = Form { name: S::NAME, version: S::VERSION };
        let request = match wire::write(&Request { command, epoch: owner.epoch, request }) {
            Ok(request) => request,
            Err(cause) => return Attempt::Refused(format!("the request can't be sent: {cause}")),
        };
        match peers.ask(owner.node.uid, form, request, within).await {
            Ok(reply) => self.understand(&reply, &owner.node),
            Err(PeerError::Refused(cause)) => Attempt::Refused(cause),
            Err(error) => {
                let is_uncertain = matches!(error, PeerError::Lost | PeerError::Timeout);
                let (node, cause) = (owner.node.clone(), error.to_string());
                let why = Why::Unreachable { node, cause };
                Attempt::Again(Again { is_uncertain, ..Again::new(why, LOOK_AGAIN) })
            }
        }
    }

    fn understand(&self, reply: &[u8], node: &Incarnation) -> Attempt<S::Response> {
        let reply = match wire::read::<Reply<S::Response>>(reply) {
            Ok(reply) => reply,
            // Whoever answered may have carried it out.
            Err(cause) => {
                let cause = format!("the answer can't be read: {cause}");
                return Attempt::Failed(Why::NotReady { node: node.clone(), cause });
            }
        };
        let moved = || Why::Moved { from: node.clone() };
        Attempt::Again(match reply {
            Reply::Done(response) => return Attempt::Done(response),
            Reply::Refused { cause, is_uncertain: false } => return Attempt::Refused(cause),
            Reply::Refused { cause, is_uncertain: true } => {
                return Attempt::Failed(Why::NotReady { node: node.clone(), cause });
            }
            Reply::Unavailable { cause, retry_after_ms, is_uncertain } => {
                let why = Why::NotReady { node: node.clone(), cause };
                Again { why, wait: Duration::from_millis(retry_after_ms), is_uncertain }
            }
            Reply::NotHere { owner, epoch } => {
                if let Some(owner) = owner {
                    self.shared.learn(&self.name, self.shared.row(owner.to_string(), epoch));
                }
                self.shared.look.notify_one();
                // It may have been lost in the middle of the work.
                Again { is_uncertain: true, ..Again::new(moved(), LOOK_AGAIN) }
            }
            Reply::StaleEpoch { .. } => Again::new(moved(), LOOK_AGAIN),
        })
    }
}

/// Resolves when the lease has a later epoch than that.
async fn deposed(owners: &mut watch::Receiver<Arc<Owners>>, name: &LeaseName, epoch: u64) {
    let is_later = |it: &Arc<Owners>| it.get(name).is_some_and(|it| it.epoch > epoch);
    // The look at it must not be held while others are waited for.
    let is_told = owners.wait_for(is_later).await.is_ok();
    if !is_told {
        std::future::pending::<()>().await;
    }
}

fn millis(length: Duration) -> Millis {
    Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
}

impl<S: Service> Clone for Proxy<S> {
    fn clone(&self) -> Self {
        let (shared, door) = (self.shared.clone(), self.door.clone());
        let (name, waiting) = (self.name.clone(), self.waiting.clone());
        Self { shared, door, name, waiting }
    }
}

impl<S: Service> fmt::Debug for Proxy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", S::NAME)
    }
}
