//! What a host is given.

use std::sync::Arc;
use std::time::Duration;

use weir_persistence_api::{Fence, PersistenceId, Store};

use super::{EffectHandler, EventSourced};
use crate::{Backoff, RestartPolicy};

/// One event-sourced actor, to be started.
pub struct HostSpec<B: EventSourced> {
    pub id: PersistenceId,
    /// The proof that this is the writer. It goes with every write and every effect.
    pub fence: Fence,
    pub store: Arc<dyn Store>,
    pub effects: Arc<dyn EffectHandler<B>>,
    pub settings: HostSettings,
}

#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Commands and reads that may wait; more are refused at once.
    pub waiting_max: usize,
    /// Events that are read at a time during recovery.
    pub page: u32,
    /// How long one read may take: a recovery that makes no progress for that long begins anew.
    pub read_within: Duration,
    /// After that the outcome of a write counts as unknown and is read back.
    pub append_within: Duration,
    /// Commands that are written together at most.
    pub group_max: usize,
    /// A larger event is refused: large content belongs into an object store.
    pub event_bytes_max: usize,
    /// Between attempts to reach a store that is away.
    pub store_retry: Backoff,
    /// How often the work that the state owes is looked at when nothing happens, and how soon an
    /// effect that succeeded runs again if the state still owes it.
    pub effects_every: Duration,
    pub effect_within: Duration,
    pub effects_at_once: usize,
    pub effect_retry: Backoff,
    pub restarts: RestartPolicy,
}

impl Default for HostSettings {
    fn default() -> Self {
        let backoff = |min_ms, max| Backoff {
            min: Duration::from_millis(min_ms),
            max: Duration::from_secs(max),
            jitter: 0.2,
        };
        Self {
            waiting_max: 4_096,
            page: 1_000,
            read_within: Duration::from_secs(30),
            append_within: Duration::from_secs(10),
            group_max: 64,
            event_bytes_max: 1 << 20,
            store_retry: backoff(200, 5),
            effects_every: Duration::from_secs(30),
            effect_within: Duration::from_secs(30),
            effects_at_once: 32,
            effect_retry: backoff(500, 60),
            restarts: RestartPolicy::default(),
        }
    }
}
