//! Who may change what belongs to some projects only.

use weir_domain::UserClaim;

use super::*;

const BILLING: &str = "billing";

fn project(name: &str) -> ProjectName {
    ProjectName::new(name).unwrap()
}

fn billing(name: &str) -> Change {
    let deployment = NewDeployment { project: project(BILLING), ..deployment(name, ROOT, name) };
    Change::Store(Box::new(deployment))
}

fn limit() -> Limit {
    Limit { claim: UserClaim::DeploymentActivate, projects: [project(BILLING)].into() }
}

impl Cluster {
    /// By somebody who deploys `billing` alone.
    fn by_billing(&mut self, change: Change) -> Result<Vec<Fact>, Rejection> {
        let (at, reach) = (Timestamp(self.now), Reach::Projects(limit()));
        let author = Author { name: "bob".into(), at, expected: None, reach };
        self.decides(Command::Change { author, change })
    }

    #[track_caller]
    fn refuses_billing(&mut self, change: Change) {
        let (before, missing) = (self.storage.clone(), [project("flights")].into());
        let refused = Err(Rejection::OutOfReach { limit: limit(), missing });
        assert_eq!(self.by_billing(change), refused);
        assert_eq!(self.storage, before);
    }
}

fn role(name: &str, of: &str) -> RoleRule {
    RoleRule { role: name.into(), tag: tag(of) }
}

#[test]
fn a_deployer_of_a_project_does_all_there_is_with_its_deployments() {
    let mut cluster = Cluster::default();
    cluster.node("x", &["billing"]);
    cluster.node("y", &[]);
    for change in [
        billing("B1"),
        billing("B2"),
        set_default("B1"),
        canary("B2"),
        Change::EndCanary,
        canary("B2"),
        Change::PromoteCanary,
        Change::Rollback,
        assign("y", "B2"),
        Change::Unassign { node: node("y") },
        Change::SetRoles(vec![role("billing", "B2")]),
        Change::SetRoles(vec![]),
        Change::Delete { tag: tag("B2") },
        set_default(ROOT),
    ] {
        let facts =
            cluster.by_billing(change.clone()).unwrap_or_else(|it| panic!("{change:?}: {it}"));
        assert!(!facts.is_empty(), "{change:?}");
    }
}

#[test]
fn what_names_a_deployment_of_another_project_is_refused() {
    let mut cluster = Cluster::with(&["F1", "F2"]);
    cluster.node("x", &["a"]);
    cluster.refuses_billing(store("F3", ROOT, "F3"));
    cluster.refuses_billing(set_default("F1"));
    cluster.refuses_billing(assign("x", "F1"));
    cluster.refuses_billing(canary("F1"));
    cluster.refuses_billing(Change::SetRoles(vec![role("a", "F1")]));
    cluster.refuses_billing(Change::Delete { tag: tag("F1") });
    // Not even whether it is there, and why it could not be deleted, is told.
    cluster.does(set_default("F1"));
    cluster.refuses_billing(Change::Delete { tag: tag("F1") });
    cluster.refuses_billing(set_default("F1"));
}

#[test]
fn nothing_is_taken_from_another_project() {
    let mut cluster = Cluster::with(&["F1", "F2"]);
    cluster.node("x", &["a"]);
    cluster.node("y", &["b"]);
    cluster.does(billing("B1"));
    cluster.does(set_default("F1"));
    cluster.refuses_billing(set_default("B1"));
    cluster.refuses_billing(set_default(ROOT));
    cluster.refuses_billing(canary("B1"));
    cluster.refuses_billing(assign("x", "B1"));
    cluster.refuses_billing(Change::SetRoles(vec![role("a", "B1")]));
    cluster.refuses_billing(Change::Rollback);

    // A rule of its own is its own to change, and to give back.
    cluster.does(billing("B2"));
    cluster.does(Change::SetRoles(vec![role("a", "B1"), role("c", "F2")]));
    cluster.refuses_billing(Change::SetRoles(vec![role("a", "B1")]));
    let rules = vec![role("a", "B2"), role("c", "F2")];
    assert_eq!(
        cluster.by_billing(Change::SetRoles(rules.clone())),
        Ok(vec![Fact::RolesSet { rules }])
    );
    let rules = vec![role("c", "F2")];
    assert_eq!(
        cluster.by_billing(Change::SetRoles(rules.clone())),
        Ok(vec![Fact::RolesSet { rules }])
    );
    assert_eq!(cluster.targets(), "x=F1(default) y=F1(default)");
}

#[test]
fn no_role_rule_of_another_project_is_put_behind() {
    // Nobody has these roles yet.
    let mut cluster = Cluster::with(&["F1"]);
    cluster.does(billing("B1"));
    let (ours, theirs) = (role("a", "B1"), role("b", "F1"));
    cluster.does(Change::SetRoles(vec![theirs.clone()]));
    cluster.refuses_billing(Change::SetRoles(vec![ours.clone(), theirs.clone()]));
    for rules in [[theirs.clone(), ours.clone()], [ours.clone(), theirs.clone()]] {
        cluster.does(Change::SetRoles(rules.to_vec()));
        let behind = Change::SetRoles(vec![theirs.clone(), ours.clone()]);
        assert!(cluster.by_billing(behind).is_ok(), "it gives way");
        cluster.refuses_billing(Change::SetRoles(vec![ours.clone(), theirs.clone()]));
    }
}

#[test]
fn a_rollback_makes_no_deployment_of_another_project_the_default() {
    let mut cluster = Cluster::with(&["F1"]);
    cluster.does(billing("B1"));
    cluster.does(billing("B2"));
    for it in ["F1", "B1", "B2"] {
        cluster.does(set_default(it));
    }
    let (from, to) = (tag("B2"), tag("B1"));
    assert_eq!(cluster.by_billing(Change::Rollback), Ok(vec![Fact::RolledBack { from, to }]));
    cluster.refuses_billing(Change::Rollback);
}

#[test]
fn a_refusal_says_what_is_missing_where() {
    let refused = Rejection::OutOfReach { limit: limit(), missing: [project("flights")].into() };
    assert_eq!(
        refused.to_string(),
        "the claim deployment:activate is there for the project billing, and this is about the project flights"
    );
}
