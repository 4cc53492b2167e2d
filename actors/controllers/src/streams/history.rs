//! The history where it lives: written in batches under the singleton's epoch.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use weir_cluster::{Instance, Nothing, RequestContext, Service, Singleton, Unavailable};
use weir_domain::{Clock, Fault, Millis, StreamId, Timestamp};
use weir_persistence_api::{Error, Fence, LogBound, Retention, StreamStore};
use weir_runtime::Stopwatch;

use super::growth::{Growth, Written};
use super::{LEASE, Request, Response};

/// How often old streams are deleted, in writes.
const PRUNE_EVERY: u32 = 500;

/// And how long, where little is written.
const PRUNE_AFTER: Duration = Duration::from_secs(600);

/// Makes a history wherever its lease is held.
pub struct StreamSingleton {
    pub store: Arc<dyn StreamStore>,
    pub clock: Arc<dyn Clock>,
    /// Closed streams kept of each workflow.
    pub keep: u32,
    /// How long any of them is kept.
    pub keep_for: Option<Millis>,
    /// Of each stream's log.
    pub log: LogBound,
}

#[async_trait]
impl Singleton for StreamSingleton {
    type Service = StreamHistory;

    async fn start(&self, fence: Fence) -> Result<Instance<StreamHistory>, Fault> {
        let history = StreamHistory {
            store: self.store.clone(),
            clock: self.clock.clone(),
            fence,
            keep: self.keep,
            keep_for: self.keep_for,
            growth: Mutex::new(Growth::within(self.log)),
            writes: AtomicU32::new(0),
            pruned: Mutex::new(Stopwatch::start()),
        };
        // It has no state and no work of its own: there is nothing to stop.
        Ok(Instance::new(Arc::new(history), Arc::new(Nothing)))
    }
}

pub struct StreamHistory {
    store: Arc<dyn StreamStore>,
    clock: Arc<dyn Clock>,
    fence: Fence,
    keep: u32,
    keep_for: Option<Millis>,
    growth: Mutex<Growth>,
    writes: AtomicU32,
    /// Since when.
    pruned: Mutex<Stopwatch>,
}

#[async_trait]
impl Service for StreamHistory {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(&self, request: Request, _: RequestContext) -> Result<Response, Unavailable> {
        Ok(self.carry_out(request).await.unwrap_or_else(Response::Failed))
    }
}

impl StreamHistory {
    async fn carry_out(&self, request: Request) -> Result<Response, Error> {
        Ok(match request {
            Request::Save(changes) => {
                let written = Written::of(&changes);
                self.store.stream_save(&self.fence, changes).await?;
                let grown = self.growth().add(&written);
                self.trim(grown).await;
                self.prune_if_due().await;
                Response::Saved
            }
            Request::List(filter) => Response::Streams(self.store.stream_list(filter).await?),
            Request::OfItem(of) => Response::Streams(self.store.stream_of_item(of).await?),
            Request::Load(id) => Response::Stream(self.store.stream_load(id).await?.map(Box::new)),
            Request::Log(id) => Response::Log(self.store.stream_log(id).await?),
        })
    }

    /// Logs that got longer by much.
    async fn trim(&self, grown: Vec<StreamId>) {
        for stream in grown {
            let bound = self.growth().bound();
            if let Err(error) = self.store.stream_log_trim(&self.fence, stream, bound).await {
                tracing::warn!(code = "WEIR-06115", %stream, %error, "the log of a stream was not trimmed");
            }
        }
    }

    fn growth(&self) -> MutexGuard<'_, Growth> {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn prune_if_due(&self) {
        let writes = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        if !writes.is_multiple_of(PRUNE_EVERY) && !self.is_long_ago() {
            return;
        }
        *self.pruned.lock().unwrap_or_else(PoisonError::into_inner) = Stopwatch::start();
        if let Err(error) = self.store.stream_prune(&self.fence, self.retention()).await {
            tracing::warn!(code = "WEIR-06110", %error, "old streams were not deleted");
        }
    }

    fn is_long_ago(&self) -> bool {
        self.pruned.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > PRUNE_AFTER
    }

    fn retention(&self) -> Retention {
        let before = |age: Millis| {
            let age = i64::try_from(age.0).unwrap_or(i64::MAX);
            StreamId::first_at(Timestamp(self.clock.now().0.saturating_sub(age)))
        };
        Retention { keep: self.keep, first: self.keep_for.map(before) }
    }
}

#[cfg(test)]
mod tests {
    use weir_persistence_api::{Acquired, LeaseName, LeaseStore as _, MemoryStore};
    use weir_runtime::SystemClock;

    use super::super::gatherer::tests::{line, stream};
    use super::*;

    #[tokio::test]
    async fn a_log_is_trimmed_when_it_is_due_though_a_write_failed_meanwhile() {
        let (clock, lease) = (Arc::new(SystemClock), LeaseName(LEASE.to_owned()));
        let store = MemoryStore::new(clock.clone());
        let granted = store.lease_acquire(&lease, "node-1#a", Duration::from_secs(3_600)).await;
        let Ok(Acquired::Granted(fence)) = granted else { panic!("{granted:?}") };
        // It is looked at after two lines, and trimmed to 14.
        let bound = LogBound { lines: 16, bytes: 1 << 20 };
        let history = StreamHistory {
            store: Arc::new(store.clone()),
            clock,
            fence,
            keep: 10,
            keep_for: None,
            growth: Mutex::new(Growth::within(bound)),
            writes: AtomicU32::new(0),
            pruned: Mutex::new(Stopwatch::start()),
        };
        let save = async |range: std::ops::Range<u32>| {
            let lines = range.map(|it| line(&format!("line {it}"))).collect();
            history.carry_out(Request::Save(vec![(stream(1, 1), lines)])).await
        };
        assert!(save(0..14).await.is_ok());
        assert!(save(14..15).await.is_ok());
        store.faults().lost(1);
        assert!(save(15..16).await.is_err());
        assert!(save(15..16).await.is_ok(), "the gatherer sends it again");
        let log = store.stream_log(stream(1, 1).id).await.unwrap();
        assert!(log.len() <= 14, "{} lines", log.len());
    }
}
