//! Waiting for a condition, never for a time.

use std::fmt::Debug;
use std::thread;
use std::time::Duration;

use weir_runtime::Stopwatch;

/// Long enough for a busy machine. Nothing that goes right takes so long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(180);

const LOOK_FIRST: Duration = Duration::from_millis(10);
const LOOK_LAST: Duration = Duration::from_millis(100);

/// What comes soon is seen soon, and what takes long is not asked for so often that it takes longer.
fn pause(waited: Duration) {
    thread::sleep((waited / 10).clamp(LOOK_FIRST, LOOK_LAST));
}

/// Waits until the condition holds; fails with what was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, deadline, || condition().then_some(()));
}

/// Waits until there is something to return.
#[track_caller]
pub(crate) fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> Option<T>,
) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(watch.elapsed() < deadline, "waited in vain for {what}");
        pause(watch.elapsed());
    }
}

/// Waits until what is looked at is as wanted; fails with what it was last.
#[track_caller]
pub(crate) fn wait_until_is<T: PartialEq + Debug>(
    what: &str,
    deadline: Duration,
    wanted: &T,
    mut look: impl FnMut() -> T,
) {
    let watch = Stopwatch::start();
    loop {
        let found = look();
        if found == *wanted {
            return;
        }
        assert!(
            watch.elapsed() < deadline,
            "waited in vain for {what} to be {wanted:?}: it is {found:?}"
        );
        pause(watch.elapsed());
    }
}

/// The condition holds all the time. For what must not happen however long it is waited for.
#[track_caller]
pub(crate) fn stays_so(what: &str, time: Duration, mut condition: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while watch.elapsed() < time {
        assert!(condition(), "it did not stay so after {:?}: {what}", watch.elapsed());
        // What lasts for a moment must be seen however late it comes.
        thread::sleep(LOOK_FIRST);
    }
}
