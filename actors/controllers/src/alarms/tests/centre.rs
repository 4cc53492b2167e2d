//! The centre with its journal: what it sees, what it is asked, and another one after it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use weir_cluster::{Facts, SingletonSettings, Singletons};
use weir_domain::{Clock, NodeStatus, WorkflowName};
use weir_persistence_api::{LeaseStore, MemoryStore, Store};
use weir_runtime::{HostSettings, Stopwatch, System, Uptime};

use super::judging::{member, node, well};
use super::*;
use crate::alarms::{AlarmCentre, AlarmSingleton, Failure, Lookout, MemberSeen, Sighting};
use crate::{Sender, testing};

const WITHIN: Duration = Duration::from_secs(300);

/// What whoever looks finds.
#[derive(Clone)]
enum Shown {
    Seen(Box<Sighting>),
    /// It panics.
    Bug,
    /// It does not come to an end.
    Stuck,
}

struct Scene(Mutex<Shown>);

#[async_trait]
impl Lookout for Scene {
    async fn look(&self, _: &BTreeSet<WorkflowName>) -> Sighting {
        let shown = self.0.lock().unwrap().clone();
        match shown {
            Shown::Seen(it) => *it,
            Shown::Bug => panic!("a bug in the lookout"),
            Shown::Stuck => std::future::pending().await,
        }
    }
}

/// Follows paused time.
struct TestClock(Stopwatch);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000).plus(self.0.elapsed())
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock(Stopwatch::start()))
}

struct Lab {
    system: System,
    centre: AlarmCentre,
    scene: Arc<Scene>,
    singletons: Singletons,
    _facts: watch::Sender<Arc<Facts>>,
}

fn lab(memory: &MemoryStore, clock: &Arc<dyn Clock>) -> Lab {
    let (store, leases): (Arc<dyn Store>, Arc<dyn LeaseStore>) =
        (Arc::new(memory.clone()), Arc::new(memory.clone()));
    let system = testing::system(clock.clone());
    let (facts, seen) = watch::channel(Arc::new(Facts::alone(system.incarnation())));
    let with = (None, Arc::new(Stopwatch::start()) as Arc<dyn Uptime>);
    let singletons =
        Singletons::with_uptime(&system, leases, seen, with, SingletonSettings::default());
    let scene = Arc::new(Scene(Mutex::new(Shown::Seen(Box::new(well())))));
    let centre = AlarmCentre::new(singletons.register(AlarmSingleton {
        system: system.clone(),
        store,
        settings: HostSettings::default(),
        lookout: scene.clone(),
    }));
    singletons.begin();
    Lab { system, centre, scene, singletons, _facts: facts }
}

impl Lab {
    fn show(&self, shown: Shown) {
        *self.scene.0.lock().unwrap() = shown;
    }

    fn see(&self, seen: Sighting) {
        self.show(Shown::Seen(Box::new(seen)));
    }

    /// Waits until there is such an alarm.
    async fn until(&self, wanted: Wanted, is_right: impl Fn(&[Alarm]) -> bool) -> Vec<Alarm> {
        let asked = Asked { wanted, limit: 10, ..Asked::default() };
        wait_until(async || {
            let (page, ..) = self.centre.list(asked.clone()).await.unwrap();
            is_right(&page.alarms).then_some(page.alarms)
        })
        .await
    }

    /// Waits until that can't be judged; why not.
    async fn unjudged(&self, what: &str) -> String {
        wait_until(async || {
            let (.., unjudged) = self.centre.list(Asked::default()).await.unwrap();
            unjudged.into_iter().find(|it| it.what == what).map(|it| it.why)
        })
        .await
    }

    async fn confirm(&self, id: AlarmId, command: CommandId) -> Result<Confirmed, Failure> {
        let sender = Sender { user: "ada".parse().unwrap(), command };
        let which = Which::These([id].into());
        self.centre.confirm(which, Some("on it".into()), sender).await
    }
}

async fn wait_until<T>(found: impl AsyncFn() -> Option<T>) -> T {
    let look = async {
        loop {
            if let Some(found) = found().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(WITHIN, look).await.expect("it comes to that")
}

fn lost() -> Sighting {
    let mut seen = well();
    let silent = MemberSeen { is_unreachable: true, ..member(NodeStatus::Up) };
    seen.members.as_mut().unwrap().insert(node("node-2"), silent);
    seen
}

#[tokio::test(start_paused = true)]
async fn what_was_confirmed_stays_so_where_another_centre_goes_on() {
    let clock = clock();
    let memory = MemoryStore::new(clock.clone());
    let first = lab(&memory, &clock);
    first.see(lost());
    let raised = first.until(Wanted::Standing, |it| !it.is_empty()).await;
    let id = raised[0].id;
    assert_eq!(raised[0].key.to_string(), "node-unreachable:node-2");
    let next = || first.system.ids().command();
    let command = next();
    let confirmed = first.confirm(id, command).await.unwrap();
    assert_eq!((&confirmed.now, &confirmed.before), (&vec![id], &vec![]));
    let another = first.confirm(id, next()).await.unwrap();
    assert_eq!((another.now, another.before), (vec![], vec![id]));
    let unknown = first.confirm(AlarmId(99), next()).await.unwrap_err();
    assert!(matches!(unknown, Failure::Rejected(Rejection::Unknown(AlarmId(99)))));
    first.singletons.hand_over_all().await.unwrap();

    let second = lab(&memory, &clock);
    second.see(lost());
    let again = second.confirm(id, command).await.unwrap();
    assert_eq!(again, confirmed, "whoever lost the answer is told what it did");
    let kept = second.centre.find(id).await.unwrap().unwrap();
    let seen = kept.confirmation.expect("it was confirmed");
    assert_eq!((seen.by.as_str(), seen.note.as_deref()), ("ada", Some("on it")));
    second.see(well());
    let ended = second.until(Wanted::Ended, |it| !it.is_empty()).await;
    assert_eq!((ended[0].id, ended[0].count), (id, 1), "it was raised once");
    assert!(ended[0].confirmation.is_some());
    let (page, looked_at, unjudged) = second.centre.list(Asked::default()).await.unwrap();
    assert_eq!((page.counts.standing, unjudged), (BySeverity::default(), vec![]));
    assert!(looked_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn who_panics_is_replaced_and_who_does_not_come_to_an_end_is_told_of() {
    let clock = clock();
    let memory = MemoryStore::new(clock.clone());
    let lab = lab(&memory, &clock);
    lab.see(lost());
    lab.until(Wanted::Standing, |it| !it.is_empty()).await;
    lab.show(Shown::Bug);
    assert_eq!(lab.unjudged("all").await, "nobody has looked for 15 s");
    lab.see(well());
    lab.until(Wanted::Standing, <[Alarm]>::is_empty).await;
    let (.., unjudged) = lab.centre.list(Asked::default()).await.unwrap();
    assert_eq!(unjudged, []);
    lab.show(Shown::Stuck);
    assert_eq!(lab.unjudged("all").await, "nobody has looked for 15 s");
}
