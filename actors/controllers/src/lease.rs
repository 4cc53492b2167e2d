//! The leases of the controllers that live on this engine.
//!
//! A lease says who may write; the store checks it with every write, so losing one is safe and
//! only ends this engine's controllers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_domain::Fault;
use weir_persistence_api::{Acquired, Error, Fence, LeaseName, LeaseStore};
use weir_runtime::{Reason, System};

/// How long a lease holds without being renewed.
const TTL: Duration = Duration::from_secs(10);
/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// Why a lease was not granted.
#[derive(Debug, thiserror::Error)]
pub enum NotGranted {
    #[error("the lease {lease} is held by {owner}")]
    Held { lease: LeaseName, owner: String },
    #[error("the lease {lease} could not be taken")]
    Store { lease: LeaseName, source: Error },
}

/// Takes and keeps leases for one engine.
#[derive(Clone)]
pub struct Leases {
    system: System,
    store: Arc<dyn LeaseStore>,
    /// Set when the leases are given back: until then they are renewed, also during a drain.
    released: CancellationToken,
    /// Why the last renewal failed, if it did.
    trouble: Arc<Mutex<Option<String>>>,
}

impl Leases {
    pub fn new(system: System, store: Arc<dyn LeaseStore>) -> Self {
        Self { system, store, released: CancellationToken::new(), trouble: Arc::default() }
    }

    /// Whether the store took the last renewal: the leases are what is written most regularly.
    pub fn health(&self) -> Result<(), String> {
        self.trouble().clone().map_or(Ok(()), Err)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a lease from whoever held it before. Only for an engine that is known to be the only
    /// one on its store, so that every other owner is an earlier incarnation of somebody gone.
    pub async fn take(&self, name: &str) -> Result<Fence, NotGranted> {
        let lease = LeaseName(name.to_owned());
        let failed = |source| NotGranted::Store { lease: lease.clone(), source };
        let owner = self.system.owner();
        let granted = match self.store.lease_acquire(&lease, owner, TTL).await.map_err(failed)? {
            Acquired::Granted(fence) => fence,
            Acquired::Held { owner: seen, epoch, .. } => {
                let forced = self.store.lease_force(&lease, owner, TTL, (&seen, epoch)).await;
                match forced.map_err(failed)? {
                    Acquired::Granted(fence) => fence,
                    Acquired::Held { owner, .. } => return Err(NotGranted::Held { lease, owner }),
                }
            }
        };
        tracing::info!(code = "WEIR-06101", lease = name, epoch = granted.epoch, "lease taken");
        Ok(granted)
    }

    /// Renews leases until they are given back. One that is lost ends the engine: another one writes.
    pub fn keep(&self, fences: Vec<Fence>) {
        let this = self.clone();
        self.system.tasks().spawn("leases", async move { this.renew_all(fences).await });
    }

    async fn renew_all(self, fences: Vec<Fence>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(RENEW_EVERY) => {}
                () = self.released.cancelled() => return,
            }
            for fence in &fences {
                if !self.renew(fence).await {
                    return;
                }
            }
        }
    }

    /// Whether the lease is still held, as far as is known.
    async fn renew(&self, fence: &Fence) -> bool {
        let renewed = self.store.lease_renew(fence, TTL).await;
        *self.trouble() = renewed.as_ref().err().map(ToString::to_string);
        match renewed {
            Ok(true) => true,
            Ok(false) => {
                let message = format!("the lease {} was lost", fence.lease);
                let fault = Fault::transient(6102, message).with_hint(
                    "another engine uses the same store: give each its own data directory",
                );
                tracing::error!(code = %fault.code, "{fault}");
                self.system.shutdown().request(Reason::Failed(fault));
                false
            }
            // A store that is away is no reason to stop: it refuses writes until it is back.
            Err(error) => {
                tracing::warn!(code = "WEIR-06103", lease = %fence.lease, %error, "not renewed");
                true
            }
        }
    }

    /// Gives leases back, so that a successor need not wait.
    pub async fn release(&self, fences: &[Fence]) {
        self.released.cancel();
        for fence in fences {
            if let Err(error) = self.store.lease_release(fence).await {
                tracing::warn!(code = "WEIR-06104", lease = %fence.lease, %error, "not released");
            }
        }
    }
}
