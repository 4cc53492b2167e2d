//! What a shutdown did: for the last lines of the log and for the exit code.

use std::time::Duration;

use tokio::time::error::Elapsed;
use weir_domain::Fault;

use super::{Phase, Reason};
use crate::TaskFailed;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed(String),
    /// It was cancelled at the end of its phase.
    TimedOut,
    /// A second request came before it ended, or before it began.
    Skipped,
}

impl Outcome {
    pub(super) fn of(step: Result<Result<Result<(), Fault>, TaskFailed>, Elapsed>) -> Self {
        match step {
            Ok(Ok(Ok(()))) => Self::Done,
            Ok(Ok(Err(fault))) => Self::Failed(fault.to_string()),
            Ok(Err(failed)) => Self::Failed(failed.to_string()),
            Err(_) => Self::TimedOut,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    pub name: String,
    pub took: Duration,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseReport {
    pub phase: Phase,
    pub took: Duration,
    pub steps: Vec<StepReport>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub reason: Reason,
    /// A second request cut it short.
    pub fast: bool,
    pub took: Duration,
    /// All phases in order, also those without steps.
    pub phases: Vec<PhaseReport>,
}

impl Report {
    /// Whether every step ended well.
    pub fn is_clean(&self) -> bool {
        self.steps().all(|(_, step)| step.outcome == Outcome::Done)
    }

    pub fn steps(&self) -> impl Iterator<Item = (Phase, &StepReport)> {
        self.phases.iter().flat_map(|it| it.steps.iter().map(|step| (it.phase, step)))
    }

    /// 0 after a clean stop that somebody asked for, 255 (−1) after the node was downed, so that
    /// it is started anew, 6 if it must not be before a person has decided, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self.reason {
            Reason::Downed(_) => 255,
            Reason::Refused(_) => 6,
            Reason::Failed(_) => 1,
            Reason::Signal(_) | Reason::Requested(_) => u8::from(self.fast || !self.is_clean()),
        }
    }
}
