//! How things stand once the placement is carried out: counts, shortfall with its reasons, warnings.

use std::collections::BTreeMap;

use weir_domain::NodeName;
use weir_domain::schedule::{Outcome, Placement, Reason, Warning};

use super::board::{Bar, Board, count};

pub(super) fn report(board: Board<'_>) -> Placement {
    let mut warnings = Vec::new();
    let mut workflows = BTreeMap::new();
    for row in 0..board.rows.len() {
        let outcome = outcome(&board, row);
        warn(&board, row, &outcome, &mut warnings);
        workflows.insert(board.rows[row].name.clone(), outcome);
    }
    let loads = board.seats.iter().map(|it| (it.node.node.name.clone(), it.load)).collect();
    Placement { starts: board.starts, stops: board.stops, workflows, loads, warnings }
}

fn outcome(board: &Board<'_>, row: usize) -> Outcome {
    let line = &board.rows[row];
    let held = line.held.iter();
    let nodes = held.map(|(seat, held)| (name(board, *seat), count(held))).collect();
    let missing = line.missing();
    let reasons = if missing > 0 { reasons(board, row) } else { BTreeMap::new() };
    Outcome { target: line.target, nodes, missing, reasons }
}

fn name(board: &Board<'_>, seat: usize) -> NodeName {
    board.seats[seat].node.node.name.clone()
}

fn reasons(board: &Board<'_>, row: usize) -> BTreeMap<Reason, u32> {
    if board.seats.is_empty() {
        return BTreeMap::from([(Reason::NoNodes, 0)]);
    }
    let wanted = board.rows[row].missing();
    let mut bars: BTreeMap<Bar<'_>, u32> = BTreeMap::new();
    for (seat, count) in board.counts(row).into_iter().enumerate() {
        if let Some(bar) = board.bar(row, seat, count, wanted) {
            *bars.entry(bar).or_default() += 1;
        }
    }
    bars.into_iter().map(|(bar, nodes)| (bar.reason(), nodes)).collect()
}

impl Bar<'_> {
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Unreachable => Reason::Unreachable,
            Self::Draining => Reason::Draining,
            Self::NotDeployed => Reason::NotDeployed,
            Self::Roles => Reason::Roles,
            Self::Max(by) => Reason::Max(by.scope()),
            Self::DefaultMinimum => Reason::DefaultMinimum,
        }
    }
}

fn warn(board: &Board<'_>, row: usize, outcome: &Outcome, warnings: &mut Vec<Warning>) {
    let line = &board.rows[row];
    let Outcome { target, missing, .. } = *outcome;
    if line.surplus() > 0 {
        let (workflow, placed) = (line.name.clone(), line.total);
        warnings.push(Warning::AboveTarget { workflow, target, placed });
    }
    if missing > 0 {
        warnings.push(Warning::Missing { workflow: line.name.clone(), missing });
    }
    if target == 0 {
        return;
    }
    for ((min, max), (nodes, first)) in contradictions(board, row) {
        let (workflow, node) = (line.name.clone(), name(board, first));
        warnings.push(Warning::MinAboveMax { workflow, node, nodes, min, max });
    }
}

/// Minimums above maximums: on how many nodes, and the first of those.
fn contradictions(board: &Board<'_>, row: usize) -> BTreeMap<(u32, u32), (u32, usize)> {
    let mut found: BTreeMap<(u32, u32), (u32, usize)> = BTreeMap::new();
    let mut add = |seat: usize, bounds: (u32, u32)| {
        let (nodes, first) = found.entry(bounds).or_insert((0, seat));
        *nodes += 1;
        *first = seat.min(*first);
    };
    for (class, bounds) in board.class_bounds(row).filter(|it| it.1.min_asked > it.1.max) {
        let seats = board.classes[class].iter().filter(|it| !board.has_own_bounds(row, **it));
        seats.for_each(|seat| add(*seat, (bounds.min_asked, bounds.max)));
    }
    for (seat, bounds) in board.own_bounds(row).filter(|it| it.1.min_asked > it.1.max) {
        add(seat, (bounds.min_asked, bounds.max));
    }
    found
}
