//! Telling the instances of this engine that a replay waits, so that none of them has to look all the time.

use tokio::sync::watch;

/// Clones call the same instances.
#[derive(Debug, Clone, Default)]
pub struct ReplayCalls(watch::Sender<u64>);

impl ReplayCalls {
    /// Somebody has asked for a replay: whoever can runs it. One call too many is harmless.
    pub fn call(&self) {
        self.0.send_modify(|it| *it += 1);
    }

    /// Changes with each call from now on.
    pub(crate) fn heard(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
