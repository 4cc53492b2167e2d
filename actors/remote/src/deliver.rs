//! From a link to a handler: tells in order, asks side by side, repeated asks once.
//!
//! For each peer, path and lane one task handles the tells, one after the other. A peer that comes
//! back on a new link gets a new task, which begins when the old one has handled what had come.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use weir_domain::{Incarnation, NodeUid};
use weir_runtime::{System, Trace};

use crate::dedup::{Begun, Key, Outcome, Window};
use crate::error::Refused;
use crate::hub::Hub;
use crate::link::{Link, nothing};
use crate::refusals::Refusals;
use crate::{Handler, Incoming, Lane, Manifest, Outgoing, code};

/// How a message came.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub to: &'a str,
    pub corr: Option<u64>,
    pub lane: Lane,
    pub bytes: usize,
}

/// Who serves which path, for all links of a node.
#[derive(Default)]
pub(crate) struct Paths {
    handlers: RwLock<HashMap<&'static str, Served>>,
    seen: Mutex<Window>,
    /// The last task of each peer, path and lane, to be waited for by the next.
    tails: Mutex<HashMap<Tail, CancellationToken>>,
    refusals: Arc<Refusals>,
}

type Tail = (NodeUid, Arc<str>, Lane);

#[derive(Clone)]
struct Served {
    path: Arc<str>,
    handler: Arc<dyn Handler>,
}

impl Paths {
    pub(crate) fn serve(&self, path: &'static str, handler: Arc<dyn Handler>) {
        let served = Served { path: path.into(), handler };
        self.handlers.write().unwrap_or_else(PoisonError::into_inner).insert(path, served);
    }

    fn find(&self, path: &str) -> Option<Served> {
        self.handlers.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn seen(&self) -> MutexGuard<'_, Window> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a new task, and gives what it has to wait for.
    fn follow(&self, tail: Tail) -> (Option<CancellationToken>, CancellationToken) {
        let done = CancellationToken::new();
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        tails.retain(|_, it| !it.is_cancelled());
        (tails.insert(tail, done.clone()), done)
    }
}

/// The tasks that handle the tells of one link.
#[derive(Default)]
pub(crate) struct Tellers(Mutex<Queues>);

type Queues = HashMap<(Arc<str>, Lane), mpsc::UnboundedSender<Tell>>;

/// The bound of its queue is the peer's credit.
struct Tell {
    handler: Arc<dyn Handler>,
    message: Incoming,
    bytes: usize,
}

impl Tellers {
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    pub(crate) fn deliver(
        self: &Arc<Self>,
        link: &Arc<Link>,
        arrival: Arrival<'_>,
        message: Incoming,
    ) {
        let Arrival { to, corr, lane, bytes } = arrival;
        match (self.paths.find(to), corr) {
            (Some(served), Some(corr)) => self.asked(link, served, corr, bytes, message),
            (Some(served), None) => self.told(link, served, lane, bytes, message),
            (None, corr) => {
                self.unhandled(link.node(), to, &message);
                match corr {
                    Some(corr) => link.answer(corr, &message, bytes, &Outcome::Unhandled),
                    None => link.taken(lane, bytes),
                }
            }
        }
    }

    fn told(
        self: &Arc<Self>,
        link: &Arc<Link>,
        served: Served,
        lane: Lane,
        bytes: usize,
        message: Incoming,
    ) {
        let Served { path, handler } = served;
        let mut tellers = link.tellers.lock();
        let teller = tellers.entry((path.clone(), lane)).or_insert_with(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            let (before, done) = self.paths.follow((link.node().uid, path.clone(), lane));
            let teller = Teller {
                system: self.system.clone(),
                link: Arc::downgrade(link),
                from: link.node().clone(),
                path: path.clone(),
                lane,
                receiver,
                refusals: self.paths.refusals.clone(),
            };
            let name = format!("tells to {path} of {}", link.node().name);
            self.system.tasks().spawn(name, async move {
                let _done = done.drop_guard();
                if let Some(before) = before {
                    before.cancelled().await;
                }
                teller.run().await;
            });
            sender
        });
        // It fails only if the task has panicked, which a handler can't make it do.
        let _ = teller.send(Tell { handler, message, bytes });
    }

    fn asked(
        self: &Arc<Self>,
        link: &Arc<Link>,
        served: Served,
        corr: u64,
        bytes: usize,
        message: Incoming,
    ) {
        let (hub, link) = (self.clone(), link.clone());
        self.system.tasks().spawn(self.ask_task.clone(), async move {
            // Nobody waits for an answer that comes too late.
            let outcome = if message.time_left() == Some(Duration::ZERO) {
                metrics::counter!("weir_remote_late_total").increment(1);
                Outcome::Refused(Refused::because(code::LATE, "it came after its deadline"))
            } else {
                hub.once(&link, &served, message.clone()).await
            };
            if matches!(outcome, Outcome::Unhandled) {
                hub.unhandled(link.node(), &served.path, &message);
            }
            link.answer(corr, &message, bytes, &outcome);
        });
    }

    /// Carries an ask out, unless one with its command id was or is.
    async fn once(&self, link: &Link, served: &Served, message: Incoming) -> Outcome {
        let (from, handler) = (link.node().clone(), &served.handler);
        let Some(command) = message.command else { return outcome(handler, from, message).await };
        let key: Key = (served.path.clone(), command);
        let begun = self.paths.seen().begin(&key, self.watch.elapsed());
        match begun {
            Begun::Was(outcome) => outcome,
            Begun::Runs(first) => {
                // It may have more time than this one, whose asker waits no longer than he said.
                let within = message.time_left().unwrap_or(Duration::MAX);
                let refused = |code, why: &str| Outcome::Refused(Refused::because(code, why));
                match tokio::time::timeout(within, first).await {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(_)) => refused(code::HANDLER_PANICKED, "the first ask was dropped"),
                    Err(_) => refused(code::LATE, "the first ask takes longer than its deadline"),
                }
            }
            Begun::First => {
                let outcome = outcome(handler, from, message).await;
                self.paths.seen().finish(&key, &outcome, self.watch.elapsed());
                outcome
            }
        }
    }

    fn unhandled(&self, from: &Incarnation, path: &str, message: &Incoming) {
        if self.paths.refusals.count(from.uid, path, &message.manifest) {
            let path: String = path.chars().take(128).collect();
            tracing::warn!(code = %code::UNHANDLED, %from, path, manifest = %message.manifest, "nobody here handles this message: the sender may run another version; more of its kind are only counted");
        }
    }
}

struct Teller {
    system: System,
    link: Weak<Link>,
    from: Incarnation,
    path: Arc<str>,
    lane: Lane,
    receiver: mpsc::UnboundedReceiver<Tell>,
    refusals: Arc<Refusals>,
}

impl Teller {
    async fn run(mut self) {
        while let Some(Tell { handler, message, bytes }) = self.receiver.recv().await {
            if let Some(link) = self.link.upgrade() {
                link.taken(self.lane, bytes);
            }
            if message.time_left() == Some(Duration::ZERO) {
                metrics::counter!("weir_remote_late_total").increment(1);
                self.system.dead_letters().count(&self.path);
                continue;
            }
            let manifest = message.manifest.clone();
            if let Err(refused) = run(&handler, self.from.clone(), message).await {
                self.refused(&manifest, &refused);
            }
        }
    }
}

impl Teller {
    fn refused(&self, manifest: &Manifest, refused: &Refused) {
        if self.refusals.count(self.from.uid, &self.path, manifest) {
            tracing::warn!(code = %code::TELL_REFUSED, from = %self.from, path = %self.path, %manifest, %refused, "a message was refused, and its sender waits for no answer; more of its kind are only counted");
        }
    }
}

async fn outcome(handler: &Arc<dyn Handler>, from: Incarnation, message: Incoming) -> Outcome {
    match run(handler, from, message).await {
        Ok(Some(Outgoing { manifest, payload, .. })) => Outcome::Done { manifest, payload },
        Ok(None) => nothing(),
        Err(Refused::Unhandled) => Outcome::Unhandled,
        Err(refused @ Refused::Because { .. }) => Outcome::Refused(refused),
    }
}

async fn run(
    handler: &Arc<dyn Handler>,
    from: Incarnation,
    message: Incoming,
) -> Result<Option<Outgoing>, Refused> {
    let manifest = message.manifest.clone();
    let handling = Trace::within(message.trace, handler.handle(from, message));
    let handled = AssertUnwindSafe(handling).catch_unwind().await;
    handled.unwrap_or_else(|panic| {
        let cause = panic.downcast_ref::<String>().map(String::as_str);
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
        tracing::error!(code = %code::HANDLER_PANICKED, %manifest, cause, "a handler panicked over a message");
        Err(Refused::because(code::HANDLER_PANICKED, format!("the handler panicked: {cause}")))
    })
}
