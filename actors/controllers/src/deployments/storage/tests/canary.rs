//! A few nodes first.

use super::*;

const BAKE: u64 = 60_000;

fn plan(nodes: u32) -> CanaryPlan {
    CanaryPlan {
        tag: tag("B"),
        nodes,
        candidates: ["x", "y", "z"].map(node).into(),
        bake: Millis(BAKE),
        errors_per_million_max: 10_000,
        records_min: 100,
    }
}

/// A default on three nodes, and a canary on the first of them.
fn started() -> Cluster {
    let mut cluster = Cluster::with(&["A", "B", "C"]);
    for name in ["x", "y", "z"] {
        cluster.node(name, &[]);
    }
    cluster.does(set_default("A"));
    cluster.does(assign("x", "C"));
    cluster.does(Change::StartCanary(plan(1)));
    cluster
}

/// Lives of y below 10, of z from there.
fn life(uid: u128) -> Incarnation {
    let name = node(if uid < 10 { "y" } else { "z" });
    Incarnation { name, uid: NodeUid(uuid::Uuid::from_u128(uid)) }
}

fn told(cluster: &Cluster, by: &[(u128, u64, u64)]) -> Observation {
    let Canary { plan, started_at, .. } = cluster.storage.canary().unwrap().clone();
    let by = by.iter().map(|(uid, records, errors)| {
        (life(*uid), Processed { records: *records, errors: *errors })
    });
    Observation::Canary(CanaryTold { tag: plan.tag, started_at, by: by.collect() })
}

fn counts(cluster: &Cluster, records: u64, errors: u64) -> Observation {
    told(cluster, &[(1, records, errors)])
}

fn after_the_bake(cluster: &mut Cluster) {
    cluster.now += i64::try_from(BAKE).unwrap();
}

#[test]
fn a_canary_runs_on_nodes_of_the_default_and_nowhere_else() {
    let cluster = started();
    assert_eq!(cluster.targets(), "x=C(node) y=B(canary) z=A(default)");
}

#[test]
fn a_canary_that_is_baked_and_sound_becomes_the_default() {
    let mut cluster = started();
    after_the_bake(&mut cluster);
    let sound = counts(&cluster, 1_000, 10);
    let facts = cluster.observes(sound.clone());
    assert!(matches!(&facts[..], [Fact::CanaryProcessed { .. }]), "its node does not run it yet");
    cluster.runs("y", "B");
    assert_eq!(cluster.observes(sound.clone()), [], "its time began only now");
    after_the_bake(&mut cluster);
    let few = counts(&cluster, 99, 0);
    assert_eq!(cluster.observes(few), [], "too little was processed");
    let facts = cluster.observes(sound);
    let [Fact::CanaryPromoted { why, .. }] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!(why, "1000 records in 1m, 10 of them failed");
    assert_eq!(cluster.targets(), "x=C(node) y=B(default) z=B(default)");
    cluster.does(Change::Rollback);
    assert_eq!(cluster.storage.default_tag(), tag("A"));
}

#[test]
fn the_time_of_a_canary_begins_anew_when_a_node_of_it_was_gone() {
    let mut cluster = started();
    cluster.runs("y", "B");
    cluster.runs("z", "A");
    after_the_bake(&mut cluster);
    cluster.observes(Observation::Gone { node: node("z") });
    assert!(cluster.storage.canary().unwrap().baking_since.is_some(), "z takes no part");
    cluster.observes(Observation::Gone { node: node("y") });
    let sound = counts(&cluster, 1_000, 0);
    let facts = cluster.observes(sound.clone());
    assert!(matches!(&facts[..], [Fact::CanaryProcessed { .. }]), "nobody runs it");
    cluster.node("y", &[]);
    cluster.runs("y", "B");
    assert_eq!(cluster.observes(sound.clone()), [], "its time began only now");
    after_the_bake(&mut cluster);
    assert!(matches!(&cluster.observes(sound)[..], [Fact::CanaryPromoted { .. }]));
}

#[test]
fn a_canary_with_too_many_errors_ends_at_once() {
    let mut cluster = started();
    cluster.runs("y", "B");
    let bad = counts(&cluster, 1_000, 11);
    let facts = cluster.observes(bad.clone());
    let [Fact::CanaryProcessed { .. }, Fact::CanaryEnded { why, .. }] = &facts[..] else {
        panic!("{facts:?}")
    };
    assert_eq!(why, "11 of 1000 records failed, more than 1% are accepted");
    assert_eq!(cluster.targets(), "x=C(node) y=A(default) z=A(default)");
    assert_eq!(cluster.observes(bad), [], "it is over");
}

#[test]
fn what_failed_on_a_node_that_died_is_known_to_whoever_counts_next() {
    let mut cluster = started();
    cluster.runs("y", "B");
    let first = told(&cluster, &[(1, 2_000, 8)]);
    assert_eq!(cluster.observes(first.clone()).len(), 1);
    assert_eq!(cluster.observes(first), [], "that is noted");
    // The node and who counted died: of its first life nobody tells any more.
    let canary = cluster.storage.canary().unwrap();
    let noted = Processed { records: 2_000, errors: 8 };
    assert_eq!(canary.processed(&BTreeMap::new()), noted);
    let sound = told(&cluster, &[(2, 100, 0)]);
    assert_eq!(cluster.observes(sound).len(), 1);
    let facts = cluster.observes(told(&cluster, &[(2, 500, 18)]));
    let [Fact::CanaryProcessed { node, .. }, Fact::CanaryEnded { why, .. }] = &facts[..] else {
        panic!("{facts:?}")
    };
    assert_eq!(*node, life(2));
    assert_eq!(why, "26 of 2500 records failed, more than 1% are accepted");
}

#[test]
fn records_are_noted_at_their_first_and_then_by_eighths() {
    let noted = |processed: fn(u64) -> (u64, u64)| {
        let mut cluster = started();
        cluster.runs("y", "B");
        let is_noted = |it: &u64| {
            let (records, errors) = processed(*it);
            !cluster.observes(told(&cluster, &[(1, records, errors)])).is_empty()
        };
        (1..=1_000).filter(is_noted).count()
    };
    assert_eq!(noted(|it| (1_000_000, it)), 44);
    assert_eq!(noted(|it| (it, 0)), 44);
    assert_eq!(noted(|_| (0, 0)), 0, "nothing is not news");
}

/// Of two that are sound together, each node and who counts die.
#[test]
fn what_went_well_on_nodes_that_died_counts_as_what_failed_there() {
    let mut cluster = on_two_nodes();
    let together = told(&cluster, &[(1, 1_000, 20), (10, 1_000_000, 0)]);
    assert!(!is_ended(&cluster.observes(together)));
    assert!(!is_ended(&cluster.observes(told(&cluster, &[(2, 0, 0), (11, 0, 0)]))));
}

/// After a failover nodes tell one after the other.
#[test]
fn a_canary_is_judged_once_all_that_run_it_have_told() {
    let mut cluster = on_two_nodes();
    let bad = Processed { records: 1_000, errors: 20 };
    assert!(!is_ended(&cluster.observes(told(&cluster, &[(1, bad.records, bad.errors)]))));
    assert_eq!(cluster.storage.canary().unwrap().noted, [(life(1), bad)].into());
    let both = told(&cluster, &[(1, 1_000, 20), (10, 10, 0)]);
    assert!(is_ended(&cluster.observes(both)));
    let mut second_dies = on_two_nodes();
    second_dies.observes(Observation::Gone { node: node("z") });
    assert!(is_ended(&second_dies.observes(told(&second_dies, &[(1, 1_000, 20)]))));
}

fn is_ended(facts: &[Fact]) -> bool {
    facts.iter().any(|it| matches!(it, Fact::CanaryEnded { .. }))
}

/// Both nodes of the default, y and z, run the canary.
fn on_two_nodes() -> Cluster {
    let mut cluster = started();
    cluster.does(Change::EndCanary);
    cluster.does(Change::StartCanary(plan(2)));
    for name in ["y", "z"] {
        cluster.runs(name, "B");
    }
    cluster
}

#[test]
fn a_canary_ends_when_a_node_of_it_can_not_activate_it() {
    let mut cluster = started();
    assert_eq!(cluster.fails("z", "B").len(), 1, "z takes no part");
    let facts = cluster.fails("y", "B");
    assert!(matches!(&facts[..], [Fact::ActivationFailed { .. }, Fact::CanaryEnded { .. }]));
    assert_eq!(cluster.storage.canary(), None);
}

#[test]
fn counts_of_another_canary_say_nothing() {
    let mut cluster = started();
    let old = counts(&cluster, 10, 10);
    cluster.does(Change::EndCanary);
    cluster.does(Change::StartCanary(plan(2)));
    assert_eq!(cluster.targets(), "x=C(node) y=B(canary) z=B(canary)");
    assert_eq!(cluster.observes(old), []);
}

#[test]
fn while_a_canary_runs_a_rollback_ends_it_and_the_default_stays() {
    let mut cluster = started();
    let runs = Rejection::CanaryRuns { tag: tag("B") };
    assert_eq!(cluster.tries(set_default("C")), Err(runs.clone()));
    assert_eq!(cluster.tries(Change::StartCanary(plan(1))), Err(runs));
    let uses = vec![Use::Canary];
    assert_eq!(cluster.tries(delete("B")), Err(Rejection::IsAssigned { tag: tag("B"), uses }));
    let facts = cluster.does(Change::Rollback);
    assert!(matches!(&facts[..], [Fact::CanaryEnded { .. }]), "{facts:?}");
    assert_eq!(cluster.storage.default_tag(), tag("A"));
}

#[test]
fn a_canary_may_be_promoted_before_its_time() {
    let mut cluster = started();
    cluster.does(Change::PromoteCanary);
    assert_eq!(cluster.storage.default_tag(), tag("B"));
    assert_eq!(cluster.tries(Change::PromoteCanary), Err(Rejection::NoCanary));
    assert_eq!(cluster.tries(Change::EndCanary), Err(Rejection::NoCanary));
}

#[test]
fn a_canary_that_proves_nothing_is_refused() {
    let mut cluster = started();
    cluster.does(Change::EndCanary);
    let mut tries = |plan| cluster.tries(Change::StartCanary(plan)).unwrap_err();
    // x has a rule of its own.
    let too_few = tries(plan(3));
    assert_eq!(too_few, Rejection::TooFewNodes { wanted: 3, found: 2 });
    let said = "the canary needs nodes that run the default, 3 of them, and of the nodes that are up 2 do: ";
    assert!(too_few.to_string().starts_with(said), "{too_few}");
    let nowhere = tries(CanaryPlan { candidates: [node("x")].into(), ..plan(1) });
    let said =
        "the canary needs nodes that run the default, 1 of them, and the default runs nowhere: ";
    assert!(nowhere.to_string().starts_with(said), "{nowhere}");
    assert_eq!(tries(plan(0)), Rejection::CanarySenseless);
    let of_default = CanaryPlan { tag: tag("A"), ..plan(1) };
    assert_eq!(tries(of_default), Rejection::CanaryOfDefault { tag: tag("A") });
    let over_all = CanaryPlan { errors_per_million_max: 1_000_001, ..plan(1) };
    assert_eq!(tries(over_all), Rejection::CanarySenseless);
    let unknown = CanaryPlan { tag: tag("X"), ..plan(1) };
    assert!(matches!(tries(unknown), Rejection::Unknown { .. }));
}
