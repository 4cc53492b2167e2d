//! The schedule: what is wanted of each workflow, which node runs what, and why.
//!
//! Limits and targets are written as in a deployment: a limit is a rule as a whole, and a bound that
//! is absent is left to a wider rule.

mod change;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::schedule::{InstanceNumber, InstanceState, Limit, Reach, Reason, Weight};
use weir_domain::{NodeName, NodeUid, Timestamp, WorkflowName};

use crate::{FaultView, schema};

pub use change::{
    Rebalance, ScheduleApply, ScheduleChange, SchedulePreview, TargetChange, UnknownTarget,
};

/// The whole schedule, without single instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule)]
pub struct ScheduleView {
    /// Grows with whatever is placed.
    pub revision: u64,
    /// All that have settings or are deployed somewhere, by name.
    pub workflows: Vec<ScheduledWorkflow>,
    /// All that are in the cluster, by name.
    pub nodes: Vec<ScheduledNode>,
    /// Nodes that an operator drains, members now or not.
    #[schema(value_type = Vec<schema::Name>)]
    pub drained: Vec<NodeName>,
    pub warnings: Vec<String>,
}

/// What is wanted of a workflow, and how that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledWorkflow {
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    /// Of its settings, for `if-match`; 0 where nobody has set anything.
    pub revision: u64,
    pub settings: ScheduleSettings,
    #[serde(flatten)]
    pub standing: ScheduleStanding,
    /// Instances by node, whatever state they are in.
    #[schema(value_type = BTreeMap<String, u32>)]
    pub nodes: BTreeMap<NodeName, u32>,
    /// Instances by state, as their nodes last said; those that are being stopped count, too.
    #[schema(value_type = BTreeMap<String, u32>)]
    pub states: BTreeMap<InstanceState, u32>,
}

/// What an operator or a deployment set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleSettings {
    /// Instances in the whole cluster; absent: nobody has set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// How heavy one instance is for its node.
    #[schema(value_type = u32, minimum = 1)]
    pub weight: Weight,
    /// Per node, where no narrower rule says otherwise.
    #[serde(default, skip_serializing_if = "Limit::is_silent")]
    #[schema(value_type = schema::Limit)]
    pub default: Limit,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, schema::Limit>)]
    pub nodes: BTreeMap<NodeName, Limit>,
    /// For every node that has the role.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, schema::Limit>)]
    pub roles: BTreeMap<String, Limit>,
}

/// Whether as many run as shall.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStanding {
    /// What holds: 0 where there is none.
    pub target: u32,
    /// Instances that have a node, whatever state they are in.
    pub placed: u32,
    pub missing: u32,
    /// Where instances are missing: what keeps nodes from taking one more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ShortfallReason>,
}

/// Why nodes take no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShortfallReason {
    #[schema(value_type = schema::ScheduleReason)]
    pub code: Reason,
    /// How many nodes.
    pub nodes: u32,
    pub detail: String,
}

/// A node as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledNode {
    #[schema(value_type = schema::Name)]
    pub name: NodeName,
    #[schema(value_type = schema::NodeUid)]
    pub uid: NodeUid,
    #[schema(value_type = schema::Reach)]
    pub reach: Reach,
    /// An operator drains it. One that leaves is draining, too, and nobody drained it.
    pub drained: bool,
    pub roles: Vec<String>,
    pub instances: u32,
    /// The summed weight of its instances.
    pub load: u64,
    /// Workflows in what it has deployed; absent: it has not said yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed: Option<u32>,
}

/// A workflow with its instances and what each node is to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledWorkflowDetail {
    #[serde(flatten)]
    pub workflow: ScheduledWorkflow,
    pub warnings: Vec<String>,
    pub instances: Vec<ScheduledInstance>,
    /// Every node of the cluster, by name.
    pub candidates: Vec<ScheduleCandidate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledInstance {
    /// Never used again.
    #[schema(value_type = u64)]
    pub number: InstanceNumber,
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    /// Why it is there.
    pub why: String,
    /// Absent while its node has not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::InstanceState>)]
    pub state: Option<InstanceState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Starts after the first.
    pub restarts: u32,
    /// When a restart is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub restart_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
}

/// What a node is to a workflow's next instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleCandidate {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    /// Instances of the workflow on it.
    pub count: u32,
    pub load: u64,
    /// 1 would take the next instance. Absent: it is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::ScheduleReason>)]
    pub passed_over: Option<Reason>,
    pub why: String,
}

/// What a change would do, and how things would stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchedulePlan {
    /// Of the schedule that it was made for: a change that names it is refused once it is another.
    pub revision: u64,
    pub starts: Vec<PlannedStart>,
    pub stops: Vec<PlannedStop>,
    /// All workflows, by name.
    pub workflows: Vec<PlannedWorkflow>,
    #[schema(value_type = BTreeMap<String, u64>)]
    pub loads: BTreeMap<NodeName, u64>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStart {
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    #[schema(value_type = u64)]
    pub number: InstanceNumber,
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStop {
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    #[schema(value_type = u64)]
    pub number: InstanceNumber,
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedWorkflow {
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    #[serde(flatten)]
    pub standing: ScheduleStanding,
    #[schema(value_type = BTreeMap<String, u32>)]
    pub nodes: BTreeMap<NodeName, u32>,
}

/// The moves that would even out the loads, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RebalancePlan {
    /// Of the schedule that it was made for; a rebalance must name it.
    pub revision: u64,
    pub moves: Vec<PlannedMove>,
}

/// Loads are those before the move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedMove {
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    #[schema(value_type = u64)]
    pub number: InstanceNumber,
    #[schema(value_type = schema::Name)]
    pub from: NodeName,
    pub from_load: u64,
    #[schema(value_type = schema::Name)]
    pub to: NodeName,
    pub to_load: u64,
}

/// A node, once it was told whether it is to be emptied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Drain)]
pub struct DrainView {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    pub drained: bool,
    /// Absent: it is no member now, and will be drained once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reach>)]
    pub reach: Option<Reach>,
    /// That belong to it from now on. Others may still be stopping there.
    pub instances: u32,
    /// Of the whole schedule: what is missing anywhere, among others.
    pub warnings: Vec<String>,
    /// Nothing was changed: this is how it would be.
    #[serde(default)]
    pub dry_run: bool,
    /// Of a dry run: the revision of the schedule that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Of a dry run: what becomes of each instance that does not stay where it is, by workflow and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<Vec<DrainMove>>,
}

/// What becomes of an instance when a node is drained or undrained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrainMove {
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    #[schema(value_type = u64)]
    pub number: InstanceNumber,
    /// Where it stops. Absent: it runs nowhere now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub from: Option<NodeName>,
    /// Where another one starts in its place. `null`: nowhere.
    #[schema(value_type = Option<schema::Name>, required)]
    pub to: Option<NodeName>,
    /// The number of the one that starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub becomes: Option<InstanceNumber>,
    /// Why there, or why nowhere.
    pub why: String,
}
