//! What nodes report.

use super::*;

fn state(cluster: &Cluster, name: &str) -> NodeState {
    cluster.storage.nodes().find(|it| it.0.as_str() == name).unwrap().1.clone()
}

#[test]
fn a_failing_activation_shows_on_its_node_which_goes_on_with_what_it_ran() {
    let mut cluster = Cluster::with(&["A", "B"]);
    cluster.node("x", &[]);
    cluster.node("y", &[]);
    cluster.does(set_default("A"));
    cluster.runs("x", "A");
    cluster.runs("y", "A");
    cluster.does(set_default("B"));
    cluster.runs("y", "B");
    let [Fact::ActivationFailed { .. }] = &cluster.fails("x", "B")[..] else { panic!() };
    let x = state(&cluster, "x");
    assert_eq!((x.current, x.target), (Some(tag("A")), tag("B")));
    assert_eq!(x.failure.unwrap().cause.message, "no key");
    assert!(state(&cluster, "y").is_settled());
    // It fails again and again, which is no news.
    assert_eq!(cluster.fails("x", "B"), []);
    // Another target begins anew.
    cluster.does(set_default("A"));
    assert_eq!(state(&cluster, "x").failure, None);
    assert!(state(&cluster, "x").is_settled());
}

#[test]
fn times_say_since_when() {
    let mut cluster = Cluster::with(&["A"]);
    cluster.node("x", &[]);
    cluster.does(set_default("A"));
    let aimed = state(&cluster, "x").target_since;
    assert_eq!(aimed, Timestamp(cluster.now));
    cluster.runs("x", "A");
    let ran = state(&cluster, "x").current_since;
    assert_eq!(ran, Some(Timestamp(cluster.now)));
    assert_eq!(cluster.runs("x", "A"), []);
    assert_eq!(state(&cluster, "x").current_since, ran);
    assert_eq!(state(&cluster, "x").target_since, aimed);
}

#[test]
fn a_node_with_other_roles_may_have_another_target() {
    let mut cluster = Cluster::with(&["A"]);
    cluster.does(set_roles(&[("r", "A")]));
    cluster.node("x", &[]);
    assert_eq!(cluster.targets(), "x=DeploymentRoot(default)");
    cluster.node("x", &["r"]);
    assert_eq!(cluster.targets(), "x=A(role 1)");
    let seen = Observation::Seen { node: node("x"), roles: ["r".to_owned()].into() };
    assert_eq!(cluster.observes(seen), [], "it is known");
}

#[test]
fn reports_of_nodes_or_deployments_that_nobody_knows_change_nothing() {
    let mut cluster = Cluster::with(&["A"]);
    assert_eq!(cluster.runs("x", "A"), []);
    cluster.node("x", &[]);
    assert_eq!(cluster.runs("x", "gone"), []);
    assert_eq!(cluster.runs("x", ROOT).len(), 1);
}

#[test]
fn what_members_are_to_run_begins_with_the_default_and_has_nothing_of_who_went() {
    let mut cluster = Cluster::with(&["A", "B", "C", "D"]);
    let digests = |of: &[&str], cluster: &Cluster| {
        let content = |it: &&str| cluster.storage.content(&tag(it)).unwrap().0;
        of.iter().map(content).collect::<Vec<_>>()
    };
    assert_eq!(cluster.storage.run_by_members(), []);
    cluster.does(set_default("C"));
    assert_eq!(cluster.storage.run_by_members(), digests(&["C"], &cluster));
    for (name, of) in [("x", "A"), ("y", "B"), ("z", "D"), ("v", "C"), ("w", "C")] {
        cluster.node(name, &[]);
        cluster.does(assign(name, of));
        cluster.runs(name, of);
    }
    cluster.observes(Observation::Gone { node: node("y") });
    assert_eq!(cluster.storage.run_by_members(), digests(&["C", "A", "D"], &cluster));
    // Nobody has what is the default now.
    cluster.does(set_default("B"));
    assert_eq!(cluster.storage.run_by_members(), digests(&["A", "C", "D"], &cluster));
}
