//! Sources and items as the Access Coordinator remembers them, and sweeps over them.

use std::time::Duration;

use weir_controllers::access::{AccessCoordinator, Answer, Failure};
use weir_domain::{SourceName, SweepId, Timestamp};
use weir_http_api::{ItemView, SourceCountView, SourceView, SweepAction, SweepView};
use weir_http_server::{ItemFilter, ItemPlace, Refusal, SweepRequest};
use weir_persistence_api::{
    self as store, Error, ItemChange, ItemRow, SourceCount, SourceRow, Sweep,
};

use super::unavailable;

/// How long a request waits for the end of a sweep before it is told how far it came.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn list(
    access: &AccessCoordinator,
    filter: ItemFilter,
    after: Option<ItemPlace>,
    limit: u32,
) -> Answer<(Vec<ItemView>, Option<ItemPlace>)> {
    let after =
        after.map(|(source, claimed_at, item)| store::ItemPlace { source, claimed_at, item });
    let page = access.page(stored(filter), after, limit).await?;
    let next = page.next.map(|it| (it.source, it.claimed_at, it.item));
    Ok((page.rows.into_iter().map(view).collect(), next))
}

fn stored(filter: ItemFilter) -> store::ItemFilter {
    let ItemFilter { source, status, names, pattern, since, until } = filter;
    store::ItemFilter { source, status, names, pattern, since, until }
}

fn view(row: ItemRow) -> ItemView {
    ItemView {
        source: row.source,
        name: row.item,
        status: row.status,
        size: row.fingerprint.size,
        modified_at: Timestamp(row.fingerprint.modified_ns.div_euclid(1_000_000)),
        stream: row.stream,
        owner: Some(row.owner).filter(|it| !it.is_empty()),
        instance: row.instance,
        claimed_at: row.claimed_at,
        settled_at: row.settled_at,
        cleared_at: row.cleared_at,
    }
}

pub(super) async fn sources(
    access: &AccessCoordinator,
    after: Option<SourceName>,
    limit: u32,
) -> Answer<Vec<SourceView>> {
    let count = |SourceCount { count, has_more }| SourceCountView { count, has_more };
    let view = |SourceRow { source, counts }| {
        let counts = counts.into_iter().map(|(status, it)| (status, count(it))).collect();
        SourceView { source, counts }
    };
    Ok(access.sources(after, limit).await?.into_iter().map(view).collect())
}

/// Begins a sweep under its key. A key that stands for another one is refused.
pub(super) async fn sweep(
    access: &AccessCoordinator,
    id: SweepId,
    request: SweepRequest,
    now: Timestamp,
) -> Result<SweepView, Refusal> {
    let SweepRequest { action, dry_run, source, filter, by, .. } = request;
    let asked = Sweep {
        id,
        change: change(action),
        dry_run,
        filter: store::ItemFilter { source: Some(source), ..stored(filter) },
        by,
        begun_at: now,
        ended_at: None,
        after: None,
        examined: 0,
        changed: 0,
        kept: 0,
        revision: 0,
    };
    let key = (asked.change, asked.dry_run, asked.filter.clone());
    let sweep = access.sweep(asked, PATIENCE).await.map_err(|it| refused(&it))?;
    if (sweep.change, sweep.dry_run, sweep.filter.clone()) != key {
        return Err(Refusal::Conflict {
            detail: format!("the idempotency key {id} stands for another command already"),
            hint: Some("send each command with a key of its own".to_owned()),
        });
    }
    Ok(sweep_view(sweep))
}

fn refused(failure: &Failure) -> Refusal {
    let fault = unavailable(failure);
    match failure {
        Failure::Store(Error::Unavailable(_)) => Refusal::Later { fault, after: PATIENCE },
        Failure::Store(_) => fault.into(),
        Failure::Proxy(error) => super::refused(error),
    }
}

fn change(action: SweepAction) -> ItemChange {
    match action {
        SweepAction::Reset => ItemChange::Forget,
        SweepAction::Clear => ItemChange::Clear,
        SweepAction::Deny => ItemChange::Deny,
    }
}

pub(super) fn sweep_view(sweep: Sweep) -> SweepView {
    SweepView {
        id: sweep.id,
        action: match sweep.change {
            ItemChange::Forget => SweepAction::Reset,
            ItemChange::Clear => SweepAction::Clear,
            ItemChange::Deny => SweepAction::Deny,
        },
        source: sweep.filter.source.unwrap_or_else(|| SourceName::stored("")),
        dry_run: sweep.dry_run,
        count: sweep.changed,
        kept: sweep.kept,
        examined: sweep.examined,
        by: sweep.by,
        begun_at: sweep.begun_at,
        ended_at: sweep.ended_at,
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
                clearance: false,
                instance: None,
                interval: None,
                lists_more: false,
            };
            self.access.claim(request).await.expect("an answer").map(|it| it.id)
        }

        fn request(&self, names: Option<Vec<String>>, dry_run: bool) -> SweepRequest {
            SweepRequest {
                id: None,
                action: SweepAction::Reset,
                dry_run,
                source: source(),
                filter: ItemFilter { names, ..ItemFilter::default() },
                by: "somebody".to_owned(),
            }
        }

        /// A sweep with the n-th key.
        async fn sweep(&self, n: u32, request: SweepRequest) -> Result<SweepView, Refusal> {
            let id = format!("{n:032x}").parse().expect("hexadecimal digits are an id");
            sweep(&self.access, id, request, NOW).await
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
        let all = async || {
            let page = list(&world.access, ItemFilter::default(), None, 10).await;
            let items = page.expect("an answer").0;
            items.into_iter().map(|it| (it.name, it.status, it.modified_at)).collect::<Vec<_>>()
        };
        assert_eq!(all().await, [("a.csv".to_owned(), ItemStatus::Failed, Timestamp(-1))]);
        let request = world.request(Some(vec!["a.csv".to_owned()]), false);
        assert_eq!(world.sweep(1, request).await.map(|it| it.count), Ok(1));
        let pending = ItemStatus::Pending;
        assert_eq!(all().await, [("a.csv".to_owned(), pending, Timestamp(-1))], "it is there");
        assert!(world.claim("a.csv").await.is_some());
    }

    #[tokio::test]
    async fn what_would_be_reset_is_counted_to_the_end_without_what_is_held() {
        let mut world = World::new().await;
        for n in 0..=1_000 {
            world.fail(&format!("{n:04}.csv")).await;
        }
        world.claim("held.csv").await.expect("it was free");
        let counted = world.sweep(1, world.request(None, true)).await.expect("an answer");
        assert_eq!((counted.count, counted.kept, counted.ended_at), (1_001, 1, Some(NOW)));
        let names = ["0000.csv", "1000.csv", "held.csv", "nope"].map(str::to_owned);
        let named = world.sweep(2, world.request(Some(names.into()), true)).await;
        assert_eq!(named.map(|it| (it.count, it.kept)), Ok((2, 1)));
        let none = world.sweep(3, world.request(Some(vec![]), true)).await;
        assert_eq!(none.map(|it| it.count), Ok(0));
        let reset = world.sweep(4, world.request(None, false)).await;
        assert_eq!(reset.map(|it| it.count), Ok(1_001));
        let again = world.sweep(4, world.request(None, false)).await;
        assert_eq!(again.map(|it| it.count), Ok(1_001), "it is done once");
        let other = world.sweep(4, world.request(None, true)).await;
        assert!(matches!(other, Err(Refusal::Conflict { .. })), "{other:?}");
    }
}
