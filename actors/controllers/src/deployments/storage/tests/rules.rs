//! Node before role before default.

use weir_package::AssignmentSettings;

use super::*;

#[test]
fn t14_a_nodes_rule_comes_before_its_roles_and_those_before_the_default() {
    let mut cluster = Cluster::with(&["A", "B", "C"]);
    for name in ["X", "Y", "Z"] {
        cluster.node(name, &["dc-default"]);
    }
    cluster.does(assign("X", "B"));
    cluster.does(assign("Y", "B"));
    cluster.does(set_roles(&[("dc-default", "A")]));
    cluster.does(set_default("C"));
    assert_eq!(cluster.targets(), "X=B(node) Y=B(node) Z=A(role 1)");
    cluster.does(set_roles(&[]));
    assert_eq!(cluster.targets(), "X=B(node) Y=B(node) Z=C(default)");
    cluster.does(Change::Unassign { node: node("X") });
    assert_eq!(cluster.targets(), "X=C(default) Y=B(node) Z=C(default)");
}

#[test]
fn t15_the_first_role_rule_that_fits_decides() {
    let mut cluster = Cluster::with(&["A", "B"]);
    cluster.node("n", &["r1", "r2"]);
    cluster.node("m", &["r2"]);
    cluster.does(set_roles(&[("r1", "A"), ("r2", "B")]));
    assert_eq!(cluster.targets(), "m=B(role 2) n=A(role 1)");
    cluster.does(set_roles(&[("r2", "B"), ("r1", "A")]));
    assert_eq!(cluster.targets(), "m=B(role 1) n=B(role 1)");
    let why = cluster.storage.wanted(&node("n"), &["r1".to_owned()].into()).why;
    assert_eq!(why.to_string(), "role rule 2 fits: the node has role r1");
}

#[test]
fn the_rules_of_a_package_are_set_all_or_none() {
    let mut cluster = Cluster::with(&["A", "B", "C"]);
    for name in ["x", "y"] {
        cluster.node(name, &["r"]);
    }
    cluster.does(assign("x", "C"));
    let settings = AssignmentSettings {
        default: Some(tag("C")),
        roles: vec![RoleRule { role: "r".into(), tag: tag("A") }],
        nodes: [(node("y"), tag("B"))].into(),
    };
    let before = cluster.storage.clone();
    let unknown = [(node("y"), tag("B")), (node("nobody"), tag("B"))].into();
    let unknown = AssignmentSettings { nodes: unknown, ..settings.clone() };
    let refused = cluster.tries(Change::SetAssignments(unknown));
    assert!(matches!(refused, Err(Rejection::UnknownNode { .. })), "{refused:?}");
    assert_eq!(cluster.storage, before);
    cluster.does(Change::SetAssignments(settings.clone()));
    assert_eq!(cluster.targets(), "x=A(role 1) y=B(node)");
    assert_eq!(cluster.storage.default_tag(), tag("C"));
    assert_eq!(cluster.does(Change::SetAssignments(settings)), []);
}

#[test]
fn a_node_that_was_never_seen_is_refused_and_one_that_is_down_is_not() {
    let mut cluster = Cluster::with(&["A"]);
    cluster.node("node-1", &[]);
    cluster.observes(Observation::Gone { node: node("node-1") });
    cluster.does(assign("node-1", "A"));
    let refused = cluster.tries(assign("node-2", "A")).unwrap_err();
    let text = "node node-2 was never seen in this cluster: did you mean node-1?";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn rules_that_can_not_be_meant_are_refused() {
    let mut cluster = Cluster::with(&["A"]);
    let twice = cluster.tries(set_roles(&[("r", "A"), ("r", "A")]));
    assert_eq!(twice, Err(Rejection::RoleTwice { role: "r".into() }));
    let empty = cluster.tries(set_roles(&[("r", "A"), (" ", "A")]));
    assert_eq!(empty, Err(Rejection::NoRole { number: 2 }));
    assert!(matches!(cluster.tries(set_roles(&[("r", "B")])), Err(Rejection::Unknown { .. })));
    let unassigned = cluster.tries(Change::Unassign { node: node("x") });
    assert_eq!(unassigned, Err(Rejection::NotAssigned { node: node("x") }));
    assert!(matches!(cluster.tries(set_default("B")), Err(Rejection::Unknown { .. })));
}

#[test]
fn what_changes_nothing_is_no_event() {
    let mut cluster = Cluster::with(&["A"]);
    cluster.node("x", &["r"]);
    for change in [set_default("A"), assign("x", "A"), set_roles(&[("r", "A")])] {
        assert_eq!(cluster.does(change.clone()).len(), 1);
        assert_eq!(cluster.does(change), []);
    }
}

#[test]
fn a_rollback_follows_the_defaults_and_passes_over_those_that_were_deleted() {
    let mut cluster = Cluster::with(&["A", "B", "C"]);
    for name in ["A", "B", "C", "A"] {
        cluster.does(set_default(name));
    }
    assert_eq!(cluster.storage.overview().previous, Some(tag("C")));
    cluster.does(delete("C"));
    let rolled_back = |from: &str, to: &str| [Fact::RolledBack { from: tag(from), to: tag(to) }];
    assert_eq!(cluster.does(Change::Rollback), rolled_back("A", "B"));
    assert_eq!(cluster.does(Change::Rollback), rolled_back("B", "A"));
    assert_eq!(cluster.does(Change::Rollback), rolled_back("A", ROOT));
    assert_eq!(cluster.storage.default_tag(), root());
    assert_eq!(cluster.tries(Change::Rollback), Err(Rejection::NothingToRollBack));
}

#[test]
fn deleting_what_stood_between_two_equal_defaults_leaves_one() {
    let mut cluster = Cluster::with(&["A", "B"]);
    for name in ["A", "B", "A"] {
        cluster.does(set_default(name));
    }
    cluster.does(delete("B"));
    assert_eq!(cluster.storage.default_tag(), tag("A"));
    assert_eq!(cluster.does(Change::Rollback), [Fact::RolledBack { from: tag("A"), to: root() }]);
}

#[test]
fn the_settings_of_each_default_are_owed_until_the_scheduler_has_answered_for_that_activation() {
    let mut cluster = Cluster::with(&["A", "B"]);
    assert_eq!(cluster.storage.unscheduled(), None);
    cluster.does(set_default("A"));
    let (first, _) = cluster.storage.unscheduled().unwrap();
    cluster.does(set_default("B"));
    let (second, _) = cluster.storage.unscheduled().unwrap();
    assert!(first < second);
    let scheduled = |activation| Observation::Scheduled { activation, refusal: None };
    assert_eq!(cluster.observes(scheduled(first)), [], "of a default that is none any more");
    assert_eq!(cluster.observes(scheduled(second)).len(), 1);
    assert_eq!(cluster.storage.unscheduled(), None);
    cluster.does(Change::Rollback);
    let (third, digest) = cluster.storage.unscheduled().unwrap();
    assert!(second < third);
    assert_eq!(digest, cluster.storage.content(&tag("A")).unwrap().0);
}

#[test]
fn a_workflow_is_used_where_a_rule_the_default_or_a_canary_names_its_deployment() {
    let mut cluster = Cluster::with(&["A", "B"]);
    cluster.node("x", &[]);
    assert!(cluster.storage.used().is_empty());
    cluster.does(assign("x", "A"));
    let tags: Vec<_> = cluster.storage.used().into_values().collect();
    assert!(!tags.is_empty() && tags.iter().all(|it| *it == tag("A")), "{tags:?}");
}
