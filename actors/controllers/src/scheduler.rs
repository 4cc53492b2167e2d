//! The Scheduler Master: which workflows run, how many instances of each, and on which nodes.
//!
//! Invariants:
//! - S1: an instance belongs to one node, and its number is never given again.
//! - S2: who runs where is in the journal, with the reason. So fail-over moves nothing: the next
//!   one goes on from the same assignments and the same picture of the cluster.
//! - S3: whatever changes what is wanted or offered is placed in the same decision: between two
//!   decisions nothing is left to be placed.
//! - S4: a node's order names all that it shall run, under a revision that only grows. An order of
//!   a lower revision, or of a deposed controller, is older.
//!
//! What instances do on their nodes is not in the journal: nodes report it, again and again.

mod agent;
mod lifecycle;
mod observe;
mod order;
mod placement;
mod service;
mod terms;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_domain::schedule::{
    Assignments, Deployed, InstanceNumber, InvalidLimit, Landscape, Limit, Move, NodeVerdict,
    Placement, ScheduleNode, Scope, Settings, SettingsPatch, Start, StopCause, Weight, Why,
};
use weir_domain::{Incarnation, NodeName, Timestamp, WorkflowName};
use weir_runtime::{Decision, EventSourced, Form};

use terms::Terms;

pub use agent::{Agent, Refused, Task};
pub use lifecycle::{Action, Grace, Input, Life, StopOrder};
pub use observe::{Observation, Seen};
pub use order::{Envelope, Order, Wanted};
pub use placement::{Situation, demand, explain, place, rebalance};
pub use service::{
    Failure, Overview, Request, Response, Scheduler, SchedulerService, SchedulerSingleton, States,
    WorkflowView,
};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "scheduler-master";

/// Instances that people may ask for in all.
const INSTANCES_MAX: u64 = 100_000;
/// Changes of assignments in one event: an event has a bound on its size.
const ASSIGNED_MAX: usize = 1_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// Changes what is wanted of a workflow. With the revision that the caller has seen, if any.
    Change {
        workflow: WorkflowName,
        change: Change,
        expected: Option<u64>,
        at: Timestamp,
    },
    /// What a deployment says; what it does not say is left as it is.
    Apply {
        patches: BTreeMap<WorkflowName, SettingsPatch>,
        /// The number of the deployment's activation, which only grows: each is applied once, however
        /// often it is asked for. `None`: whenever it is asked for.
        #[serde(default)]
        activation: Option<u64>,
        at: Timestamp,
    },
    /// Empties the node until it is undrained.
    Drain {
        node: NodeName,
        at: Timestamp,
    },
    Undrain {
        node: NodeName,
        at: Timestamp,
    },
    /// Who is in the cluster.
    Observe(Observation),
    /// What a node has deployed.
    Register(Registration),
    /// What several nodes have deployed, placed in one decision: what begins is spread over all of
    /// them. Who is no member is left out.
    RegisterAll(Vec<Registration>),
    /// Changes that are made together or not at all. With the revision of the assignments whose
    /// plan the caller has seen, if any.
    Together {
        steps: Vec<Self>,
        expected: Option<u64>,
        at: Timestamp,
    },
    /// Evens out the loads. With the revision of the assignments whose plan the caller has seen.
    Rebalance {
        expected: Option<u64>,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// `None` unsets it: the target is what the deployment says.
    Target(Option<u32>),
    Weight(Weight),
    /// A silent limit takes the rule away.
    Limit(Scope, Limit),
}

/// An agent says who it is and what its node could run. Sent at its start and whenever another
/// deployment is active there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    pub node: Incarnation,
    /// The same for equal content.
    pub deployment: String,
    pub deployed: Deployed,
    pub at: Timestamp,
}

/// Facts, in the past tense. Add variants; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Changed {
        workflow: WorkflowName,
        change: Change,
        at: Timestamp,
    },
    /// All settings, as they are from now on.
    Applied {
        workflow: WorkflowName,
        settings: Settings,
        at: Timestamp,
    },
    /// What the deployment of this activation says was applied, in the events before.
    ActivationApplied {
        activation: u64,
        at: Timestamp,
    },
    Drained {
        node: NodeName,
        at: Timestamp,
    },
    Undrained {
        node: NodeName,
        at: Timestamp,
    },
    /// What is new of the members, by the version of their list.
    Observed {
        version: u64,
        seen: Vec<ScheduleNode>,
        lost: Vec<NodeName>,
        at: Timestamp,
    },
    DeploymentSeen {
        deployment: String,
        deployed: Arc<Deployed>,
    },
    Registered {
        node: Incarnation,
        deployment: String,
        at: Timestamp,
    },
    Assigned {
        workflow: WorkflowName,
        starts: Vec<Started>,
        stops: Vec<Stopped>,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub number: InstanceNumber,
    pub node: Incarnation,
    pub why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub number: InstanceNumber,
    pub cause: StopCause,
}

/// Work for the engines: each follows its order.
#[derive(Debug, PartialEq)]
pub enum Effect {
    Order(Order),
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error(
        "the settings of workflow {workflow} are of revision {revision}, not {expected}: somebody changed them, so read them again"
    )]
    Stale { workflow: WorkflowName, expected: u64, revision: u64 },
    #[error(
        "the instances are of revision {revision}, not {expected}: some were placed since the plan was made, so make it again"
    )]
    Moved { expected: u64, revision: u64 },
    #[error(
        "workflow {0} is in no deployment of this cluster: activate one that contains it, or correct the name"
    )]
    UnknownWorkflow(WorkflowName),
    #[error("node {0} was never in this cluster: let it join first, or correct the name")]
    UnknownNode(NodeName),
    #[error("the limit of workflow {workflow} for {scope} can't be: {cause}")]
    Limit { workflow: WorkflowName, scope: Scope, cause: InvalidLimit },
    #[error(
        "{wanted} instances would be wanted, and the cluster runs {max} at most: lower a target or a minimum"
    )]
    TooMany { wanted: u64, max: u64 },
    #[error("node {0} is no member of the cluster now: it registers again once it is up")]
    NotAMember(Incarnation),
}

/// The whole schedule.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Schedule {
    terms: Terms,
    assigned: Assignments,
    /// Of the assignments.
    revision: u64,
    /// The revision at which a node's order last changed.
    changed: BTreeMap<NodeName, u64>,
}

impl EventSourced for Schedule {
    type Command = Command;
    type Event = Event;
    type Effect = Effect;
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("schedule.event", 1);
    const STATE_FORM: Form = Form::new("schedule.state", 1);

    fn decide(&self, command: Command) -> Decision<Self> {
        if let Command::Rebalance { expected, at } = command {
            return self.rebalanced(expected, at);
        }
        let at = terms::time(&command);
        let mut events = self.decided(command)?;
        if !events.is_empty() {
            let placement = self.placed_after(&events)?;
            events.extend(assigned(&placement, at));
        }
        Ok(events)
    }

    fn apply(&mut self, event: &Event) {
        self.terms.apply(event);
        if let Event::Assigned { workflow, starts, stops, .. } = event {
            self.revision += 1;
            stops.iter().for_each(|it| self.stop(workflow, it.number));
            starts.iter().for_each(|it| self.start(workflow, it));
        }
    }

    fn outstanding(&self) -> Vec<Effect> {
        order::orders(self).into_iter().map(Effect::Order).collect()
    }
}

impl Schedule {
    /// What would become of a command: refused as the command would be.
    pub fn preview(&self, command: Command) -> Result<Placement, Rejection> {
        let events = self.decided(command)?;
        self.placed_after(&events)
    }

    /// Of the assignments: it grows with whatever is placed.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How things stand.
    pub fn placement(&self) -> Placement {
        place(&self.situation(&self.terms.offered()))
    }

    /// The moves that a rebalance would make now, and the revision that they hold for.
    pub fn moves(&self) -> (u64, Vec<Move>) {
        (self.revision, rebalance(&self.situation(&self.terms.offered())))
    }

    /// What every node is to a workflow's next instance.
    pub fn explain(&self, workflow: &WorkflowName) -> Option<Vec<NodeVerdict>> {
        explain(&self.situation(&self.terms.offered()), workflow)
    }

    pub fn assignments(&self) -> &Assignments {
        &self.assigned
    }

    /// The settings of a workflow and their revision, which is 0 where nobody has set anything.
    pub fn settings(&self, workflow: &WorkflowName) -> (Settings, u64) {
        self.terms.settings(workflow)
    }

    /// All that have settings.
    pub fn workflows(&self) -> impl Iterator<Item = &WorkflowName> {
        self.terms.workflows()
    }

    pub fn drained(&self) -> &BTreeSet<NodeName> {
        self.terms.drained()
    }

    pub fn members(&self) -> BTreeSet<NodeName> {
        self.terms.landscape().nodes.keys().cloned().collect()
    }

    /// Whether some node has it deployed.
    pub fn is_deployed(&self, workflow: &WorkflowName) -> bool {
        self.terms.is_deployed(workflow)
    }

    /// The nodes, draining where an operator wants that.
    pub fn landscape(&self) -> Cow<'_, Landscape> {
        self.terms.offered()
    }

    /// What a command changes of the terms.
    fn decided(&self, command: Command) -> Decision<Self> {
        if let Command::Together { expected: Some(expected), .. } = command {
            self.check_revision(expected)?;
        }
        self.terms.decide(command)
    }

    fn check_revision(&self, expected: u64) -> Result<(), Rejection> {
        let revision = self.revision;
        if expected == revision { Ok(()) } else { Err(Rejection::Moved { expected, revision }) }
    }

    fn situation<'a>(&'a self, landscape: &'a Landscape) -> Situation<'a> {
        Situation { landscape, settings: self.terms.all_settings(), current: &self.assigned }
    }

    fn placed_after(&self, events: &[Event]) -> Result<Placement, Rejection> {
        let mut terms = self.terms.clone();
        events.iter().for_each(|it| terms.apply(it));
        let landscape = terms.offered();
        let settings = terms.all_settings();
        let situation = Situation { landscape: &landscape, settings, current: &self.assigned };
        let (wanted, max) = (demand(&situation), INSTANCES_MAX);
        // What the cluster offers is as it is, and can't be refused.
        if wanted > max && events.iter().any(terms::is_wish) {
            return Err(Rejection::TooMany { wanted, max });
        }
        Ok(place(&situation))
    }

    fn rebalanced(&self, expected: Option<u64>, at: Timestamp) -> Decision<Self> {
        expected.map_or(Ok(()), |it| self.check_revision(it))?;
        let (_, moves) = self.moves();
        let mut last: BTreeMap<&WorkflowName, u64> = BTreeMap::new();
        let mut placement = Placement::default();
        for step in &moves {
            let known = self.assigned.workflows.get(&step.workflow).map_or(0, |it| it.last);
            let last = last.entry(&step.workflow).or_insert(known);
            *last += 1;
            placement.stops.push(step.stop());
            placement.starts.push(step.start(InstanceNumber(*last)));
        }
        Ok(assigned(&placement, at))
    }

    fn start(&mut self, workflow: &WorkflowName, started: &Started) {
        let Started { number, node, why } = started.clone();
        let last = self.assigned.workflows.get(workflow).map_or(0, |it| it.last);
        assert!(number.0 > last, "S1: {workflow}/{number} was given before");
        self.changed.insert(node.name.clone(), self.revision);
        self.assigned.start(&Start { workflow: workflow.clone(), number, node, why });
    }

    fn stop(&mut self, workflow: &WorkflowName, number: InstanceNumber) {
        let stopped = self.assigned.stop(workflow, number);
        let stopped = stopped.unwrap_or_else(|| panic!("S1: {workflow}/{number} did not run"));
        self.changed.insert(stopped.node.name, self.revision);
    }
}

/// The events that carry a placement out.
fn assigned(placement: &Placement, at: Timestamp) -> Vec<Event> {
    let mut by_workflow: BTreeMap<&WorkflowName, (Vec<Started>, Vec<Stopped>)> = BTreeMap::new();
    for it in &placement.starts {
        let started = Started { number: it.number, node: it.node.clone(), why: it.why.clone() };
        by_workflow.entry(&it.workflow).or_default().0.push(started);
    }
    for it in &placement.stops {
        let stopped = Stopped { number: it.number, cause: it.cause };
        by_workflow.entry(&it.workflow).or_default().1.push(stopped);
    }
    let mut events = Vec::new();
    for (workflow, (starts, stops)) in by_workflow {
        let mut add = |starts: &[Started], stops: &[Stopped]| {
            let (workflow, starts, stops) = (workflow.clone(), starts.to_vec(), stops.to_vec());
            events.push(Event::Assigned { workflow, starts, stops, at });
        };
        if starts.len() + stops.len() <= ASSIGNED_MAX {
            add(&starts, &stops);
            continue;
        }
        stops.chunks(ASSIGNED_MAX).for_each(|it| add(&[], it));
        starts.chunks(ASSIGNED_MAX).for_each(|it| add(it, &[]));
    }
    events
}
