//! What can be seen of a host from outside.

use weir_domain::{Fault, Timestamp};

use crate::ChildState;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostStatus {
    /// It reads its journal; commands wait.
    Recovering {
        sequence: u64,
        of: u64,
    },
    Running {
        sequence: u64,
    },
    /// The store is away, or it is held from outside; commands are refused until that is over.
    Suspended {
        cause: String,
        until: Timestamp,
    },
    Restarting {
        attempt: u32,
        until: Timestamp,
        cause: Fault,
    },
    /// It waits for a person.
    Failed {
        cause: Fault,
    },
    Stopped,
}

impl HostStatus {
    /// What the supervisor sees goes before what the actor last said of itself.
    pub(super) fn of(child: ChildState, said: HostStatus) -> Self {
        match child {
            ChildState::Starting => Self::Recovering { sequence: 0, of: 0 },
            ChildState::Running { .. } => said,
            ChildState::Restarting { attempt, until, cause } => {
                Self::Restarting { attempt, until, cause }
            }
            ChildState::Failed { cause } => Self::Failed { cause },
            ChildState::Stopped => Self::Stopped,
        }
    }
}
