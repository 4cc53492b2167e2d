//! Default and rules: which node should run which deployment, and why.

use std::collections::BTreeSet;

use weir_domain::{DeploymentTag, NodeName};
use weir_package::{AssignmentSettings, RoleRule};

use super::{Fact, Rejection, Storage, Why, root};

impl Storage {
    /// What a node should run that has these roles.
    pub fn target(&self, node: &NodeName, roles: &BTreeSet<String>) -> (DeploymentTag, Why) {
        if let Some(canary) = self.canary.as_ref().filter(|it| it.nodes.contains(node)) {
            return (canary.plan.tag.clone(), Why::Canary);
        }
        self.rule(node, roles)
    }

    /// The same, canaries aside.
    pub(super) fn rule(&self, node: &NodeName, roles: &BTreeSet<String>) -> (DeploymentTag, Why) {
        if let Some(tag) = self.by_node.get(node) {
            return (tag.clone(), Why::Node);
        }
        let mut rules = (1..).zip(&self.roles);
        match rules.find(|it| roles.contains(&it.1.role)) {
            Some((number, rule)) => {
                (rule.tag.clone(), Why::Role { number, role: rule.role.clone() })
            }
            None => (self.default_tag(), Why::Default),
        }
    }

    pub(super) fn set_default(&self, tag: DeploymentTag) -> Result<Vec<Fact>, Rejection> {
        self.check_exists(&tag)?;
        self.check_no_canary()?;
        match self.default_tag() == tag {
            true => Ok(vec![]),
            false => Ok(vec![Fact::DefaultSet { tag }]),
        }
    }

    pub(super) fn roll_back(&self) -> Result<Vec<Fact>, Rejection> {
        if self.canary.is_some() {
            return self.end_canary();
        }
        let Some(from) = self.defaults.last().cloned() else {
            return Err(Rejection::NothingToRollBack);
        };
        let before = self.defaults.len().checked_sub(2).and_then(|at| self.defaults.get(at));
        let to = before.cloned().unwrap_or_else(root);
        Ok(vec![Fact::RolledBack { from, to }])
    }

    pub(super) fn assign(
        &self,
        node: NodeName,
        tag: DeploymentTag,
    ) -> Result<Vec<Fact>, Rejection> {
        self.check_exists(&tag)?;
        if !self.nodes.contains_key(&node) {
            let known = self.nodes.keys().map(NodeName::as_str);
            let near = weir_domain::did_you_mean(node.as_str(), known).map(str::to_owned);
            return Err(Rejection::UnknownNode { node, near });
        }
        match self.by_node.get(&node) == Some(&tag) {
            true => Ok(vec![]),
            false => Ok(vec![Fact::Assigned { node, tag }]),
        }
    }

    pub(super) fn set_assignments(
        &self,
        settings: AssignmentSettings,
    ) -> Result<Vec<Fact>, Rejection> {
        let AssignmentSettings { default, roles, nodes } = settings;
        let mut facts = self.set_roles(roles)?;
        let removed = self.by_node.keys().filter(|it| !nodes.contains_key(*it));
        facts.extend(removed.map(|it| Fact::Unassigned { node: it.clone() }));
        for (node, tag) in nodes {
            facts.extend(self.assign(node, tag)?);
        }
        if let Some(tag) = default.filter(|it| *it != self.default_tag()) {
            facts.extend(self.set_default(tag)?);
        }
        Ok(facts)
    }

    pub(super) fn unassign(&self, node: NodeName) -> Result<Vec<Fact>, Rejection> {
        match self.by_node.contains_key(&node) {
            true => Ok(vec![Fact::Unassigned { node }]),
            false => Err(Rejection::NotAssigned { node }),
        }
    }

    pub(super) fn set_roles(&self, rules: Vec<RoleRule>) -> Result<Vec<Fact>, Rejection> {
        let mut seen = BTreeSet::new();
        for (number, rule) in (1..).zip(&rules) {
            if rule.role.trim().is_empty() {
                return Err(Rejection::NoRole { number });
            }
            if !seen.insert(&rule.role) {
                return Err(Rejection::RoleTwice { role: rule.role.clone() });
            }
            self.check_exists(&rule.tag)?;
        }
        match self.roles == rules {
            true => Ok(vec![]),
            false => Ok(vec![Fact::RolesSet { rules }]),
        }
    }
}
