//! What Deployment Storage owes to the world: engines that look again, and objects that go.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use weir_domain::{Digest, Fault};
use weir_persistence_api::{Fence, Store};
use weir_runtime::{EffectHandler, System};

use super::storage::{self, Observation, SWEEP_AGE};
use super::{Command, Deployments, Effect};

/// Sweeps by itself, and hands everything else on.
pub(super) struct Effects {
    pub(super) system: System,
    pub(super) store: Arc<dyn Store>,
    /// Tells engines that something changed.
    pub(super) announce: Arc<dyn EffectHandler<Deployments>>,
}

impl Effects {
    /// `Some` once nothing is left that nobody needs. What is young may belong to a deployment that
    /// is being sent: the sweep is owed on until that is stored, or old.
    async fn sweep(
        &self,
        garbage: u64,
        keep: &BTreeSet<Digest>,
        fence: &Fence,
    ) -> Result<Option<Command>, Fault> {
        let failed = |it: weir_persistence_api::Error| {
            Fault::transient(6107, format!("objects that nobody needs can't be deleted: {it}"))
        };
        let swept = self.store.object_sweep(fence, keep, SWEEP_AGE).await.map_err(failed)?;
        if swept.objects > 0 {
            tracing::info!(
                code = "WEIR-06108",
                objects = swept.objects,
                bytes = swept.bytes,
                "deleted objects that no deployment needs"
            );
        }
        let left = self.store.object_totals().await.map_err(failed)?;
        if left.objects > keep.len() as u64 {
            return Ok(None);
        }
        let observation = Observation::Swept { garbage };
        let command = storage::Command::Observe { at: self.system.now(), observation };
        Ok(Some(Command::Storage(command)))
    }
}

#[async_trait]
impl EffectHandler<Deployments> for Effects {
    async fn run(&self, effect: &Effect, fence: &Fence) -> Result<Option<Command>, Fault> {
        match effect {
            Effect::Sweep { garbage, keep } => self.sweep(*garbage, keep, fence).await,
            Effect::Run(_) | Effect::Aim { .. } | Effect::Schedule { .. } => {
                self.announce.run(effect, fence).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use weir_domain::{Clock, Timestamp};
    use weir_persistence_api::{Acquired, LeaseName, LeaseStore, MemoryStore, ObjectStore};
    use weir_runtime::NoEffects;

    use super::*;

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::SeqCst))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_is_owed_until_what_was_young_is_gone_and_keeps_what_is_needed() {
        let hand = Arc::new(Hand::default());
        let clock: Arc<dyn Clock> = hand.clone();
        let store = MemoryStore::new(clock.clone());
        let system = crate::testing::system(clock);
        let lease = LeaseName("l".into());
        let granted = store.lease_acquire(&lease, "a", Duration::from_secs(1 << 20)).await;
        let Ok(Acquired::Granted(fence)) = granted else { panic!("{granted:?}") };
        let effects =
            Effects { system, store: Arc::new(store.clone()), announce: Arc::new(NoEffects) };

        let digests = [b"kept" as &[u8], b"left"].map(|it| (Digest::of(it), it));
        for (digest, content) in digests {
            store.object_put(digest, content.into()).await.unwrap();
        }
        let [(kept, _), (left, _)] = digests;
        let sweep = Effect::Sweep { garbage: 3, keep: [kept].into() };
        assert!(effects.run(&sweep, &fence).await.unwrap().is_none(), "it is young");
        hand.0.fetch_add(2 * 3_600_000, Ordering::SeqCst);
        let done = effects.run(&sweep, &fence).await.unwrap();
        let swept = Observation::Swept { garbage: 3 };
        let is_swept = |it: &Command| {
            matches!(it, Command::Storage(storage::Command::Observe { observation, .. })
                if *observation == swept)
        };
        assert!(done.as_ref().is_some_and(is_swept), "{done:?}");
        assert_eq!(store.object_get(left).await, Ok(None));
        assert!(store.object_get(kept).await.unwrap().is_some());
    }
}
