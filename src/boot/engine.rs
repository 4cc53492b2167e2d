//! One engine: its store, its controllers, its workflows. A cluster of one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
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
use weir_stream::{Limits, Registry, Resumed, Services, resume};

use super::activation::Activation;
use super::ports::{AccessPort, MonitorPort};

/// How long a controller may take to recover before the start is given up.
const RECOVER_WITHIN: Duration = Duration::from_secs(60);
/// How long the start waits for streams of an earlier incarnation to be settled.
const PAY_FIRST_WITHIN: Duration = Duration::from_secs(20);
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
    pub(crate) monitor: StreamMonitor,
    pub(crate) deployments: HostRef<Deployments>,
    pub(crate) activation: Activation,
    pub(crate) roles: Vec<String>,
    pub(crate) address: String,
}

impl Engine {
    /// Opens the store, takes the leases, recovers the controllers, pays what an earlier
    /// incarnation left owed, and begins to run what is deployed.
    pub(crate) async fn start(options: EngineOptions, registry: Registry) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock);
        // The phase gets a little more than the streams, so that it sees them roll back.
        let drain_phase = options.drain_within + Duration::from_secs(15);
        let timeouts = [Phase::ServiceUnbind, Phase::ServiceRequestsDone, Phase::ControllerStop]
            .into_iter()
            .fold(PhaseTimeouts::default(), |it, phase| it.with(phase, options.phase_within))
            .with(Phase::WorkflowDrain, drain_phase);
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

        let access = AccessCoordinator::spawn(&system, store.clone(), access_fence).await?;
        let keep = options.streams_kept;
        let monitor = StreamMonitor::spawn(&system, store.clone(), streams_fence, keep).await?;
        let services = Services {
            system: system.clone(),
            registry: Arc::new(registry),
            access: Arc::new(AccessPort(access)),
            monitor: Arc::new(MonitorPort(monitor.clone())),
            limits: options.limits,
        };
        pay_debts(&services).await?;
        let activation = Activation::new(services, options.restarts, options.drain_within);
        let deployments =
            recover(&system, &store, deployments_fence, &activation, options.host).await?;
        let (roles, address) = (options.roles, options.address);
        let engine = Self { system, store, monitor, deployments, activation, roles, address };
        engine.plan_shutdown(leases, fences)?;
        Ok(engine)
    }

    fn plan_shutdown(&self, leases: Leases, fences: Vec<Fence>) -> anyhow::Result<()> {
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

/// Ends what an earlier incarnation left in the middle, before anything new begins. What can't be
/// ended now (a mount is away) is tried again beside the work.
async fn pay_debts(services: &Services) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let limit = stop.clone();
    let timer = services.system.tasks().spawn("debts limit", async move {
        tokio::time::sleep(PAY_FIRST_WITHIN).await;
        limit.cancel();
    });
    let resumed = resume(services, &stop).await.context("unfinished streams can't be read")?;
    timer.abort();
    tell(resumed);
    if resumed.still_owed > 0 {
        services.system.tasks().spawn("debts", pay_later(services.clone()));
    }
    Ok(())
}

async fn pay_later(services: Services) {
    let stopping = services.system.shutdown().stopping();
    let stop = CancellationToken::new();
    let pay = async {
        // A store that is away answers later.
        while !resume(&services, &stop).await.is_ok_and(|it| {
            tell(it);
            it.still_owed == 0
        }) {
            tokio::time::sleep(PAY_AGAIN_AFTER).await;
        }
    };
    tokio::select! {
        () = pay => {}
        () = stopping.stopped() => {}
    }
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
            "settled streams that were open at the last stop"
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
