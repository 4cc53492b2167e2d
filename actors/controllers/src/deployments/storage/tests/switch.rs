//! The dry run: what a change would start, stop and leave alone.

use weir_package::Switch;

use super::*;

/// As `starts|stops|restarts|stays`.
fn shown(switch: &Switch) -> String {
    let names = |it: &[WorkflowName]| {
        it.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>().join(",")
    };
    let Switch { starts, stops, restarts, stays } = switch;
    [starts, stops, restarts, stays].map(|it| names(it)).join("|")
}

#[test]
fn t16_a_direct_switch_leaves_alone_what_is_the_same() {
    let mut cluster = Cluster::default();
    cluster.does(store("D1", ROOT, "same=1 other=1 old=1"));
    cluster.does(store("D2", "D1", "same=1 other=2 new=1"));
    cluster.node("x", &[]);
    cluster.does(set_default("D1"));
    cluster.runs("x", "D1");
    let before = cluster.storage.clone();
    let impact = cluster.previews(set_default("D2"));
    assert_eq!(cluster.storage, before, "a dry run changes nothing");
    let x = &impact.nodes[&node("x")];
    assert_eq!(shown(&x.switch), "new|old|other|same");
    assert_eq!((&x.before, &x.after), (&tag("D1"), &tag("D2")));
    assert_eq!(impact.changes, ["D2 was made the default"]);

    cluster.does(set_default("D2"));
    assert_eq!(cluster.targets(), "x=D2(default)", "not by way of the root");
    let state = cluster.storage.nodes().next().unwrap().1.clone();
    assert_eq!((state.current, state.target), (Some(tag("D1")), tag("D2")));
    assert_eq!(cluster.runs("x", "D2"), [Fact::Activated { node: node("x"), tag: tag("D2") }]);
    assert!(cluster.storage.nodes().all(|it| it.1.is_settled()));
}

#[test]
fn t17_the_root_as_default_stops_everything_and_keeps_the_rest() {
    let mut cluster = Cluster::default();
    cluster.does(store("D1", ROOT, "a=1 b=1"));
    cluster.node("x", &[]);
    cluster.node("y", &[]);
    cluster.does(set_default("D1"));
    let impact = cluster.previews(set_default(ROOT));
    assert!(impact.nodes.values().all(|it| shown(&it.switch) == "|a,b||"), "{impact:?}");
    assert_eq!(impact.nodes.len(), 2);
    cluster.does(set_default(ROOT));
    let wanted = cluster.storage.wanted(&node("x"), &BTreeSet::new());
    assert_eq!(wanted, Wanted { tag: root(), digest: None, why: Why::Default });
    assert_eq!(cluster.tree(), "D1<DeploymentRoot");
}

#[test]
fn a_dry_run_names_only_nodes_that_it_moves() {
    let mut cluster = Cluster::with(&["A", "B"]);
    cluster.node("x", &[]);
    cluster.node("y", &["r"]);
    cluster.does(set_roles(&[("r", "B")]));
    let impact = cluster.previews(set_default("A"));
    assert_eq!(impact.nodes.keys().collect::<Vec<_>>(), [&node("x")]);
    let same = cluster.previews(set_roles(&[("r", "B")]));
    assert_eq!((same.changes.len(), same.nodes.len()), (0, 0));
    let deleted = cluster.previews(delete("A"));
    assert_eq!((deleted.changes.len(), deleted.nodes.len()), (1, 0));
    // A rule of another kind that names the same deployment moves nothing, and is told.
    let assigned = cluster.previews(assign("y", "B"));
    let y = &assigned.nodes[&node("y")];
    assert_eq!((shown(&y.switch).as_str(), &y.why), ("|||B", &Why::Node));
}
