//! From settings to the links, the membership and the leases of this node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use weir_cluster::liveness::GossipSettings;
use weir_cluster::resolver::{Strategy, Tie, Timing};
use weir_cluster::singleton::Peers;
use weir_cluster::{
    Admission, Claim, Cluster, ClusterSettings, Details, Facts, LinkMesh, Mesh, SingletonSettings,
    Singletons, View,
};
use weir_conf::Settings;
use weir_conf::settings::{self, SplitBrainResolver};
use weir_domain::{Incarnation, NodeName, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::LeaseStore;
use weir_persistence_sql::Database;
use weir_remote::{LinkState, Local, MessageSettings, Remote, TlsSettings};
use weir_runtime::System;

use super::certificates::Certificates;
use super::process::Process;
use super::{refusal, watermark};

/// Longer than the list of members remembers those that were removed.
const REMEMBERED: Duration = Duration::from_secs(25 * 3_600);
/// Longer than a node takes from its start until it is in the list, and than two clocks differ of
/// which one is an hour ahead and one an hour behind: ids tell the time of who made them.
const START_WITHIN: Duration = Duration::from_secs(3 * 3_600);

/// This node's part in the cluster. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Membership {
    pub(crate) cluster: Cluster,
    pub(crate) singletons: Singletons,
    /// `None`: this node is the whole cluster.
    pub(crate) remote: Option<Remote>,
    about: Arc<OnceLock<About>>,
}

/// Describes what this node does; known once it does something.
type About = Box<dyn Fn(&mut Details) + Send + Sync>;

impl Membership {
    /// Claims the store, listens for peers and begins to join, in the background. `rest` is where
    /// the REST API of this node is.
    pub(crate) async fn begin(
        process: &Process,
        system: &System,
        store: &Arc<dyn Database>,
        rest: String,
    ) -> anyhow::Result<Self> {
        let settings = &process.settings;
        let about = Arc::<OnceLock<About>>::default();
        let mut cluster = cluster_settings(process, rest)?;
        let claim = Claim::take(system, &cluster, store.as_ref())
            .await
            .map_err(|it| refusal::of_cluster(&it))?;
        let leases: Arc<dyn LeaseStore> = store.clone();
        watermark::check(&claim.watermarks, leases.as_ref()).await?;
        let admission = Admission::default();
        let remote = match settings.has_peers() {
            true => Some(listen(settings, system, &cluster, &claim, &admission).await?),
            false => None,
        };
        if let Some(remote) = &remote {
            cluster.address = remote.local().address.clone();
        }
        let certificates = Certificates::of_engine(settings);
        cluster.leases = Some(leases.clone());
        cluster.describe = describe(system, remote.clone(), certificates, about.clone());
        let mesh = remote.clone().map(|it| LinkMesh::start(system, it) as Arc<dyn Mesh>);
        let cluster = Cluster::start(system, cluster, claim, store.clone(), mesh, admission)
            .map_err(|it| refusal::of_cluster(&it))?;
        let facts = Facts::follow(system, cluster.view(), settings.cluster.singleton.roles.clone());
        let peers = remote.clone().map(|it| Arc::new(it) as Arc<dyn Peers>);
        let singletons = singleton_settings(settings);
        let singletons = Singletons::new(system, store.clone(), facts, peers, singletons);
        watermark::follow(system, &cluster, &singletons, leases);
        Ok(Self { cluster, singletons, remote, about })
    }

    /// Sets what this node says of its work.
    pub(crate) fn describe(&self, about: impl Fn(&mut Details) + Send + Sync + 'static) {
        // Nobody else sets it.
        let _ = self.about.set(Box::new(about));
    }
}

/// This node, and the roles that it has in the members' list.
pub(crate) fn me(cluster: &Cluster) -> (NodeName, BTreeSet<String>) {
    let view = cluster.view().borrow().clone();
    let roles = view.own().map(|it| it.roles.clone()).unwrap_or_default();
    (view.me.name.clone(), roles)
}

/// What is known of other engines by the members' list.
pub(crate) struct Others(pub(crate) Cluster);

impl weir_stream::Peers for Others {
    fn is_gone(&self, owner: &str) -> bool {
        let view = self.0.view().borrow().clone();
        let Ok(Incarnation { uid, .. }) = owner.parse() else { return false };
        is_gone(&view, uid, self.0.now())
    }
}

impl weir_controllers::resources::Owners for Others {
    fn is_gone(&self, owner: &str) -> bool {
        weir_stream::Peers::is_gone(self, owner)
    }
}

/// Whether an engine that owns something is gone for good, as far as this node can know.
fn is_gone(view: &View, uid: NodeUid, now: Timestamp) -> bool {
    let is_known = view.version > 0 && uid != view.me.uid;
    is_known && (view.has_ended(uid) || is_forgotten(view, uid, now))
}

/// Whether an engine was a member once and is remembered no more. One that is not in the list may
/// as well have come after the list was read; so it has to be older than all that is remembered,
/// or than the oldest member by more than a start takes.
fn is_forgotten(view: &View, uid: NodeUid, now: Timestamp) -> bool {
    if view.member(uid).is_some() || view.store_trouble.is_some() {
        return false;
    }
    let Some(begun) = begun_at(uid) else { return false };
    let present = view.members.iter().filter(|it| it.status < NodeStatus::Down);
    let oldest = present.map(|it| it.joined_at).min();
    let is_before_all = oldest.is_some_and(|it| it.since(begun) > START_WITHIN);
    is_before_all || now.since(begun) > REMEMBERED
}

/// When the process began, by its id.
fn begun_at(uid: NodeUid) -> Option<Timestamp> {
    let (seconds, nanos) = uid.0.get_timestamp()?.to_unix();
    let millis = seconds.checked_mul(1_000)?.checked_add(u64::from(nanos) / 1_000_000)?;
    Some(Timestamp(i64::try_from(millis).ok()?))
}

async fn listen(
    settings: &Settings,
    system: &System,
    cluster: &ClusterSettings,
    claim: &Claim,
    admission: &Admission,
) -> anyhow::Result<Remote> {
    let conf = &settings.cluster;
    let local = Local {
        cluster: cluster.name.clone(),
        cluster_id: Some(claim.identity.id),
        node: system.incarnation(),
        address: cluster.address.clone(),
        version: cluster.version.clone(),
    };
    let remote = weir_remote::Settings {
        tls: tls(&conf.tls),
        handshake_timeout: conf.handshake_timeout.duration(),
        heartbeat_every: conf.heartbeat.every.duration(),
        heartbeat_deadline: conf.heartbeat.deadline.duration(),
        backoff_min: conf.reconnect.min_backoff.duration(),
        backoff_max: conf.reconnect.max_backoff.duration(),
        message: MessageSettings {
            size_max: conf.message.max_size.as_usize(),
            chunk: conf.message.chunk.as_usize(),
            queue_bytes: conf.message.queue_bytes.as_usize(),
            queue_length: conf.message.queue_length.get() as usize,
            ..MessageSettings::default()
        },
        ..weir_remote::Settings::new(resolve(&conf.bind).await?)
    };
    let started = Remote::start(system, local, remote, Arc::new(admission.clone())).await;
    Ok(started.map_err(|it| refusal::of_links(&it))?)
}

async fn resolve(bind: &settings::Bind) -> anyhow::Result<SocketAddr> {
    let host = bind.host.trim_matches(['[', ']']);
    let found = tokio::net::lookup_host((host, bind.port)).await.ok().and_then(|mut it| it.next());
    found.with_context(|| format!("weir.cluster.bind.host: {host:?} is no address of this machine"))
}

fn tls(tls: &settings::Tls) -> Option<TlsSettings> {
    // The configuration was checked: all of them or none.
    let (certificate, key, ca) = (tls.certificate.clone()?, tls.key.clone()?, tls.ca.clone()?);
    Some(TlsSettings { certificate, key, ca })
}

fn cluster_settings(process: &Process, rest: String) -> anyhow::Result<ClusterSettings> {
    let settings = &process.settings;
    let conf = &settings.cluster;
    let address = conf.address(&super::process::machine(), conf.bind.port);
    Ok(ClusterSettings {
        rest,
        roles: settings.node.roles.iter().cloned().collect::<BTreeSet<_>>(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seeds: conf.seed_nodes.clone(),
        discovery_dns: conf.discovery.dns.clone(),
        members_min: conf.min_nr_of_members.get() as usize,
        strategy: strategy(&conf.split_brain_resolver),
        timing: Timing {
            stable_after: conf.split_brain_resolver.stable_after.duration(),
            down_all_when_unstable: conf.split_brain_resolver.down_all_when_unstable,
        },
        gossip: GossipSettings {
            every: conf.failure_detector.gossip_every.duration(),
            threshold: conf.failure_detector.threshold,
            initial_interval: conf.failure_detector.initial_interval.duration(),
        },
        data_dir: Some(process.data_dir.path.clone()),
        ..ClusterSettings::new(conf.name.clone(), address)
    })
}

fn strategy(conf: &SplitBrainResolver) -> Strategy {
    let role = conf.role.clone();
    match conf.active_strategy {
        settings::Strategy::KeepMajority => {
            let tie = match conf.keep_majority.tie {
                settings::Tie::Lease => Tie::Lease,
                settings::Tie::LowestAddress => Tie::LowestAddress,
            };
            Strategy::KeepMajority { role, tie }
        }
        settings::Strategy::StaticQuorum => {
            Strategy::StaticQuorum { size: conf.static_quorum.size, role }
        }
        settings::Strategy::KeepOldest => {
            Strategy::KeepOldest { down_if_alone: conf.keep_oldest.down_if_alone, role }
        }
        settings::Strategy::LeaseMajority => {
            let minority_delay = conf.lease_majority.minority_delay.duration();
            Strategy::LeaseMajority { minority_delay, role }
        }
        settings::Strategy::DownAll => Strategy::DownAll,
    }
}

fn singleton_settings(settings: &Settings) -> SingletonSettings {
    let conf = &settings.cluster.singleton;
    SingletonSettings {
        lease_ttl: conf.lease_ttl.duration(),
        renew_every: conf.renew_every.duration(),
        margin: conf.margin.duration(),
        spread: conf.spread,
        hand_over_within: conf.hand_over_timeout.duration(),
        buffer: conf.buffer.get() as usize,
        buffer_within: conf.buffer_timeout.duration(),
        ..SingletonSettings::default()
    }
}

fn describe(
    system: &System,
    remote: Option<Remote>,
    certificates: Certificates,
    about: Arc<OnceLock<About>>,
) -> weir_cluster::Describe {
    let tasks = system.tasks().clone();
    let (started_at, uptime) = (system.started_at(), weir_runtime::Stopwatch::start());
    Arc::new(move || {
        let links = remote.as_ref().map(|it| it.links().borrow().clone());
        let (memory_usable_bytes, memory_free_bytes) = super::memory::room().unwrap_or_default();
        let mut details = Details {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at,
            uptime_s: uptime.elapsed().as_secs(),
            os: std::env::consts::OS.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            processors: std::thread::available_parallelism()
                .map_or(1, |it| u32::try_from(it.get()).unwrap_or(u32::MAX)),
            memory_bytes: super::views::resident_bytes(),
            memory_usable_bytes,
            memory_free_bytes,
            tasks: u32::try_from(tasks.running().len()).unwrap_or(u32::MAX),
            links: links.map_or(0, |it| count(it.values().filter(|it| it.state == LinkState::Up))),
            certificate_expires: certificates.first_end(),
            ..Details::default()
        };
        if let Some(about) = about.get() {
            about(&mut details);
        }
        details
    })
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use weir_domain::{ClusterAddress, Member};

    use super::*;

    const HOUR: i64 = 3_600_000;
    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn node(at: i64) -> Incarnation {
        let id = format!("node-1#{:08x}-{:04x}-7000-8000-000000000001", at >> 16, at & 0xffff);
        id.parse().unwrap()
    }

    fn member(joined_at: i64) -> Member {
        let address: ClusterAddress = "weir://weir@node-1:5843".parse().unwrap();
        Member {
            node: node(joined_at),
            address,
            rest: String::new(),
            roles: BTreeSet::new(),
            version: String::new(),
            status: NodeStatus::Up,
            up_number: 1,
            joined_at: Timestamp(joined_at),
            changed_at: Timestamp(joined_at),
            reason: String::new(),
        }
    }

    #[test]
    fn who_has_a_clock_that_is_behind_is_not_gone_while_the_list_is_read() {
        // The list was written by one whose clock is an hour ahead.
        let view = View { version: 1, members: vec![member(NOW.0 + HOUR)], ..View::empty(node(1)) };
        assert!(!is_gone(&view, node(NOW.0 - HOUR).uid, NOW));
    }

    #[test]
    fn who_is_not_in_the_list_may_have_come_after_it_was_read() {
        let member = member(NOW.0 - 5 * HOUR);
        let mut view = View { version: 1, members: vec![member], ..View::empty(node(1)) };
        let is_gone = |view: &View, at: i64| is_gone(view, node(at).uid, NOW);
        assert!(!is_gone(&view, NOW.0 - 1_000));
        assert!(!is_gone(&view, NOW.0 - 5 * HOUR - 1_000));
        assert!(is_gone(&view, NOW.0 - 9 * HOUR));
        view.members.clear();
        assert!(!is_gone(&view, NOW.0 - 20 * HOUR));
        assert!(is_gone(&view, NOW.0 - 30 * HOUR));
        view.store_trouble = Some("refused".into());
        assert!(!is_gone(&view, NOW.0 - 30 * HOUR));
        view = View { version: 0, ..view };
        assert!(!is_gone(&view, NOW.0 - 30 * HOUR));
    }
}
