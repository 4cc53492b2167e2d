//! The actor system on ractor: one value, `System`, that everything is given and nothing looks up.
//!
//! ractor gives actors, mailboxes and supervision events. Here is what it lacks: a bound on every
//! mailbox, an answer to every question, restarts with a budget, actors whose state is folded from
//! a journal, tasks that are joined, and a shutdown in phases.
//!
//! Invariants:
//! - R1: a command is answered only after its events are durable, and a read never shows more.
//! - R2: a message is handled, refused, or counted as dead; none vanishes.
//! - R3: a controller whose journal can't be read stops and waits for a person; it never guesses.
//! - R4: nothing here is global: two systems in one process do not meet.
//!
//! This crate knows nothing of Arrow, HTTP or SQL.

mod clock;
pub mod code;
mod dead_letter;
mod event_sourced;
mod events;
mod gate;
mod id;
mod message;
mod shutdown;
mod supervision;
mod system;
mod task;
mod trace;

pub use clock::{BootClock, ManualClock, Stopwatch, SystemClock, Uptime};
pub use dead_letter::DeadLetters;
pub use event_sourced::{
    Decision, EffectHandler, EventSourced, Form, HostRef, HostSettings, HostSpec, HostStatus,
    NoEffects, Retention, Stored, Unreadable,
};
pub use events::{EventStream, RuntimeEvent};
pub use gate::{Envelope, Full, Gate};
pub use id::IdSource;
pub use message::{AskError, Ref, Reply, TellError};
pub use shutdown::{
    Outcome, Phase, PhaseReport, PhaseTimeouts, Reason, Report, Requested, Shutdown, StepReport,
    Stopping, TooLate,
};
pub use supervision::{
    Backoff, Child, ChildState, Exhausted, Factory, Fatal, RestartBudget, RestartPolicy, Restarts,
    StopTimedOut, Supervised, Verdict, supervise,
};
pub use system::{System, SystemSettings};
pub use task::{Task, TaskFailed, Tasks};
pub use trace::{NoTrace, Trace};
