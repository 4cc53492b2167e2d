//! What changes, as those who follow it read it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use weir_domain::{CommandId, StreamId, Timestamp, WorkflowName};

use crate::{Problem, schema};

/// What can be followed. Each shows what one path of the API shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LiveTopic {
    Members,
    Leases,
    Nodes,
    Workflows,
    Workflow(WorkflowName),
    Streams,
    Stream(StreamId),
    /// What was logged for a stream.
    Log(StreamId),
    Savepoints(WorkflowName),
    Deployments,
    Assignments,
    Activations,
    Canary,
    Schedule,
    Scheduled(WorkflowName),
    Sources,
    Resources,
    /// Those that stand.
    Alarms,
    /// The clusters that a configuration server knows.
    Clusters,
    /// What a configuration server does for somebody.
    Operation(CommandId),
}

/// What lists hold: the field with the rows, and the field that tells them apart.
type Rows = (&'static str, &'static str);

const NAMED: [LiveTopic; 14] = [
    LiveTopic::Members,
    LiveTopic::Leases,
    LiveTopic::Nodes,
    LiveTopic::Workflows,
    LiveTopic::Streams,
    LiveTopic::Deployments,
    LiveTopic::Assignments,
    LiveTopic::Activations,
    LiveTopic::Canary,
    LiveTopic::Schedule,
    LiveTopic::Sources,
    LiveTopic::Resources,
    LiveTopic::Alarms,
    LiveTopic::Clusters,
];

impl LiveTopic {
    /// Where the same is read once, below `/api/v1`.
    pub fn path(&self) -> String {
        match self {
            Self::Members => "/cluster/members".into(),
            Self::Leases => "/cluster/leases".into(),
            Self::Nodes => "/nodes".into(),
            Self::Workflows => "/workflows?everywhere=true".into(),
            Self::Workflow(name) => format!("/workflows/{name}?everywhere=true"),
            Self::Streams => "/streams?limit=100".into(),
            Self::Stream(id) => format!("/streams/{id}"),
            Self::Log(id) => format!("/streams/{id}/log"),
            Self::Savepoints(name) => format!("/workflows/{name}/savepoints"),
            Self::Deployments => "/deployments".into(),
            Self::Assignments => "/assignments".into(),
            Self::Activations => "/activations".into(),
            Self::Canary => "/canary".into(),
            Self::Schedule => "/scheduler".into(),
            Self::Scheduled(name) => format!("/scheduler/workflows/{name}"),
            Self::Sources => "/sources".into(),
            Self::Resources => "/resources".into(),
            Self::Alarms => "/alarms?limit=500".into(),
            Self::Clusters => "/clusters".into(),
            Self::Operation(id) => format!("/operations/{id}"),
        }
    }

    /// Whether a configuration server has it, and no engine.
    pub fn is_of_config_server(&self) -> bool {
        matches!(self, Self::Clusters | Self::Operation(_))
    }

    /// Whether it depends on what it is about who may see it, and not on its path alone.
    pub fn is_told_by_content(&self) -> bool {
        matches!(self, Self::Operation(_))
    }

    /// Lists are followed row by row; anything else as a whole.
    pub fn rows(&self) -> Option<Rows> {
        match self {
            Self::Members => Some(("members", "uid")),
            Self::Nodes => Some(("items", "uid")),
            Self::Leases | Self::Workflows | Self::Savepoints(_) | Self::Clusters => {
                Some(("items", "name"))
            }
            Self::Streams | Self::Alarms => Some(("items", "id")),
            Self::Activations => Some(("items", "node")),
            Self::Schedule => Some(("workflows", "workflow")),
            Self::Sources => Some(("items", "source")),
            Self::Resources => Some(("items", "group")),
            Self::Workflow(_)
            | Self::Stream(_)
            | Self::Log(_)
            | Self::Deployments
            | Self::Assignments
            | Self::Canary
            | Self::Scheduled(_)
            | Self::Operation(_) => None,
        }
    }

    /// Fields that count by themselves, with a dot before one that is in another: a difference in them alone is not
    /// told.
    pub fn running(&self) -> &'static [&'static str] {
        match self {
            Self::Leases => &["leftMs"],
            Self::Nodes => &["uptimeMs"],
            Self::Alarms => &["lookedAt"],
            Self::Clusters => &["standing.checkedAt", "standing.answeredInMs"],
            _ => &[],
        }
    }
}

impl fmt::Display for LiveTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Members => f.write_str("members"),
            Self::Leases => f.write_str("leases"),
            Self::Nodes => f.write_str("nodes"),
            Self::Workflows => f.write_str("workflows"),
            Self::Workflow(name) => write!(f, "workflow:{name}"),
            Self::Streams => f.write_str("streams"),
            Self::Stream(id) => write!(f, "stream:{id}"),
            Self::Log(id) => write!(f, "log:{id}"),
            Self::Savepoints(name) => write!(f, "savepoints:{name}"),
            Self::Deployments => f.write_str("deployments"),
            Self::Assignments => f.write_str("assignments"),
            Self::Activations => f.write_str("activations"),
            Self::Canary => f.write_str("canary"),
            Self::Schedule => f.write_str("schedule"),
            Self::Scheduled(name) => write!(f, "scheduled:{name}"),
            Self::Sources => f.write_str("sources"),
            Self::Resources => f.write_str("resources"),
            Self::Alarms => f.write_str("alarms"),
            Self::Clusters => f.write_str("clusters"),
            Self::Operation(id) => write!(f, "operation:{id}"),
        }
    }
}

impl FromStr for LiveTopic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unfit = |it: &dyn fmt::Display| format!("{text:?}: {it}");
        match text.split_once(':') {
            Some(("workflow", name)) => name.parse().map(Self::Workflow).map_err(|it| unfit(&it)),
            Some(("scheduled", name)) => name.parse().map(Self::Scheduled).map_err(|it| unfit(&it)),
            Some(("stream", id)) => id.parse().map(Self::Stream).map_err(|it| unfit(&it)),
            Some(("log", id)) => id.parse().map(Self::Log).map_err(|it| unfit(&it)),
            Some(("operation", id)) => id.parse().map(Self::Operation).map_err(|it| unfit(&it)),
            Some(("savepoints", name)) => {
                name.parse().map(Self::Savepoints).map_err(|it| unfit(&it))
            }
            Some(_) | None => {
                let found = NAMED.iter().find(|it| it.to_string() == text).cloned();
                found.ok_or_else(|| {
                    let known: Vec<_> = NAMED.iter().map(ToString::to_string).collect();
                    let more = "workflow:NAME, scheduled:NAME, savepoints:NAME, stream:ID, log:ID, operation:ID";
                    format!("nothing is followed as {text:?}: it is {}, {more}", known.join(", "))
                })
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LiveQuery {
    /// What to follow, with commas in between: `members`, `leases`, `nodes`, `workflows`, `streams`,
    /// `deployments`, `assignments`, `activations`, `canary`, `schedule`, `sources`, `resources`, `alarms`,
    /// `workflow:NAME`, `scheduled:NAME`, `savepoints:NAME`, `stream:ID`, `log:ID`; of a configuration server,
    /// beside those of any of its clusters, `clusters` and `operation:ID`.
    pub topics: String,
}

/// One change of what is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveEvent {
    pub topic: String,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    #[serde(flatten)]
    pub change: LiveChange,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum LiveChange {
    /// All of it, as its path shows it.
    Whole { value: Value },
    /// Some rows of a list.
    Rows {
        /// Rows that are new or other than before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        upsert: Vec<Value>,
        /// What told rows apart that are gone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<String>,
        /// What is beside the rows, where it changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<Value>,
    },
    /// It is what it was when the follower's last event was sent.
    Same,
    /// It can't be shown: the claim is missing, there is none, who knows it does not answer.
    Refused { problem: Box<Problem> },
}

impl LiveChange {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Whole { .. } => "whole",
            Self::Rows { .. } => "rows",
            Self::Same => "same",
            Self::Refused { .. } => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_as_they_are_written() {
        let id = "0197a8b0-5b5e-7c3e-9d4f-0123456789ab";
        let more = ["workflow:flights", "scheduled:flights", "savepoints:flights"]
            .map(|it| it.parse().unwrap())
            .into_iter()
            .chain(
                ["stream", "log", "operation"]
                    .map(|it| format!("{it}:{id}"))
                    .map(|it| it.parse().unwrap()),
            );
        for topic in NAMED.iter().cloned().chain(more) {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        for bad in ["", "node", "workflow:", "workflow:a/../b", "stream:1", "log:1", "operation:1"]
        {
            assert!(bad.parse::<LiveTopic>().is_err(), "{bad}");
        }
    }
}
