//! Three engines on this machine, over mutual TLS, on one MariaDB: the shipped samples, but for
//! what can't be the same on one machine.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use weir_domain::{Clock as _, NodeStatus};
use weir_http_api::{Concealed, LeaseView};
use weir_http_client::Management;
use weir_remote::certs::{Existing, dev};
use weir_runtime::{Stopwatch, SystemClock};
use weir_secrets::MasterKey;
use weir_test_servers::{Options, Tls};

use crate::database::{Kind, Server};

const HOST: &str = "127.0.0.1";
const TOKEN: &str = "0123456789abcdef-of-the-bench";
/// What all of them keep their private keys under, in their common directory.
const MASTER_KEY: &str = "master.key";
const NODES: usize = 3;
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) struct Engines {
    pub(crate) nodes: Vec<Engine>,
    pub(crate) server: Server,
    directory: TempDir,
}

impl Engines {
    /// All are up, and the controllers are where they stay.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("weir-bench-")?;
        let tls = directory.path().join("tls");
        dev(&tls, &[HOST.to_owned()], Existing::Keep, SystemClock.now())?;
        let tls = Tls {
            certificate: tls.join(format!("{HOST}.pem")),
            key: tls.join(format!("{HOST}.key")),
            ca: tls.join("ca.pem"),
        };
        let options = Options { tls: Some(tls), ..Options::default() };
        let server = Server::start_with(Kind::MariaDb, options).await?;
        MasterKey::generate().save(&directory.path().join(MASTER_KEY), None)?;
        let ports = free_ports()?;
        let nodes = (0..NODES).map(|at| Engine::new(at, &ports, directory.path(), &server));
        let mut engines = Self { nodes: nodes.collect::<anyhow::Result<_>>()?, server, directory };
        for node in &mut engines.nodes {
            node.start()?;
        }
        engines.settled().await?;
        Ok(engines)
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts again whoever ended, and waits until all are up and each has a controller.
    pub(crate) async fn settled(&mut self) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        let mut since = None;
        while since.is_none_or(|it: Stopwatch| it.elapsed() < Duration::from_secs(1)) {
            ensure!(
                watch.elapsed() < WITHIN,
                "no peace among the engines: {}",
                self.nodes[0].log()
            );
            for node in &mut self.nodes {
                if let Some(status) = node.ended()? {
                    // In good order, downed, or killed.
                    let is_right = matches!(status.code(), Some(0 | 255) | None);
                    ensure!(is_right, "{} ended: {status}: {}", node.name, node.log());
                    node.start()?;
                }
            }
            let is_settled = self.look().await.unwrap_or(false);
            since = is_settled.then(|| since.unwrap_or_else(Stopwatch::start));
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn look(&self) -> anyhow::Result<bool> {
        for node in &self.nodes {
            let members = node.management.members().await?.members;
            let living: Vec<_> = members.iter().filter(|it| it.status < NodeStatus::Down).collect();
            let up = |it: &&&_| {
                let it: &weir_http_api::MemberView = it;
                it.status == NodeStatus::Up && !it.unreachable
            };
            if living.len() != NODES || living.iter().filter(up).count() != NODES {
                return Ok(false);
            }
        }
        let leases = self.nodes[0].management.leases().await?.items;
        let owners: BTreeSet<_> =
            leases.iter().filter_map(|it| Some(it.owner.clone()?.uid)).collect();
        Ok(owners.len() == NODES.min(leases.len()))
    }

    /// A lease as an engine sees it.
    pub(crate) async fn lease(&self, from: usize, name: &str) -> anyhow::Result<LeaseView> {
        let leases = self.nodes[from].management.leases().await?.items;
        leases.into_iter().find(|it| it.name == name).with_context(|| format!("no lease {name}"))
    }

    /// Who holds a lease.
    pub(crate) async fn holder(&self, lease: &str) -> anyhow::Result<usize> {
        let owner = self.lease(0, lease).await?.owner.context("nobody holds it")?;
        let position = self.nodes.iter().position(|it| it.name == owner.name.as_str());
        position.context("a stranger holds it")
    }
}

/// One engine, over its lives.
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) management: Management,
    arguments: Vec<String>,
    environment: [(&'static str, String); 5],
    log: PathBuf,
    child: Option<Child>,
}

/// Peers, REST, metrics, management.
type Ports = [u16; 4];

impl Engine {
    fn new(
        at: usize,
        all: &[Ports; NODES],
        directory: &Path,
        server: &Server,
    ) -> anyhow::Result<Self> {
        let name = format!("node-{}", at + 1);
        let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("conf/cluster-mariadb")
            .join(format!("{name}.conf"));
        let [peers, rest, metrics, management] = all[at];
        let access = server.access();
        let tls = |file: &str| directory.join("tls").join(file).display().to_string();
        let seeds: Vec<_> =
            all.iter().map(|it| format!("\"weir://weir@{HOST}:{}\"", it[0])).collect();
        let settings = [
            format!("node.name={name}"),
            format!("cluster.canonical.host={HOST}"),
            format!("cluster.canonical.port={peers}"),
            format!("cluster.bind.host={HOST}"),
            format!("cluster.bind.port={peers}"),
            format!("cluster.seed-nodes=[{}]", seeds.join(",")),
            format!("cluster.tls.certificate={}", tls(&format!("{HOST}.pem"))),
            format!("cluster.tls.key={}", tls(&format!("{HOST}.key"))),
            format!("cluster.tls.ca={}", tls("ca.pem")),
            format!("persistence.journal.mysql.host={}", access.host),
            format!("persistence.journal.mysql.port={}", access.port),
            format!("persistence.journal.mysql.database={}", access.name),
            format!("persistence.journal.mysql.tls.ca={}", tls("ca.pem")),
            format!("rest-server.bind.host={HOST}"),
            format!("rest-server.bind.port={rest}"),
            format!("metrics.bind.host={HOST}"),
            format!("metrics.bind.port={metrics}"),
            format!("management.bind.host={HOST}"),
            format!("management.bind.port={management}"),
        ];
        let mut arguments =
            vec!["reactive-engine".to_owned(), "--conf".to_owned(), sample.display().to_string()];
        arguments
            .extend(settings.into_iter().flat_map(|it| ["-D".to_owned(), format!("weir.{it}")]));
        let environment = [
            ("WEIR_DATA_DIR", directory.join(&name).display().to_string()),
            ("WEIR_MASTER_KEY_FILE", directory.join(MASTER_KEY).display().to_string()),
            ("WEIR_DATABASE_PASSWORD", access.password.clone()),
            ("WEIR_MANAGEMENT_TOKEN", TOKEN.to_owned()),
            ("WEIR_MANAGEMENT_READ_ONLY", "false".to_owned()),
        ];
        let management = Management::new(&format!("http://{HOST}:{management}"))?
            .with_token(Some(Concealed::new(TOKEN)));
        let log = directory.join(format!("{name}.log"));
        Ok(Self { name, management, arguments, environment, log, child: None })
    }

    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let exe = std::env::current_exe()?;
        let weir = exe.parent().and_then(Path::parent).context("a target directory")?.join("weir");
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&weir);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child =
            command.spawn().with_context(|| format!("{} can't be started", weir.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// The last lines that it logged.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        Ok(self.child.as_ref().context("it does not run")?.id())
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let child = self.child.as_ref().context("it does not run")?;
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?),
            None => bail!("{} was never started", self.name),
        }
    }

    /// Waits until its life is over.
    pub(crate) async fn until_ended(&mut self) -> anyhow::Result<ExitStatus> {
        let watch = Stopwatch::start();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            ensure!(watch.elapsed() < WITHIN, "{} did not end", self.name);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended before.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// All are taken before any is let go, so that they differ.
fn free_ports() -> anyhow::Result<[Ports; NODES]> {
    let mut ports = [[0; 4]; NODES];
    let mut taken = Vec::new();
    for port in ports.iter_mut().flatten() {
        let listener = TcpListener::bind((HOST, 0))?;
        *port = listener.local_addr()?.port();
        taken.push(listener);
    }
    Ok(ports)
}
