//! A database that stands still, is lost, or is not what it should be.

use std::thread;
use std::time::Duration;

use super::{ACCESS, FILE_EVERY, UNDECIDED};
use crate::support::cluster::{Cluster, Commands, Files, Kind, LOST, Oracle, make_certificates};

#[test]
fn a_database_that_stood_still_finds_the_same_controllers_again() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let before = cluster.lease(0, ACCESS);
    files.flowing(FILE_EVERY, || {
        let commands = Commands::start(&cluster, &[0, 1, 2]);
        commands.go_on(3);
        cluster.database.freeze();
        // Longer than a lease lasts: time itself is what this is about.
        thread::sleep(Duration::from_secs(8));
        cluster.database.thaw();
        commands.go_on(5);
        oracle.acknowledged(&cluster, &commands.end());
    });
    files.check();
    let after = cluster.lease(0, ACCESS);
    assert_eq!((after.owner, after.epoch), (before.owner, before.epoch), "nobody else took it");
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_database_is_killed() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let commands = Commands::start(&cluster, &[0, 1, 2]);
    commands.go_on(3);
    files.put(20);
    cluster.database.kill();
    cluster.database.restart();
    commands.go_on(5);
    oracle.acknowledged(&cluster, &commands.end());
    files.check();
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_database_without_tables_is_refused_with_the_command_that_makes_them() {
    let setup = Cluster::of(1, Kind::MariaDb).without_schema();
    let Some(mut cluster) = setup.prepared() else { return };
    cluster.nodes[0].start();
    let status = cluster.nodes[0].ended();
    let log = cluster.nodes[0].log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("weir persistence migrate"), "{log}");
    assert!(!log.contains("panicked"), "{log}");

    let ran = cluster.nodes[0].weir_with_conf(&["persistence", "verify"]);
    assert_ne!(ran.code, Some(0));
    cluster.nodes[0].weir_with_conf(&["persistence", "migrate"]).ended(0);
    cluster.nodes[0].weir_with_conf(&["persistence", "verify"]).ended(0);
    cluster.nodes[0].start_with(&["weir.cluster.min-nr-of-members=1"]);
    cluster.all_up();
    cluster.stop();
}

#[test]
fn a_second_cluster_is_refused_at_the_database_of_the_first() {
    let Some(mut cluster) = Cluster::of(2, Kind::Postgres).prepared() else { return };
    cluster.nodes[0].start_with(&["weir.cluster.min-nr-of-members=1"]);
    cluster.all_up();
    let oracle = Oracle::of(&cluster);
    cluster.nodes[1].start_with(&[
        "weir.cluster.name=other",
        "weir.cluster.seed-nodes=[\"weir://other@node-2:5843\"]",
        "weir.cluster.min-nr-of-members=1",
    ]);
    let status = cluster.nodes[1].ended();
    let log = cluster.nodes[1].log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("the database belongs to cluster weir, this node to other"), "{log}");
    assert!(log.contains("WEIR-11009"), "{log}");
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

/// A cluster of one, which has nobody to wait for.
const ALONE: &str = "weir.cluster.min-nr-of-members=1";

/// The start of a node is refused with these texts, and nothing panics.
#[track_caller]
fn refused(cluster: &mut Cluster, settings: &[&str], texts: &[&str]) {
    refused_with(1, cluster, settings, texts);
}

#[track_caller]
fn refused_with(code: i32, cluster: &mut Cluster, settings: &[&str], texts: &[&str]) {
    cluster.nodes[0].start_with(settings);
    let status = cluster.nodes[0].ended();
    let log = cluster.nodes[0].log();
    assert_eq!(status.code(), Some(code), "{log}");
    assert!(texts.iter().all(|it| log.contains(it)), "{texts:?} in\n{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[track_caller]
fn check_refusals(kind: Kind, section: &str) {
    let Some(mut cluster) = Cluster::of(1, kind).set(ALONE).prepared() else { return };
    let set = |key: &str, value: &str| format!("weir.persistence.journal.{section}.{key}={value}");
    refused(&mut cluster, &[&set("password", "another-password")], &["password", "WEIR-00064"]);
    refused(&mut cluster, &[&set("database", "nowhere")], &["nowhere", "WEIR-00064"]);
    refused(&mut cluster, &[&set("port", "1")], &["refused"]);
    let others = cluster.root().join("others");
    make_certificates(&others, &["db"]);
    let ca = others.join("ca.pem").display().to_string();
    refused(&mut cluster, &[&set("tls.ca", &ca)], &["certificate"]);
    cluster
        .database
        .execute("INSERT INTO schema_version (version, name, applied_at) VALUES (999, 'later', 0)");
    refused(&mut cluster, &[], &["newer", "WEIR-00064"]);
    assert!(!cluster.nodes[0].logs().contains("another-password"), "no secret is told");
    cluster.database.execute("DELETE FROM schema_version WHERE version = 999");
    cluster.nodes[0].start();
    cluster.all_up();
    cluster.stop();
}

#[test]
fn a_mariadb_that_can_not_be_used_is_refused_with_the_reason() {
    check_refusals(Kind::MariaDb, "mysql");
}

#[test]
fn a_postgresql_that_can_not_be_used_is_refused_with_the_reason() {
    check_refusals(Kind::Postgres, "postgresql");
}

#[test]
fn a_restored_backup_is_refused_until_the_loss_is_accepted() {
    let setup = Cluster::of(1, Kind::MariaDb).set(ALONE);
    let Some(mut cluster) = setup.up() else { return };
    let epoch = cluster.lease(0, ACCESS).epoch;
    cluster.stop();
    // As it was before this cluster ever ran.
    cluster.database.execute("UPDATE lease SET epoch = 0, owner = '', expires_at = 0");
    let texts = ["older", "weir persistence accept-restore", "WEIR-11010"];
    refused_with(UNDECIDED, &mut cluster, &[], &texts);
    cluster.nodes[0].weir_with_conf(&["persistence", "accept-restore"]).ended(0);
    cluster.nodes[0].start();
    cluster.all_up();
    let after = cluster.lease(0, ACCESS).epoch;
    assert!(epoch > 0 && after > 0, "{epoch}, {after}");
    cluster.stop();
}
