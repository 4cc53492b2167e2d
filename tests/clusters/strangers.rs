//! Those who don't belong: nodes of one name, of another authority, and noise on the peers' port.

use std::io::Write as _;
use std::net::TcpStream;

use weir_domain::NodeStatus;

use crate::support::cluster::{Cluster, Kind, Oracle, make_certificates};

const PEER_PORT: u16 = 5843;

#[test]
fn a_second_node_of_a_name_is_refused_while_the_first_one_lives() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).prepared() else { return };
    cluster.nodes[0].start();
    cluster.nodes[1].start();
    cluster.all_up();
    let oracle = Oracle::of(&cluster).expecting(&["WEIR-11011", "WEIR-10006"]);
    cluster.nodes[2].start_with(&["weir.node.name=node-1"]);
    let status = cluster.nodes[2].ended();
    let log = cluster.nodes[2].log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("WEIR-11011") && log.contains("node-1"), "{log}");
    cluster.all_up();
    cluster.nodes[2].start();
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_node_of_another_authority_is_refused_on_both_sides() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).prepared() else { return };
    cluster.nodes[0].start();
    cluster.nodes[1].start();
    cluster.all_up();
    let oracle = Oracle::of(&cluster);
    let others = cluster.root().join("others");
    make_certificates(&others, &["node-3"]);
    let file =
        |key: &str, name: &str| format!("weir.cluster.tls.{key}={}/{name}", others.display());
    let settings =
        [file("certificate", "node-3.pem"), file("key", "node-3.key"), file("ca", "ca.pem")];
    cluster.nodes[2].start_with(&settings.each_ref().map(String::as_str));
    cluster.nodes[0].logged("WEIR-10005");
    cluster.until("the stranger to say that it is refused", || {
        let log = cluster.nodes[2].log();
        log.contains("certificate") && !log.contains("member status is up")
    });
    assert!(!cluster.sees_now(0, "node-3", NodeStatus::Up));
    cluster.nodes[2].kill();
    cluster.nodes[2].start();
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn silence_and_noise_on_the_peers_port_keep_nobody_out() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).prepared() else { return };
    cluster.nodes[0].start();
    cluster.nodes[1].start();
    cluster.all_up();
    let oracle = Oracle::of(&cluster);
    let connect = || cluster.net.connect("node-3", "node-1", PEER_PORT);
    let silent: Vec<TcpStream> = (0..100).map(|_| connect().unwrap()).collect();
    let mut noisy = Vec::new();
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64 << 10], &[0x16, 3, 1, 0xff, 0xff]] {
        for _ in 0..30 {
            // Some may find that nobody takes them any more: they are where they should be.
            let Ok(mut stream) = connect() else { continue };
            let _ = stream.write_all(noise);
            noisy.push(stream);
        }
    }
    cluster.nodes[2].start();
    cluster.all_up();
    drop((silent, noisy));
    cluster.stop();
    oracle.check(&mut cluster);
}
