//! One test for each rule.

use weir_domain::schedule::{Comparison, Verdict, Warning, Why};

use super::*;

fn node_rule(name: &str) -> Scope {
    Scope::Node(node_name(name))
}

fn role(name: &str) -> Scope {
    Scope::Role(name.to_owned())
}

fn needs(role: &str) -> DeployedWorkflow {
    DeployedWorkflow { roles: BTreeSet::from([role.to_owned()]), ..DeployedWorkflow::default() }
}

#[test]
fn an_unreachable_node_keeps_its_instances_in_the_count_and_gets_no_new_ones() {
    let mut lab = Lab::of(2);
    lab.want("w", 4);
    lab.place();
    lab.node("n1").reach = Reach::Unreachable;
    assert_eq!(lab.place().starts, []);
    assert_eq!(lab.counts("w"), [2, 2]);
    lab.want("w", 6);
    assert_eq!(started_on(&lab.place()), ["n2", "n2"]);
}

#[test]
fn a_node_that_was_removed_is_lost_and_so_is_one_that_came_back_as_another() {
    let mut lab = Lab::of(2);
    lab.want("w", 4);
    lab.place();
    lab.join("n1");
    let placement = lab.place();
    let lost = |it: &str| (it.to_owned(), StopCause::Lost);
    assert_eq!(stopped(&placement), [lost("w/1@n1"), lost("w/3@n1")]);
    assert_eq!(started_on(&placement), ["n1", "n1"]);
    lab.lose("n1");
    lab.place();
    assert_eq!(lab.counts("w"), [4]);
}

#[test]
fn a_draining_node_is_emptied_where_limits_allow_and_filled_after() {
    let mut lab = Lab::of(3);
    lab.want("w", 6).default = limit(None, Some(2));
    lab.place();
    lab.node("n3").reach = Reach::Draining;
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [2, 2, 0]);
    assert!(placement.stops.iter().all(|it| it.cause == StopCause::Draining));
    let expected = [("max:default".to_owned(), 2), ("draining".to_owned(), 1)];
    assert_eq!(reasons(&placement, "w"), expected);
    lab.node("n3").reach = Reach::Up;
    lab.place();
    assert_eq!(lab.counts("w"), [2, 2, 2]);
}

#[test]
fn a_node_must_have_the_roles_that_the_workflow_needs() {
    let mut lab = Lab::of(3);
    lab.give_role("big", &["n1", "n2"]);
    lab.want("w", 4);
    lab.place();
    let deployed = lab.landscape.deployments.get_mut(DEPLOYED).unwrap();
    deployed.workflows.insert(workflow("w"), needs("big"));
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [2, 2, 0]);
    assert_eq!(stopped(&placement), [("w/3@n3".to_owned(), StopCause::Roles)]);
}

#[test]
fn a_node_that_has_not_said_what_it_has_deployed_keeps_what_it_runs() {
    let mut lab = Lab::of(2);
    lab.want("w", 4);
    lab.place();
    lab.node("n1").deployment = None;
    lab.node("n2").deployment = Some("not read yet".to_owned());
    let placement = lab.place();
    assert_eq!((placement.starts.len(), placement.stops.len()), (0, 0));
    lab.want("w", 5);
    assert_eq!(reasons(&lab.place(), "w"), [("not-deployed".to_owned(), 2)]);
}

#[test]
fn a_workflow_that_is_not_deployed_any_more_stops() {
    let mut lab = Lab::of(1);
    lab.want("w", 1);
    lab.place();
    lab.landscape.deployments.insert(DEPLOYED.to_owned(), Deployed::default());
    assert_eq!(stopped(&lab.place()), [("w/1@n1".to_owned(), StopCause::NotDeployed)]);
}

#[test]
fn minimum_and_maximum_are_looked_up_apart_and_the_narrower_scope_hides_the_wider() {
    let mut lab = Lab::of(3);
    lab.give_role("big", &["n1", "n2"]);
    let settings = lab.want("w", 9);
    settings.default = limit(None, Some(1));
    settings.set_limit(role("big"), limit(Some(2), Some(3)));
    // Its own maximum; the minimum is the role's.
    settings.set_limit(node_rule("n1"), limit(None, Some(5)));
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [5, 3, 1]);
    assert_eq!(missing(&placement, "w"), 0);
    let minimum = Why::Minimum { scope: role("big"), min: 2 };
    assert_eq!(placement.starts.iter().filter(|it| it.why == minimum).count(), 4);
}

#[test]
fn of_several_roles_the_smallest_maximum_and_the_largest_minimum_hold() {
    let mut lab = Lab::of(1);
    lab.give_role("a", &["n1"]);
    lab.give_role("b", &["n1"]);
    let settings = lab.want("w", 9);
    settings.set_limit(role("a"), limit(Some(1), Some(4)));
    settings.set_limit(role("b"), limit(Some(2), Some(6)));
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [4]);
    assert_eq!(reasons(&placement, "w"), [("max:role:a".to_owned(), 1)]);
    assert_eq!(placement.starts[0].why, Why::Minimum { scope: role("b"), min: 2 });
}

#[test]
fn a_limit_of_a_role_counts_on_each_node_and_not_for_their_sum() {
    let mut lab = Lab::of(3);
    lab.give_role("big", &["n1", "n2", "n3"]);
    lab.want("w", 6).set_limit(role("big"), limit(None, Some(2)));
    lab.place();
    assert_eq!(lab.counts("w"), [2, 2, 2]);
}

#[test]
fn unlimited_and_zero_are_rules_that_hide_wider_ones() {
    let mut lab = Lab::of(2);
    let settings = lab.want("w", 4);
    settings.default = limit(Some(2), Some(2));
    let own = Limit::new(Some(0), Some(Max::Unlimited)).unwrap();
    settings.set_limit(node_rule("n1"), own);
    settings.set_limit(node_rule("n2"), limit(None, Some(0)));
    lab.place();
    assert_eq!(lab.counts("w"), [4, 0]);
    lab.want("w", 1);
    lab.place();
    assert_eq!(lab.counts("w"), [1, 0], "the default minimum of 2 is hidden");
}

#[test]
fn the_maximum_holds_against_a_minimum_of_another_rule_with_a_warning() {
    let mut lab = Lab::of(2);
    lab.give_role("big", &["n1", "n2"]);
    let settings = lab.want("w", 5);
    settings.set_limit(role("big"), limit(Some(3), None));
    settings.set_limit(node_rule("n1"), limit(None, Some(1)));
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [1, 4]);
    let (workflow, node) = (workflow("w"), node_name("n1"));
    let warning = Warning::MinAboveMax { workflow, node, nodes: 1, min: 3, max: 1 };
    assert_eq!(placement.warnings, [warning]);
}

#[test]
fn explicit_minimums_of_all_workflows_come_before_any_free_instance() {
    let mut lab = Lab::of(2);
    lab.want("heavy", 1).weight = Weight::new(1_000).unwrap();
    lab.want("light", 1).set_limit(node_rule("n1"), limit(Some(1), None));
    lab.place();
    assert_eq!(lab.counts("light"), [1, 0]);
    assert_eq!(lab.counts("heavy"), [0, 1], "n1 had a load when it was placed");
}

#[test]
fn a_default_minimum_forces_nobody_and_opening_a_node_places_all_of_it_at_once() {
    let mut lab = Lab::of(3);
    lab.want("w", 5).default = limit(Some(2), None);
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [3, 2, 0], "one is too few to open a third");
    let opened = &placement.starts[1];
    assert_eq!((opened.node.name.as_str(), &opened.why), ("n1", &Why::DefaultMinimum { min: 2 }));
    let mut full = Lab::of(3);
    full.want("w", 5).default = limit(Some(2), Some(2));
    let placement = full.place();
    let expected = [("max:default".to_owned(), 2), ("default-min".to_owned(), 1)];
    assert_eq!(sorted_reasons(&placement), expected.into_iter().collect());
}

fn sorted_reasons(placement: &Placement) -> BTreeMap<String, u32> {
    reasons(placement, "w").into_iter().collect()
}

#[test]
fn a_default_minimum_that_is_raised_moves_as_few_as_it_can() {
    let mut lab = Lab::of(5);
    lab.want("w", 5);
    lab.place();
    lab.want("w", 5).default = limit(Some(2), None);
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [3, 2, 0, 0, 0]);
    assert_eq!((placement.starts.len(), placement.stops.len()), (3, 3));
    assert_eq!((lab.numbers("w", "n1")[0], lab.numbers("w", "n2")[0]), (1, 2));
}

#[test]
fn a_node_below_a_new_default_minimum_is_filled_from_those_that_can_spare() {
    let mut lab = Lab::of(2);
    lab.want("w", 4).set_limit(node_rule("n2"), limit(None, Some(1)));
    lab.place();
    assert_eq!(lab.counts("w"), [3, 1]);
    let settings = lab.want("w", 4);
    settings.default = limit(Some(2), Some(3));
    settings.set_limit(node_rule("n2"), Limit::default());
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [2, 2]);
    assert_eq!(missing(&placement, "w"), 0);
}

#[test]
fn a_node_with_a_minimum_that_joins_is_filled_and_as_many_stop_elsewhere() {
    let mut lab = Lab::of(3);
    lab.want("w", 6).set_limit(node_rule("n4"), limit(Some(2), None));
    lab.want("other", 1).set_limit(node_rule("n2"), limit(Some(1), None));
    lab.place();
    assert_eq!(lab.counts("w"), [2, 2, 2]);
    lab.join("n4");
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [2, 1, 1, 2]);
    // n2 is the most loaded; then all are equal, and the last comes first.
    let surplus = |it: &str| (it.to_owned(), StopCause::Surplus);
    assert_eq!(stopped(&placement), [surplus("w/6@n2"), surplus("w/5@n3")]);
}

#[test]
fn the_same_happens_when_it_is_undrained_or_its_rule_is_new() {
    let mut lab = Lab::of(2);
    lab.want("w", 4).set_limit(node_rule("n2"), limit(Some(3), None));
    lab.node("n2").reach = Reach::Draining;
    lab.place();
    assert_eq!(lab.counts("w"), [4, 0]);
    lab.node("n2").reach = Reach::Up;
    lab.place();
    assert_eq!(lab.counts("w"), [1, 3]);
    lab.want("w", 4).set_limit(node_rule("n1"), limit(Some(2), None));
    lab.want("w", 4).set_limit(node_rule("n2"), Limit::default());
    lab.place();
    assert_eq!(lab.counts("w"), [2, 2]);
}

#[test]
fn ties_go_to_the_node_with_fewer_of_the_same_workflow_and_then_by_name() {
    let mut lab = Lab::of(3);
    // n1 has one w, n2 one of the same weight that is not w.
    lab.want("w", 1).set_limit(node_rule("n1"), limit(Some(1), None));
    lab.want("other", 1).set_limit(node_rule("n2"), limit(Some(1), None));
    lab.want("third", 1).set_limit(node_rule("n3"), limit(Some(1), None));
    lab.place();
    lab.want("w", 2);
    let placement = lab.place();
    assert_eq!(started_on(&placement), ["n2"]);
    let next = Some(node_name("n3"));
    let why = Comparison { load: 100, count: 0, next, next_load: 100 };
    assert_eq!(placement.starts[0].why, Why::LeastLoad(why));
}

#[test]
fn heavier_workflows_are_placed_first_and_equal_ones_by_name() {
    let mut lab = Lab::of(2);
    lab.want("a", 1).weight = Weight::new(10).unwrap();
    lab.want("c", 1).weight = Weight::new(50).unwrap();
    lab.want("b", 1).weight = Weight::new(50).unwrap();
    let order: Vec<_> = lab.place().starts.into_iter().map(|it| it.workflow.to_string()).collect();
    assert_eq!(order, ["b", "c", "a"]);
}

#[test]
fn a_lowered_target_stops_the_youngest_on_the_most_loaded_above_its_minimum() {
    let mut lab = Lab::of(3);
    lab.want("w", 7).set_limit(node_rule("n1"), limit(Some(3), None));
    lab.want("other", 1).set_limit(node_rule("n3"), limit(Some(1), None));
    lab.place();
    assert_eq!(lab.counts("w"), [3, 2, 2]);
    let youngest = *lab.numbers("w", "n3").last().unwrap();
    lab.want("w", 6);
    let placement = lab.place();
    assert_eq!(stopped(&placement), [(format!("w/{youngest}@n3"), StopCause::Surplus)]);
    assert_eq!(placement.starts, []);
}

#[test]
fn a_lowered_target_empties_a_node_only_where_the_default_minimum_leaves_no_other_way() {
    let mut lab = Lab::of(2);
    lab.want("w", 4).default = limit(Some(2), None);
    lab.place();
    assert_eq!(lab.counts("w"), [2, 2]);
    lab.want("w", 3);
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [3, 0]);
    assert_eq!((placement.starts.len(), placement.stops.len()), (1, 2));
}

#[test]
fn a_lowered_maximum_stops_the_youngest_and_starts_them_elsewhere() {
    let mut lab = Lab::of(2);
    lab.want("w", 4);
    lab.place();
    lab.want("w", 4).set_limit(node_rule("n1"), limit(None, Some(1)));
    let placement = lab.place();
    assert_eq!(stopped(&placement), [("w/3@n1".to_owned(), StopCause::Max)]);
    assert_eq!(started_on(&placement), ["n2"]);
}

#[test]
fn a_target_below_the_minimums_is_exceeded_with_a_warning() {
    let mut lab = Lab::of(2);
    let settings = lab.want("w", 3);
    settings.set_limit(node_rule("n1"), limit(Some(2), None));
    settings.set_limit(node_rule("n2"), limit(Some(2), None));
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [2, 2]);
    let warning = Warning::AboveTarget { workflow: workflow("w"), target: 3, placed: 4 };
    assert_eq!(placement.warnings, [warning]);
}

#[test]
fn a_target_of_zero_and_one_that_is_unset_stop_everything_minimums_or_not() {
    for target in [Some(0), None] {
        let mut lab = Lab::of(1);
        lab.want("w", 2).set_limit(node_rule("n1"), limit(Some(1), None));
        lab.place();
        lab.want("w", 0).target = target;
        let placement = lab.place();
        assert_eq!(lab.counts("w"), [0]);
        assert!(placement.stops.iter().all(|it| it.cause == StopCause::NoTarget));
        assert_eq!((missing(&placement, "w"), placement.warnings), (0, vec![]));
    }
}

#[test]
fn what_has_no_settings_any_more_stops() {
    let mut lab = Lab::of(1);
    lab.want("w", 1);
    lab.place();
    lab.settings.clear();
    assert_eq!(stopped(&lab.place()), [("w/1@n1".to_owned(), StopCause::NoTarget)]);
}

#[test]
fn numbers_are_never_given_twice() {
    let mut lab = Lab::of(1);
    lab.want("w", 2);
    lab.place();
    lab.want("w", 0);
    lab.place();
    lab.want("w", 1);
    lab.place();
    assert_eq!(lab.numbers("w", "n1"), [3]);
}

#[test]
fn every_reason_has_its_code() {
    let mut lab = Lab::of(7);
    for (name, role) in [("n2", "b"), ("n3", "a"), ("n3", "b"), ("n6", "b"), ("n7", "b")] {
        lab.give_role(role, &[name]);
    }
    for name in ["n1", "n4", "n5"] {
        lab.give_role("b", &[name]);
    }
    let settings = lab.want("w", 40);
    settings.default = limit(None, Some(2));
    settings.set_limit(node_rule("n2"), limit(None, Some(1)));
    settings.set_limit(role("a"), limit(None, Some(1)));
    let deployed = lab.landscape.deployments.get_mut(DEPLOYED).unwrap();
    deployed.workflows.insert(workflow("w"), needs("b"));
    lab.node("n4").reach = Reach::Draining;
    lab.node("n5").reach = Reach::Unreachable;
    lab.node("n6").deployment = None;
    lab.node("n7").roles.clear();
    let placement = lab.place();
    let codes: Vec<_> = reasons(&placement, "w").into_iter().map(|it| it.0).collect();
    let expected = [
        "max:node:n2",
        "max:role:a",
        "max:default",
        "draining",
        "unreachable",
        "roles",
        "not-deployed",
    ];
    assert_eq!(BTreeSet::from_iter(codes), expected.map(str::to_owned).into());
    let shown = |verdict| match verdict {
        Verdict::PassedOver(reason) => Reason::to_string(&reason),
        Verdict::Allowed { rank } => rank.to_string(),
    };
    let by_node: Vec<_> = lab.verdicts("w").into_iter().map(|it| shown(it.verdict)).collect();
    assert_eq!(by_node[..3], ["max:default", "max:node:n2", "max:role:a"]);
    assert_eq!(by_node[3..], ["draining", "unreachable", "not-deployed", "roles"]);
    lab.landscape.nodes.clear();
    assert_eq!(lab.place().workflows["w"].reasons.keys().collect::<Vec<_>>(), [&Reason::NoNodes]);
}

#[test]
fn nodes_that_are_allowed_are_ranked_by_what_would_decide() {
    let mut lab = Lab::of(3);
    lab.want("w", 2);
    lab.place();
    let ranks: Vec<_> = lab.verdicts("w").into_iter().map(|it| (it.load, it.verdict)).collect();
    let rank = |rank| Verdict::Allowed { rank };
    assert_eq!(ranks, [(100, rank(2)), (100, rank(3)), (0, rank(1))]);
}

#[test]
fn a_target_that_nobody_has_set_is_what_the_deployment_says_and_the_larger_one_of_two() {
    let says = |instances| DeployedWorkflow { instances, ..DeployedWorkflow::default() };
    let of = |instances| Deployed { workflows: [(workflow("w"), says(instances))].into() };
    let mut lab = Lab::of(2);
    lab.landscape.deployments.insert(DEPLOYED.to_owned(), of(2));
    lab.place();
    assert_eq!(lab.counts("w"), [1, 1]);

    lab.landscape.deployments.insert("next".to_owned(), of(4));
    lab.node("n2").deployment = Some("next".to_owned());
    assert_eq!(lab.place().workflows["w"].target, 4);
    assert_eq!(lab.counts("w"), [2, 2]);

    lab.want("w", 0);
    lab.place();
    assert_eq!(lab.counts("w"), [0, 0]);
}
