//! An engine whose scheduler is the real one, on a store in memory, in a cluster whose members are
//! only said to be there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::watch;
use weir_cluster::{Facts, SingletonSettings, Singletons, View};
use weir_controllers::alarms::{AlarmCentre, AlarmSingleton, Lookout, Sighting};
use weir_controllers::audit::{Audit, AuditSingleton};
use weir_controllers::deployments::{DeploymentSingleton, DeploymentStorage, Packages, Signers};
use weir_controllers::keys::{KeySingleton, KeyStorage, Masters};
use weir_controllers::resources::{Owners, ResourceCoordinator, ResourceSingleton};
use weir_controllers::scheduler::{
    Command, Effect, Registration, Schedule, Scheduler, SchedulerSingleton,
};
use weir_controllers::users::{SetUpFile, UserSingleton, UserStorage};
use weir_domain::schedule::{Deployed, DeployedWorkflow};
use weir_domain::{
    Clock, Fault, Incarnation, Member, NodeName, NodeStatus, NodeUid, Timestamp, WorkflowName,
};
use weir_http_server::{Guard, Here, Limits, Storages, engine};
use weir_package::Trust;
use weir_persistence_api::{Fence, LeaseStore, MemoryStore, Store};
use weir_runtime::{
    EffectHandler, HostSettings, IdSource, NoEffects, PhaseTimeouts, RestartPolicy, System,
    SystemClock, SystemSettings,
};
use weir_secrets::MasterKey;

use crate::fake_cluster::FakeCluster;
use crate::fixture::{FakeEngine, read, served};

/// Orders go nowhere: no node is there to follow them.
struct Nowhere;

#[async_trait::async_trait]
impl EffectHandler<Schedule> for Nowhere {
    async fn run(&self, _: &Effect, _: &Fence) -> Result<Option<Command>, Fault> {
        Ok(None)
    }
}

/// No package comes, no resource is held, and nothing is seen.
struct Nobody;

#[async_trait::async_trait]
impl Lookout for Nobody {
    async fn look(&self, _: &BTreeSet<WorkflowName>) -> Sighting {
        let nobody = || "nobody looks".to_owned();
        Sighting {
            members: Err(nobody()),
            store_trouble: None,
            controllers: Err(nobody()),
            nodes: BTreeMap::new(),
            workflows: Err(nobody()),
            schedule: Err(nobody()),
            activations: Err(nobody()),
            letters: BTreeMap::new(),
        }
    }
}

impl Owners for Nobody {
    fn is_gone(&self, _: &str) -> bool {
        false
    }
}

impl Signers for Nobody {
    fn trust(&self) -> Result<Trust, Fault> {
        Ok(Trust::Only(BTreeSet::new()))
    }
}

pub(crate) struct Lab {
    pub(crate) base: String,
    scheduler: Scheduler,
    view: watch::Sender<Arc<View>>,
    me: Incarnation,
    version: u64,
    _facts: watch::Sender<Arc<Facts>>,
}

fn life(name: &str) -> Incarnation {
    let number =
        name.trim_start_matches(|it: char| !it.is_ascii_digit()).parse().unwrap_or_default();
    let uid = NodeUid(uuid::Uuid::from_u128(number));
    Incarnation { name: NodeName::new(name).unwrap(), uid }
}

fn member(name: &str) -> Member {
    Member {
        node: life(name),
        address: format!("weir://weir@{name}:5843").parse().unwrap(),
        rest: String::new(),
        roles: [].into(),
        version: String::new(),
        status: NodeStatus::Up,
        up_number: 1,
        joined_at: Timestamp(0),
        changed_at: Timestamp(0),
        reason: String::new(),
    }
}

impl Lab {
    /// A cluster of these nodes, each with these workflows deployed.
    pub(crate) async fn of(nodes: &[&str], workflows: &[&str]) -> Self {
        let (mut lab, singletons) = Self::silent().await;
        singletons.begin();
        lab.members(nodes);
        for node in nodes {
            lab.deploy(node, workflows).await;
        }
        lab
    }

    /// One whose scheduler gives no answer until the singletons begin.
    pub(crate) async fn silent() -> (Self, Singletons) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let memory = MemoryStore::new(clock.clone());
        let (store, leases): (Arc<dyn Store>, Arc<dyn LeaseStore>) =
            (Arc::new(memory.clone()), Arc::new(memory));
        let system = System::new(SystemSettings {
            node: NodeName::new("one").unwrap(),
            ids: IdSource::new(clock.clone()),
            clock,
            shutdown: PhaseTimeouts::default(),
        });
        let me = system.incarnation();
        let (facts, seen) = watch::channel(Arc::new(Facts::alone(me.clone())));
        let singletons =
            |of| Singletons::new(&system, leases.clone(), of, None, SingletonSettings::default());
        let (ours, others) = (singletons(seen.clone()), singletons(seen));
        let (view, members) = watch::channel(Arc::new(View::empty(me.clone())));
        let scheduler = Scheduler::new(ours.register(SchedulerSingleton {
            system: system.clone(),
            store: store.clone(),
            effects: Arc::new(Nowhere),
            settings: HostSettings::default(),
            view: members,
        }));
        let storages = storages(&system, &others, &store, (scheduler.clone(), view.subscribe()));
        let (engine, cluster) = (Arc::new(FakeEngine::new()), Arc::new(FakeCluster::new()));
        let guard = Guard::closed().or_from_here(Here::Everything);
        let router = engine::router(engine, cluster, guard, Limits::default());
        let base = served(storages.beside(router)).await;
        (Self { base, scheduler, view, me, version: 0, _facts: facts }, ours)
    }

    /// The same, asked through another server.
    pub(crate) fn through(self, server: String) -> Self {
        Self { base: server, ..self }
    }

    /// Who is in the cluster from now on.
    pub(crate) fn members(&mut self, names: &[&str]) {
        self.version += 1;
        let members = names.iter().map(|it| member(it)).collect();
        let view = View { members, version: self.version, ..View::empty(self.me.clone()) };
        self.view.send(Arc::new(view)).unwrap();
    }

    /// What a node says that it has deployed; the scheduler must have seen that it is a member.
    pub(crate) async fn deploy(&self, node: &str, workflows: &[&str]) {
        let workflow = |it: &&str| (it.parse().unwrap(), DeployedWorkflow::default());
        let deployed = Deployed { workflows: workflows.iter().map(workflow).collect() };
        let (node, deployment) = (life(node), workflows.join("+"));
        let registration = Registration { node, deployment, deployed, at: Timestamp(1) };
        for _ in 0..500 {
            if self.scheduler.register(registration.clone()).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{registration:?} was not taken");
    }

    /// Asks until the answer is as it shall be: what members do arrives beside it.
    pub(crate) async fn wait(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..500 {
            last = self.get(path).await;
            if is_so(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} never became so: {last:#}");
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.request(method, format!("{}/api/v1/{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        done(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        done(self.request(Method::POST, path).json(&body)).await
    }

    /// Instances of a workflow by node, those without any left out.
    pub(crate) async fn counts(&self, workflow: &str) -> BTreeMap<String, u64> {
        counts(&self.get(&format!("scheduler/workflows/{workflow}")).await["nodes"])
    }
}

pub(crate) fn counts(nodes: &Value) -> BTreeMap<String, u64> {
    let nodes = nodes.as_object().unwrap().iter();
    nodes.map(|(node, count)| (node.clone(), count.as_u64().unwrap())).collect()
}

pub(crate) async fn done(request: RequestBuilder) -> Value {
    let (status, value) = answered(request).await;
    assert_eq!(status, 200, "{value:#}");
    value
}

pub(crate) async fn answered(request: RequestBuilder) -> (u16, Value) {
    let (status, _, body) = read(request.send().await.unwrap()).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// Beside the scheduler everything is silent: `singletons` never begins.
fn storages(
    system: &System,
    singletons: &Singletons,
    store: &Arc<dyn Store>,
    (scheduler, view): (Scheduler, watch::Receiver<Arc<View>>),
) -> Storages {
    let keys = KeySingleton {
        system: system.clone(),
        store: store.clone(),
        settings: HostSettings::default(),
        masters: Masters { current: MasterKey::generate(), former: vec![] },
    };
    let users = UserSingleton {
        outside: weir_controllers::users::Outside::default(),
        system: system.clone(),
        store: store.clone(),
        settings: HostSettings::default(),
        notice: Arc::new(SetUpFile(PathBuf::new())),
    };
    let deployments = DeploymentSingleton {
        system: system.clone(),
        store: store.clone(),
        effects: Arc::new(NoEffects),
        settings: HostSettings::default(),
        view,
    };
    let resources = ResourceSingleton {
        system: system.clone(),
        store: store.clone(),
        settings: HostSettings::default(),
        owners: Arc::new(Nobody),
    };
    let restarts = RestartPolicy::default();
    let audit = AuditSingleton { system: system.clone(), store: store.clone(), restarts };
    let alarms = AlarmSingleton {
        system: system.clone(),
        store: store.clone(),
        settings: HostSettings::default(),
        lookout: Arc::new(Nobody),
    };
    Storages {
        alarms: AlarmCentre::new(singletons.register(alarms)),
        keys: KeyStorage::new(singletons.register(keys)),
        users: UserStorage::new(singletons.register(users), system.ids().clone()),
        audit: Audit::new(singletons.register(audit)),
        scheduler,
        deployments: DeploymentStorage::new(singletons.register(deployments)),
        resources: ResourceCoordinator::new(singletons.register(resources)),
        packages: Packages::new(system.clone(), store.clone(), Arc::new(Nobody)),
        system: system.clone(),
    }
}
