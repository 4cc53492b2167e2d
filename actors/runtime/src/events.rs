//! The event stream: what happens to the runtime itself, for logs, the UI and tests.
//!
//! Publishing never waits. A subscriber that is too slow loses the oldest events and is told how
//! many; nothing that must not be lost goes this way.

use std::sync::Arc;

use tokio::sync::broadcast;
use weir_domain::Fault;

/// Events that a subscriber may be behind.
const CAPACITY: usize = 1_024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeEvent {
    /// Messages could not be delivered. Published for the 1st, 2nd, 4th, 8th … of an actor.
    DeadLetters {
        actor: Arc<str>,
        total: u64,
    },
    ActorRestarting {
        actor: Arc<str>,
        attempt: u32,
        cause: Fault,
    },
    ActorFailed {
        actor: Arc<str>,
        cause: Fault,
    },
    TaskPanicked {
        task: Arc<str>,
        cause: String,
    },
    /// A controller can't reach its store and refuses commands.
    StoreSuspended {
        actor: Arc<str>,
        cause: String,
    },
    StoreResumed {
        actor: Arc<str>,
    },
    ShutdownRequested {
        reason: String,
    },
}

#[derive(Debug, Clone)]
pub struct EventStream(broadcast::Sender<RuntimeEvent>);

impl EventStream {
    pub fn publish(&self, event: RuntimeEvent) {
        // An error only says that nobody listens.
        let _ = self.0.send(event);
    }

    /// Everything published from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<RuntimeEvent> {
        self.0.subscribe()
    }
}

impl Default for EventStream {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}
