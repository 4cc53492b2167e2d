//! Dialling: a task per address that keeps a link to whoever listens there.
//!
//! After a loss it dials at once and once more, then with a growing, jittered pause. Where nobody
//! asked for a link, a lost peer is still dialled for a while: the answer, or that there is none,
//! tells what became of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_domain::{ClusterAddress, Incarnation, Timestamp};
use weir_runtime::Stopwatch;

use crate::code;
use crate::error::ConnectError;
use crate::establish::{DialError, Dialled};
use crate::event::{Cause, LinkRow, LinkState, Links};
use crate::hub::Hub;

/// The second attempt after a loss. A process that is being killed may still accept the first.
const AGAIN: Duration = Duration::from_millis(25);
/// How often a lost peer is dialled that nobody has asked for.
const SEARCHES: u32 = 8;
/// A link that ends sooner counts as a failure: it is not dialled again at once.
const SHORT: Duration = Duration::from_secs(1);

/// What is dialled now.
#[derive(Default)]
pub(crate) struct Dials(Mutex<HashMap<ClusterAddress, Dial>>);

struct Dial {
    stop: CancellationToken,
    row: LinkRow,
}

impl Dials {
    pub(crate) fn rows(&self) -> Links {
        self.lock().iter().map(|(address, it)| (address.clone(), it.row.clone())).collect()
    }

    /// A link to this address has ended.
    pub(crate) fn lost(
        &self,
        address: &ClusterAddress,
        peer: &Incarnation,
        cause: &Cause,
        now: Timestamp,
    ) {
        if let Some(dial) = self.lock().get_mut(address) {
            dial.row.peer = Some(peer.clone());
            dial.row.since = now;
            dial.row.state = LinkState::Dialling;
            dial.row.trouble = Some(cause.to_string());
        }
    }

    /// Ends the dialling of an address. A link that is there stays.
    pub(crate) fn forget(&self, address: &ClusterAddress) {
        if let Some(dial) = self.lock().remove(address) {
            dial.stop.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterAddress, Dial>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a dial goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Forgotten,
    Found,
}

impl Hub {
    /// Dials an address until it is forgotten. To dial it twice is to dial it once.
    pub(crate) fn dial(self: &Arc<Self>, address: ClusterAddress) {
        if self.stopping.is_cancelled() {
            return;
        }
        let stop = self.stopping.child_token();
        {
            let mut dials = self.dials.lock();
            if dials.contains_key(&address) {
                return;
            }
            let row = LinkRow {
                peer: None,
                state: LinkState::Dialling,
                since: self.system.now(),
                rtt: None,
                queued_bytes: 0,
                certificate: None,
                trouble: None,
            };
            dials.insert(address.clone(), Dial { stop: stop.clone(), row });
        }
        self.refresh();
        self.spawn_dial(address, stop, Until::Forgotten);
    }

    /// A link to this address was lost.
    pub(crate) fn look_after(self: &Arc<Self>, address: &ClusterAddress) {
        let is_dialled = self.dials.lock().contains_key(address);
        if !is_dialled && !self.stopping.is_cancelled() {
            self.spawn_dial(address.clone(), self.stopping.child_token(), Until::Found);
        }
    }

    fn spawn_dial(
        self: &Arc<Self>,
        address: ClusterAddress,
        stop: CancellationToken,
        until: Until,
    ) {
        let hub = self.clone();
        self.system.tasks().spawn(format!("dial {address}"), async move {
            stop.run_until_cancelled(hub.keep_dialling(&address, until)).await;
        });
    }

    async fn keep_dialling(self: &Arc<Self>, address: &ClusterAddress, until: Until) {
        let (mut failures, mut is_lost) = (0, until == Until::Found);
        loop {
            if let Some(ended) = self.ended_at(address) {
                if until == Until::Found {
                    return;
                }
                let watch = Stopwatch::start();
                ended.cancelled().await;
                if watch.elapsed() < SHORT {
                    failures += 1;
                    tokio::time::sleep(self.pause(failures)).await;
                    continue;
                }
                (failures, is_lost) = (0, true);
            }
            let pause = match self.dial_once(address).await {
                Ok(Dialled::Linked) => {
                    self.note(address, LinkState::Dialling, None);
                    continue;
                }
                Ok(Dialled::Superfluous) => self.pause(1),
                Err(DialError::Refused(refusal)) if refusal.code == code::ITSELF => {
                    self.note(address, LinkState::Itself, None);
                    return;
                }
                Err(error) => {
                    self.failed(address, &error);
                    failures += 1;
                    self.pause(failures)
                }
            };
            if until == Until::Found && failures >= SEARCHES {
                return;
            }
            let is_second = std::mem::take(&mut is_lost) && failures == 1;
            tokio::time::sleep(if is_second { AGAIN } else { pause }).await;
        }
    }

    fn ended_at(&self, address: &ClusterAddress) -> Option<CancellationToken> {
        let uid = self.roster().at(address).map(|it| it.node.uid)?;
        self.link(uid).map(|it| it.ended().clone())
    }

    fn pause(&self, failures: u32) -> Duration {
        let settings = &self.settings;
        backoff(failures, settings.backoff_min, settings.backoff_max, self.system.ids().chance())
    }

    fn failed(&self, address: &ClusterAddress, error: &DialError) {
        let state = match error {
            DialError::Connect(ConnectError::Refused(_)) => {
                self.connection_refused(address);
                LinkState::Dialling
            }
            DialError::Refused(refusal) if refusal.code == code::DUPLICATE_LINK => {
                if let Some(peer) = refusal.by {
                    self.roster().alias(address.clone(), peer);
                    self.refresh();
                }
                return;
            }
            DialError::Refused(refusal) => {
                self.refused_by(address, refusal);
                LinkState::Refused
            }
            DialError::Connect(_) | DialError::Unwanted(_) | DialError::Failed(_) => {
                LinkState::Dialling
            }
        };
        let trouble = error.to_string();
        let is_leaving =
            matches!(error, DialError::Refused(refusal) if refusal.code == code::STOPPING);
        if is_leaving {
            self.note(address, state, Some(trouble.clone()));
            return tracing::debug!(code = %code::REFUSED_BY_PEER, %address, trouble, "no link: the node there is leaving");
        }
        if self.note(address, state, Some(trouble.clone())) {
            let code =
                if state == LinkState::Refused { code::REFUSED_BY_PEER } else { code::UNREACHABLE };
            tracing::warn!(%code, %address, trouble, "no link yet: it is tried again");
        }
    }

    /// Writes down how a dial stands, and tells whether that is new.
    fn note(&self, address: &ClusterAddress, state: LinkState, trouble: Option<String>) -> bool {
        let is_new = {
            let mut dials = self.dials.lock();
            let Some(dial) = dials.get_mut(address) else { return true };
            let is_new = (dial.row.state, &dial.row.trouble) != (state, &trouble);
            if is_new {
                dial.row.since = self.system.now();
                (dial.row.state, dial.row.trouble) = (state, trouble);
            }
            is_new
        };
        if is_new {
            self.refresh();
        }
        is_new
    }
}

/// Twice as long after each failure, and a fifth more or less of it. `chance` is in `0.0..1.0`.
fn backoff(failures: u32, min: Duration, max: Duration, chance: f64) -> Duration {
    let doubled =
        min.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled.min(max).mul_f64(0.8 + 0.4 * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread() {
        let (min, max) = (Duration::from_millis(200), Duration::from_secs(5));
        let at = |failures, chance| backoff(failures, min, max, chance).as_millis();
        assert_eq!([at(1, 0.5), at(2, 0.5), at(3, 0.5)], [200, 400, 800]);
        assert_eq!([at(20, 0.5), at(200, 0.5)], [5_000, 5_000]);
        assert_eq!([at(1, 0.0), at(1, 1.0)], [160, 240]);
    }
}
