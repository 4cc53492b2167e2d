//! The plan: a directed graph of stages with typed edges. Every front door compiles to it; there
//! is one validator for it and one runtime.
//!
//! A plan is a value: it can be stored, compared and sent. What a stage's configuration means is
//! known to the stage's kind alone; here it is JSON.

mod check;
mod graph;
mod limit;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Millis, Place, PortName, StageId, WorkflowName};

pub use check::{DEAD_LETTERS, StageShape, check};
pub use graph::{Graph, Islands};
pub use limit::{ErrorLimit, Share, Window};

/// Most instances that the file of a workflow may ask for.
pub const INSTANCES_MAX: u32 = 1_000;
/// More stages than this is no workflow that a person wrote.
pub const STAGES_MAX: usize = 1_000;

/// Where a stage stands in the flow of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Begins the flow: has outputs only.
    Source,
    /// One input (or several, merged), any number of outputs.
    Operator,
    /// Ends the flow: has inputs only.
    Sink,
}

/// What to do with a record that can't be read, mapped or written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// Roll the whole stream back.
    Rollback,
    /// Put the record, its place and the reason into the dead letters and go on.
    #[default]
    DeadLetter,
    /// Count it and go on.
    Ignore,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    pub id: StageId,
    pub role: Role,
    /// The registered kind: `file`, `mapping`, `filterRoute` …
    pub kind: String,
    /// The kind's configuration, with references resolved.
    pub config: Value,
    #[serde(default)]
    pub on_error: OnError,
    /// When bad records of this stage are too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_limit: Option<ErrorLimit>,
    /// Where the stage was written.
    #[serde(default)]
    pub place: Place,
}

/// Data flows from an output port of one stage into another stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    pub from: StageId,
    pub port: PortName,
    pub to: StageId,
    #[serde(default)]
    pub place: Place,
}

/// How often and how fast a stream is tried again after a transient fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts after the first one. 0: never.
    pub max_retries: u32,
    /// Wait before the first retry; it doubles until `maxBackoff`.
    pub min_backoff: Millis,
    pub max_backoff: Millis,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_retries: 5, min_backoff: Millis::seconds(1), max_backoff: Millis::seconds(60) }
    }
}

impl Retry {
    /// The wait before the given retry (1 is the first), or `None` when there is none left.
    pub fn backoff(&self, retry: u32) -> Option<Millis> {
        if retry == 0 || retry > self.max_retries {
            return None;
        }
        let doubled = self.min_backoff.0.saturating_mul(1 << (retry - 1).min(30));
        Some(Millis(doubled.min(self.max_backoff.0.max(self.min_backoff.0))))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub workflow: WorkflowName,
    /// Copies that run at the same time, each with a stream of its own.
    pub instances: u32,
    pub stages: Vec<Stage>,
    pub edges: Vec<Edge>,
    #[serde(default)]
    pub retry: Retry,
    /// Where bad records go: the configuration of a sink, written by the front door. A plan
    /// whose stages never send a dead letter may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<DeadLetters>,
    /// When bad records of all stages together are too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_limit: Option<ErrorLimit>,
}

/// The sink that takes the dead letters of all stages of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetters {
    pub kind: String,
    pub config: Value,
}

impl Plan {
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stages.iter().find(|it| it.id == *id)
    }

    /// Kind and configuration of a stage, or of the dead letters.
    pub fn config(&self, id: &StageId) -> Option<(&str, &Value)> {
        let letters = self.dead_letters.as_ref().filter(|_| id.as_str() == DEAD_LETTERS);
        let letters = letters.map(|it| (&*it.kind, &it.config));
        self.stage(id).map(|it| (&*it.kind, &it.config)).or(letters)
    }

    /// What of it these stages are; with the dead letters, since each part has a sink of its own for
    /// them.
    pub fn part(&self, stages: &BTreeSet<StageId>) -> Plan {
        let mut part = self.clone();
        part.stages.retain(|it| stages.contains(&it.id));
        part.edges.retain(|it| stages.contains(&it.from) && stages.contains(&it.to));
        part
    }

    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(move |it| it.role == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_to_its_bound_and_ends() {
        let retry = Retry {
            max_retries: 4,
            min_backoff: Millis::seconds(1),
            max_backoff: Millis::seconds(5),
        };
        let waits: Vec<_> = (0..6).map(|n| retry.backoff(n).map(|it| it.0)).collect();
        assert_eq!(waits, [None, Some(1000), Some(2000), Some(4000), Some(5000), None]);
    }
}
