//! The schema: made or brought up to date when the store is opened, in one transaction.
//!
//! Migrations are only ever added, each with the next number. A schema that is newer than this
//! program, or that is not ours, is refused untouched.

use std::path::Path;

use sqlx::{SqliteConnection, query, query_as, query_scalar, raw_sql};
use weir_domain::Timestamp;
use weir_persistence_api::{Error, Result};

use super::{error, statement};

struct Migration {
    version: i64,
    name: &'static str,
    text: &'static str,
    /// Asks whether it was done before, where its statements can't be repeated.
    done: Option<&'static str>,
}

macro_rules! text {
    ($name:expr) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../schemas/sql/sqlite/",
            $name,
            ".sql"
        ))
    };
}

const MIGRATIONS: [Migration; 6] = [
    Migration { version: 1, name: "0001_tables", text: text!("0001_tables"), done: None },
    Migration {
        version: 2,
        name: "0002_cluster",
        text: text!("0002_cluster"),
        done: Some(text!("0002_cluster_done")),
    },
    Migration { version: 3, name: "0003_objects", text: text!("0003_objects"), done: None },
    Migration {
        version: 4,
        name: "0004_access",
        text: text!("0004_access"),
        done: Some(text!("0004_access_done")),
    },
    Migration { version: 5, name: "0005_blobs", text: text!("0005_blobs"), done: None },
    Migration { version: 6, name: "0006_items", text: text!("0006_items"), done: None },
];

/// The version of the schema that this program reads and writes.
pub(super) const LATEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// Brings the schema to the latest version.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    path: &Path,
    now: Timestamp,
) -> Result<()> {
    let failed = |e: sqlx::Error| error::at_open(path, &e);
    query(statement::BEGIN).execute(&mut *connection).await.map_err(failed)?;
    let found = version(connection, path).await?;
    if found > LATEST {
        return Err(Error::Rejected(format!(
            "the database {} has schema version {found}, this program knows up to {LATEST}: \
             run the newer program, or restore a backup from before the upgrade",
            path.display()
        )));
    }
    for migration in MIGRATIONS.iter().filter(|it| it.version > found) {
        let is_done = match migration.done {
            Some(done) => {
                query_scalar::<_, i64>(done).fetch_one(&mut *connection).await.map_err(failed)? > 0
            }
            None => false,
        };
        if !is_done {
            raw_sql(migration.text).execute(&mut *connection).await.map_err(failed)?;
        }
        query(statement::SCHEMA_APPLIED)
            .bind(migration.version)
            .bind(migration.name)
            .bind(now.0)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    query(statement::COMMIT).execute(&mut *connection).await.map_err(failed)?;
    Ok(())
}

/// The version of the schema that is there; 0 for an empty database.
async fn version(connection: &mut SqliteConnection, path: &Path) -> Result<i64> {
    let failed = |e: sqlx::Error| error::at_open(path, &e);
    let state = query_as(statement::SCHEMA_STATE).fetch_one(&mut *connection).await;
    match state.map_err(failed)? {
        (0_i64, 0_i64) => Ok(0),
        (0, _) => Err(Error::Rejected(format!(
            "{} is a SQLite database, but not one of Weir: choose another file",
            path.display()
        ))),
        _ => query_scalar(statement::SCHEMA_VERSION)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_a_gap() {
        for (expected, migration) in (1..).zip(&MIGRATIONS) {
            assert_eq!(migration.version, expected);
            assert!(migration.name.starts_with(&format!("{expected:04}_")));
        }
    }
}
