//! A DNS server on a host of a network, with the records that a test gives it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Net;
use crate::support::{DEADLINE, wait_until};

pub(crate) struct Dns {
    net: Arc<Net>,
    process: Child,
    directory: TempDir,
}

impl Dns {
    /// Runs on the network's name server, and has these records.
    pub(crate) fn start(net: &Arc<Net>, records: &[(&str, Ipv4Addr)]) -> Self {
        let host = net.name_server.as_deref().expect("the network has a name server");
        let directory = tempfile::Builder::new().prefix("weir-dns-").tempdir().unwrap();
        let path = records_of(directory.path());
        write(&path, records);
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let process = net
            .command(host, "dnsmasq")
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--user=root"])
            .args(["--no-resolv", "--no-hosts", "--pid-file=", "--log-facility=-"])
            // What has no record is a name that is not there.
            .arg("--local=/#/")
            .arg(format!("--addn-hosts={}", path.display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let process = process.expect("ip can't be run: install it with: apt-get install iproute2");
        let mut dns = Self { net: net.clone(), process, directory };
        let (name, address) = records[0];
        wait_until("the DNS server to answer", DEADLINE, || {
            let ended = dns.process.try_wait().unwrap();
            assert!(ended.is_none(), "dnsmasq ended ({ended:?}): {}", dns.log());
            dns.finds(name, address)
        });
        dns
    }

    /// From now on it has these records and no others.
    #[track_caller]
    pub(crate) fn set(&self, records: &[(&str, Ipv4Addr)]) {
        write(&records_of(self.directory.path()), records);
        kill_process(Pid::from_child(&self.process), Signal::HUP).unwrap();
        wait_until("the DNS server to have its new records", DEADLINE, || {
            records.iter().all(|(name, address)| self.finds(name, *address))
        });
    }

    /// Whether a host finds this address by the name.
    fn finds(&self, name: &str, address: Ipv4Addr) -> bool {
        let host = self.net.hosts().next().expect("a network has hosts");
        let output = self.net.command(host, "getent").args(["ahostsv4", name]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let address = address.to_string();
        text.lines().any(|it| it.split_whitespace().next() == Some(address.as_str()))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        // It may have ended long ago: then there is nothing to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn records_of(directory: &Path) -> PathBuf {
    directory.join("records")
}

fn write(path: &Path, records: &[(&str, Ipv4Addr)]) {
    let lines = records.iter().map(|(name, address)| format!("{address} {name}\n"));
    fs::write(path, lines.collect::<String>()).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_what_the_records_say() {
        let Some(net) = Net::with_name_server(&["a", "dns"], Some("dns")) else { return };
        let net = Arc::new(net);
        let [one, other] = ["a", "dns"].map(|it| net.address(it));
        let dns = Dns::start(&net, &[("all", one), ("all", other)]);
        assert!(dns.finds("all", one) && dns.finds("all", other));
        assert!(!dns.finds("nobody", one));
        dns.set(&[("nobody", one)]);
        assert!(!dns.finds("all", one), "its record is gone");
    }
}
