//! What making a package the default would do, before the cluster has stored it, and what stands in its way:
//! pure functions.
//!
//! The engine's dry run says the same of what is stored, with every rule that holds there; this one knows
//! nodes as they stand now, those alone that the default decides for. Who asks is judged by the cluster only.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{DeploymentTag, Digest, ProjectName, WorkflowName};
use weir_http_api::{
    ActivationView, DecidingRule, DeployNodePlan, DeployObstacle, DeploymentsView, StoredView,
};

/// What is to become the default.
pub(super) struct Coming<'p> {
    pub(super) tag: &'p DeploymentTag,
    pub(super) project: &'p ProjectName,
    pub(super) workflows: BTreeMap<WorkflowName, Digest>,
}

impl Coming<'_> {
    /// What begins, ends and goes on, on each node that follows the default.
    pub(super) fn foresee(
        &self,
        stored: &DeploymentsView,
        nodes: &[ActivationView],
    ) -> Vec<DeployNodePlan> {
        let new = &self.workflows;
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
        let differs = |it: &_| matches!((old.get(it), new.get(it)), (Some(a), Some(b)) if a != b);
        let plan = |it: &ActivationView| DeployNodePlan {
            node: it.node.clone(),
            before: it.target.clone(),
            after: self.tag.clone(),
            starts: named(&|it| !old.contains_key(it)),
            stops: named(&|it| !new.contains_key(it)),
            restarts: named(&differs),
            stays: named(&|it| old.get(it).is_some_and(|a| new.get(it) == Some(a))),
        };
        nodes.iter().filter(|it| it.why.rule == DecidingRule::Default).map(plan).collect()
    }

    /// Why the cluster would refuse it: a canary runs, or others have workflows of these names in use.
    pub(super) fn obstacles(&self, stored: &DeploymentsView) -> Vec<DeployObstacle> {
        let canary = stored.canary.iter().map(|it| DeployObstacle {
            detail: format!("the canary {} runs: promote or end it first", it.tag),
            hint: "weir deployment canary status".to_owned(),
        });
        let applied = stored.applied.iter().filter_map(|it| {
            let workflow = it.workflows.iter().find(|it| self.workflows.contains_key(*it))?;
            let owner = &it.project;
            Some(DeployObstacle {
                detail: format!(
                    "workflow {workflow} belongs to project {owner}, which was deployed from a directory"
                ),
                hint: format!("weir deployment withdraw {owner}"),
            })
        });
        let own = self.own(stored);
        // What is the default alone is no more in use then.
        let kept = stored.items.iter().filter(|it| !it.assigned_by.is_empty());
        let others = kept.filter(|it| it.project != *self.project).filter_map(|it| {
            let is_taken = |name: &&WorkflowName| {
                self.workflows.contains_key(*name) && !own.contains(*name)
            };
            let workflow = it.workflows.iter().map(|it| &it.name).find(is_taken)?;
            let (owner, of) = (&it.project, &it.tag);
            Some(DeployObstacle {
                detail: format!(
                    "workflow {workflow} belongs to project {owner}, whose deployment {of} is in use"
                ),
                hint: "weir deployment assignments".to_owned(),
            })
        });
        canary.chain(applied).chain(others).collect()
    }

    /// Workflows that the project has in use: sharing those is nothing new.
    fn own<'s>(&self, stored: &'s DeploymentsView) -> BTreeSet<&'s WorkflowName> {
        let in_use = |it: &&StoredView| it.default || !it.assigned_by.is_empty();
        let own = stored.items.iter().filter(in_use).filter(|it| it.project == *self.project);
        own.flat_map(|it| it.workflows.iter().map(|it| &it.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A deployment of a project with the workflow `copy`.
    fn stored(tag: &str, project: &str, assigned_by: &[&str]) -> Value {
        let digest = Digest::of(b"x").to_string();
        json!({ "tag": tag, "parent": "DeploymentRoot", "digest": digest, "project": project,
            "description": "", "author": "ann", "builtAt": "2026-01-01T00:00:00Z", "signer": "05",
            "workflows": [{ "name": "copy", "digest": digest }], "same": [], "duplicate": false,
            "default": false, "assignedBy": assigned_by, "nodes": [] })
    }

    fn applied(project: &str) -> Value {
        json!({ "project": project, "digest": "07", "baseDir": "/srv", "workflows": ["copy"],
            "deployedAt": "2026-01-01T00:00:00Z" })
    }

    /// What stands in the way of project `shop`, which has the workflow `copy`.
    fn obstacles(default: &str, items: &[Value], applied: &[Value]) -> Vec<String> {
        let view = json!({ "revision": 1, "default": default, "items": items, "recent": [],
            "objects": { "count": 0, "bytes": 0, "bytesSaved": 0 }, "applied": applied });
        let view: DeploymentsView = serde_json::from_value(view).expect("a view");
        let (tag, project) = ("s-1".parse().expect("a tag"), "shop".parse().expect("a name"));
        let workflows = [("copy".parse().expect("a name"), Digest::of(b"y"))].into();
        let coming = Coming { tag: &tag, project: &project, workflows };
        coming.obstacles(&view).into_iter().map(|it| it.hint).collect()
    }

    #[test]
    fn what_others_have_in_use_stands_in_the_way_and_nothing_else() {
        let root = "DeploymentRoot";
        assert_eq!(obstacles(root, &[stored("b-1", "billing", &[])], &[]), [""; 0]);
        // The default of another project goes with the change.
        assert_eq!(obstacles("b-1", &[stored("b-1", "billing", &[])], &[]), [""; 0]);
        let ruled = stored("b-1", "billing", &["the rule of node x"]);
        assert_eq!(
            obstacles(root, std::slice::from_ref(&ruled), &[]),
            ["weir deployment assignments"]
        );
        let own = stored("s-0", "shop", &["the rule of node y"]);
        assert_eq!(obstacles(root, &[ruled, own], &[]), [""; 0], "they share it already");
        for owner in ["billing", "shop"] {
            let hint = format!("weir deployment withdraw {owner}");
            assert_eq!(obstacles(root, &[], &[applied(owner)]), [hint]);
        }
    }
}
