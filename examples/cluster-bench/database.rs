//! A database server of its own, as safe as an installation should be, and the bare way to its
//! tables: hand-written statements over one connection, in the session's settings that Weir uses.

use std::any::Any;
use std::sync::Arc;

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection};
use weir_persistence_sql::{Backend, Database, Password, ServerSettings, Tls, migrate, open};
use weir_runtime::SystemClock;
use weir_test_servers::{self as servers, MariaDb, Options, Postgres};

/// What an event carries.
pub(crate) const PAYLOAD: [u8; 200] = [b'x'; 200];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MariaDb,
    Postgres,
}

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A server with one database, which has the schema.
pub(crate) struct Server {
    kind: Kind,
    access: servers::Database,
    /// Ends with this value.
    _process: Box<dyn Any + Send + Sync>,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> anyhow::Result<Self> {
        Self::start_with(kind, Options::default()).await
    }

    pub(crate) async fn start_with(kind: Kind, options: Options) -> anyhow::Result<Self> {
        let server = match kind {
            Kind::MariaDb => {
                let server = MariaDb::start(options);
                Self { kind, access: server.database(), _process: Box::new(server) }
            }
            Kind::Postgres => {
                let server = Postgres::start(options);
                Self { kind, access: server.database(), _process: Box::new(server) }
            }
        };
        migrate(&server.backend()).await?;
        Ok(server)
    }

    pub(crate) fn access(&self) -> &servers::Database {
        &self.access
    }

    pub(crate) fn backend(&self) -> Backend {
        let servers::Database { host, port, name, user, password } = self.access.clone();
        let settings = ServerSettings {
            database: name,
            user,
            password: Password::new(password),
            tls: Tls::Off,
            ..ServerSettings::new(host, port)
        };
        match self.kind {
            Kind::MariaDb => Backend::MySql(settings),
            Kind::Postgres => Backend::Postgres(settings),
        }
    }

    pub(crate) async fn store(&self) -> anyhow::Result<Arc<dyn Database>> {
        Ok(open(self.backend(), Arc::new(SystemClock)).await?)
    }

    pub(crate) async fn bare(&self) -> anyhow::Result<Bare> {
        let servers::Database { host, port, name, user, password } = &self.access;
        let place = format!("{user}:{password}@{host}:{port}/{name}");
        Ok(match self.kind {
            Kind::MariaDb => {
                let url = format!("mysql://{place}?ssl-mode=disabled");
                let mut connection = MySqlConnection::connect(&url).await?;
                connection
                    .execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    .await?;
                Bare::MariaDb(connection)
            }
            Kind::Postgres => {
                let url = format!("postgres://{place}?sslmode=disable");
                let mut connection = PgConnection::connect(&url).await?;
                connection
                    .execute("SET plan_cache_mode = force_generic_plan; SET jit = off")
                    .await?;
                Bare::Postgres(connection)
            }
        })
    }
}

/// One connection.
pub(crate) enum Bare {
    MariaDb(MySqlConnection),
    Postgres(PgConnection),
}

/// Id, sequence, epoch, time, manifest, version, payload, checksum, command.
type Row = (String, i64, i64, i64, String, i64, Vec<u8>, i64, Option<String>);

const COLUMNS: &str = "persistence_id, sequence_number, writer, writer_epoch, write_timestamp, \
    event_ser_manifest, event_ser_version, event_payload, checksum, command";

impl Bare {
    /// Inserts events in one statement, each by its id and sequence.
    pub(crate) async fn insert(&mut self, events: &[(&str, i64)]) -> anyhow::Result<()> {
        let count = events.len();
        match self {
            Self::MariaDb(connection) => {
                let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; count].join(",");
                let sql = format!("INSERT INTO event_journal ({COLUMNS}) VALUES {rows}");
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for (id, sequence) in events {
                    query = query.bind(*id).bind(*sequence).bind("bare").bind(1_i64).bind(1_i64);
                    query = query.bind("happened").bind(1_i64).bind(&PAYLOAD[..]).bind(1_i64);
                    query = query.bind(None::<&str>);
                }
                query.execute(connection).await?;
            }
            Self::Postgres(connection) => {
                let sql = format!(
                    "INSERT INTO event_journal ({COLUMNS}) SELECT * FROM unnest($1::text[], \
                     $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], \
                     $7::bigint[], $8::bytea[], $9::bigint[], $10::text[])"
                );
                let ones = vec![1_i64; count];
                sqlx::query(AssertSqlSafe(sql))
                    .bind(events.iter().map(|it| it.0).collect::<Vec<_>>())
                    .bind(events.iter().map(|it| it.1).collect::<Vec<_>>())
                    .bind(vec!["bare"; count])
                    .bind(&ones)
                    .bind(&ones)
                    .bind(vec!["happened"; count])
                    .bind(&ones)
                    .bind(vec![&PAYLOAD[..]; count])
                    .bind(&ones)
                    .bind(vec![None::<&str>; count])
                    .execute(connection)
                    .await?;
            }
        }
        Ok(())
    }

    /// Reads a whole journal, in order; returns how many events and bytes of payload there were.
    pub(crate) async fn read(&mut self, id: &str) -> anyhow::Result<(u64, u64)> {
        let columns = "persistence_id, sequence_number, writer_epoch, write_timestamp, \
            event_ser_manifest, event_ser_version, event_payload, checksum, command";
        let sql = |place| {
            AssertSqlSafe(format!(
                "SELECT {columns} FROM event_journal WHERE persistence_id = {place} \
                 ORDER BY sequence_number"
            ))
        };
        let count =
            async |total: (u64, u64), row: Row| Ok((total.0 + 1, total.1 + row.6.len() as u64));
        let read = match self {
            Self::MariaDb(connection) => {
                let rows = sqlx::query_as::<_, Row>(sql("?")).bind(id).fetch(connection);
                rows.try_fold((0, 0), count).await
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query_as::<_, Row>(sql("$1")).bind(id).fetch(connection);
                rows.try_fold((0, 0), count).await
            }
        };
        Ok(read?)
    }

    pub(crate) async fn execute(&mut self, sql: &'static str) -> anyhow::Result<()> {
        match self {
            Self::MariaDb(connection) => connection.execute(sql).await.map(drop)?,
            Self::Postgres(connection) => connection.execute(sql).await.map(drop)?,
        }
        Ok(())
    }

    /// One number.
    pub(crate) async fn number(&mut self, sql: &str) -> anyhow::Result<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::MariaDb(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
        })
    }
}
