//! What somebody wants to see of records that pass a stage.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Millis, PortName, StageId, StreamId, WorkflowName};

/// Before a stage or behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SniffSide {
    In,
    #[default]
    Out,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SniffWish {
    pub workflow: WorkflowName,
    pub stage: StageId,
    pub side: SniffSide,
    /// Only what leaves the stage by these ports; none: by whichever.
    #[serde(default)]
    pub ports: BTreeSet<PortName>,
    /// Only of this stream.
    pub stream: Option<StreamId>,
    pub filter: Option<SniffFilter>,
    /// Only records for which this condition holds: an SQL expression.
    #[serde(default)]
    pub condition: Option<String>,
    /// How many are enough.
    pub records: u32,
    /// How long to wait for them.
    pub within: Millis,
}

/// Records whose field has this text. Numbers and truth values are compared as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SniffFilter {
    pub field: String,
    pub equals: String,
}

/// A record that passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SniffedRecord {
    pub stream: StreamId,
    /// Of the record in its item, counted from 1.
    pub position: u64,
    pub record: Map<String, Value>,
}

impl SniffWish {
    /// Whether it is about what passes there.
    pub fn is_for(
        &self,
        side: SniffSide,
        (stage, port): (&StageId, Option<&PortName>),
        workflow: &WorkflowName,
        stream: StreamId,
    ) -> bool {
        self.side == side
            && self.stage == *stage
            && (self.ports.is_empty() || port.is_none_or(|it| self.ports.contains(it)))
            && self.workflow == *workflow
            && self.stream.is_none_or(|it| it == stream)
    }
}

impl SniffFilter {
    pub fn fits(&self, record: &Map<String, Value>) -> bool {
        match record.get(&self.field) {
            Some(Value::String(text)) => *text == self.equals,
            Some(Value::Null) | None => self.equals.is_empty(),
            Some(other) => {
                let written = other.to_string();
                written == self.equals
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_compared_as_it_is_written() {
        let record = serde_json::json!({ "name": "ada", "n": 7, "ok": true, "none": null });
        let Value::Object(record) = record else { unreachable!() };
        let fits = |field: &str, equals: &str| {
            SniffFilter { field: field.into(), equals: equals.into() }.fits(&record)
        };
        assert!(fits("name", "ada") && fits("n", "7") && fits("ok", "true") && fits("none", ""));
        assert!(!fits("name", "\"ada\"") && !fits("n", "8") && !fits("missing", "x"));
    }
}
