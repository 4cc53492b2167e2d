//! Orders to single streams while they are open: pause, resume, and three ways to end one.
//!
//! - C1: a stream that is not paused pays one look at a flag for each batch that it reads.
//! - C2: what an operator ends is decided like any other failure: nothing of it becomes visible, and
//!   its item has failed, so that it is not begun again at once.
//! - C3: what is paused is not committed.
//! - C4: an order that comes after the commit is decided changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use weir_domain::{Fault, SavepointName, StreamId, StreamOrder};

use crate::report::Reporter;

/// Of what was ended by an order.
pub(crate) const ENDED_BY_OPERATOR: u32 = 3160;

/// The streams of this engine that are open now, by what can be said to them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LiveStreams(Arc<Mutex<BTreeMap<StreamId, Control>>>);

/// What a stream is told. Clones are told the same.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    is_paused: Arc<watch::Sender<bool>>,
    /// Begin no other attempt.
    pub(crate) shutdown: CancellationToken,
    /// End this attempt.
    pub(crate) abort: CancellationToken,
    /// Wait for no stage.
    pub(crate) terminate: CancellationToken,
    /// Savepoints that are wanted of it, for as long as it is open. Only live ones take any.
    /// How often each was wanted: one that was deleted may be wanted again.
    savepoints: Arc<watch::Sender<Wanted>>,
}

/// Savepoints that are wanted of a stream, and how often each was asked for.
pub(crate) type Wanted = BTreeMap<SavepointName, u32>;

/// A stream can be told something as long as this lives.
pub(crate) struct Heard {
    streams: LiveStreams,
    stream: StreamId,
    pub(crate) control: Control,
}

impl LiveStreams {
    /// Gives an order, and says which of the streams are open here.
    pub fn order(&self, order: StreamOrder, streams: &[StreamId]) -> Vec<StreamId> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reached = streams.iter().filter(|it| open.get(it).map(|it| it.obey(order)).is_some());
        reached.copied().collect()
    }

    /// Wants a savepoint of each, and says which of the streams are open here. It is taken when a
    /// checkpoint of the stream is durable under that name.
    pub fn save(&self, name: &SavepointName, streams: &[StreamId]) -> Vec<StreamId> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let want = |it: &Control| {
            it.savepoints.send_modify(|them| *them.entry(name.clone()).or_default() += 1);
        };
        let reached = streams.iter().filter(|it| open.get(it).map(want).is_some());
        reached.copied().collect()
    }

    /// How many of them an operator has paused.
    pub(crate) fn paused<'s>(&self, streams: impl Iterator<Item = &'s StreamId>) -> usize {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.filter(|it| open.get(it).is_some_and(|it| *it.is_paused.borrow())).count()
    }

    pub(crate) fn hold(&self, stream: StreamId) -> Heard {
        let control = Control::default();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(stream, control.clone());
        Heard { streams: self.clone(), stream, control }
    }
}

impl Drop for Heard {
    /// However a stream ends.
    fn drop(&mut self) {
        self.streams.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.stream);
    }
}

impl Default for Control {
    fn default() -> Self {
        let [shutdown, abort, terminate] = <[CancellationToken; 3]>::default();
        let is_paused = Arc::new(watch::Sender::new(false));
        Self { is_paused, shutdown, abort, terminate, savepoints: Arc::default() }
    }
}

impl Control {
    pub(crate) fn obey(&self, order: StreamOrder) {
        match order {
            StreamOrder::Pause => drop(self.is_paused.send_replace(true)),
            StreamOrder::Resume => drop(self.is_paused.send_replace(false)),
            StreamOrder::Shutdown => {
                self.shutdown.cancel();
                // What is paused would never finish.
                self.is_paused.send_replace(false);
            }
            StreamOrder::Abort => {
                self.shutdown.cancel();
                self.abort.cancel();
            }
            StreamOrder::Terminate => {
                self.shutdown.cancel();
                self.abort.cancel();
                self.terminate.cancel();
            }
        }
    }

    pub(crate) fn savepoints(&self) -> watch::Receiver<Wanted> {
        let mut savepoints = self.savepoints.subscribe();
        savepoints.mark_changed();
        savepoints
    }

    pub(crate) fn gate(&self) -> Gate {
        Gate(self.is_paused.subscribe())
    }

    /// Waits while the stream is paused: what is paused is not committed.
    pub(crate) async fn held(
        &self,
        reporter: &mut Reporter<'_>,
        stop: &CancellationToken,
    ) -> Result<(), Fault> {
        let mut gate = self.gate();
        while gate.is_shut() {
            reporter.paused(true);
            reporter.progress();
            tokio::select! {
                () = gate.changed() => {}
                () = self.abort.cancelled() => break,
                () = stop.cancelled() => return Err(Fault::stopped("the stream was stopped")),
            }
        }
        reporter.paused(false);
        self.ended().map_or(Ok(()), Err)
    }

    /// Why a stream ends that an operator wanted to end.
    pub(crate) fn ended(&self) -> Option<Fault> {
        let word = match (self.abort.is_cancelled(), self.terminate.is_cancelled()) {
            (_, true) => "terminated",
            (true, false) => "aborted",
            (false, false) => return None,
        };
        // It is nobody's fault that another attempt could mend.
        let fault = Fault::data(ENDED_BY_OPERATOR, format!("an operator {word} the stream"));
        Some(fault.with_hint("its item has failed: reset it in Access to have it processed again, or with `weir access reset --source WORKFLOW/STAGE ITEM`"))
    }
}

/// Where a stream's source waits while it is paused.
#[derive(Debug, Clone)]
pub(crate) struct Gate(watch::Receiver<bool>);

impl Gate {
    /// One that is never shut.
    pub(crate) fn open() -> Self {
        Self(watch::channel(false).1)
    }

    /// One that whoever holds the other end shuts and opens.
    pub(crate) fn of(is_shut: watch::Receiver<bool>) -> Self {
        Self(is_shut)
    }

    pub(crate) fn is_shut(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when it was shut or opened since the last look.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody shuts it any more.
            std::future::pending().await
        }
    }

    /// Waits while it is shut, or until `stop`. For threads that may block.
    pub(crate) fn pass(&mut self, stop: &CancellationToken) {
        if self.is_shut() {
            Handle::current().block_on(async {
                tokio::select! {
                    // An error says that nobody shuts it any more.
                    _ = self.0.wait_for(|is_shut| !is_shut) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    }
}
