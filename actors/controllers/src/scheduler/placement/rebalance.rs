//! Moves that even out the loads. Never done unasked: each move stops an instance that works.
//!
//! Invariants:
//! - every move lowers the sum of the squared loads, so that there is an end;
//! - no limit, minimum or requirement is broken by a move, and no instance moves twice.

use std::cmp::Reverse;

use weir_domain::schedule::{InstanceNumber, Move, Reach};

use super::Situation;
use super::board::Board;

/// A move that is possible: what the larger of both loads would be, which workflow, to which node.
type Candidate = (u64, usize, usize);

/// The moves, in order. What must move anyway is `place`'s, which comes first.
pub fn rebalance(situation: &Situation<'_>) -> Vec<Move> {
    let mut board = Board::new(situation);
    let mut moves = Vec::new();
    while let Some(next) = next_move(&mut board) {
        moves.push(next);
    }
    moves
}

/// The best move away from the most loaded node that has one.
fn next_move(board: &mut Board<'_>) -> Option<Move> {
    let mut seats: Vec<usize> =
        (0..board.seats.len()).filter(|it| board.seats[*it].reach == Reach::Up).collect();
    seats.sort_by_key(|it| (Reverse(board.seats[*it].load), *it));
    for from in seats {
        let rows = 0..board.rows.len();
        let best = rows.filter_map(|row| candidate(board, row, from)).min();
        if let Some((_, row, to)) = best {
            return carry_out(board, row, from, to);
        }
    }
    None
}

fn candidate(board: &Board<'_>, row: usize, from: usize) -> Option<Candidate> {
    let line = &board.rows[row];
    let youngest = line.held.get(&from)?.last()?;
    if is_moved(*youngest) || board.bounds(row, from).spare(line.count(from)) == 0 {
        return None;
    }
    let (load, weight) = (board.seats[from].load, line.weight);
    let counts = board.counts(row);
    let allowed = (0..board.seats.len())
        .filter(|to| *to != from && board.bar(row, *to, counts[*to], 1).is_none());
    let (to_load, _, to) = allowed.map(|to| board.rank(row, to)).min()?;
    (to_load + weight < load).then(|| ((load - weight).max(to_load + weight), row, to))
}

/// Stands for an instance that was moved: it will have a number that is not known yet.
const MOVED: InstanceNumber = InstanceNumber(u64::MAX);

fn is_moved(number: InstanceNumber) -> bool {
    number == MOVED
}

fn carry_out(board: &mut Board<'_>, row: usize, from: usize, to: usize) -> Option<Move> {
    let (from_load, to_load) = (board.seats[from].load, board.seats[to].load);
    let number = board.take(row, from)?;
    board.put(row, to, MOVED);
    let incarnation = |seat: usize| board.seats[seat].node.node.clone();
    let workflow = board.rows[row].name.clone();
    let (from, to) = (incarnation(from), incarnation(to));
    Some(Move { workflow, number, from, from_load, to, to_load })
}
