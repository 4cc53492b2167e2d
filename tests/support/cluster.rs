//! A cluster of engines, each a process on a host of its own, with a database on one more.
//!
//! - The engines run the samples that are shipped. Only what can't be the same on one machine is set
//!   otherwise: where certificates and data are.
//! - One cluster runs at a time: several would starve each other, and what is seen here is mostly
//!   about time.
//! - Whoever waits for the cluster asks its management, as an operator would.

mod broker;
mod clock;
mod commands;
mod database;
mod delay;
mod files;
mod http;
mod node;
mod oracle;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use weir_domain::NodeStatus;
use weir_http_api::{LeaseState, LeaseView, MemberView};
use weir_test_servers::S3;

use super::{DEADLINE, Dns, Net, Project, failing, wait_for, wait_until};
pub(crate) use broker::Broker;
use clock::Clock;
pub(crate) use commands::Commands;
use database::{Database, Oddities};
pub(crate) use database::{Kind, Session};
pub(crate) use files::{Ended, Files};
pub(crate) use http::{Answer, Call};
pub(crate) use node::Node;
use node::TOKEN;
pub(crate) use oracle::Oracle;
use watch::Watch;

/// Codes of what engines log as errors while their database is away.
pub(crate) const LOST: &[&str] = &["WEIR-05", "WEIR-07130", "WEIR-11005"];

/// What a node logs as errors when it finds that another one took over what it did.
pub(crate) const DEPOSED: &[&str] = &["fault=WEIR-06009", "WEIR-06018"];

/// The host of the database.
pub(crate) const DB: &str = "db";

/// The host of the broker, where there is one.
const BROKER: &str = "broker";

/// The host of the object store, where there is one, and its bucket.
const STORE: &str = "store";
const BUCKET: &str = "checkpoints";

/// The host of the DNS server, where there is one.
const DNS: &str = "dns";

/// What a cluster is started with.
pub(crate) struct Setup {
    nodes: usize,
    kind: Kind,
    settings: Vec<String>,
    has_schema: bool,
    /// By how many seconds the clock of each node is off; empty: they have this machine's.
    clocks: Vec<i64>,
    has_dns: bool,
    has_broker: bool,
    has_store: bool,
    oddities: Oddities,
}

impl Setup {
    /// A setting that differs from the sample, for all nodes.
    pub(crate) fn set(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Gives each node a clock of its own, which is off by so many seconds.
    pub(crate) fn clocks(mut self, seconds: &[i64]) -> Self {
        assert_eq!(seconds.len(), self.nodes, "a clock for each node");
        self.clocks = seconds.to_vec();
        self
    }

    /// What names lead to is said by a DNS server, which knows the database at first.
    pub(crate) fn with_dns(mut self) -> Self {
        self.has_dns = true;
        self
    }

    /// A broker of Kafka, on a host of its own.
    pub(crate) fn with_broker(mut self) -> Self {
        self.has_broker = true;
        self
    }

    /// Checkpoints are kept in an object store, on a host of its own.
    pub(crate) fn with_store(mut self) -> Self {
        self.has_store = true;
        self
    }

    /// Nobody prepares the database.
    pub(crate) fn without_schema(mut self) -> Self {
        self.has_schema = false;
        self
    }

    /// More arguments for the database's server.
    pub(crate) fn server(mut self, arguments: &[&str]) -> Self {
        self.oddities.arguments.extend(arguments.iter().map(|&it| it.to_owned()));
        self
    }

    /// The database is on a disk of so many MiB, which can be filled.
    pub(crate) fn on_disk_of(mut self, mib: u32) -> Self {
        self.oddities.disk_mib = Some(mib);
        self
    }

    /// Another server follows the database, and can take its place.
    pub(crate) fn followed(mut self) -> Self {
        self.oddities.is_followed = true;
        self
    }

    /// The database can be made slow; how slow each answer is, is chosen by chance from this seed.
    pub(crate) fn slow_from(mut self, seed: u64) -> Self {
        self.oddities.delay_seed = Some(seed);
        self
    }

    /// Network, database and certificates, and no engine yet. `None` where no networks can be made.
    pub(crate) fn prepared(mut self) -> Option<Cluster> {
        failing::told_at_once();
        let serial = one_at_a_time();
        let names: Vec<_> = (1..=self.nodes).map(|it| format!("node-{it}")).collect();
        let mut hosts: Vec<_> = names.iter().map(String::as_str).chain([DB]).collect();
        let name_server = self.has_dns.then_some(DNS);
        hosts.extend(name_server);
        hosts.extend(self.has_broker.then_some(BROKER));
        hosts.extend(self.has_store.then_some(STORE));
        let net = Arc::new(Net::with_name_server(&hosts, name_server)?);
        let dns = name_server.map(|_| Dns::start(&net, &[(DB, net.address(DB))]));
        let root = tempfile::Builder::new().prefix("weir-cluster-").tempdir().unwrap();
        make_certificates(&root.path().join("tls"), &hosts);
        make_master_key(&root.path().join(MASTER_KEY));
        let database = Database::start(&net, self.kind, root.path(), &self.oddities);
        let broker = self.has_broker.then(|| Arc::new(Broker::start(&net)));
        let store = self.has_store.then(|| {
            let address = net.address(STORE).to_string();
            net.within(STORE, || S3::start_at(&address))
        });
        if let Some(store) = &store {
            store.bucket(BUCKET);
            self.settings.extend(kept_in(store));
        }
        let node = |(at, name): (usize, &String)| {
            let node = self.node(&net, &database, root.path(), name);
            match self.clocks.get(at) {
                Some(seconds) => node.with_clock(*seconds),
                None => node,
            }
        };
        let nodes: Vec<_> = names.iter().enumerate().map(node).collect();
        if self.has_schema {
            nodes[0].weir_with_conf(&["persistence", "migrate"]).ended(0);
        }
        Some(Cluster { nodes, database, broker, store, net, dns, root, _serial: serial })
    }

    /// As `prepared`, with all engines up.
    #[track_caller]
    pub(crate) fn up(self) -> Option<Cluster> {
        let mut cluster = self.prepared()?;
        cluster.nodes.iter_mut().for_each(Node::start);
        cluster.all_up();
        Some(cluster)
    }

    fn node(&self, net: &Arc<Net>, database: &Database, root: &Path, name: &str) -> Node {
        let directory = root.join(name);
        let sample =
            repository().join("conf").join(self.kind.sample()).join(format!("{name}.conf"));
        // A sample for each of three nodes; a further one differs by its name only.
        let (sample, canonical) = match sample.exists() {
            true => (sample, None),
            false => (
                sample.with_file_name("node-1.conf"),
                Some(format!("weir.cluster.canonical.host={name}")),
            ),
        };
        let tls = root.join("tls");
        let file = |key: &str, name: &str| format!("{key}={}", tls.join(name).display());
        let mut arguments: Vec<OsString> = vec!["--conf".into(), sample.into()];
        let certificates = [
            file("weir.cluster.tls.certificate", &format!("{name}.pem")),
            file("weir.cluster.tls.key", &format!("{name}.key")),
            file("weir.cluster.tls.ca", "ca.pem"),
        ];
        let own = certificates.into_iter().chain(database.settings()).chain(canonical);
        for setting in own.chain(self.settings.iter().cloned()) {
            arguments.extend(["-D".into(), setting.into()]);
        }
        let environment = vec![
            ("WEIR_DATA_DIR", directory.join("data").into_os_string()),
            ("WEIR_DATABASE_PASSWORD", database.password().into()),
            ("WEIR_MASTER_KEY_FILE", root.join(MASTER_KEY).into_os_string()),
            ("WEIR_CONFIG_DIR", directory.join("profile").into_os_string()),
            ("WEIR_MANAGEMENT_TOKEN", TOKEN.into()),
            ("WEIR_MANAGEMENT_READ_ONLY", "false".into()),
        ];
        Node::new(net.clone(), name, arguments, environment, directory)
    }
}

/// What all nodes keep their private keys under, below the cluster's directory.
const MASTER_KEY: &str = "master.key";

/// What engines that keep their checkpoints there are to know.
fn kept_in(store: &S3) -> [String; 6] {
    [
        "type=s3".to_owned(),
        format!("s3.bucket={BUCKET}"),
        format!("s3.endpoint=\"{}\"", store.endpoint()),
        "s3.allow-http=true".to_owned(),
        format!("s3.access-key-id={}", S3::ACCESS_KEY),
        format!("s3.secret-access-key={}", S3::SECRET_KEY),
    ]
    .map(|it| format!("weir.stream.checkpoint-store.{it}"))
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A lock on a file, since `make test` runs this program twice at a time; it is let go with the value.
fn one_at_a_time() -> File {
    let file = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster.lock")).unwrap();
    file.lock().unwrap();
    file
}

pub(crate) fn make_certificates(directory: &Path, hosts: &[&str]) {
    make_certificates_by(super::ran::binary(), directory, hosts);
}

fn make_master_key(file: &Path) {
    super::ran::Ran::of(super::ran::binary().args(["key", "master"]).arg(file)).ended(0);
}

fn make_certificates_by(mut weir: Command, directory: &Path, hosts: &[&str]) {
    let directory = directory.to_str().unwrap();
    let arguments = [&["certs", "dev", "--dir", directory], hosts].concat();
    super::ran::Ran::of(weir.args(arguments)).ended(0);
}

pub(crate) struct Cluster {
    /// Before all else when it is dropped: they use what follows.
    pub(crate) nodes: Vec<Node>,
    pub(crate) database: Database,
    broker: Option<Arc<Broker>>,
    store: Option<S3>,
    pub(crate) net: Arc<Net>,
    dns: Option<Dns>,
    root: TempDir,
    _serial: File,
}

impl Cluster {
    /// A cluster of so many nodes, up to three of them as the samples have them.
    pub(crate) fn of(nodes: usize, kind: Kind) -> Setup {
        Setup {
            nodes,
            kind,
            settings: Vec::new(),
            has_schema: true,
            clocks: Vec::new(),
            has_dns: false,
            has_broker: false,
            has_store: false,
            oddities: Oddities::default(),
        }
    }

    /// Settings for a node that shows another certificate: one for this host, which this cluster's
    /// authority signed so many days ago. Its files are in a directory of this name.
    pub(crate) fn certificate(&self, directory: &str, host: &str, days_ago: i64) -> [String; 2] {
        let (tls, directory) = (self.root().join("tls"), self.root().join(directory));
        std::fs::create_dir(&directory).unwrap();
        for name in ["ca.pem", "ca.key"] {
            std::fs::copy(tls.join(name), directory.join(name)).unwrap();
        }
        let clock = Clock::new(&directory, -days_ago * 86_400);
        let mut command = Command::new("env");
        command.args(&clock.wrapper()[1..]).arg(super::ran::binary().get_program());
        make_certificates_by(command, &directory, &[host]);
        ["certificate=pem", "key=key"].map(|it| {
            let (key, extension) = it.split_once('=').expect("it stands above");
            let file = directory.join(host).with_extension(extension);
            format!("weir.cluster.tls.{key}={}", file.display())
        })
    }

    /// Puts a good certificate for a host in the place of another one that `certificate` made.
    pub(crate) fn renew_certificate(&self, directory: &str, replaced: &str, host: &str) {
        for extension in ["key", "pem"] {
            let good = self.root().join("tls").join(host).with_extension(extension);
            let bad = self.root().join(directory).join(replaced).with_extension(extension);
            std::fs::copy(good, bad).unwrap();
        }
    }

    /// From now on names lead to these hosts and no others, and to the database.
    #[track_caller]
    pub(crate) fn set_names(&self, names: &[(&str, &str)]) {
        let names = names.iter().copied().chain([(DB, DB)]);
        let records: Vec<_> = names.map(|(name, host)| (name, self.net.address(host))).collect();
        self.dns.as_ref().expect("the cluster was set up with a DNS server").set(&records);
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn broker(&self) -> Arc<Broker> {
        self.broker.clone().expect("the cluster was set up with a broker")
    }

    /// The object store, where it was set up with one.
    pub(crate) fn store(&self) -> Option<&S3> {
        self.store.as_ref()
    }

    /// Waits until all nodes that run see each other up, and nobody else.
    #[track_caller]
    pub(crate) fn all_up(&mut self) {
        let running: BTreeSet<_> = self
            .nodes
            .iter_mut()
            .filter_map(|it| it.is_running().then(|| it.name.clone()))
            .collect();
        for at in 0..self.nodes.len() {
            if !running.contains(&self.nodes[at].name) {
                continue;
            }
            let what = format!("{running:?} to be up as {} sees it", self.nodes[at].name);
            wait_until(&what, DEADLINE, || {
                self.assert_running(&running);
                sees_up(&self.nodes[at], &running)
            });
        }
    }

    /// As `all_up`, after faults: starts again who ended, as a service manager does, until all are
    /// up. `is_right` judges how they ended.
    #[track_caller]
    pub(crate) fn all_up_again(&mut self, is_right: impl Fn(ExitStatus) -> bool) {
        wait_until("all nodes to be up again", 2 * DEADLINE, || {
            for node in &mut self.nodes {
                if let Some(status) = node.try_ended() {
                    assert!(is_right(status), "{} ended ({status}):\n{}", node.name, node.log());
                }
                if !node.is_running() {
                    node.start();
                }
            }
            let names: BTreeSet<_> = self.nodes.iter().map(|it| it.name.clone()).collect();
            self.nodes.iter().all(|it| sees_up(it, &names))
        });
    }

    /// A process that ended makes waiting for it vain.
    fn assert_running(&mut self, names: &BTreeSet<String>) {
        for node in self.nodes.iter_mut().filter(|it| names.contains(&it.name)) {
            assert!(node.is_running(), "{} ended:\n{}", node.name, node.log());
        }
    }

    /// Makes a project run, on all engines.
    #[track_caller]
    pub(crate) fn deploy(&self, project: &Project) {
        let directory = project.dir();

        self.nodes[0].weir(&["deployment", "apply", directory.to_str().unwrap()]).ended(0);
    }

    /// Waits until a node sees another one in this status.
    #[track_caller]
    pub(crate) fn sees(&self, from: usize, name: &str, status: NodeStatus) {
        let what = format!("{} to see {name} {status:?}", self.nodes[from].name);
        wait_until(&what, DEADLINE, || self.sees_now(from, name, status));
    }

    pub(crate) fn sees_now(&self, from: usize, name: &str, status: NodeStatus) -> bool {
        let members = self.nodes[from].members().map(|it| it.members).unwrap_or_default();
        let newest = members.iter().filter(|it| it.name.as_str() == name).max_by_key(|it| it.uid);
        newest.is_some_and(|it| it.status == status)
    }

    /// Waits until a node knows of no life of another one that is not over.
    #[track_caller]
    pub(crate) fn gone(&self, from: usize, name: &str) {
        let what = format!("{} to do without {name}", self.nodes[from].name);
        wait_until(&what, LOSS_WITHIN, || {
            self.nodes[from].members().is_some_and(|it| {
                let mut lives = it.members.iter().filter(|it| it.name.as_str() == name);
                lives.all(|it| it.status >= NodeStatus::Down)
            })
        });
    }

    /// A lease that somebody holds, as a node sees it.
    #[track_caller]
    pub(crate) fn lease(&self, from: usize, lease: &str) -> LeaseView {
        wait_for(&format!("a holder of {lease}"), DEADLINE, || held(&self.nodes[from], lease))
    }

    /// Waits until a node says whether it can reach another one.
    #[track_caller]
    pub(crate) fn reaches(&self, from: usize, name: &str, wanted: bool) {
        let what = format!("{} to find {name} reachable: {wanted}", self.nodes[from].name);
        wait_until(&what, DEADLINE, || {
            living(&self.nodes[from]).iter().any(|it| {
                // Since when is said of those that are not, and of nobody else.
                assert_eq!(it.unreachable, it.unreachable_since.is_some(), "{it:?}");
                it.name.as_str() == name && it.unreachable != wanted
            })
        });
    }

    /// The position of the node that holds a lease, once no lease moves by itself any more: it stays
    /// where it is until something happens to that node.
    #[track_caller]
    pub(crate) fn holder(&mut self, lease: &str) -> usize {
        // A node that does not take a lease in time is not offered it again for one minute, and then for two.
        wait_for(&format!("a holder of {lease} that keeps it"), 3 * DEADLINE, || {
            let at = self.nodes.iter_mut().position(Node::is_running)?;
            if !self.is_spread(at) {
                return None;
            }
            let owner = held(&self.nodes[at], lease)?.owner?;
            self.nodes.iter().position(|it| it.name == owner.name.as_str())
        })
    }

    /// Whether a node knows each lease to be held, and nobody to hold more than a fair share.
    pub(crate) fn is_spread(&self, from: usize) -> bool {
        let leases = self.nodes[from].leases().unwrap_or_default();
        let share = leases.len().div_ceil(living(&self.nodes[from]).len().max(1));
        let mut held = BTreeMap::new();
        !leases.is_empty()
            && leases.iter().all(|it| {
                let count = held.entry(it.owner.as_ref().map(|it| it.uid)).or_insert(0);
                *count += 1;
                it.state == LeaseState::Held && *count <= share
            })
    }

    /// Waits until a node tells of another holder than the one of this epoch; returns its lease.
    #[track_caller]
    pub(crate) fn moved(&self, from: usize, lease: &str, epoch: u64) -> LeaseView {
        wait_for(&format!("{lease} to move"), DEADLINE, || {
            held(&self.nodes[from], lease).filter(|it| it.epoch > epoch)
        })
    }

    /// Has these leases held by a node, and nobody else while it is up.
    #[track_caller]
    pub(crate) fn gather(&mut self, leases: &[&str], at: usize) {
        let body = format!("{{ \"node\": \"{}\" }}", self.nodes[at].name);
        for lease in leases {
            let path = format!("/cluster/leases/{lease}/move");
            let moved = wait_for(&format!("{lease} to be movable"), DEADLINE, || {
                self.nodes[at].management("POST", &path, &body).ok()
            });
            assert!((200..300).contains(&moved.status), "{}", moved.body);
        }
        for lease in leases {
            wait_until(&format!("{lease} to be held by {body}"), DEADLINE, || {
                held(&self.nodes[at], lease)
                    .and_then(|it| it.owner)
                    .is_some_and(|it| it.name.as_str() == self.nodes[at].name)
            });
        }
    }

    /// Ends all nodes as an operator would, one after the other, each once it can use the database:
    /// without it, no node leaves in order.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        for node in &mut self.nodes {
            if node.is_running() {
                wait_until("the database to be there", DEADLINE, || {
                    node.members().is_some_and(|it| it.store_trouble.is_none())
                });
                node.terminate();
                let status = node.ended();
                assert_eq!(status.code(), Some(0), "{}:\n{}", node.name, node.log());
            }
        }
    }

    /// Waits for a condition of the cluster.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, condition: impl FnMut() -> bool) {
        wait_until(what, DEADLINE, condition);
    }
}

/// Whether a node is ready, and sees these up and no other one alive.
fn sees_up(node: &Node, names: &BTreeSet<String>) -> bool {
    let living = living(node);
    let up = living.iter().filter(|it| it.status == NodeStatus::Up && !it.unreachable);
    let up: BTreeSet<_> = up.map(|it| it.name.to_string()).collect();
    up == *names && living.len() == names.len() && node.is_ready()
}

/// The members whose lives are not over, as a node sees them.
fn living(node: &Node) -> Vec<MemberView> {
    let members = node.members().map(|it| it.members).unwrap_or_default();
    members.into_iter().filter(|it| it.status < NodeStatus::Down).collect()
}

/// A lease that somebody holds now, as a node sees it.
fn held(node: &Node, lease: &str) -> Option<LeaseView> {
    let leases = node.leases()?;
    leases.into_iter().find(|it| it.name == lease && it.state == LeaseState::Held)
}

/// Longer than it takes a cluster to do without a node, whatever way it was lost.
pub(crate) const LOSS_WITHIN: Duration = Duration::from_secs(30);
