//! The worked examples of the product that these rules were read from.

use super::*;

fn twelve_on_six() -> Lab {
    let mut lab = Lab::of(6);
    let settings = lab.want("w", 12);
    settings.set_limit(Scope::Node(node_name("n1")), limit(None, Some(1)));
    settings.set_limit(Scope::Node(node_name("n2")), limit(Some(3), None));
    lab
}

#[test]
fn t1_twelve_on_six_with_a_maximum_and_a_minimum() {
    let mut lab = twelve_on_six();
    let placement = lab.place();
    assert_eq!(lab.counts("w"), [1, 3, 2, 2, 2, 2]);
    assert_eq!(missing(&placement, "w"), 0);
    lab.want("w", 0);
    lab.place();
    assert_eq!(lab.counts("w"), [0; 6]);
}

#[test]
fn t1c_twelve_on_six_without_limits() {
    let mut lab = Lab::of(6);
    lab.want("w", 12);
    lab.place();
    assert_eq!(lab.counts("w"), [2; 6]);
}

#[test]
fn t1e_the_instances_of_a_dead_node_restart_elsewhere_and_nothing_else_moves() {
    let mut lab = twelve_on_six();
    lab.place();
    lab.lose("n3");
    let placement = lab.place();
    assert_eq!(lab.counts("w")[..2], [1, 3]);
    assert_eq!(sorted(lab.counts("w")[2..].to_vec()), [2, 3, 3]);
    assert_eq!(placement.starts.len(), 2);
    assert!(placement.stops.iter().all(|it| it.cause == StopCause::Lost), "{placement:?}");
}

fn weights(nodes: usize) -> Lab {
    let mut lab = Lab::of(nodes);
    lab.want("a", 5).weight = Weight::new(50).unwrap();
    lab.want("b", 1).weight = Weight::new(100).unwrap();
    lab
}

#[test]
fn t2_weights_decide_where_the_next_one_goes() {
    let mut lab = weights(2);
    let placement = lab.place();
    assert_eq!(loads(&placement), [200, 150]);
    assert_eq!(lab.counts("b"), [1, 0]);
    assert_eq!(lab.counts("a"), [2, 3]);
}

#[test]
fn t2b_the_seventh_instance_goes_to_the_lighter_node() {
    let mut lab = weights(2);
    lab.place();
    lab.want("a", 6);
    let placement = lab.place();
    assert_eq!(started_on(&placement), ["n2"]);
    assert_eq!(loads(&placement), [200, 200]);
}

#[test]
fn t2d_weights_change_nothing_on_one_node() {
    let mut lab = weights(1);
    assert_eq!(loads(&lab.place()), [350]);
}

#[test]
fn t3_a_raised_target_leaves_what_runs() {
    let mut lab = Lab::of(5);
    lab.want("w", 10);
    lab.place();
    assert_eq!(lab.counts("w"), [2; 5]);
    let before = lab.current.clone();
    lab.want("w", 12);
    let placement = lab.place();
    assert_eq!(sorted(lab.counts("w")), [2, 2, 2, 3, 3]);
    assert_eq!(placement.stops, []);
    let kept = &lab.current.workflows["w"].instances;
    assert!(before.workflows["w"].instances.iter().all(|it| kept.get(it.0) == Some(it.1)));
}

#[test]
fn t4_limits_are_per_node_and_not_for_the_cluster() {
    let placed = |nodes| {
        let mut lab = Lab::of(nodes);
        lab.want("w", 5).default = limit(Some(1), Some(2));
        let placement = lab.place();
        (sorted(lab.counts("w")), missing(&placement, "w"))
    };
    assert_eq!(placed(2), (vec![2, 2], 1));
    assert_eq!(placed(3), (vec![1, 2, 2], 0));
    assert_eq!(placed(5), (vec![1; 5], 0));
    assert_eq!(placed(6), (vec![0, 1, 1, 1, 1, 1], 0));
}

#[test]
fn t5_a_shortfall_is_shown_and_met_by_a_node_that_joins() {
    let mut lab = Lab::of(3);
    lab.want("w", 6).default = limit(Some(1), Some(1));
    let placement = lab.place();
    assert_eq!((lab.counts("w"), missing(&placement, "w")), (vec![1; 3], 3));
    lab.join("n4");
    let placement = lab.place();
    assert_eq!((lab.counts("w"), missing(&placement, "w")), (vec![1; 4], 2));
    assert_eq!((placement.starts.len(), placement.stops.len()), (1, 0));
}

#[test]
fn t7_many_workflows_on_three_nodes_are_even_also_after_a_loss() {
    let mut lab = Lab::of(3);
    for n in 0..18 {
        lab.want(&format!("w{n}"), if n < 4 { 2 } else { 1 });
    }
    lab.want("light", 1).weight = Weight::new(60).unwrap();
    let spread = |placement: &Placement| {
        let loads = loads(placement);
        loads.iter().max().unwrap() - loads.iter().min().unwrap()
    };
    let placement = lab.place();
    assert_eq!(placement.starts.len(), 23);
    assert_eq!(loads(&placement).into_iter().sum::<u64>(), 2_260);
    assert!(spread(&placement) <= 100, "{:?}", placement.loads);
    lab.lose("n2");
    assert!(spread(&lab.place()) <= 100);
}

#[test]
fn t8_without_a_deployment_nothing_runs_and_the_reason_is_shown() {
    let mut lab = Lab::of(2);
    lab.want("w", 3);
    lab.landscape.deployments.insert(DEPLOYED.to_owned(), Deployed::default());
    let placement = lab.place();
    assert_eq!(placement.starts, []);
    assert_eq!(missing(&placement, "w"), 3);
    assert_eq!(reasons(&placement, "w"), [("not-deployed".to_owned(), 2)]);
}
