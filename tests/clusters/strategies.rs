//! Every strategy of the split-brain resolver but the default one, whose tests are in `partition`:
//! of a divided cluster at most one side serves, and it is the one that the strategy names. Some of
//! them are in `chaos`, since they take their time.

use std::collections::BTreeSet;

use super::{ACCESS, DOWNED, DOWNED_EXIT};
use crate::support::cluster::{Cluster, DEPOSED, Files, Kind, LOSS_WITHIN, Oracle};
use crate::support::{wait_for, wait_until};

const RESOLVER: &str = "weir.cluster.split-brain-resolver";

/// A cluster of so many nodes with this strategy. The nodes go up one after the other, so that the
/// first is the oldest.
pub(crate) struct Divided {
    pub(crate) cluster: Cluster,
    oracle: Oracle,
    files: Files,
}

impl Divided {
    pub(crate) fn by(strategy: &str, kind: Kind, nodes: usize, settings: &[&str]) -> Option<Self> {
        let setup = Cluster::of(nodes, kind)
            .set(&format!("{RESOLVER}.active-strategy={strategy}"))
            .set("weir.cluster.min-nr-of-members=1");
        let setup = settings.iter().fold(setup, |all, it| all.set(&format!("{RESOLVER}.{it}")));
        let mut cluster = setup.prepared()?;
        for at in 0..nodes {
            cluster.nodes[at].start();
            cluster.all_up();
        }
        let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
        let mut files = Files::new();
        cluster.deploy(&files.project);
        files.flow_again();
        Some(Self { cluster, oracle, files })
    }

    /// Cuts these nodes off the others; the nodes that go on must be one of `survivors`.
    #[track_caller]
    pub(crate) fn cut(&mut self, one: &[usize], survivors: &[&[usize]]) {
        let Self { cluster, files, .. } = self;
        let names: Vec<_> = cluster.nodes.iter().map(|it| it.name.clone()).collect();
        let side = |is_one: bool| {
            let names = names.iter().enumerate().filter(|it| one.contains(&it.0) == is_one);
            names.map(|it| it.1.as_str()).collect::<Vec<_>>()
        };
        cluster.net.partition(&side(true), &side(false));
        let may_survive: Vec<BTreeSet<_>> =
            survivors.iter().map(|it| it.iter().copied().collect()).collect();
        let running = wait_for("one side to go on alone", LOSS_WITHIN, || {
            for node in &mut cluster.nodes {
                if let Some(status) = node.try_ended() {
                    assert_eq!(status.code(), Some(DOWNED_EXIT), "{}", node.log());
                }
            }
            let running: BTreeSet<_> =
                (0..names.len()).filter(|it| cluster.nodes[*it].is_running()).collect();
            may_survive.contains(&running).then_some(running)
        });
        let Some(&witness) = running.first() else { return };
        for lost in (0..names.len()).filter(|it| !running.contains(it)) {
            cluster.gone(witness, &names[lost]);
        }
        wait_until("those that go on to have all controllers", LOSS_WITHIN, || {
            let owner = cluster.lease(witness, ACCESS).owner.unwrap();
            running.iter().any(|it| names[*it] == owner.name.as_str())
        });
        files.flow_again();
        assert!(running.iter().all(|it| cluster.nodes[*it].is_running()));
    }

    /// All are whole again.
    #[track_caller]
    pub(crate) fn heal(mut self) {
        self.cluster.net.heal();
        self.cluster.all_up_again(|it| it.code() == Some(DOWNED_EXIT));
        self.files.check();
        self.cluster.stop();
        self.oracle.check(&mut self.cluster);
    }
}

#[test]
fn static_quorum_lets_the_side_go_on_that_has_the_number() {
    let settings = &["static-quorum.size=2"];
    let Some(mut it) = Divided::by("static-quorum", Kind::MariaDb, 3, settings) else { return };
    it.cut(&[0], &[&[1, 2]]);
    it.heal();
}

#[test]
fn lease_majority_lets_one_of_two_go_on() {
    let Some(mut it) = Divided::by("lease-majority", Kind::Postgres, 2, &[]) else { return };
    it.cut(&[0], &[&[0], &[1]]);
    it.heal();
}

#[test]
fn down_all_lets_nobody_go_on() {
    let Some(mut it) = Divided::by("down-all", Kind::MariaDb, 3, &[]) else { return };
    it.cut(&[0], &[&[]]);
    it.heal();
}
