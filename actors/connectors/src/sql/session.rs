//! A session with a database: connected, set up, and spoken to in blocking calls.
//!
//! Invariants:
//! - One that failed in the middle of anything is closed, and nobody meets it again.
//! - A server ends a session that holds a transaction open and says nothing for [`IDLE_SECONDS`]: an engine
//!   that froze does not keep others out.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgSslMode};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sqlx::{
    Arguments, AssertSqlSafe, Column as _, ConnectOptions, Connection, Executor, SqlSafeStr,
    Statement as _, TypeInfo as _, query_with, raw_sql,
};
use tokio::runtime::Handle;
use tokio::time::timeout;
use weir_domain::Fault;
use weir_runtime::Stopwatch;

use super::answer::{self, Answer};
use super::codes;
use super::connection::{Address, DatabaseKind, Place, Server, TlsMode};
use super::error;
use super::value::Column;

/// Longest wait for a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a statement.
const STATEMENT: Duration = Duration::from_secs(60);
const IDLE_SECONDS: u32 = 10;
/// Longest wait of a statement for what others have locked.
const LOCK_SECONDS: u32 = 15;
/// One that rested longer may be gone.
const CHECKED_AFTER: Duration = Duration::from_secs(1);
/// One that rested longer is closed.
const KEPT: Duration = Duration::from_secs(8);
/// Statements with more parameters are of all lengths, and are not kept.
const KEPT_PARAMETERS: usize = 16;
/// That many rest, of each database.
const IDLE_MAX: usize = 4;

enum Link {
    Postgres(PgConnection),
    Mysql(MySqlConnection),
    Sqlite(SqliteConnection),
}

pub(super) struct Session {
    pub(super) address: Arc<Address>,
    /// `None` after it broke.
    link: Option<Link>,
    /// In a transaction.
    is_open: bool,
}

/// A column of a query's answer.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) name: String,
    /// As the driver calls it, in upper case.
    pub(super) type_name: String,
}

impl Session {
    pub(super) fn kind(&self) -> DatabaseKind {
        self.address.kind
    }

    /// Runs statements that take no parameters and answer nothing.
    pub(super) fn script(&mut self, text: impl Into<String>) -> Result<(), Fault> {
        let text: String = text.into();
        self.call(async |link| match link {
            Link::Postgres(it) => raw_sql(AssertSqlSafe(text)).execute(it).await.map(drop),
            Link::Mysql(it) => raw_sql(AssertSqlSafe(text)).execute(it).await.map(drop),
            Link::Sqlite(it) => raw_sql(AssertSqlSafe(text)).execute(it).await.map(drop),
        })
    }

    /// Makes something that may be there already, as the statement says. Of two that make it at once
    /// PostgreSQL refuses one all the same: that one finds it there when it asks again.
    pub(super) fn make(&mut self, text: &str) -> Result<(), Fault> {
        match self.script(text) {
            Err(fault) if matches!(fault.code.0, codes::REFUSED | codes::QUERY) => {
                self.script(text)
            }
            made => made,
        }
    }

    /// Runs a statement with the rows of `columns` from `first` on, `count` of them: as one array for
    /// each column to PostgreSQL, row by row to the others. Returns how many rows changed.
    pub(super) fn execute(
        &mut self,
        text: &str,
        columns: &[Column],
        (first, count): (usize, usize),
        is_kept: bool,
    ) -> Result<u64, Fault> {
        let text = AssertSqlSafe(text.to_owned());
        self.call(async |link| match link {
            Link::Postgres(it) => {
                let mut arguments = PgArguments::default();
                for column in columns {
                    let added = column.add_array(&mut arguments, first..first + count);
                    added.map_err(sqlx::Error::Encode)?;
                }
                let done = query_with(text, arguments).persistent(is_kept).execute(it).await?;
                Ok(done.rows_affected())
            }
            Link::Mysql(it) => {
                let mut arguments = MySqlArguments::default();
                for (row, column) in rows(columns, first, count) {
                    column.add_to_mysql(&mut arguments, row).map_err(sqlx::Error::Encode)?;
                }
                let done = query_with(text, arguments).persistent(is_kept).execute(it).await?;
                Ok(done.rows_affected())
            }
            Link::Sqlite(it) => {
                let mut arguments = SqliteArguments::default();
                for (row, column) in rows(columns, first, count) {
                    column.add_to_sqlite(&mut arguments, row).map_err(sqlx::Error::Encode)?;
                }
                let done = query_with(text, arguments).persistent(is_kept).execute(it).await?;
                Ok(done.rows_affected())
            }
        })
    }

    /// The rows that a statement answers with. Texts are its parameters.
    pub(super) fn ask(&mut self, text: &str, texts: &[Option<&str>]) -> Result<Answer, Fault> {
        let text = AssertSqlSafe(text.to_owned());
        self.call(async |link| {
            macro_rules! ask {
                ($link:ident, $arguments:ty, $read:path) => {{
                    let mut arguments = <$arguments>::default();
                    for it in texts {
                        arguments.add(it.map(str::to_owned)).map_err(sqlx::Error::Encode)?;
                    }
                    let query =
                        query_with(text, arguments).persistent(texts.len() <= KEPT_PARAMETERS);
                    let found = query.fetch_all($link).await?;
                    $read(&found)
                }};
            }
            match link {
                Link::Postgres(it) => ask!(it, PgArguments, answer::of_postgres),
                Link::Mysql(it) => ask!(it, MySqlArguments, answer::of_mysql),
                Link::Sqlite(it) => ask!(it, SqliteArguments, answer::of_sqlite),
            }
        })
    }

    /// The columns that a query would answer with.
    pub(super) fn describe(&mut self, text: &str) -> Result<Vec<Described>, Fault> {
        let text = AssertSqlSafe(text.to_owned()).into_sql_str();
        macro_rules! describe {
            ($link:ident) => {{
                let statement = $link.prepare(text).await?;
                let described = statement.columns().iter().map(|it| Described {
                    name: it.name().to_owned(),
                    type_name: it.type_info().name().to_ascii_uppercase(),
                });
                Ok(described.collect())
            }};
        }
        self.call(async |link| match link {
            Link::Postgres(it) => describe!(it),
            Link::Mysql(it) => describe!(it),
            Link::Sqlite(it) => describe!(it),
        })
    }

    /// Does all of it, or nothing.
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<Option<T>, Fault>,
    ) -> Result<Option<T>, Fault> {
        // Not where the session begins: who shares sessions between clients allows it here alone.
        let begin = match self.kind() {
            DatabaseKind::Sqlite => "BEGIN IMMEDIATE".to_owned(),
            DatabaseKind::Mysql => "BEGIN".to_owned(),
            DatabaseKind::Postgres => format!(
                "BEGIN; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; \
                 SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
            ),
        };
        self.script(begin)?;
        self.is_open = true;
        let done = work(self)?;
        self.script(if done.is_some() { "COMMIT" } else { "ROLLBACK" })?;
        self.is_open = false;
        Ok(done)
    }

    /// Waits for a call. After a fault that leaves it unclear where the session stands, it is gone.
    fn call<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Link) -> sqlx::Result<T>,
    ) -> Result<T, Fault> {
        let Some(mut link) = self.link.take() else {
            return Err(error::late(&self.address));
        };
        match within(STATEMENT, work(&mut link)) {
            Some(Ok(done)) => {
                self.link = Some(link);
                Ok(done)
            }
            Some(Err(error)) => {
                if error::is_usable(&error) {
                    self.link = Some(link);
                }
                Err(error::fault(&self.address, &error))
            }
            None => Err(error::late(&self.address)),
        }
    }

    fn ping(&mut self) -> bool {
        self.call(async |link| match link {
            Link::Postgres(it) => it.ping().await,
            Link::Mysql(it) => it.ping().await,
            Link::Sqlite(it) => it.ping().await,
        })
        .is_ok()
    }
}

fn rows(columns: &[Column], first: usize, count: usize) -> impl Iterator<Item = (usize, &Column)> {
    (first..first + count).flat_map(move |row| columns.iter().map(move |it| (row, it)))
}

/// An operator that may block is driven by a runtime nevertheless, which is to be left for that long.
fn within<T>(most: Duration, work: impl Future<Output = T>) -> Option<T> {
    let wait = || Handle::current().block_on(async { timeout(most, work).await.ok() });
    tokio::task::block_in_place(wait)
}

fn connect(address: Arc<Address>, may_create: bool) -> Result<Session, Fault> {
    let connecting = async {
        Ok(match &address.place {
            Place::Server(server) if address.kind == DatabaseKind::Postgres => {
                Link::Postgres(to_postgres(server).await?)
            }
            Place::Server(server) => Link::Mysql(to_mysql(server).await?),
            Place::File(file) => Link::Sqlite(to_sqlite(file, may_create).await?),
        })
    };
    match within(CONNECT, connecting) {
        Some(Ok(link)) => Ok(Session { address, link: Some(link), is_open: false }),
        Some(Err(error)) => Err(error::at_connect(&address, &error)),
        None => Err(error::late(&address)),
    }
}

async fn to_postgres(server: &Server) -> sqlx::Result<PgConnection> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .port(server.port)
        .database(&server.database)
        .username(&server.user)
        .application_name("weir")
        .ssl_mode(match server.tls {
            TlsMode::Verify => PgSslMode::VerifyFull,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::Off => PgSslMode::Disable,
        });
    if let Some(password) = &server.password {
        options = options.password(password.reveal());
    }
    if let Some(ca) = &server.ca {
        options = options.ssl_root_cert(ca);
    }
    options.disable_statement_logging().connect().await
}

async fn to_mysql(server: &Server) -> sqlx::Result<MySqlConnection> {
    let mut options = MySqlConnectOptions::new()
        .host(&server.host)
        .port(server.port)
        .database(&server.database)
        .username(&server.user)
        .pipes_as_concat(false)
        .ssl_mode(match server.tls {
            TlsMode::Verify => MySqlSslMode::VerifyIdentity,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::Off => MySqlSslMode::Disabled,
        });
    if let Some(password) = &server.password {
        options = options.password(password.reveal());
    }
    if let Some(ca) = &server.ca {
        options = options.ssl_ca(ca);
    }
    let mut connection = options.disable_statement_logging().connect().await?;
    // A server that is not strict would cut texts and bend numbers instead of refusing them.
    let set = format!(
        "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'), \
         wait_timeout = {IDLE_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS}; \
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
    );
    raw_sql(AssertSqlSafe(set)).execute(&mut connection).await?;
    Ok(connection)
}

async fn to_sqlite(file: &Path, may_create: bool) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(may_create)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(u64::from(LOCK_SECONDS)))
        .thread_name(|n| format!("weir-sql-{n}"))
        .disable_statement_logging()
        .connect()
        .await
}

/// Connections that rest between calls, by the digests of their addresses.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<Vec<(Session, Stopwatch)>>>);

impl Sessions {
    /// Calls with a session, which is kept if the call ended well.
    pub(super) fn with<T>(
        &self,
        address: &Arc<Address>,
        may_create: bool,
        call: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut session = match self.rested(address) {
            Some(session) => session,
            None => connect(address.clone(), may_create)?,
        };
        let done = call(&mut session)?;
        self.keep(session);
        Ok(done)
    }

    fn rested(&self, address: &Address) -> Option<Session> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|it| it.1.elapsed() < KEPT);
        let at = all.iter().rposition(|it| it.0.address.digest == address.digest)?;
        let (mut session, since) = all.remove(at);
        drop(all);
        (since.elapsed() < CHECKED_AFTER || session.ping()).then_some(session)
    }

    fn keep(&self, session: Session) {
        if session.link.is_none() || session.is_open {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = all.iter().filter(|it| it.0.address.digest == session.address.digest).count();
        if same < IDLE_MAX {
            all.push((session, Stopwatch::start()));
        }
    }
}
