//! A plan as a supervised pipeline of actors.
//!
//! A *stream* is one item of a source on its way through a workflow. It is committed as a whole
//! or leaves nothing behind. Control travels in mailboxes, data in edges with byte credits.
//!
//! Invariants:
//! - S1: sinks make nothing visible before the stream's outcome was decided durably, but for those that
//!   were told to send immediately.
//! - S2: once decided for commit, publishing is repeated until it succeeded, also after a crash.
//! - S3: every record read is in exactly one place: given to all outputs that its route names,
//!   in the dead letters, or counted as dropped or ignored.
//! - S4: bytes in flight on an edge never exceed its credit, but for one batch larger than that.
//! - S5: a pipeline dies as one: when a stage fails, no stage of it goes on. What no edge joins with it
//!   is in another pipeline.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod breaker;
mod check;
mod clear;
mod connector;
mod control;
mod counters;
mod dead_letter;
mod edge;
mod inlet;
mod instance;
mod island;
mod kind;
mod layout;
mod letters;
mod life;
mod live;
mod means;
mod operator;
mod outcomes;
mod peek;
mod pipeline;
mod pulse;
mod reach;
mod report;
mod services;
mod settlement;
mod shelf;
mod sniff;
mod stage;
mod staging;
mod stream_log;
mod times;
mod watchdog;
mod workflow;

pub use check::{CheckedPlan, StageFinding, check_plan, verify};
pub use clear::SecretUse;
pub use connector::{
    Action, Due, Effects, Outcome, Prepared, Published, Read, RecordReader, Sink, SinkWriter,
    Source, StreamContext,
};
pub use control::LiveStreams;
pub use counters::Counters;
pub use dead_letter::dead_letter_schema;
pub use instance::{Happened, Notice};
pub use kind::{
    AnySource, BuildContext, BuiltOperator, Checked, ConfigError, Limits, OperatorKind, Registry,
    SinkKind, SourceKind, decode_config,
};
pub use letters::{
    Cancelled, How, LetterTallies, Letters, OpenReplay, RawLetter, ReplayCalls, Sight,
    runs_nowhere, version_of,
};
pub use live::{BacklogLimits, LiveRead, LiveReader, LiveSource, Share, Splits, jobs, state};
pub use means::Running;
pub use operator::{Opening, Operator, Outputs};
pub use peek::{PeekBounds, PeekSpec, Peeked, not_peeked, nothing_came, peek};
pub use services::{Access, AccessError, LiveClaims, Monitor, Peers, Services, Versions};
pub use settlement::{Resumed, resume};
pub use shelf::{Kept, Shelf};
pub use sniff::{Conditions, Matcher, Sniffed, Taps, rows};
pub use staging::{STAGED_BYTES_MAX, Staging};
pub use stream_log::{Said, StreamLog};
pub use weir_checkpoint::{CrashPoint, Epoch, reach};
pub use weir_records::{BadRecord, Batch, Positions, beginning, type_name};
pub use workflow::{RunningWorkflow, WorkflowSpec};

#[cfg(test)]
mod tests;
