//! MariaDB and MySQL.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sqlx::error::DatabaseError;
use sqlx::mysql::{
    MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode,
};
use sqlx::{
    Arguments, AssertSqlSafe, ConnectOptions, SqlSafeStr, SqlStr, query_as_with, query_with,
    raw_sql,
};

use crate::server::dialect::{Class, Columns, Dialect, Doubt, EventRow, Value};
use crate::server::migrate::Migration;
use crate::server::statement::{Statements, text, with_statements};
use crate::server::{ServerSettings, Tls};

pub(crate) struct MariaDb;

static STATEMENTS: Statements = with_statements! { load "mysql" };

const MIGRATIONS: [Migration; 5] = [
    Migration { name: "0001_tables", text: text!("mysql", "0001_tables") },
    Migration { name: "0002_objects", text: text!("mysql", "0002_objects") },
    Migration { name: "0003_access", text: text!("mysql", "0003_access") },
    Migration { name: "0004_blobs", text: text!("mysql", "0004_blobs") },
    Migration { name: "0005_items", text: text!("mysql", "0005_items") },
];

const ROW_FIRST: &str = text!("mysql", "query/event/row_first");
const ROW: &str = text!("mysql", "query/event/row");

/// How a storage engine says that there is no space, ENOSPC.
const NO_SPACE: &str = "Got error 28";

/// What stands for a list in a statement.
const NAMES: &str = ":names";

/// Statements with lists have few lengths, so that few are prepared: a list is filled up with its
/// last name.
const LIST_LENGTHS: [usize; 4] = [1, 8, 64, 256];

/// Appends of up to that many events stay prepared: each number of events is a statement.
const PREPARED_EVENTS_MAX: usize = 64;

/// Prepared statements that a connection keeps.
const PREPARED_MAX: usize = 160;

const GALERA: &str = "it is a node of a Galera cluster (wsrep_on), whose locks end at the node: a \
     writer that was deposed at one node could still write at another: use a single primary with \
     replicas";

const UNFLUSHED: &str = "innodb_flush_log_at_trx_commit is not 1: the server acknowledges what is \
     not on its disk yet, and a crash of it or of its host loses up to a second of the journal, \
     with decisions on files that were already acted on: set it to 1";

const UNSYNCED: &str = "sync_binlog is not 1: after a crash of the server's host its binary log \
     lacks the last commits, and a replica that takes over lacks them too: set it to 1";

fn list_length(names: usize) -> usize {
    LIST_LENGTHS.into_iter().find(|it| *it >= names).unwrap_or(names)
}

/// The statement with its list written out.
fn listing(statement: &'static str, length: usize) -> SqlStr {
    let marks = vec!["?"; list_length(length)].join(", ");
    AssertSqlSafe(statement.replace(NAMES, &marks)).into_sql_str()
}

/// The list, filled up with its last element.
fn filled<'l, T: Copy>(list: &'l [T]) -> impl Iterator<Item = T> + 'l {
    let filling = list.last().copied().into_iter().cycle();
    list.iter().copied().chain(filling).take(list_length(list.len()))
}

/// The statement with its list written out, and its arguments.
fn bound(statement: &'static str, values: &[Value<'_>]) -> sqlx::Result<(SqlStr, MySqlArguments)> {
    let mut arguments = MySqlArguments::default();
    let mut text = statement.into_sql_str();
    for value in values {
        let added = match *value {
            Value::Int(it) => arguments.add(it),
            Value::Text(it) => arguments.add(it),
            Value::MaybeText(it) => arguments.add(it),
            Value::Bytes(it) => arguments.add(it),
            Value::Names(names) => {
                text = listing(statement, names.len());
                filled(names).try_for_each(|it| arguments.add(it))
            }
            Value::Texts(texts) => {
                text = listing(statement, texts.len());
                filled(texts).try_for_each(|it| arguments.add(it))
            }
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok((text, arguments))
}

/// The statement that inserts so many rows under one fence. Few are used, again and again.
fn common_insertion(rows: &[EventRow<'_>]) -> Arc<str> {
    static WRITTEN: [OnceLock<Arc<str>>; PREPARED_EVENTS_MAX] =
        [const { OnceLock::new() }; PREPARED_EVENTS_MAX];
    Arc::clone(WRITTEN[rows.len() - 1].get_or_init(|| insertion(rows).into()))
}

/// The statement that inserts so many rows, some of them the first under their fence.
fn insertion(rows: &[EventRow<'_>]) -> String {
    let rows = rows.iter().map(|it| if it.lease.is_some() { ROW_FIRST } else { ROW });
    format!("{}{}", STATEMENTS.event_insert, rows.collect::<Vec<_>>().join(","))
}

fn insertion_arguments(rows: &[EventRow<'_>]) -> Result<MySqlArguments, sqlx::error::BoxDynError> {
    let mut arguments = MySqlArguments::default();
    let payloads: usize = rows.iter().map(|it| it.payload.len()).sum();
    arguments.reserve(rows.len() * 12, rows.len() * 256 + payloads);
    for row in rows {
        arguments.add(row.id)?;
        arguments.add(row.sequence)?;
        arguments.add(row.writer)?;
        if let Some(lease) = row.lease {
            arguments.add(lease)?;
            arguments.add(row.writer)?;
        }
        arguments.add(row.epoch)?;
        arguments.add(row.manifest)?;
        arguments.add(row.form)?;
        arguments.add(row.payload)?;
        arguments.add(row.checksum)?;
        arguments.add(row.command.as_deref())?;
    }
    Ok(arguments)
}

impl Dialect for MariaDb {
    type Connection = MySqlConnection;

    const STATEMENTS: &'static Statements = &STATEMENTS;
    const MIGRATIONS: &'static [Migration] = &MIGRATIONS;

    async fn connect(settings: &ServerSettings) -> sqlx::Result<MySqlConnection> {
        let options = MySqlConnectOptions::new()
            .host(&settings.host)
            .port(settings.port)
            .database(&settings.database)
            .username(&settings.user)
            .password(settings.password.reveal())
            .statement_cache_capacity(PREPARED_MAX)
            .pipes_as_concat(false)
            .no_engine_substitution(false);
        let options = match &settings.tls {
            Tls::Off => options.ssl_mode(MySqlSslMode::Disabled),
            Tls::Require => options.ssl_mode(MySqlSslMode::Required),
            Tls::Verify { ca: None } => options.ssl_mode(MySqlSslMode::VerifyIdentity),
            Tls::Verify { ca: Some(ca) } => {
                options.ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca(ca)
            }
        };
        options.disable_statement_logging().connect().await
    }

    async fn script(connection: &mut MySqlConnection, text: &'static str) -> sqlx::Result<()> {
        raw_sql(text).execute(connection).await.map(drop)
    }

    async fn execute(
        connection: &mut MySqlConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<u64> {
        let (text, arguments) = bound(statement, values)?;
        Ok(query_with(text, arguments).execute(connection).await?.rows_affected())
    }

    async fn rows<T: Columns>(
        connection: &mut MySqlConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<Vec<T>> {
        let (text, arguments) = bound(statement, values)?;
        query_as_with(text, arguments).fetch_all(connection).await
    }

    async fn number(
        connection: &mut MySqlConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<Option<i64>> {
        let (text, arguments) = bound(statement, values)?;
        let done = query_with(text, arguments).execute(connection).await?;
        let number =
            i64::try_from(done.last_insert_id()).map_err(|e| sqlx::Error::Decode(e.into()));
        if done.rows_affected() == 0 { Ok(None) } else { number.map(Some) }
    }

    async fn append(connection: &mut MySqlConnection, rows: &[EventRow<'_>]) -> sqlx::Result<()> {
        let arguments = insertion_arguments(rows).map_err(sqlx::Error::Encode)?;
        let is_common = (1..=PREPARED_EVENTS_MAX).contains(&rows.len())
            && rows.iter().skip(1).all(|it| it.lease.is_none());
        let text = match is_common {
            true => AssertSqlSafe(common_insertion(rows)).into_sql_str(),
            false => AssertSqlSafe(insertion(rows)).into_sql_str(),
        };
        query_with(text, arguments).persistent(is_common).execute(connection).await.map(drop)
    }

    fn class(error: &dyn DatabaseError) -> Class {
        let number = error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
        match number {
            Some(1062) => Class::Duplicate,
            Some(1048) => Class::Null,
            Some(1205 | 1213 | 1020) => Class::Contended,
            // Out of memory, a statement that took too long, a node that is not in its cluster.
            Some(1041 | 1047 | 1969 | 3024) => Class::Unavailable,
            // The disk, a table that can't grow, or a file that could not be written.
            Some(3 | 20 | 1021 | 1026 | 1114) => Class::Full,
            Some(1030) if error.message().contains(NO_SPACE) => Class::Full,
            // For all, or for this user.
            Some(1040 | 1203 | 1226) => Class::Crowded,
            Some(1036 | 1290 | 1792 | 1836) => Class::ReadOnly,
            // Shut down, killed, or the network failed on the server's side.
            Some(1053 | 1077..=1080 | 1152 | 1153 | 1158..=1161 | 1184 | 1317 | 1927 | 4031) => {
                Class::Cut
            }
            Some(1054 | 1146) => Class::Schema,
            Some(1044 | 1142 | 1143 | 1227) => Class::Forbidden,
            Some(1045 | 1130 | 1698) => Class::Credentials,
            Some(1049) => Class::NoDatabase,
            _ => Class::Refused,
        }
    }

    fn doubts(variables: &BTreeMap<String, String>) -> Vec<Doubt> {
        let is = |name: &str, value: &str| {
            variables.get(name).is_none_or(|it| it.eq_ignore_ascii_case(value))
        };
        if variables.contains_key("wsrep_on") && is("wsrep_on", "ON") {
            return vec![Doubt::Refuse(GALERA.to_owned())];
        }
        let mut doubts = Vec::new();
        if !is("innodb_flush_log_at_trx_commit", "1") {
            doubts.push(Doubt::Warn(UNFLUSHED.to_owned()));
        }
        if variables.contains_key("log_bin") && is("log_bin", "ON") && !is("sync_binlog", "1") {
            doubts.push(Doubt::Warn(UNSYNCED.to_owned()));
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_keep_less_are_found_out() {
        let doubts = |it: &[(&str, &str)]| {
            let named = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
            MariaDb::doubts(&it.iter().map(named).collect())
        };
        let flushed = ("innodb_flush_log_at_trx_commit", "1");
        assert_eq!(doubts(&[flushed, ("log_bin", "OFF"), ("sync_binlog", "0")]), []);
        assert_eq!(doubts(&[flushed, ("log_bin", "ON"), ("sync_binlog", "1")]), []);
        assert_eq!(doubts(&[flushed, ("wsrep_on", "OFF")]), []);
        let unsynced = doubts(&[flushed, ("log_bin", "ON"), ("sync_binlog", "0")]);
        assert_eq!(unsynced, [Doubt::Warn(UNSYNCED.to_owned())]);
        let unflushed = doubts(&[("innodb_flush_log_at_trx_commit", "2")]);
        assert_eq!(unflushed, [Doubt::Warn(UNFLUSHED.to_owned())]);
        let galera = doubts(&[flushed, ("wsrep_on", "ON")]);
        assert_eq!(galera, [Doubt::Refuse(GALERA.to_owned())]);
    }

    #[test]
    fn lists_have_few_lengths() {
        assert_eq!([1, 2, 8, 9, 256, 300].map(list_length), [1, 8, 8, 64, 256, 300]);
    }
}
