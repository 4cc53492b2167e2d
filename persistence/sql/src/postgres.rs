//! PostgreSQL.

use std::collections::BTreeMap;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Arguments, ConnectOptions, query_as_with, query_with, raw_sql};

use crate::server::dialect::{Class, Columns, Dialect, Doubt, EventRow, Value};
use crate::server::migrate::Migration;
use crate::server::statement::{Statements, text, with_statements};
use crate::server::{ServerSettings, Tls};

pub(crate) struct Postgres;

static STATEMENTS: Statements = with_statements! { load "postgres" };

const MIGRATIONS: [Migration; 5] = [
    Migration { name: "0001_tables", text: text!("postgres", "0001_tables") },
    Migration { name: "0002_objects", text: text!("postgres", "0002_objects") },
    Migration { name: "0003_access", text: text!("postgres", "0003_access") },
    Migration { name: "0004_blobs", text: text!("postgres", "0004_blobs") },
    Migration { name: "0005_items", text: text!("postgres", "0005_items") },
];

fn bound(values: &[Value<'_>]) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match *value {
            Value::Int(it) => arguments.add(it),
            Value::Text(it) => arguments.add(it),
            Value::MaybeText(it) => arguments.add(it),
            Value::Bytes(it) => arguments.add(it),
            Value::Names(names) => arguments.add(names),
            Value::Texts(texts) => arguments.add(texts),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// One array per column.
fn insertion_arguments(rows: &[EventRow<'_>]) -> Result<PgArguments, sqlx::error::BoxDynError> {
    fn column<'r, T>(rows: &'r [EventRow<'r>], of: impl Fn(&'r EventRow<'r>) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    let mut arguments = PgArguments::default();
    arguments.add(column(rows, |it| it.id))?;
    arguments.add(column(rows, |it| it.sequence))?;
    arguments.add(column(rows, |it| it.lease))?;
    arguments.add(column(rows, |it| it.writer))?;
    arguments.add(column(rows, |it| it.epoch))?;
    arguments.add(column(rows, |it| it.manifest))?;
    arguments.add(column(rows, |it| it.form))?;
    arguments.add(column(rows, |it| it.payload))?;
    arguments.add(column(rows, |it| it.checksum))?;
    arguments.add(column(rows, |it| it.command.as_deref()))?;
    Ok(arguments)
}

impl Dialect for Postgres {
    type Connection = PgConnection;

    const STATEMENTS: &'static Statements = &STATEMENTS;
    const MIGRATIONS: &'static [Migration] = &MIGRATIONS;

    async fn connect(settings: &ServerSettings) -> sqlx::Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&settings.host)
            .port(settings.port)
            .database(&settings.database)
            .username(&settings.user)
            .password(settings.password.reveal())
            .application_name("weir");
        let options = match &settings.tls {
            Tls::Off => options.ssl_mode(PgSslMode::Disable),
            Tls::Require => options.ssl_mode(PgSslMode::Require),
            Tls::Verify { ca: None } => options.ssl_mode(PgSslMode::VerifyFull),
            Tls::Verify { ca: Some(ca) } => {
                options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(ca)
            }
        };
        options.disable_statement_logging().connect().await
    }

    async fn script(connection: &mut PgConnection, text: &'static str) -> sqlx::Result<()> {
        raw_sql(text).execute(connection).await.map(drop)
    }

    async fn execute(
        connection: &mut PgConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<u64> {
        let done = query_with(statement, bound(values)?).execute(connection).await?;
        Ok(done.rows_affected())
    }

    async fn rows<T: Columns>(
        connection: &mut PgConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<Vec<T>> {
        query_as_with(statement, bound(values)?).fetch_all(connection).await
    }

    async fn number(
        connection: &mut PgConnection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<Option<i64>> {
        let rows: Vec<(i64,)> = Self::rows(connection, statement, values).await?;
        Ok(rows.first().map(|it| it.0))
    }

    async fn append(connection: &mut PgConnection, rows: &[EventRow<'_>]) -> sqlx::Result<()> {
        let arguments = insertion_arguments(rows).map_err(sqlx::Error::Encode)?;
        query_with(STATEMENTS.event_insert, arguments).execute(connection).await.map(drop)
    }

    fn class(error: &dyn DatabaseError) -> Class {
        let code = error.code();
        match code.as_deref().unwrap_or_default() {
            "23505" => Class::Duplicate,
            "23502" => Class::Null,
            "40001" | "40P01" | "55P03" => Class::Contended,
            // A statement that took too long, a server that starts, and resources that ran out.
            "57014" | "57P03" => Class::Unavailable,
            "53100" => Class::Full,
            "53300" => Class::Crowded,
            code if code.starts_with("53") => Class::Unavailable,
            "25006" => Class::ReadOnly,
            // Shut down, killed, crashed, idle for too long.
            "57P01" | "57P02" | "57P05" | "25P03" => Class::Cut,
            code if code.starts_with("08") => Class::Cut,
            "42P01" | "42703" => Class::Schema,
            "42501" => Class::Forbidden,
            code if code.starts_with("28") => Class::Credentials,
            "3D000" => Class::NoDatabase,
            _ => Class::Refused,
        }
    }

    fn doubts(variables: &BTreeMap<String, String>) -> Vec<Doubt> {
        let off = variables.iter().filter(|(_, value)| *value == "off");
        let doubt = |(name, _): (&String, &String)| {
            Doubt::Warn(format!(
                "{name} is off: a crash of the server's host may lose or damage the database: set \
                 it to on"
            ))
        };
        off.map(doubt).collect()
    }
}
