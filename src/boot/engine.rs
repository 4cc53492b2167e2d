//! One engine: its store, its controllers, its workflows. A cluster of one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use weir_controllers::Leases;
use weir_controllers::access::{self, AccessCoordinator};
use weir_controllers::deployments::{self, Deployments};
use weir_controllers::streams::{self, StreamMonitor};
use weir_domain::{Fault, NodeName};
use weir_persistence_api::{Fence, PersistenceId};
use weir_persistence_sql::SqliteStore;
use weir_runtime::{
    HostRef, HostSettings, HostSpec, IdSource, Phase, PhaseTimeouts, RestartPolicy, System,
    SystemClock, SystemSettings,
};
use weir_stream::{Limits, LiveClaims, Registry, Resumed, Services, resume};

use super::activation::Activation;
use super::ports::{AccessPort, MonitorPort};

/// How long a controller may take to recover before the start is given up.
const RECOVER_WITHIN: Duration = Duration::from_secs(60);
/// How long streams that are rolled back may take to clear away what they staged.
pub(crate) const ABORT_WITHIN: Duration = Duration::from_secs(15);
/// How long to wait before what is still owed is tried again.
const PAY_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What an engine is started with.
pub(crate) struct EngineOptions {
    pub(crate) node: NodeName,
    pub(crate) roles: Vec<String>,
    pub(crate) database: PathBuf,
    pub(crate) store: weir_persistence_sql::Settings,
    pub(crate) host: HostSettings,
    pub(crate) limits: Limits,
    /// Threads that open streams may block, all together.
    pub(crate) threads: usize,
    pub(crate) restarts: RestartPolicy,
    /// Open streams finish within it, or are rolled back.
    pub(crate) drain_within: Duration,
    pub(crate) phase_within: Duration,
    /// Closed streams kept of each workflow.
    pub(crate) streams_kept: u32,
    /// Where the engine's REST API is, for its peers and for people.
    pub(crate) address: String,
}

/// A started engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) system: System,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) access: AccessCoordinator,
    pub(crate) monitor: StreamMonitor,
    pub(crate) deployments: HostRef<Deployments>,
    pub(crate) activation: Activation,
    pub(crate) roles: Vec<String>,
    pub(crate) address: String,
    leases: Leases,
}

impl Engine {
    /// Opens the store, takes the leases, recovers the controllers, and pays what an earlier
    /// incarnation left owed. Nothing runs before `begin`.
    pub(crate) async fn start(options: EngineOptions, registry: Registry) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock);
        let timeouts = phase_timeouts(options.phase_within, options.drain_within);
        let system = System::new(SystemSettings {
            node: options.node,
            ids: IdSource::new(clock.clone()),
            clock: clock.clone(),
            shutdown: timeouts,
        });
        let store = SqliteStore::open(&options.database, clock, options.store).await;
        let store = Arc::new(store.with_context(|| {
            format!("the database {} can't be opened", options.database.display())
        })?);
        let leases = Leases::new(system.clone(), store.clone());
        let access_fence = leases.take(access::LEASE).await?;
        let streams_fence = leases.take(streams::LEASE).await?;
        let deployments_fence = leases.take(deployments::LEASE).await?;
        let fences = vec![access_fence.clone(), streams_fence.clone(), deployments_fence.clone()];
        leases.keep(fences.clone());

        let restarts = options.restarts;
        let access =
            AccessCoordinator::spawn(&system, store.clone(), access_fence, restarts).await?;
        let keep = options.streams_kept;
        let monitor =
            StreamMonitor::spawn(&system, store.clone(), streams_fence, keep, restarts).await?;
        let services = Services {
            system: system.clone(),
            registry: Arc::new(registry),
            access: Arc::new(AccessPort(access.clone())),
            monitor: Arc::new(MonitorPort(monitor.clone())),
            limits: options.limits,
            live: LiveClaims::default(),
            threads: Arc::new(Semaphore::new(options.threads)),
        };
        pay_debts(&services).await?;
        let activation = Activation::new(services, options.restarts, options.drain_within);
        let deployments =
            recover(&system, &store, deployments_fence, &activation, options.host).await?;
        let (roles, address) = (options.roles, options.address);
        let engine = Self {
            system,
            store,
            access,
            monitor,
            deployments,
            activation,
            roles,
            address,
            leases,
        };
        engine.plan_shutdown(fences)?;
        Ok(engine)
    }

    /// Begins to run what is deployed.
    pub(crate) async fn begin(&self) {
        self.activation.begin(self.deployments.clone()).await;
    }

    /// Whether the store takes writes, as far as the last one told.
    pub(crate) fn store_health(&self) -> Result<(), String> {
        self.leases.health()
    }

    fn plan_shutdown(&self, fences: Vec<Fence>) -> anyhow::Result<()> {
        let leases = self.leases.clone();
        let shutdown = self.system.shutdown();
        let activation = self.activation.clone();
        shutdown.add(Phase::WorkflowDrain, "workflows", async move {
            activation.stop_all().await;
            Ok(())
        })?;
        let (monitor, deployments) = (self.monitor.clone(), self.deployments.clone());
        shutdown.add(Phase::ControllerStop, "controllers", async move {
            let flushed = monitor.flush().await;
            let stopped = deployments.stop(Duration::from_secs(5)).await;
            leases.release(&fences).await;
            flushed.map_err(|it| Fault::transient(30, it.to_string()))?;
            stopped.map_err(|it| Fault::transient(31, it.to_string()))
        })?;
        let store = self.store.clone();
        shutdown.add(Phase::StoreClose, "store", async move {
            store.close().await;
            Ok(())
        })?;
        Ok(())
    }
}

/// Every phase may take as long as the settings say; that of the open streams as long as these,
/// and a little more, so that it sees them roll back.
pub(crate) fn phase_timeouts(phase_within: Duration, drain_within: Duration) -> PhaseTimeouts {
    Phase::ALL
        .into_iter()
        .fold(PhaseTimeouts::default(), |it, phase| it.with(phase, phase_within))
        .with(Phase::WorkflowDrain, drain_within + ABORT_WITHIN)
}

/// Settles streams that nobody works on any more, now and again and again: those of an earlier
/// incarnation, and those whose instance failed. What can't be settled yet (a mount is away) is
/// tried in the next round.
async fn pay_debts(services: &Services) -> anyhow::Result<()> {
    tell(resume(services).await.context("unfinished streams can't be read")?);
    let (services, tasks) = (services.clone(), services.system.tasks().clone());
    tasks.spawn("debts", async move {
        let stopping = services.system.shutdown().stopping();
        loop {
            tokio::select! {
                () = tokio::time::sleep(PAY_AGAIN_AFTER) => {}
                () = stopping.stopped() => return,
            }
            // A store that is away answers in a later round.
            if let Ok(resumed) = resume(&services).await {
                tell(resumed);
            }
        }
    });
    Ok(())
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

async fn recover(
    system: &System,
    store: &Arc<SqliteStore>,
    fence: Fence,
    activation: &Activation,
    settings: HostSettings,
) -> anyhow::Result<HostRef<Deployments>> {
    let spec = HostSpec {
        id: PersistenceId(deployments::LEASE.to_owned()),
        fence,
        store: store.clone(),
        effects: Arc::new(activation.clone()),
        settings,
    };
    let host = HostRef::start(system, spec).await?;
    host.ready(RECOVER_WITHIN).await?;
    Ok(host)
}
