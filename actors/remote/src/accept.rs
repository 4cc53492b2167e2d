//! The listener: a task per connection, a bound on those that are not links yet.
//!
//! Who connects and says nothing can't keep others out: beyond the bound, the connection that has
//! been pending longest goes. An honest handshake takes milliseconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::code;
use crate::hub::Hub;
use crate::transport::{Accepted, Acceptor};

/// After a failure to accept, usually for lack of file descriptors.
const RESPITE: Duration = Duration::from_millis(100);

/// Connections that are not links yet, oldest first.
#[derive(Default)]
struct Pending(Mutex<BTreeMap<u64, Option<AbortHandle>>>);

impl Pending {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Option<AbortHandle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for one more.
    fn evict(&self, max: usize) {
        let mut pending = self.lock();
        while pending.len() >= max.max(1) {
            let Some((_, handle)) = pending.pop_first() else { return };
            metrics::counter!("weir_remote_evicted_total").increment(1);
            if let Some(handle) = handle {
                handle.abort();
            }
        }
    }
}

impl Hub {
    pub(crate) fn accept_all(self: &Arc<Self>, mut acceptor: Box<dyn Acceptor>) {
        let hub = self.clone();
        let stopping = self.stopping.clone();
        self.system.tasks().spawn("peer listener", async move {
            let pending = Arc::<Pending>::default();
            while let Some(accepted) = stopping.run_until_cancelled(acceptor.accept()).await {
                match accepted {
                    Ok(accepted) => hub.take(accepted, &pending),
                    Err(error) => {
                        tracing::warn!(code = %code::ACCEPT_FAILED, %error, "a connection could not be accepted");
                        tokio::time::sleep(RESPITE).await;
                    }
                }
            }
        });
    }

    fn take(self: &Arc<Self>, accepted: Accepted, pending: &Arc<Pending>) {
        pending.evict(self.settings.pending_max);
        let number = self.next_number();
        pending.lock().insert(number, None);
        let (hub, listed) = (self.clone(), Listed { number, pending: pending.clone() });
        let task = self.system.tasks().spawn(format!("handshake {}", accepted.from), async move {
            let _listed = listed;
            let within = hub.settings.handshake_timeout;
            let handshake = hub.clone().handshake(accepted);
            let is_late = tokio::time::timeout(within, handshake).await.is_err();
            if is_late {
                metrics::counter!("weir_remote_refused_total").increment(1);
            }
        });
        // It may be done already.
        if let Some(handle) = pending.lock().get_mut(&number) {
            *handle = Some(task.abort_handle());
        }
    }

    async fn handshake(self: Arc<Self>, accepted: Accepted) {
        let Accepted { from, secured } = accepted;
        match secured.await {
            Ok(wire) => self.welcome(wire, &from).await,
            Err(reason) => {
                metrics::counter!("weir_remote_refused_total").increment(1);
                tracing::warn!(code = %code::REFUSED, from, reason, "refused a connection");
            }
        }
    }
}

/// A connection's place among the pending ones.
struct Listed {
    number: u64,
    pending: Arc<Pending>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.pending.lock().remove(&self.number);
    }
}
