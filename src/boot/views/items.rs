//! Items as the Access Coordinator remembers them: pages of them, and how many a reset would forget.

use std::collections::HashSet;

use weir_controllers::access::{AccessCoordinator, Answer};
use weir_domain::{SourceName, Timestamp};
use weir_http_api::ItemView;
use weir_http_server::ItemFilter;
use weir_persistence_api::{self as store, ItemRow};

/// Rows that are counted at a time: few enough for memory, many enough for few round trips.
const COUNTED_AT_ONCE: u32 = 1_000;

pub(super) async fn list(access: &AccessCoordinator, filter: ItemFilter) -> Answer<Vec<ItemView>> {
    let ItemFilter { source, status, after, limit } = filter;
    let rows = access.list(store::ItemFilter { source, status, after, limit }).await?;
    Ok(rows.into_iter().map(view).collect())
}

fn view(row: ItemRow) -> ItemView {
    ItemView {
        source: row.source,
        name: row.item,
        status: row.status,
        size: row.fingerprint.size,
        modified_at: Timestamp(row.fingerprint.modified_ns.div_euclid(1_000_000)),
        stream: row.stream,
        owner: row.owner,
        claimed_at: row.claimed_at,
        settled_at: row.settled_at,
    }
}

/// How many items a reset would forget: those of these names that no stream holds.
pub(super) async fn count_free(
    access: &AccessCoordinator,
    source: SourceName,
    names: Option<Vec<String>>,
) -> Answer<u64> {
    let names: Option<HashSet<String>> = names.map(HashSet::from_iter);
    let is_meant = |it: &&ItemRow| {
        let is_named = names.as_ref().is_none_or(|names| names.contains(&it.item));
        is_named && it.settled_at.is_some()
    };
    let (mut count, mut after) = (0, None);
    loop {
        let source = Some(source.clone());
        let limit = COUNTED_AT_ONCE;
        let rows = access.list(store::ItemFilter { source, status: None, after, limit }).await?;
        count += rows.iter().filter(is_meant).count() as u64;
        match rows.last() {
            Some(last) if rows.len() == limit as usize => {
                after = Some((last.source.clone(), last.item.clone()));
            }
            _ => return Ok(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tokio::sync::watch;
    use weir_cluster::{Facts, SingletonSettings, Singletons};
    use weir_controllers::access::AccessSingleton;
    use weir_domain::{
        ClaimId, Clock, Fingerprint, Item, ItemStatus, NodeName, Reprocess, StreamId,
    };
    use weir_persistence_api::{ClaimRequest, MemoryStore, Settlement};
    use weir_runtime::{IdSource, ManualClock, PhaseTimeouts, System, SystemSettings};

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    struct World {
        access: AccessCoordinator,
        claims: u32,
        /// They end with it.
        _singletons: Singletons,
    }

    impl World {
        async fn new() -> Self {
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
            let system = System::new(SystemSettings {
                node: NodeName::new("one").expect("a test's name"),
                ids: IdSource::seeded(clock.clone(), 1),
                clock: clock.clone(),
                shutdown: PhaseTimeouts::default(),
            });
            let store = Arc::new(MemoryStore::new(clock));
            let facts = watch::Sender::new(Arc::new(Facts::alone(system.incarnation())));
            let settings = SingletonSettings::default();
            let singletons =
                Singletons::new(&system, store.clone(), facts.subscribe(), None, settings);
            let access = AccessCoordinator::new(singletons.register(AccessSingleton {
                system: system.clone(),
                store: store.clone(),
                restarts: weir_runtime::RestartPolicy::default(),
            }));
            singletons.begin();
            Self { access, claims: 0, _singletons: singletons }
        }

        /// What is there in the state of a first look: claimed if the history allows it.
        async fn claim(&mut self, name: &str) -> Option<ClaimId> {
            self.claims += 1;
            let id = format!("{:032x}", self.claims);
            let fingerprint = Fingerprint { size: 7, modified_ns: -1, device: 1, inode: 2 };
            let request = ClaimRequest {
                source: source(),
                candidates: vec![Item { name: name.into(), fingerprint }],
                reprocess: Reprocess::WhenChanged,
                claim: id.parse().expect("hexadecimal digits are an id"),
                stream: id.parse::<StreamId>().expect("hexadecimal digits are an id"),
                owner: "one#1".into(),
                now: NOW,
                settlement: Bytes::new(),
            };
            self.access.claim(request).await.expect("an answer").map(|it| it.id)
        }

        async fn fail(&mut self, name: &str) {
            let claim = self.claim(name).await.expect("it was free");
            let settled = self.access.settle(claim, Settlement::Failed);
            settled.await.expect("it was held");
        }
    }

    fn source() -> SourceName {
        SourceName::stored("flights/read")
    }

    #[tokio::test]
    async fn an_item_that_was_put_back_unchanged_is_processed_after_a_reset() {
        let mut world = World::new().await;
        world.fail("a.csv").await;
        assert_eq!(world.claim("a.csv").await, None, "nothing has changed");
        let all = ItemFilter { source: None, status: None, after: None, limit: 10 };
        let items = list(&world.access, all.clone()).await.expect("an answer");
        let found = items.iter().map(|it| (it.name.as_str(), it.status, it.modified_at));
        assert_eq!(found.collect::<Vec<_>>(), [("a.csv", ItemStatus::Failed, Timestamp(-1))]);
        let names = Some(vec!["a.csv".to_owned()]);
        assert_eq!(world.access.reset(source(), names).await.expect("an answer"), 1);
        assert_eq!(list(&world.access, all).await.expect("an answer"), []);
        assert!(world.claim("a.csv").await.is_some());
    }

    #[tokio::test]
    async fn what_would_be_reset_is_counted_to_the_end_without_what_is_held() {
        let mut world = World::new().await;
        for n in 0..=COUNTED_AT_ONCE {
            world.fail(&format!("{n:04}.csv")).await;
        }
        world.claim("held.csv").await.expect("it was free");
        let count = async |names: Option<&[&str]>| {
            let names = names.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
            count_free(&world.access, source(), names).await.expect("an answer")
        };
        let every = u64::from(COUNTED_AT_ONCE) + 1;
        assert_eq!(count(None).await, every);
        assert_eq!(count(Some(&["0000.csv", "1000.csv", "held.csv", "nope"])).await, 2);
        assert_eq!(count(Some(&[])).await, 0);
        assert_eq!(world.access.reset(source(), None).await.expect("an answer"), every);
    }
}
