//! What an operator can set about membership: `weir.cluster` without links and singletons.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use weir_domain::{ClusterAddress, ClusterName};
use weir_persistence_api::LeaseStore;

use crate::details::Details;
use crate::liveness::GossipSettings;
use crate::resolver::{Strategy, Tie, Timing};

/// Describes this node as it is now.
pub type Describe = Arc<dyn Fn() -> Details + Send + Sync>;

#[derive(Clone)]
pub struct ClusterSettings {
    pub name: ClusterName,
    /// How peers reach this node.
    pub address: ClusterAddress,
    /// How peers and people reach its REST API.
    pub rest: String,
    pub roles: BTreeSet<String>,
    pub version: String,
    /// The same list on all nodes.
    pub seeds: Vec<ClusterAddress>,
    /// A DNS name whose addresses are engines, with the port of this node's address.
    pub discovery_dns: Option<String>,
    pub members_min: usize,
    pub strategy: Strategy,
    pub timing: Timing,
    pub gossip: GossipSettings,
    /// How often the list of members is read when nobody says that it changed.
    pub look_every: Duration,
    /// Where it is noted what was seen of the store. `None`: nowhere, for tests.
    pub data_dir: Option<PathBuf>,
    pub describe: Describe,
    /// The leases of the same store: one that is renewed shows that its holder lives. `None`: there
    /// are none.
    pub leases: Option<Arc<dyn LeaseStore>>,
}

impl ClusterSettings {
    /// The defaults of `reference.conf` around what has none.
    pub fn new(name: ClusterName, address: ClusterAddress) -> Self {
        Self {
            name,
            address,
            rest: String::new(),
            roles: BTreeSet::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seeds: Vec::new(),
            discovery_dns: None,
            members_min: 1,
            strategy: Strategy::KeepMajority { role: None, tie: Tie::Lease },
            timing: Timing { stable_after: Duration::from_secs(5), down_all_when_unstable: true },
            gossip: GossipSettings {
                every: Duration::from_millis(500),
                threshold: 8.0,
                initial_interval: Duration::from_millis(500),
            },
            look_every: Duration::from_secs(1),
            data_dir: None,
            describe: Arc::new(Details::default),
            leases: None,
        }
    }
}

impl fmt::Debug for ClusterSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterSettings")
            .field("name", &self.name)
            .field("address", &self.address)
            .field("roles", &self.roles)
            .field("seeds", &self.seeds)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
