//! What starts: explicit minimums, then what is missing on the least loaded node (P3, P6).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use weir_domain::schedule::{Comparison, Why};

use super::board::{Board, Rank};
use super::bounds::Bounds;

/// Fills each node that must have a number of instances.
pub(super) fn fill_minimums(board: &mut Board<'_>, row: usize) {
    if board.rows[row].target == 0 {
        return;
    }
    for (seat, bounds) in with_minimum(board, row) {
        fill(board, row, seat, bounds);
    }
}

/// Instances that nodes must have.
pub(super) fn minimums(board: &Board<'_>, row: usize) -> u64 {
    with_minimum(board, row).iter().map(|it| u64::from(it.1.explicit_min())).sum()
}

/// The nodes that must have a number of instances, by name.
fn with_minimum<'a>(board: &Board<'a>, row: usize) -> Vec<(usize, Bounds<'a>)> {
    let classes = board.class_bounds(row).filter(|it| it.1.explicit_min() > 0);
    let of_classes = classes.flat_map(|(class, bounds)| {
        let seats = board.classes[class].iter().filter(|it| !board.has_own_bounds(row, **it));
        seats.map(move |seat| (*seat, bounds))
    });
    let own = board.own_bounds(row).filter(|it| it.1.explicit_min() > 0);
    let mut seats: Vec<_> = of_classes.chain(own).collect();
    seats.sort_by_key(|it| it.0);
    seats
}

fn fill(board: &mut Board<'_>, row: usize, seat: usize, bounds: Bounds<'_>) {
    if !board.is_open(row, seat) {
        return;
    }
    let min = bounds.explicit_min();
    for _ in board.rows[row].count(seat)..min {
        board.start(row, seat, Why::Minimum { scope: bounds.min_by.scope(), min });
    }
}

/// Starts what is missing, one after the other, each where the load is least.
pub(super) fn start_missing(board: &mut Board<'_>, row: usize) {
    if board.rows[row].missing() == 0 {
        return;
    }
    let mut queue = Queue::new(board, row);
    while let Some((_, count, seat)) = queue.pop(board, row) {
        let load = board.seats[seat].load;
        let next = queue.peek(board, row);
        let name = |seat: usize| board.seats[seat].node.node.name.clone();
        let next_load = next.map_or(0, |it| it.0);
        let next = next.map(|it| name(it.2));
        board.start(row, seat, Why::LeastLoad(Comparison { load, count, next, next_load }));
        let min = board.bounds(row, seat).opening();
        for _ in board.rows[row].count(seat)..min {
            board.start(row, seat, Why::DefaultMinimum { min });
        }
        queue.push(board.rank(row, seat));
    }
}

/// Nodes that may take more, the least loaded first.
struct Queue(BinaryHeap<Reverse<Rank>>);

impl Queue {
    fn new(board: &Board<'_>, row: usize) -> Self {
        let (counts, wanted) = (board.counts(row), board.rows[row].missing());
        let seats = counts.into_iter().enumerate();
        let open = seats.filter(|(seat, count)| board.bar(row, *seat, *count, wanted).is_none());
        let ranks = open.map(|(seat, count)| Reverse((board.seats[seat].load, count, seat)));
        Self(ranks.collect())
    }

    /// The best one, as long as something is missing.
    fn peek(&mut self, board: &Board<'_>, row: usize) -> Option<Rank> {
        let wanted = board.rows[row].missing();
        // What does not take one more now never will: ever fewer are missing.
        while let Some(&Reverse(rank)) = self.0.peek() {
            if wanted > 0 && board.bar(row, rank.2, rank.1, wanted).is_none() {
                return Some(rank);
            }
            self.0.pop();
        }
        None
    }

    fn pop(&mut self, board: &Board<'_>, row: usize) -> Option<Rank> {
        let best = self.peek(board, row);
        self.0.pop();
        best
    }

    fn push(&mut self, rank: Rank) {
        self.0.push(Reverse(rank));
    }
}
