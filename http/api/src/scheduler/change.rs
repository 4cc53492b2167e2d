//! What is to be changed of the schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;
use weir_domain::schedule::{Limit, Weight};
use weir_domain::{NodeName, WorkflowName};

use crate::schema;

const UNSET: &str = "unset";

/// What is wanted of one workflow from now on. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ScheduleChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Target>)]
    pub target: Option<TargetChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub weight: Option<Weight>,
    /// The default rule from now on; `{}` takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Limit>)]
    pub default: Option<Limit>,
    /// Rules for nodes by name; `{}` takes one away.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, schema::Limit>)]
    pub nodes: BTreeMap<NodeName, Limit>,
    /// Rules for every node that has a role; `{}` takes one away.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, schema::Limit>)]
    pub roles: BTreeMap<String, Limit>,
    /// The revision of the workflow's settings that the caller saw: another one is refused. In the
    /// place of `if-match` where several workflows are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// Changes that are made together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleApply {
    #[schema(value_type = BTreeMap<String, ScheduleChange>)]
    pub workflows: BTreeMap<WorkflowName, ScheduleChange>,
    /// The revision of the plan that the caller saw: refused once something else was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// Changes that are only looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SchedulePreview {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, ScheduleChange>)]
    pub workflows: BTreeMap<WorkflowName, ScheduleChange>,
    /// Nodes to be drained.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<schema::Name>)]
    pub drain: BTreeSet<NodeName>,
    /// Nodes to be drained no more.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<schema::Name>)]
    pub undrain: BTreeSet<NodeName>,
}

/// Evens out the loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rebalance {
    /// Of the plan that the caller saw: another one is refused.
    pub revision: u64,
}

/// A target as it is wished: a number, or `unset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetChange {
    Instances(u32),
    Unset,
}

impl TargetChange {
    pub fn target(self) -> Option<u32> {
        match self {
            Self::Instances(it) => Some(it),
            Self::Unset => None,
        }
    }
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTarget(String);

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is neither a number of instances nor {UNSET:?}", self.0)
    }
}

impl std::error::Error for UnknownTarget {}

impl FromStr for TargetChange {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        match text {
            UNSET => Ok(Self::Unset),
            _ => text.parse().map(Self::Instances).map_err(|_| UnknownTarget(text.to_owned())),
        }
    }
}

impl Serialize for TargetChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Instances(it) => serializer.serialize_u32(*it),
            Self::Unset => serializer.serialize_str(UNSET),
        }
    }
}

impl<'de> Deserialize<'de> for TargetChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl Visitor<'_> for TargetVisitor {
    type Value = TargetChange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number of instances or {UNSET:?}")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<TargetChange, E> {
        let count = u32::try_from(value).map(TargetChange::Instances);
        count.map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<TargetChange, E> {
        let count = u32::try_from(value).map(TargetChange::Instances);
        count.map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<TargetChange, E> {
        match value {
            UNSET => Ok(TargetChange::Unset),
            _ => Err(E::invalid_value(Unexpected::Str(value), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_says_what_changes_and_nothing_else() {
        let text = r#"{"workflows":{"w":{"target":12,"default":{},"nodes":{"n1":{"max":1},"n2":{"min":3}}},"v":{"target":"unset"}}}"#;
        let draft: SchedulePreview = serde_json::from_str(text).unwrap();
        let change = &draft.workflows[&WorkflowName::new("w").unwrap()];
        assert_eq!(change.target, Some(TargetChange::Instances(12)));
        assert_eq!(change.default, Some(Limit::default()));
        assert_eq!((change.weight, change.nodes.len()), (None, 2));
        let unset = draft.workflows[&WorkflowName::new("v").unwrap()].target;
        assert_eq!(unset, Some(TargetChange::Unset));
        let written = serde_json::to_string(&draft).unwrap();
        assert_eq!(serde_json::from_str::<SchedulePreview>(&written).unwrap(), draft);
    }

    #[test]
    fn what_can_not_be_is_refused_where_it_stands() {
        let refusal = |of_w: &str| {
            let text = format!(r#"{{"workflows":{{"w":{of_w}}}}}"#);
            serde_json::from_str::<ScheduleApply>(&text).unwrap_err().to_string()
        };
        assert!(refusal(r#"{"target":-1}"#).contains("a number of instances or \"unset\""));
        assert!(refusal(r#"{"target":"none"}"#).contains("\"unset\""));
        assert!(refusal(r#"{"weight":0}"#).contains("at least 1"));
        assert!(refusal(r#"{"nodes":{"n1":{"min":3,"max":2}}}"#).contains("lower the one"));
        assert!(refusal(r#"{"tarket":1}"#).contains("unknown field"));
        assert!(serde_json::from_str::<ScheduleApply>(r#"{"drain":["n1"]}"#).is_err());
    }
}
