//! A copy of a database that may be in use: what was committed when it began, and nothing else.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, query};
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
