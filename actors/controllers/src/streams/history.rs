//! The history where it lives: written in batches under the singleton's epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use weir_cluster::{Instance, Nothing, RequestContext, Service, Singleton, Unavailable};
use weir_domain::Fault;
use weir_persistence_api::{Error, Fence, StreamStore};

use super::{LEASE, Request, Response};

/// How often old streams are deleted, in writes.
const PRUNE_EVERY: u32 = 500;

/// Makes a history wherever its lease is held. `keep`: closed streams kept of each workflow.
pub struct StreamSingleton {
    pub store: Arc<dyn StreamStore>,
    pub keep: u32,
}

#[async_trait]
impl Singleton for StreamSingleton {
    type Service = StreamHistory;

    async fn start(&self, fence: Fence) -> Result<Instance<StreamHistory>, Fault> {
        let (store, keep) = (self.store.clone(), self.keep);
        let history = StreamHistory { store, fence, keep, writes: AtomicU32::new(0) };
        // It has no state and no work of its own: there is nothing to stop.
        Ok(Instance::new(Arc::new(history), Arc::new(Nothing)))
    }
}

pub struct StreamHistory {
    store: Arc<dyn StreamStore>,
    fence: Fence,
    keep: u32,
    writes: AtomicU32,
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
                self.store.stream_save(&self.fence, changes).await?;
                self.prune_if_due().await;
                Response::Saved
            }
            Request::List(filter) => Response::Streams(self.store.stream_list(filter).await?),
            Request::Load(id) => Response::Stream(self.store.stream_load(id).await?.map(Box::new)),
            Request::Log(id) => Response::Log(self.store.stream_log(id).await?),
        })
    }

    async fn prune_if_due(&self) {
        let writes = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        if writes.is_multiple_of(PRUNE_EVERY)
            && let Err(error) = self.store.stream_prune(&self.fence, self.keep).await
        {
            tracing::warn!(code = "WEIR-06110", %error, "old streams were not deleted");
        }
    }
}
