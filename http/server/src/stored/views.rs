//! Deployments as they are shown.

use weir_controllers::deployments::Deployment;
use weir_controllers::deployments::storage::{
    Canary, Impact, NodeImpact, NodeState, Overview, Recent, Row, Why,
};
use weir_domain::NodeName;
use weir_http_api::{
    ActivationFailureView, ActivationState, ActivationView, CanaryView, ChangeView, DecidingRule,
    DeploymentView, DeploymentsView, NodeChangeView, ObjectsView, RecentChangeView, RoleAssignment,
    StoredView, WhyView, WorkflowDigestView,
};
use weir_package::RoleRule;

pub(super) fn all(it: Overview, applied: Vec<DeploymentView>) -> DeploymentsView {
    let objects = ObjectsView {
        count: it.objects.objects,
        bytes: it.objects.bytes,
        bytes_saved: it.bytes_without_sharing.saturating_sub(it.objects.bytes),
    };
    DeploymentsView {
        revision: it.revision,
        default: it.default,
        previous: it.previous,
        canary: it.canary.map(canary),
        items: it.deployments.iter().map(stored).collect(),
        objects,
        recent: it.recent.into_iter().map(recent).collect(),
        applied,
    }
}

pub(super) fn stored(row: &Row) -> StoredView {
    let it = row.deployment.clone();
    let workflows = it.workflows.into_iter();
    StoredView {
        tag: it.tag,
        parent: row.parent.clone(),
        digest: it.digest,
        project: it.project,
        description: it.description,
        author: it.author,
        commit: it.commit,
        built_at: it.built_at,
        signer: it.signer,
        workflows: workflows.map(|(name, digest)| WorkflowDigestView { name, digest }).collect(),
        same: row.same.clone(),
        duplicate: row.is_duplicate,
        default: row.is_default,
        assigned_by: row.uses.iter().map(ToString::to_string).collect(),
        nodes: row.nodes.clone(),
    }
}

/// A project that was applied from a directory.
pub fn applied(it: &Deployment) -> DeploymentView {
    let mut workflows: Vec<_> = it.plans.iter().map(|it| it.workflow.clone()).collect();
    workflows.sort();
    DeploymentView {
        project: it.project.clone(),
        digest: it.digest.clone(),
        base_dir: it.base_dir.display().to_string(),
        workflows,
        deployed_at: it.at,
    }
}

pub(super) fn change(dry_run: bool, revision: u64, impact: Impact) -> ChangeView {
    ChangeView {
        dry_run,
        revision,
        changes: impact.changes,
        nodes: impact.nodes.into_iter().map(node_change).collect(),
    }
}

fn node_change((node, it): (NodeName, NodeImpact)) -> NodeChangeView {
    let NodeImpact { before, after, why: reason, switch } = it;
    NodeChangeView {
        node,
        before,
        after,
        why: why(&reason),
        starts: switch.starts,
        stops: switch.stops,
        restarts: switch.restarts,
        stays: switch.stays,
    }
}

pub(crate) fn why(it: &Why) -> WhyView {
    let text = it.to_string();
    let (rule, number, role) = match it {
        Why::Canary => (DecidingRule::Canary, None, None),
        Why::Node => (DecidingRule::Node, None, None),
        Why::Role { number, role } => (DecidingRule::Role, Some(*number), Some(role.clone())),
        Why::Default => (DecidingRule::Default, None, None),
    };
    WhyView { rule, number, role, text }
}

pub(crate) fn activation(node: NodeName, (it, reason): (NodeState, Why)) -> ActivationView {
    let state = match &it.failure {
        Some(_) => ActivationState::Failed,
        None if it.is_settled() => ActivationState::Active,
        None => ActivationState::Switching,
    };
    let failure = it.failure.map(|it| ActivationFailureView {
        target: it.target,
        at: it.at,
        cause: it.cause.into(),
    });
    ActivationView {
        node,
        roles: it.roles.into_iter().collect(),
        state,
        target: it.target,
        target_since: it.target_since,
        current: it.current,
        current_since: it.current_since,
        why: why(&reason),
        failure,
    }
}

pub(crate) fn canary(it: Canary) -> CanaryView {
    CanaryView {
        tag: it.plan.tag,
        nodes: it.nodes.into_iter().collect(),
        started_at: it.started_at,
        baking_since: it.baking_since,
        bake_ms: it.plan.bake.0,
        errors_per_million_max: it.plan.errors_per_million_max,
        records_min: it.plan.records_min,
    }
}

pub(crate) fn recent(it: Recent) -> RecentChangeView {
    RecentChangeView { revision: it.revision, at: it.at, by: it.by, what: it.what }
}

pub(crate) fn role(it: RoleRule) -> RoleAssignment {
    RoleAssignment { role: it.role, tag: it.tag }
}

pub(crate) fn role_rule(it: RoleAssignment) -> RoleRule {
    RoleRule { role: it.role, tag: it.tag }
}
