//! A network of a test's own: hosts that reach each other through a switch, and faults between
//! them.
//!
//! - A host is a network namespace, the switch is a bridge in one more. Nothing of it is seen from
//!   outside, so that all tests may use the same addresses at the same time.
//! - A fault drops what arrives at a host, on both sides of a cut: nobody is told, as when a cable
//!   is pulled. A host itself is always reached from within: that is how a test looks at it.
//! - All of it goes with the value. What a killed run left is removed by the next one.

mod dns;
mod faults;
mod leftovers;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

pub(crate) use dns::Dns;
use faults::Faults;

/// Between the end of what the kernel calls a host and our names: `weir-<pid>-<number>-<host>`.
const PREFIX: &str = "weir";
const SUBNET: [u8; 3] = [10, 213, 5];
/// Set to 1 by who knows that what needs a network is not tested then.
const SKIP: &str = "WEIR_SKIP_NET";

pub(crate) struct Net {
    /// Before the names of its namespaces.
    prefix: String,
    hosts: Vec<String>,
    /// The addresses of hosts that were given another one.
    moved: Mutex<BTreeMap<String, Ipv4Addr>>,
    /// The host with the DNS server. `None`: hosts know each other by name without one.
    name_server: Option<String>,
    faults: Mutex<Faults>,
}

impl Net {
    /// A network of hosts with these names, which know each other by name. Only root may make one:
    /// others fail, unless they said that they go without; then it is `None`, and a line says so.
    pub(crate) fn of(hosts: &[&str]) -> Option<Self> {
        Self::with_name_server(hosts, None)
    }

    /// As `of`, but what hosts know of each other comes from the DNS server of one of them.
    pub(crate) fn with_name_server(hosts: &[&str], name_server: Option<&str>) -> Option<Self> {
        static LEFTOVERS: Once = Once::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let is_root = rustix::process::geteuid().is_root();
        if !is_made(is_root, std::env::var_os(SKIP).as_deref()) {
            eprintln!("skipped: only root may make networks of its own, and {SKIP} is set");
            return None;
        }
        LEFTOVERS.call_once(leftovers::remove);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let net = Self {
            prefix: format!("{PREFIX}-{}-{number}", std::process::id()),
            hosts: hosts.iter().map(|it| (*it).to_owned()).collect(),
            moved: Mutex::default(),
            name_server: name_server.map(str::to_owned),
            faults: Mutex::default(),
        };
        net.make();
        Some(net)
    }

    fn make(&self) {
        let switch = self.namespace("switch");
        ip(&format!("netns add {switch}"));
        ip(&format!("-n {switch} link add switch type bridge"));
        ip(&format!("-n {switch} link set switch up"));
        for (at, host) in self.hosts.iter().enumerate() {
            let namespace = self.namespace(host);
            // Seen by every program that is run through `ip netns exec`.
            let names = leftovers::etc(&namespace);
            std::fs::create_dir_all(&names).unwrap();
            std::fs::write(names.join("hosts"), self.names()).unwrap();
            if let Some(server) = &self.name_server {
                let resolver = format!("nameserver {}\noptions timeout:1\n", self.address(server));
                std::fs::write(names.join("resolv.conf"), resolver).unwrap();
            }
            ip(&format!("netns add {namespace}"));
            let port = format!("port{at}");
            ip(&format!("-n {switch} link add {port} type veth peer name eth0 netns {namespace}"));
            ip(&format!("-n {switch} link set {port} master switch up"));
            ip(&format!("-n {namespace} link set lo up"));
            ip(&format!("-n {namespace} addr add {}/24 dev eth0", self.address(host)));
            ip(&format!("-n {namespace} link set eth0 up"));
        }
    }

    /// Lines of `/etc/hosts`.
    fn names(&self) -> String {
        let own = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
        if self.name_server.is_some() {
            return own;
        }
        self.hosts.iter().fold(own, |all, it| all + &format!("{} {it}\n", self.address(it)))
    }

    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(String::as_str)
    }

    pub(crate) fn address(&self, host: &str) -> Ipv4Addr {
        let at = self.hosts.iter().position(|it| it == host);
        let at = at.unwrap_or_else(|| panic!("{host} is no host of this network"));
        let moved = self.moved.lock().unwrap().get(host).copied();
        moved.unwrap_or_else(|| in_subnet(u8::try_from(at + 1).unwrap()))
    }

    /// Gives a host another address, with this number, in place of the one that it has.
    pub(crate) fn readdress(&self, host: &str, number: u8) {
        let (namespace, old, new) = (self.namespace(host), self.address(host), in_subnet(number));
        ip(&format!("-n {namespace} addr del {old}/24 dev eth0"));
        ip(&format!("-n {namespace} addr add {new}/24 dev eth0"));
        self.moved.lock().unwrap().insert(host.to_owned(), new);
    }

    fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.prefix)
    }

    /// What a program is started with to run on a host.
    pub(crate) fn wrapper(&self, host: &str) -> Vec<String> {
        ["ip", "netns", "exec"]
            .map(str::to_owned)
            .into_iter()
            .chain([self.namespace(host)])
            .collect()
    }

    /// A program on a host. It has the process id of the child, and dies with the thread that
    /// starts it: a test that is killed leaves nothing behind.
    pub(crate) fn command(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host)]);
        command.args(["setpriv", "--pdeathsig", "KILL", "--", program]);
        command
    }

    /// Does something on a host: sockets that are made there, and programs that are started
    /// there, stay there.
    pub(crate) fn within<T: Send>(&self, host: &str, work: impl FnOnce() -> T + Send) -> T {
        let place = PathBuf::from("/run/netns").join(self.namespace(host));
        let done = thread::scope(|scope| {
            let there = scope.spawn(|| {
                let place = std::fs::File::open(place).unwrap();
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(place.as_fd(), network).unwrap();
                work()
            });
            there.join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// A connection from a host to another one, or to itself.
    pub(crate) fn connect(&self, from: &str, to: &str, port: u16) -> io::Result<TcpStream> {
        let to = match from == to {
            true => Ipv4Addr::LOCALHOST,
            false => self.address(to),
        };
        // The kernel asks again after a second: a network that was just made may lose what it is sent first.
        let within = std::time::Duration::from_millis(2_500);
        self.within(from, || TcpStream::connect_timeout(&(to, port).into(), within))
    }

    /// Neither of the two hears the other.
    pub(crate) fn cut(&self, a: &str, b: &str) {
        self.partition(&[a], &[b]);
    }

    /// What one sends does not arrive at the other; the other direction works.
    pub(crate) fn cut_one_way(&self, from: &str, to: &str) {
        self.change(|faults| faults.cut(self.address(from), self.address(to)));
    }

    /// No host of the one side hears a host of the other.
    pub(crate) fn partition(&self, one: &[&str], other: &[&str]) {
        self.change(|faults| {
            for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
                faults.cut(self.address(a), self.address(b));
                faults.cut(self.address(b), self.address(a));
            }
        });
    }

    /// So many of a hundred packets between these hosts are lost.
    pub(crate) fn loss(&self, hosts: &[&str], percent: u8) {
        let addresses: Vec<_> = hosts.iter().map(|it| self.address(it)).collect();
        self.change(|faults| faults.lose(addresses, percent));
    }

    /// All faults are gone.
    pub(crate) fn heal(&self) {
        self.change(|faults| *faults = Faults::default());
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        let mut faults = self.faults.lock().unwrap();
        change(&mut faults);
        for host in &self.hosts {
            let rules = faults.rules(self.address(host));
            fed(&["netns", "exec", &self.namespace(host), "nft", "-f", "-"], &rules);
        }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let names = self.hosts.iter().map(String::as_str).chain(["switch"]);
        for host in names {
            leftovers::remove_one(&self.namespace(host));
        }
    }
}

fn in_subnet(number: u8) -> Ipv4Addr {
    let [a, b, c] = SUBNET;
    Ipv4Addr::new(a, b, c, number)
}

/// Whether a network is made; panics where it can't be, and nobody said that it may be missing.
fn is_made(is_root: bool, skip: Option<&OsStr>) -> bool {
    let may_skip = skip.is_some_and(|it| it == "1");
    assert!(
        is_root || may_skip,
        "only root may make networks of its own: run the tests as root, or leave out those that \
         need one with {SKIP}=1"
    );
    is_root
}

/// Runs `ip`; these are words without blanks.
fn ip(arguments: &str) -> String {
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    fed(&arguments, "")
}

/// Runs `ip` with an input. It is part of every Debian that boots, as root on this machine.
fn fed(arguments: &[&str], input: &str) -> String {
    let output = try_fed(arguments, input).unwrap_or_else(|error| {
        panic!("ip can't be run ({error}): install it with: apt-get install iproute2 nftables")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}\n{input}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

fn try_fed(arguments: &[&str], input: &str) -> io::Result<Output> {
    use std::io::Write as _;
    let mut child = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may have ended already: then its status says more.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::support::{DEADLINE, wait_until};

    const PORT: u16 = 7000;

    /// Whether something that one host sends arrives at the other.
    fn hears(net: &Net, from: &str, to: &str) -> bool {
        net.connect(from, to, PORT).is_ok()
    }

    #[test]
    fn hosts_hear_each_other_until_they_are_cut_and_again_when_healed() {
        let Some(net) = Net::of(&["a", "b", "c"]) else { return };
        let listen = || TcpListener::bind(("0.0.0.0", PORT)).unwrap();
        let _listeners: Vec<_> = net.hosts().map(|it| net.within(it, listen)).collect();
        let pairs = [("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")];
        let heard = || pairs.map(|(from, to)| hears(&net, from, to));
        assert_eq!(heard(), [true; 6]);
        net.partition(&["a"], &["b", "c"]);
        assert_eq!(heard(), [false, false, false, false, true, true]);
        assert!(hears(&net, "a", "a"), "a host is always reached from within");
        net.heal();
        net.cut("b", "c");
        assert_eq!(heard(), [true, true, true, true, false, false]);
        net.heal();
        assert_eq!(heard(), [true; 6]);
    }

    #[test]
    fn a_network_is_missing_only_where_somebody_said_so() {
        assert!(is_made(true, None) && is_made(true, Some("1".as_ref())));
        assert!(!is_made(false, Some("1".as_ref())));
        for skip in [None, Some(OsStr::new("")), Some(OsStr::new("0"))] {
            assert!(std::panic::catch_unwind(|| is_made(false, skip)).is_err(), "{skip:?}");
        }
    }

    #[test]
    fn one_direction_can_be_cut() {
        let Some(net) = Net::of(&["a", "b"]) else { return };
        let listener = net.within("b", || TcpListener::bind(("0.0.0.0", PORT)).unwrap());
        let mut sender = net.connect("a", "b", PORT).unwrap();
        let (mut receiver, _) = listener.accept().unwrap();
        net.cut_one_way("a", "b");
        sender.write_all(b"lost").unwrap();
        receiver.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        assert!(receiver.read(&mut [0; 4]).is_err(), "nothing arrives");
        // What was sent is sent again by the kernel.
        net.heal();
        receiver.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut heard = [0; 4];
        receiver.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"lost");
    }

    #[test]
    fn a_host_knows_the_others_by_name() {
        let Some(net) = Net::of(&["a", "db"]) else { return };
        let output = net.command("a", "getent").args(["hosts", "db"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(words, [net.address("db").to_string().as_str(), "db"]);
    }

    #[test]
    fn nothing_is_left_of_a_network() {
        let Some(net) = Net::of(&["a"]) else { return };
        let prefix = format!("{}-", net.prefix);
        let mut sleeper = net.command("a", "sleep").arg("1000").spawn().unwrap();
        assert!(ip("netns list").contains(&prefix));
        let there = format!("netns pids {}", net.namespace("a"));
        wait_until("the program to be there", DEADLINE, || !ip(&there).is_empty());
        drop(net);
        assert!(!ip("netns list").contains(&prefix));
        assert!(!sleeper.wait().unwrap().success(), "it was killed");
    }
}
