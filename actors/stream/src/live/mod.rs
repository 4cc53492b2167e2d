//! Live workflows: what reads from sources that never end, and commits by checkpoints.
//!
//! ```text
//! instance ── claims a job  ─► lane: recover ─ publish what was decided ─ clear away ─┐
//!                               ▲                                                      ▼
//!                               └── fault, back-off ◄── driver ◄── reports ── stages of a pipeline
//!                                                         └────── orders ───────►
//! ```
//!
//! A live workflow has a fixed number of *lanes*; each reads its share of the sources' splits. What of
//! its plan hangs together by edges is a *region* (`regions`), and each region of a lane is a *job* with
//! its own checkpoints. A job is claimed like an item, so that one instance in the whole cluster works
//! on it. A *run* is one life of a job: one claim, one generation of its checkpoints, one stream in the
//! monitor. Where a workflow has one region, as most have, its lanes are its jobs.
//!
//! Invariants:
//! - V1: nothing is published but what a permit names, and that is repeated until it is done.
//! - V2: a run clears away what former runs staged only after it has published what they decided.
//! - V3: a run that was deposed publishes nothing more.
//! - V4: a job begins where its newest claimed epoch ends, never before it and never behind it; or
//!   where an order says (`jobs`), until an epoch is claimed that follows that.
//! - V5: all lanes of a workflow, on every engine and in every version of it, are of one number.
//! - V6: whatever happens to a job, others go on. One that fails is begun again, later and later; one
//!   that fails by itself too often is given up at that instance, and says why.
//! - V7: what is decided and not yet published is bounded (`backlog`): while sinks can't publish, nothing
//!   more is read.

mod backlog;
mod connector;
mod driver;
mod effects;
mod failures;
pub mod jobs;
mod lane;
mod lanes;
mod position;
mod regions;
mod report;
mod run;
mod share;
mod source;
pub mod state;

pub use backlog::BacklogLimits;
pub use connector::{LiveRead, LiveReader, LiveSource, Splits};
pub use share::Share;

pub(crate) use driver::Driver;
pub(crate) use lane::{Job, LiveSources};
pub(crate) use report::{Report, Reports, Snapshot};
pub(crate) use source::LiveSourceBody;
pub(crate) use state::{Changed, Restored};
