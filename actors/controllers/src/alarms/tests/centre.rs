//! The centre with its journal: what it sees, what it is asked, and another one after it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use weir_cluster::{Facts, SingletonSettings, Singletons};
use weir_domain::{Clock, NodeStatus, WorkflowName};
use weir_persistence_api::{LeaseStore, MemoryStore, Store};
use weir_runtime::{HostSettings, System, SystemClock};

use super::judging::{member, node, well};
use super::*;
use crate::alarms::{AlarmCentre, AlarmSingleton, Failure, Lookout, MemberSeen, Sighting};
use crate::{Sender, testing};

const WITHIN: Duration = Duration::from_secs(60);

/// Shows what it was told to.
struct Shown(Mutex<Sighting>);

#[async_trait]
impl Lookout for Shown {
    async fn look(&self, _: &BTreeSet<WorkflowName>) -> Sighting {
        self.0.lock().unwrap().clone()
    }
}

struct Lab {
    system: System,
    centre: AlarmCentre,
    shown: Arc<Shown>,
    singletons: Singletons,
    _facts: watch::Sender<Arc<Facts>>,
}

fn lab(memory: &MemoryStore, clock: &Arc<dyn Clock>) -> Lab {
    let (store, leases): (Arc<dyn Store>, Arc<dyn LeaseStore>) =
        (Arc::new(memory.clone()), Arc::new(memory.clone()));
    let system = testing::system(clock.clone());
    let (facts, seen) = watch::channel(Arc::new(Facts::alone(system.incarnation())));
    let singletons = Singletons::new(&system, leases, seen, None, SingletonSettings::default());
    let shown = Arc::new(Shown(Mutex::new(well())));
    let centre = AlarmCentre::new(singletons.register(AlarmSingleton {
        system: system.clone(),
        store,
        settings: HostSettings::default(),
        lookout: shown.clone(),
    }));
    singletons.begin();
    Lab { system, centre, shown, singletons, _facts: facts }
}

impl Lab {
    fn show(&self, seen: Sighting) {
        *self.shown.0.lock().unwrap() = seen;
    }

    /// Waits until there is such an alarm.
    async fn until(&self, wanted: Wanted, is_right: impl Fn(&[Alarm]) -> bool) -> Vec<Alarm> {
        let asked = Asked { wanted, limit: 10, ..Asked::default() };
        let look = async {
            loop {
                let (page, ..) = self.centre.list(asked.clone()).await.unwrap();
                if is_right(&page.alarms) {
                    return page.alarms;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(WITHIN, look).await.expect("it comes to that")
    }

    async fn confirm(&self, id: AlarmId, command: CommandId) -> Result<Confirmed, Failure> {
        let sender = Sender { user: "ada".parse().unwrap(), command };
        let which = Which::These([id].into());
        self.centre.confirm(which, Some("on it".into()), sender).await
    }
}

fn lost() -> Sighting {
    let mut seen = well();
    let silent = MemberSeen { is_unreachable: true, ..member(NodeStatus::Up) };
    seen.members.as_mut().unwrap().insert(node("node-2"), silent);
    seen
}

#[tokio::test]
async fn what_was_confirmed_stays_so_where_another_centre_goes_on() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let memory = MemoryStore::new(clock.clone());
    let first = lab(&memory, &clock);
    first.show(lost());
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
    second.show(lost());
    let again = second.confirm(id, command).await.unwrap();
    assert_eq!(again, confirmed, "whoever lost the answer is told what it did");
    let kept = second.centre.find(id).await.unwrap().unwrap();
    let seen = kept.confirmation.expect("it was confirmed");
    assert_eq!((seen.by.as_str(), seen.note.as_deref()), ("ada", Some("on it")));
    second.show(well());
    let ended = second.until(Wanted::Ended, |it| !it.is_empty()).await;
    assert_eq!((ended[0].id, ended[0].count), (id, 1), "it was raised once");
    assert!(ended[0].confirmation.is_some());
    let (page, looked_at, unjudged) = second.centre.list(Asked::default()).await.unwrap();
    assert_eq!((page.counts.standing, unjudged), (BySeverity::default(), vec![]));
    assert!(looked_at.is_some());
}
