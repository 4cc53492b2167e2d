//! The database of a cluster, on a host of its own, and a look into it that is none of Weir's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};
use tokio::runtime::{Builder, Runtime};
use weir_test_servers::{MariaDb, Options, Postgres, Tls};

use super::super::Net;
use super::DB;
use super::delay::Delay;

/// Where a server is that follows the database, until it takes its place.
const FOLLOWER_PORT: u16 = 3999;

/// A frozen database answers never.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    MariaDb,
    Postgres,
}

impl Kind {
    pub(super) fn sample(self) -> &'static str {
        match self {
            Self::MariaDb => "cluster-mariadb",
            Self::Postgres => "cluster-postgresql",
        }
    }

    /// The section of the configuration that says where it is.
    fn section(self) -> &'static str {
        match self {
            Self::MariaDb => "mysql",
            Self::Postgres => "postgresql",
        }
    }

    /// The key of a setting of the connection, in the configuration.
    pub(crate) fn key(self, name: &str) -> String {
        format!("weir.persistence.journal.{}.{name}", self.section())
    }

    fn port(self) -> u16 {
        match self {
            Self::MariaDb => 3306,
            Self::Postgres => 5432,
        }
    }
}

/// What is special about a database.
#[derive(Debug, Clone, Default)]
pub(super) struct Oddities {
    /// More arguments for the server.
    pub(super) arguments: Vec<String>,
    pub(super) disk_mib: Option<u32>,
    pub(super) is_followed: bool,
    /// Engines reach it on a way that can be slowed down, by chance from this seed.
    pub(super) delay_seed: Option<u64>,
}

enum Server {
    MariaDb(MariaDb),
    Postgres(Postgres),
}

pub(crate) struct Database {
    pub(crate) kind: Kind,
    server: Server,
    access: weir_test_servers::Database,
    net: Arc<Net>,
    /// The authority that signed its certificate.
    ca: String,
    delay: Option<Delay>,
    follower: Option<Server>,
}

impl Database {
    /// Runs with certificates of `tls` below the root, which must be there.
    pub(super) fn start(net: &Arc<Net>, kind: Kind, root: &Path, oddities: &Oddities) -> Self {
        let file = |name: &str| root.join("tls").join(name);
        let options = Options {
            bind: "0.0.0.0".to_owned(),
            port: kind.port(),
            tls: Some(Tls {
                certificate: file(&format!("{DB}.pem")),
                key: file(&format!("{DB}.key")),
                ca: file("ca.pem"),
            }),
            wrapper: net.wrapper(DB),
            arguments: oddities.arguments.clone(),
            disk_mib: oddities.disk_mib,
            is_followed: oddities.is_followed,
            ..Options::default()
        };
        let (server, access) = match kind {
            Kind::MariaDb => {
                let server = MariaDb::start(options);
                let access = server.database();
                (Server::MariaDb(server), access)
            }
            Kind::Postgres => {
                let server = Postgres::start(options);
                let access = server.database();
                (Server::Postgres(server), access)
            }
        };
        let follower = oddities.is_followed.then(|| server.follower());
        let delay = oddities.delay_seed.map(|it| Delay::start(net, kind.port(), it));
        let ca = file("ca.pem").display().to_string();
        Self { kind, server, access, net: net.clone(), ca, delay, follower }
    }

    /// What differs from the samples.
    pub(super) fn settings(&self) -> Vec<String> {
        let set = |key: &str, value: &str| format!("{}={value}", self.kind.key(key));
        let port = self.delay.as_ref().map(|it| set("port", &it.port().to_string()));
        [set("database", &self.access.name), set("tls.ca", &self.ca)]
            .into_iter()
            .chain(port)
            .collect()
    }

    pub(super) fn password(&self) -> &str {
        &self.access.password
    }

    /// It stands still; its connections stay open.
    pub(crate) fn freeze(&self) {
        match &self.server {
            Server::MariaDb(it) => it.freeze(),
            Server::Postgres(it) => it.freeze(),
        }
    }

    pub(crate) fn thaw(&self) {
        match &self.server {
            Server::MariaDb(it) => it.thaw(),
            Server::Postgres(it) => it.thaw(),
        }
    }

    pub(crate) fn kill(&mut self) {
        match &mut self.server {
            Server::MariaDb(it) => it.kill(),
            Server::Postgres(it) => it.kill(),
        }
    }

    /// Starts it on what it had written.
    pub(crate) fn restart(&mut self) {
        match &mut self.server {
            Server::MariaDb(it) => it.restart(),
            Server::Postgres(it) => it.restart(),
        }
    }

    /// From now on each of its answers to engines takes long.
    pub(crate) fn slow_down(&self) {
        self.delay().slow_down(true);
    }

    pub(crate) fn speed_up(&self) {
        self.delay().slow_down(false);
    }

    fn delay(&self) -> &Delay {
        self.delay.as_ref().expect("it was set up as one that can be slow")
    }

    /// Takes all space of its disk, which must be one of its own.
    pub(crate) fn fill_disk(&self) {
        match &self.server {
            Server::MariaDb(it) => it.fill_disk(),
            Server::Postgres(it) => it.fill_disk(),
        }
    }

    pub(crate) fn free_disk(&self) {
        match &self.server {
            Server::MariaDb(it) => it.free_disk(),
            Server::Postgres(it) => it.free_disk(),
        }
    }

    /// What comes from now on is not known to the server that follows.
    pub(crate) fn leave_follower_behind(&mut self) {
        let follower = self.follower.as_mut().expect("it is followed");
        match (follower, &self.server) {
            (Server::MariaDb(it), Server::MariaDb(followed)) => it.stop_following(followed),
            (Server::Postgres(it), Server::Postgres(followed)) => it.stop_following(followed),
            _ => unreachable!("both are of one kind"),
        }
    }

    /// It is killed, and the one that followed it takes its place.
    pub(crate) fn fail_over(&mut self) {
        self.kill();
        let mut follower = self.follower.take().expect("it is followed");
        match &mut follower {
            Server::MariaDb(it) => it.promote(self.kind.port()),
            Server::Postgres(it) => it.promote(self.kind.port()),
        }
        self.server = follower;
    }

    /// Changes something that only its administrator may.
    pub(crate) fn administrate(&self, sql: &str) {
        match &self.server {
            Server::MariaDb(it) => it.execute(sql),
            Server::Postgres(it) => it.execute(sql),
        };
    }

    /// How a connector of a workflow reaches it, with its certificate checked.
    pub(crate) fn connection(&self) -> String {
        let weir_test_servers::Database { name, user, password, .. } = &self.access;
        let (ca, port) = (&self.ca, self.kind.port());
        let scheme = match self.kind {
            Kind::MariaDb => "mysql",
            Kind::Postgres => "postgres",
        };
        format!(
            "{{ url: \"{scheme}://{user}@{DB}:{port}/{name}\", password: {password}, ca: \"{ca}\" }}"
        )
    }

    /// Runs SQL in it; returns what its client printed.
    pub(crate) fn ask(&self, sql: &str) -> String {
        match &self.server {
            Server::MariaDb(it) => it.execute_in(&self.access.name, sql).replace('\t', "|"),
            Server::Postgres(it) => {
                let user = &self.access.user;
                let said = it.execute_in(&self.access.name, &format!("SET ROLE {user}; {sql}"));
                said.replace("SET\n", "")
            }
        }
    }

    pub(crate) fn session(&self) -> Session {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (kind, access, net) = (self.kind, self.access.clone(), self.net.clone());
        Session { kind, access, net, runtime, connection: None }
    }

    /// The rows of a query, which gives one text each.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        self.session().rows(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Changes something behind Weir's back.
    #[track_caller]
    pub(crate) fn execute(&self, sql: &str) {
        self.rows(sql);
    }
}

/// A connection from the database's own host, made anew when it was lost.
pub(crate) struct Session {
    kind: Kind,
    access: weir_test_servers::Database,
    net: Arc<Net>,
    runtime: Runtime,
    connection: Option<Connection>,
}

impl Server {
    fn follower(&self) -> Self {
        match self {
            Self::MariaDb(it) => Self::MariaDb(it.follower(FOLLOWER_PORT)),
            Self::Postgres(it) => Self::Postgres(it.follower(FOLLOWER_PORT)),
        }
    }
}

enum Connection {
    MariaDb(MySqlConnection),
    Postgres(PgConnection),
}

impl Session {
    pub(crate) fn rows(&mut self, sql: &str) -> Result<Vec<String>, String> {
        let mut connection = match self.connection.take() {
            Some(it) => it,
            None => self.connect()?,
        };
        let query = connection.rows(sql);
        let rows =
            self.runtime.block_on(async { tokio::time::timeout(ANSWER_WITHIN, query).await });
        let rows = rows.map_err(|it| it.to_string())?.map_err(|it| it.to_string())?;
        self.connection = Some(connection);
        Ok(rows)
    }

    fn connect(&self) -> Result<Connection, String> {
        let weir_test_servers::Database { port, name, user, password, .. } = &self.access;
        let place = format!("{user}:{password}@127.0.0.1:{port}/{name}");
        let connecting = async {
            Ok::<_, sqlx::Error>(match self.kind {
                Kind::MariaDb => {
                    let url = format!("mysql://{place}?ssl-mode=disabled");
                    Connection::MariaDb(MySqlConnection::connect(&url).await?)
                }
                Kind::Postgres => {
                    let url = format!("postgres://{place}?sslmode=disable");
                    Connection::Postgres(PgConnection::connect(&url).await?)
                }
            })
        };
        let connecting = async { tokio::time::timeout(ANSWER_WITHIN, connecting).await };
        let connected = self.net.within(DB, || self.runtime.block_on(connecting));
        connected.map_err(|it| it.to_string())?.map_err(|it| it.to_string())
    }
}

impl Connection {
    async fn rows(&mut self, sql: &str) -> Result<Vec<String>, sqlx::Error> {
        // The statements stand in these tests.
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::MariaDb(it) => sqlx::query_scalar(sql).fetch_all(it).await,
            Self::Postgres(it) => sqlx::query_scalar(sql).fetch_all(it).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cluster;
    use super::*;

    /// The harness itself, before anything is built on it.
    fn check(kind: Kind) {
        let Some(mut cluster) = Cluster::of(1, kind).prepared() else { return };
        let count = "SELECT CONCAT(COUNT(*)) FROM lease";
        assert_eq!(cluster.database.rows(count), ["0"]);
        let mut session = cluster.database.session();
        assert!(session.rows(count).is_ok());
        cluster.database.freeze();
        assert!(session.rows(count).is_err(), "a frozen database answers never");
        cluster.database.thaw();
        assert!(session.rows(count).is_ok(), "the session connects again");
        cluster.database.kill();
        assert!(session.rows(count).is_err());
        cluster.database.restart();
        assert_eq!(session.rows(count).unwrap(), ["0"], "what was written is there");
        cluster.net.cut(DB, "node-1");
        assert!(session.rows(count).is_ok(), "from within a host it is always reached");
    }

    #[test]
    fn mariadb_is_frozen_and_killed_and_comes_back() {
        check(Kind::MariaDb);
    }

    #[test]
    fn postgresql_is_frozen_and_killed_and_comes_back() {
        check(Kind::Postgres);
    }
}
