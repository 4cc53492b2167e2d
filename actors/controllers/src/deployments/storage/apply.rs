//! How events change the state.

use std::collections::BTreeMap;

use weir_domain::{DeploymentTag, NodeName, Timestamp};

use super::{
    ActivationFailure, Canary, Content, DEFAULTS_MAX, Event, Fact, NewDeployment, NodeState,
    RECENT_MAX, ROOT, Recent, Storage, Stored,
};

impl Storage {
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        if event.fact.is_change() {
            self.note(event);
        }
        match &event.fact {
            Fact::Stored { deployment, .. } => self.insert(deployment),
            Fact::Deleted { tag } => self.remove(tag),
            Fact::DefaultSet { tag } | Fact::CanaryPromoted { tag, .. } => {
                self.defaults.push(tag.clone());
                if self.defaults.len() > DEFAULTS_MAX {
                    self.defaults.remove(0);
                }
                self.canary = None;
                self.unscheduled = Some(self.revision);
            }
            Fact::RolledBack { .. } => {
                let rolled_back = self.defaults.pop();
                assert!(rolled_back.is_some(), "T4: the root was rolled back");
                self.unscheduled = Some(self.revision);
            }
            Fact::Assigned { node, tag } => {
                self.by_node.insert(node.clone(), tag.clone());
            }
            Fact::Unassigned { node } => {
                self.by_node.remove(node);
            }
            Fact::RolesSet { rules } => self.roles.clone_from(rules),
            Fact::CanaryStarted { plan, nodes } => {
                let (plan, nodes) = (plan.clone(), nodes.clone());
                let noted = BTreeMap::new();
                let canary = Canary { plan, nodes, started_at: at, baking_since: None, noted };
                self.canary = Some(canary);
            }
            Fact::CanaryProcessed { node, processed } => {
                let canary =
                    self.canary.as_mut().expect("T3: counts of a canary that does not run");
                canary.noted.insert(node.clone(), *processed);
            }
            Fact::CanaryEnded { .. } => self.canary = None,
            Fact::NodeSeen { node, roles } => {
                let (target, _) = self.target(node, roles);
                let known = self.nodes.entry(node.clone()).or_insert_with(|| fresh(target, at));
                known.roles.clone_from(roles);
            }
            Fact::NodeGone { node } => {
                self.with_node(node, |it| {
                    it.current = None;
                    it.current_since = None;
                    it.failure = None;
                });
                self.bake(at);
            }
            Fact::Activated { node, tag } => {
                self.with_node(node, |it| {
                    if it.current.as_ref() != Some(tag) {
                        it.current = Some(tag.clone());
                        it.current_since = Some(at);
                    }
                    it.failure = None;
                });
                self.bake(at);
            }
            Fact::ActivationFailed { node, target, cause } => {
                let (target, cause) = (target.clone(), cause.clone());
                let failure = ActivationFailure { target, cause, at };
                self.with_node(node, |it| it.failure = Some(failure));
            }
            Fact::Scheduled { .. } => self.unscheduled = None,
            Fact::Swept => self.garbage = None,
        }
        // Reports come from each node, again and again; only these move a target.
        if event.fact.is_change() || matches!(event.fact, Fact::NodeSeen { .. }) {
            self.aim(at);
        }
    }

    fn note(&mut self, event: &Event) {
        self.revision += 1;
        self.recent.push_back(Recent {
            revision: self.revision,
            at: event.at,
            by: event.by.clone(),
            what: event.fact.to_string(),
        });
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    fn insert(&mut self, deployment: &NewDeployment) {
        let content = Content {
            workflows: deployment.workflows.clone(),
            objects: deployment.objects.clone(),
        };
        self.contents.entry(deployment.digest).or_insert(content);
        let stored = Stored {
            number: self.revision,
            parent: deployment.parent.clone(),
            // These are known by the digest.
            deployment: NewDeployment {
                workflows: Default::default(),
                objects: Vec::new(),
                ..deployment.clone()
            },
        };
        let former = self.by_tag.insert(deployment.tag.clone(), stored);
        assert!(former.is_none(), "T1: {} was stored twice", deployment.tag);
        self.garbage = Some(self.revision);
    }

    /// Its children hang under its parent from now on.
    fn remove(&mut self, tag: &DeploymentTag) {
        let gone = self.by_tag.remove(tag).expect("T1: a deployment was deleted that is not there");
        for child in self.by_tag.values_mut().filter(|it| it.parent == *tag) {
            child.parent = gone.parent.clone();
        }
        self.defaults.retain(|it| it != tag);
        // Two that stood around it are one default now: going back from one to the other would
        // change nothing.
        self.defaults.dedup();
        if self.defaults.first().is_some_and(|it| it.as_str() == ROOT) {
            self.defaults.remove(0);
        }
        let digest = gone.deployment.digest;
        if !self.by_tag.values().any(|it| it.deployment.digest == digest) {
            self.contents.remove(&digest);
        }
        self.garbage = Some(self.revision);
    }

    fn with_node(&mut self, node: &NodeName, change: impl FnOnce(&mut NodeState)) {
        self.nodes.get_mut(node).map(change);
    }

    /// The canary's time begins when all its nodes run it, and anew when one of them was gone: nothing ran there for
    /// a while.
    fn bake(&mut self, at: Timestamp) {
        let Some(canary) = &mut self.canary else { return };
        let runs = |node| self.nodes.get(node).and_then(|it| it.current.as_ref());
        let all_run_it = canary.nodes.iter().all(|it| runs(it) == Some(&canary.plan.tag));
        canary.baking_since = all_run_it.then(|| canary.baking_since.unwrap_or(at));
    }

    /// Notes since when each node should run what it should run.
    fn aim(&mut self, at: Timestamp) {
        let targets: Vec<_> =
            self.nodes.iter().map(|(n, it)| self.target(n, &it.roles).0).collect();
        for (node, target) in self.nodes.values_mut().zip(targets) {
            if node.target != target {
                node.target = target;
                node.target_since = at;
                node.failure = None;
            }
        }
    }
}

fn fresh(target: DeploymentTag, at: Timestamp) -> NodeState {
    NodeState {
        roles: Default::default(),
        target,
        target_since: at,
        current: None,
        current_since: None,
        failure: None,
    }
}
