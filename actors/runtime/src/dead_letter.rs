//! Dead letters: messages that nobody handled, because their actor stopped first.
//!
//! Their content is dropped; that they were, is counted and visible.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{EventStream, RuntimeEvent, code};

/// Dead letters by actor, since the system started.
#[derive(Debug, Clone, Default)]
pub struct DeadLetters {
    by_actor: Arc<Mutex<BTreeMap<Arc<str>, u64>>>,
    events: EventStream,
}

impl DeadLetters {
    pub(crate) fn new(events: EventStream) -> Self {
        Self { by_actor: Arc::default(), events }
    }

    /// Counts one message that `actor` will never handle.
    pub fn count(&self, actor: &Arc<str>) {
        metrics::counter!("weir_dead_messages_total", "actor" => actor.to_string()).increment(1);
        let total = self.add(actor);
        // An actor with a full mailbox would otherwise write thousands of lines at once.
        if total.is_power_of_two() {
            tracing::warn!(code = %code::DEAD_LETTER, %actor, total, "messages to a stopped actor were dropped");
            self.events.publish(RuntimeEvent::DeadLetters { actor: actor.clone(), total });
        }
    }

    fn add(&self, actor: &Arc<str>) -> u64 {
        let mut by_actor = self.by_actor.lock().unwrap_or_else(PoisonError::into_inner);
        let total = by_actor.entry(actor.clone()).or_default();
        *total += 1;
        *total
    }

    pub fn of(&self, actor: &str) -> u64 {
        let by_actor = self.by_actor.lock().unwrap_or_else(PoisonError::into_inner);
        by_actor.get(actor).copied().unwrap_or(0)
    }

    pub fn by_actor(&self) -> BTreeMap<Arc<str>, u64> {
        self.by_actor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
