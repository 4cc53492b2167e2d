//! What a node is told: all that it shall run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_domain::schedule::{InstanceNumber, Reach};
use weir_domain::{Incarnation, NodeName, WorkflowName};

use super::Schedule;

/// The complete wanted set of one node. What it runs beside that, it stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub node: Incarnation,
    /// Grows whenever this node's order changes, across controllers.
    pub revision: u64,
    pub instances: Vec<Wanted>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wanted {
    pub workflow: WorkflowName,
    pub number: InstanceNumber,
}

/// An order as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Of the lease that its sender acts under: who was deposed is not obeyed.
    pub epoch: u64,
    pub order: Order,
}

/// The orders of all nodes that can be told, also of those that shall run nothing.
pub(super) fn orders(schedule: &Schedule) -> Vec<Order> {
    let nodes = &schedule.terms.landscape().nodes;
    let told = nodes.values().filter(|it| it.reach != Reach::Unreachable);
    let mut orders: BTreeMap<&NodeName, Order> =
        told.map(|it| (&it.node.name, empty(schedule, &it.node))).collect();
    for (workflow, assigned) in &schedule.assigned.workflows {
        for (number, placed) in &assigned.instances {
            if let Some(order) = orders.get_mut(&placed.node.name) {
                order.instances.push(Wanted { workflow: workflow.clone(), number: *number });
            }
        }
    }
    orders.into_values().collect()
}

/// The order of one node, if it is a member in that incarnation.
pub(super) fn order(schedule: &Schedule, node: &Incarnation) -> Option<Order> {
    let known = schedule.terms.landscape().nodes.get(&node.name);
    let mut order = empty(schedule, &known.filter(|it| it.node == *node)?.node);
    for (workflow, assigned) in &schedule.assigned.workflows {
        let here = assigned.instances.iter().filter(|it| it.1.node == *node);
        let wanted = here.map(|it| Wanted { workflow: workflow.clone(), number: *it.0 });
        order.instances.extend(wanted);
    }
    Some(order)
}

fn empty(schedule: &Schedule, node: &Incarnation) -> Order {
    let revision = schedule.changed.get(&node.name).copied().unwrap_or(0);
    Order { node: node.clone(), revision, instances: Vec::new() }
}
