//! What making a package the default would do, before the cluster has stored it: a pure function.
//!
//! The engine's dry run says the same of what is stored, with every rule that holds there; this one knows
//! nodes as they stand now, those alone that the default decides for.

use std::collections::BTreeMap;

use weir_domain::{DeploymentTag, Digest, WorkflowName};
use weir_http_api::{ActivationView, DecidingRule, DeployNodePlan, DeploymentsView};

/// What begins, ends and goes on, on each node that follows the default.
pub(super) fn foresee(
    tag: &DeploymentTag,
    new: &BTreeMap<WorkflowName, Digest>,
    stored: &DeploymentsView,
    nodes: &[ActivationView],
) -> Vec<DeployNodePlan> {
    let present = stored.items.iter().find(|it| it.tag == stored.default);
    let old: BTreeMap<_, _> = present
        .iter()
        .flat_map(|it| &it.workflows)
        .map(|it| (it.name.clone(), it.digest))
        .collect();
    let named = |is_wanted: &dyn Fn(&WorkflowName) -> bool| {
        let all = new.keys().chain(old.keys().filter(|it| !new.contains_key(*it)));
        let mut found: Vec<_> = all.filter(|it| is_wanted(it)).cloned().collect();
        found.sort();
        found
    };
    let plan = |it: &ActivationView| DeployNodePlan {
        node: it.node.clone(),
        before: it.target.clone(),
        after: tag.clone(),
        starts: named(&|it| !old.contains_key(it)),
        stops: named(&|it| !new.contains_key(it)),
        restarts: named(&|it| matches!((old.get(it), new.get(it)), (Some(a), Some(b)) if a != b)),
        stays: named(&|it| old.get(it).is_some_and(|a| new.get(it) == Some(a))),
    };
    nodes.iter().filter(|it| it.why.rule == DecidingRule::Default).map(plan).collect()
}
