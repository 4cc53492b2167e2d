//! The schedule as a behaviour: given a history, when a command, then events.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::schedule::{
    Deployed, DeployedWorkflow, InstanceNumber, Limit, Max, Reach, Scope, SettingsPatch, StopCause,
};
use weir_domain::{Incarnation, NodeName, NodeUid, Timestamp, WorkflowName};
use weir_runtime::EventSourced;

use super::*;

const AT: Timestamp = Timestamp(7);

pub(super) fn workflow(name: &str) -> WorkflowName {
    WorkflowName::new(name).unwrap()
}

pub(super) fn node(name: &str, uid: u128) -> Incarnation {
    let uid = NodeUid(uuid::Uuid::from_u128(uid));
    Incarnation { name: NodeName::new(name).unwrap(), uid }
}

fn seen(name: &str, reach: Reach) -> Seen {
    Seen { node: node(name, 1), roles: BTreeSet::new(), reach }
}

pub(super) fn observe(version: u64, nodes: &[(&str, Reach)]) -> Command {
    let nodes = nodes.iter().map(|(name, reach)| seen(name, *reach)).collect();
    Command::Observe(Observation { version, nodes, at: AT })
}

pub(super) fn register(name: &str, deployment: &str, workflows: &[&str]) -> Command {
    let each = |it: &&str| (workflow(it), DeployedWorkflow::default());
    let deployed = Deployed { workflows: workflows.iter().map(each).collect() };
    let deployment = deployment.to_owned();
    Command::Register(Registration { node: node(name, 1), deployment, deployed, at: AT })
}

pub(super) fn target(name: &str, target: u32) -> Command {
    change(name, Change::Target(Some(target)), None)
}

fn change(name: &str, change: Change, expected: Option<u64>) -> Command {
    Command::Change { workflow: workflow(name), change, expected, at: AT }
}

impl Schedule {
    fn does(&mut self, command: Command) -> Vec<Event> {
        let events = self.decide(command).unwrap();
        events.iter().for_each(|it| self.apply(it));
        events
    }

    fn on(&self, name: &str) -> Vec<u64> {
        let orders = self.outstanding().into_iter().map(|Effect::Order(it)| it);
        let order = orders.into_iter().find(|it| it.node.name.as_str() == name);
        order.into_iter().flat_map(|it| it.instances).map(|it| it.number.0).collect()
    }
}

/// Nodes a, b and c, which have `w` deployed.
fn three() -> Schedule {
    let mut it = Schedule::default();
    it.does(observe(1, &[("a", Reach::Up), ("b", Reach::Up), ("c", Reach::Up)]));
    for node in ["a", "b", "c"] {
        it.does(register(node, "d1", &["w", "v"]));
    }
    it
}

#[test]
fn a_target_is_placed_in_the_decision_that_sets_it() {
    let mut it = three();
    let events = it.does(target("w", 3));
    assert!(matches!(events[0], Event::Changed { .. }), "{events:?}");
    assert!(matches!(&events[1], Event::Assigned { starts, .. } if starts.len() == 3));
    assert_eq!(events.len(), 2);
    assert_eq!([it.on("a"), it.on("b"), it.on("c")], [[1], [2], [3]]);
    assert_eq!(it.decide(target("w", 3)), Ok(vec![]), "it is so already");
}

#[test]
fn fail_over_moves_nothing() {
    let mut it = three();
    it.does(target("w", 7));
    let stored = serde_json::to_string(&it).unwrap();
    let mut next: Schedule = serde_json::from_str(&stored).unwrap();
    assert_eq!(next.outstanding(), it.outstanding());
    let all = [("a", Reach::Up), ("b", Reach::Up), ("c", Reach::Up)];
    assert_eq!(next.does(observe(1, &all)), []);
    assert_eq!(next.does(register("a", "d1", &["w", "v"])), []);
}

#[test]
fn the_journal_alone_leads_to_the_same_state() {
    let (mut it, mut journal) = (Schedule::default(), Vec::new());
    let all = [("a", Reach::Up), ("b", Reach::Up)];
    let commands = [
        observe(1, &all),
        register("a", "d1", &["w"]),
        register("b", "d1", &["w"]),
        target("w", 4),
        Command::Drain { node: node("b", 1).name, at: AT },
        observe(2, &all[..1]),
    ];
    for command in commands {
        journal.extend(it.does(command));
    }
    let mut replayed = Schedule::default();
    journal.iter().for_each(|event| replayed.apply(event));
    let text = |it: &Schedule| serde_json::to_string(it).unwrap();
    assert_eq!(text(&replayed), text(&it));
    assert_eq!(replayed.on("a").len(), 4);
}

#[test]
fn a_change_that_does_not_expect_the_present_revision_is_refused() {
    let mut it = three();
    it.does(change("w", Change::Target(Some(1)), Some(0)));
    let refused = it.decide(change("w", Change::Target(Some(2)), Some(0)));
    let stale = Rejection::Stale { workflow: workflow("w"), expected: 0, revision: 1 };
    assert_eq!(refused, Err(stale));
    assert!(it.decide(change("w", Change::Target(Some(2)), Some(1))).is_ok());
    assert_eq!(it.settings(&workflow("w")).1, 1);
}

#[test]
fn what_nobody_has_deployed_and_nodes_that_never_were_are_refused() {
    let it = three();
    assert_eq!(it.decide(target("x", 1)), Err(Rejection::UnknownWorkflow(workflow("x"))));
    let name = NodeName::new("nowhere").unwrap();
    let refused = it.decide(Command::Drain { node: name.clone(), at: AT });
    assert_eq!(refused, Err(Rejection::UnknownNode(name.clone())));
    let limit = Limit::new(Some(1), None).unwrap();
    let rule = it.decide(change("w", Change::Limit(Scope::Node(name.clone()), limit), None));
    assert_eq!(rule, Err(Rejection::UnknownNode(name)));
}

#[test]
fn more_instances_than_the_cluster_is_made_for_are_refused() {
    let mut it = three();
    let refused = it.decide(target("w", u32::MAX));
    assert!(matches!(refused, Err(Rejection::TooMany { .. })), "{refused:?}");
    let max = Limit::new(None, Some(Max::AtMost(1))).unwrap();
    it.does(change("w", Change::Limit(Scope::Default, max), None));
    let refused = it.decide(target("w", 100_001));
    let wanted = Rejection::TooMany { wanted: 100_001, max: 100_000 };
    assert_eq!(refused, Err(wanted));
    it.does(target("w", 100_000));
    let refused = it.decide(target("v", 1));
    assert!(matches!(refused, Err(Rejection::TooMany { .. })), "counted over all workflows");
}

#[test]
fn a_lost_node_is_placed_anew_and_an_unreachable_one_is_not() {
    let mut it = three();
    it.does(target("w", 3));
    let silent = [("a", Reach::Unreachable), ("b", Reach::Up), ("c", Reach::Up)];
    it.does(observe(1, &silent));
    assert_eq!([it.on("b"), it.on("c")], [[2], [3]]);
    let orders = it.outstanding().len();
    assert_eq!(orders, 2, "who can't be reached can't be told");
    let events = it.does(observe(2, &silent[1..]));
    let Some(Event::Assigned { starts, stops, .. }) = events.last() else { panic!("{events:?}") };
    let lost = Stopped { number: InstanceNumber(1), cause: StopCause::Lost };
    assert_eq!((starts.len(), stops.as_slice()), (1, [lost].as_slice()));
    assert_eq!(it.on("b"), [2, 4]);
}

#[test]
fn a_picture_of_the_cluster_that_is_older_than_the_last_one_is_passed_over() {
    let mut it = three();
    it.does(target("w", 3));
    it.does(observe(5, &[("a", Reach::Up), ("b", Reach::Up)]));
    let all = [("a", Reach::Up), ("b", Reach::Up), ("c", Reach::Up)];
    assert_eq!(it.does(observe(4, &all)), []);
    assert_eq!(it.does(observe(4, &[])), []);
}

#[test]
fn a_node_that_came_back_has_nothing_until_it_has_registered() {
    let mut it = three();
    it.does(target("w", 3));
    let mut again = Observation { version: 2, nodes: vec![], at: AT };
    again.nodes = [("a", 2), ("b", 1), ("c", 1)]
        .map(|(name, uid)| Seen { node: node(name, uid), ..seen(name, Reach::Up) })
        .into();
    it.does(Command::Observe(again));
    assert_eq!(it.on("a"), [0; 0]);
    let late = it.decide(register("a", "d1", &["w"]));
    assert_eq!(late, Err(Rejection::NotAMember(node("a", 1))));
    let mut registration = register("a", "d1", &["w", "v"]);
    if let Command::Register(it) = &mut registration {
        it.node = node("a", 2);
    }
    it.does(registration);
    it.does(target("w", 4));
    assert_eq!(it.on("a"), [5]);
}

#[test]
fn a_drained_node_is_emptied_and_filled_when_that_is_over() {
    let mut it = three();
    it.does(target("w", 6));
    let a = || node("a", 1).name;
    let preview = it.preview(Command::Drain { node: a(), at: AT }).unwrap();
    assert_eq!((preview.stops.len(), preview.starts.len()), (2, 2));
    it.does(Command::Drain { node: a(), at: AT });
    assert_eq!([it.on("a").len(), it.on("b").len(), it.on("c").len()], [0, 3, 3]);
    assert_eq!(it.does(Command::Drain { node: a(), at: AT }), []);
    assert!(it.drained().contains(&a()));
    it.does(Command::Undrain { node: a(), at: AT });
    assert_eq!(it.on("a").len(), 0, "nothing moves that need not");
    it.does(target("w", 8));
    assert_eq!(it.on("a").len(), 2);
}

#[test]
fn a_preview_is_what_the_command_does_and_changes_nothing() {
    let mut it = three();
    it.does(target("w", 2));
    let preview = it.preview(target("w", 5)).unwrap();
    let before = it.outstanding();
    assert_eq!(it.outstanding(), before);
    let events = it.does(target("w", 5));
    let Event::Assigned { starts, .. } = &events[1] else { panic!("{events:?}") };
    let previewed = preview.starts.iter().map(|it| (it.number, &it.node, &it.why));
    let started = starts.iter().map(|it| (it.number, &it.node, &it.why));
    assert!(previewed.eq(started));
    assert_eq!(it.placement().workflows, preview.workflows);
}

#[test]
fn a_rebalance_carries_out_the_plan_that_was_shown_or_none() {
    let mut it = Schedule::default();
    it.does(observe(1, &[("a", Reach::Up)]));
    it.does(register("a", "d1", &["w"]));
    it.does(target("w", 4));
    it.does(observe(2, &[("a", Reach::Up), ("b", Reach::Up)]));
    it.does(register("b", "d1", &["w"]));
    assert_eq!(it.on("b"), [0; 0]);
    let (revision, moves) = it.moves();
    assert_eq!(moves.len(), 2);
    let moved = it.decide(Command::Rebalance { expected: Some(revision + 1), at: AT });
    assert_eq!(moved, Err(Rejection::Moved { expected: revision + 1, revision }));
    it.does(Command::Rebalance { expected: Some(revision), at: AT });
    assert_eq!([it.on("a"), it.on("b")], [[1, 2], [5, 6]]);
    assert_eq!(it.does(Command::Rebalance { expected: None, at: AT }), []);
}

#[test]
fn an_order_grows_in_revision_when_it_changes_and_only_then() {
    let revisions = |it: &Schedule| -> BTreeMap<String, u64> {
        let orders = it.outstanding().into_iter().map(|Effect::Order(it)| it);
        orders.map(|it| (it.node.name.to_string(), it.revision)).collect()
    };
    let mut it = three();
    it.does(target("w", 3));
    let before = revisions(&it);
    it.does(target("w", 4));
    let after = revisions(&it);
    let grown: Vec<_> = after.iter().filter(|it| before[it.0] < *it.1).map(|it| it.0).collect();
    assert_eq!(grown, ["a"]);
}

#[test]
fn what_a_deployment_says_of_the_schedule_leaves_what_it_does_not_say() {
    let mut it = three();
    it.does(target("w", 4));
    let patch = |text: &str| -> SettingsPatch { serde_json::from_str(text).unwrap() };
    let apply = |text: &str| {
        let patches = BTreeMap::from([(workflow("w"), patch(text))]);
        Command::Apply { patches, activation: None, at: AT }
    };
    assert_eq!(it.does(apply(r#"{"target": null}"#)), []);
    it.does(apply(r#"{"weight": 5, "default": {"max": 1}}"#));
    let (settings, revision) = it.settings(&workflow("w"));
    assert_eq!((settings.target, settings.weight.get(), revision), (Some(4), 5, 2));
    assert_eq!([it.on("a").len(), it.on("b").len(), it.on("c").len()], [1, 1, 1]);
    let refused = it.decide(apply(r#"{"default": {"min": 2}}"#));
    assert!(matches!(refused, Err(Rejection::Limit { .. })), "{refused:?}");
}

#[test]
fn another_deployment_keeps_what_it_contains_and_stops_the_rest() {
    let mut it = three();
    it.does(target("w", 3));
    it.does(target("v", 3));
    it.does(register("a", "d2", &["w"]));
    assert_eq!(it.on("a").len(), 1);
    for node in ["b", "c"] {
        it.does(register(node, "d2", &["w"]));
    }
    assert_eq!([it.on("b").len(), it.on("c").len()], [1, 1]);
    assert_eq!(it.landscape().deployments.len(), 1, "what nobody has is forgotten");
}

#[test]
fn events_have_a_bound() {
    let mut it = three();
    let events = it.does(target("w", 2_500));
    let starts = |it: &Event| match it {
        Event::Assigned { starts, .. } => Some(starts.len()),
        _ => None,
    };
    let sizes: Vec<usize> = events.iter().filter_map(starts).collect();
    assert_eq!(sizes, [1_000, 1_000, 500]);
}

/// Written by the first version that had a schedule: they must be readable for ever.
#[test]
fn events_of_the_first_version_still_read() {
    let golden = include_str!("../../../../schemas/events/schedule.event.v1.json");
    let events: Vec<Event> = serde_json::from_str(golden).expect("the golden events read");
    let mut it = Schedule::default();
    events.iter().for_each(|event| it.apply(event));
    assert_eq!(it.on("a"), [2]);
    let written: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_value(&events).unwrap(), written);
}

#[test]
fn changes_are_made_together_or_not_at_all() {
    let mut schedule = Schedule::default();
    schedule.does(observe(1, &[("a", Reach::Up), ("b", Reach::Up)]));
    schedule.does(register("a", "d", &["w", "v"]));
    schedule.does(register("b", "d", &["w", "v"]));
    let together = |steps: Vec<Command>, expected| Command::Together { steps, expected, at: AT };
    let unknown = together(vec![target("w", 2), target("x", 1)], None);
    assert_eq!(schedule.decide(unknown).unwrap_err(), Rejection::UnknownWorkflow(workflow("x")));

    let node = NodeName::new("a").unwrap();
    let steps = vec![target("w", 2), target("v", 1), Command::Drain { node, at: AT }];
    let draft = together(steps.clone(), Some(0));
    let preview = schedule.preview(draft.clone()).unwrap();
    schedule.does(draft);
    assert_eq!((schedule.on("a").len(), schedule.on("b").len()), (0, 3));
    assert_eq!(preview.starts.len(), 3);
    // Its plan was for other assignments.
    let revision = schedule.revision();
    let stale = schedule.decide(together(steps, Some(0))).unwrap_err();
    assert_eq!(stale, Rejection::Moved { expected: 0, revision });
}

#[test]
fn what_a_deployment_says_is_applied_once_for_each_of_its_activations() {
    let mut schedule = Schedule::default();
    schedule.does(observe(1, &[("a", Reach::Up)]));
    schedule.does(register("a", "d", &["w"]));
    let apply = |target, activation| {
        let patch = SettingsPatch { target: Some(target), ..SettingsPatch::default() };
        let patches = BTreeMap::from([(workflow("w"), patch)]);
        Command::Apply { patches, activation: Some(activation), at: AT }
    };
    schedule.does(apply(2, 5));
    schedule.does(target("w", 3));
    assert_eq!(schedule.does(apply(2, 5)), [], "asked again, after an operator set another");
    assert_eq!(schedule.does(apply(2, 4)), [], "of an earlier one");
    assert_eq!(schedule.on("a").len(), 3);
    schedule.does(apply(1, 6));
    assert_eq!(schedule.on("a").len(), 1);
}

#[test]
fn nodes_that_register_together_share_what_is_new() {
    let mut schedule = Schedule::default();
    schedule.does(observe(1, &[("a", Reach::Up), ("b", Reach::Up)]));
    let registration = |name| {
        let says = DeployedWorkflow { instances: 4, ..DeployedWorkflow::default() };
        let deployed = Deployed { workflows: [(workflow("w"), says)].into() };
        Registration { node: node(name, 1), deployment: "d".into(), deployed, at: AT }
    };
    let stranger = registration("c");
    schedule.does(Command::RegisterAll(vec![registration("a"), stranger, registration("b")]));
    assert_eq!((schedule.on("a").len(), schedule.on("b").len()), (2, 2));
}
