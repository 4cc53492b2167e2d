//! The protocol on a store, with everything that a store does wrong.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use weir_domain::StageId;
use weir_persistence_api::{BlobEntry, MemoryBlobs};

use super::*;
use crate::disk::{at, layout, periodic, pipeline, reported, stage};
use crate::group::{Begin, Order, Wish};
use crate::manifest::{Committable, PartKind, StageManifest};
use crate::table::{Chain, MapTable, Table, compact, entries};
use crate::{Coordinator, Input, Trigger, Upload};

const RETRY: Retry =
    Retry { attempts: 3, wait_first: Duration::from_millis(1), wait_max: Duration::from_millis(2) };

fn on(blobs: &MemoryBlobs) -> Checkpoints {
    Checkpoints::new(Arc::new(blobs.clone()), layout(), RETRY)
}

fn writer(name: &str) -> Writer {
    Writer(name.to_owned())
}

/// A job whose stages do as they are told.
struct Job {
    checkpoints: Checkpoints,
    coordinator: Coordinator,
}

impl Job {
    async fn start(checkpoints: Checkpoints, name: &str) -> Result<Self> {
        let recovered = checkpoints.recover(&writer(name), &RestoreFrom::Newest).await?;
        let coordinator = Coordinator::new(layout(), pipeline(), &recovered);
        Ok(Self { checkpoints, coordinator })
    }

    async fn follow(&mut self, effects: Vec<Effect>) -> Result<Vec<Effect>> {
        let (mut pending, mut seen) = (std::collections::VecDeque::from(effects), Vec::new());
        while let Some(effect) = pending.pop_front() {
            if let Some(stored) = self.checkpoints.perform(&effect).await? {
                pending.extend(self.coordinator.on(Input::Stored(stored)));
            }
            if let Effect::Publish(permit) = &effect {
                let epoch = permit.epoch();
                let published = Input::Published { stage: stage("sink"), epoch };
                pending.extend(self.coordinator.on(published));
            }
            seen.push(effect);
        }
        Ok(seen)
    }

    async fn epoch(&mut self, trigger: Input) -> Result<Epoch> {
        let effects = self.coordinator.on(trigger);
        let [Effect::Announce { epoch, .. }] = effects[..] else { panic!("{effects:?}") };
        let key = self.checkpoints.layout().staged(epoch, &stage("sink"), 1);
        self.checkpoints.put(&key, "rows".into()).await?;
        let committable = Committable { content: Bytes::new(), blobs: vec![key] };
        let committables = [(epoch, committable)].into();
        let sink = StageManifest { committables, ..StageManifest::default() };
        let mut effects = self.coordinator.on(reported("source", epoch, StageManifest::default()));
        effects.extend(self.coordinator.on(reported("sink", epoch, sink)));
        self.follow(effects).await?;
        Ok(epoch)
    }

    fn retention(&self, epochs: usize) -> Retention {
        let coordinator = &self.coordinator;
        Retention {
            epochs,
            generation: coordinator.generation(),
            slot: coordinator.slot(),
            pins: coordinator.pins(),
        }
    }
}

#[tokio::test]
async fn a_job_runs_and_another_goes_on_where_it_was() {
    let blobs = MemoryBlobs::default();
    let mut job = Job::start(on(&blobs), "a").await.unwrap();
    let (_, second) = (job.epoch(periodic()).await.unwrap(), job.epoch(periodic()).await.unwrap());
    let recovered = on(&blobs).recover(&writer("b"), &RestoreFrom::Newest).await.unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, second);
    assert_eq!(recovered.unpublished, []);
    let refused = job.epoch(periodic()).await;
    assert!(refused.is_ok(), "it is told by the coordinator");
    assert_eq!(job.coordinator.on(periodic()), [], "it was deposed");
}

#[tokio::test]
async fn a_store_that_does_what_it_should_and_never_says_so_is_asked_again() {
    let blobs = MemoryBlobs::default();
    let mut job = Job::start(on(&blobs), "a").await.unwrap();
    for unanswered in 1..=2 {
        blobs.faults().unanswered(unanswered);
        let epoch = job.epoch(periodic()).await.unwrap();
        assert_eq!(job.coordinator.restorable(), Some(epoch));
    }
    blobs.faults().lost(2);
    let epoch = job.epoch(periodic()).await.unwrap();
    assert_eq!(job.coordinator.restorable(), Some(epoch));
    blobs.faults().unanswered(2);
    let recovered = on(&blobs).recover(&writer("b"), &RestoreFrom::Newest).await.unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, epoch);
}

#[tokio::test]
async fn a_store_that_is_away_costs_an_epoch_and_not_the_job() {
    let blobs = MemoryBlobs::default();
    let mut job = Job::start(on(&blobs), "a").await.unwrap();
    let first = job.epoch(periodic()).await.unwrap();
    blobs.faults().unavailable();
    let refused = job.epoch(periodic()).await.unwrap_err();
    assert!(matches!(refused, Error::Store(persistence::Error::Unavailable(_))), "{refused}");
    let (lost, _) = job.coordinator.under_way().next().unwrap();
    let effects = job.coordinator.on(Input::Overdue { epoch: lost });
    assert!(matches!(effects[..], [Effect::Abandon { .. }]), "{effects:?}");
    blobs.faults().heal();
    let next = job.epoch(periodic()).await.unwrap();
    assert!(job.coordinator.restorable() == Some(next) && next > lost && lost > first);
}

#[tokio::test]
async fn retries_are_bounded() {
    let calls = Mutex::new(0);
    let failing: persistence::Result<()> = RETRY
        .run(|| async {
            *calls.lock().unwrap() += 1;
            Err(persistence::Error::Unavailable("away".into()))
        })
        .await;
    assert!(failing.is_err());
    assert_eq!(*calls.lock().unwrap(), 3);
    let refused = |calls: &Mutex<u32>| {
        *calls.lock().unwrap() += 1;
        Err::<(), _>(persistence::Error::Rejected("no".into()))
    };
    let refused = RETRY.run(|| async { refused(&calls) }).await;
    assert!(refused.is_err());
    assert_eq!(*calls.lock().unwrap(), 4, "what fails for good is not tried again");
}

#[tokio::test]
async fn savepoints_are_taken_listed_inspected_restored_and_deleted() {
    let blobs = MemoryBlobs::default();
    let mut job = Job::start(on(&blobs), "a").await.unwrap();
    let name = SavepointName::new("before-upgrade").unwrap();
    let trigger = Trigger::Savepoint { at: at(), name: name.clone() };
    let epoch = job.epoch(Input::Trigger(trigger)).await.unwrap();
    for _ in 0..3 {
        job.epoch(periodic()).await.unwrap();
    }
    job.checkpoints.collect(&job.retention(1)).await.unwrap();
    let checkpoints = on(&blobs);
    let listed = checkpoints.savepoints().await.unwrap();
    let [(listed_name, Ok(savepoint))] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((listed_name, savepoint.epoch), (&name, epoch));
    let (inspected, manifest) = checkpoints.savepoint(&name).await.unwrap();
    assert_eq!((&inspected, manifest.epoch), (savepoint, epoch));
    let from = RestoreFrom::Savepoint(name.clone());
    let recovered = checkpoints.recover(&writer("b"), &from).await.unwrap();
    assert_eq!(recovered.manifest, Some(manifest));
    checkpoints.savepoint_delete(&name).await.unwrap();
    let refused = checkpoints.savepoint_delete(&name).await.unwrap_err();
    assert!(matches!(refused, Error::NoSavepoint { .. }), "{refused}");
    assert_eq!(checkpoints.savepoints().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_end_of_a_job_that_is_over_gets_a_name_without_a_coordinator() {
    let blobs = MemoryBlobs::default();
    let name = SavepointName::new("end").unwrap();
    let checkpoints = on(&blobs);
    assert!(!checkpoints.savepoint_of_end(&name, at()).await.unwrap(), "it never ran");
    let mut job = Job::start(checkpoints.clone(), "a").await.unwrap();
    job.epoch(periodic()).await.unwrap();
    assert!(!checkpoints.savepoint_of_end(&name, at()).await.unwrap(), "it runs");
    let ended = Input::Ended { stage: stage("source"), at: at() };
    let last = job.epoch(ended).await.unwrap();
    assert!(checkpoints.savepoint_of_end(&name, at()).await.unwrap());
    assert_eq!(checkpoints.savepoint(&name).await.unwrap().0.epoch, last);
}

#[tokio::test]
async fn a_damaged_savepoint_is_listed_with_the_reason() {
    let blobs = MemoryBlobs::default();
    let name = SavepointName::new("x").unwrap();
    blobs.blob_put(&layout().savepoint(&name), "damaged".into()).await.unwrap();
    let listed = on(&blobs).savepoints().await.unwrap();
    assert!(matches!(&listed[..], [(_, Err(Error::Unreadable { .. }))]), "{listed:?}");
}

#[tokio::test]
async fn tables_go_through_the_store_and_come_back() {
    let blobs = MemoryBlobs::default();
    let checkpoints = on(&blobs);
    let name = weir_domain::TableName::new("counts").unwrap();
    let id: StageId = stage("count");
    let mut table = MapTable::<String, u64>::new(1);
    let mut chain = Chain::new(table.spec());
    for number in 1..=5 {
        let epoch = Epoch::new(1, number);
        table.put(format!("key {number}"), u64::from(number));
        for (at, delta) in table.freeze(epoch).unwrap().encode().into_iter().enumerate() {
            let key = layout().state(epoch, &id, &name, (PartKind::Delta, at));
            checkpoints.put(&key, delta.clone()).await.unwrap();
            chain.push(key, &delta);
        }
    }
    let of = chain.parts()[..3].to_vec();
    let parts = futures::future::try_join_all(of.iter().map(|it| checkpoints.part(it))).await;
    let key = |at| layout().state(Epoch::new(1, 6), &id, &name, (PartKind::Base, at));
    let bases = compact(&parts.unwrap()).unwrap().into_iter().enumerate();
    let bases: Vec<_> = bases.map(|(at, it)| (key(at), it)).collect();
    for (key, base) in &bases {
        checkpoints.put(key, base.clone()).await.unwrap();
    }
    assert!(chain.compacted(&of, bases));
    let parts = futures::future::try_join_all(chain.parts().iter().map(|it| checkpoints.part(it)));
    assert_eq!(entries(&parts.await.unwrap()), Ok(5));

    let mut loaded = MapTable::<String, u64>::new(1);
    for part in chain.parts() {
        loaded.load(&checkpoints.part(part).await.unwrap()).unwrap();
    }
    assert_eq!(loaded.len(), 5);
    let first = &chain.parts()[0];
    blobs.blob_put(&first.key, "another life's".into()).await.unwrap();
    let refused = checkpoints.part(first).await.unwrap_err();
    assert!(matches!(refused, Error::Unreadable { .. }), "{refused}");
    blobs.blob_delete(&first.key).await.unwrap();
    assert!(matches!(checkpoints.part(first).await, Err(Error::Missing { .. })));
}

/// A store whose process dies at its n-th call: that one and all behind it are never done.
struct Dying {
    blobs: MemoryBlobs,
    left: Mutex<u32>,
}

impl Dying {
    fn live(&self) -> persistence::Result<()> {
        let mut left = self.left.lock().unwrap();
        match left.checked_sub(1) {
            None => Err(persistence::Error::Rejected("the process is dead".into())),
            Some(less) => {
                *left = less;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl BlobStore for Dying {
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> persistence::Result<bool> {
        self.live()?;
        self.blobs.blob_create(key, content).await
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> persistence::Result<()> {
        self.live()?;
        self.blobs.blob_put(key, content).await
    }

    async fn blob_get(&self, key: &BlobKey) -> persistence::Result<Option<Bytes>> {
        self.live()?;
        self.blobs.blob_get(key).await
    }

    async fn blob_list(&self, parent: &BlobKey) -> persistence::Result<Vec<BlobEntry>> {
        self.live()?;
        self.blobs.blob_list(parent).await
    }

    async fn blob_delete(&self, key: &BlobKey) -> persistence::Result<()> {
        self.live()?;
        self.blobs.blob_delete(key).await
    }
}

/// Three epochs, one of them with a name, and a collection.
async fn life(checkpoints: Checkpoints) -> Result<()> {
    let mut job = Job::start(checkpoints, "mortal").await?;
    let effects = job.coordinator.outstanding();
    job.follow(effects).await?;
    job.epoch(periodic()).await?;
    let name = SavepointName::new("named").unwrap();
    job.epoch(Input::Trigger(Trigger::Savepoint { at: at(), name })).await?;
    job.epoch(periodic()).await?;
    job.checkpoints.collect(&job.retention(1)).await?;
    Ok(())
}

#[tokio::test]
async fn whatever_call_is_the_last_of_a_process_the_next_goes_on() {
    let mut calls = 0;
    loop {
        let blobs = MemoryBlobs::default();
        Job::start(on(&blobs), "before").await.unwrap().epoch(periodic()).await.unwrap();
        let dying = Dying { blobs: blobs.clone(), left: Mutex::new(calls) };
        let died = life(Checkpoints::new(Arc::new(dying), layout(), RETRY)).await.is_err();
        let mut job = Job::start(on(&blobs), "after").await.unwrap();
        let owed = job.coordinator.outstanding();
        job.follow(owed).await.unwrap();
        let epoch = job.epoch(periodic()).await.unwrap();
        let garbage = job.checkpoints.collect(&job.retention(1)).await.unwrap();
        assert!(garbage.kept.contains(&epoch), "after {calls} calls");
        for (name, savepoint) in job.checkpoints.savepoints().await.unwrap() {
            let (_, manifest) = job.checkpoints.savepoint(&name).await.unwrap();
            assert_eq!(manifest.epoch, savepoint.unwrap().epoch, "after {calls} calls");
            for key in manifest.blobs() {
                job.checkpoints.staged(key).await.unwrap();
            }
        }
        if !died {
            break;
        }
        calls += 1;
    }
    assert!(calls > 30, "{calls}");
}

#[test]
fn an_upload_is_a_value() {
    let upload = Upload { id: "u".into(), content: Bytes::new(), blobs: vec![] };
    let sink = StageManifest { uploads: vec![upload], ..StageManifest::default() };
    let json = serde_json::to_string(&sink).unwrap();
    assert_eq!(serde_json::from_str::<StageManifest>(&json).unwrap(), sink);
}

fn group(blobs: &MemoryBlobs) -> Group {
    Group::new(Arc::new(blobs.clone()), "jobs/flights", RETRY).unwrap()
}

fn order(number: u32, id: &str, jobs: Option<u32>) -> Order {
    let begin = Begin::Nothing;
    let by = "somebody".to_owned();
    Order { number, id: id.to_owned(), begin, jobs, drops_leftovers: false, given_at: at(), by }
}

#[tokio::test]
async fn of_two_orders_under_one_number_one_is_given() {
    let blobs = MemoryBlobs::default();
    let group = group(&blobs);
    assert_eq!(group.newest_order().await.unwrap(), None);
    let (one, other, next) = (order(1, "a", None), order(1, "b", None), order(2, "c", None));
    assert!(group.give(&one).await.unwrap());
    assert!(!group.give(&other).await.unwrap(), "O1");
    assert!(group.give(&one).await.unwrap(), "asked for again it is the same");
    assert!(group.give(&next).await.unwrap());
    assert_eq!(group.newest_order().await.unwrap(), Some(next.clone()));
    assert_eq!(group.orders().await.unwrap(), [one, next]);
    assert_eq!(group.order(3).await.unwrap(), None);
}

#[tokio::test]
async fn how_many_jobs_there_are_is_found_once_and_anew_by_an_order() {
    let group = group(&MemoryBlobs::default());
    assert_eq!(group.jobs(None).await.unwrap(), None);
    assert_eq!(group.agree(None, 2).await.unwrap(), 2);
    assert_eq!(group.agree(None, 3).await.unwrap(), 2, "who came first has said it");
    let (anew, told) = (order(1, "a", None), order(2, "b", Some(2)));
    assert_eq!(group.jobs(Some(&anew)).await.unwrap(), None);
    assert_eq!(group.agree(Some(&anew), 3).await.unwrap(), 3);
    assert_eq!(group.jobs(Some(&anew)).await.unwrap(), Some(3));
    assert_eq!(group.agree(Some(&told), 5).await.unwrap(), 2);
}

#[tokio::test]
async fn a_source_keeps_its_place_until_an_order_lets_jobs_begin_elsewhere() {
    let group = group(&MemoryBlobs::default());
    let (orders, clicks) = (StageId::new("orders").unwrap(), StageId::new("clicks").unwrap());
    let anew = order(1, "a", None);
    let newest = Order { begin: Begin::Newest, ..order(2, "b", Some(2)) };
    for it in [&anew, &newest] {
        assert!(group.give(it).await.unwrap());
    }
    assert_eq!(group.era(None).await.unwrap(), None);
    assert_eq!(group.era(Some(&newest)).await.unwrap(), Some(anew.clone()), "it moves nothing");
    assert_eq!(group.place(None, &orders, "lane").await.unwrap(), "lane");
    assert_eq!(group.place(None, &orders, "lane.x").await.unwrap(), "lane", "O4");
    assert_eq!(group.place(None, &clicks, "lane.clicks").await.unwrap(), "lane.clicks");
    let all = [(clicks.clone(), "lane.clicks".to_owned()), (orders.clone(), "lane".to_owned())];
    assert_eq!(group.places(None).await.unwrap(), all.into());
    assert_eq!(group.places(Some(&anew)).await.unwrap(), [].into());
    group.displace(None, &clicks).await.unwrap();
    assert_eq!(group.places(None).await.unwrap(), [(orders, "lane".to_owned())].into());
}

#[tokio::test]
async fn a_name_is_reserved_once() {
    let group = group(&MemoryBlobs::default());
    let name = SavepointName::new("x").unwrap();
    let wish = |id: &str| Wish {
        name: name.clone(),
        id: id.to_owned(),
        runs: [("lane-1".to_owned(), "a run".to_owned())].into(),
        wanted_at: at(),
        by: "somebody".to_owned(),
    };
    assert_eq!(group.wish(&wish("a")).await.unwrap(), wish("a"));
    assert_eq!(group.wish(&wish("b")).await.unwrap(), wish("a"), "O3");
    assert_eq!(group.wished(&name).await.unwrap(), Some(wish("a")));
    assert_eq!(group.wishes().await.unwrap(), [(name.clone(), Ok(wish("a")))]);
    group.wish_forget(&name).await.unwrap();
    assert_eq!(group.wished(&name).await.unwrap(), None);
    let job = group.job("lane-1").unwrap();
    assert_eq!(job.layout().job().as_str(), "jobs/flights/lane-1");
}

#[tokio::test]
async fn lives_that_claim_nothing_look_after_few_of_those_before() {
    let blobs = MemoryBlobs::default();
    let checkpoints = on(&blobs);
    for life in 1..=40_u32 {
        let recovered =
            checkpoints.recover(&writer(&life.to_string()), &RestoreFrom::Newest).await.unwrap();
        let former = checkpoints.predecessors(&recovered).await.unwrap();
        assert!(former.len() as u32 <= LOOK_BACK + 1, "in life {life}: {former:?}");
        let before = writer(&(life - 1).to_string());
        assert!(life == 1 || former.last() == Some(&before), "in life {life}: {former:?}");
        checkpoints.cleared(&recovered).await.unwrap();
    }
    // One that could not clear away leaves it to the next.
    for life in 41..=43 {
        checkpoints.recover(&writer(&life.to_string()), &RestoreFrom::Newest).await.unwrap();
    }
    let recovered = checkpoints.recover(&writer("44"), &RestoreFrom::Newest).await.unwrap();
    let former = checkpoints.predecessors(&recovered).await.unwrap();
    assert!((40..=43).all(|it| former.contains(&writer(&it.to_string()))), "{former:?}");
}
