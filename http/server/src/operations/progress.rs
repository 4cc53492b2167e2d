//! What the work of an operation says of itself, and how it learns that somebody asked for its end.

use tokio_util::sync::CancellationToken;
use weir_domain::{CommandId, Fault};
use weir_http_api::{OperationStep, Problem, StepState};
use weir_http_client as client;

use super::Operations;
use crate::ProjectRefusal;
use crate::error::Error;

/// Given to the work of an operation. Clones are one; none of it waits, so that it may be told from
/// threads that block.
#[derive(Clone)]
pub struct Progress {
    pub(super) operations: Operations,
    pub(super) id: CommandId,
    pub(super) cancelled: CancellationToken,
}

/// Why work ended without a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// Somebody asked for it, and nothing is left half done.
    Cancelled,
    Failed(Box<Problem>),
}

impl Progress {
    pub fn id(&self) -> CommandId {
        self.id
    }

    /// This step begins; the one before it is done. One that was not announced is added.
    pub fn step(&self, name: &str) {
        self.operations.change(self.id, true, |it| {
            finish(&mut it.steps, StepState::Done);
            match it.steps.iter_mut().find(|it| it.name == name) {
                Some(step) => step.state = StepState::Running,
                None => {
                    let step = OperationStep::waiting(name);
                    it.steps.push(OperationStep { state: StepState::Running, ..step });
                }
            }
        });
    }

    /// How much of the step that runs is done.
    pub fn percent(&self, percent: u8) {
        let percent = Some(percent.min(100));
        self.of_step(|step| step.percent = percent);
    }

    /// What the step that runs is doing now.
    pub fn message(&self, message: impl Into<String>) {
        let message = Some(message.into());
        self.of_step(|step| step.message = message);
    }

    /// Becomes true once somebody asked for the end, and when the server stops.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Asked between two steps: `Err` where the work is to end.
    pub fn go_on(&self) -> Result<(), Ended> {
        match self.cancelled.is_cancelled() {
            true => Err(Ended::Cancelled),
            false => Ok(()),
        }
    }

    fn of_step(&self, change: impl FnOnce(&mut OperationStep)) {
        self.operations.change(self.id, false, |it| {
            let running = it.steps.iter_mut().find(|it| it.state == StepState::Running);
            if let Some(step) = running {
                change(step);
            }
        });
    }
}

/// What runs comes to its end.
pub(super) fn finish(steps: &mut [OperationStep], state: StepState) {
    for step in steps.iter_mut().filter(|it| it.state == StepState::Running) {
        step.state = state;
        if state == StepState::Done {
            step.percent = step.percent.map(|_| 100);
        }
    }
}

impl From<Problem> for Ended {
    fn from(problem: Problem) -> Self {
        Self::Failed(Box::new(problem))
    }
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Error::from(fault).into()
    }
}

/// What an engine refused, or why it gave no answer.
impl From<client::Error> for Ended {
    fn from(cause: client::Error) -> Self {
        Error::Forward { path: String::new(), cause }.into()
    }
}

impl From<ProjectRefusal> for Ended {
    fn from(refusal: ProjectRefusal) -> Self {
        Error::from(refusal).into()
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        error.problem().into()
    }
}
