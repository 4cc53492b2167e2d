//! The schema on a server: verified when a store is opened, changed only when asked to.
//!
//! Migrations are only ever added, each with the next number, and may be run again. A schema that
//! is newer than this program, or that is not ours, is refused untouched.

use std::time::Duration;

use tokio::time::timeout;
use weir_domain::Code;
use weir_persistence_api::{Error, Result};

use super::ServerSettings;
use super::dialect::{Columns, Dialect, Doubt};
use super::error;
use super::session::{Purpose, connect, say_goodbye};

/// One change of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// Longest wait for a change of the schema.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is found in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Empty,
    Foreign,
    Version(usize),
}

fn latest<D: Dialect>() -> usize {
    D::MIGRATIONS.len()
}

async fn one<D: Dialect, T: Columns>(
    connection: &mut D::Connection,
    statement: &'static str,
) -> sqlx::Result<T> {
    let rows = D::rows(connection, statement, &[]).await?;
    rows.into_iter().next().ok_or(sqlx::Error::RowNotFound)
}

async fn look<D: Dialect>(connection: &mut D::Connection) -> sqlx::Result<Found> {
    let s = D::STATEMENTS;
    Ok(match one::<D, (i64, i64)>(connection, s.schema_state).await? {
        (0, 0) => Found::Empty,
        (0, _) => Found::Foreign,
        _ => {
            let (version,) = one::<D, (i64,)>(connection, s.schema_version).await?;
            Found::Version(usize::try_from(version).unwrap_or_default())
        }
    })
}

fn foreign(settings: &ServerSettings) -> Error {
    Error::Rejected(format!(
        "{} has tables, but not those of Weir: give Weir a database of its own",
        settings.at()
    ))
}

fn newer<D: Dialect>(settings: &ServerSettings, found: usize) -> Error {
    Error::Rejected(format!(
        "{} has schema version {found}, this program knows up to {}: run the newer program, or \
         restore a backup from before the upgrade",
        settings.at(),
        latest::<D>()
    ))
}

/// Makes sure that the database can be used: it has the schema of this program and takes writes.
pub(crate) async fn verify<D: Dialect>(settings: &ServerSettings) -> Result<()> {
    let mut connection = connect::<D>(settings, Purpose::Data).await?;
    let looking = async {
        let found = look::<D>(&mut connection).await?;
        let variables = D::rows(&mut connection, D::STATEMENTS.session_variables, &[]).await?;
        Ok((found, variables))
    };
    let looked = timeout(settings.deadline, looking).await;
    let looked = looked.map_err(|_| error::late(settings, settings.deadline))?;
    let (found, variables) = looked.map_err(|e| error::before_commit::<D>(settings, &e))?;
    say_goodbye::<D>(connection).await;
    check_variables::<D>(settings, variables)?;
    let at = settings.at();
    match found {
        Found::Version(it) if it == latest::<D>() => Ok(()),
        Found::Version(it) if it > latest::<D>() => Err(newer::<D>(settings, it)),
        Found::Version(it) => Err(Error::Rejected(format!(
            "{at} has schema version {it}, this program needs {}: run `weir persistence migrate`",
            latest::<D>()
        ))),
        Found::Empty => {
            Err(Error::Rejected(format!("{at} has no tables yet: run `weir persistence migrate`")))
        }
        Found::Foreign => Err(foreign(settings)),
    }
}

/// Refuses a server that is set up so that it can't keep what is promised here, and says where it
/// keeps less.
fn check_variables<D: Dialect>(
    settings: &ServerSettings,
    variables: Vec<(String, String)>,
) -> Result<()> {
    let at = settings.at();
    for doubt in D::doubts(&variables.into_iter().collect()) {
        match doubt {
            Doubt::Refuse(why) => {
                return Err(Error::Rejected(format!("{at} can't be used: {why}")));
            }
            Doubt::Warn(why) => tracing::warn!(code = %Code(5005), at, "{why}"),
        }
    }
    Ok(())
}

/// Brings the schema to the latest version; returns the names of what was applied.
pub(crate) async fn migrate<D: Dialect>(settings: &ServerSettings) -> Result<Vec<&'static str>> {
    let mut connection = connect::<D>(settings, Purpose::Data).await?;
    let migrating = apply::<D>(&mut connection, settings);
    let applied = timeout(PATIENCE, migrating).await;
    let applied = applied.map_err(|_| error::late_at_commit(settings, PATIENCE))?;
    say_goodbye::<D>(connection).await;
    applied
}

async fn apply<D: Dialect>(
    connection: &mut D::Connection,
    settings: &ServerSettings,
) -> Result<Vec<&'static str>> {
    let failed = |e: sqlx::Error| error::before_commit::<D>(settings, &e);
    let s = D::STATEMENTS;
    D::script(connection, s.session_patient).await.map_err(failed)?;
    let (locked,) = one::<D, (i64,)>(connection, s.schema_lock).await.map_err(failed)?;
    if locked != 1 {
        let at = settings.at();
        return Err(Error::Unavailable(format!("somebody else changes the schema of {at} now")));
    }
    let found = match look::<D>(connection).await.map_err(failed)? {
        Found::Empty => 0,
        Found::Foreign => return Err(foreign(settings)),
        Found::Version(it) if it > latest::<D>() => return Err(newer::<D>(settings, it)),
        Found::Version(it) => it,
    };
    let mut applied = Vec::new();
    for (version, migration) in (1_i64..).zip(D::MIGRATIONS).skip(found) {
        D::script(connection, migration.text).await.map_err(failed)?;
        let values = [version.into(), migration.name.into()];
        D::execute(connection, s.schema_applied, &values).await.map_err(failed)?;
        applied.push(migration.name);
    }
    Ok(applied)
}

/// The whole schema as SQL, for people who apply it by hand.
pub(crate) fn plan<D: Dialect>() -> String {
    let mut text = String::new();
    for (version, migration) in (1..).zip(D::MIGRATIONS) {
        let record = D::STATEMENTS.schema_record.replace(":version", &version.to_string());
        let record = record.replace(":name", migration.name);
        text.push_str(&format!("{}\n{record}\n", migration.text));
    }
    text
}
