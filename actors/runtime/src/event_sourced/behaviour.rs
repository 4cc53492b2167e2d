//! What a controller is: a state, and pure functions on it.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_domain::Fault;
use weir_persistence_api::{Fence, Tag};

use super::{Stored, Unreadable};

/// The events that a command leads to (none: it changes nothing), or why it is refused.
pub type Decision<B> = Result<Vec<<B as EventSourced>::Event>, <B as EventSourced>::Rejection>;

/// A controller's state and its rules. `Default` is the state before the first event.
///
/// Time, ids and randomness arrive as fields of the command. Nothing here waits.
pub trait EventSourced: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    type Command: Send + 'static;
    /// A fact, stored for ever. Add variants and optional fields; never change the meaning of one.
    type Event: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Work for the outside world. Running one twice must be harmless.
    type Effect: fmt::Debug + PartialEq + Send + Sync + 'static;
    /// Why a command was refused. A refusal is an answer, not a failure.
    type Rejection: std::error::Error + Send + 'static;

    /// The form in which events are written. Raise the version when an older reader could not
    /// read what is written now, and teach `upcast` the old form.
    const EVENT_FORM: Form = Form::new("event", 1);
    /// The form of a snapshot. Raise the version with every change of the state: older snapshots
    /// are then passed over and the events replayed.
    const STATE_FORM: Form = Form::new("state", 1);
    const RETENTION: Retention = Retention { every: 500, keep: 2 };

    fn decide(&self, command: Self::Command) -> Decision<Self>;

    /// Total: it may assert invariants, and must accept every event that was ever decided.
    fn apply(&mut self, event: &Self::Event);

    /// All work that the state owes to the world now.
    fn outstanding(&self) -> Vec<Self::Effect>;

    /// Whether the event is the whole state, whatever was before it: then the events before it, and
    /// snapshots of them, may be deleted (by an effect, with its fence), and recovery begins with it.
    /// That effect waits for a snapshot with it, which the host saves at once: what else the host
    /// remembers of the time before it, the ids of commands, is in no event that stays.
    fn restates(event: &Self::Event) -> bool {
        let _ = event;
        false
    }

    /// The words by which the event is found on the read side.
    fn tags(event: &Self::Event) -> Vec<Tag> {
        let _ = event;
        Vec::new()
    }

    /// Reads an event of a form other than `EVENT_FORM`.
    fn upcast(old: &Stored<'_>) -> Result<Self::Event, Unreadable> {
        Err(old.unknown())
    }
}

/// The name and version of a stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub name: &'static str,
    pub version: u32,
}

impl Form {
    pub const fn new(name: &'static str, version: u32) -> Self {
        Self { name, version }
    }
}

/// When snapshots are taken and how many are kept. The host keeps all events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Events between two snapshots.
    pub every: u64,
    /// Snapshots that are kept.
    pub keep: u32,
}

/// Carries out effects. Supplied by the composition, which knows the outside world.
#[async_trait]
pub trait EffectHandler<B: EventSourced>: Send + Sync + 'static {
    /// Does the work, or part of it. The command that is returned, if any, records what became of
    /// it and is decided before the effect may run again. Everything that is sent out carries the
    /// fence's epoch. After an error the effect runs again, later.
    async fn run(&self, effect: &B::Effect, fence: &Fence) -> Result<Option<B::Command>, Fault>;
}

/// For controllers that owe the world nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEffects;

#[async_trait]
impl<B: EventSourced> EffectHandler<B> for NoEffects {
    async fn run(&self, _: &B::Effect, _: &Fence) -> Result<Option<B::Command>, Fault> {
        Ok(None)
    }
}
