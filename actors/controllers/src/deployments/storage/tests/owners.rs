//! Deployments of two projects with a workflow of the same name.

use super::*;

fn billing(name: &str, content: &str) -> Change {
    let project = ProjectName::new("billing").unwrap();
    let deployment = NewDeployment { project, ..deployment(name, ROOT, content) };
    Change::Store(Box::new(deployment))
}

/// F1 of one project and B1 of another have a workflow `w`.
fn cluster() -> Cluster {
    let mut cluster = Cluster::default();
    cluster.node("x", &["a"]);
    cluster.node("y", &[]);
    cluster.does(store("F1", ROOT, "w=1"));
    cluster.does(billing("B1", "w=2"));
    cluster
}

fn taken(tag: DeploymentTag, owner: &str, of: DeploymentTag) -> Result<Vec<Fact>, Rejection> {
    let (workflow, owner) = (WorkflowName::new("w").unwrap(), ProjectName::new(owner).unwrap());
    Err(Rejection::WorkflowTaken { tag, workflow, owner, of })
}

#[test]
fn a_second_owner_of_a_workflow_is_refused_and_the_first_one_named() {
    let mut cluster = cluster();
    cluster.does(set_default("F1"));
    let refused = || taken(tag("B1"), "flights", tag("F1"));
    assert_eq!(cluster.tries(assign("x", "B1")), refused());
    assert_eq!(cluster.tries(canary("B1")), refused());
    // Also where no node has the role yet.
    assert_eq!(cluster.tries(set_roles(&[("later", "B1")])), refused());
    assert_eq!(
        refused().unwrap_err().to_string(),
        "workflow w of deployment B1 belongs to project flights, whose deployment F1 is in use: rename it, or take F1 out of use first"
    );
    cluster.does(set_default("B1"));
    assert_eq!(cluster.tries(assign("x", "F1")), taken(tag("F1"), "billing", tag("B1")));
    assert_eq!(cluster.targets(), "x=B1(default) y=B1(default)");
}

#[test]
fn another_workflow_and_a_deployment_of_the_same_project_are_not() {
    let mut cluster = cluster();
    cluster.does(store("F2", ROOT, "w=3"));
    cluster.does(billing("B2", "v=2"));
    cluster.does(set_default("F1"));
    cluster.does(assign("x", "F2"));
    cluster.does(assign("y", "B2"));
}

#[test]
fn what_has_two_owners_already_can_be_mended_step_by_step() {
    let mut cluster = cluster();
    cluster.does(set_default("F1"));
    let event = |fact| Event { at: Timestamp(1), by: "ada".into(), fact };
    for name in ["x", "y"] {
        let before = event(Fact::Assigned { node: node(name), tag: tag("B1") });
        cluster.storage.apply(&before);
    }
    cluster.does(Change::Unassign { node: node("x") });
    cluster.does(Change::Unassign { node: node("y") });
    assert!(cluster.tries(assign("x", "B1")).is_err());
}
