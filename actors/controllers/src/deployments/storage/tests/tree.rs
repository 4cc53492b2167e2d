//! Which deployments there are: storing, deleting, and what they share.

use super::*;

#[test]
fn t10_deployments_hang_in_a_tree_and_children_of_one_that_goes_under_its_parent() {
    let mut cluster = Cluster::with(&["P"]);
    cluster.does(store("O", "P", "o"));
    cluster.does(store("G", "P", "g"));
    assert_eq!(cluster.tree(), "P<DeploymentRoot O<P G<P");
    assert_eq!(cluster.does(delete("P")), [Fact::Deleted { tag: tag("P") }]);
    assert_eq!(cluster.tree(), "O<DeploymentRoot G<DeploymentRoot");
    let refused = cluster.tries(store("X", "P", "x"));
    assert!(matches!(refused, Err(Rejection::Unknown { .. })), "{refused:?}");
}

#[test]
fn t11_the_same_content_is_a_duplicate_and_takes_no_room() {
    let mut cluster = Cluster::default();
    cluster.does(store("A", ROOT, "w=1 v=1"));
    let before = cluster.storage.overview();
    let [Fact::Stored { new, .. }] = &cluster.does(store("B", "A", "w=1 v=1"))[..] else {
        panic!()
    };
    assert_eq!(*new, ObjectTotals::default());
    let after = cluster.storage.overview();
    assert_eq!(after.objects, before.objects);
    assert_eq!(after.bytes_without_sharing, 2 * before.bytes_without_sharing);
    let duplicates: Vec<_> = after.deployments.iter().map(|it| it.is_duplicate).collect();
    assert_eq!(duplicates, [false, true]);
    assert_eq!(after.deployments[0].same, [tag("B")]);
}

#[test]
fn only_what_differs_is_new() {
    let mut cluster = Cluster::default();
    cluster.does(store("A", ROOT, "w=1 v=1 u=2"));
    let impact = cluster.previews(store("B", "A", "w=1 v=1 u=3"));
    // The content itself, and the one workflow that is another.
    assert_eq!(impact.new, ObjectTotals { objects: 2, bytes: 20 });
    let [Fact::Stored { new, .. }] = &cluster.does(store("B", "A", "w=1 v=1 u=3"))[..] else {
        panic!()
    };
    assert_eq!(*new, impact.new);
}

#[test]
fn t12_a_tag_that_exists_is_refused_and_another_one_accepted() {
    let mut cluster = Cluster::with(&["A"]);
    let before = cluster.storage.clone();
    let refused = cluster.tries(store("A", ROOT, "other"));
    let digest = Digest::of(b"A");
    assert_eq!(refused, Err(Rejection::TagTaken { tag: tag("A"), digest }));
    assert!(cluster.tries(store("A", ROOT, "A")).is_err(), "the same content too");
    assert_eq!(cluster.storage, before);
    assert_eq!(cluster.tries(store(ROOT, ROOT, "x")), Err(Rejection::TagReserved));
    cluster.does(store("A-2", ROOT, "other"));
}

#[test]
fn t13_root_default_and_whatever_is_assigned_are_not_deleted() {
    let mut cluster = Cluster::with(&["D", "N", "R", "free"]);
    cluster.node("x", &[]);
    cluster.does(set_default("D"));
    cluster.does(assign("x", "N"));
    // No node has that role: it is assigned all the same.
    cluster.does(set_roles(&[("nobody", "R")]));
    assert_eq!(cluster.tries(delete(ROOT)), Err(Rejection::RootStays));
    assert_eq!(cluster.tries(delete("D")), Err(Rejection::IsDefault { tag: tag("D") }));
    let assigned = |name: &str, by| Rejection::IsAssigned { tag: tag(name), uses: vec![by] };
    assert_eq!(cluster.tries(delete("N")), Err(assigned("N", Use::Node(node("x")))));
    assert_eq!(cluster.tries(delete("R")), Err(assigned("R", Use::Role("nobody".into()))));
    cluster.does(delete("free"));
    assert_eq!(cluster.tree(), "D<DeploymentRoot N<DeploymentRoot R<DeploymentRoot");
    let refused = cluster.tries(delete("free")).unwrap_err();
    assert_eq!(refused.to_string(), "there is no deployment free");
}

#[test]
fn what_a_node_still_switches_away_from_is_not_deleted() {
    let mut cluster = Cluster::with(&["A", "B"]);
    cluster.node("x", &[]);
    cluster.does(set_default("A"));
    cluster.runs("x", "A");
    cluster.does(set_default("B"));
    let nodes = vec![node("x")];
    assert_eq!(cluster.tries(delete("A")), Err(Rejection::SwitchingAway { tag: tag("A"), nodes }));
    cluster.runs("x", "B");
    cluster.does(delete("A"));
}

#[test]
fn a_node_that_is_gone_keeps_nothing() {
    let mut cluster = Cluster::with(&["A", "B"]);
    cluster.node("x", &[]);
    cluster.does(set_default("A"));
    cluster.runs("x", "A");
    cluster.does(set_default("B"));
    assert_eq!(cluster.observes(Observation::Gone { node: node("x") }).len(), 1);
    assert_eq!(cluster.observes(Observation::Gone { node: node("x") }), []);
    cluster.does(delete("A"));
}

#[test]
fn objects_stay_while_a_deployment_needs_them_and_a_sweep_is_owed_after_a_change() {
    let mut cluster = Cluster::default();
    assert_eq!(cluster.storage.garbage(), None);
    cluster.does(store("A", ROOT, "w=1"));
    cluster.does(store("B", ROOT, "w=1"));
    let needed = cluster.storage.needed();
    cluster.does(delete("A"));
    assert_eq!(cluster.storage.needed(), needed);
    let garbage = cluster.storage.garbage().unwrap();
    cluster.does(delete("B"));
    assert_eq!(cluster.storage.needed(), BTreeSet::new());
    assert_eq!(cluster.observes(Observation::Swept { garbage }), [], "that sweep began earlier");
    let garbage = cluster.storage.garbage().unwrap();
    assert_eq!(cluster.observes(Observation::Swept { garbage }), [Fact::Swept]);
    assert_eq!(cluster.storage.garbage(), None);
}

#[test]
fn the_second_of_two_administrators_is_told_what_the_first_did() {
    let mut cluster = Cluster::with(&["A", "B"]);
    let seen = cluster.storage.revision();
    let author = |name: &str| Author {
        name: name.into(),
        at: Timestamp(50),
        expected: Some(seen),
        reach: Reach::Everything,
    };
    let command = |name: &str, change| Command::Change { author: author(name), change };
    cluster.decides(command("ada", set_default("A"))).unwrap();
    let refused = cluster.decides(command("grace", set_default("B"))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "revision 2 is not the present one, which is 3: A was made the default by ada; look again, \
         then decide"
    );
    assert_eq!(cluster.storage.default_tag(), tag("A"));
    // What nodes report is no change that anybody decides on.
    cluster.node("x", &[]);
    cluster.runs("x", "A");
    assert_eq!(cluster.storage.revision(), seen + 1);
}
