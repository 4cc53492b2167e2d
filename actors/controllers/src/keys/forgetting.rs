//! Deletes what was stored before the keys were restated: private keys under a former master key, and
//! deleted ones.
//!
//! Nothing is deleted before a snapshot is stored that has what was restated, and the ids of the commands
//! before it: they are nowhere else, and a command that is sent again would be taken for a new one. Then
//! snapshots go first, and events after them, so that what is left can always be read. Each deletion
//! carries the fence. Running it twice is harmless, and so is running it beside itself.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use weir_domain::Fault;
use weir_persistence_api::{Fence, PersistenceId, Store, Tag};
use weir_runtime::{EffectHandler, Stored};

use super::{Command, Effect, Event, Keys, LEASE, RESTATED};

/// Events that are read at a time.
const PAGE: u32 = 100;
/// How often it is looked for the snapshot, which the host saves by itself: for ten seconds.
const LOOKS: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Forgetting {
    pub(super) store: Arc<dyn Store>,
}

type Done<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[async_trait]
impl EffectHandler<Keys> for Forgetting {
    async fn run(&self, effect: &Effect, fence: &Fence) -> Result<Option<Command>, Fault> {
        let Effect::Forget { restated } = *effect;
        self.forget(restated, fence).await.map_err(|it| {
            let why = format!("what is stored under a former master key can't be deleted: {it}");
            Fault::transient(6_148, why)
        })?;
        tracing::info!(
            code = "WEIR-06147",
            "deleted what was stored before the master key was rotated"
        );
        Ok(Some(Command::ConfirmForgotten { restated }))
    }
}

impl Forgetting {
    async fn forget(&self, restated: u64, fence: &Fence) -> Done<()> {
        let journal = PersistenceId(LEASE.to_owned());
        let first = self.restated_at(restated).await?;
        let kept = self.saved_since(&journal, first).await?;
        self.store.snapshot_prune(&journal, fence, u32::try_from(kept).unwrap_or(u32::MAX)).await?;
        self.store.delete_to(&journal, fence, first - 1).await?;
        // One that was being saved all the while may have come after the others were deleted.
        let left = self.store.snapshot_sequences(&journal).await?;
        match left.iter().any(|it| *it < first) {
            false => Ok(()),
            true => Err("an older snapshot was saved meanwhile".into()),
        }
    }

    /// Waits until there are snapshots with that event, and counts them.
    async fn saved_since(&self, journal: &PersistenceId, first: u64) -> Done<usize> {
        for _ in 0..LOOKS {
            let snapshots = self.store.snapshot_sequences(journal).await?;
            match snapshots.iter().filter(|it| **it >= first).count() {
                0 => tokio::time::sleep(LOOK_EVERY).await,
                saved => return Ok(saved),
            }
        }
        Err("no snapshot of what came after it is stored yet".into())
    }

    /// Where the keys were restated for the last time, which is that time or a later one.
    async fn restated_at(&self, restated: u64) -> Done<u64> {
        let (tag, mut after, mut last) = (Tag(RESTATED.to_owned()), 0, None);
        loop {
            let found = self.store.tagged(&tag, after, PAGE).await?;
            let Some(it) = found.last() else { break };
            (after, last) = (it.offset, Some(it.event.clone()));
        }
        let last = last.ok_or("the event that restates the keys is not found")?;
        let stored = Stored { manifest: &last.manifest, payload: &last.payload };
        match stored.read()? {
            Event::Restated { keys, .. } if keys.restated() >= restated => Ok(last.sequence),
            _ => Err("the last event that restates the keys is not found yet".into()),
        }
    }
}
