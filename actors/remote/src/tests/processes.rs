//! Links between real processes, over mutual TLS: this test binary starts itself as the peer.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use weir_domain::{Clock, ClusterAddress};

use super::sockets::local;
use super::*;
use crate::certs::Existing;

/// What a peer is told: its role, the directory of its certificates, where it listens, whom it
/// dials.
const ROLE: &str = "WEIR_REMOTE_TEST_ROLE";
const CERTIFICATES: &str = "WEIR_REMOTE_TEST_CERTIFICATES";
const BIND: &str = "WEIR_REMOTE_TEST_BIND";
const DIAL: &str = "WEIR_REMOTE_TEST_DIAL";
const ANY: &str = "127.0.0.1:0";

/// Not a test of its own: the peer of the others, which start it in a process of its own.
#[test]
#[ignore = "is started by other tests"]
fn peer() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match role.as_str() {
        "serve" => runtime.block_on(serve()),
        "flood" => runtime.block_on(flood()),
        other => panic!("unknown role {other}"),
    }
}

/// Links to its parent and answers, until the parent lets go of its standard input.
async fn serve() {
    let var = |name| std::env::var(name).unwrap();
    let remote = start(&PathBuf::from(var(CERTIFICATES)), var(BIND).parse().unwrap()).await;
    Notes::served(&remote);
    remote.dial(var(DIAL).parse().unwrap());
    let parent = std::thread::spawn(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    wait_for_ever_until(|| parent.is_finished()).await;
}

async fn wait_for_ever_until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Offers a gigabyte to a peer that is stopped.
async fn flood() {
    let dir = PathBuf::from(std::env::var(CERTIFICATES).unwrap());
    let remote = start(&dir, ANY.parse().unwrap()).await;
    let mut events = remote.events();
    let peer = Peer::start(&remote, &dir, ANY);
    let to = up(&mut events).await.uid;
    peer.signal(Signal::STOP);
    let before = resident_bytes();
    let message = Outgoing::raw(NOTE, vec![7; 100_000]);
    let mut was_busy = false;
    for _ in 0..10_000 {
        match remote.tell(to, "notes", &message, Lane::Data) {
            Ok(()) => {}
            Err(SendError::Busy) => was_busy = true,
            Err(error) => panic!("{error}"),
        }
        tokio::task::yield_now().await;
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(was_busy);
    assert!(grown < 64 << 20, "{grown} bytes more");
    assert!(matches!(down(&mut events).await, Cause::Silent(_)));
}

#[tokio::test]
async fn messages_of_all_sizes_pass_between_processes() {
    let dir = certificates();
    let remote = start(dir.path(), ANY.parse().unwrap()).await;
    let mut events = remote.events();
    let _peer = Peer::start(&remote, dir.path(), ANY);
    let to = up(&mut events).await.uid;
    for number in 0..20_000 {
        while remote.tell(to, "notes", &note(number), Lane::Data) == Err(SendError::Busy) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let large = Outgoing::raw(NOTE, vec![3; 20 << 20]);
    let ask = async |message: &Outgoing| remote.ask(to, "notes", message, WITHIN).await;
    let answer = loop {
        match ask(&large).await {
            Err(AskError::Busy) => tokio::time::sleep(Duration::from_millis(1)).await,
            other => break other.unwrap(),
        }
    };
    assert!(answer.payload == large.payload);
    let error = ask(&Outgoing::raw(NOTE, vec![0; 200_000_000])).await.unwrap_err();
    assert_eq!(error, AskError::TooLarge { bytes: 200_000_000, max: 64 << 20 });
    assert_eq!(ask(&note(1)).await.unwrap().payload, note(1).payload);
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn a_killed_process_is_gone_at_once_and_its_successor_is_another_incarnation() {
    let dir = certificates();
    let remote = start(dir.path(), ANY.parse().unwrap()).await;
    let mut events = remote.events();
    let mut peer = Peer::start(&remote, dir.path(), ANY);
    let first = up(&mut events).await;
    let links = remote.links().borrow().clone();
    let (address, _) = links.iter().find(|(_, it)| it.peer.as_ref() == Some(&first)).unwrap();
    let bind = format!("127.0.0.1:{}", address.port);

    peer.kill();
    // Its system says so: no heartbeat needs to be missed.
    assert_eq!(down(&mut events).await, Cause::Closed);
    assert_eq!(gone(&mut events).await, (first.clone(), Evidence::Refused));
    let _peer = Peer::start(&remote, dir.path(), &bind);
    let second = up(&mut events).await;
    assert_eq!(second.name, first.name);
    assert!(second.uid > first.uid);
}

#[tokio::test]
async fn a_stopped_process_is_missed_by_its_heartbeats_and_not_called_gone() {
    let dir = certificates();
    let remote = start(dir.path(), ANY.parse().unwrap()).await;
    let mut events = remote.events();
    let peer = Peer::start(&remote, dir.path(), ANY);
    let first = up(&mut events).await;
    peer.signal(Signal::STOP);
    assert!(matches!(down(&mut events).await, Cause::Silent(_)));
    peer.signal(Signal::CONT);
    let next = event(&mut events, "it is back", |it| Some(it.clone())).await;
    assert_eq!(next, LinkEvent::Up { peer: first });
}

#[test]
fn a_gigabyte_for_a_stopped_peer_takes_no_memory_and_is_refused_at_once() {
    let dir = certificates();
    let mut command = command("flood");
    command.env(CERTIFICATES, dir.path());
    let mut flooder = Peer(command.stdin(Stdio::piped()).spawn().unwrap());
    assert!(flooder.wait().success());
}

async fn start(certificates: &Path, bind: SocketAddr) -> Remote {
    let mut settings = Settings::new(bind);
    let file = |name| certificates.join(name);
    settings.tls = Some(TlsSettings {
        certificate: file("localhost.pem"),
        key: file("localhost.key"),
        ca: file("ca.pem"),
    });
    let system = system("node");
    Remote::start(&system, local(&system), settings, Arc::new(AdmitAll)).await.unwrap()
}

fn certificates() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let hosts = ["localhost".to_owned()];
    crate::certs::dev(dir.path(), &hosts, Existing::Keep, SystemClock.now()).unwrap();
    dir
}

fn command(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["tests::processes::peer", "--exact", "--ignored", "--nocapture"]);
    command.env(ROLE, role);
    command
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}

/// A process that ends with this value, or when this process ends.
struct Peer(Child);

impl Peer {
    fn start(remote: &Remote, certificates: &Path, bind: &str) -> Self {
        let dial: &ClusterAddress = &remote.local().address;
        let mut command = command("serve");
        command.env(CERTIFICATES, certificates).env(BIND, bind).env(DIAL, dial.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
