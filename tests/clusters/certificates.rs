//! Certificates that are not good: who shows one is kept out, both sides say why, and the cluster
//! goes on. Once its files are replaced, the node comes in without a restart.

use weir_domain::NodeStatus;

use super::NOBODY_GIVEN_UP;
use crate::support::cluster::{Cluster, Files, Kind, Oracle};

/// Certificates are made for two years.
const AGE_DAYS: i64 = 2 * 365;

/// Two of three nodes are up, and the third is started with another certificate.
struct Kept {
    cluster: Cluster,
    oracle: Oracle,
    files: Files,
}

impl Kept {
    /// `errors` are what the third one logs of itself.
    fn out(
        kind: Kind,
        errors: &[&'static str],
        settings: impl FnOnce(&Cluster) -> [String; 2],
    ) -> Option<Self> {
        let mut cluster = Cluster::of(3, kind).set(NOBODY_GIVEN_UP).prepared()?;
        cluster.nodes[0].start();
        let soon = cluster.certificate("soon", "node-2", AGE_DAYS - 10);
        cluster.nodes[1].start_with(&soon.each_ref().map(String::as_str));
        cluster.all_up();
        let oracle = Oracle::of(&cluster).expecting(errors);
        let mut files = Files::new();
        cluster.deploy(&files.project);
        files.flow_again();
        let settings = settings(&cluster);
        cluster.nodes[2].start_with(&settings.each_ref().map(String::as_str));
        Some(Self { cluster, oracle, files })
    }

    /// Both sides say why, in their logs and to an operator who asks.
    #[track_caller]
    fn says(&self, codes: [&str; 2], reason: &str) {
        let Self { cluster, .. } = self;
        for (node, code) in cluster.nodes.iter().step_by(2).zip(codes) {
            let log = || node.log();
            cluster.until(&format!("{code} with {reason:?} in the log of {}", node.name), || {
                log().lines().any(|it| it.contains(code) && it.contains(reason))
            });
        }
        cluster.until("the links to show the reason", || {
            let ran = cluster.nodes[2].weir(&["cluster", "links"]);
            ran.stdout.lines().any(|it| it.contains("node-1:5843") && it.contains(reason))
        });
        cluster.until("the explanation to name it", || {
            let explained = cluster.nodes[2].weir(&["cluster", "explain"]).stdout;
            explained.contains("WEIR-11023") && explained.contains(reason)
        });
        assert!(!cluster.sees_now(0, "node-3", NodeStatus::Up));
    }

    #[track_caller]
    fn comes_in(mut self, directory: &str, replaced: &str) {
        self.files.flow_again();
        self.cluster.renew_certificate(directory, replaced, "node-3");
        self.cluster.all_up();
        self.files.flow_again();
        self.files.check();
        self.cluster.stop();
        self.oracle.check(&mut self.cluster);
    }
}

#[test]
fn a_node_whose_certificate_has_expired_is_kept_out_until_it_is_replaced() {
    let settings = |it: &Cluster| it.certificate("expired", "node-3", AGE_DAYS + 10);
    let Some(kept) = Kept::out(Kind::Postgres, &["WEIR-10012"], settings) else { return };
    kept.cluster.nodes[2].logged("WEIR-10012");
    kept.says(["WEIR-10005", "WEIR-10007"], "a certificate has expired");
    kept.comes_in("expired", "node-3");
}

#[test]
fn a_node_with_the_certificate_of_another_host_is_kept_out_until_it_is_replaced() {
    let settings = |it: &Cluster| it.certificate("elsewhere", "elsewhere", 0);
    let Some(kept) = Kept::out(Kind::MariaDb, &["WEIR-10013"], settings) else { return };
    kept.cluster.nodes[2].logged("WEIR-10013");
    let reason = "the certificate is for elsewhere, not for node-3";
    kept.says(["WEIR-10005", "WEIR-10006"], reason);

    // The other one's is good, for some days.
    let log = kept.cluster.nodes[1].log();
    assert!(log.contains("WEIR-10011"), "{log}");
    let shown = kept.cluster.nodes[1].weir(&[
        "node",
        "show",
        "node-2",
        "--server",
        "http://127.0.0.1:5842",
    ]);
    assert!(shown.stdout.contains("! expires in 9d"), "{}{}", shown.stdout, shown.stderr);
    assert!(!kept.cluster.nodes[0].log().contains("WEIR-10011"), "its own lasts long");
    kept.comes_in("elsewhere", "elsewhere");
}
