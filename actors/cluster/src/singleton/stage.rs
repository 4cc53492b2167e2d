//! Where an instance lives on this node: made under a lease, open to requests, shut, ended.
//!
//! Requests come in by the door. It is open only while the instance may act; whoever shuts it waits
//! for those inside, or turns them out when the lease is lost.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use weir_domain::{CommandId, Fault, Millis};
use weir_persistence_api::Fence;
use weir_runtime::{Stopwatch, System, Uptime};

use super::code;
use crate::{Instance, RequestContext, Service, Singleton, Unavailable};

/// How long an instance that lost its lease may take to end.
const ABANDON_WITHIN: Duration = Duration::from_secs(1);

/// What a keeper does with its singleton, whatever the type of that is.
#[async_trait]
pub(super) trait Stage: Send + Sync + 'static {
    /// Takes note that an instance is about to be made under that epoch. What is returned is
    /// cancelled when the lease is given up before that is done.
    fn open(&self, epoch: u64) -> CancellationToken;

    /// Makes the instance, unless it is cancelled meanwhile.
    async fn start(&self, fence: Fence, opening: CancellationToken) -> Result<(), Fault>;

    /// Resolves when the instance of that epoch has ended by itself. Pends for ever if it is ended
    /// from here.
    async fn ended(&self, epoch: u64) -> Fault;

    fn suspend(&self, cause: &str);

    fn resume(&self);

    /// Until when, of this node's uptime, the instance may act; `None`: the lease is not here.
    fn live_until(&self, deadline: Option<Duration>);

    /// Lets no more requests in, waits for those that are, and ends the instance of that epoch.
    /// One that is still being made is given up. Later epochs are none of its business.
    async fn finish(&self, epoch: u64, within: Duration);

    /// Ends the instance at once.
    fn abandon(&self);
}

/// A door and what is behind it.
pub(super) struct Door<S> {
    epoch: u64,
    mode: Mode,
    room: Option<Room<S>>,
    /// Cancelled when what is being made is not wanted any more.
    opening: CancellationToken,
    limit: Arc<Limit>,
}

/// Until when the instance may act. The keeper shuts the door then, but may come too late where
/// the whole process stood still.
struct Limit {
    uptime: Arc<dyn Uptime>,
    deadline_ms: AtomicU64,
}

impl Limit {
    fn is_over(&self) -> bool {
        self.uptime.uptime() >= Duration::from_millis(self.deadline_ms.load(Ordering::Relaxed))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    /// The singleton is not here.
    Away,
    /// It is being made; with why the last attempt failed.
    Opening(Option<String>),
    Open,
    Suspended(String),
    Closing,
}

struct Room<S> {
    instance: Instance<S>,
    inside: Arc<watch::Sender<usize>>,
    turned_out: CancellationToken,
}

impl<S> Clone for Room<S> {
    fn clone(&self) -> Self {
        let (inside, turned_out) = (self.inside.clone(), self.turned_out.clone());
        Self { instance: self.instance.clone(), inside, turned_out }
    }
}

/// What became of a request at this door.
#[derive(Debug)]
pub(super) enum Served<R> {
    Done(R),
    /// The singleton is not here, or was lost while it worked on the request.
    NotHere,
    /// It is here and takes no requests now, or did not answer this one.
    Shut(Unavailable),
    /// The caller knows a later epoch than the one that this node has.
    Stale {
        epoch: u64,
    },
    /// It panicked on the request: what it had done by then is not known.
    Failed {
        cause: String,
    },
}

pub(super) type Doorway<S> = watch::Sender<Door<S>>;

pub(super) struct Theatre<T: Singleton> {
    system: System,
    singleton: T,
    door: Arc<Doorway<T::Service>>,
}

impl<T: Singleton> Theatre<T> {
    pub(super) fn new(system: System, uptime: Arc<dyn Uptime>, singleton: T) -> Self {
        let limit = Arc::new(Limit { uptime, deadline_ms: AtomicU64::new(0) });
        let opening = CancellationToken::new();
        let door = Door { epoch: 0, mode: Mode::Away, room: None, opening, limit };
        Self { system, singleton, door: Arc::new(watch::Sender::new(door)) }
    }

    pub(super) fn door(&self) -> &Arc<Doorway<T::Service>> {
        &self.door
    }

    /// Ends an instance that nobody may reach any more.
    fn clear_away(&self, instance: Instance<T::Service>) {
        instance.control.suspend("its lease is not here any more");
        let name = format!("singleton/{}/abandon", <T::Service as Service>::NAME);
        self.system.tasks().spawn(name, async move {
            instance.control.stop(ABANDON_WITHIN).await;
        });
    }

    /// So that those who wait for it learn what is in its way.
    fn note_failure(&self, epoch: u64, fault: &Fault) {
        let hint = fault.hint.as_ref().map_or(String::new(), |it| format!(" ({it})"));
        self.door.send_modify(|door| {
            if door.epoch == epoch && matches!(door.mode, Mode::Opening(_)) {
                door.mode = Mode::Opening(Some(format!("{} {fault}{hint}", fault.code)));
            }
        });
    }

    /// Shuts the door for good; returns what was behind it.
    fn close(&self) -> Option<Room<T::Service>> {
        let mut room = None;
        self.door.send_modify(|door| room = door.close());
        room
    }

    /// Opens the door to what was made. It is handed back if nobody wants it any more.
    fn furnish(
        &self,
        instance: Instance<T::Service>,
        opening: &CancellationToken,
    ) -> Option<Instance<T::Service>> {
        let mut left_over = Some(instance);
        self.door.send_modify(|door| {
            if opening.is_cancelled() {
                return;
            }
            let Some(instance) = left_over.take() else { return };
            let (inside, turned_out) = (Arc::default(), CancellationToken::new());
            door.room = Some(Room { instance, inside, turned_out });
            door.mode = Mode::Open;
        });
        left_over
    }
}

impl<S> Door<S> {
    fn close(&mut self) -> Option<Room<S>> {
        self.mode = Mode::Away;
        self.opening.cancel();
        self.room.take()
    }
}

fn given_up() -> Fault {
    Fault::stopped("its lease was given up while it was started")
}

#[async_trait]
impl<T: Singleton> Stage for Theatre<T> {
    fn open(&self, epoch: u64) -> CancellationToken {
        let opening = CancellationToken::new();
        let mut left_over = None;
        self.door.send_modify(|door| {
            // Of an earlier attempt under this lease people want to know why it failed.
            let failed = match &door.mode {
                Mode::Opening(failed) if door.epoch == epoch => failed.clone(),
                _ => None,
            };
            left_over = door.close();
            (door.epoch, door.mode) = (epoch, Mode::Opening(failed));
            door.opening = opening.clone();
        });
        if let Some(room) = left_over {
            room.turned_out.cancel();
            self.clear_away(room.instance);
        }
        opening
    }

    async fn start(&self, fence: Fence, opening: CancellationToken) -> Result<(), Fault> {
        let epoch = fence.epoch;
        let start = AssertUnwindSafe(self.singleton.start(fence)).catch_unwind();
        let started = tokio::select! {
            biased;
            () = opening.cancelled() => return Err(given_up()),
            started = start => started,
        };
        let started = started
            .unwrap_or_else(|_| Err(Fault::transient(code::NOT_STARTED.0, "its start panicked")));
        let instance = started.inspect_err(|fault| self.note_failure(epoch, fault))?;
        match self.furnish(instance, &opening) {
            None => Ok(()),
            Some(instance) => {
                self.clear_away(instance);
                Err(given_up())
            }
        }
    }

    async fn ended(&self, epoch: u64) -> Fault {
        let room = {
            let door = self.door.borrow();
            door.room.clone().filter(|_| door.epoch == epoch)
        };
        let Some(room) = room else { return std::future::pending().await };
        tokio::select! {
            fault = room.instance.control.ended() => fault,
            () = room.turned_out.cancelled() => std::future::pending().await,
        }
    }

    fn suspend(&self, cause: &str) {
        self.door.send_if_modified(|door| {
            if let Some(room) = &door.room {
                room.instance.control.suspend(cause);
            }
            let is_open = door.mode == Mode::Open;
            if is_open {
                door.mode = Mode::Suspended(cause.to_owned());
            }
            is_open
        });
    }

    fn resume(&self) {
        self.door.send_if_modified(|door| {
            if let Some(room) = &door.room {
                room.instance.control.resume();
            }
            let is_suspended = matches!(door.mode, Mode::Suspended(_));
            if is_suspended {
                door.mode = Mode::Open;
            }
            is_suspended
        });
    }

    fn live_until(&self, deadline: Option<Duration>) {
        let deadline_ms = u64::try_from(deadline.unwrap_or_default().as_millis());
        let limit = self.door.borrow().limit.clone();
        limit.deadline_ms.store(deadline_ms.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    async fn finish(&self, epoch: u64, within: Duration) {
        let watch = Stopwatch::start();
        let mut room = None;
        self.door.send_if_modified(|door| {
            if door.epoch != epoch {
                return false;
            }
            door.opening.cancel();
            room = door.room.clone();
            door.mode = if room.is_some() { Mode::Closing } else { Mode::Away };
            true
        });
        let Some(room) = room else { return };
        let mut inside = room.inside.subscribe();
        let empty = inside.wait_for(|it| *it == 0);
        if tokio::time::timeout(within, empty).await.is_err() {
            let lease = <T::Service as Service>::NAME;
            tracing::warn!(code = %code::NOT_STOPPED, lease, "requests did not end in time and are cut off");
        }
        let left = within.saturating_sub(watch.elapsed()).max(ABANDON_WITHIN);
        tokio::select! {
            () = room.instance.control.stop(left) => {}
            // The lease was lost meanwhile.
            () = room.turned_out.cancelled() => {}
        }
        room.turned_out.cancel();
        self.door.send_if_modified(|door| door.epoch == epoch && door.close().is_some());
    }

    fn abandon(&self) {
        if let Some(room) = self.close() {
            room.turned_out.cancel();
            self.clear_away(room.instance);
        }
    }
}

/// A request that is inside.
struct Entered<S> {
    room: Room<S>,
}

impl<S> Drop for Entered<S> {
    fn drop(&mut self) {
        self.room.inside.send_modify(|it| *it = it.saturating_sub(1));
    }
}

/// Has a request answered by the instance here, if there is one. `known` is the epoch that the caller knows.
pub(super) async fn serve<S: Service>(
    door: &Doorway<S>,
    request: S::Request,
    (command, within): (CommandId, Duration),
    known: u64,
) -> Served<S::Response> {
    let (entered, epoch) = match enter(door, known) {
        Ok(entered) => entered,
        Err(shut) => return shut,
    };
    let context = RequestContext { command, within, epoch };
    let service = entered.room.instance.service.clone();
    let answer = AssertUnwindSafe(service.serve(request, context)).catch_unwind();
    tokio::select! {
        biased;
        () = entered.room.turned_out.cancelled() => Served::NotHere,
        answer = answer => match answer {
            Ok(Ok(response)) => Served::Done(response),
            Ok(Err(unavailable)) => Served::Shut(unavailable),
            Err(_) => Served::Failed { cause: format!("{} failed on this request", S::NAME) },
        },
    }
}

/// The way in, with the epoch of what is there.
fn enter<S: Service, R>(door: &Doorway<S>, known: u64) -> Result<(Entered<S>, u64), Served<R>> {
    let (room, epoch) = {
        let door = door.borrow();
        if door.mode != Mode::Away && known > door.epoch {
            return Err(Served::Stale { epoch: door.epoch });
        }
        match (&door.mode, &door.room) {
            (Mode::Open, Some(_)) if door.limit.is_over() => return Err(overdue()),
            (Mode::Open, Some(room)) => (room.clone(), door.epoch),
            _ => return Err(shut(&door)),
        }
    };
    // First in, then the look at the door: whoever shuts it in between waits for this one.
    room.inside.send_modify(|it| *it += 1);
    let entered = Entered { room };
    let door = door.borrow();
    match door.mode {
        Mode::Open if door.epoch == epoch => Ok((entered, epoch)),
        _ => Err(shut(&door)),
    }
}

/// What it knows may be old by now: somebody else may have the lease.
fn overdue<R>() -> Served<R> {
    Served::Shut(Unavailable::new("its lease was not renewed in time"))
}

fn shut<S, R>(door: &Door<S>) -> Served<R> {
    let (cause, retry_after) = match &door.mode {
        // Its next owner is not known here either, but will be soon.
        Mode::Away | Mode::Closing => return Served::NotHere,
        Mode::Opening(None) => ("it is being recovered".to_owned(), Millis(50)),
        Mode::Opening(Some(failed)) => (format!("it can't be started: {failed}"), Millis(1_000)),
        Mode::Suspended(cause) => (cause.clone(), Millis(200)),
        Mode::Open => ("it is being started".to_owned(), Millis(50)),
    };
    Served::Shut(Unavailable { retry_after, ..Unavailable::new(cause) })
}

/// Whether the singleton is here, in whatever state.
pub(super) fn is_here<S>(door: &Doorway<S>) -> bool {
    !matches!(door.borrow().mode, Mode::Away | Mode::Closing)
}

/// Waits until the door has changed.
pub(super) async fn changed<S>(door: &mut watch::Receiver<Door<S>>) {
    if door.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits while the singleton is here but can't take requests yet.
pub(super) async fn until_open<S>(door: &Doorway<S>, within: Duration) {
    let mut door = door.subscribe();
    let settled = door.wait_for(|it| !matches!(it.mode, Mode::Opening(_) | Mode::Suspended(_)));
    // Whether it is open is looked at again by whoever waited.
    let _ = tokio::time::timeout(within, settled).await;
}
