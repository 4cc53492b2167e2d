//! What a schedule is made of before anything is placed: what people want, and what the cluster
//! offers as far as it is known.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_domain::schedule::{Landscape, Reach, ScheduleNode, Scope, Settings, SettingsPatch};
use weir_domain::{NodeName, Timestamp, WorkflowName};

use super::{Change, Command, Event, Observation, Registration, Rejection};

/// Nodes in one event: an event has a bound on its size.
const OBSERVED_MAX: usize = 1_000;

type Decided = Result<Vec<Event>, Rejection>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Terms {
    settings: BTreeMap<WorkflowName, Settings>,
    /// How often a workflow's settings were changed.
    revisions: BTreeMap<WorkflowName, u64>,
    /// As it was observed.
    landscape: Landscape,
    /// Of the list of members that was observed last.
    version: u64,
    drained: BTreeSet<NodeName>,
    /// Every node that ever was a member.
    known: BTreeSet<NodeName>,
    /// The last one whose settings were applied.
    #[serde(default)]
    activation: u64,
}

/// When the command was given.
pub(super) fn time(command: &Command) -> Timestamp {
    match command {
        Command::Change { at, .. }
        | Command::Apply { at, .. }
        | Command::Drain { at, .. }
        | Command::Undrain { at, .. }
        | Command::Together { at, .. }
        | Command::Rebalance { at, .. } => *at,
        Command::Observe(it) => it.at,
        Command::Register(it) => it.at,
        Command::RegisterAll(all) => all.iter().map(|it| it.at).max().unwrap_or_default(),
    }
}

/// Whether somebody wants it, which can be refused; or it is so.
pub(super) fn is_wish(event: &Event) -> bool {
    matches!(event, Event::Changed { .. } | Event::Applied { .. })
}

impl Terms {
    pub(super) fn decide(&self, command: Command) -> Decided {
        match command {
            Command::Change { workflow, change, expected, at } => {
                self.change(workflow, change, expected, at)
            }
            Command::Apply { patches, activation, at } => {
                if activation.is_some_and(|it| it <= self.activation) {
                    return Ok(vec![]);
                }
                let mut events = self.patch(&patches, at)?;
                let applied = |activation| Event::ActivationApplied { activation, at };
                events.extend(activation.map(applied));
                Ok(events)
            }
            Command::Drain { node, at } => self.drain(node, at),
            Command::Undrain { node, at } => self.undrain(node, at),
            Command::Observe(observation) => Ok(self.observe(observation)),
            Command::Register(registration) => self.register(registration),
            Command::RegisterAll(registrations) => Ok(self.register_all(registrations)),
            Command::Together { steps, .. } => self.together(steps),
            // Nothing of this is changed by it.
            Command::Rebalance { .. } => Ok(vec![]),
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Changed { workflow, change, .. } => {
                let settings = self.settings.entry(workflow.clone()).or_default();
                put(settings, change.clone());
                self.count_revision(workflow);
            }
            Event::Applied { workflow, settings, .. } => {
                self.settings.insert(workflow.clone(), settings.clone());
                self.count_revision(workflow);
            }
            Event::ActivationApplied { activation, .. } => self.activation = *activation,
            Event::Drained { node, .. } => drop(self.drained.insert(node.clone())),
            Event::Undrained { node, .. } => drop(self.drained.remove(node)),
            Event::Observed { version, seen, lost, .. } => self.observed(*version, seen, lost),
            Event::DeploymentSeen { deployment, deployed } => {
                let deployments = &mut self.landscape.deployments;
                deployments.insert(deployment.clone(), Arc::unwrap_or_clone(deployed.clone()));
            }
            Event::Registered { node, deployment, .. } => {
                if let Some(it) = self.landscape.nodes.get_mut(&node.name) {
                    it.deployment = Some(deployment.clone());
                }
                self.forget_deployments();
            }
            Event::Assigned { .. } => {}
        }
    }

    pub(super) fn settings(&self, workflow: &WorkflowName) -> (Settings, u64) {
        let settings = self.settings.get(workflow).cloned().unwrap_or_default();
        (settings, self.revision(workflow))
    }

    pub(super) fn all_settings(&self) -> &BTreeMap<WorkflowName, Settings> {
        &self.settings
    }

    pub(super) fn workflows(&self) -> impl Iterator<Item = &WorkflowName> {
        self.settings.keys()
    }

    pub(super) fn drained(&self) -> &BTreeSet<NodeName> {
        &self.drained
    }

    /// The cluster, with what operators drain. A node that can't be reached can't be told, and
    /// keeps what it has until it can.
    pub(super) fn offered(&self) -> Cow<'_, Landscape> {
        let mut landscape = Cow::Borrowed(&self.landscape);
        for name in &self.drained {
            let node = self.landscape.nodes.get(name);
            if node.is_some_and(|it| it.reach == Reach::Up) {
                let nodes = &mut landscape.to_mut().nodes;
                nodes.entry(name.clone()).and_modify(|it| it.reach = Reach::Draining);
            }
        }
        landscape
    }

    /// The cluster as it was observed.
    pub(super) fn landscape(&self) -> &Landscape {
        &self.landscape
    }

    pub(super) fn is_deployed(&self, workflow: &WorkflowName) -> bool {
        self.landscape.deployments.values().any(|it| it.workflows.contains_key(workflow))
    }

    fn revision(&self, workflow: &WorkflowName) -> u64 {
        self.revisions.get(workflow).copied().unwrap_or(0)
    }

    fn count_revision(&mut self, workflow: &WorkflowName) {
        *self.revisions.entry(workflow.clone()).or_default() += 1;
    }

    /// Each on what those before it made of it.
    fn together(&self, steps: Vec<Command>) -> Decided {
        let mut drafted = self.clone();
        let mut events = Vec::new();
        for step in steps {
            let decided = drafted.decide(step)?;
            decided.iter().for_each(|it| drafted.apply(it));
            events.extend(decided);
        }
        Ok(events)
    }

    fn change(
        &self,
        workflow: WorkflowName,
        change: Change,
        expected: Option<u64>,
        at: Timestamp,
    ) -> Decided {
        if !self.settings.contains_key(&workflow) && !self.is_deployed(&workflow) {
            return Err(Rejection::UnknownWorkflow(workflow));
        }
        if let Change::Limit(Scope::Node(node), limit) = &change
            && !limit.is_silent()
        {
            self.check_known(node)?;
        }
        let (settings, revision) = self.settings(&workflow);
        if let Some(expected) = expected.filter(|it| *it != revision) {
            return Err(Rejection::Stale { workflow, expected, revision });
        }
        let mut changed = settings.clone();
        put(&mut changed, change.clone());
        // A workflow that is named for the first time is known from now on.
        match changed == settings && self.settings.contains_key(&workflow) {
            true => Ok(vec![]),
            false => Ok(vec![Event::Changed { workflow, change, at }]),
        }
    }

    fn patch(&self, patches: &BTreeMap<WorkflowName, SettingsPatch>, at: Timestamp) -> Decided {
        let mut events = Vec::new();
        for (workflow, patch) in patches {
            let (settings, _) = self.settings(workflow);
            let patched = settings.patched(patch).map_err(|(scope, cause)| Rejection::Limit {
                workflow: workflow.clone(),
                scope,
                cause,
            })?;
            if patched != settings {
                let workflow = workflow.clone();
                events.push(Event::Applied { workflow, settings: patched, at });
            }
        }
        Ok(events)
    }

    fn drain(&self, node: NodeName, at: Timestamp) -> Decided {
        self.check_known(&node)?;
        let is_drained = self.drained.contains(&node);
        Ok(if is_drained { vec![] } else { vec![Event::Drained { node, at }] })
    }

    fn undrain(&self, node: NodeName, at: Timestamp) -> Decided {
        self.check_known(&node)?;
        let is_drained = self.drained.contains(&node);
        Ok(if is_drained { vec![Event::Undrained { node, at }] } else { vec![] })
    }

    fn check_known(&self, node: &NodeName) -> Result<(), Rejection> {
        match self.known.contains(node) {
            true => Ok(()),
            false => Err(Rejection::UnknownNode(node.clone())),
        }
    }

    fn observe(&self, Observation { version, nodes, at }: Observation) -> Vec<Event> {
        // Of a controller that lags behind its predecessor.
        if version < self.version {
            return vec![];
        }
        let present: BTreeSet<&NodeName> = nodes.iter().map(|it| &it.node.name).collect();
        let known = self.landscape.nodes.keys();
        let lost: Vec<NodeName> = known.filter(|it| !present.contains(it)).cloned().collect();
        let mut seen = Vec::new();
        for it in &nodes {
            let known = self.landscape.nodes.get(&it.node.name).filter(|of| of.node == it.node);
            let deployment = known.and_then(|it| it.deployment.clone());
            let (node, roles, reach) = (it.node.clone(), it.roles.clone(), it.reach);
            let node = ScheduleNode { node, roles, reach, deployment };
            if known != Some(&node) {
                seen.push(node);
            }
        }
        let mut events: Vec<Event> = Vec::new();
        for seen in seen.chunks(OBSERVED_MAX) {
            let seen = seen.to_vec();
            events.push(Event::Observed { version, seen, lost: vec![], at });
        }
        if !lost.is_empty() {
            events.push(Event::Observed { version, seen: vec![], lost, at });
        }
        events
    }

    fn observed(&mut self, version: u64, seen: &[ScheduleNode], lost: &[NodeName]) {
        self.version = version;
        for it in seen {
            self.known.insert(it.node.name.clone());
            self.landscape.nodes.insert(it.node.name.clone(), it.clone());
        }
        for it in lost {
            self.landscape.nodes.remove(it);
        }
        self.forget_deployments();
    }

    /// Contents that no node has any more.
    fn forget_deployments(&mut self) {
        let Landscape { nodes, deployments } = &mut self.landscape;
        let used: BTreeSet<&String> =
            nodes.values().filter_map(|it| it.deployment.as_ref()).collect();
        deployments.retain(|it, _| used.contains(it));
    }

    fn register(&self, registration: Registration) -> Decided {
        let Registration { node, deployment, deployed, at } = registration;
        let known = self.landscape.nodes.get(&node.name).filter(|it| it.node == node);
        let Some(known) = known else { return Err(Rejection::NotAMember(node)) };
        let is_seen = self.landscape.deployments.contains_key(&deployment);
        if is_seen && known.deployment.as_ref() == Some(&deployment) {
            return Ok(vec![]);
        }
        let mut events = Vec::new();
        if !is_seen {
            let (deployment, deployed) = (deployment.clone(), Arc::new(deployed));
            events.push(Event::DeploymentSeen { deployment, deployed });
        }
        events.push(Event::Registered { node, deployment, at });
        Ok(events)
    }

    fn register_all(&self, registrations: Vec<Registration>) -> Vec<Event> {
        let mut next = self.clone();
        let mut events = Vec::new();
        for registration in registrations {
            let registered = next.register(registration).unwrap_or_default();
            registered.iter().for_each(|it| next.apply(it));
            events.extend(registered);
        }
        events
    }
}

fn put(settings: &mut Settings, change: Change) {
    match change {
        Change::Target(target) => settings.target = target,
        Change::Weight(weight) => settings.weight = weight,
        Change::Limit(scope, limit) => settings.set_limit(scope, limit),
    }
}
