//! What goes wrong with requests to an S3 server, between the client and the server.
//!
//! Chosen ones are counted; those of a disturbance are drawn from its seed, one for each request.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// What is done to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Answered with 503, and not done.
    Refused,
    /// Done, and answered with 500.
    Unanswered,
    /// Done, and the connection is closed without an answer.
    Dropped,
    /// Done, and only half of what was asked for comes back: of a list as if it were all, of an object
    /// before the connection breaks.
    Torn,
    /// Done later.
    Slow(Duration),
    /// A creation that somebody else is said to be doing: answered with 409, and not done.
    Conflict,
}

/// What goes wrong with the next requests.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) refused: AtomicU32,
    pub(super) unanswered: AtomicU32,
    /// Of a thousand requests, so many are disturbed.
    permille: AtomicU32,
    state: AtomicU64,
    met: AtomicU32,
}

impl Faults {
    pub(super) fn disturb(&self, seed: u64, permille: u32) {
        self.state.store(seed, Ordering::SeqCst);
        self.permille.store(permille, Ordering::SeqCst);
    }

    /// How many requests were disturbed so far.
    pub(super) fn met(&self) -> u32 {
        self.met.load(Ordering::SeqCst)
    }

    /// What becomes of the next request.
    pub(super) fn next(&self, is_read: bool, is_creation: bool) -> Option<Fault> {
        if strikes(&self.refused) {
            return Some(Fault::Refused);
        }
        let permille = u64::from(self.permille.load(Ordering::SeqCst));
        if permille == 0 || self.draw() % 1_000 >= permille {
            return None;
        }
        self.met.fetch_add(1, Ordering::SeqCst);
        Some(match self.draw() % 6 {
            0 | 1 => Fault::Refused,
            2 => Fault::Unanswered,
            3 => Fault::Dropped,
            4 if is_read => Fault::Torn,
            4 if is_creation => Fault::Conflict,
            _ => Fault::Slow(Duration::from_millis(self.draw() % 250)),
        })
    }

    pub(super) fn leaves_unanswered(&self) -> bool {
        strikes(&self.unanswered)
    }

    /// The next number of a sequence that its seed decides.
    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.state.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn strikes(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
}
