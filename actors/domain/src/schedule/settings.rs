//! What people want of one workflow.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::{InvalidLimit, Limit, Max, Scope};
use crate::NodeName;

/// How heavy one instance is for the node that runs it; 100 unless somebody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Weight(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a weight is at least 1: an instance that weighs nothing would all be put on one node")]
pub struct InvalidWeight;

impl Weight {
    pub const fn new(weight: u32) -> Result<Self, InvalidWeight> {
        if weight == 0 { Err(InvalidWeight) } else { Ok(Self(weight)) }
    }

    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(100)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Instances in the whole cluster. Unset: as many as the deployment says. 0: nothing runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    pub weight: Weight,
    /// Per node, where no narrower rule says otherwise.
    #[serde(skip_serializing_if = "Limit::is_silent")]
    pub default: Limit,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<NodeName, Limit>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Limit>,
}

impl Settings {
    pub fn limit(&self, scope: &Scope) -> Limit {
        let rule = match scope {
            Scope::Node(node) => self.nodes.get(node),
            Scope::Role(role) => self.roles.get(role),
            Scope::Default => Some(&self.default),
        };
        rule.copied().unwrap_or_default()
    }

    /// Puts a rule in the place of the one that was there; a silent one takes it away.
    pub fn set_limit(&mut self, scope: Scope, limit: Limit) {
        match scope {
            Scope::Default => self.default = limit,
            Scope::Node(node) if limit.is_silent() => drop(self.nodes.remove(&node)),
            Scope::Role(role) if limit.is_silent() => drop(self.roles.remove(&role)),
            Scope::Node(node) => drop(self.nodes.insert(node, limit)),
            Scope::Role(role) => drop(self.roles.insert(role, limit)),
        }
    }

    /// With what a deployment says; where it is silent, these values stay. Refused where a bound
    /// of the patch and one that stays contradict each other.
    pub fn patched(&self, patch: &SettingsPatch) -> Result<Self, (Scope, InvalidLimit)> {
        let mut settings = self.clone();
        settings.target = patch.target.or(self.target);
        settings.weight = patch.weight.unwrap_or(self.weight);
        for (scope, limit) in patch.limits() {
            let known = self.limit(&scope);
            let limit = Limit::new(limit.min.or(known.min()), limit.max.or(known.max()));
            settings.set_limit(scope.clone(), limit.map_err(|it| (scope, it))?);
        }
        Ok(settings)
    }
}

/// What a deployment says of a workflow's schedule. What is absent or `null` is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SettingsPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<LimitPatch>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<NodeName, LimitPatch>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, LimitPatch>,
}

/// Bounds that may contradict each other until they are put beside those that stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Max>,
}

impl SettingsPatch {
    fn limits(&self) -> impl Iterator<Item = (Scope, LimitPatch)> {
        let default = self.default.iter().map(|it| (Scope::Default, *it));
        let nodes = self.nodes.iter().map(|(node, it)| (Scope::Node(node.clone()), *it));
        let roles = self.roles.iter().map(|(role, it)| (Scope::Role(role.clone()), *it));
        default.chain(nodes).chain(roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        serde_json::from_str(text).unwrap()
    }

    fn patch(text: &str) -> SettingsPatch {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_weight_of_zero_is_refused_and_unset_means_100() {
        assert!(serde_json::from_str::<Settings>(r#"{"weight": 0}"#).is_err());
        assert_eq!(settings("{}").weight.get(), 100);
    }

    #[test]
    fn what_a_deployment_does_not_say_stays_as_the_operator_set_it() {
        let operators = settings(r#"{"target": 4, "weight": 7, "nodes": {"n1": {"max": 2}}}"#);
        let silent = patch(r#"{"target": null, "nodes": {"n1": {"max": null}}}"#);
        assert_eq!(operators.patched(&silent), Ok(operators.clone()));
        let patched = operators.patched(&patch(r#"{"target": 9, "nodes": {"n1": {"min": 1}}}"#));
        let wanted = r#"{"target": 9, "weight": 7, "nodes": {"n1": {"min": 1, "max": 2}}}"#;
        assert_eq!(patched, Ok(settings(wanted)));
    }

    #[test]
    fn a_deployment_that_contradicts_a_bound_that_stays_is_refused_with_the_rule() {
        let operators = settings(r#"{"roles": {"big": {"max": 2}}}"#);
        let refused = operators.patched(&patch(r#"{"roles": {"big": {"min": 3}}}"#));
        let role = Scope::Role("big".to_owned());
        assert_eq!(refused, Err((role, InvalidLimit::Contradiction { min: 3, max: 2 })));
    }
}
