//! What runs is brought to the target from above, and to the default minimum (P4, P5).

use std::collections::BinaryHeap;

use weir_domain::schedule::{StopCause, Why};

use super::board::{Board, Rank};

/// Nodes that run fewer than the default minimum are filled or emptied. Instances that others can
/// spare are stopped for that, so that a node is emptied only where the target has no room for it.
pub(super) fn mend_default_minimum(board: &mut Board<'_>, row: usize) {
    let mut short = short_seats(board, row);
    if short.is_empty() {
        return;
    }
    let held = board.rows[row].held.keys();
    let spare: u32 = held.map(|seat| spare(board, row, *seat)).sum();
    let room = board.rows[row].target.saturating_add(spare);
    // The fullest is filled first and the emptiest given up first: so the least has to move.
    while let Some(seat) = short.first().copied() {
        let min = board.bounds(row, seat).opening();
        let needed = min - board.rows[row].count(seat);
        if board.rows[row].total.saturating_add(needed) <= room {
            (0..needed).for_each(|_| board.start(row, seat, Why::DefaultMinimum { min }));
            short.remove(0);
        } else if let Some(seat) = short.pop() {
            board.stop_all(row, seat, StopCause::DefaultMinimum);
        }
    }
}

/// Those that may be filled, the fullest first; then by load and name.
fn short_seats(board: &Board<'_>, row: usize) -> Vec<usize> {
    let is_short = |seat: &usize| {
        let count = board.rows[row].count(*seat);
        board.is_open(row, *seat) && board.bounds(row, *seat).is_short(count)
    };
    let mut short: Vec<usize> = board.rows[row].held.keys().copied().filter(is_short).collect();
    short.sort_by_key(|seat| {
        let (load, count, seat) = board.rank(row, *seat);
        (std::cmp::Reverse(count), load, seat)
    });
    short
}

fn spare(board: &Board<'_>, row: usize, seat: usize) -> u32 {
    board.bounds(row, seat).spare(board.rows[row].count(seat))
}

/// Stops what is above the target: in the reverse of the order in which it would be placed.
pub(super) fn stop_surplus(board: &mut Board<'_>, row: usize) {
    if board.rows[row].surplus() == 0 {
        return;
    }
    let held = board.rows[row].held.keys();
    let can_spare = held.filter(|seat| spare(board, row, **seat) > 0);
    let mut heap: BinaryHeap<Rank> = can_spare.map(|seat| board.rank(row, *seat)).collect();
    while board.rows[row].surplus() > 0 {
        let Some((.., seat)) = heap.pop() else { break };
        board.stop(row, seat, StopCause::Surplus);
        if spare(board, row, seat) > 0 {
            heap.push(board.rank(row, seat));
        }
    }
    empty_surplus(board, row);
}

/// No node can spare a single one: nodes that have what the default minimum wants, and nothing but
/// that, are emptied. What is below the target then is started elsewhere.
fn empty_surplus(board: &mut Board<'_>, row: usize) {
    while board.rows[row].surplus() > 0 {
        let held = board.rows[row].held.keys();
        let is_free = |seat: &usize| board.bounds(row, *seat).explicit_min() == 0;
        let ranks = held.copied().filter(is_free).map(|seat| board.rank(row, seat));
        let Some((.., seat)) = ranks.max() else { break };
        board.stop_all(row, seat, StopCause::Surplus);
    }
}
