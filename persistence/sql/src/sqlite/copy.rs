//! A copy of a database that may be in use: what was committed when it began, and nothing else.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, query, query_scalar};
use weir_persistence_api::Error;

use super::{error, private};

/// Copies the database to a file that is not there yet, for its owner alone.
pub async fn copy(path: &Path, to: &Path) -> Result<(), Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    let mut from = options.connect().await.map_err(|it| error::at_open(path, &it))?;
    // SQLite fills a file that is there and empty.
    private::keep(to);
    let copied = query("VACUUM INTO ?").bind(to.to_string_lossy().into_owned());
    copied.execute(&mut from).await.map_err(|it| error::at_open(to, &it))?;
    from.close().await.map_err(|it| error::at_open(path, &it))
}

/// Refuses what can't be used as a database: a file that is damaged, or cut off, or none of Weir's.
pub async fn verify(path: &Path) -> Result<(), Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    // A backup is read, and stays as it is.
    let options = options.read_only(true).immutable(true);
    let mut store = options.connect().await.map_err(|it| error::at_open(path, &it))?;
    let failed = |it| error::at_open(path, &it);
    let found: String =
        query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut store).await.map_err(failed)?;
    let tables: i64 =
        query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'event_journal'")
            .fetch_one(&mut store)
            .await
            .map_err(failed)?;
    store.close().await.map_err(failed)?;
    match (found.as_str(), tables) {
        ("ok", 1) => Ok(()),
        (found, _) => {
            let reason = if found == "ok" { "it has no journal" } else { found };
            Err(Error::Corrupt { what: path.display().to_string(), reason: reason.to_owned() })
        }
    }
}
