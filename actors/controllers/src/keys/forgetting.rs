//! Deletes what was stored before the keys were restated: private keys under a former master key, and
//! deleted ones.
//!
//! Snapshots go first, then events, so that what is left can always be read: a journal that begins with
//! an event that restates all needs no snapshot. Each deletion carries the fence. Running it twice is
//! harmless.

use std::sync::Arc;

use async_trait::async_trait;
use weir_domain::Fault;
use weir_persistence_api::{Error, Fence, PersistenceId, Store, Tag};
use weir_runtime::EffectHandler;

use super::{Command, Effect, Keys, LEASE, RESTATED};

/// Events that are read at a time.
const PAGE: u32 = 100;

pub(super) struct Forgetting {
    pub(super) store: Arc<dyn Store>,
}

#[async_trait]
impl EffectHandler<Keys> for Forgetting {
    async fn run(&self, effect: &Effect, fence: &Fence) -> Result<Option<Command>, Fault> {
        let Effect::Forget = effect;
        let failed = |it: Error| {
            let why = format!("what is stored under a former master key can't be deleted: {it}");
            Fault::transient(6_148, why)
        };
        self.forget(fence).await.map_err(failed)?;
        tracing::info!(
            code = "WEIR-06147",
            "deleted what was stored before the master key was rotated"
        );
        Ok(Some(Command::ConfirmForgotten))
    }
}

impl Forgetting {
    async fn forget(&self, fence: &Fence) -> Result<(), Error> {
        let journal = PersistenceId(LEASE.to_owned());
        let Some(restated) = self.last_restated().await? else { return Ok(()) };
        let snapshots = self.store.snapshot_sequences(&journal).await?;
        let kept = snapshots.iter().filter(|it| **it >= restated).count();
        self.store.snapshot_prune(&journal, fence, u32::try_from(kept).unwrap_or(u32::MAX)).await?;
        self.store.delete_to(&journal, fence, restated - 1).await
    }

    async fn last_restated(&self) -> Result<Option<u64>, Error> {
        let (tag, mut after, mut last) = (Tag(RESTATED.to_owned()), 0, None);
        loop {
            let found = self.store.tagged(&tag, after, PAGE).await?;
            let Some(it) = found.last() else { return Ok(last) };
            (after, last) = (it.offset, Some(it.event.sequence));
        }
    }
}
