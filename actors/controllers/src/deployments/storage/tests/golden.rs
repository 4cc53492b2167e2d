//! Events as they were written: they must be readable for ever.

use super::*;

const GOLDEN: &str = include_str!("../../../../../../schemas/events/deployments.event.v2.json");

/// One of each.
fn all() -> Vec<Event> {
    let plan = CanaryPlan {
        tag: tag("flights-2"),
        nodes: 1,
        candidates: [node("node-1"), node("node-2")].into(),
        bake: Millis(600_000),
        errors_per_million_max: 1_000,
        records_min: 0,
    };
    let mut stored = deployment("flights-1", ROOT, "flights=1");
    stored.commit = Some("4f2a".into());
    let (a, b) = (tag("flights-1"), tag("flights-2"));
    let processed = Fact::CanaryProcessed {
        node: Incarnation { name: node("node-1"), uid: NodeUid(uuid::Uuid::from_u128(7)) },
        processed: Processed { records: 1_000, errors: 3 },
    };
    let facts = vec![
        Fact::Stored { deployment: Box::new(stored), new: ObjectTotals { objects: 2, bytes: 20 } },
        Fact::DefaultSet { tag: a.clone() },
        Fact::RolledBack { from: a.clone(), to: root() },
        Fact::NodeSeen { node: node("node-1"), roles: ["engine".to_owned()].into() },
        Fact::Assigned { node: node("node-1"), tag: a.clone() },
        Fact::Unassigned { node: node("node-1") },
        Fact::RolesSet { rules: vec![RoleRule { role: "engine".into(), tag: a.clone() }] },
        Fact::CanaryStarted { plan, nodes: [node("node-1")].into() },
        // By its former name, and by its own.
        processed.clone(),
        processed,
        Fact::CanaryPromoted { tag: b.clone(), why: "by command".into() },
        Fact::CanaryEnded { tag: b, why: "by command".into() },
        Fact::Activated { node: node("node-1"), tag: a.clone() },
        Fact::ActivationFailed {
            node: node("node-1"),
            target: a.clone(),
            cause: Fault::config(53, "no key"),
        },
        Fact::NodeGone { node: node("node-1") },
        Fact::Deleted { tag: a },
        Fact::Swept,
    ];
    let event = |fact: Fact| {
        let by = if fact.is_change() { "ada".to_owned() } else { String::new() };
        Event { at: Timestamp(1_700_000_000_000), by, fact }
    };
    facts.into_iter().map(event).collect()
}

#[test]
fn events_of_version_2_still_read() {
    let golden: Vec<Event> = serde_json::from_str(GOLDEN).expect("the golden events read");
    assert_eq!(golden, all());
}

/// Journals hold them in this form.
#[test]
fn events_and_states_come_back_from_their_bytes() {
    let mut state = Storage::default();
    let of_node = |it: &Fact| matches!(it, Fact::RolledBack { .. } | Fact::Deleted { .. });
    for event in all().iter().filter(|it| !of_node(&it.fact)) {
        let bytes = rmp_serde::to_vec_named(event).unwrap();
        let read: Event = rmp_serde::from_slice(&bytes).unwrap();
        assert_eq!(read, *event);
        state.apply(event);
        let bytes = rmp_serde::to_vec_named(&state).unwrap();
        assert_eq!(rmp_serde::from_slice::<Storage>(&bytes).unwrap(), state);
    }
}

/// What a canary had processed stood in snapshots by another name.
#[test]
fn counts_of_a_canary_in_older_snapshots_still_read() {
    let mut state = Storage::default();
    let is_of_canary =
        |it: &&Event| matches!(it.fact, Fact::CanaryStarted { .. } | Fact::CanaryProcessed { .. });
    all().iter().filter(is_of_canary).for_each(|it| state.apply(it));
    assert!(!state.canary().unwrap().noted.is_empty());
    let named = |name: &str| rmp_serde::to_vec(name).unwrap();
    let (now, then) = (named("noted"), named("failed"));
    let bytes = rmp_serde::to_vec_named(&state).unwrap();
    let at = bytes.windows(now.len()).position(|it| it == now).unwrap();
    let older = [&bytes[..at], &then, &bytes[at + now.len()..]].concat();
    assert_eq!(rmp_serde::from_slice::<Storage>(&older).unwrap(), state);
}
