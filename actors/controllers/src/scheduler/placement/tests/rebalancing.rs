//! Rebalancing: evens out, breaks nothing, and has an end.

use super::super::rebalance;
use super::*;

fn crowded() -> Lab {
    let mut lab = Lab::of(1);
    lab.want("w", 6);
    lab.place();
    lab.join("n2");
    lab.join("n3");
    lab.place();
    lab
}

#[test]
fn nothing_moves_to_a_node_that_joins_until_it_is_asked_for() {
    let lab = crowded();
    assert_eq!(lab.counts("w"), [6, 0, 0]);
    let moves = rebalance(&lab.situation());
    assert_eq!(moves.len(), 4);
    assert_eq!((moves[0].from_load, moves[0].to_load, moves[0].number.0), (600, 0, 6));
    let to: Vec<_> = moves.iter().map(|it| it.to.name.as_str()).collect();
    assert_eq!(to, ["n2", "n3", "n2", "n3"]);
}

#[test]
fn a_move_breaks_no_limit_and_no_minimum() {
    let mut lab = crowded();
    let settings = lab.want("w", 6);
    settings.set_limit(Scope::Node(node_name("n1")), limit(Some(4), None));
    settings.set_limit(Scope::Node(node_name("n2")), limit(None, Some(1)));
    let moves = rebalance(&lab.situation());
    let to: Vec<_> = moves.iter().map(|it| it.to.name.as_str()).collect();
    assert_eq!(to, ["n2", "n3"]);
    lab.want("w", 6).default = limit(Some(2), None);
    lab.want("w", 6).nodes.clear();
    assert_eq!(rebalance(&lab.situation()), [], "a single one can't open a node");
}

#[test]
fn what_is_even_stays() {
    let mut lab = Lab::of(3);
    lab.want("w", 7);
    lab.place();
    assert_eq!(rebalance(&lab.situation()), []);
}
