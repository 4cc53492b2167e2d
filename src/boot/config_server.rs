//! `weir config-server`: projects, users of its own, and the way to clusters.
//!
//! Its users, its audit and its clusters live in a store of its own, under the same leases and epochs as
//! an engine's. Servers that share a store are members of a cluster like engines are: one has the lease
//! and writes, each answers everybody, and another one goes on when one is gone.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use weir_conf::Settings;
use weir_conf::settings::{Bind, CONFIG_SERVER_DIR, ConfigServer};
use weir_controllers::audit::{Audit, AuditSingleton};
use weir_controllers::fleet::{Fleet, FleetSingleton};
use weir_controllers::users::{SetUpFile, UserSingleton, UserStorage};
use weir_domain::{Fault, NodeStatus};
use weir_http_client::{Authority, Client};
use weir_http_server as http;
use weir_persistence_api::BlobStore;
use weir_persistence_sql::Database;
use weir_runtime::{IdSource, Phase, System, SystemClock, SystemSettings};

use super::answers::Answers;
use super::belongings::Belongings;
use super::builds::Builds;
use super::certificates::Certificates;
use super::deliveries::Deliverer;
use super::engine::{self, SET_UP_FILE};
use super::lock::DataDir;
use super::logs::Logs;
use super::membership::Membership;
use super::operations::OperationFiles;
use super::packages::Signing;
use super::process::{Process, listen_to_signals, until_shut_down};
use super::project_versions::{CredentialFile, CredentialStore, Exchange, ProjectVersions};
use super::projects::ProjectDirs;
use super::samples::SampleRuns;
use super::servers::Listener;
use super::{master, servers, views, vouching};

/// Held by the one configuration server of a data directory.
pub(super) const LOCK: &str = "config-server.lock";

/// What a configuration server keeps beside its projects.
struct Office {
    system: System,
    people: http::People,
    clusters: Fleet,
    health: Arc<Ready>,
}

impl Office {
    /// Opens the store and competes for what lives there. `page` is where this server is reached.
    async fn open(process: &Process, page: String) -> anyhow::Result<Self> {
        check_links(&process.settings)?;
        let options = process.engine_options()?;
        let clock = Arc::new(SystemClock);
        let system = System::new(SystemSettings {
            node: options.node,
            ids: IdSource::new(clock.clone()),
            clock: clock.clone(),
            shutdown: process.phase_timeouts(),
        });
        let store = engine::open(options.backend, options.migrates, clock).await?;
        let membership = Membership::begin(process, &system, &store, page).await?;
        let singletons = &membership.singletons;
        let users = UserSingleton {
            system: system.clone(),
            store: store.clone(),
            settings: options.host.clone(),
            notice: Arc::new(SetUpFile(process.data_dir.path.join(SET_UP_FILE))),
            outside: weir_identity::outside(&process.settings.users)?,
        };
        let fleet =
            FleetSingleton { system: system.clone(), store: store.clone(), settings: options.host };
        let audit = AuditSingleton {
            system: system.clone(),
            store: store.clone(),
            restarts: options.restarts,
        };
        let clusters = Fleet::new(singletons.register(fleet));
        let people = http::People {
            users: UserStorage::new(singletons.register(users), system.ids().clone()),
            audit: Audit::new(singletons.register(audit)),
            system: system.clone(),
        };
        closes(&system, store.clone())?;
        singletons.begin();
        let certificates = Certificates::of_config_server(&process.settings);
        let health = Arc::new(Ready { system: system.clone(), store, membership, certificates });
        Ok(Self { system, people, clusters, health })
    }
}

/// What must be fine for users to be let in, and for what they do to be recorded.
struct Ready {
    system: System,
    store: Arc<dyn Database>,
    membership: Membership,
    certificates: Certificates,
}

#[async_trait]
impl http::Health for Ready {
    fn warnings(&self) -> Vec<String> {
        self.certificates.warnings(self.system.now())
    }

    async fn checks(&self) -> http::Checks {
        let view = self.membership.cluster.view().borrow().clone();
        let member = match view.own().map(|it| it.status) {
            Some(NodeStatus::Up) => Ok(()),
            Some(status) => {
                Err(format!("this server is {status} among those that share its store"))
            }
            None => Err("this server is no member yet of those that share its store".to_owned()),
        };
        let store = self.store.health().await.map_err(|it| it.to_string());
        let is_stopping = self.system.shutdown().stopping().is_stopping();
        let stopping = if is_stopping { Err("the server is stopping".to_owned()) } else { Ok(()) };
        vec![
            ("store", store),
            ("member", member),
            ("controllers", self.membership.singletons.health()),
            ("server", stopping),
        ]
    }
}

/// The store is the last to go.
fn closes(system: &System, store: Arc<dyn Database>) -> anyhow::Result<()> {
    system.shutdown().add(Phase::StoreClose, "store", async move {
        store.close().await;
        Ok(())
    })?;
    Ok(())
}

/// Who can join could answer for User Storage.
fn check_links(settings: &Settings) -> Result<(), Fault> {
    let cluster = &settings.cluster;
    if !settings.has_peers() || !cluster.tls.is_off() || cluster.bind.is_loopback() {
        return Ok(());
    }
    let message = format!(
        "weir.cluster.bind.host: {:?} is reached from other machines, and without certificates anybody \
         there could join this server, which shares its database",
        cluster.bind.host
    );
    Err(Fault::config(180, message).with_hint(
        "make certificates with `weir certs dev --dir DIR HOST…` and name them in weir.cluster.tls, or \
         listen on 127.0.0.1",
    ))
}

/// Its configuration key, and what clients know it as: one that others reach has names that nobody tells it.
pub(super) fn at(bind: &Bind) -> (&'static str, Option<&str>) {
    ("weir.config-server", Some(bind.host.as_str()).filter(|_| bind.is_loopback()))
}

/// The engines that are asked about what runs.
fn engines(settings: &Settings, authority: &Authority) -> anyhow::Result<http::Engines> {
    let rest = &settings.rest_server;
    let here =
        format!("{}://{}", rest.tls.scheme(), http::address(&rest.bind.host, rest.bind.port));
    let mut urls = settings.config_server.engines.clone();
    if urls.is_empty() {
        urls.push(here);
    }
    let client = |it: &String| {
        Client::trusting(it, authority)
            .with_context(|| format!("weir.config-server.engines: {it} is no address"))
    };
    let mut clients = urls.iter().map(client).collect::<anyhow::Result<Vec<_>>>()?;
    let first = clients.remove(0);
    Ok(http::Engines::new(first, clients))
}

/// What it serves by itself. `process` is the one whose data directory holds the projects; `store` is shared by all
/// servers that are one.
pub(super) async fn design(
    process: &Process,
    system: &System,
    projects: ProjectDirs,
    store: Arc<dyn BlobStore>,
) -> Result<http::config_server::Design, Fault> {
    let files = OperationFiles::in_data_dir(system.tasks().clone(), &process.data_dir.path);
    let runs = &process.settings.config_server.runs;
    let most = http::MostOperations {
        of_all: runs.operations as usize,
        of_user: runs.operations_of_user as usize,
    };
    let operations = http::Operations::open(system.clone(), Arc::new(files), most).await?;
    let (settings, data_dir) = (&process.settings, process.data_dir.path.clone());
    let (secrets, below) = (settings.secrets.clone(), data_dir.clone());
    let credentials: Arc<dyn CredentialStore> =
        Arc::new(CredentialFile::new(&data_dir, move || master::load_as(&secrets, &below)));
    // Everybody gets these: whoever removes or renames a project does it to its credentials and packages, too.
    let builds = Builds::in_data_dir(&data_dir);
    let belongings = Belongings::of(&data_dir, credentials.clone(), builds.clone());
    let runs = &settings.config_server.runs;
    let projects = projects.keeping(belongings).within(runs);
    projects.finish_moves().await;
    let deliverer = Deliverer::of(system.clone(), projects.clone(), builds, (&data_dir, settings));
    let samples = SampleRuns::of(system.clone(), projects.clone(), (&data_dir, settings));
    let answers = Answers::new(store, system.clock().clone());
    let exchange = Exchange::of(&settings.config_server.remotes);
    let versions = ProjectVersions::new(system.clone(), projects.clone(), credentials, exchange);
    Ok(http::config_server::Design {
        projects: Arc::new(projects),
        deliveries: Arc::new(deliverer),
        samples: Arc::new(samples),
        operations,
        versions: Arc::new(versions),
        repeats: http::Repeats::new(system.clone(), Arc::new(answers)),
    })
}

/// `weir config-server`.
pub(super) async fn run(process: Process) -> anyhow::Result<ExitCode> {
    let Process { settings, data_dir, metrics, log } = &process;
    let ConfigServer { bind, tls, .. } = &settings.config_server;
    let listener = Listener::bind(bind, tls, at(bind)).await?;
    let address = listener.url()?;
    let authority = servers::authority(settings)?;
    let engines = engines(settings, &authority)?;
    let own = settings.of_config_server();
    let own_dir = Arc::new(DataDir::open(&data_dir.path.join(CONFIG_SERVER_DIR), LOCK)?);
    let (metrics, log) = (metrics.clone(), log.clone());
    let own = Process { settings: own, data_dir: own_dir, metrics, log };
    let signing = Signing::of(settings, &data_dir.path);
    let issuer = vouching::issuer(settings, &own.data_dir.path, signing)?;
    let office = Office::open(&own, address.clone()).await?;
    let Office { system, people, clusters, health } = office;
    listen_to_signals(&system)?;
    let dirs = ProjectDirs::below(
        system.clone(),
        data_dir.path.join(&settings.config_server.projects_dir),
    );
    let access = Arc::new(views::Asked(people.clone()));
    let guard = servers::guard(settings, access, http::Here::Operation);
    let fleet = http::Fleet::new(engines, clusters, issuer, authority);
    system.tasks().spawn("clusters", fleet.clone().watch(system.clone()));
    let design = design(&process, &system, dirs, health.store.clone()).await?;
    let router = http::config_server::router(design, fleet, guard, process.http_limits());
    let router = http::config_server::depending_on(router, health.clone());
    let router = http::with_logs(router, Arc::new(Logs::alone(&process)));
    servers::serve(&process, &system, "configuration server", listener, people.beside(router))?;
    tracing::info!(code = "WEIR-00002", %address, "configuration server ready");
    Ok(until_shut_down(&system).await)
}
