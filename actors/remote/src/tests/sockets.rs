//! Links over real sockets with real certificates, and what comes from strangers. Both ends live
//! in this process; they meet over loopback.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::KeyPair;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weir_domain::{Clock, ClusterAddress, Timestamp};

use super::*;
use crate::certs::Existing;
use crate::hello::{self, LinkId, Misheard, PROTOCOL, Word};

const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn two_nodes_link_in_the_clear_on_loopback() {
    check_link(&Node::new("a"), &Node::new("b")).await;
}

#[tokio::test]
async fn an_address_that_leads_to_who_is_linked_is_no_other_row_whoever_dialled() {
    // The first keeps what it dialled itself, and refuses the other's connection.
    let (a, b) = check_link(&Node::new("a"), &Node::new("b")).await;
    for (from, to) in [(&a, &b), (&b, &a)] {
        let by_number =
            ClusterAddress { host: "127.0.0.1".to_owned(), ..to.local().address.clone() };
        from.dial(by_number);
        let only = |it: &Arc<Links>| it.keys().eq([&to.local().address]);
        let mut links = from.links();
        let settled = tokio::time::timeout(WITHIN, links.wait_for(only)).await;
        assert!(settled.is_ok(), "{:?}", from.links().borrow());
    }
}

#[tokio::test]
async fn two_nodes_link_over_mutual_tls_and_see_each_others_certificates() {
    let dir = certificates(&["localhost"]);
    let (a, b) = (Node::new("a").tls(&dir, "localhost"), Node::new("b").tls(&dir, "localhost"));
    let (a, b) = check_link(&a, &b).await;
    for (remote, peer) in [(&a, &b), (&b, &a)] {
        let links = remote.links().borrow().clone();
        let certificate = links[&peer.local().address].certificate.clone().unwrap();
        assert_eq!(certificate.subject, "CN=localhost");
        let year = 365 * 24 * 3_600 * 1_000;
        assert!(certificate.expires.0 - SystemClock.now().0 > year);
    }
}

#[tokio::test]
async fn without_certificates_only_loopback_is_listened_on() {
    let node = Node { bind: "0.0.0.0:0".parse().unwrap(), ..Node::new("a") };
    let error = node.try_start().await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("weir certs dev") && error.contains("0.0.0.0:0"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_with_the_reason_on_both_sides() {
    let dir = certificates(&["localhost", "elsewhere"]);
    let a = Node::new("a").tls(&dir, "localhost").start().await;
    // It has the certificate of another host, and says that it is localhost.
    let b = Node::new("b").tls(&dir, "elsewhere").start().await;
    let mut refused = b.events();
    b.dial(a.local().address.clone());
    let refusal = refusal(&mut refused).await;
    assert_eq!(refusal.code, code::WRONG_CERTIFICATE);
    assert!(refusal.reason.contains("is for elsewhere, not for localhost"), "{refusal}");
    b.forget(&a.local().address);

    a.dial(b.local().address.clone());
    let trouble = trouble(&a, &b.local().address).await;
    assert!(trouble.contains("this node refuses it") && trouble.contains("elsewhere"), "{trouble}");
}

#[tokio::test]
async fn certificates_of_another_authority_and_expired_ones_are_refused() {
    let dir = certificates(&["localhost"]);
    let other = certificates(&["localhost"]);
    let expired = tempfile::tempdir().unwrap();
    for name in ["ca.pem", "ca.key"] {
        std::fs::copy(dir.path().join(name), expired.path().join(name)).unwrap();
    }
    let hosts = ["localhost".to_owned()];
    crate::certs::dev(expired.path(), &hosts, Existing::Keep, Timestamp(1_000_000_000_000))
        .unwrap();
    let a = Node::new("a").tls(&dir, "localhost").start().await;
    for (dir, there, here) in
        [(&other, "not of one authority", "not of one authority"), (&expired, "expired", "expired")]
    {
        let b = Node::new("b").tls(dir, "localhost").start().await;
        b.dial(a.local().address.clone());
        let at_b = trouble(&b, &a.local().address).await;
        assert!(at_b.contains(there), "{at_b}");
        b.forget(&a.local().address);
        a.dial(b.local().address.clone());
        let at_a = trouble(&a, &b.local().address).await;
        assert!(at_a.contains(here), "{at_a}");
        a.forget(&b.local().address);
    }
}

#[tokio::test]
async fn a_node_without_tls_and_one_with_it_say_what_is_wrong() {
    let dir = certificates(&["localhost"]);
    let a = Node::new("a").tls(&dir, "localhost").start().await;
    let b = Node::new("b").start().await;
    a.dial(b.local().address.clone());
    let trouble = trouble(&a, &b.local().address).await;
    assert!(trouble.contains("set weir.cluster.tls on both or on none"), "{trouble}");
}

#[tokio::test]
async fn certificates_that_were_replaced_are_used_for_new_connections() {
    let dir = certificates(&["localhost"]);
    let a = Node::new("a").tls(&dir, "localhost").start().await;
    let other = certificates(&["localhost"]);
    let b = Node::new("b").tls(&other, "localhost").start().await;
    a.dial(b.local().address.clone());
    trouble(&a, &b.local().address).await;
    for name in ["ca.pem", "localhost.pem", "localhost.key"] {
        std::fs::copy(other.path().join(name), dir.path().join(name)).unwrap();
    }
    wait_until("they link", || a.is_linked(b.local().node.uid)).await;
}

#[tokio::test]
async fn silent_sockets_and_half_handshakes_keep_nobody_out() {
    let dir = certificates(&["localhost"]);
    // They do not go by themselves while the others link.
    let a = Node { handshake: NEVER, ..Node::new("a").tls(&dir, "localhost") }.start().await;
    let mut sockets = Vec::new();
    for number in 0..200 {
        let mut socket = TcpStream::connect(a.listening_on()).await.unwrap();
        if number % 2 == 0 {
            // The first bytes of a handshake of TLS, and no more.
            socket.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
        }
        sockets.push(socket);
    }
    let b = Node::new("b").tls(&dir, "localhost").start().await;
    let mut events = b.events();
    b.dial(a.local().address.clone());
    up(&mut events).await;
    drop(sockets);
}

#[tokio::test]
async fn garbage_gets_a_refusal_and_nothing_else() {
    let a = Node::new("a").start().await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 100], b"weirlink\xff\xff\xff\xff"] {
        let mut socket = TcpStream::connect(a.listening_on()).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        let error = hello::hear(&mut socket).await.unwrap_err();
        assert!(matches!(&error, Misheard::Refused(it) if it.code == code::NO_HELLO), "{error}");
        let mut rest = Vec::new();
        socket.shutdown().await.unwrap();
        socket.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
    }
    check_dial(&Node::new("b").start().await, &a).await;
}

#[tokio::test]
async fn a_recorded_hello_and_confirmation_are_refused() {
    let a = Node::new("a").start().await;
    let mine = stranger();
    let mut first = TcpStream::connect(a.listening_on()).await.unwrap();
    let link = greet(&mut first, &mine).await;
    // Another connection hears another nonce, so the same words don't fit.
    let mut second = TcpStream::connect(a.listening_on()).await.unwrap();
    greet(&mut second, &mine).await;
    hello::say(&mut second, &Word::Confirm { link }).await.unwrap();
    let error = hello::hear(&mut second).await.unwrap_err();
    assert!(matches!(&error, Misheard::Refused(it) if it.code == code::REPLAYED), "{error}");
}

#[tokio::test]
async fn a_huge_frame_on_a_link_ends_it_before_it_takes_memory() {
    let a = Node::new("a").start().await;
    let mut socket = TcpStream::connect(a.listening_on()).await.unwrap();
    let link = greet(&mut socket, &stranger()).await;
    hello::say(&mut socket, &Word::Confirm { link }).await.unwrap();
    assert!(matches!(hello::hear(&mut socket).await, Ok(Word::Welcome { .. })));
    socket.write_all(&(200_u64 << 20).to_be_bytes()).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(4), socket.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is still open");
    check_dial(&Node::new("b").start().await, &a).await;
}

#[tokio::test]
async fn a_stranger_that_stops_in_the_middle_of_a_handshake_is_dropped() {
    let settings = Duration::from_millis(300);
    let a = Node { handshake: settings, ..Node::new("a") }.start().await;
    let mut socket = TcpStream::connect(a.listening_on()).await.unwrap();
    greet(&mut socket, &stranger()).await;
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(WITHIN, socket.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn a_stop_is_heard_as_a_goodbye_and_the_port_is_free_again() {
    let (a, b) = check_link(&Node::new("a"), &Node::new("b")).await;
    let mut events = a.events();
    b.stop().await;
    assert!(matches!(down(&mut events).await, Cause::Goodbye(_)));
    assert_eq!(gone(&mut events).await, (b.local().node.clone(), Evidence::Left));
    let again = Node { bind: b.listening_on(), ..Node::new("b") };
    let free = async {
        while again.try_start().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(WITHIN, free).await.unwrap();
}

#[test]
fn a_directory_with_bad_files_is_refused_with_the_file() {
    let dir = certificates(&["localhost"]);
    let settings = tls(dir.path(), "localhost");
    let check = |file: &str, content: &str, wanted: &str| {
        let path = dir.path().join(file);
        let before = std::fs::read(&path).unwrap();
        std::fs::write(&path, content).unwrap();
        let error = crate::transport::read_credentials(settings.clone()).err().unwrap().to_string();
        assert!(error.contains(wanted), "{error}");
        std::fs::write(&path, before).unwrap();
    };
    check("ca.pem", "", "has no certificate in it");
    check("localhost.key", "nothing", "localhost.key can't be read as PEM");
    let key = KeyPair::generate().unwrap().serialize_pem();
    check("localhost.key", &key, "don't fit together");
}

struct Node {
    name: &'static str,
    bind: SocketAddr,
    handshake: Duration,
    tls: Option<TlsSettings>,
}

impl Node {
    fn new(name: &'static str) -> Self {
        let bind = "127.0.0.1:0".parse().unwrap();
        Self { name, bind, handshake: Duration::from_secs(5), tls: None }
    }

    fn tls(self, dir: &TempDir, host: &str) -> Self {
        Self { tls: Some(tls(dir.path(), host)), ..self }
    }

    async fn start(&self) -> Remote {
        self.try_start().await.unwrap()
    }

    async fn try_start(&self) -> Result<Remote, Error> {
        let system = system(self.name);
        let mut settings = Settings::new(self.bind);
        settings.handshake_timeout = self.handshake;
        settings.tls = self.tls.clone();
        Remote::start(&system, local(&system), settings, Arc::new(AdmitAll)).await
    }
}

pub(super) fn local(system: &System) -> Local {
    Local {
        cluster: cluster(),
        cluster_id: None,
        node: Incarnation { name: system.node().clone(), uid: system.uid() },
        address: "weir://weir@localhost:0".parse().unwrap(),
        version: "0.1.0".to_owned(),
    }
}

fn certificates(hosts: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let hosts: Vec<_> = hosts.iter().map(|it| (*it).to_owned()).collect();
    crate::certs::dev(dir.path(), &hosts, Existing::Keep, SystemClock.now()).unwrap();
    dir
}

fn tls(dir: &Path, host: &str) -> TlsSettings {
    let file = |name: &str| -> PathBuf { dir.join(name) };
    TlsSettings {
        certificate: file(&format!("{host}.pem")),
        key: file(&format!("{host}.key")),
        ca: file("ca.pem"),
    }
}

async fn check_link(a: &Node, b: &Node) -> (Remote, Remote) {
    let (a, b) = (a.start().await, b.start().await);
    check_dial(&a, &b).await;
    (a, b)
}

/// One dials the other, and messages pass in both directions.
async fn check_dial(a: &Remote, b: &Remote) {
    let notes = Notes::served(b);
    let _answers = Notes::served(a);
    a.dial(b.local().address.clone());
    let (to_b, to_a) = (b.local().node.uid, a.local().node.uid);
    wait_until("both are linked", || a.is_linked(to_b) && b.is_linked(to_a)).await;
    for number in 0..1_000 {
        a.tell(to_b, "notes", &note(number), Lane::Data).unwrap();
    }
    let answer = b.ask(to_a, "notes", &note(5), WITHIN).await.unwrap();
    assert_eq!(answer.payload, 5_u64.to_be_bytes().to_vec());
    wait_until("all came", || notes.len() == 1_000).await;
    assert!(notes.numbers().is_sorted());
}

async fn trouble(remote: &Remote, address: &ClusterAddress) -> String {
    let trouble = || remote.links().borrow().get(address).and_then(|it| it.trouble.clone());
    wait_until("there is trouble", || trouble().is_some()).await;
    trouble().unwrap()
}

fn stranger() -> Hello {
    let system = system("stranger");
    Hello {
        protocol: PROTOCOL,
        cluster: cluster(),
        cluster_id: None,
        node: Incarnation { name: system.node().clone(), uid: system.uid() },
        address: "weir://weir@stranger:1".parse().unwrap(),
        version: "0.1.0".to_owned(),
        features: 0,
        nonce: [1; 16],
    }
}

/// Exchanges hellos, and gives the link's id.
async fn greet(socket: &mut TcpStream, mine: &Hello) -> LinkId {
    hello::say(socket, &Word::Hello(mine.clone())).await.unwrap();
    let Ok(Word::Hello(theirs)) = hello::hear(socket).await else { panic!("no hello") };
    LinkId::of(mine, &theirs)
}
