//! Peers of another version: neighbours work together, and what one does not know of the other is
//! refused aloud. The peer is made of the links alone, so that it can say what no engine says yet.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use weir_domain::{ClusterAddress, NodeUid};
use weir_remote::{
    AdmitAll, AskError, Hello, Lane, LinkEvent, Local, Manifest, Outgoing, Refusal, Remote,
    TlsSettings,
};
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings};

use crate::support::DEADLINE;
use crate::support::cluster::{Cluster, Kind, Oracle};

/// Of the engines.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const PORT: u16 = 5843;
/// The host of the peer.
const PEER: &str = "node-3";
const UNHANDLED: &str = "weir_remote_unhandled_total";

#[test]
fn a_neighbouring_version_is_linked_and_what_is_not_known_of_it_is_refused_aloud() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).prepared() else { return };
    cluster.nodes[0].start();
    cluster.nodes[1].start();
    cluster.all_up();
    let oracle = Oracle::of(&cluster);
    let engine = cluster.nodes[0].members().unwrap().node.uid;
    let address = cluster.net.address("node-1");
    let before = cluster.nodes[0].counted(UNHANDLED);
    within_peer(&cluster, async |peer| {
        link(&peer, engine, &format!("weir://weir@{address}:{PORT}").parse().unwrap()).await;
        refusals(&peer, engine).await;
        cluster.nodes[0].logged(&format!("version={}", next_minor()));
        for (code, message) in [
            ("WEIR-10020", "cluster.Invented v1"),
            ("WEIR-10021", "cluster.Changed v2"),
            ("WEIR-10021", "activation.Changed v2"),
            ("WEIR-10020", "cluster.Changed v3"),
            ("WEIR-10020", "access-coordinator v99"),
        ] {
            let log = || cluster.nodes[0].log();
            cluster.until(&format!("{code} about {message}"), || {
                log().lines().any(|it| it.contains(code) && it.contains(message))
            });
        }
        peer.stop().await;
    });
    assert_eq!(cluster.nodes[0].counted(UNHANDLED) - before, 5, "each was counted");
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

/// Five messages of which the engine knows none in this version.
async fn refusals(peer: &Remote, engine: NodeUid) {
    let message = |name, version| Outgoing::raw(Manifest::new(name, version), vec![0x80]);
    let tell = |path, it: &Outgoing| peer.tell(engine, path, it, Lane::Control).unwrap();
    tell("cluster/later", &message("cluster.Invented", 1));
    tell("cluster/members", &message("cluster.Changed", 2));
    tell("activation", &message("activation.Changed", 2));
    let ask = async |path, it: Outgoing| peer.ask(engine, path, &it, DEADLINE).await.unwrap_err();
    let error = ask("cluster/members", message("cluster.Changed", 3)).await;
    assert_eq!(error, AskError::Unhandled { manifest: Manifest::new("cluster.Changed", 3) });
    let error = ask("singleton", message("access-coordinator", 99)).await;
    assert_eq!(error, AskError::Unhandled { manifest: Manifest::new("access-coordinator", 99) });
}

#[test]
fn a_protocol_that_is_not_spoken_is_refused_with_the_versions_of_both() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).prepared() else { return };
    cluster.nodes[0].start();
    cluster.nodes[1].start();
    cluster.all_up();
    let oracle = Oracle::of(&cluster);
    let system = system();
    let hello = Hello {
        protocol: (2, 3),
        cluster: "weir".parse().unwrap(),
        cluster_id: None,
        node: system.incarnation(),
        address: format!("weir://weir@{PEER}:{PORT}").parse().unwrap(),
        version: "7.0.0".to_owned(),
        features: 0,
        nonce: [7; 16],
    };
    let mut stream = secured(&cluster);
    say(&mut stream, &BTreeMap::from([("hello", hello)]));
    let Refusal { code, reason, .. } =
        hear::<BTreeMap<String, Refusal>>(&mut stream)["refusal"].clone();
    assert_eq!(code.to_string(), "WEIR-10041");
    let ours = format!("this node ({VERSION}) 1 to 1");
    for part in ["(7.0.0) speaks versions 2 to 3", &ours, "one minor version"] {
        assert!(reason.contains(part), "{reason}");
    }
    let log = || cluster.nodes[0].log();
    cluster.until("the refusal in the log", || {
        log().lines().any(|it| it.contains("WEIR-10041") && it.contains("speaks versions 2 to 3"))
    });
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

/// The links of a node of the next minor version, on a host of their own.
fn within_peer(cluster: &Cluster, work: impl AsyncFnOnce(Remote) + Send) {
    cluster.net.within(PEER, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let system = system();
            let local = Local {
                cluster: "weir".parse().unwrap(),
                cluster_id: None,
                node: system.incarnation(),
                address: format!("weir://weir@{PEER}:{PORT}").parse().unwrap(),
                version: next_minor(),
            };
            let mut settings = weir_remote::Settings::new(([0, 0, 0, 0], PORT).into());
            let [certificate, key, ca] = files(cluster);
            settings.tls = Some(TlsSettings { certificate, key, ca });
            let peer = Remote::start(&system, local, settings, Arc::new(AdmitAll)).await.unwrap();
            work(peer).await;
        });
    });
}

/// Waits until the peer is linked to an engine. Others find it, too, since it is one of the seeds.
async fn link(peer: &Remote, engine: NodeUid, address: &ClusterAddress) {
    let mut events = peer.events();
    peer.dial(address.clone());
    let up = async {
        loop {
            match events.recv().await.unwrap() {
                LinkEvent::Up { peer } if peer.uid == engine => return,
                _ => {}
            }
        }
    };
    tokio::time::timeout(DEADLINE, up).await.expect("the engine links a neighbouring version");
}

fn next_minor() -> String {
    let mut parts = VERSION.split('.');
    let major = parts.next().unwrap();
    let minor: u32 = parts.next().unwrap().parse().unwrap();
    format!("{major}.{}.0", minor + 1)
}

fn system() -> System {
    let clock = Arc::new(SystemClock);
    System::new(SystemSettings {
        node: PEER.parse().unwrap(),
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    })
}

/// Certificate, key and authority of the peer.
fn files(cluster: &Cluster) -> [PathBuf; 3] {
    let tls = cluster.root().join("tls");
    [format!("{PEER}.pem"), format!("{PEER}.key"), "ca.pem".to_owned()].map(|it| tls.join(it))
}

type Secured = StreamOwned<ClientConnection, TcpStream>;

/// A connection to the first engine that shows the certificate of the peer.
fn secured(cluster: &Cluster) -> Secured {
    let [certificate, key, ca] = files(cluster);
    let read = |path: &Path| CertificateDer::from_pem_file(path).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(read(&ca)).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![read(&certificate)], PrivateKeyDer::from_pem_file(key).unwrap())
        .unwrap();
    let name = "node-1".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = cluster.net.connect(PEER, "node-1", PORT).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    StreamOwned::new(connection, stream)
}

/// Words of the handshake: a mark, a length, MessagePack.
fn say<T: serde::Serialize>(stream: &mut Secured, word: &T) {
    let content = rmp_serde::to_vec_named(word).unwrap();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    stream.write_all(&[&b"weirlink"[..], &length, &content].concat()).unwrap();
    stream.flush().unwrap();
}

fn hear<T: serde::de::DeserializeOwned>(stream: &mut Secured) -> T {
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    let mut content = vec![0; u32::from_be_bytes(*head.last_chunk().unwrap()) as usize];
    stream.read_exact(&mut content).unwrap();
    rmp_serde::from_slice(&content).unwrap()
}
