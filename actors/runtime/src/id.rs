//! New ids, and the little randomness that a runtime needs (jitter). One source per system.
//!
//! Ids are version 7 UUIDs: they sort by time of creation, and ids of one source strictly so, even
//! within one millisecond and when the clock steps back.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::{Builder, Uuid};
use weir_domain::{
    ClaimId, Clock, ClusterId, CommandId, NodeUid, ReservationId, SessionId, StreamId, SweepId,
    TokenId,
};

/// The counter inside one millisecond has 12 bits.
const COUNTER_MAX: u16 = 0x0FFF;
/// It starts in the lowest quarter, so that a burst seldom borrows from the next millisecond.
const COUNTER_START_MAX: u16 = 0x03FF;

#[derive(Clone)]
pub struct IdSource {
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<Last>>,
}

struct Last {
    random: StdRng,
    millis: u64,
    counter: u16,
}

impl IdSource {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, StdRng::from_os_rng())
    }

    /// Gives the same ids for the same seed and the same times.
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self::with(clock, StdRng::seed_from_u64(seed))
    }

    fn with(clock: Arc<dyn Clock>, random: StdRng) -> Self {
        Self { clock, last: Arc::new(Mutex::new(Last { random, millis: 0, counter: 0 })) }
    }

    pub fn stream(&self) -> StreamId {
        StreamId(self.next())
    }

    pub fn claim(&self) -> ClaimId {
        ClaimId(self.next())
    }

    pub fn sweep(&self) -> SweepId {
        SweepId(self.next())
    }

    pub fn reservation(&self) -> ReservationId {
        ReservationId(self.next())
    }

    pub fn node(&self) -> NodeUid {
        NodeUid(self.next())
    }

    pub fn cluster(&self) -> ClusterId {
        ClusterId(self.next())
    }

    pub fn command(&self) -> CommandId {
        CommandId(self.next())
    }

    pub fn token(&self) -> TokenId {
        TokenId(self.next())
    }

    pub fn session(&self) -> SessionId {
        SessionId(self.next())
    }

    /// A number in `0.0..1.0`, to spread retries.
    pub fn chance(&self) -> f64 {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).random.random()
    }

    fn next(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().0).unwrap_or(0);
        self.last.lock().unwrap_or_else(PoisonError::into_inner).next(now)
    }
}

impl Last {
    fn next(&mut self, now: u64) -> Uuid {
        if now > self.millis {
            self.millis = now;
            self.counter = self.random.random_range(0..=COUNTER_START_MAX);
        } else if self.counter < COUNTER_MAX {
            self.counter += 1;
        } else {
            self.millis += 1;
            self.counter = 0;
        }
        let mut rest: [u8; 10] = self.random.random();
        rest[..2].copy_from_slice(&self.counter.to_be_bytes());
        Builder::from_unix_timestamp_millis(self.millis, &rest).into_uuid()
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdSource").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::Timestamp;

    use super::*;
    use crate::ManualClock;

    #[test]
    fn ids_of_one_source_strictly_increase_though_the_clock_stands_still() {
        let ids = IdSource::seeded(Arc::new(ManualClock::at(Timestamp(1_700_000_000_000))), 1);
        let made: Vec<_> = (0..10_000).map(|_| ids.stream()).collect();
        assert!(made.windows(2).all(|it| it[0] < it[1]));
        assert_eq!(made[0].0.get_version_num(), 7);
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        let clock = Arc::new(ManualClock::at(Timestamp(7)));
        let [one, two] = [3, 3].map(|seed| IdSource::seeded(clock.clone(), seed).claim());
        assert_eq!(one, two);
        assert_ne!(one, IdSource::seeded(clock, 4).claim());
    }
}
