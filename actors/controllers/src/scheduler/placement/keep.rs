//! What may not stay where it is (P1).

use weir_domain::schedule::{Reach, StopCause};

use super::board::{Board, Fit};

/// Stops what is not wanted any more, may not run where it runs, or is more than a limit allows.
pub(super) fn release(board: &mut Board<'_>, row: usize) {
    let seats: Vec<usize> = board.rows[row].held.keys().copied().collect();
    for seat in seats {
        if let Some(cause) = may_not_stay(board, row, seat) {
            board.stop_all(row, seat, cause);
        }
        let max = board.bounds(row, seat).max;
        for _ in max..board.rows[row].count(seat) {
            board.stop(row, seat, StopCause::Max);
        }
    }
}

fn may_not_stay(board: &Board<'_>, row: usize, seat: usize) -> Option<StopCause> {
    if board.rows[row].target == 0 {
        return Some(StopCause::NoTarget);
    }
    match (board.seats[seat].reach, board.fit(row, seat)) {
        (Reach::Unreachable, _) | (Reach::Up, Fit::Fits | Fit::Unknown) => None,
        (Reach::Draining, _) => Some(StopCause::Draining),
        (Reach::Up, Fit::NotDeployed) => Some(StopCause::NotDeployed),
        (Reach::Up, Fit::Roles) => Some(StopCause::Roles),
    }
}
