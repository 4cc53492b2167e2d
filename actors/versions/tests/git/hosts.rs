//! Hosts that are gone to, and others.

use weir_test_servers::{GitBehaviour, GitServer, git_repository};
use weir_versions::{Access, Hosts, Repository};

use crate::support::refused;

fn clone(address: &str, hosts: &[&str]) -> weir_versions::Result<Repository> {
    let place = tempfile::tempdir().unwrap();
    let hosts = Hosts::only(&hosts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    let access = Access { hosts, ..Access::anonymous() };
    Repository::clone(address, &place.path().join("clone"), &access, &mut |_| {})
}

#[test]
fn what_tells_a_machine_its_secrets_is_not_gone_to() {
    for address in
        ["http://169.254.169.254/x", "https://[fe80::1]/x", "http://[::ffff:a9fe:a9fe]/x"]
    {
        let (code, told) = refused(clone(address, &[]));
        assert_eq!(code, 13_047, "{told}");
        assert!(told.contains("is not gone to"), "{told}");
    }
}

#[test]
fn where_hosts_are_named_no_other_one_is_asked() {
    let root = tempfile::tempdir().unwrap();
    git_repository(root.path(), "shop");
    let server = GitServer::start(root.path(), GitBehaviour::Serve);
    let (code, told) = refused(clone(&server.url("shop"), &["git.example.org"]));
    assert_eq!(code, 13_047, "{told}");
    assert!(server.asked.lock().unwrap().is_empty());
    // It is asked, and wants to know who asks.
    let (code, told) = refused(clone(&server.url("shop"), &["127.0.0.1"]));
    assert_eq!(code, 13_037, "{told}");
}
