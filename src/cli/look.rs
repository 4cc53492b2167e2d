//! How a text is to look: colours, columns, and which moment is now.

use weir_domain::schedule::{Health, InstanceState, Reach};
use weir_domain::{ItemStatus, NodeStatus, Severity, StreamState, Timestamp, WorkflowState};
use weir_http_api::{ActivationState, LeaseState, LinkState, SavepointState};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) wide: bool,
    pub(crate) color: bool,
    pub(crate) now: Timestamp,
}

/// What a text means. Colour only repeats what glyph and word already say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Busy,
    Warn,
    Bad,
    Quiet,
}

impl Tone {
    fn ansi(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Busy => "36",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Quiet => "2",
        }
    }
}

impl Look {
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        if self.color { format!("\x1b[{}m{text}\x1b[0m", tone.ansi()) } else { text.to_owned() }
    }

    pub(crate) fn paint_status(&self, status: impl Into<Status>) -> String {
        let status = status.into();
        self.paint(status.tone, &status.text())
    }
}

/// A status as glyph and word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) tone: Tone,
    glyph: char,
    word: &'static str,
}

impl Status {
    pub(crate) fn new(tone: Tone, glyph: char, word: &'static str) -> Self {
        Self { tone, glyph, word }
    }

    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.glyph, self.word)
    }
}

impl From<StreamState> for Status {
    fn from(state: StreamState) -> Self {
        match state {
            StreamState::Open => Self::new(Tone::Busy, '●', "open"),
            StreamState::Paused => Self::new(Tone::Warn, '‖', "paused"),
            StreamState::Retrying => Self::new(Tone::Warn, '↻', "retrying"),
            StreamState::Committed => Self::new(Tone::Good, '✓', "committed"),
            StreamState::CommittedWithWarnings => {
                Self::new(Tone::Warn, '✓', "committed with warnings")
            }
            StreamState::RolledBack => Self::new(Tone::Bad, '✗', "rolled back"),
        }
    }
}

impl From<SavepointState> for Status {
    fn from(state: SavepointState) -> Self {
        match state {
            SavepointState::Taking => Self::new(Tone::Busy, '●', "taking"),
            SavepointState::Whole => Self::new(Tone::Good, '✓', "whole"),
            SavepointState::Failed => Self::new(Tone::Bad, '✗', "failed"),
        }
    }
}

impl From<ActivationState> for Status {
    fn from(state: ActivationState) -> Self {
        match state {
            ActivationState::Active => Self::new(Tone::Good, '✓', "active"),
            ActivationState::Switching => Self::new(Tone::Busy, '●', "switching"),
            ActivationState::Failed => Self::new(Tone::Bad, '✗', "failed"),
        }
    }
}

impl From<ItemStatus> for Status {
    fn from(status: ItemStatus) -> Self {
        match status {
            ItemStatus::Acquired => Self::new(Tone::Busy, '●', "acquired"),
            ItemStatus::Committing => Self::new(Tone::Busy, '◐', "committing"),
            ItemStatus::Done => Self::new(Tone::Good, '✓', "done"),
            ItemStatus::Failed => Self::new(Tone::Bad, '✗', "failed"),
            ItemStatus::Released => Self::new(Tone::Quiet, '□', "released"),
            ItemStatus::Waiting => Self::new(Tone::Warn, '◇', "waiting"),
            ItemStatus::Pending => Self::new(Tone::Quiet, '○', "pending"),
            ItemStatus::Denied => Self::new(Tone::Bad, '✗', "denied"),
        }
    }
}

impl From<WorkflowState> for Status {
    fn from(state: WorkflowState) -> Self {
        match state {
            WorkflowState::Waiting => Self::new(Tone::Good, '○', "waiting"),
            WorkflowState::Processing => Self::new(Tone::Busy, '●', "processing"),
            WorkflowState::Restarting => Self::new(Tone::Warn, '↻', "restarting"),
            WorkflowState::Failed => Self::new(Tone::Bad, '✗', "failed"),
            WorkflowState::Stopping => Self::new(Tone::Warn, '◐', "stopping"),
            WorkflowState::Stopped => Self::new(Tone::Quiet, '□', "stopped"),
        }
    }
}

impl From<NodeStatus> for Status {
    fn from(status: NodeStatus) -> Self {
        match status {
            NodeStatus::Joining => Self::new(Tone::Busy, '◐', "joining"),
            NodeStatus::Up => Self::new(Tone::Good, '✓', "up"),
            NodeStatus::Leaving => Self::new(Tone::Warn, '◐', "leaving"),
            NodeStatus::Exiting => Self::new(Tone::Warn, '◐', "exiting"),
            NodeStatus::Down => Self::new(Tone::Bad, '✗', "down"),
            NodeStatus::Removed => Self::new(Tone::Quiet, '□', "removed"),
        }
    }
}

/// A member's status and whether it can be reached: one that can't is what an operator looks for.
impl From<(NodeStatus, bool)> for Status {
    fn from((status, unreachable): (NodeStatus, bool)) -> Self {
        match (status, unreachable) {
            (NodeStatus::Joining, true) => Self::new(Tone::Bad, '!', "joining, unreachable"),
            (NodeStatus::Up, true) => Self::new(Tone::Bad, '!', "up, unreachable"),
            (NodeStatus::Leaving, true) => Self::new(Tone::Bad, '!', "leaving, unreachable"),
            (NodeStatus::Exiting, true) => Self::new(Tone::Warn, '!', "exiting, unreachable"),
            (NodeStatus::Down | NodeStatus::Removed, _) | (_, false) => status.into(),
        }
    }
}

impl From<Reach> for Status {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Up => Self::new(Tone::Good, '✓', "up"),
            Reach::Unreachable => Self::new(Tone::Bad, '!', "unreachable"),
            Reach::Draining => Self::new(Tone::Warn, '◐', "draining"),
        }
    }
}

impl From<InstanceState> for Status {
    fn from(state: InstanceState) -> Self {
        let word = state.as_str();
        match state.health() {
            Health::Ok if state == InstanceState::Processing => Self::new(Tone::Busy, '●', word),
            Health::Ok => Self::new(Tone::Good, '✓', word),
            Health::Warning => Self::new(Tone::Warn, '◐', word),
            Health::Failure => Self::new(Tone::Bad, '✗', word),
        }
    }
}

impl From<LeaseState> for Status {
    fn from(state: LeaseState) -> Self {
        match state {
            LeaseState::Held => Self::new(Tone::Good, '✓', "held"),
            LeaseState::Expired => Self::new(Tone::Warn, '!', "expired"),
            LeaseState::Free => Self::new(Tone::Warn, '□', "free"),
        }
    }
}

impl From<LinkState> for Status {
    fn from(state: LinkState) -> Self {
        match state {
            LinkState::Up => Self::new(Tone::Good, '✓', "up"),
            LinkState::Dialling => Self::new(Tone::Warn, '↻', "dialling"),
            LinkState::Refused => Self::new(Tone::Bad, '✗', "refused"),
        }
    }
}

impl From<Severity> for Status {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::new(Tone::Bad, '✗', "error"),
            Severity::Warning => Self::new(Tone::Warn, '!', "warning"),
        }
    }
}
