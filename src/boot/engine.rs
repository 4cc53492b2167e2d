//! One engine: its store, its part in the cluster, the controllers that it may host, its workflows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use weir_cluster::{ReceiverEpochs, View};
use weir_controllers::access::{AccessCoordinator, AccessSingleton};
use weir_controllers::alarms::{AlarmCentre, AlarmSingleton};
use weir_controllers::audit::{Audit, AuditSingleton};
use weir_controllers::deployments::{DeploymentSingleton, DeploymentStorage, Packages};
use weir_controllers::keys::{KeySingleton, KeyStorage};
use weir_controllers::resources::{ResourceCoordinator, ResourceSingleton};
use weir_controllers::scheduler::{Grace, Scheduler, SchedulerSingleton};
use weir_controllers::streams::{StreamMonitor, StreamSingleton};
use weir_controllers::users::{SetUpFile, UserSingleton, UserStorage};
use weir_domain::{Fault, Millis, NodeName, NodeUid};
use weir_http_server::Storages;
use weir_persistence_api::LogBound;
use weir_persistence_sql::{Backend, Database};
use weir_remote::Manifest;
use weir_runtime::{
    HostSettings, IdSource, Phase, PhaseTimeouts, RestartPolicy, Stopwatch, System, SystemClock,
    SystemSettings,
};
use weir_stream::{
    LetterTallies, Limits, LiveClaims, LiveStreams, Registry, ReplayCalls, Resumed, Running,
    Services, Taps, resume,
};

use super::activation::{self, Activation, Followed};
use super::alarms::Outlook;
use super::announcer::Announcer;
use super::bell::Bell;
use super::certificates::Certificates;
use super::checkpoints;
use super::gathering::Gathering;
use super::instances::Instances;
use super::logs::Logs;
use super::master;
use super::membership::{Membership, Others};
use super::orders::Dispatcher;
use super::packages::Signing;
use super::ports::{AccessPort, MonitorPort};
use super::process::Process;
use super::refusal;
use super::sniffing::Sniffing;
use super::steering::Steering;
use super::versions::VersionPort;
use weir_operators::conditions;

/// How long streams that are rolled back may take to clear away what they staged.
pub(crate) const ABORT_WITHIN: Duration = Duration::from_secs(15);
/// How engines tell each other that a replay was asked for.
const REPLAYS: (&str, Manifest) = ("replays", Manifest::new("replays.Asked", 1));
/// How they tell each other that what an engine had claimed that is gone is free again.
const RELEASES: (&str, Manifest) = ("releases", Manifest::new("releases.Made", 1));
/// How long an instance that was aborted may take to clear away before it is ended without that.
const TERMINATE_AFTER: Duration = Duration::from_secs(10);
/// How long the lease of a controller may take to be released after it has ended.
const RELEASE_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait before what is still owed is tried again.
const PAY_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// The same where nobody could say what is owed.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before a first look at what is owed is repeated.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Where the secret that makes the first administrator is kept, in the data directory.
pub(super) const SET_UP_FILE: &str = "set-up-secret";

/// What an engine is started with.
pub(crate) struct EngineOptions {
    pub(crate) node: NodeName,
    pub(crate) backend: Backend,
    pub(crate) migrates: bool,
    pub(crate) host: HostSettings,
    pub(crate) limits: Limits,
    /// Threads that open streams may block, all together.
    pub(crate) threads: usize,
    pub(crate) restarts: RestartPolicy,
    /// Open streams finish within it, or are rolled back.
    pub(crate) drain_within: Duration,
    /// A pipeline that counts nothing for so long is taken to be stuck.
    pub(crate) progress_within: Duration,
    /// Closed streams kept of each workflow.
    pub(crate) streams_kept: u32,
    /// And how long, if that is bounded.
    pub(crate) streams_kept_for: Option<Millis>,
    pub(crate) log_of_a_stream: LogBound,
}

/// A started engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) system: System,
    pub(crate) store: Arc<dyn Database>,
    pub(crate) membership: Membership,
    pub(crate) access: AccessCoordinator,
    pub(crate) monitor: StreamMonitor,
    pub(crate) deployments: DeploymentStorage,
    pub(crate) steering: Steering,
    pub(crate) sniffing: Sniffing,
    /// What it remembers of dead letters that it counted.
    pub(crate) tallies: LetterTallies,
    /// Rung when a replay of dead letters is asked for.
    pub(crate) replays: Bell,
    /// Rung when what an engine had claimed that is gone is free again: whoever frees it may have no instance
    /// of the workflow.
    releases: Bell,
    pub(crate) gathering: Gathering,
    pub(crate) logs: Logs,
    pub(crate) activation: Activation,
    pub(crate) storages: Storages,
    pub(crate) services: Services,
    pub(crate) certificates: Certificates,
}

impl Engine {
    /// Opens the store, begins to join the cluster, and competes for the controllers. No workflow
    /// runs before `begin`. `rest` is where the REST API of this engine is.
    pub(crate) async fn start(
        process: &Process,
        registry: Registry,
        rest: String,
    ) -> anyhow::Result<Self> {
        let options = process.engine_options()?;
        let clock = Arc::new(SystemClock);
        let system = System::new(SystemSettings {
            node: options.node,
            ids: IdSource::new(clock.clone()),
            clock: clock.clone(),
            shutdown: process.phase_timeouts(),
        });
        let masters = master::load(process)?;
        let store = open(options.backend, options.migrates, clock).await?;
        let membership = Membership::begin(process, &system, &store, rest).await?;
        let singletons = &membership.singletons;
        let restarts = options.restarts;
        let access = AccessCoordinator::new(singletons.register(AccessSingleton {
            system: system.clone(),
            store: store.clone(),
            restarts,
        }));
        let history = singletons.register(StreamSingleton {
            store: store.clone(),
            clock: system.clock().clone(),
            keep: options.streams_kept,
            keep_for: options.streams_kept_for,
            log: options.log_of_a_stream,
        });
        let monitor = StreamMonitor::spawn(&system, history, restarts).await?;
        let followed = Followed::default();
        let versions = Arc::new(VersionPort::new(store.clone(), followed.clone()));
        let services = Services {
            system: system.clone(),
            registry: Arc::new(registry),
            access: Arc::new(AccessPort::new(access.clone())),
            monitor: Arc::new(MonitorPort(monitor.clone())),
            checkpoints: checkpoints::open(&process.settings, store.clone(), &system).await?,
            peers: Arc::new(Others(membership.cluster.clone())),
            limits: options.limits,
            live: LiveClaims::default(),
            running: Running::default(),
            streams: LiveStreams::default(),
            taps: Taps::with_conditions(conditions(system.clock().clone())),
            replays: ReplayCalls::default(),
            versions: versions.clone(),
            threads: Arc::new(Semaphore::new(options.threads)),
        };
        let keys = KeyStorage::new(singletons.register(KeySingleton {
            system: system.clone(),
            store: store.clone(),
            settings: options.host.clone(),
            masters,
        }));
        let (dispatcher, inbox) = Dispatcher::listen(&membership);
        let scheduler = Scheduler::new(singletons.register(SchedulerSingleton {
            system: system.clone(),
            store: store.clone(),
            effects: Arc::new(dispatcher),
            settings: options.host.clone(),
            view: membership.cluster.view(),
        }));
        let grace = Grace {
            shutdown: options.drain_within,
            abort: TERMINATE_AFTER,
            progress: options.progress_within,
            restarts,
        };
        let orders = (inbox, ReceiverEpochs::default());
        let instances = Instances::begin(&system, scheduler.clone(), orders, grace);
        let activation = Activation::new(activation::Parts {
            services: services.clone(),
            instances,
            scheduler: scheduler.clone(),
            keys: keys.clone(),
            store: store.clone(),
            cluster: membership.cluster.clone(),
            followed,
            retry: restarts.backoff,
        });
        let ground = (&system, &store);
        let announcer = Announcer::listen(&activation, &membership, ground, &scheduler);
        let deployments = DeploymentStorage::new(singletons.register(DeploymentSingleton {
            system: system.clone(),
            store: store.clone(),
            effects: Arc::new(announcer),
            settings: options.host.clone(),
            view: membership.cluster.view(),
        }));
        versions.ask(deployments.clone());
        let resources = ResourceSingleton {
            system: system.clone(),
            store: store.clone(),
            settings: options.host.clone(),
            owners: Arc::new(Others(membership.cluster.clone())),
        };
        let users = UserSingleton {
            system: system.clone(),
            store: store.clone(),
            settings: options.host.clone(),
            notice: Arc::new(SetUpFile(process.data_dir.path.join(SET_UP_FILE))),
            outside: weir_identity::outside(&process.settings.users)?,
        };
        let audit = AuditSingleton { system: system.clone(), store: store.clone(), restarts };
        let gathering = Gathering::listen(activation.clone(), &membership);
        let tallies = LetterTallies::default();
        let alarms = AlarmSingleton {
            system: system.clone(),
            store: store.clone(),
            settings: options.host,
            lookout: Arc::new(Outlook {
                membership: membership.clone(),
                gathering: gathering.clone(),
                scheduler: scheduler.clone(),
                deployments: deployments.clone(),
                services: services.clone(),
                tallies: tallies.clone(),
                rounds: Mutex::default(),
                up: Stopwatch::start(),
            }),
        };
        let storages = Storages {
            alarms: AlarmCentre::new(singletons.register(alarms)),
            keys,
            users: UserStorage::new(singletons.register(users), system.ids().clone()),
            audit: Audit::new(singletons.register(audit)),
            scheduler: scheduler.clone(),
            deployments: deployments.clone(),
            packages: Packages::new(
                system.clone(),
                store.clone(),
                Arc::new(Signing::of(&process.settings, &process.data_dir.path)),
            ),
            resources: ResourceCoordinator::new(singletons.register(resources)),
            system: system.clone(),
        };
        describe(&membership, &activation);
        let steering = Steering::listen(services.streams.clone(), &membership);
        let sniffing = Sniffing::listen(services.taps.clone(), &membership);
        let calls = services.replays.clone();
        let replays = Bell::hang(&membership, REPLAYS, move || calls.call());
        let live = services.live.clone();
        let releases = Bell::hang(&membership, RELEASES, move || live.note_release());
        let logs = Logs::listen(process, &membership);
        let engine = Self {
            system,
            store,
            membership,
            access,
            monitor,
            deployments,
            steering,
            sniffing,
            tallies,
            replays,
            releases,
            gathering,
            logs,
            activation,
            storages,
            services,
            certificates: Certificates::of_engine(&process.settings),
        };
        engine.plan_shutdown()?;
        engine.membership.singletons.begin();
        Ok(engine)
    }

    /// The kinds of stages that this engine knows.
    pub(crate) fn registry(&self) -> &Registry {
        &self.services.registry
    }

    /// Waits until this engine is up, settles what nobody works on any more, and begins to run
    /// what is deployed. `false`: the engine was stopped before that.
    pub(crate) async fn begin(&self) -> bool {
        let stopping = self.system.shutdown().stopping();
        tokio::select! {
            () = self.take_up_work() => true,
            () = stopping.stopped() => false,
        }
    }

    async fn take_up_work(&self) {
        self.membership.cluster.up().await;
        // Settled before anything begins, so that no stream waits for one that was cut off.
        loop {
            match resume(&self.services).await {
                Ok(resumed) => break tell(resumed),
                Err(error) => {
                    tracing::warn!(code = "WEIR-00056", %error, "unfinished streams can't be read yet");
                    tokio::time::sleep(LOOK_AGAIN_AFTER).await;
                }
            }
        }
        let (services, view) = (self.services.clone(), self.membership.cluster.view());
        let releases = self.releases.clone();
        let debts = async move { pay_debts(&services, view, &releases).await };
        self.system.tasks().spawn("debts", debts);
        self.activation.begin(self.deployments.clone()).await;
    }

    fn plan_shutdown(&self) -> anyhow::Result<()> {
        let shutdown = self.system.shutdown();
        let (activation, monitor) = (self.activation.clone(), self.monitor.clone());
        shutdown.add(Phase::WorkflowDrain, "workflows", async move {
            activation.stop_all().await;
            // While there still is somebody to write it.
            monitor.flush().await.map_err(|it| Fault::transient(30, it.to_string()))
        })?;
        let activation = self.activation.clone();
        shutdown.add_downed("workflows", async move {
            activation.abort_all().await;
            Ok(())
        });
        let store = self.store.clone();
        shutdown.add(Phase::StoreClose, "store", async move {
            store.close().await;
            Ok(())
        })?;
        Ok(())
    }
}

/// Opens the database, after its schema was brought up to date if that is wanted.
pub(super) async fn open(
    backend: Backend,
    migrates: bool,
    clock: Arc<SystemClock>,
) -> anyhow::Result<Arc<dyn Database>> {
    let file = match &backend {
        Backend::Sqlite { path, .. } => Some(path.clone()),
        Backend::MySql(_) | Backend::Postgres(_) => None,
    };
    if migrates {
        let applied = weir_persistence_sql::migrate(&backend).await;
        let applied = applied.map_err(|it| refusal::of_store(&it))?;
        if !applied.is_empty() {
            tracing::info!(code = "WEIR-00057", ?applied, "the schema was brought up to date");
        }
    }
    let opened = weir_persistence_sql::open(backend, clock).await;
    match file {
        Some(path) => {
            opened.with_context(|| format!("the database {} can't be opened", path.display()))
        }
        None => Ok(opened.map_err(|it| refusal::of_store(&it))?),
    }
}

/// What this engine says of its work to the others.
fn describe(membership: &Membership, activation: &Activation) {
    let (activation, singletons) = (activation.clone(), membership.singletons.clone());
    let me = membership.cluster.view().borrow().me.clone();
    membership.describe(move |details| {
        let work = activation.work();
        (details.workflow_instances, details.open_streams) = (work.instances, work.open_streams);
        let owners = singletons.owners();
        let owners = owners.borrow();
        let held = owners.iter().filter(|(_, owner)| owner.node == me);
        details.leases = held.map(|(lease, _)| lease.to_string()).collect();
    });
}

/// Every phase may take as long as the settings say; those of the open streams and of the
/// controllers as long as these, and a little more, so that they see the end.
pub(crate) fn phase_timeouts(
    phase_within: Duration,
    drain_within: Duration,
    hand_over_within: Duration,
) -> PhaseTimeouts {
    Phase::ALL
        .into_iter()
        .fold(PhaseTimeouts::default(), |it, phase| it.with(phase, phase_within))
        .with(Phase::WorkflowDrain, drain_within + ABORT_WITHIN)
        .with(Phase::SingletonHandOver, hand_over_within + RELEASE_WITHIN)
}

/// Settles streams that nobody works on any more, again and again: those of engines that are gone,
/// and those whose instance failed. What can't be settled yet (a mount is away) is tried in the
/// next round, or as soon as a workflow begins, which may be the one that was mended.
async fn pay_debts(
    services: &Services,
    mut view: tokio::sync::watch::Receiver<Arc<View>>,
    releases: &Bell,
) {
    let stopping = services.system.shutdown().stopping();
    let mut ended = ended_members(&view.borrow_and_update());
    let mut begun = services.running.begun();
    let mut again = PAY_AGAIN_AFTER;
    loop {
        tokio::select! {
            Ok(()) = begun.changed() => {}
            () = tokio::time::sleep(again) => {}
            () = somebody_ended(&mut view, &mut ended) => {}
            () = stopping.stopped() => return,
        }
        // A coordinator that is away answers in a round that comes soon; the end does not wait for it.
        tokio::select! {
            it = resume(services) => match it {
                Ok(resumed) => {
                    again = PAY_AGAIN_AFTER;
                    if resumed.undone > 0 {
                        releases.ring();
                    }
                    tell(resumed);
                }
                Err(_) => again = ASK_AGAIN_AFTER,
            },
            () = stopping.stopped() => return,
        }
    }
}

/// Resolves when a member ended that had not ended before.
async fn somebody_ended(
    view: &mut tokio::sync::watch::Receiver<Arc<View>>,
    known: &mut BTreeSet<NodeUid>,
) {
    loop {
        if view.changed().await.is_err() {
            // Membership has ended, and so does this process.
            return std::future::pending().await;
        }
        let ended = ended_members(&view.borrow_and_update());
        let is_news = ended.iter().any(|it| !known.contains(it));
        *known = ended;
        if is_news {
            return;
        }
    }
}

fn ended_members(view: &View) -> BTreeSet<NodeUid> {
    let uids = view.members.iter().map(|it| it.node.uid);
    uids.filter(|it| view.has_ended(*it)).collect()
}

fn tell(resumed: Resumed) {
    let Resumed { published, undone, still_owed, unreadable } = resumed;
    if resumed != Resumed::default() {
        tracing::info!(
            code = "WEIR-00052",
            published,
            undone,
            still_owed,
            unreadable,
            "settled streams that nobody worked on any more"
        );
    }
}
