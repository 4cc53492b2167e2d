//! Tests of projects: the cases of Test assets, run in this process.
//!
//! ```text
//! case ─► plan, compiled with the case's values ─► pipeline over doubles ─► records ─► compared
//!                                                   └─ cut off at `killAt`, begun again ─► the same?
//! ```
//!
//! Invariants:
//! - T1: the plan, the operators, the formats, the commit and the checkpoints are the true ones. Only
//!   sources and sinks are doubles, and the stores are in memory.
//! - T2: nothing outside is touched: of files only those that the project holds are read.
//! - T3: a case gives the same each time: its clock moves as the case says, items come one after the
//!   other, and nobody waits for the time to pass.
//! - T4: dead letters and rolled back items that nobody expects fail a case.
//! - T5: a test run on a sample is a case that expects nothing: it publishes nothing, keeps what it shows
//!   within bounds, and knows no secret.
//!
//! It deliberately does not know connectors: what is particular to one (names of files, offsets,
//! headers) is tested with the connector.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod blobs;
mod compare;
mod doubles;
mod engine;
mod input;
mod report;
mod rows;
mod run;
mod scene;
mod seen;
mod suite;
mod test_run;
mod world;

#[cfg(test)]
mod tests;

pub use report::{CaseReport, Difference, FieldDifference, Report, Verdict};
pub use seen::{Bounds, Failure, Passage, StageSeen};
pub use suite::{Progress, run, run_within};
pub use test_run::{Ending, NO_SOURCE, NO_WORKFLOW, Sample, StageShown, TestRun, Wish, test_run};
