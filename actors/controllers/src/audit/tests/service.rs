//! The service on a store: what is recorded, read, dropped and repeated.

use std::sync::Arc;
use std::time::Duration;

use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::Clock;
use weir_persistence_api::{
    Acquired, Fence, Journal, LeaseName, LeaseStore, MemoryStore, PersistenceId,
};
use weir_runtime::{RestartPolicy, System, SystemClock};

use super::*;
use crate::testing;

const HOUR: Duration = Duration::from_secs(3_600);

struct Lab {
    system: System,
    store: MemoryStore,
    instance: Instance<AuditService>,
}

async fn started(system: &System, store: &MemoryStore) -> Instance<AuditService> {
    let lease = LeaseName(LEASE.to_owned());
    let granted = store.lease_acquire(&lease, system.owner(), HOUR).await;
    let Ok(Acquired::Granted(fence)) = granted else { panic!("{granted:?}") };
    start(system, store, fence).await
}

async fn start(system: &System, store: &MemoryStore, fence: Fence) -> Instance<AuditService> {
    let singleton = AuditSingleton {
        system: system.clone(),
        store: Arc::new(store.clone()),
        restarts: RestartPolicy::default(),
    };
    singleton.start(fence).await.unwrap()
}

impl Lab {
    async fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = MemoryStore::new(clock.clone());
        let system = testing::system(clock);
        let instance = started(&system, &store).await;
        Self { system, store, instance }
    }

    async fn try_ask(&self, request: Request) -> Result<Response, Unavailable> {
        let command = match &request {
            Request::Record(it) => it.request,
            _ => self.system.ids().command(),
        };
        let context = RequestContext { command, within: HOUR, epoch: 1 };
        self.instance.service.serve(request, context).await
    }

    async fn ask(&self, request: Request) -> Response {
        self.try_ask(request).await.unwrap()
    }

    async fn record(&self, n: u128) -> u64 {
        match self.ask(Request::Record(Box::new(action(n)))).await {
            Response::Recorded(it) => it.sequence,
            other => panic!("{other:?}"),
        }
    }

    async fn read(&self) -> Vec<AuditEntry> {
        match self.ask(Request::Read { after: 0, limit: 1_000 }).await {
            Response::Read(it) => it,
            other => panic!("{other:?}"),
        }
    }

    async fn list(
        &self,
        filter: AuditFilter,
        before: Option<u64>,
        limit: u32,
    ) -> (Vec<u64>, Option<u64>) {
        match self.ask(Request::List { filter, before, limit }).await {
            Response::Listed { entries, next } => {
                (entries.iter().map(|it| it.sequence).collect(), next)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn entries_are_chained_across_instances_and_a_request_is_recorded_once() {
    let mut lab = Lab::new().await;
    assert_eq!([lab.record(1).await, lab.record(2).await, lab.record(1).await], [1, 2, 1]);
    lab.instance.control.stop(HOUR).await;
    lab.instance = started(&lab.system, &lab.store).await;
    assert_eq!([lab.record(2).await, lab.record(3).await], [2, 3]);
    let entries = lab.read().await;
    assert_eq!(verify(&entries).map(|it| it.sequence), Ok(3));
}

#[tokio::test]
async fn a_write_whose_outcome_is_not_known_is_found_again() {
    let lab = Lab::new().await;
    lab.record(1).await;
    lab.store.faults().unanswered(1);
    let record = Request::Record(Box::new(action(2)));
    let lost = lab.try_ask(record.clone()).await;
    assert!(lost.is_err_and(|it| it.is_uncertain));
    assert!(matches!(lab.ask(record).await, Response::Recorded(it) if it.sequence == 2));
    assert_eq!(lab.record(3).await, 3);
    assert_eq!(verify(&lab.read().await).map(|it| it.sequence), Ok(3));
}

#[tokio::test]
async fn a_deposed_instance_records_nothing() {
    let lab = Lab::new().await;
    lab.record(1).await;
    let successor = started(&lab.system, &lab.store).await;
    let refused = lab.try_ask(Request::Record(Box::new(action(2)))).await;
    assert!(refused.is_err());
    let lab = Lab { instance: successor, ..lab };
    assert_eq!(lab.record(2).await, 2);
}

#[tokio::test]
async fn a_secret_is_masked_before_it_is_stored() {
    let lab = Lab::new().await;
    let action = AuditAction {
        after: Some(json!({ "password": "hunter2" })),
        outcome: AuditOutcome::Refused("the key AGE-SECRET-KEY-1hunter2 is none".into()),
        ..action(1)
    };
    lab.ask(Request::Record(Box::new(action))).await;
    let stored = lab.store.replay(&PersistenceId(LEASE.into()), 0, 10).await.unwrap();
    let stored = String::from_utf8(stored[0].payload.to_vec()).unwrap();
    assert!(stored.contains("\"password\":\"***\"") && !stored.contains("hunter2"), "{stored}");
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let lab = Lab::new().await;
    for n in 1..=7 {
        lab.record(n).await;
    }
    let all = AuditFilter::default();
    assert_eq!(lab.list(all.clone(), None, 3).await, (vec![7, 6, 5], Some(5)));
    assert_eq!(lab.list(all.clone(), Some(5), 4).await, (vec![4, 3, 2, 1], None));
    assert_eq!(lab.list(all.clone(), Some(1), 4).await, (vec![], None));
    let one = AuditFilter { object: Some("key/3".into()), ..all.clone() };
    assert_eq!(lab.list(one, None, 4).await, (vec![3], None));
    let nobody = AuditFilter { user: Some("eve".parse().unwrap()), ..all };
    assert_eq!(lab.list(nobody, None, 4).await, (vec![], None));
}

#[tokio::test]
async fn a_prefix_is_dropped_with_a_seal_and_the_rest_stays_good() {
    let lab = Lab::new().await;
    for n in 1..=5 {
        lab.record(n).await;
    }
    let seal =
        |through| Request::Seal { through, by: "ada".parse().unwrap(), from: "127.0.0.1".into() };
    assert!(matches!(lab.ask(seal(3)).await, Response::Recorded(it) if it.sequence == 6));
    let dropped = async {
        while lab.read().await.len() > 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HOUR, dropped).await.expect("sealed entries go");
    let left: Vec<_> = lab.read().await;
    assert_eq!(left.iter().map(|it| it.sequence).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(verify(&left).map(|it| it.sequence), Ok(6));
    assert_eq!(lab.list(AuditFilter::default(), None, 9).await, (vec![6, 5, 4], None));
    for bad in [0, 3, 7] {
        assert!(matches!(lab.ask(seal(bad)).await, Response::Failed(_)), "{bad}");
    }
    assert_eq!(lab.record(9).await, 7);
}
