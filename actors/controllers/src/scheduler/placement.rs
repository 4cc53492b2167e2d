//! Placement: which node runs how many instances of which workflow. A pure function of what the
//! cluster offers, what people want, and what is assigned now.
//!
//! Rules, in the order in which they are applied:
//! - P1: what is assigned stays, unless its node is lost, draining, without the workflow or a role
//!   that it needs, or has more than a limit allows; or nothing is wanted. A node that is
//!   unreachable, or has not said what it has deployed, keeps what it has and gets nothing.
//! - P2: a limit is looked up for the least and the largest number apart: the node's rule, else the
//!   tightest one of its roles, else the default. The largest number is never exceeded; a least
//!   one above it counts as equal to it.
//! - P3: explicit minimums, of nodes and roles, of all workflows come before anything else that is
//!   started, and are held though the target is lower, unless that is 0.
//! - P4: a default minimum k binds the nodes that run the workflow: a node runs none or at least k.
//! - P5: what is above the target stops on the most loaded node above its minimum, youngest first.
//! - P6: what is missing starts on the least loaded node that is allowed; fewer instances of the
//!   same workflow decide between equal loads, then the name. Heavier workflows come first.
//!
//! Load is the summed weight of all that is assigned to a node and not being stopped.
//!
//! This does not know what instances do: one that has failed is assigned as much as one that works.
//! It does not improve what is good enough either: that is `rebalance`.

mod board;
mod bounds;
mod explain;
mod keep;
mod rebalance;
#[cfg(test)]
mod reference;
mod report;
mod settle;
mod spread;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::schedule::{Assignments, Landscape, Placement, Settings};
use weir_domain::{NodeName, WorkflowName};

use board::Board;
use bounds::Bounds;

pub use explain::explain;
pub use rebalance::rebalance;

/// What placement is a function of.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub landscape: &'a Landscape,
    pub settings: &'a BTreeMap<WorkflowName, Settings>,
    pub current: &'a Assignments,
}

/// What is to be changed. For a preview, give it the draft in the place of what holds.
pub fn place(situation: &Situation<'_>) -> Placement {
    let mut board = Board::new(situation);
    let rows = board.heaviest_first();
    rows.iter().for_each(|row| keep::release(&mut board, *row));
    rows.iter().for_each(|row| spread::fill_minimums(&mut board, *row));
    for row in &rows {
        settle::mend_default_minimum(&mut board, *row);
        settle::stop_surplus(&mut board, *row);
    }
    rows.iter().for_each(|row| spread::start_missing(&mut board, *row));
    report::report(board)
}

/// The most instances that a node with these roles may have.
pub(super) fn most(settings: &Settings, node: &NodeName, roles: &BTreeSet<String>) -> u32 {
    let own = settings.nodes.get_key_value(node).map(|(node, limit)| (node, *limit));
    Bounds::look_up(settings, roles, own).max
}

/// How many instances are wanted in all: targets, or minimums where those are more.
pub fn demand(situation: &Situation<'_>) -> u64 {
    let board = Board::new(situation);
    let of_row = |row: usize| {
        let target = u64::from(board.rows[row].target);
        if target == 0 { 0 } else { target.max(spread::minimums(&board, row)) }
    };
    (0..board.rows.len()).map(of_row).sum()
}
