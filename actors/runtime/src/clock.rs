//! Clocks: the one place that reads the system's time.
//!
//! Points in time come from a `Clock` and are for people and for stored rows. Lengths of time come
//! from a `Stopwatch`, which never jumps and which stands still while a test has paused the time.
//!
//! A stopwatch also stands still while the machine is suspended. What must not outlive that (the
//! right to act for others) is measured by the `BootClock`, which does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use weir_domain::{Clock, Timestamp};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that others are given")]
        let now = SystemTime::now();
        let millis = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        match now.duration_since(UNIX_EPOCH) {
            Ok(after) => Timestamp(millis(after)),
            Err(before) => Timestamp(-millis(before.duration())),
        }
    }
}

/// A clock that stands still until it is moved: for tests and simulations.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.0)))
    }

    pub fn advance(&self, length: Duration) {
        let now = Timestamp(self.0.load(Ordering::SeqCst));
        self.0.store(now.plus(length).0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Measures a length of time.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    #[must_use]
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the stopwatch that others use")]
        Self(tokio::time::Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A length of time that only ever grows: what a deadline of this process is measured by.
pub trait Uptime: Send + Sync + 'static {
    /// How long ago some fixed moment was.
    fn uptime(&self) -> Duration;
}

/// The time since the machine started, with the time that it was suspended (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, Default)]
pub struct BootClock;

impl Uptime for BootClock {
    fn uptime(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}

/// For tests and simulations on paused time.
impl Uptime for Stopwatch {
    fn uptime(&self) -> Duration {
        self.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(Timestamp(5));
        assert_eq!(clock.now(), Timestamp(5));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp(1_005));
    }

    #[test]
    fn the_boot_clock_only_ever_grows() {
        let (first, second) = (BootClock.uptime(), BootClock.uptime());
        assert!(Duration::ZERO < first && first <= second);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopwatch_follows_paused_time() {
        let watch = Stopwatch::start();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(watch.elapsed(), Duration::from_secs(3));
    }
}
