//! What should run here, and how that differs from what does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_controllers::deployments::Deployment;
use weir_domain::plan::Plan;
use weir_domain::schedule::{Deployed, DeployedWorkflow};
use weir_domain::{Digest, WorkflowName};
use weir_secrets::Opened;
use weir_stream::WorkflowSpec;

/// A workflow that should run. Equal ones go on at a switch from one to the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) spec: WorkflowSpec,
    /// Over all that decides how it runs, where it comes from a package.
    pub(super) digest: Option<Digest>,
}

impl Wanted {
    pub(super) fn name(&self) -> &WorkflowName {
        &self.spec.plan.workflow
    }
}

pub(super) fn of_directories(deployments: &[Arc<Deployment>]) -> BTreeMap<WorkflowName, Wanted> {
    let each = deployments.iter().flat_map(|deployment| {
        deployment.plans.iter().map(|plan| {
            let spec = WorkflowSpec {
                project: deployment.project.clone(),
                plan: Arc::new(plan.clone()),
                base_dir: deployment.base_dir.clone(),
                // They come with packages alone.
                secrets: Opened::default(),
            };
            (plan.workflow.clone(), Wanted { spec, digest: None })
        })
    });
    each.collect()
}

/// What the scheduler must know of it.
pub(super) fn deployed(wanted: &BTreeMap<WorkflowName, Wanted>) -> Deployed {
    let each = |(name, it): (&WorkflowName, &Wanted)| {
        let instances = it.spec.plan.instances;
        (name.clone(), DeployedWorkflow { instances, ..DeployedWorkflow::default() })
    };
    Deployed { workflows: wanted.iter().map(each).collect() }
}

/// What runs and should not, and what should run and does not: a workflow that is replaced is in
/// both.
pub(super) fn difference(
    running: &BTreeMap<WorkflowName, Wanted>,
    wanted: &BTreeMap<WorkflowName, Wanted>,
    is_live: impl Fn(&Plan) -> bool,
) -> (BTreeSet<WorkflowName>, Vec<Wanted>) {
    let goes_on = |name, it| wanted.get(name).is_some_and(|of| same(it, of, &is_live));
    let stale = running.iter().filter(|(name, it)| !goes_on(*name, it));
    let stale: BTreeSet<_> = stale.map(|it| it.0.clone()).collect();
    let is_missing = |name: &WorkflowName| !running.contains_key(name) || stale.contains(name);
    let missing = wanted.iter().filter(|it| is_missing(it.0)).map(|it| it.1.clone());
    let missing = missing.collect();
    (stale, missing)
}

/// Of a package the digest decides. Of a directory how many instances there are does not, and a change
/// of it ends nothing: but for live workflows, whose lanes they are. Engines that went on with another
/// number than those that begin would refuse each other's checkpoints.
fn same(a: &Wanted, b: &Wanted, is_live: &impl Fn(&Plan) -> bool) -> bool {
    if a.digest.is_some() || b.digest.is_some() {
        return a.digest == b.digest;
    }
    if is_live(&b.spec.plan) {
        return a.spec == b.spec;
    }
    let mut plan = (*b.spec.plan).clone();
    plan.instances = a.spec.plan.instances;
    a.spec == WorkflowSpec { plan: Arc::new(plan), ..b.spec.clone() }
}

#[cfg(test)]
mod tests {
    use weir_domain::ProjectName;
    use weir_domain::plan::Retry;

    use super::*;

    fn wanted(name: &str, instances: u32, base_dir: &str) -> Wanted {
        let plan = Plan {
            workflow: WorkflowName::new(name).unwrap(),
            instances,
            stages: vec![],
            edges: vec![],
            retry: Retry::default(),
            dead_letters: None,
            error_limit: None,
        };
        let project = ProjectName::new("p").unwrap();
        let (plan, secrets) = (Arc::new(plan), Opened::default());
        let spec = WorkflowSpec { project, plan, base_dir: base_dir.into(), secrets };
        Wanted { spec, digest: None }
    }

    fn all(each: impl IntoIterator<Item = Wanted>) -> BTreeMap<WorkflowName, Wanted> {
        each.into_iter().map(|it| (it.name().clone(), it)).collect()
    }

    #[test]
    fn what_is_the_same_goes_on_and_what_is_replaced_is_stale_and_missing() {
        let running =
            all([wanted("same", 1, "/a"), wanted("moved", 1, "/a"), wanted("gone", 1, "/a")]);
        let next = all([wanted("same", 1, "/a"), wanted("moved", 1, "/b"), wanted("new", 1, "/a")]);
        let (stale, missing) = difference(&running, &next, |_| false);
        let names: Vec<_> = stale.iter().map(WorkflowName::as_str).collect();
        assert_eq!(names, ["gone", "moved"]);
        assert_eq!(missing, [wanted("moved", 1, "/b"), wanted("new", 1, "/a")]);
    }

    #[test]
    fn another_number_of_instances_replaces_nothing() {
        let (running, next) = (all([wanted("w", 1, "/a")]), all([wanted("w", 9, "/a")]));
        assert_eq!(difference(&running, &next, |_| false), (BTreeSet::new(), vec![]));
        assert_eq!(deployed(&next).workflows["w"].instances, 9);
    }

    #[test]
    fn another_number_of_lanes_is_another_workflow() {
        let (running, next) = (all([wanted("w", 1, "/a")]), all([wanted("w", 9, "/a")]));
        let (stale, missing) = difference(&running, &next, |_| true);
        assert_eq!((stale.len(), missing), (1, vec![wanted("w", 9, "/a")]));
        assert_eq!(difference(&next, &next, |_| true), (BTreeSet::new(), vec![]));
    }
}
