//! Both servers start, hold what they were given, freeze, and end with their directory.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use weir_test_servers::{MariaDb, Nats, Options, Postgres};

fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn listens(port: u16) -> bool {
    connect(port).is_ok()
}

/// Says something to a server that is frozen, and hears its answer when it is thawed.
fn answers_when_thawed(port: u16, say: &[u8], thaw: impl FnOnce()) {
    // The kernel takes the connection for it.
    let mut session = connect(port).unwrap();
    session.write_all(say).unwrap();
    session.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silence = session.read(&mut [0]).unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::WouldBlock, "a frozen server says nothing: {silence}");
    thaw();
    session.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(session.read(&mut [0]).unwrap(), 1, "a thawed server answers");
}

#[test]
fn mariadb_keeps_its_data_over_a_kill() {
    let mut server = MariaDb::start(Options::default());
    let database = server.database();
    let table = format!("{}.t", database.name);
    server.execute(&format!("CREATE TABLE {table} (n INT); INSERT INTO {table} VALUES (7)"));
    server.kill();
    assert!(!listens(database.port));
    server.restart();
    assert_eq!(server.execute(&format!("SELECT n FROM {table}")).trim(), "7");
    server.freeze();
    // It greets whoever connects.
    answers_when_thawed(database.port, b"", || server.thaw());
    drop(server);
    assert!(!listens(database.port));
}

#[test]
fn postgres_keeps_its_data_over_a_kill() {
    let mut server = Postgres::start(Options::default());
    let database = server.database();
    server.execute_in(&database.name, "CREATE TABLE t (n INT); INSERT INTO t VALUES (7)");
    server.kill();
    assert!(!listens(database.port));
    server.restart();
    assert_eq!(server.execute_in(&database.name, "SELECT n FROM t").trim(), "7");
    server.freeze();
    // "Is there TLS?" is answered before anything else.
    let question = [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat();
    answers_when_thawed(database.port, &question, || server.thaw());
    server.stop();
    assert!(!listens(database.port));
}

#[test]
fn what_follows_mariadb_has_what_came_until_it_stopped() {
    let mut server = MariaDb::start(Options { is_followed: true, ..Options::default() });
    let database = server.database();
    let table = format!("{}.t", database.name);
    let mut follower = server.follower(0);
    server.execute(&format!("CREATE TABLE {table} (n INT); INSERT INTO {table} VALUES (7)"));
    follower.stop_following(&server);
    server.execute(&format!("INSERT INTO {table} VALUES (8)"));
    server.kill();
    follower.promote(database.port);
    assert_eq!(follower.execute(&format!("SELECT n FROM {table}")).trim(), "7");
    follower.execute(&format!("INSERT INTO {table} VALUES (9)"));
}

#[test]
fn what_follows_postgres_has_what_came_until_it_stopped() {
    let mut server = Postgres::start(Options::default());
    let database = server.database();
    let mut follower = server.follower(0);
    server.execute_in(&database.name, "CREATE TABLE t (n INT); INSERT INTO t VALUES (7)");
    follower.stop_following(&server);
    server.execute_in(&database.name, "INSERT INTO t VALUES (8)");
    server.kill();
    follower.promote(database.port);
    assert_eq!(follower.execute_in(&database.name, "SELECT n FROM t").trim(), "7");
    follower.execute_in(&database.name, "INSERT INTO t VALUES (9)");
}

#[test]
fn nats_keeps_its_streams_over_a_kill() {
    let mut server = Nats::start();
    server.make_stream("orders", &["orders.*"]);
    server.publish("orders.new", ["7".to_owned()]);
    server.kill();
    server.restart();
    let messages = server.messages("orders");
    let seen: Vec<_> = messages.iter().map(|it| (&*it.subject, &*it.body)).collect();
    assert_eq!(seen, [("orders.new", &b"7"[..])]);
}
