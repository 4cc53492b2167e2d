//! A configuration server's own store as files, and back again.
//!
//! A backup is a directory: the store as it was at one moment, and the register of the projects. The server
//! may run meanwhile. What it signs with is not in it: whoever has a backup must not be able to speak for the
//! server's users.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use weir_conf::Settings;
use weir_conf::settings::CONFIG_SERVER_DIR;
use weir_domain::Fault;

use super::config_server::LOCK;
use super::lock::{self, DataDir};
use super::refusal;

/// What a backup consists of.
const STORE: &str = "weir.db";
const REGISTER: &str = ".weir-projects.json";

/// Copies what the server of these settings keeps into a new directory.
pub(crate) async fn backup(settings: &Settings, to: &Path) -> Result<Vec<String>, Fault> {
    let store = store(settings)?;
    if !store.exists() {
        let message = format!("there is no store to back up: {} is not there", store.display());
        return Err(Fault::config(185, message).with_hint(
            "give the configuration of the server, or its weir.data-dir, with --conf or -D",
        ));
    }
    is_free(to)?;
    lock::make(to).map_err(|it| failed(to, &it))?;
    let copied = weir_persistence_sql::sqlite::copy(&store, &to.join(STORE)).await;
    copied.map_err(|it| refusal::of_store(&it))?;
    let mut steps = vec![format!("the store is in {}", to.join(STORE).display())];
    let register = register(settings);
    if register.exists() {
        let copy = to.join(REGISTER);
        fs::copy(&register, &copy).map_err(|it| failed(&copy, &it))?;
        steps.push(format!("the register of the projects is in {}", copy.display()));
    }
    Ok(steps)
}

/// Puts a backup where the server of these settings looks for its store, which must be an empty place. The
/// server must not run.
pub(crate) fn restore(settings: &Settings, from: &Path) -> Result<Vec<String>, Fault> {
    let (source, store) = (from.join(STORE), store(settings)?);
    if !source.exists() {
        let message = format!("{} is no backup: it has no {STORE}", from.display());
        return Err(Fault::config(186, message));
    }
    let own_dir = settings.data_dir.join(CONFIG_SERVER_DIR);
    // Held until the files are there.
    let _dir = DataDir::open(&own_dir, LOCK).map_err(|error| {
        let other = |it: anyhow::Error| Fault::config(187, format!("{it:#}"));
        error.downcast::<Fault>().unwrap_or_else(other)
    })?;
    is_free(&store)?;
    // What SQLite finds beside a database it takes for a part of it.
    for part in ["-wal", "-shm", "-journal"] {
        let mut name = store.clone().into_os_string();
        name.push(part);
        is_free(Path::new(&name))?;
    }
    let copy = |from: &Path, to: &Path| {
        let part = to.with_extension("part");
        let copied = fs::copy(from, &part).and_then(|_| fs::File::open(&part)?.sync_all());
        copied.and_then(|()| fs::rename(&part, to)).map_err(|it| failed(to, &it))
    };
    let mut steps = Vec::new();
    let (saved, register) = (from.join(REGISTER), register(settings));
    if saved.exists() && !register.exists() {
        if let Some(home) = register.parent() {
            lock::make(home).map_err(|it| failed(home, &it))?;
        }
        copy(&saved, &register)?;
        steps.push(format!("the register of the projects is {}", register.display()));
    }
    copy(&source, &store)?;
    steps.push(format!("the store is {}", store.display()));
    Ok(steps)
}

fn store(settings: &Settings) -> Result<PathBuf, Fault> {
    let persistence = &settings.config_server.persistence;
    match persistence.server() {
        None => Ok(settings.data_dir.join(CONFIG_SERVER_DIR).join(&persistence.sqlite.file)),
        Some(it) => {
            let message = format!("the store is the database {} on {}", it.database, it.host);
            Err(Fault::config(184, message).with_hint(
                "back it up with the database's own tools, as mariadb-dump --single-transaction or pg_dump",
            ))
        }
    }
}

fn register(settings: &Settings) -> PathBuf {
    settings.in_data_dir(&settings.config_server.projects_dir).join(REGISTER)
}

fn is_free(path: &Path) -> Result<(), Fault> {
    match path.exists() {
        false => Ok(()),
        true => Err(Fault::config(188, format!("{} is there already", path.display()))
            .with_hint("nothing is overwritten: move it away, with all whose names begin like it")),
    }
}

fn failed(path: &Path, error: &io::Error) -> Fault {
    Fault::config(189, format!("{} can't be written: {error}", path.display()))
}
