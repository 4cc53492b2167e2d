//! The stores on real servers: the contract, and what is a server's own.

mod blobs;
mod broken;
mod fence;
mod items;
mod large;
mod open;
mod plans;
mod sessions;
mod streams;
mod tls;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_persistence_api::contract::{Damage, StoreFactory};
use weir_persistence_api::{
    Acquired, Append, Fence, Journal, LeaseName, LeaseStore, Manifest, NewEvent, PersistenceId,
    contract_suite,
};
use weir_test_servers::{self as servers, Options};

use super::*;
use crate::mysql::MariaDb;
use crate::postgres::Postgres;

/// A server that tests may treat as they like.
trait Server: Send + Sync + 'static {
    fn start(options: Options) -> Self;
    fn shared() -> &'static Self;
    fn database(&self) -> servers::Database;
    fn execute_in(&self, database: &str, sql: &str) -> String;
    fn freeze(&self);
    fn thaw(&self);
    fn restart(&mut self);
    fn restart_with(&mut self, arguments: &[&str]);
}

macro_rules! server {
    ($name:ty) => {
        impl Server for $name {
            fn start(options: Options) -> Self {
                Self::start(options)
            }
            fn shared() -> &'static Self {
                Self::shared()
            }
            fn database(&self) -> servers::Database {
                self.database()
            }
            fn execute_in(&self, database: &str, sql: &str) -> String {
                self.execute_in(database, sql)
            }
            fn freeze(&self) {
                self.freeze();
            }
            fn thaw(&self) {
                self.thaw();
            }
            fn restart(&mut self) {
                self.restart();
            }
            fn restart_with(&mut self, arguments: &[&str]) {
                self.restart_with(arguments);
            }
        }
    };
}

server!(servers::MariaDb);
server!(servers::Postgres);

/// A dialect with its server, and what tests ask of it in its own tongue.
trait Tested: Dialect {
    type Server: Server;
    /// The ids of the sessions that append.
    const APPENDING: &'static str;
    /// Shows who waits for a lock; and whether one of the database does.
    const WAITING: &'static str;
    fn is_waiting(shown: &str, database: &str) -> bool;
    /// Ends a session.
    const KILL: &'static str;
    /// Refuses all writes of ordinary users.
    const READ_ONLY: &'static [&'static str];
    /// Does so while it runs, and takes it back.
    const DEMOTE: &'static [&'static str];
    const PROMOTE: &'static [&'static str];
    /// Bytes from their hexadecimal digits.
    const HEXADECIMAL: &'static str;
    /// Fills the item history, so that its indexes are worth it.
    const FILL_ITEMS: &'static [&'static str];
    /// Fills the blobs with as many.
    const FILL_BLOBS: &'static [&'static str];
    /// Fills the streams with as many, of 500 items.
    const FILL_STREAMS: &'static [&'static str];
    /// Makes a database that compares text as people do, if it is not told otherwise.
    const LINGUISTIC: &'static str;
    /// What stands before a statement to be told how it is carried out.
    const EXPLAIN: &'static str;
    /// What a plan says that reads more than it answers with, or sorts.
    const COSTLY: &'static [&'static str];
    /// What a session is set to, as one text, and what that should be.
    const SESSION: &'static str;
    const SESSION_WANTED: &'static str;
}

impl Tested for MariaDb {
    type Server = servers::MariaDb;
    const APPENDING: &'static str = "SELECT id FROM information_schema.processlist WHERE db = \
         DATABASE() AND user <> 'root' AND info LIKE '%INSERT INTO event_journal%'";
    const WAITING: &'static str = "SHOW ENGINE INNODB STATUS";

    // The tables of locks show what they showed when they were last asked a moment ago.
    fn is_waiting(shown: &str, database: &str) -> bool {
        let lock = format!("of table `{database}`.");
        shown.split("\\n").any(|line| line.contains(&lock) && line.contains("waiting"))
    }

    const KILL: &'static str = "KILL :id";
    const READ_ONLY: &'static [&'static str] = &["--read-only"];
    const DEMOTE: &'static [&'static str] = &["SET GLOBAL read_only = 1"];
    const PROMOTE: &'static [&'static str] = &["SET GLOBAL read_only = 0"];
    const SESSION: &'static str = "SELECT CONCAT(@@sql_mode LIKE '%STRICT_ALL_TABLES%', ' ', \
         @@tx_isolation, ' ', @@idle_transaction_timeout, ' ', @@innodb_lock_wait_timeout)";
    const SESSION_WANTED: &'static str = "1 READ-COMMITTED 3 4";
    const HEXADECIMAL: &'static str = "x':digest'";
    const FILL_ITEMS: &'static [&'static str] = &[
        "INSERT INTO item SELECT CONCAT('w/', seq % 3), CONCAT('file-', seq), UUID(), '', 'o', \
         IF(seq % 100 = 0, 'failed', 'done'), 1, 1, 1, 1, seq, seq, '', 1, NULL FROM seq_1_to_20000",
        "ANALYZE TABLE item",
    ];
    const FILL_BLOBS: &'static [&'static str] = &[
        "INSERT INTO stored_blob SELECT CONCAT('jobs/', 1000 + seq DIV 100, '/', 100000 + seq), \
         1, 1, 1, 'x' FROM seq_1_to_20000",
        "ANALYZE TABLE stored_blob",
    ];
    const FILL_STREAMS: &'static [&'static str] = &[
        "INSERT INTO stream (id, workflow, state, is_closed, body) SELECT LPAD(seq, 8, '0'), \
         CONCAT('w-', seq % 3), 'committed', 1, \
         CONCAT('{\"item\":\"in/', seq % 500, '.csv\"}') FROM seq_1_to_20000",
        "ANALYZE TABLE stream",
    ];
    const LINGUISTIC: &'static str = "CREATE DATABASE :name COLLATE utf8mb4_general_ci";
    const EXPLAIN: &'static str = "EXPLAIN FORMAT=JSON ";
    const COSTLY: &'static [&'static str] =
        &["filesort", "temporary_table", "\"access_type\": \"ALL\"", "\"access_type\": \"index\""];
}

impl Tested for Postgres {
    type Server = servers::Postgres;
    const APPENDING: &'static str = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND \
         datname = current_database() AND usename <> 'postgres' AND query LIKE '%INSERT INTO \
         event_journal%'";
    const WAITING: &'static str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = \
         'Lock' AND datname = current_database()";

    fn is_waiting(shown: &str, _database: &str) -> bool {
        shown.trim() != "0"
    }

    const KILL: &'static str = "SELECT pg_terminate_backend(:id)";
    const READ_ONLY: &'static [&'static str] = &["-c", "default_transaction_read_only=on"];
    const DEMOTE: &'static [&'static str] =
        &["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"];
    const PROMOTE: &'static [&'static str] =
        &["ALTER SYSTEM SET default_transaction_read_only = off", "SELECT pg_reload_conf()"];
    const SESSION: &'static str = "SELECT concat_ws(' ', current_setting('synchronous_commit'), \
         current_setting('transaction_isolation'), \
         current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout'))";
    const SESSION_WANTED: &'static str = "on read committed 3s 4s";
    const HEXADECIMAL: &'static str = "decode(':digest', 'hex')";
    const FILL_ITEMS: &'static [&'static str] = &[
        "INSERT INTO item SELECT 'w/' || n % 3, ('file-' || n)::bytea, gen_random_uuid()::text, '', \
         'o', CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'done' END, 1, 1, 1, 1, n, n, '', 1, NULL \
         FROM generate_series(1, 20000) AS n",
        "ANALYZE item",
    ];
    const FILL_BLOBS: &'static [&'static str] = &[
        "INSERT INTO stored_blob SELECT 'jobs/' || 1000 + n / 100 || '/' || 100000 + n, \
         1, 1, 1, 'x' FROM generate_series(1, 20000) AS n",
        "ANALYZE stored_blob",
    ];
    const FILL_STREAMS: &'static [&'static str] = &[
        "INSERT INTO stream (id, workflow, state, is_closed, body) SELECT lpad(n::text, 8, '0'), \
         'w-' || n % 3, 'committed', 1, '{\"item\":\"in/' || n % 500 || '.csv\"}' \
         FROM generate_series(1, 20000) AS n",
        "ANALYZE stream",
    ];
    const LINGUISTIC: &'static str = "CREATE DATABASE :name OWNER weir TEMPLATE template0 LOCALE \
         'C' LOCALE_PROVIDER icu ICU_LOCALE 'en'";
    const EXPLAIN: &'static str = "EXPLAIN ";
    const COSTLY: &'static [&'static str] = &["Sort", "Seq Scan"];
}

/// Runs tests on both servers.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod mariadb {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name::<crate::mysql::MariaDb>().await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name::<crate::postgres::Postgres>().await;
                }
            )*
        }
    };
}
use on_both;

fn settings(database: &servers::Database) -> ServerSettings {
    ServerSettings {
        database: database.name.clone(),
        user: database.user.clone(),
        password: Password::new(&*database.password),
        tls: Tls::Off,
        connections: 4,
        ..ServerSettings::new(&*database.host, database.port)
    }
}

/// The names of all migrations.
fn all_migrations() -> Vec<&'static str> {
    vec!["0001_tables", "0002_objects", "0003_access", "0004_blobs", "0005_items"]
}

/// A new store on the server, with its settings.
async fn store<D: Tested>(server: &D::Server) -> (ServerStore<D>, ServerSettings) {
    let settings = settings(&server.database());
    migrate::migrate::<D>(&settings).await.unwrap();
    (ServerStore::open(settings.clone()).await.unwrap(), settings)
}

/// Databases on the server that all tests share.
struct Factory<D> {
    newest: std::sync::Mutex<Option<ServerSettings>>,
    created: AtomicUsize,
    dialect: std::marker::PhantomData<D>,
}

impl<D> Factory<D> {
    fn new() -> Self {
        Self {
            newest: Default::default(),
            created: AtomicUsize::new(0),
            dialect: Default::default(),
        }
    }
}

#[async_trait]
impl<D: Tested> StoreFactory for Factory<D> {
    type Store = ServerStore<D>;

    async fn create(&self) -> Arc<ServerStore<D>> {
        self.created.fetch_add(1, Ordering::Relaxed);
        let (store, settings) = store::<D>(D::Server::shared()).await;
        *self.newest.lock().unwrap() = Some(settings);
        Arc::new(store)
    }

    async fn reopen(&self, store: Arc<ServerStore<D>>) -> Option<Arc<ServerStore<D>>> {
        store.close().await;
        let settings = self.newest.lock().unwrap().clone().unwrap();
        Some(Arc::new(ServerStore::open(settings).await.unwrap()))
    }

    async fn damage(&self, store: &ServerStore<D>, damage: Damage) -> bool {
        let (change, id, sequence) = match damage {
            Damage::Event { id, sequence } => {
                ("UPDATE event_journal SET event_payload = ''", id, sequence)
            }
            Damage::EventLost { id, sequence } => {
                // Nothing else says how far a journal goes.
                if store.highest(&id).await == Ok(sequence) {
                    return false;
                }
                ("DELETE FROM event_journal", id, sequence)
            }
            Damage::Snapshot { id, sequence } => {
                ("UPDATE snapshot SET snapshot_ser_version = 9", id, sequence)
            }
            Damage::Object { digest } => {
                let of_server = D::HEXADECIMAL.replace(":digest", &digest.to_string());
                let sql =
                    format!("UPDATE object_chunk SET content = '' WHERE digest = {of_server}");
                D::Server::shared().execute_in(&store.sessions.settings.database, &sql);
                return true;
            }
        };
        let sql =
            format!("{change} WHERE persistence_id = '{id}' AND sequence_number = {sequence}");
        D::Server::shared().execute_in(&store.sessions.settings.database, &sql);
        true
    }
}

mod contract_on_mariadb {
    use super::*;
    contract_suite!(Factory::<MariaDb>::new());
}

mod contract_on_postgres {
    use super::*;
    contract_suite!(Factory::<Postgres>::new());
}

const HOUR: Duration = Duration::from_secs(3600);

fn lease() -> LeaseName {
    LeaseName("tests".into())
}

async fn fence<D: Tested>(store: &ServerStore<D>) -> Fence {
    match store.lease_acquire(&lease(), "a", HOUR).await.unwrap() {
        Acquired::Granted(fence) => fence,
        held @ Acquired::Held { .. } => panic!("{held:?}"),
    }
}

fn id(text: &str) -> PersistenceId {
    PersistenceId(text.into())
}

fn event(payload: &[u8]) -> NewEvent {
    NewEvent {
        manifest: Manifest { name: "tests.Happened".into(), version: 1 },
        payload: Bytes::copy_from_slice(payload),
        tags: vec![],
        command: None,
    }
}

fn append(to: &str, fence: &Fence, after: u64, payload: &[u8]) -> Append {
    Append { id: id(to), fence: fence.clone(), after, events: vec![event(payload)] }
}

/// Asks until the answer is given.
async fn wait_until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waiting = tokio::time::timeout(Duration::from_secs(30), asking).await;
    waiting.unwrap_or_else(|_| panic!("it never happened: {what}"))
}

/// Waits until somebody waits for a lock in the database.
async fn wait_for_lock<D: Tested>(server: &D::Server, database: &str) {
    wait_until("a session waits for a lock", async || {
        D::is_waiting(&server.execute_in(database, D::WAITING), database).then_some(())
    })
    .await;
}

fn assert_says(error: &Error, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

fn refusal<T: Debug>(answer: Result<T>) -> Error {
    answer.expect_err("it should be refused")
}
