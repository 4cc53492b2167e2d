//! Settings of the cluster that contradict each other.

use std::collections::BTreeSet;

use weir_domain::Millis;

use super::Checks;
use crate::settings::{Cluster, Settings, Singleton, SplitBrainResolver, Strategy};

impl Checks<'_> {
    pub(super) fn cluster(&mut self, settings: &Settings) {
        let cluster = &settings.cluster;
        self.seed_nodes(cluster);
        self.tls(cluster);
        if settings.has_peers() {
            self.reached_without_certificates(cluster);
        } else if settings.config_server.persistence.server().is_none() {
            self.peers_without_a_store(cluster);
        }
        for (path, canonical) in [
            ("cluster.canonical.host", &cluster.canonical),
            ("rest-server.canonical.host", &settings.rest_server.canonical),
        ] {
            if let Some(host) = &canonical.host {
                self.host(path, host, "node-1.example.org");
            }
        }
        self.times_of_links(cluster);
        self.singleton(&cluster.singleton);
        self.resolver(&cluster.split_brain_resolver, cluster.seed_nodes.len());
    }

    fn seed_nodes(&mut self, cluster: &Cluster) {
        let mut seen = BTreeSet::new();
        for (index, seed) in cluster.seed_nodes.iter().enumerate() {
            let path = format!("cluster.seed-nodes[{index}]");
            if seed.cluster != cluster.name {
                let cause =
                    format!("{seed} is of cluster {}, not of {}", seed.cluster, cluster.name);
                self.add(
                    &path,
                    cause,
                    &format!("write weir://{}@{}", cluster.name, seed.authority()),
                );
            }
            if !seen.insert(seed) {
                self.add(&path, format!("{seed} is listed twice"), "list every node once");
            }
        }
    }

    fn tls(&mut self, cluster: &Cluster) {
        let tls = &cluster.tls;
        let all = [("certificate", &tls.certificate), ("key", &tls.key), ("ca", &tls.ca)];
        let Some((given, _)) = all.iter().find(|it| it.1.is_some()) else { return };
        for (missing, _) in all.iter().filter(|it| it.1.is_none()) {
            let cause =
                format!("cluster.tls.{missing} is missing: the three files belong together");
            let fix = "name certificate, key and ca, or none of them";
            self.add(&format!("cluster.tls.{given}"), cause, fix);
        }
    }

    fn reached_without_certificates(&mut self, cluster: &Cluster) {
        if cluster.tls.is_off() && !cluster.bind.is_loopback() {
            let cause = format!(
                "{:?} is reached from other machines, and without certificates anybody there could \
                 join the cluster",
                cluster.bind.host
            );
            let fix = "make certificates with `weir certs dev --dir DIR HOST…` and name them in \
                       cluster.tls, or listen on 127.0.0.1";
            self.add("cluster.bind.host", cause, fix);
        }
    }

    /// Engines are a cluster by the store that they share.
    fn peers_without_a_store(&mut self, cluster: &Cluster) {
        let asks_for_peers = [
            ("seed-nodes", !cluster.seed_nodes.is_empty()),
            ("discovery.dns", cluster.discovery.dns.is_some()),
            ("min-nr-of-members", cluster.min_nr_of_members.get() > 1),
        ];
        for (key, _) in asks_for_peers.into_iter().filter(|it| it.1) {
            let cause =
                "several engines need a database that they share, and sqlite is one engine's own";
            let fix =
                "set persistence.journal.plugin to mariadb, mysql or postgresql, or remove this";
            self.add(&format!("cluster.{key}"), cause, fix);
        }
    }

    fn times_of_links(&mut self, cluster: &Cluster) {
        let Cluster { heartbeat, failure_detector, reconnect, message, .. } = cluster;
        self.less(
            ("cluster.heartbeat.every", heartbeat.every),
            ("cluster.heartbeat.deadline", heartbeat.deadline),
        );
        self.at_most(
            ("cluster.reconnect.min-backoff", reconnect.min_backoff),
            ("cluster.reconnect.max-backoff", reconnect.max_backoff),
        );
        self.at_most(
            ("cluster.message.chunk", message.chunk),
            ("cluster.message.max-size", message.max_size),
        );
        self.at_most(
            ("cluster.message.chunk", message.chunk),
            ("cluster.message.queue-bytes", message.queue_bytes),
        );
        self.longer_than_nothing(&[
            ("cluster.heartbeat.every", heartbeat.every),
            ("cluster.failure-detector.gossip-every", failure_detector.gossip_every),
            ("cluster.failure-detector.initial-interval", failure_detector.initial_interval),
            ("cluster.handshake-timeout", cluster.handshake_timeout),
            ("cluster.reconnect.min-backoff", reconnect.min_backoff),
        ]);
        if message.chunk.0 == 0 {
            let path = "cluster.message.chunk";
            self.add(path, "it must be more than nothing", "write for instance 256KiB");
        }
        if !(failure_detector.threshold > 0.0 && failure_detector.threshold.is_finite()) {
            let path = "cluster.failure-detector.threshold";
            self.add(path, "it must be more than 0", "write for instance 8.0");
        }
    }

    /// An owner that can't renew stops before anybody else may take the lease, and renews at least
    /// once before that.
    fn singleton(&mut self, singleton: &Singleton) {
        let Singleton { lease_ttl, renew_every, margin, .. } = singleton;
        self.roles("cluster.singleton.roles", &singleton.roles);
        self.longer_than_nothing(&[
            ("cluster.singleton.renew-every", *renew_every),
            ("cluster.singleton.margin", *margin),
            ("cluster.singleton.hand-over-timeout", singleton.hand_over_timeout),
        ]);
        let (path, ttl) = (("cluster.singleton.margin", *margin), *lease_ttl);
        if !self.less(path, ("cluster.singleton.lease-ttl", ttl)) {
            return;
        }
        let left = Millis(ttl.0 - margin.0);
        if *renew_every < left {
            return;
        }
        let all =
            ["renew-every", "margin", "lease-ttl"].map(|it| format!("cluster.singleton.{it}"));
        let written = all.iter().find(|it| !self.is_default(it)).unwrap_or(&all[0]);
        let cause = format!(
            "a lease of {ttl} with a margin of {margin} leaves {left}, too little for a renewal every \
             {renew_every}"
        );
        self.add(written, cause, "lower renew-every or margin, or raise lease-ttl");
    }

    /// Whether the one is less than the other; a finding if not.
    fn less(&mut self, small: (&str, Millis), large: (&str, Millis)) -> bool {
        if small.1 < large.1 {
            return true;
        }
        let (here, other, word) = match self.is_default(small.0) {
            true => (large, small, "more"),
            false => (small, large, "less"),
        };
        let cause = format!("{} is not {word} than {}, the value of {}", here.1, other.1, other.0);
        let fix = format!("set it to {word} than {}, or change {}", other.1, other.0);
        self.add(here.0, cause, &fix);
        false
    }

    fn resolver(&mut self, resolver: &SplitBrainResolver, seeds: usize) {
        if let Some(role) = &resolver.role {
            self.role("cluster.split-brain-resolver.role", role);
        }
        self.longer_than_nothing(&[(
            "cluster.split-brain-resolver.stable-after",
            resolver.stable_after,
        )]);
        if resolver.active_strategy != Strategy::StaticQuorum {
            return;
        }
        let path = "cluster.split-brain-resolver.static-quorum.size";
        let size = resolver.static_quorum.size as usize;
        if size == 0 {
            let cause = "static-quorum needs to know how many nodes are a quorum";
            self.add(path, cause, "set it to more than half of the nodes, as 2 of 3");
        } else if seeds >= 2 * size {
            let cause = format!(
                "{size} is too small: {seeds} seed nodes can split into two sides with {size} each, \
                 and both would go on"
            );
            self.add(path, cause, &format!("set it to {} or more", seeds / 2 + 1));
        }
    }
}
