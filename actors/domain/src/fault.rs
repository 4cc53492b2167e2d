//! A fault: why a piece of work could not go on, and what may be done about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Code, StreamId};

/// What the one who meets the fault may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// The data itself is wrong: trying again gives the same answer.
    Data,
    /// The surroundings failed (a full disk, a lost server): trying again may work.
    Transient,
    /// The workflow asks for something that can't be: a person must change it.
    Config,
    /// The work ended before its time, because somebody asked for that or what it was about is
    /// gone. It is given back, to be done anew from its start where that makes sense.
    Stopped,
}

/// An operational error of a stage or connector: what happened, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    pub code: Code,
    /// What failed, with the path, position or name that it failed at. One sentence, no full stop.
    pub message: String,
    /// What a person can do, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What is in the way, where that can be cleared away. For whoever meets the fault at once: it
    /// is not stored.
    #[serde(skip)]
    pub obstacle: Option<Box<Obstacle>>,
}

/// Something that a stream left in the way of another one. It may go once that stream has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub stream: StreamId,
    /// Who can clear it away, and with what.
    pub connector: String,
    pub payload: serde_json::Value,
}

impl Fault {
    pub fn new(kind: FaultKind, code: u32, message: impl Into<String>) -> Self {
        Self { kind, code: Code(code), message: message.into(), hint: None, obstacle: None }
    }

    pub fn data(code: u32, message: impl Into<String>) -> Self {
        Self::new(FaultKind::Data, code, message)
    }

    pub fn transient(code: u32, message: impl Into<String>) -> Self {
        Self::new(FaultKind::Transient, code, message)
    }

    pub fn config(code: u32, message: impl Into<String>) -> Self {
        Self::new(FaultKind::Config, code, message)
    }

    pub fn stopped(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Stopped, 3001, message)
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_obstacle(mut self, obstacle: Obstacle) -> Self {
        self.obstacle = Some(Box::new(obstacle));
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
