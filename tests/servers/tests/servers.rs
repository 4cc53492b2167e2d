//! Both servers start, hold what they were given, freeze, and end with their directory.

use std::net::{SocketAddr, TcpStream};

use weir_test_servers::{MariaDb, Options, Postgres};

fn listens(port: u16) -> bool {
    TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok()
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
    server.thaw();
    server.stop();
    assert!(!listens(database.port));
}
