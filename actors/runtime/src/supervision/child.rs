//! What can be seen of a supervised child.

use std::fmt;

use ractor::{ActorProcessingErr, ActorRef};
use weir_domain::{Fault, Timestamp};

use crate::code;

/// An error that would come again: its actor is not restarted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fatal(pub Fault);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildState {
    Starting,
    Running {
        since: Timestamp,
    },
    /// It failed and will be started again.
    Restarting {
        attempt: u32,
        until: Timestamp,
        cause: Fault,
    },
    /// It failed for good; a person must look.
    Failed {
        cause: Fault,
    },
    /// It ended normally, or was asked to.
    Stopped,
}

impl ChildState {
    /// Whether it stays as it is unless a person acts.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Stopped)
    }
}

/// A child as it is now.
pub struct Child<M> {
    pub state: ChildState,
    /// While it runs: its present incarnation.
    pub actor: Option<ActorRef<M>>,
}

impl<M> fmt::Debug for Child<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Child({:?})", self.state)
    }
}

/// Why a child ended, and whether starting it again may help.
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) fatal: bool,
}

impl Failure {
    pub(super) fn plain(cause: impl Into<String>) -> Self {
        Self { fault: Fault::transient(code::ACTOR_RESTARTING.0, cause), fatal: false }
    }

    pub(super) fn of(error: ActorProcessingErr) -> Self {
        let error = match error.downcast::<Fatal>() {
            Ok(fatal) => return Self { fault: fatal.0, fatal: true },
            Err(other) => other,
        };
        match error.downcast::<Fault>() {
            Ok(fault) => Self { fault: *fault, fatal: false },
            Err(other) => Self::plain(other.to_string()),
        }
    }
}
